/**
 * Standardization along axes, with a gradient rule of its own. Its two sums can be taken at once; the rules of its
 * parts would need a sum that waits for another, and two more passes.
 */
import { apply, broadcastFloatType, defineOp, map, s, type Tensor } from '@ag/tensor';
import { hasOpen } from '@ag/tensor/engine';

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

/**
 * standardized · weight + bias, where weight and bias are the same along some of the axes of a mean (of a channel over the pixels). The
 * gradients by weight and bias and the two means of the rule above are made of the same sums over these axes, so these are taken once.
 */
const standardizedAffine = /* @__PURE__ */ defineOp<{ readonly axes: readonly number[] }>({
  name: 'standardizedAffine',
  type: /* @__PURE__ */ broadcastFloatType('standardizedAffine'),
  lower: /* @__PURE__ */ map(([x, mean, factor, weight, bias]) =>
    s.add(s.mul(s.mul(s.sub(x, mean), factor), weight), bias),
  ),
  vjp: (g, [x, mean, factor, weight], _y, { axes }) => {
    // Not y, which would be stored: this is computed again wherever it is read.
    const centered = x.sub(mean);
    const shared = sharedAxes(axes, weight);
    const rest = axes.filter((axis) => !shared.includes(axis));
    const count = axes.reduce((product, axis) => product * x.shape.at(axis)!, 1);
    const sum = g.sum(shared, { keepDims: true });
    const slope = g.mul(centered).sum(shared, { keepDims: true }).mul(factor);
    const meanOf = (t: Tensor): Tensor => {
      const own = t.mul(weight).div(count);
      return rest.length > 0 ? own.sum(rest, { keepDims: true }) : own;
    };
    const inward = g
      .mul(weight)
      .sub(meanOf(sum))
      .sub(centered.mul(meanOf(slope).mul(factor)));
    return [inward.mul(factor), null, null, slope, sum];
  },
});

/** Axes along which mean and weight are the same. */
function sharedAxes(axes: readonly number[], { shape }: Tensor): number[] {
  return axes.filter((axis) => (shape.at(axis) ?? 1) === 1);
}

/** The result has the shape of `x`; mean and (population) variance have size 1 along the axes. */
export function standardize(
  x: Tensor,
  along: readonly number[],
  epsilon: number,
  weight: Tensor | undefined,
  bias: Tensor | undefined,
): { readonly result: Tensor; readonly mean: Tensor; readonly variance: Tensor } {
  // From the end, which stays right where `vmap` puts an axis in front.
  const axes = along.map((axis) => axis - x.shape.length);
  const mean = x.mean(axes, { keepDims: true });
  const variance = x.sub(mean).square().mean(axes, { keepDims: true });
  const factor = variance.add(epsilon).rsqrt();
  // With open sizes it is not known how many are summed.
  if (weight && bias && sharedAxes(axes, weight).length > 0 && !hasOpen(x.shape))
    return { result: apply(standardizedAffine, [x, mean, factor, weight, bias], { axes }), mean, variance };
  return { result: affine(apply(standardized, [x, mean, factor], { axes }), weight, bias), mean, variance };
}

/** x · weight + bias, of what there is. */
export function affine(x: Tensor, weight: Tensor | undefined, bias: Tensor | undefined): Tensor {
  const scaled = weight ? x.mul(weight) : x;
  return bias ? scaled.add(bias) : scaled;
}
