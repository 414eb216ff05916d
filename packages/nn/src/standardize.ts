/**
 * Standardization along axes, with a gradient rule of its own. Its two sums can be taken at once; the rules of its
 * parts would need a sum that waits for another, and two more passes.
 */
import { apply, broadcastFloatType, defineOp, map, s, type Tensor } from '@ag/tensor';

/**
 * (x − mean) · factor, where mean and factor = 1/√(variance + ε) belong to x along the axes. The gradient by x is the
 * whole one, with what goes through mean and factor: factor · (g − mean(g) − y · mean(g · y)) (Ioffe & Szegedy 2015,
 * section 3, simplified). It is written with y and factor, so it can be differentiated again.
 */
const standardized = /* @__PURE__ */ defineOp<{ readonly axes: readonly number[] }>({
  name: 'standardized',
  type: /* @__PURE__ */ broadcastFloatType('standardized'),
  lower: /* @__PURE__ */ map(([x, mean, factor]) => s.mul(s.sub(x, mean), factor)),
  vjp: (g, [, , factor], y, { axes }) => {
    const mean = (t: Tensor): Tensor => t.mean(axes, { keepDims: true });
    return [factor.mul(g.sub(mean(g)).sub(y.mul(mean(g.mul(y))))), null, null];
  },
});

/** The result has the shape of `x`; mean and (population) variance have size 1 along the axes. */
export function standardize(
  x: Tensor,
  axes: readonly number[],
  epsilon: number,
): { readonly result: Tensor; readonly mean: Tensor; readonly variance: Tensor } {
  const mean = x.mean(axes, { keepDims: true });
  const variance = x.sub(mean).square().mean(axes, { keepDims: true });
  const factor = variance.add(epsilon).rsqrt();
  return { result: apply(standardized, [x, mean, factor], { axes }), mean, variance };
}
