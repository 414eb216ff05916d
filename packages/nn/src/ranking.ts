/**
 * Metrics that are no means over examples: areas under curves, overlaps of classes, perplexity. Over several batches take their
 * streams, see streams.ts.
 */
import { arange, type Tensor, zeros } from '@ag/tensor';
import { checkOptions, shapeError } from '@ag/tensor/engine';
import { crossEntropy, type NllOptions } from './losses/crossEntropy.ts';
import { type ClassOptions, checkEqual, confusion } from './metrics.ts';

/**
 * The area under the receiver operating characteristic: the probability that a positive has a larger score than a negative, where equal
 * scores count half (Hanley & McNeil 1982). NaN where all targets are alike.
 *
 * ```ts
 * const area = await auc(model.forward(x), labels).item();
 * ```
 *
 * @param scores of the positive class, probabilities or logits, any shape
 * @param targets 0 or 1, the same shape
 * @throws RangeError when the shapes differ
 */
export function auc(scores: Tensor, targets: Tensor): Tensor {
  const { positives, negatives } = thresholds(scores, targets, 'auc');
  // From the largest score down: the negatives at each threshold lie below the positives before, and beside half of those at it.
  const above = positives.cumsum(0).sub(positives.mul(0.5));
  return negatives.mul(above).sum().div(positives.sum().mul(negatives.sum()));
}

/**
 * Σ (recallₙ − recallₙ₋₁) · precisionₙ over the thresholds from the largest score down, without interpolation, as scikit-learn has it;
 * equal scores share a threshold. NaN without a positive.
 *
 * @param scores of the positive class, probabilities or logits, any shape
 * @param targets 0 or 1, the same shape
 * @throws RangeError when the shapes differ
 */
export function averagePrecision(scores: Tensor, targets: Tensor): Tensor {
  const { positives, negatives } = thresholds(scores, targets, 'averagePrecision');
  const found = positives.cumsum(0);
  const precision = found.div(found.add(negatives.cumsum(0)));
  return positives.mul(precision).sum().div(positives.sum());
}

/** How many positives and negatives have each score, from the largest down, filled up with 0. */
function thresholds(
  scores: Tensor,
  targets: Tensor,
  metric: string,
): { readonly positives: Tensor; readonly negatives: Tensor } {
  checkEqual(scores, targets, metric);
  const s = scores.flatten();
  const [count] = s.shape;
  if (count === 0) throw shapeError(`${metric}: there are no scores, [${scores.shape.join(', ')}]`);
  const order = s.neg().argsort();
  const sorted = s.gather(order, 0);
  const own = targets.flatten().cast('float32').gather(order, 0);
  const first = sorted
    .slice(1)
    .notEqual(sorted.slice(0, count - 1))
    .cast('int32')
    .pad([[1, 0]]);
  const at = first.cumsum(0);
  const none = zeros([count]);
  return {
    positives: none.scatterAdd(at, own, 0),
    negatives: none.scatterAdd(at, own.neg().add(1), 0),
  };
}

/** Options of {@link iou}. */
export interface IouOptions extends ClassOptions {
  /** 'macro' (default): the mean over the classes that occur; 'none': one value for each class, `[classes]`, NaN for those that do not. */
  readonly average?: 'macro' | 'none';
}

/**
 * Intersection over union of each class (Jaccard 1901): of the places that are predicted or are of a class, those that are both.
 *
 * @param predictions scores `[..., classes]` or `[batch, classes, ...]`, or class indices `[...]` with `options.classes`
 * @param targets class indices
 * @throws RangeError when the shapes do not fit
 */
export function iou(predictions: Tensor, targets: Tensor, options: IouOptions = {}): Tensor {
  checkOptions('iou', options, 'average classes axis');
  const { average = 'macro', ...classes } = options;
  const matrix = confusion('iou', predictions, targets, classes).cast('float32');
  const size = matrix.shape[0];
  const places = arange(0, size, 1, { dtype: 'int32' }).unsqueeze(-1);
  const both = matrix.gather(places, 1).squeeze(-1);
  const either = matrix.sum(0).add(matrix.sum(1)).sub(both);
  const each = both.div(either);
  if (average === 'none') return each;
  const occurs = either.greater(0);
  return occurs.where(each, 0).sum().div(occurs.cast('float32').sum());
}

/**
 * exp of the mean cross-entropy: among how many words, equally likely, a model is in doubt.
 *
 * @param logits `[..., classes]` or `[batch, classes, ...]`
 * @param targets class indices
 * @param options.ignoreIndex targets that do not count; options.axis as of `crossEntropy`
 */
export function perplexity(
  logits: Tensor,
  targets: Tensor,
  options: Pick<NllOptions, 'ignoreIndex' | 'axis'> = {},
): Tensor {
  checkOptions('perplexity', options, 'ignoreIndex axis');
  return crossEntropy(logits, targets, options).exp();
}
