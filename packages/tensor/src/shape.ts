/**
 * Shapes as plain arrays of sizes: the arithmetic that type rules, views and messages share, and why nobody can write
 * into the shape of a tensor.
 */

import { describeValue } from './check.ts';
import { axisError, codedError, shapeError, typeError, valueError } from './errors.ts';
import { checkSizes, openSize, openSizeName } from './openSizes.ts';

/** Sizes of the axes, outermost first; `[]` is a scalar. */
export type Shape = readonly number[];

/** One axis or several, counted from the front or, when negative, from the end. */
export type Axes = number | readonly number[];

/**
 * Shapes met lately, each at one of the two places that its sizes give: two shapes of a training step that fall together
 * would be made anew each time they are met.
 */
const met: (Shape | undefined)[] = /* @__PURE__ */ new Array(1024).fill(undefined);

/**
 * The array for these sizes that tensors hold: always a copy, never changed, mostly the same one for equal sizes. Writing
 * into it throws, and its methods that would change it say what to do instead. Otherwise it is a plain array.
 *
 * @throws RangeError for a size that was computed from an open one, naming `where`
 */
export function fixedShape(shape: Shape, where = 'tensor'): Shape {
  const sizes = sizesOf(shape);
  let hash = sizes.length;
  for (let i = 0; i < sizes.length; i++) hash = (Math.imul(hash, 31) + sizes[i]) | 0;
  // Fibonacci hashing (Knuth 1973): sizes of one network are small and near to one another.
  const place = Math.imul(hash, 0x9e3779b1) >>> 22;
  const known = met[place];
  if (known !== undefined && sameShape(known, shape)) return known;
  const second = met[place ^ 1];
  if (second !== undefined && sameShape(second, shape)) return second;
  checkSizes(sizes, where);
  const own = Object.defineProperties([...sizes], { ...guards, [unfrozen]: { value: [...sizes] } });
  met[known === undefined || second !== undefined ? place : place ^ 1] = Object.freeze(own);
  return own;
}

const unfrozen = /* @__PURE__ */ Symbol('sizes');

/**
 * The same sizes to be read one by one where every step of a training loop passes: engines read frozen arrays slowly
 * (V8 four times as slowly), and spreads, `map` and `some` of them too.
 */
export function sizesOf(shape: Shape): Shape {
  return (shape as { readonly [unfrozen]?: Shape })[unfrozen] ?? shape;
}

/** Not enumerable, so that fixed shapes compare, copy and print like any array. */
const guards: PropertyDescriptorMap = /* @__PURE__ */ Object.fromEntries(
  ['copyWithin', 'fill', 'pop', 'push', 'reverse', 'shift', 'sort', 'splice', 'unshift'].map((method) => [
    method,
    {
      value(this: Shape): never {
        throw typeError(
          `shape.${method}: the shape ${formatShape(this)} of a tensor cannot be changed. Make another tensor with reshape, unsqueeze, squeeze or ` +
            `permute, or change a copy: [...x.shape].${method}(…)`,
        );
      },
    },
  ]),
);

/** The shape of tensors without axes. */
export const scalarShape: Shape = /* @__PURE__ */ fixedShape([]);

/** Number of elements: the product of the sizes, 1 for a scalar. */
export function sizeOf(shape: Shape): number {
  const sizes = sizesOf(shape);
  let size = 1;
  for (let i = 0; i < sizes.length; i++) size *= sizes[i];
  return size;
}

/** A size as text; an open one by its name, or as `any`. */
export function formatSize(size: number): string {
  if (size >= 0) return String(size);
  return size === openSize ? 'any' : (openSizeName(size) ?? 'any');
}

/** `[2, 3]` as text. */
export function formatShape(shape: readonly (number | null)[]): string {
  return `[${shape.map((size) => (size === null ? 'any' : formatSize(size))).join(', ')}]`;
}

/** Row-major strides in elements: `[12, 4, 1]` for `[2, 3, 4]`. */
export function contiguousStrides(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = stride;
    stride *= shape[i];
  }
  return strides;
}

