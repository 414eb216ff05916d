/**
 * Long sums of products, beyond what the conformance suite asks of every backend: millions of terms, gradients of filters, strides,
 * accumulation, zeros that are left out. Right values are sums in float64 of the float32 elements. Any number of
 * threads gives the same bits.
 */
import { backward, grad } from '@ag/graph';
import { conv2d, einsum, ones, type Tensor, tensor, use, Variable } from '@ag/tensor';
import { seededRandom } from '@ag/tensor/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { wasm } from '../index.ts';

const relaxed = (await wasm({ threads: 1 })).relaxedSimd;
const backends = await Promise.all(
  [false, ...(relaxed ? [true] : [])].flatMap((relaxedSimd) =>
    [1, 2, 3].map((threads) => wasm({ threads, relaxedSimd })),
  ),
);
await Promise.all(backends.map((backend) => backend.startThreads()));
afterAll(() => {
  for (const backend of backends) backend.close();
});

/** Computes on all backends: results must be near the right ones, and have the same bits for all numbers of threads. */
function check(make: () => Tensor, expected: readonly number[], relative = 2e-6): void {
  let bits: ArrayLike<number> = [];
  for (const backend of backends) {
    use(backend);
    const data = make().dataSync();
    expect(data.length).toBe(expected.length);
    const worst = expected.reduce(
      (most, value, i) => Math.max(most, Math.abs(data[i] - value) / Math.abs(value)),
      0,
    );
    expect(worst, `threads ${backend.threads}, ${backend.arithmetic}`).toBeLessThan(relative);
    if (backend.threads > 1) expect(data).toEqual(bits);
    bits = data;
  }
}

const tenth = Math.fround(0.1);
const tenths = (length: number) => new Float32Array(length).fill(0.1);
const random = (length: number, seed: number) => Float32Array.from({ length }, seededRandom(seed));
const sum = (n: number, term: (i: number) => number): number => {
  let total = 0;
  for (let i = 0; i < n; i++) total += term(i);
  return total;
};

