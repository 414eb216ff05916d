import { type Backend, einsum, type Program, type Tensor, tensor, use } from '@ag/tensor';
import { afterAll, describe, expect, it } from 'vitest';
import { wasm } from '../backend.ts';
import { withPartialSums } from './partialSums.ts';

/** Products with long sums against plain loops in float64, with an epilogue and without, on one thread and on several. */
const backends = await Promise.all([1, 2, 3].map((threads) => wasm({ threads, relaxedSimd: 'auto' })));
const [single] = backends as [(typeof backends)[0], ...typeof backends];

afterAll(() => {
  for (const backend of backends) backend.close();
});

/** Numbers in −0.5 … 0.5 that repeat after a prime number of elements. */
const numbers = (length: number, factor: number) =>
  Float32Array.from({ length }, (_, i) => ((i * factor) % 101) / 101 - 0.5);

function compute(backend: Backend, make: () => Tensor): Float32Array {
  use(backend);
  return make().dataSync() as Float32Array;
}

function product(m: number, k: number, n: number, at: (i: number, t: number, j: number) => number): number[] {
  const c: number[] = [];
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let t = 0; t < k; t++) sum += at(i, t, j);
      c.push(sum);
    }
  }
  return c;
}

function expectClose(actual: Float32Array, expected: readonly number[], tolerance: number): void {
  expect(actual.length).toBe(expected.length);
  const worst = expected.reduce((most, value, i) => Math.max(most, Math.abs(value - actual[i])), 0);
  expect(worst).toBeLessThan(tolerance);
}

describe('products with long sums', () => {
  it('become two launches with their partial sums between them', () => {
    const { launches, slots, buffers } = withPartialSums(plain(64, 1000, 100));
    expect(launches.map(({ kernel, dims }) => [kernel.form, ...dims])).toEqual([
      ['contract', 2, 64, 100, 500],
      ['map', 6400],
    ]);
    expect(slots).toEqual([2 * 4 * 6400]);
    expect(buffers[launches[0].operands[2].buffer]).toMatchObject({ kind: 'slot', slot: 0, length: 12800 });
  });

  it('stay as they are where they are short, odd or small', () => {
    for (const [m, k, n] of [
      [64, 300, 100],
      [64, 1001, 100],
      [2, 1000, 2],
    ] as const) {
      const program = plain(m, k, n);
      expect(withPartialSums(program)).toBe(program);
    }
  });

  // The first two in one piece, the others in two.
  it.each([
    [64, 300, 100],
    [40, 1601, 30],
    [64, 1000, 100],
    [7, 40_000, 5],
    [100, 784, 50],
  ])('multiplies [%i, %i] by [%i columns]', (m, k, n) => {
    const a = numbers(m * k, 37);
    const b = numbers(k * n, 53);
    const expected = product(m, k, n, (i, t, j) => a[i * k + t] * b[t * n + j]);
    for (const [left, right] of [
      [() => tensor(a, { shape: [m, k] }), () => tensor(b, { shape: [k, n] })],
      [() => tensor(columns(a, m, k), { shape: [k, m] }).transpose(), () => tensor(b, { shape: [k, n] })],
      [() => tensor(a, { shape: [m, k] }), () => tensor(columns(b, k, n), { shape: [n, k] }).transpose()],
    ] as const) {
      const results = backends.map((backend) => compute(backend, () => left().matmul(right())));
      expectClose(results[0], expected, 1e-6 * k);
      for (const result of results) expect(result).toEqual(results[0]);
    }
  });

  it('finishes them with what follows, extras and literals included', () => {
    const [m, k, n] = [64, 1000, 100];
    const a = numbers(m * k, 37);
    const b = numbers(k * n, 53);
    const bias = numbers(n, 11);
    const make = () =>
      tensor(a, { shape: [m, k] })
        .matmul(tensor(b, { shape: [k, n] }))
        .mul(0.125)
        .add(tensor(bias))
        .sigmoid();
    const sums = product(m, k, n, (i, t, j) => a[i * k + t] * b[t * n + j]);
    const expected = sums.map((sum, i) => 1 / (1 + Math.exp(-(0.125 * sum + bias[i % n]))));
    const results = backends.map((backend) => compute(backend, make));
    expectClose(results[0], expected, 1e-4);
    for (const result of results) expect(result).toEqual(results[0]);
  });

  it('sums over several axes', () => {
    const [images, pixels, inputs, outputs] = [6, 500, 24, 40];
    const x = numbers(images * inputs * pixels, 37);
    const y = numbers(images * outputs * pixels, 53);
    const make = () =>
      einsum(
        'bip,bop->io',
        tensor(x, { shape: [images, inputs, pixels] }),
        tensor(y, { shape: [images, outputs, pixels] }),
      );
    const expected = product(inputs, images * pixels, outputs, (i, t, o) => {
      const [image, pixel] = [Math.floor(t / pixels), t % pixels];
      return x[(image * inputs + i) * pixels + pixel] * y[(image * outputs + o) * pixels + pixel];
    });
    const results = backends.map((backend) => compute(backend, make));
    expectClose(results[0], expected, 1e-6 * images * pixels);
    for (const result of results) expect(result).toEqual(results[0]);
  });

  it('leaves float64 as exact as it was', () => {
    const [m, k, n] = [20, 3000, 20];
    const a = Float64Array.from(numbers(m * k, 37));
    const b = Float64Array.from(numbers(k * n, 53));
    use(single);
    const actual = tensor(a, { shape: [m, k] })
      .matmul(tensor(b, { shape: [k, n] }))
      .dataSync();
    const expected = product(m, k, n, (i, t, j) => a[i * k + t] * b[t * n + j]);
    expected.forEach((value, i) => expect(actual[i]).toBeCloseTo(value, 10));
  });
});

/** A program of nothing but a product. */
function plain(m: number, k: number, n: number): Program {
  const operand = (buffer: number, columns: number) => ({
    buffer,
    offset: 0,
    dynamic: [],
    strides: [columns, 1],
  });
  const dtype = 'float32';
  return {
    slots: [],
    buffers: [m * k, k * n, m * n].map((length, binding) => ({ kind: 'bound', binding, dtype, length })),
    bindingCount: 3,
    scalarCount: 0,
    launches: [
      {
        kernel: {
          form: 'contract',
          batchRank: 0,
          mRank: 1,
          nRank: 1,
          kRank: 1,
          dtype,
          extras: [],
          outputs: [{ dtype, accumulate: false }],
          epilogue: { instructions: [{ op: 'accumulator', dtype }], results: [0] },
        },
        dims: [m, n, k],
        operands: [operand(0, k), operand(1, n), operand(2, n)],
        literals: [],
        label: 'matmul',
      },
    ],
  };
}

/** The columns of a matrix, one after the other. */
function columns(matrix: Float32Array, rows: number, width: number): Float32Array {
  return Float32Array.from(
    { length: rows * width },
    (_, i) => matrix[(i % rows) * width + Math.floor(i / rows)],
  );
}