export function sameShape(a: Shape, b: Shape): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  const sizes = sizesOf(a);
  const others = sizesOf(b);
  for (let i = 0; i < sizes.length; i++) if (sizes[i] !== others[i]) return false;
  return true;
}

/** Checks sizes that came from outside; returns them as tensors hold them. @throws RangeError for a negative, fractional or missing size, or too many elements. */
export function checkShape(shape: Shape, where: string): Shape {
  if (!Array.isArray(shape))
    throw typeError(`${where}: the shape must be an array of sizes, got ${describeValue(shape)}`);
  for (let i = 0; i < shape.length; i++) {
    if (!Number.isInteger(shape[i]) || shape[i] < 0) {
      throw valueError(
        `${where}: sizes must be whole numbers ≥ 0, got [${shape.map((size) => describeValue(size)).join(', ')}]`,
      );
    }
  }
  if (sizeOf(shape) > 2 ** 31 - 1) {
    throw codedError(
      RangeError,
      'AG_TOO_LARGE',
      `${where}: ${formatShape(shape)} has ${sizeOf(shape)} elements; at most ${2 ** 31 - 1} are possible. Split it along an axis.`,
    );
  }
  return fixedShape(shape);
}

/** `axis` counted from the front. @throws RangeError when it does not exist in `rank` axes. */
export function normalizeAxis(axis: number, rank: number, where: string): number {
  if (typeof axis !== 'number')
    throw typeError(`${where}: an axis must be a whole number, got ${describeValue(axis)}`);
  const resolved = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || resolved < 0 || resolved >= rank) {
    throw axisError(
      rank === 0
        ? `${where}: axis ${axis} does not exist, the tensor is a scalar`
        : `${where}: axis ${axis} does not exist; the tensor has ${rank} axes, so axis must be in ${-rank} … ${rank - 1}`,
    );
  }
  return resolved;
}

/** Axes counted from the front and in ascending order; all axes when `axes` is undefined. */
export function normalizeAxes(axes: Axes | undefined, rank: number, where: string): number[] {
  if (axes === undefined) {
    const all = new Array<number>(rank);
    for (let i = 0; i < rank; i++) all[i] = i;
    return all;
  }
  if (!Array.isArray(axes)) return [normalizeAxis(axes as number, rank, where)];
  const resolved = (axes as readonly number[])
    .map((axis) => normalizeAxis(axis, rank, where))
    .sort((a, b) => a - b);
  for (let i = 1; i < resolved.length; i++) {
    if (resolved[i] === resolved[i - 1]) throw axisError(`${where}: axis ${resolved[i]} is given twice`);
  }
  return resolved;
}

/**
 * The shape two operands share after broadcasting: aligned at the last axis, each pair of sizes equal or one of them 1.
 * @throws RangeError naming both shapes.
 */
export function broadcastShapes(a: Shape, b: Shape, where: string): Shape {
  if (sameShape(a, b)) return a;
  if (b.length === 0) return a;
  if (a.length === 0) return b;
  const left = sizesOf(a);
  const right = sizesOf(b);
  const rank = Math.max(left.length, right.length);
  const shape = new Array<number>(rank);
  for (let i = 1; i <= rank; i++) {
    const x = i <= left.length ? left[left.length - i] : 1;
    const y = i <= right.length ? right[right.length - i] : 1;
    if (x !== y && x !== 1 && y !== 1) {
      throw shapeError(
        `${where}: shapes ${formatShape(a)} and ${formatShape(b)} do not broadcast: sizes ${formatSize(x)} and ${formatSize(y)} meet at axis ${-i}; ` +
          'sizes must be equal or 1',
      );
    }
    shape[rank - i] = x === 1 ? y : x;
  }
  return shape;
}

/** `shape` without the reduced axes, or with size 1 there. */
export function reducedShape(shape: Shape, axes: readonly number[], keepDims: boolean): number[] {
  const sizes = sizesOf(shape);
  const result: number[] = [];
  for (let i = 0; i < sizes.length; i++) {
    if (!axes.includes(i)) result.push(sizes[i]);
    else if (keepDims) result.push(1);
  }
  return result;
}
