/**
 * Convolutions and their gradients, to second order, against numbers of PyTorch (`fixtures/convolutions.py`), and the same bits on any
 * number of threads: depthwise ones, which have kernels of their own, and strided ones, whose gradients go by phases.
 */
import { readFileSync } from 'node:fs';
import { gradients } from '@ag/graph';
import { type Backend, conv1d, conv2d, convTranspose2d, evaluate, reference, tensor, use } from '@ag/tensor';
import { afterAll, describe, expect, it } from 'vitest';
import { wasm } from '../backend.ts';

interface Case {
  readonly transposed: number;
  readonly input: readonly number[];
  readonly weight: readonly number[];
  readonly options: Readonly<Record<string, readonly number[]>>;
  readonly output: Digest;
  readonly inputGradient: Digest;
  readonly weightGradient: Digest;
  readonly secondByInput: Digest;
  readonly secondByWeight: Digest;
}

/** Number of elements, their weighted sum, the first, the middle and the last one. */
type Digest = readonly [number, number, number, number, number];

const names = ['output', 'inputGradient', 'weightGradient', 'secondByInput', 'secondByWeight'] as const;

const fixture = new URL('../../fixtures/convolutions.json', import.meta.url);
const cases = JSON.parse(readFileSync(fixture, 'utf8')) as Case[];

const [fused, plain, shared] = await Promise.all([
  wasm({ threads: 1, relaxedSimd: true }),
  wasm({ threads: 1, relaxedSimd: false }),
  wasm({ threads: 3, relaxedSimd: true }),
]);
await shared.startThreads();
afterAll(() => {
  for (const backend of [fused, plain, shared]) backend.close();
});

/** The same in `fixtures/convolutions.py`. */
function elements(shape: readonly number[], seed: number): Float64Array {
  const count = shape.reduce((product, size) => product * size, 1);
  return Float64Array.from(
    { length: count },
    (_, i) => ((i * (7919 + 2 * seed) + 31 * seed) % 1009) / 1009 - 0.5,
  );
}

function results(
  backend: Backend,
  { transposed, input, weight, options }: Case,
  dtype: 'float32' | 'float64',
) {
  use(backend);
  const given = (shape: readonly number[], seed: number) =>
    tensor([...elements(shape, seed)], { shape: [...shape], dtype });
  const x = given(input, 1);
  const w = given(weight, 2);
  const convolve = transposed ? convTranspose2d : input.length === 3 ? conv1d : conv2d;
  const geometry = { ...options, padding: options.padding.map((size) => [size, size] as const) };
  const y = convolve(x, w, { ...geometry, groups: options.groups as never });
  const [dx, dw] = gradients(y.mul(given(y.shape, 3)).sum(), [x, w]);
  const second = gradients(dx.square().sum().add(dw.square().sum().mul(1e-3)), [x, w]);
  const all = [y, dx, dw, ...second];
  evaluate(all);
  return all.map((t) => t.dataSync());
}

function expectDigest(data: ArrayLike<number>, wanted: Digest, tolerance: number, what: string): void {
  const weights = elements([data.length], 5);
  let sum = 0;
  let size = 0;
  for (let i = 0; i < data.length; i++) {
    sum += data[i] * weights[i];
    size += Math.abs(data[i] * weights[i]);
  }
  const found = [data.length, sum, data[0], data[data.length >> 1], data[data.length - 1]];
  expect(found[0], what).toBe(wanted[0]);
  // Single elements are of the size of all.
  const scale = Math.max(1e-3, (4 * size) / data.length);
  expect(Math.abs(found[1] - wanted[1]), `${what}: sum`).toBeLessThan(tolerance * (size + 1));
  for (const i of [2, 3, 4])
    expect(Math.abs(found[i] - wanted[i]), `${what}: element`).toBeLessThan(
      tolerance * (scale + Math.abs(wanted[i])) * 8,
    );
}

describe('as PyTorch', () => {
  for (const given of cases) {
    const what = `${given.transposed ? 'transposed, ' : ''}[${given.input}] with [${given.weight}], ${JSON.stringify(given.options)}`;
    it(what, () => {
      const own = results(fused, given, 'float32');
      names.forEach((name, i) => expectDigest(own[i], given[name], 3e-6, name));
      const separate = results(plain, given, 'float32');
      names.forEach((name, i) => expectDigest(separate[i], given[name], 3e-6, name));
      const wide = results(fused, given, 'float64');
      names.forEach((name, i) => expectDigest(wide[i], given[name], 1e-12, name));
      const oracle = results(reference(), given, 'float64');
      names.forEach((name, i) => expectDigest(oracle[i], given[name], 1e-12, name));
      expect(results(shared, given, 'float32')).toEqual(own);
    });
  }
});
