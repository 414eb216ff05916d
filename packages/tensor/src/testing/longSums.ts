// biome-ignore-all format: a line of the table is a line of thought
/**
 * Long sums: the error of a sum must not grow with the number of its terms. A hundred thousand float32 numbers show it.
 *
 * Equal terms show it best: in one chain of float32 additions each is rounded the same way, and a hundred thousand tenths are off by
 * 1.4 · 10⁻⁴. The right values are sums in float64 of the float32 elements.
 */
import { conv1d } from '../functions/convolution.ts';
import { tensor, zeros } from '../functions/create.ts';
import { einsum } from '../functions/einsum.ts';
import { concat, stack } from '../functions/free.ts';
import { avgPool2d } from '../functions/pooling.ts';
import type { Tensor } from '../tensor.ts';
import { expectClose, seededRandom } from './compare.ts';

/** No multiple of a vector, a tile or a block. */
const length = 100_003;

/** What is allowed, relative to the sum: some tens of roundings, as of a chain of a hundred equal terms. */
const relative = 5e-6;

const kinds: Record<string, () => Float32Array> = {
  tenths: () => new Float32Array(length).fill(0.1),
  'random numbers': () => {
    const random = seededRandom(5);
    return Float32Array.from({ length }, random);
  },
};

const total = (elements: ArrayLike<number>, of: (x: number, i: number) => number = (x) => x): number => {
  let sum = 0;
  for (let i = 0; i < elements.length; i++) sum += of(elements[i], i);
  return sum;
};

/** Makes the tests; `test` runs a body on the backend. */
export function longSums(test: (name: string, body: () => Promise<void>) => void): void {
  for (const [kind, make] of Object.entries(kinds)) {
    const check = (name: string, actual: (x: Tensor) => Tensor, expected: (x: Float32Array) => number[]): void =>
      test(`${name}, ${kind}`, async () => {
        const elements = make();
        const data = expected(elements);
        await expectClose(
          actual(tensor(elements)).reshape([-1]),
          { shape: [data.length], data },
          { relative, absolute: 0 },
        );
      });
    const square = (x: Float32Array) => total(x, (value) => value * value);
    const shifted = (x: Float32Array, by: number) =>
      total(x, (value, i) => value * x[(i + by) % x.length]);

    check('sum', (x) => x.sum(), (x) => [total(x)]);
    check('mean', (x) => x.mean(), (x) => [total(x) / length]);
    check('norm', (x) => x.square().sum().sqrt(), (x) => [Math.sqrt(square(x))]);
    check('column sums', (x) => x.reshape([length, 1]).broadcastTo([length, 3]).sum(0), (x) => [total(x), total(x), total(x)]);
    check('cumsum', (x) => x.cumsum(0).slice(length - 1), (x) => [total(x)]);
    check('logSumExp', (x) => x.logSumExp().exp(), (x) => [total(x, Math.exp)]);
    check('dot', (x) => x.dot(x), (x) => [square(x)]);
    check('dot with ones, then more', (x) => x.dot(x.mul(0).add(1)).mul(2).add(1), (x) => [2 * total(x) + 1]);
    check('products with a vector', (x) => x.reshape([1, length]).broadcastTo([5, length]).matmul(x), (x) => new Array(5).fill(square(x)));
    check('products of matrices', (x) => rolled(x, 3).matmul(rolled(x, 9).transpose()), (x) => products(3, 9, (i, j) => shifted(x, Math.abs(j - i))));
    check('products of transposed matrices', (x) => columns(x, 7).transpose().matmul(columns(x, 2)), (x) => products(7, 2, (i, j) => shifted(x, Math.abs(j - i))));
    check('batches of products', (x) => einsum('bk,bk->b', rolled(x, 4), rolled(x, 4)), (x) => new Array(4).fill(square(x)));
    check('convolution', (x) => conv1d(x.reshape([1, 1, length]), x.slice(0, length - 2).reshape([1, 1, length - 2])), (x) => [0, 1, 2].map((by) => total(x.subarray(0, length - 2), (value, i) => value * x[i + by])));
    check('avgPool2d', (x) => avgPool2d(x.slice(0, 300 * 300).reshape([1, 1, 300, 300]), 300), (x) => [total(x.subarray(0, 300 * 300)) / 300 ** 2]);
    check('scatterAdd', (x) => zeros([3]).scatterAdd(tensor(new Int32Array(length).fill(1)), x).slice(1, 2), (x) => [total(x)]);
    check('scatterAdd of rows', (x) => zeros([2, 5]).scatterAdd(tensor(Int32Array.from({ length }, (_, i) => i % 2), { shape: [length, 1] }), x.reshape([length, 1]).broadcastTo([length, 5]), 0), (x) => products(2, 5, (i) => total(x, (value, at) => (at % 2 === i ? value : 0))));
  }

  test('scatterAdd of what is not finite', async () => {
    const updates = new Float32Array(3 * 200).fill(0.1);
    updates[3 * 150] = Number.POSITIVE_INFINITY;
    updates[3 * 160 + 1] = Number.NaN;
    const sums = zeros([1, 3]).scatterAdd(
      tensor(new Int32Array(200), { shape: [200, 1] }),
      tensor(updates, { shape: [200, 3] }),
      0,
    );
    await expectClose(sums, { shape: [1, 3], data: [Number.POSITIVE_INFINITY, Number.NaN, 20] }, { relative });
  });
}

/** The vector as `count` rows, each one place further round. */
function rolled(x: Tensor, count: number): Tensor {
  const twice = concat([x, x]);
  return stack(Array.from({ length: count }, (_, i) => twice.slice(i, i + length)));
}

/** The same as columns. */
function columns(x: Tensor, count: number): Tensor {
  return rolled(x, count).transpose().add(0);
}

function products(m: number, n: number, value: (i: number, j: number) => number): number[] {
  return Array.from({ length: m * n }, (_, at) => value(Math.floor(at / n), at % n));
}
