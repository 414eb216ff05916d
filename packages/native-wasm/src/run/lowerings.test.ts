/** Launches that differ only in where their operands lie are lowered once, and each reads its own. */
import { evaluate, type Program, type Tensor, tensor, use } from '@ag/tensor';
import { afterAll, expect, it } from 'vitest';
import { wasm } from '../index.ts';
import { lowerProgram } from './bands.ts';

const features = { relaxedSimd: false, tallTiles: true, threads: 1 };
const backend = await wasm({ threads: 1 });
afterAll(() => backend.close());
const programs: Program[] = [];
const prepare = backend.prepare.bind(backend);
backend.prepare = (given) => {
  programs.push(given);
  return prepare(given);
};

const rows = 8;
const columns = 4;
const table = Float32Array.from({ length: rows * columns }, (_, i) => ((i * 7) % 11) - 5);
const weights = Float32Array.from({ length: columns * 3 }, (_, i) => ((i * 5) % 7) - 3);
const at = (row: number, column: number) => table[row * columns + column];
/** Two rows from `start` on times the weights. */
const product = (start: number) =>
  Array.from({ length: 6 }, (_, i) => {
    let sum = 0;
    for (let k = 0; k < columns; k++) sum += at(start + Math.floor(i / 3), k) * weights[k * 3 + (i % 3)];
    return sum;
  });
/** Two rows from `a` on minus two from `b` on. */
const difference = (a: number, b: number) =>
  Array.from({ length: 2 * columns }, (_, i) => {
    const [row, column] = [Math.floor(i / columns), i % columns];
    return at(a + row, column) - at(b + row, column);
  });

/** Evaluates what `of` makes of each item together. */
async function all<T>(
  items: readonly T[],
  of: (x: Tensor, w: Tensor, item: T) => Tensor,
): Promise<number[][]> {
  use(backend);
  const x = tensor(table, { shape: [rows, columns] });
  const w = tensor(weights, { shape: [columns, 3] });
  const results = items.map((item) => of(x, w, item));
  await evaluate(results);
  return Promise.all(results.map(async (result) => Array.from(await result.data())));
}

/** How many launches of one form the last program has, and as how many they were lowered. */
function lowered(form: 'contract' | 'map'): [launches: number, different: number] {
  const program = programs[programs.length - 1];
  const launches = lowerProgram(program, features).lowered.filter(
    ({ launch }) => launch.kernel.form === form,
  );
  expect(launches.every(({ launch }) => launch.operands.some(({ dynamic }) => dynamic.length > 0))).toBe(
    true,
  );
  return [launches.length, new Set(launches.flatMap(({ stages }) => stages.map(({ emit }) => emit))).size];
}

it('shares what products of slices become', async () => {
  const of = (x: Tensor, w: Tensor, start: number) => x.slice(start, start + 2).matmul(w);
  expect(await all([0, 3, 6, 1], of)).toEqual([0, 3, 6, 1].map(product));
  const made = programs.length;
  expect(lowered('contract')).toEqual([4, 1]);
  expect(await all([5, 2, 0, 4], of)).toEqual([5, 2, 0, 4].map(product));
  expect(programs.length).toBe(made);
});

it('tells two slices of one tensor apart', async () => {
  const pairs = [[0, 3], [5, 1], [2, 6], [4, 4]] as const; // biome-ignore format: pairs
  const of = (x: Tensor, _: Tensor, [a, b]: readonly [number, number]) =>
    x.slice(a, a + 2).sub(x.slice(b, b + 2));
  expect(await all(pairs, of)).toEqual(pairs.map(([a, b]) => difference(a, b)));
});
