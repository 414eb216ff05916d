/**
 * Operations that combine the elements along axes: sums, products, extremes, and running forms of them.
 */
import { type DType, floatOf, sumDType } from '../dtype.ts';
import { shapeError } from '../errors.ts';
import { reducedShape, sizeOf } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { coordinates } from './indexing.ts';
import { section } from './movement.ts';
import { defineOp, expand, type Op, type TensorType } from './op.ts';

export interface ReduceAttributes {
  /** Ascending, counted from the front. */
  readonly axes: readonly number[];
  readonly keepDims: boolean;
}

/* @__NO_SIDE_EFFECTS__ */
function reduceType(
  dtype: (d: DType) => DType,
): (inputs: readonly TensorType[], a: ReduceAttributes) => TensorType {
  return ([x], { axes, keepDims }) => ({
    shape: reducedShape(x.shape, axes, keepDims),
    dtype: dtype(x.dtype),
  });
}

const axesOf = (a: ReduceAttributes): readonly number[] => a.axes;

export const sum = defineOp<ReduceAttributes>({
  name: 'sum',
  type: reduceType(sumDType),
  lower: { form: 'reduce', combine: 'sum', axes: axesOf },
  vjp: (g, [x], _y, a) => [g.restoreAxes(a.axes, a.keepDims).broadcastLike(x)],
});

export const mean = defineOp<ReduceAttributes>({
  name: 'mean',
  type: reduceType(floatOf),
  lower: expand(([x], { axes, keepDims }) => {
    const count = axes.reduce((product, axis) => product * x.shape[axis], 1);
    const total = x.cast(floatOf(x.dtype)).sum(axes, { keepDims });
    return total.div(countOf(total, count));
  }),
  vjp: (g, [x], _y, a) => [
    g
      .mul(g.apply(sizeRatio, [g, x]))
      .restoreAxes(a.axes, a.keepDims)
      .broadcastLike(x),
  ],
});

/**
 * A number of elements as a scalar of the dtype of `like`. Written as a number it would be part of the kernel, and another
 * batch size would compile it anew; a position is an argument of each launch.
 */
function countOf(like: Tensor, count: number): Tensor {
  const positions = like.apply(coordinates, [], { shape: [count + 1] });
  return like
    .apply(section, [positions], { axis: 0, start: count, size: 1, step: 1 })
    .reshape([])
    .cast(floatOf(like.dtype));
}

/** Size of the first operand over size of the second, a scalar; the values do not matter. */
export const sizeRatio = defineOp({
  name: 'sizeRatio',
  type: ([x]) => ({ shape: [], dtype: floatOf(x.dtype) }),
  lower: expand(([x, y]) => countOf(x, sizeOf(x.shape)).div(countOf(x, sizeOf(y.shape)))),
  vjp: () => [null, null],
});

/** The gradient of an extreme is shared equally among the elements that attain it. */
/* @__NO_SIDE_EFFECTS__ */
function extreme(name: 'max' | 'min'): Op<ReduceAttributes> {
  return defineOp<ReduceAttributes>({
    name,
    type: (inputs, a) => {
      checkNotEmpty(name, inputs[0], a.axes);
      return reduceType((d) => d)(inputs, a);
    },
    lower: { form: 'reduce', combine: name, axes: axesOf },
    vjp: (g, [x], y, { axes, keepDims }) => {
      const attained = x.equal(y.restoreAxes(axes, keepDims)).cast(g.dtype);
      const share = attained.div(attained.sum(axes, { keepDims: true }));
      return [g.restoreAxes(axes, keepDims).mul(share)];
    },
  });
}

export const max = extreme('max');
export const min = extreme('min');

/** Product of elements; the rule multiplies the others' product, so zeros are no special case. */
export const prod = defineOp<ReduceAttributes>({
  name: 'prod',
  type: reduceType(sumDType),
  lower: { form: 'reduce', combine: 'prod', axes: axesOf },
  vjp: (g, [x], _y, { axes, keepDims }) => [g.restoreAxes(axes, keepDims).mul(productOfOthers(x, axes))],
});