describe('long sums of products', () => {
  it('ten million tenths', () => {
    const n = 1e7;
    const x = tenths(n);
    check(() => tensor(x).dot(ones([n])), [n * tenth]);
    check(() => tensor(x).dot(tensor(x)), [n * tenth * tenth]);
  });

  // On either side of where blocks, chains and totals end.
  it.each([255, 256, 257, 511, 513, 1023, 1024, 1025, 1030, 8191, 8192, 8193, 8705, 16_385, 50_003])(
    'matrices with sums of %i products, in every transposition, with what follows',
    (k) => {
      const [m, n] = [7, 19];
      const a = random(m * k, 1);
      const b = random(k * n, 2);
      const turned = (x: Float32Array, rows: number, columns: number) =>
        Float32Array.from({ length: x.length }, (_, i) => x[(i % rows) * columns + Math.floor(i / rows)]);
      const expected = Array.from({ length: m * n }, (_, at) => {
        const [i, j] = [Math.floor(at / n), at % n];
        return sum(k, (t) => a[i * k + t] * b[t * n + j]);
      });
      const [aTurned, bTurned] = [turned(a, m, k), turned(b, k, n)];
      for (const left of [
        () => tensor(a, { shape: [m, k] }),
        () => tensor(aTurned, { shape: [k, m] }).transpose(),
      ]) {
        for (const right of [
          () => tensor(b, { shape: [k, n] }),
          () => tensor(bTurned, { shape: [n, k] }).transpose(),
        ]) {
          check(() => left().matmul(right()), expected);
        }
      }
      check(
        () =>
          tensor(a, { shape: [m, k] })
            .matmul(tensor(b, { shape: [k, n] }))
            .mul(2)
            .add(1)
            .relu(),
        expected.map((value) => 2 * value + 1),
      );
    },
  );

  it('equal terms in wide results, whose sums wait in working memory', () => {
    const [m, k, n] = [70, 9001, 1100];
    const a = tenths(m * k);
    const b = tenths(k * n);
    check(
      () => tensor(a, { shape: [m, k] }).matmul(tensor(b, { shape: [k, n] })),
      new Array(m * n).fill(k * tenth * tenth),
    );
  });

  it('every second element, and one row for all', () => {
    const n = 300_001;
    const x = random(2 * n, 3);
    const every = sum(n, (i) => x[2 * i] ** 2);
    check(
      () =>
        tensor(x)
          .slice(0, 2 * n, { step: 2 })
          .dot(tensor(x).slice(0, 2 * n, { step: 2 })),
      [every],
    );
    check(
      () =>
        tensor(x)
          .reshape([1, 2 * n])
          .broadcastTo([3, 2 * n])
          .matmul(tensor(x)),
      new Array(3).fill(sum(2 * n, (i) => x[i] ** 2)),
    );
  });

  it('batches', () => {
    const [batch, k] = [5, 60_000];
    const x = random(batch * 2 * k, 4);
    check(
      () => einsum('bik,bjk->bij', tensor(x, { shape: [batch, 2, k] }), tensor(x, { shape: [batch, 2, k] })),
      Array.from({ length: batch * 4 }, (_, at) => {
        const [b, i, j] = [at >> 2, (at >> 1) & 1, at & 1];
        return sum(k, (t) => x[(2 * b + i) * k + t] * x[(2 * b + j) * k + t]);
      }),
    );
  });

  it('the gradient of a filter over a million places, of its input over a thousand channels, and the bias', () => {
    const [height, width, size] = [1002, 1002, 3];
    const x = random(height * width, 6);
    const places = 1000 * 1000;
    const byPlace = Array.from({ length: size * size }, (_, at) => {
      const [dy, dx] = [Math.floor(at / size), at % size];
      return sum(places, (i) => x[(Math.floor(i / 1000) + dy) * width + (i % 1000) + dx]);
    });
    check(
      () =>
        grad((filter: Tensor) => conv2d(tensor(x, { shape: [1, 1, height, width] }), filter).sum())(
          ones([1, 1, size, size]),
        ),
      byPlace,
    );
    const equal = tenths(height * width);
    check(
      () =>
        grad((filter: Tensor) => conv2d(tensor(equal, { shape: [1, 1, height, width] }), filter).sum())(
          ones([1, 1, size, size]),
        ),
      new Array(size * size).fill(places * tenth),
    );
    const [channels, filters] = [1100, 3];
    const image = tenths(channels * 25);
    check(
      () => conv2d(tensor(image, { shape: [1, channels, 5, 5] }), ones([filters, channels, 3, 3])),
      new Array(filters * 9).fill(channels * 9 * tenth),
    );
    check(
      () =>
        grad((pixels: Tensor) => conv2d(pixels, ones([1100, 1, 3, 3]).mul(0.1)).sum())(ones([1, 1, 3, 3])),
      new Array(9).fill(1100 * tenth),
    );
  });

  it('gradients that are added to', () => {
    const k = 200_000;
    const x = random(k * 2, 7);
    check(
      () => {
        const weight = new Variable(ones([2, 3]));
        for (let i = 0; i < 2; i++)
          backward(
            tensor(x, { shape: [k, 2] })
              .matmul(weight.value)
              .sum(),
          );
        return weight.grad!;
      },
      Array.from({ length: 6 }, (_, at) => 2 * sum(k, (i) => x[2 * i + Math.floor(at / 3)])),
    );
  });

  it('leaves zeros out without changing a bit', () => {
    const [m, k, n] = [40, 20_000, 48];
    const a = random(m * k, 8);
    // Three in four stretches of k are empty in all rows; and a full matrix with the same values, of which the others vanish.
    for (let t = 0; t < k; t++) if (Math.floor(t / 50) % 4) for (let i = 0; i < m; i++) a[i * k + t] = 0;
    const b = random(k * n, 9);
    const expected = Array.from({ length: m * n }, (_, at) => {
      const [i, j] = [Math.floor(at / n), at % n];
      return sum(k, (t) => a[i * k + t] * b[t * n + j]);
    });
    check(() => tensor(a, { shape: [m, k] }).matmul(tensor(b, { shape: [k, n] })), expected);
    check(
      () =>
        tensor(b, { shape: [k, n] })
          .transpose()
          .matmul(tensor(a, { shape: [m, k] }).transpose())
          .transpose()
          .add(0),
      expected,
    );
  });

  it('float64 and integers as before', () => {
    const k = 100_003;
    const x = Float64Array.from({ length: k }, () => 0.1);
    for (const backend of backends) {
      use(backend);
      expect(Math.abs(tensor(x).dot(tensor(x)).dataSync()[0] / (k * 0.1 * 0.1) - 1)).toBeLessThan(1e-13);
      const whole = tensor(Int32Array.from({ length: k }, (_, i) => (i * 48_271) % 65_537));
      let wrapped = 0;
      for (let i = 0; i < k; i++)
        wrapped = (wrapped + Math.imul((i * 48_271) % 65_537, (i * 48_271) % 65_537)) | 0;
      expect(whole.dot(whole).dataSync()[0]).toBe(wrapped);
    }
  });
});
