/**
 * Losses of regression beyond squares and absolute values. They are bounded, lopsided, or have a variance or a rate of their own.
 */

import { formatShape, type Tensor, tensor } from '@ag/tensor';
import { checkOptions, checkTensor, shapeError, valueError } from '@ag/tensor/engine';
import { log } from '@ag/tensor/math';
import { checkSameShape, type LossOptions, reduce } from './reduction.ts';

/**
 * ½d² / beta for |d| < beta, else |d| − ½beta (Girshick 2015): the Huber loss divided by its delta, so that far from 0 it is l1
 * whatever beta is.
 *
 * @param prediction any shape
 * @param target the same shape
 * @param options.beta where the parabola becomes a line, default 1; 0 is `l1Loss`
 * @throws RangeError when the shapes differ
 */
export function smoothL1Loss(
  prediction: Tensor,
  target: Tensor,
  options: LossOptions & { readonly beta?: number } = {},
): Tensor {
  checkOptions('smoothL1Loss', options, 'reduction beta');
  checkSameShape(prediction, target, 'smoothL1Loss');
  const { beta = 1 } = options;
  if (!(beta >= 0)) throw valueError(`smoothL1Loss: beta must be at least 0, got ${beta}`);
  const distance = prediction.sub(target).abs();
  if (beta === 0) return reduce(distance, options.reduction);
  // With c = min(|d|, beta) both pieces are c · (|d| − ½c) / beta.
  const bounded = distance.less(beta).where(distance, beta);
  return reduce(bounded.mul(distance.sub(bounded.mul(0.5))).div(beta), options.reduction);
}

/**
 * w · ln(1 + |d| / ε) for |d| < w, else |d| − (w − w · ln(1 + w / ε)) (Feng et al. 2018): small distances weigh more than in l1.
 * For landmarks, in pixels.
 *
 * @param prediction any shape
 * @param target the same shape
 * @param options.width w, where the logarithm becomes a line, default 10; options.curvature ε, default 2
 * @throws RangeError when the shapes differ, and for numbers that are not above 0
 */
export function wingLoss(
  prediction: Tensor,
  target: Tensor,
  options: LossOptions & { readonly width?: number; readonly curvature?: number } = {},
): Tensor {
  checkOptions('wingLoss', options, 'reduction width curvature');
  checkSameShape(prediction, target, 'wingLoss');
  const { width = 10, curvature = 2 } = options;
  for (const [name, value] of Object.entries({ width, curvature }))
    if (!(value > 0)) throw valueError(`wingLoss: ${name} must be above 0, got ${value}`);
  const distance = prediction.sub(target).abs();
  const near = distance.div(curvature).log1p().mul(width);
  const far = distance.sub(width - width * log(1 + width / curvature));
  return reduce(distance.less(width).where(near, far), options.reduction);
}

/**
 * The quantile or pinball loss, max(q · e, (q − 1) · e) with e = target − prediction (Koenker & Bassett 1978): smallest where the
 * prediction is the target's q-quantile.
 *
 * ```ts
 * const loss = quantileLoss(model.forward(x), y, { quantiles: [0.1, 0.5, 0.9] }); // [batch, 3] against [batch]
 * ```
 *
 * @param prediction any shape; with several quantiles one number for each of them along the last axis, `[..., quantiles]`
 * @param target the same shape; with several quantiles `[...]`
 * @param options.quantiles one or several numbers in (0, 1), default 0.5: half of `l1Loss`
 * @throws RangeError when the shapes do not fit, and for quantiles outside (0, 1)
 */
export function quantileLoss(
  prediction: Tensor,
  target: Tensor,
  options: LossOptions & { readonly quantiles?: number | readonly number[] } = {},
): Tensor {
  checkOptions('quantileLoss', options, 'reduction quantiles');
  const { quantiles = 0.5 } = options;
  const several = typeof quantiles !== 'number';
  const list = several ? quantiles : [quantiles];
  for (const q of list)
    if (!(q > 0 && q < 1)) throw valueError(`quantileLoss: quantiles must be in (0, 1), got ${q}`);
  if (!several) {
    checkSameShape(prediction, target, 'quantileLoss');
    return reduce(pinball(target.sub(prediction), list[0]), options.reduction);
  }
  const { shape } = checkTensor(prediction, 'quantileLoss', 'prediction');
  const expected = [...checkTensor(target, 'quantileLoss', 'target').shape, list.length];
  if (formatShape(shape) !== formatShape(expected)) {
    throw shapeError(
      `quantileLoss: ${list.length} quantiles of targets ${formatShape(target.shape)} need predictions ${formatShape(expected)}, got ${formatShape(shape)}`,
    );
  }
  const errors = target.unsqueeze(-1).sub(prediction);
  return reduce(pinball(errors, tensor(list, { dtype: errors.dtype })), options.reduction);
}

