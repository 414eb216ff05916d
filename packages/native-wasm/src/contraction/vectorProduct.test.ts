/** Matrices times vectors against plain loops in float64: every transposition, batches, epilogues, one thread and several. */
import { type DType, maximum, type Tensor, tensor, use } from '@ag/tensor';
import { afterAll, describe, expect, it } from 'vitest';
import { wasm } from '../backend.ts';

const backends = await Promise.all(
  [1, 2, 3].flatMap((threads) =>
    (['auto', false] as const).map((relaxedSimd) => wasm({ threads, relaxedSimd })),
  ),
);
await Promise.all(backends.map((backend) => backend.startThreads()));

afterAll(() => {
  for (const backend of backends) backend.close();
});

/** Numbers in −0.5 … 0.5 that repeat after a prime number of elements. */
const numbers = (length: number, factor: number) =>
  Float64Array.from({ length }, (_, i) => ((i * factor) % 101) / 101 - 0.5);

/** The same bits on all backends. */
function everywhere(make: () => Tensor): ArrayLike<number> {
  const results = backends.map((backend) => {
    use(backend);
    return make().dataSync();
  });
  for (const result of results) expect(result).toEqual(results[0]);
  return results[0];
}

function matrix(rows: number, columns: number, factor: number, turned: boolean, dtype: DType): Tensor {
  const elements = numbers(rows * columns, factor);
  const shape = turned ? [columns, rows] : [rows, columns];
  const data = turned
    ? Float64Array.from(elements, (_, i) => elements[(i % rows) * columns + Math.floor(i / rows)])
    : elements;
  const made = tensor(data, { shape, dtype });
  return turned ? made.transpose() : made;
}

const sizes = [1, 7, 16, 17, 50, 510];

describe.each(['float32', 'float64'] as const)('a matrix times a vector, %s', (dtype) => {
  const tolerance = dtype === 'float32' ? 1e-5 : 1e-13;

  it.each(sizes)('of %i results', (n) => {
    for (const k of sizes) {
      const a = numbers(k, 37);
      const b = numbers(k * n, 53);
      const bias = numbers(n, 11);
      const expected = Array.from({ length: n }, (_, j) => {
        let sum = bias[j];
        for (let t = 0; t < k; t++) sum += a[t] * b[t * n + j];
        return Math.max(sum, 0);
      });
      for (const turned of [false, true]) {
        const row = everywhere(() =>
          maximum(
            tensor(a, { shape: [1, k], dtype })
              .matmul(matrix(k, n, 53, turned, dtype))
              .add(tensor(bias, { dtype })),
            0,
          ),
        );
        const column = everywhere(() =>
          maximum(
            matrix(k, n, 53, turned, dtype)
              .transpose()
              .matmul(tensor(a, { shape: [k, 1], dtype }))
              .add(tensor(bias, { shape: [n, 1], dtype })),
            0,
          ),
        );
        for (let j = 0; j < n; j++) {
          expect(Math.abs(row[j] - expected[j])).toBeLessThan(tolerance);
          expect(Math.abs(column[j] - expected[j])).toBeLessThan(tolerance);
        }
      }
    }
  });

  it('for each of a batch, as attention asks with one query', () => {
    const [batch, n, k] = [6, 33, 40];
    const a = numbers(batch * k, 37);
    const b = numbers(batch * n * k, 53);
    const result = everywhere(() =>
      tensor(a, { shape: [batch, 1, k], dtype }).matmul(
        tensor(b, { shape: [batch, n, k], dtype }).transpose(),
      ),
    );
    for (let i = 0; i < batch * n; i++) {
      let sum = 0;
      for (let t = 0; t < k; t++) sum += a[Math.floor(i / n) * k + t] * b[i * k + t];
      expect(Math.abs(result[i] - sum)).toBeLessThan(tolerance);
    }
  });
});

it('adds a million equal terms without drift', () => {
  const k = 1_000_000;
  const result = everywhere(() =>
    tensor(new Float32Array(k).fill(0.1), { shape: [1, k] }).matmul(
      tensor(new Float32Array(3 * k).fill(0.1), { shape: [3, k] }).transpose(),
    ),
  );
  for (let j = 0; j < 3; j++) expect(result[j] / (Math.fround(0.1) ** 2 * k)).toBeCloseTo(1, 5);
});
