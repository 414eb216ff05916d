/**
 * Losses between probabilities.
 */
import type { Tensor } from '@ag/tensor';
import { checkSameShape, type LossOptions, type Reduction, reduce } from './reduction.ts';

/**
 * −(t · log p + (1 − t) · log(1 − p)) of probabilities p; logarithms count as at least −100, so that p = 0 and p = 1
 * stay finite. `bceWithLogits` is more accurate.
 *
 * @param probability in [0, 1], any shape
 * @param target in [0, 1], the same shape
 * @param options.weight a factor for each element, any shape that broadcasts
 */
export function bceLoss(
  probability: Tensor,
  target: Tensor,
  options: LossOptions & { readonly weight?: Tensor } = {},
): Tensor {
  checkSameShape(probability, target, 'bceLoss');
  const yes = probability.log().maximum(-100);
  const no = probability.neg().log1p().maximum(-100);
  const losses = target.mul(yes).add(target.neg().add(1).mul(no)).neg();
  return reduce(options.weight ? losses.mul(options.weight) : losses, options.reduction);
}

/**
 * The same for p = sigmoid(logit), stable for logits of any size: softplus(logit) − t · logit.
 *
 * @param logit any shape
 * @param target in [0, 1], the same shape
 * @param options.weight a factor for each element; options.positiveWeight a factor for the part of t alone
 */
export function bceWithLogits(
  logit: Tensor,
  target: Tensor,
  options: LossOptions & { readonly weight?: Tensor; readonly positiveWeight?: Tensor | number } = {},
): Tensor {
  checkSameShape(logit, target, 'bceWithLogits');
  const { weight, positiveWeight } = options;
  let losses: Tensor;
  if (positiveWeight === undefined) losses = logit.softplus().sub(target.mul(logit));
  else {
    // (1 − t) · logit + (1 + (w − 1) · t) · softplus(−logit)
    const factor = (
      typeof positiveWeight === 'number' ? target.mul(positiveWeight - 1) : positiveWeight.sub(1).mul(target)
    ).add(1);
    losses = target.neg().add(1).mul(logit).add(factor.mul(logit.neg().softplus()));
  }
  return reduce(weight ? losses.mul(weight) : losses, options.reduction);
}

/**
 * The Kullback–Leibler divergence Σ t · (log t − input), where `input` holds log-probabilities; t = 0 counts 0.
 *
 * @param input log-probabilities, any shape
 * @param target probabilities, the same shape; with `logTarget` their logarithms
 * @param options.reduction 'batchMean' (default, the divergence): the sum divided by the size of axis 0; 'mean'
 * divides by all elements
 */
export function klDiv(
  input: Tensor,
  target: Tensor,
  options: { readonly reduction?: Reduction | 'batchMean'; readonly logTarget?: boolean } = {},
): Tensor {
  checkSameShape(input, target, 'klDiv');
  const { reduction = 'batchMean', logTarget = false } = options;
  let terms: Tensor;
  if (logTarget) terms = target.exp().mul(target.sub(input));
  else {
    const positive = target.greater(0);
    terms = positive.where(target.mul(positive.where(target, 1).log().sub(input)), 0);
  }
  return reduction === 'batchMean' ? terms.sum().div(input.shape[0] ?? 1) : reduce(terms, reduction);
}
