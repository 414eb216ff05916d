/**
 * Random programs give what the reference backend gives: every kernel form, dtype and kind of stride.
 */
import { type Backend, bytesPerElement, type DType, reference, type TypedArray } from '@ag/tensor';
import { atSeed, testSeeds } from '@ag/tensor/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { wasm } from './index.ts';
import { leaveOnlyHighMemory } from './testing/highMemory.ts';
import { type Case, cases, Random } from './testing/randomPrograms.ts';

function execute(backend: Backend, { program, data, scalars, outputs }: Case): TypedArray[] {
  const executable = backend.prepare(program);
  const bindings = data.map((array, i) => {
    if (!outputs.includes(i) && i % 2 === 0) return array;
    const memory = backend.allocate(array.byteLength);
    backend.write(memory, array);
    return memory;
  });
  backend.run(executable, bindings, scalars);
  const results = outputs.map(
    (i) => backend.readSync!(bindings[i] as never, program.buffers[i].dtype, data[i].length)!,
  );
  for (const binding of bindings) if (!ArrayBuffer.isView(binding)) backend.release(binding);
  backend.dispose(executable);
  return results;
}

/** Where results differ beyond rounding; −1 when nowhere. Integers made from floats may be off by one. */
function difference(actual: TypedArray, wanted: TypedArray, dtype: DType, exact: boolean): number {
  const tolerance = dtype === 'float64' ? 1e-9 : 2e-5;
  for (let i = 0; i < wanted.length; i++) {
    const a = actual[i];
    const b = wanted[i];
    if (Object.is(a, b) || a === b) continue;
    if (Number.isNaN(a) !== Number.isNaN(b)) return i;
    const close = Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(a), Math.abs(b));
    if (!close && (exact || Math.abs(a - b) > 1)) return i;
    if (exact && bytesPerElement(dtype) === 1) return i;
  }
  return -1;
}

describe.each([
  { threads: 1, high: false },
  { threads: 2, high: false },
  { threads: 2, high: true },
])('threads: $threads, memory above 2 GiB: $high', async ({ threads, high }) => {
  const tested = await wasm({ threads });
  await tested.startThreads();
  if (high) leaveOnlyHighMemory(tested);
  const before = tested.stats().bytes;
  const oracle = reference();
  afterAll(() => tested.close());
  const compare = (form: string, seed: number): void => {
    const actual = execute(tested, cases[form](new Random(seed)));
    const example = cases[form](new Random(seed));
    const wanted = execute(oracle, example);
    wanted.forEach((array, i) => {
      const { dtype } = example.program.buffers[example.outputs[i]];
      const floats = JSON.stringify(example.program.launches[0].kernel).includes('float');
      const at = difference(actual[i], array, dtype, !floats);
      if (at >= 0) {
        const launch = JSON.stringify(example.program.launches[0]);
        throw new Error(`output ${i}, element ${at}: ${actual[i][at]} instead of ${array[at]}\n${launch}`);
      }
    });
  };
  it.each(Object.keys(cases))('%s', (form) => {
    for (const seed of testSeeds(250, 3_000)) atSeed(seed, () => compare(form, seed));
  });
  it('holds no memory afterwards', () => {
    // With workers, the code that was last sent to them.
    expect(tested.stats().bytes - before).toBeLessThanOrEqual(threads === 1 ? 0 : 20_000);
  });
});
