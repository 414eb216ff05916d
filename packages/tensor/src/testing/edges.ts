/**
 * Operations on tensors without elements or without axes.
 */
import {
  argsort,
  avgPool2d,
  concat,
  conv2d,
  gather,
  key,
  maxPool2d,
  ones,
  type Shape,
  scatterAdd,
  sizeOf,
  sort,
  stack,
  type Tensor,
  take,
  tensor,
  tril,
  uniform,
  zeros,
} from '../index.ts';

/** Name, result, its shape, and what all its elements are. */
export function edgeCases(): readonly (readonly [string, () => Tensor, Shape, number])[] {
  const none = (...shape: number[]): Tensor => tensor([], { shape });
  const index = (shape: Shape, value = 0): Tensor =>
    tensor(new Array(sizeOf(shape)).fill(value), { shape, dtype: 'int32' });
  const scalar = (value = 2): Tensor => tensor(value);
  return [
    ['reshape', () => none(0, 3).reshape([3, 0, 2]), [3, 0, 2], 0],
    ['permute and flip', () => none(0, 3).transpose().flip().exp(), [3, 0], 0],
    ['slice to nothing', () => ones([4, 3]).slice(2, 2).add(1), [0, 3], 0],
    ['broadcast', () => none(0, 1).add(ones([3])), [0, 3], 0],
    ['pad', () => none(0, 3).pad([[1, 1], [0, 0]], 5), [2, 3], 5],
    ['concat', () => concat([none(0, 3), ones([2, 3]), none(0, 3)]), [2, 3], 1],
    ['stack', () => stack([none(0), none(0)]), [2, 0], 0],
    ['tril', () => tril(none(0, 3)), [0, 3], 0],
    ['where', () => none(0).greater(0).where(none(0), 1), [0], 0],
    ['cast', () => none(0, 2).cast('int32'), [0, 2], 0],
    ['uniform', () => uniform([0, 2], { key: key(1) }), [0, 2], 0],
    ['matmul without rows', () => none(0, 2).matmul(ones([2, 3])), [0, 3], 0],
    ['matmul without columns', () => ones([2, 2]).matmul(none(2, 0)), [2, 0], 0],
    ['matmul without terms', () => none(2, 0).matmul(none(0, 3)).add(1), [2, 3], 1],
    ['matmul without batches', () => none(0, 2, 3).matmul(ones([3, 4])), [0, 2, 4], 0],
    ['sum', () => none(0, 3).sum(0), [3], 0],
    ['sum of rows that are not there', () => none(0, 3).sum(1), [0], 0],
    ['prod', () => none(2, 0).prod(1), [2], 1],
    ['mean', () => none(2, 0).mean(1), [2], Number.NaN],
    ['any and all', () => none(2, 0).any(1).logicalNot().logicalAnd(none(2, 0).all(1)), [2], 1],
    ['max of rows that are not there', () => none(0, 3).max(1), [0], 0],
    ['argmax of rows that are not there', () => none(0, 3).argmax(1), [0], 0],
    ['softmax', () => none(0, 3).softmax(1), [0, 3], 0],
    ['softmax over nothing', () => none(2, 0).softmax(1), [2, 0], 0],
    ['cumsum', () => none(0, 3).cumsum(0), [0, 3], 0],
    ['cumsum of nothing', () => none(2, 0).cumsum(1), [2, 0], 0],
    ['sort', () => sort(none(2, 0)), [2, 0], 0],
    ['argsort of rows that are not there', () => argsort(none(0, 3)), [0, 3], 0],
    ['take nothing', () => take(ones([4, 3]), index([0])), [0, 3], 0],
    ['gather nothing', () => gather(ones([4, 3]), index([0, 3]), 0), [0, 3], 0],
    ['scatter nothing', () => scatterAdd(ones([4, 3]), index([0, 3]), none(0, 3), 0), [4, 3], 1],
    ['conv2d without images', () => conv2d(none(0, 2, 5, 5), ones([3, 2, 3, 3])), [0, 3, 3, 3], 0],
    ['conv2d without channels', () => conv2d(none(2, 0, 5, 5), none(3, 0, 3, 3)), [2, 3, 3, 3], 0],
    ['pooling without images', () => maxPool2d(none(0, 2, 4, 4), 2).add(avgPool2d(none(0, 2, 4, 4), 2)), [0, 2, 2, 2], 0],
    ['elementwise of a scalar', () => scalar().mul(3).neg().abs(), [], 6],
    ['a scalar reshaped and back', () => scalar().reshape([1, 1]).transpose().reshape([]), [], 2],
    ['a scalar broadcast', () => scalar().broadcastTo([2, 3]), [2, 3], 2],
    ['reductions of a scalar', () => scalar().sum().add(scalar().max()).add(scalar().mean()).add(scalar().prod()), [], 8],
    ['a scalar and a vector', () => scalar().sub(zeros([3])), [3], 2],
    ['taking one element', () => take(ones([3]).mul(7), index([], 2)), [], 7],
    ['a product of two vectors', () => ones([5]).matmul(ones([5])), [], 5],
  ]; // biome-ignore format: a table
}
