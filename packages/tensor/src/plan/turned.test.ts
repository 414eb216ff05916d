/** Products that are read in another order are written in it: one kernel, the same elements, the same bits. */
import { afterEach, describe, expect, it } from 'vitest';
import { einsum, evaluate, reference, type Tensor, tensor, use } from '../index.ts';
import { nullBackend } from '../testing/nullBackend.ts';

const counted = (shape: readonly number[], from: number): Tensor =>
  tensor(
    Float32Array.from(
      { length: shape.reduce((n, x) => n * x, 1) },
      (_, i) => (((i + from) * 37) % 101) / 50 - 1,
    ),
    { shape },
  );

const launchesOf = (...results: Tensor[]): readonly string[] => {
  const device = nullBackend();
  use(device);
  evaluate(results);
  return device.last.labels;
};
afterEach(() => use(reference()));

describe('a product', () => {
  const product = (): Tensor => counted([4, 3], 1).matmul(counted([3, 5], 2));

  it('goes on with what reads it transposed', () => {
    expect(launchesOf(product().transpose().mul(2).add(1))).toEqual(['contract·mul·add']);
    const turned = product().transpose();
    expect(launchesOf(turned.add(1), turned.square())).toEqual(['contract·add·square']);
  });

  it('stays as it is where it is read in both ways, or is itself a result', () => {
    const twice = product();
    expect(launchesOf(twice.transpose().mul(2), twice.mul(3)).length).toBe(2);
    const kept = product();
    expect(launchesOf(kept, kept.transpose().mul(2)).length).toBe(2);
  });

  it('has the elements that it had', async () => {
    // Read straight as well, it is written straight.
    const straight = product();
    const [turned, expected] = [product().transpose().mul(2), straight.transpose().mul(2)];
    evaluate([expected, straight]);
    expect(await turned.toArray()).toEqual(await expected.toArray());
    // (x·w)ᵀ of [[1, 2], [3, 4]] · [[5], [6]] is [[17, 39]].
    const small = tensor([
      [1, 2],
      [3, 4],
    ]).matmul(tensor([[5], [6]]));
    expect(await small.transpose().add(1).toArray()).toEqual([[18, 40]]);
  });

  it('of batches moves them between its rows and columns, never behind', async () => {
    const heads = (): Tensor => counted([2, 3, 4, 5], 3).matmul(counted([2, 3, 5, 6], 4));
    for (const order of [
      [0, 2, 1, 3],
      [2, 0, 1, 3],
      [0, 1, 3, 2],
      [3, 2, 1, 0],
      [3, 2, 0, 1],
    ]) {
      const straight = heads();
      const expected = straight.permute(order).mul(2);
      evaluate([expected, straight]);
      expect(await heads().permute(order).mul(2).data()).toEqual(await expected.data());
      const behind = order[3] < 2;
      expect(launchesOf(heads().permute(order).mul(2)).length, `${order}`).toBe(behind ? 2 : 1);
      use(reference());
    }
  });

  it('adds up its terms in the same order either way', async () => {
    const a = counted([7, 30, 40], 5);
    const b = counted([40, 9, 30], 6);
    const straight = einsum('mij,jni->mn', a, b);
    const expected = straight.transpose().add(0);
    evaluate([expected, straight]);
    expect(await einsum('mij,jni->mn', a, b).transpose().add(0).data()).toEqual(await expected.data());
  });
});