/** max(q · e, (q − 1) · e) */
function pinball(error: Tensor, q: number | Tensor): Tensor {
  return error.mul(q).add(error.neg().relu());
}

/**
 * −log of a normal density, ½ · (log v + (mean − target)² / v), of a predicted mean and a predicted variance v (Nix & Weigend
 * 1994). Variances count as at least epsilon in the value; their gradient passes as it is, as in PyTorch.
 *
 * @param mean any shape
 * @param target the same shape
 * @param variance above 0: the same shape, without the last axis, or with a last axis of 1
 * @param options.full also add ½ · log 2π, default false; options.epsilon default 1e-6
 * @throws RangeError when the shapes do not fit
 */
export function gaussianNllLoss(
  mean: Tensor,
  target: Tensor,
  variance: Tensor,
  options: LossOptions & { readonly full?: boolean; readonly epsilon?: number } = {},
): Tensor {
  checkOptions('gaussianNllLoss', options, 'reduction full epsilon');
  checkSameShape(mean, target, 'gaussianNllLoss');
  const { full = false, epsilon = 1e-6 } = options;
  if (!(epsilon > 0)) throw valueError(`gaussianNllLoss: epsilon must be above 0, got ${epsilon}`);
  const given = checkTensor(variance, 'gaussianNllLoss', 'variance');
  const shared = mean.shape.slice(0, -1);
  const v = formatShape(given.shape) === formatShape(shared) && mean.ndim > 0 ? given.unsqueeze(-1) : given;
  if (![formatShape(mean.shape), formatShape([...shared, 1])].includes(formatShape(v.shape))) {
    throw shapeError(
      `gaussianNllLoss: the variance should be ${formatShape(mean.shape)}, ${formatShape(shared)} or ${formatShape([...shared, 1])}, got ${formatShape(given.shape)}`,
    );
  }
  const bounded = v.less(epsilon).where(v.sub(v.detach()).add(epsilon), v);
  const losses = bounded.log().add(mean.sub(target).square().div(bounded)).mul(0.5);
  return reduce(full ? losses.add(0.5 * log(2 * Math.PI)) : losses, options.reduction);
}

/**
 * −log of a Poisson probability of counts, without what does not depend on the prediction: rate − target · log rate.
 *
 * @param prediction the rate's logarithm, any shape; with `logInput: false` the rate itself
 * @param target counts, the same shape
 * @param options.logInput default true
 * @param options.full also add Stirling's approximation of log target!, for targets above 1; default false
 * @param options.epsilon is added to a rate before its logarithm is taken, default 1e-8
 * @throws RangeError when the shapes differ
 */
export function poissonNllLoss(
  prediction: Tensor,
  target: Tensor,
  options: LossOptions & {
    readonly logInput?: boolean;
    readonly full?: boolean;
    readonly epsilon?: number;
  } = {},
): Tensor {
  checkOptions('poissonNllLoss', options, 'reduction logInput full epsilon');
  checkSameShape(prediction, target, 'poissonNllLoss');
  const { logInput = true, full = false, epsilon = 1e-8 } = options;
  const losses = logInput
    ? prediction.exp().sub(target.mul(prediction))
    : prediction.sub(target.mul(prediction.add(epsilon).log()));
  if (!full) return reduce(losses, options.reduction);
  const many = target.greater(1);
  const counts = many.where(target, 1).cast(losses.dtype);
  const stirling = counts
    .mul(counts.log())
    .sub(counts)
    .add(
      counts
        .mul(2 * Math.PI)
        .log()
        .mul(0.5),
    );
  return reduce(losses.add(many.where(stirling, 0)), options.reduction);
}
