/**
 * Softmax and its logarithm. Both are defined by other operations; they have rules of their own because these need
 * one reduction where the rules of their parts need three.
 */
import { floatOf } from '../dtype.ts';
import { defineOp, expand } from '../op.ts';

export interface SoftmaxAttributes {
  /** Counted from the end: −1 is the last. */
  readonly axis: number;
}

/** eˣ / Σ eˣ. The rule is y·(g − Σ g·y), from the Jacobian diag(y) − y·yᵀ. */
export const softmax = defineOp<SoftmaxAttributes>({
  name: 'softmax',
  type: ([x]) => ({ shape: x!.shape, dtype: floatOf(x!.dtype) }),
  lower: expand(([x], { axis }) => {
    const own = x!.cast(floatOf(x!.dtype));
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
  type: ([x]) => ({ shape: x!.shape, dtype: floatOf(x!.dtype) }),
  lower: expand(([x], { axis }) => {
    const own = x!.cast(floatOf(x!.dtype));
    const shifted = own.sub(own.max([axis], { keepDims: true }));
    return shifted.sub(shifted.exp().sum([axis], { keepDims: true }).log());
  }),
  vjp: (g, _x, y, { axis }) => [g.sub(y.exp().mul(g.sum([axis], { keepDims: true })))],
});
