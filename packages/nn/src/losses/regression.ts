/**
 * Losses that measure distances between numbers.
 */

import type { Tensor } from '@ag/tensor';
import { checkOptions, valueError } from '@ag/tensor/engine';
import { checkSameShape, type LossOptions, reduce } from './reduction.ts';

/**
 * (prediction − target)².
 *
 * ```ts
 * const loss = mseLoss(model.forward(x), y);
 * const sumOfSquares = mseLoss(model.forward(x), y, { reduction: 'sum' });
 * ```
 *
 * @param prediction any shape
 * @param target the same shape
 * @throws RangeError when the shapes differ
 */
export function mseLoss(prediction: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  checkOptions('mseLoss', options, 'reduction');
  checkSameShape(prediction, target, 'mseLoss');
  return reduce(prediction.sub(target).square(), options.reduction);
}

/** |prediction − target|; shapes must be equal. */
export function l1Loss(prediction: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  checkOptions('l1Loss', options, 'reduction');
  checkSameShape(prediction, target, 'l1Loss');
  return reduce(prediction.sub(target).abs(), options.reduction);
}

/**
 * ½d² for |d| ≤ delta, else delta · (|d| − ½delta) (Huber 1964); shapes must be equal.
 *
 * @param options.delta where the parabola becomes a line, default 1
 */
export function huberLoss(
  prediction: Tensor,
  target: Tensor,
  options: LossOptions & { readonly delta?: number } = {},
): Tensor {
  checkOptions('huberLoss', options, 'reduction delta');
  checkSameShape(prediction, target, 'huberLoss');
  const { delta = 1 } = options;
  if (!(delta > 0)) throw valueError(`huberLoss: delta must be above 0, got ${delta}`);
  // With c = min(|d|, delta) both pieces are c · (|d| − ½c); the gradient is ±c.
  const distance = prediction.sub(target).abs();
  const bounded = distance.lessEqual(delta).where(distance, delta);
  return reduce(bounded.mul(distance.sub(bounded.mul(0.5))), options.reduction);
}

/**
 * 1 − cos(a, b) for pairs that belong together (target 1), max(0, cos(a, b) − margin) for others (target −1).
 *
 * @param a `[..., features]`
 * @param b the same shape
 * @param target 1 or −1 for each pair, `[...]`
 * @param options.margin default 0
 */
export function cosineEmbeddingLoss(
  a: Tensor,
  b: Tensor,
  target: Tensor,
  options: LossOptions & { readonly margin?: number } = {},
): Tensor {
  checkOptions('cosineEmbeddingLoss', options, 'reduction margin');
  checkSameShape(a, b, 'cosineEmbeddingLoss');
  const [x, y] = [bounded(a, -1), bounded(b, -1)];
  // As in PyTorch a small number is added to the squared lengths, here of what was divided.
  const squares = (v: Bounded) =>
    v.divided.square().sum(-1).add(v.divisor.square().reciprocal().mul(1e-12).squeeze(-1));
  const cosine = x.divided
    .mul(y.divided)
    .sum(-1)
    .mul(squares(x).mul(squares(y)).rsqrt());
  checkSameShape(cosine, target, 'cosineEmbeddingLoss');
  const apart = cosine.sub(options.margin ?? 0).relu();
  return reduce(target.greater(0).where(cosine.neg().add(1), apart), options.reduction);
}

/**
 * a · b / (|a| |b|) along an axis (default the last): `[..., features] → [...]`. Lengths count as at least 1e-8, as in PyTorch,
 * so vectors of 0 have the similarity 0 and a finite gradient. Lengths up to the largest float32 do not overflow.
 */
export function cosineSimilarity(a: Tensor, b: Tensor, axis = -1): Tensor {
  const unit = (v: Tensor): Tensor => {
    const { divided, divisor } = bounded(v, axis);
    const length = divided.square().sum(axis, { keepDims: true }).sqrt();
    return divided.div(length.maximum(divisor.reciprocal().mul(1e-8)));
  };
  return unit(a).mul(unit(b)).sum(axis);
}

interface Bounded {
  /** Has no element above 1. */
  readonly divided: Tensor;
  /** At least 1. */
  readonly divisor: Tensor;
}

/** Vectors whose squares would overflow are divided by their largest element, a constant: the angle does not change. */
function bounded(v: Tensor, axis: number): Bounded {
  const divisor = v.abs().max(axis, { keepDims: true }).maximum(1).detach();
  return { divided: v.div(divisor), divisor };
}

/**
 * max(0, margin − target · prediction): the support vector machine's loss.
 *
 * @param prediction scores, any shape
 * @param target 1 or −1, the same shape
 * @param options.margin default 1
 */
export function hingeLoss(
  prediction: Tensor,
  target: Tensor,
  options: LossOptions & { readonly margin?: number } = {},
): Tensor {
  checkOptions('hingeLoss', options, 'reduction margin');
  checkSameShape(prediction, target, 'hingeLoss');
  return reduce(
    prediction
      .mul(target)
      .neg()
      .add(options.margin ?? 1)
      .relu(),
    options.reduction,
  );
}
