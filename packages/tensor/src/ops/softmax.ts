/**
 * Softmax and what belongs to it. All are defined by other operations; they have rules of their own because these need
 * fewer reductions than the rules of their parts, and stay finite where those do not.
 */
import { floatOf } from '../dtype.ts';
import { reducedShape, sizeOf } from '../shape.ts';
import { defineOp, expand } from './op.ts';
import type { ReduceAttributes } from './reduce.ts';

export interface SoftmaxAttributes {
  /** Counted from the end: −1 is the last. */
  readonly axis: number;
}

/** eˣ / Σ eˣ. The rule is y·(g − Σ g·y), from the Jacobian diag(y) − y·yᵀ. */
export const softmax = defineOp<SoftmaxAttributes>({
  name: 'softmax',
  type: ([x]) => ({ shape: x.shape, dtype: floatOf(x.dtype) }),
  lower: expand(([x], { axis }) => {
    const own = x.cast(floatOf(x.dtype));
    if (sizeOf(own.shape) === 0) return own;
    const powers = own.sub(own.max([axis], { keepDims: true })).exp();
    return powers.div(powers.sum([axis], { keepDims: true }));
  }),
  vjp: (g, _x, y, { axis }) => {
    const weighted = g.mul(y);
    return [weighted.sub(y.mul(weighted.sum([axis], { keepDims: true })))];
  },
});

/** x − log Σ eˣ. The rule is g − eʸ·Σ g. */
export const logSoftmax = defineOp<SoftmaxAttributes>({
  name: 'logSoftmax',
  type: ([x]) => ({ shape: x.shape, dtype: floatOf(x.dtype) }),
  lower: expand(([x], { axis }) => {
    const own = x.cast(floatOf(x.dtype));
    if (sizeOf(own.shape) === 0) return own;
    const shifted = own.sub(own.max([axis], { keepDims: true }));
    return shifted.sub(shifted.exp().sum([axis], { keepDims: true }).log());
  }),
  vjp: (g, _x, y, { axis }) => [g.sub(y.exp().mul(g.sum([axis], { keepDims: true })))],
});

/** log Σ eˣ. The rule is g·eˣ⁻ʸ; where there is nothing but −∞ the gradient counts as 0. */
export const logSumExp = defineOp<ReduceAttributes>({
  name: 'logSumExp',
  type: ([x], { axes, keepDims }) => ({
    shape: reducedShape(x.shape, axes, keepDims),
    dtype: floatOf(x.dtype),
  }),
  lower: expand(([x], { axes, keepDims }) => {
    const real = x.cast(floatOf(x.dtype));
    // The logarithm of an empty sum.
    if (sizeOf(real.shape) === 0) return real.sum(axes, { keepDims }).add(Number.NEGATIVE_INFINITY);
    const peak = real.max(axes, { keepDims: true });
    const shift = peak.isFinite().where(peak, 0);
    const total = real.sub(shift).exp().sum(axes, { keepDims: true }).log().add(shift);
    return keepDims ? total : total.squeeze(axes);
  }),
  vjp: (g, [x], y, { axes, keepDims }) => {
    const level = y.equal(Number.NEGATIVE_INFINITY).where(0, y).restoreAxes(axes, keepDims);
    return [g.restoreAxes(axes, keepDims).mul(x.sub(level).exp())];
  },
});
