/**
 * Writing at computed positions where updates replace one another, multiply, or the extreme one stays: the forms of `scatter` beside
 * the sum. Each gives what the updates alone make of an axis; `functions/scatter.ts` joins that with what was there before. Positions
 * and updates have one shape.
 */
import { type DType, integerLimits, isFloat } from '../dtype.ts';
import type { ScatterCombine } from '../kernel/kernel.ts';
import type { Tensor } from '../tensor.ts';
import { type AxisAttributes, coordinatesLike, scatter, scatterType } from './indexing.ts';
import { defineOp, type Op } from './op.ts';

/* @__NO_SIDE_EFFECTS__ */
function scatterBy(
  name: string,
  combine: Exclude<ScatterCombine, 'add'>,
  fill: (dtype: DType) => number,
  vjp: (g: Tensor, index: Tensor, updates: Tensor, y: Tensor, axis: number) => Tensor,
): Op<AxisAttributes> {
  return defineOp<AxisAttributes>({
    name,
    type: scatterType(name),
    lower: { form: 'scatter', axis: (a) => a.axis, combine, fill },
    vjp: (g, [, index, updates], y, { axis }) => [null, null, vjp(g, index, updates, y, axis)],
  });
}

/** The last update in row-major order stays, and alone gets the gradient; 0 where there is none. */
export const scatterSet: Op<AxisAttributes> = /* @__PURE__ */ scatterBy(
  'scatterSet',
  'set',
  () => 0,
  (g, index, _updates, _y, axis) => {
    const number = index.apply(coordinatesLike, [index]);
    const last = g.apply(scatterSet, [g, index, number], { axis }).gather(index, axis);
    return last.equal(number).where(g.gather(index, axis), 0);
  },
);

/** The largest update; the lowest number of the dtype where there is none. Equal ones share the gradient. */
export const scatterMax = /* @__PURE__ */ scatterBy('scatterMax', 'max', lowest, sharedGradient);

/** The smallest update; the largest number of the dtype where there is none. Equal ones share the gradient. */
export const scatterMin = /* @__PURE__ */ scatterBy('scatterMin', 'min', highest, sharedGradient);

/** The product of the updates; 1 where there is none. */
export const scatterMul: Op<AxisAttributes> = /* @__PURE__ */ scatterBy(
  'scatterMul',
  'mul',
  () => 1,
  (g, index, updates, _y, axis) => {
    const zero = updates.equal(0);
    const zeros = zero.cast('int32');
    const all = g.apply(scatter, [g, index, zeros], { axis }).gather(index, axis);
    const safe = zero.where(1, updates);
    // The product of the others: none of them is 0 where all zeros are this update.
    const product = g.apply(scatterMul, [g, index, safe], { axis }).gather(index, axis).div(safe);
    return all.equal(zeros).where(g.gather(index, axis).mul(product), 0);
  },
);

function sharedGradient(g: Tensor, index: Tensor, updates: Tensor, y: Tensor, axis: number): Tensor {
  const attained = updates.equal(y.gather(index, axis)).cast(g.dtype);
  const count = g.apply(scatter, [g, index, attained], { axis }).gather(index, axis);
  return g.gather(index, axis).mul(attained.div(count.maximum(1)));
}

/** The least number of a dtype. */
export function lowest(dtype: DType): number {
  if (isFloat(dtype)) return Number.NEGATIVE_INFINITY;
  return dtype === 'bool' ? 0 : integerLimits[dtype as 'int32'][0];
}

/** The largest number of a dtype. */
export function highest(dtype: DType): number {
  if (isFloat(dtype)) return Number.POSITIVE_INFINITY;
  return dtype === 'bool' ? 1 : integerLimits[dtype as 'int32'][1];
}
