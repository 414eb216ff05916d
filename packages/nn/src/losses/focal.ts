/**
 * Losses for classes of which one is rare: focal and Dice.
 */

import { formatShape, type Tensor } from '@ag/tensor';
import { checkInteger, checkOptions, checkTensor, shapeError, valueError } from '@ag/tensor/engine';
import { crossEntropy } from './crossEntropy.ts';
import { bceWithLogits } from './probability.ts';
import { checkSameShape, type LossOptions, reduce } from './reduction.ts';

/**
 * (1 − p)^γ times the cross-entropy −log p, where p is the probability of what is true (Lin et al. 2017): what is answered well
 * already counts little.
 *
 * @param logit of a yes or no for each element, any shape; or of classes, `[..., classes]` or `[batch, classes, ...]`
 * @param target 0 or 1 (or between), the same shape; or class indices, one axis less
 * @param options.gamma γ, default 2; 0 is the cross-entropy
 * @param options.alpha of yes or no: the factor of yes, 1 − alpha is that of no; default 0.25 as in the paper, null for none.
 * Classes have none
 * @param options.axis the axis of classes, as of `crossEntropy`
 * @throws RangeError when the shapes do not fit
 */
export function focalLoss(
  logit: Tensor,
  target: Tensor,
  options: LossOptions & {
    readonly gamma?: number;
    readonly alpha?: number | null;
    readonly axis?: number;
  } = {},
): Tensor {
  checkOptions('focalLoss', options, 'reduction gamma alpha axis');
  const { gamma = 2, axis } = options;
  if (!(gamma >= 0)) throw valueError(`focalLoss: gamma must be at least 0, got ${gamma}`);
  checkTensor(logit, 'focalLoss', 'logit');
  if (checkTensor(target, 'focalLoss', 'target').ndim === logit.ndim - 1) {
    if (options.alpha != null)
      throw valueError('focalLoss: alpha is of targets of yes or no; targets here are class indices');
    const losses = crossEntropy(logit, target, { reduction: 'none', ...(axis !== undefined && { axis }) });
    return reduce(focused(losses, losses.neg().expm1().neg(), gamma), options.reduction);
  }
  checkSameShape(logit, target, 'focalLoss');
  if (axis !== undefined) throw valueError('focalLoss: axis is of class indices; targets here are yes or no');
  const { alpha = 0.25 } = options;
  if (alpha !== null && !(alpha >= 0 && alpha <= 1))
    throw valueError(`focalLoss: alpha must be in [0, 1] or null, got ${alpha}`);
  const losses = bceWithLogits(logit, target, { reduction: 'none' });
  const p = logit.sigmoid();
  // 1 − (p · t + (1 − p) · (1 − t))
  const wrong = p.add(target).sub(p.mul(target).mul(2));
  const weighed = focused(losses, wrong, gamma);
  const factor = alpha === null ? null : target.mul(2 * alpha - 1).add(1 - alpha);
  return reduce(factor ? weighed.mul(factor) : weighed, options.reduction);
}

/** wrong^γ · losses; an answer without any doubt has the loss 0 and no gradient, whatever the exponent is. */
function focused(losses: Tensor, wrong: Tensor, gamma: number): Tensor {
  if (gamma === 0) return losses;
  if (gamma === 1) return losses.mul(wrong);
  if (gamma === 2) return losses.mul(wrong.square());
  const some = wrong.greater(0);
  return losses.mul(some.where(some.where(wrong, 1).pow(gamma), 0));
}

/**
 * 1 − (2 · Σ p · t + s) / (Σ p + Σ t + s): how little an area and its target overlap (Milletari, Navab, Ahmadi 2016), for each
 * example and channel by itself.
 *
 * @param probability in [0, 1], `[batch, channels, …]`; sums go over the axes after the second, of `[batch, n]` over the last
 * @param target in [0, 1], the same shape
 * @param options.smooth s, which keeps empty areas finite, default 1e-5
 * @param options.squared Σ p² and Σ t² below the line, as in the paper; default false
 * @param options.axes what sums go over, instead
 * @returns a scalar, or one loss for each area with reduction 'none'
 * @throws RangeError when the shapes differ, and without an axis to sum over
 */
export function diceLoss(
  probability: Tensor,
  target: Tensor,
  options: LossOptions & {
    readonly smooth?: number;
    readonly squared?: boolean;
    readonly axes?: readonly number[];
  } = {},
): Tensor {
  checkOptions('diceLoss', options, 'reduction smooth squared axes');
  checkSameShape(probability, target, 'diceLoss');
  const { smooth = 1e-5, squared = false } = options;
  if (!(smooth >= 0)) throw valueError(`diceLoss: smooth must be at least 0, got ${smooth}`);
  const { shape, ndim } = probability;
  if (ndim === 0)
    throw shapeError(`diceLoss: expects areas, [batch, channels, …], got ${formatShape(shape)}`);
  const axes = options.axes ?? (ndim > 2 ? shape.map((_, i) => i).slice(2) : [ndim - 1]);
  for (const axis of axes) checkInteger(axis, 'diceLoss', 'an axis', -ndim, ndim - 1);
  const t = target.cast(probability.dtype);
  const of = (x: Tensor): Tensor => (squared ? x.square() : x).sum([...axes]);
  const shared = probability
    .mul(t)
    .sum([...axes])
    .mul(2)
    .add(smooth);
  const all = of(probability).add(of(t)).add(smooth);
  return reduce(shared.div(all).neg().add(1), options.reduction);
}
