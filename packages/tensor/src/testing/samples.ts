/**
 * Numbers for tests: drawn from ranges, broadcast, in memory in several layouts.
 */
import { type DType, isFloat, type Shape, sizeOf, type Tensor, tensor } from '../index.ts';
import { seededRandom } from './compare.ts';

export type Interval = readonly [low: number, high: number];

/** Uniform float32 numbers, or whole ones, that a seed decides. */
export function uniformNumbers(
  size: number,
  [low, high]: Interval,
  integer: boolean,
  seed: number,
): number[] {
  const random = seededRandom(seed);
  return Array.from({ length: size }, () => {
    const x = low + (high - low) * random();
    return integer ? Math.round(x) : Math.fround(x);
  });
}

/** All positions of a shape in row-major order. */
export function positionsOf(shape: Shape): number[][] {
  let all: number[][] = [[]];
  for (const size of shape) all = all.flatMap((at) => Array.from({ length: size }, (_, i) => [...at, i]));
  return all;
}

/** How far apart in memory neighbors along each axis are when the elements lie in row-major order. */
export function rowMajorStrides(shape: Shape): number[] {
  return shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
}

/** The elements of operands that meet when they are broadcast: the shape of the result, and one list for each element of it. */
export function broadcastElements(
  data: readonly (readonly number[])[],
  shapes: readonly Shape[],
): { readonly shape: Shape; readonly elements: number[][] } {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  const shape = Array.from(
    { length: rank },
    (_, axis) => shapes.map((own) => own[axis - rank + own.length] ?? 1).find((size) => size !== 1) ?? 1,
  );
  const elements = positionsOf(shape).map((at) =>
    shapes.map((own, i) => {
      const strides = rowMajorStrides(own);
      const lead = rank - own.length;
      return data[i][
        own.reduce((sum, size, axis) => sum + (size === 1 ? 0 : at[lead + axis] * strides[axis]), 0)
      ];
    }),
  );
  return { shape, elements };
}

/** A tensor of `shape` with the given elements, as it lies in memory in different ways: plain, and as views. */
export function layouts(
  data: readonly number[],
  shape: Shape,
  dtype: DType,
): { readonly name: string; readonly x: Tensor }[] {
  const plain = { name: 'contiguous', x: tensor([...data], { shape, dtype }) };
  if (shape.length === 0 || sizeOf(shape) === 0) return [plain];
  const reversed = shape.map((_, i) => shape.length - 1 - i);
  const turned = tensor(permuted(data, shape, reversed), { shape: reversed.map((i) => shape[i]), dtype });
  // Every second element is one that nobody asked for.
  const spread = data.flatMap((value) => [77, value]);
  const wideShape = [...shape.slice(0, -1), 2 * shape[shape.length - 1]];
  return [
    plain,
    { name: 'transposed', x: turned.permute() },
    {
      name: 'every second element',
      x: tensor(spread, { shape: wideShape, dtype }).slice(1, undefined, { axis: -1, step: 2 }),
    },
    { name: 'flipped', x: tensor([...data].reverse(), { shape, dtype }).flip() },
  ];
}

/** Elements of the tensor with permuted axes, in row-major order. */
function permuted(data: readonly number[], shape: Shape, order: readonly number[]): number[] {
  const strides = rowMajorStrides(shape);
  return positionsOf(order.map((i) => shape[i])).map(
    (at) => data[at.reduce((sum, p, i) => sum + p * strides[order[i]], 0)],
  );
}

/** A range for the dtype: small counts where negative numbers do not exist. */
export function rangeOf(dtype: DType, range: Interval): Interval {
  return dtype === 'bool' ? [0, 1] : dtype === 'uint8' ? [0, 9] : range;
}

/** Elements of `dtype` from the range, as they are after rounding to it. */
export function elementsOf(shape: Shape, dtype: DType, range: Interval, seed: number): number[] {
  return uniformNumbers(sizeOf(shape), rangeOf(dtype, range), !isFloat(dtype), seed);
}