/* @__NO_SIDE_EFFECTS__ */
function positionOf(name: 'argmax' | 'argmin'): Op<ReduceAttributes> {
  return defineOp<ReduceAttributes>({
    name,
    type: (inputs, a) => {
      checkNotEmpty(name, inputs[0], a.axes);
      return reduceType(() => 'int32')(inputs, a);
    },
    lower: { form: 'reduce', combine: name, axes: axesOf },
  });
}

/** Position of the first largest element, NaN counting as largest. */
export const argmax = positionOf('argmax');
/** Position of the first smallest element, NaN counting as smallest. */
export const argmin = positionOf('argmin');

export interface ScanAttributes {
  readonly reverse: boolean;
}

/** Running sum along the last axis. */
export const cumsum: Op<ScanAttributes> = defineOp<ScanAttributes>({
  name: 'cumsum',
  type: ([x]) => ({ shape: x.shape, dtype: sumDType(x.dtype) }),
  lower: { form: 'scan', combine: 'sum', reverse: (a) => a.reverse },
  vjp: (g, _x, _y, { reverse }) => [g.apply(cumsum, [g], { reverse: !reverse })],
});

/**
 * Running product along the last axis. dL/dxᵢ = Σⱼ≥ᵢ gⱼ · Πₖ≤ⱼ,ₖ≠ᵢ xₖ, written out with the product of the others
 * in each prefix, so that zeros are no special case (n² work; products of long axes are rare).
 */
export const cumprod = defineOp<ScanAttributes>({
  name: 'cumprod',
  type: ([x]) => ({ shape: x.shape, dtype: sumDType(x.dtype) }),
  lower: { form: 'scan', combine: 'prod', reverse: (a) => a.reverse },
  vjp: (g, [x], _y, { reverse }) => {
    const axis = x.shape.length - 1;
    if (reverse) {
      const turned = x.flip([axis]);
      return [g.flip([axis]).unsqueeze(-1).mul(prefixProductsOfOthers(turned)).sum(axis).flip([axis])];
    }
    return [g.unsqueeze(-1).mul(prefixProductsOfOthers(x)).sum(axis)];
  },
});

/** Positions that sort the last axis. */
export const argsort = defineOp<{ readonly descending: boolean }>({
  name: 'argsort',
  type: ([x]) => ({ shape: x.shape, dtype: 'int32' }),
  lower: { form: 'sort', descending: (a) => a.descending },
});

function checkNotEmpty(name: string, x: TensorType, axes: readonly number[]): void {
  if (axes.some((axis) => x.shape[axis] === 0)) {
    throw shapeError(
      `${name}: axis ${axes.find((axis) => x.shape[axis] === 0)} has no elements, so there is no ${name}`,
    );
  }
}

/** At each place the product of the other elements along `axes`. */
function productOfOthers(x: Tensor, axes: readonly number[]): Tensor {
  const rank = x.shape.length;
  const kept = Array.from({ length: rank }, (_, i) => i).filter((axis) => !axes.includes(axis));
  const order = [...kept, ...axes];
  const back = order.map((_, i) => order.indexOf(i));
  const moved = x.permute(order);
  const flat = moved.reshape([
    ...kept.map((axis) => x.shape[axis]),
    axes.reduce((n, axis) => n * x.shape[axis], 1),
  ]);
  const last = flat.shape.length - 1;
  const size = flat.shape[last];
  const shift = (before: number, after: number): [number, number][] =>
    flat.shape.map((_, i) => (i === last ? [before, after] : [0, 0]));
  const left = flat
    .slice(0, Math.max(0, size - 1), { axis: last })
    .cumprod()
    .pad(shift(Math.min(1, size), 0), 1);
  const right = flat
    .slice(1, size, { axis: last })
    .cumprod(last, { reverse: true })
    .pad(shift(0, Math.min(1, size)), 1);
  return left.mul(right).reshape(moved.shape).permute(back);
}

/** [..., j, i]: the product of elements up to j, without element i; 0 where i > j. */
function prefixProductsOfOthers(x: Tensor): Tensor {
  const n = x.shape[x.shape.length - 1];
  const row = x.apply(coordinates, [], { shape: [n, 1] });
  const column = x.apply(coordinates, [], { shape: [1, n] });
  const without = row.equal(column).where(1, x.unsqueeze(-2));
  return row.lessEqual(column).where(without.cumprod(), 0).transpose();
}
