/**
 * Metrics: how good predictions are. Metrics are lazy tensors like everything else: read them with `item()`, or hand
 * them to `backward(loss, { also: [...] })` to have them computed by the training step itself. None has a useful
 * gradient.
 */

import { eye, formatShape, isFloat, oneHot, type Tensor, topK } from '@ag/tensor';
import { checkInteger, checkOptions, shapeError, valueError } from '@ag/tensor/engine';
import { classAxis, classesLast, expectedTargets } from './classAxis.ts';

/** Options of losses and metrics of classes. */
export interface AxisOptions {
  /**
   * The axis of classes. By default found from the targets' shape: the last, `[batch, time, classes]`, or axis 1,
   * `[batch, classes, …]` as in PyTorch. Where the shapes allow both, it has to be said.
   */
  readonly axis?: number;
}

/** What classification metrics take the predicted class from. */
export interface ClassOptions extends AxisOptions {
  /** Number of classes; needed where predictions are class indices. */
  readonly classes?: number;
}

/**
 * The fraction of correct predictions, a scalar in [0, 1].
 *
 * ```ts
 * const fraction = await accuracy(model.forward(x), labels).item();
 * ```
 *
 * @param predictions scores `[..., classes]` or `[batch, classes, ...]` (the largest counts), or class indices of the targets'
 * shape
 * @param targets class indices, or one number for each class in the scores' shape (the largest counts)
 * @throws RangeError when the shapes do not fit, and when both axes could hold the classes
 */
export function accuracy(predictions: Tensor, targets: Tensor, options: AxisOptions = {}): Tensor {
  checkOptions('accuracy', options, 'axis');
  const [predicted, actual] = classIndices(predictions, targets, options.axis, 'accuracy');
  return predicted.equal(actual).mean();
}

/**
 * The fraction of targets that are among the `k` classes with the largest scores.
 *
 * @param scores `[..., classes]` or `[batch, classes, ...]`
 * @param targets class indices, `[...]` or `[batch, ...]`
 * @throws RangeError when the shapes do not fit, and when both axes could hold the classes
 */
export function topKAccuracy(scores: Tensor, targets: Tensor, k: number, options: AxisOptions = {}): Tensor {
  checkOptions('topKAccuracy', options, 'axis');
  const axis = classAxis(scores.shape, targets.shape, options.axis, 'topKAccuracy');
  const last = classesLast(scores, axis);
  checkIndices(scores, last.shape.slice(0, -1), targets, options.axis, 'topKAccuracy');
  checkInteger(k, 'topKAccuracy', 'k', 0, last.shape[last.shape.length - 1] ?? 0);
  const { indices } = topK(last, k);
  return indices.equal(targets.unsqueeze(-1)).any(-1).mean();
}

/**
 * How often an example of class i (row) was predicted as class j (column): `[classes, classes]`, int32.
 *
 * @param predictions scores `[..., classes]` or `[batch, classes, ...]`, or class indices `[...]` with `options.classes`
 * @param targets class indices
 */
export function confusionMatrix(predictions: Tensor, targets: Tensor, options: ClassOptions = {}): Tensor {
  checkOptions('confusionMatrix', options, 'classes axis');
  return confusion('confusionMatrix', predictions, targets, options);
}

/** @internal */
export function confusion(
  metric: string,
  predictions: Tensor,
  targets: Tensor,
  options: ClassOptions,
): Tensor {
  const [predicted, actual, classes] = withClasses(predictions, targets, options, metric);
  const rows = oneHot(actual.flatten(), classes);
  const columns = oneHot(predicted.flatten(), classes);
  return rows.transpose().matmul(columns).cast('int32');
}

/** How the values of the classes are averaged. */
export interface AverageOptions extends ClassOptions {
  /**
   * 'macro' (default): the mean over classes; 'weighted': the mean weighted by the support of each class; 'micro':
   * from the totals of all classes; 'none': one value for each class, `[classes]`.
   */
  readonly average?: 'macro' | 'weighted' | 'micro' | 'none';
}

/** True positives over predicted positives of each class, 0 where there are none. Takes what `confusionMatrix` takes. */
export function precision(predictions: Tensor, targets: Tensor, options: AverageOptions = {}): Tensor {
  checkOptions('precision', options, 'average classes axis');
  return averaged('precision', predictions, targets, options, (counts) =>
    ratio(counts.correct, counts.predicted),
  );
}

/** True positives over actual positives of each class, 0 where there are none. Takes what `confusionMatrix` takes. */
export function recall(predictions: Tensor, targets: Tensor, options: AverageOptions = {}): Tensor {
  checkOptions('recall', options, 'average classes axis');
  return averaged('recall', predictions, targets, options, (counts) => ratio(counts.correct, counts.actual));
}

/** The harmonic mean of precision and recall of each class. Takes what `confusionMatrix` takes. */
export function f1(predictions: Tensor, targets: Tensor, options: AverageOptions = {}): Tensor {
  checkOptions('f1', options, 'average classes axis');
  return averaged('f1', predictions, targets, options, (counts) =>
    ratio(counts.correct.mul(2), counts.predicted.add(counts.actual)),
  );
}

/**
 * The coefficient of determination: 1 − Σ(y − ŷ)² / Σ(y − ȳ)². 1 is perfect, 0 as good as the mean. Where all targets
 * are equal it is 1 for predictions without error and else 0, as scikit-learn's `r2_score` has it (`force_finite`).
 *
 * @param predictions any shape
 * @param targets the same shape
 */
export function r2(predictions: Tensor, targets: Tensor): Tensor {
  checkEqual(predictions, targets, 'r2');
  const error = targets.sub(predictions).square().sum();
  const spread = targets.sub(targets.mean()).square().sum();
  // Not by the spread: the mean of equal numbers may be rounded.
  const constant = targets.max().equal(targets.min());
  return constant.where(error.equal(0), error.div(constant.where(1, spread)).neg().add(1));
}

/** The mean of |prediction − target|; equal shapes. */
export function meanAbsoluteError(predictions: Tensor, targets: Tensor): Tensor {
  checkEqual(predictions, targets, 'meanAbsoluteError');
  return predictions.sub(targets).abs().mean();
}

interface Counts {
  /** True positives of each class. */
  readonly correct: Tensor;
  /** Predicted positives. */
  readonly predicted: Tensor;
  /** Actual positives. */
  readonly actual: Tensor;
}

function averaged(
  metric: string,
  predictions: Tensor,
  targets: Tensor,
  options: AverageOptions,
  score: (counts: Counts) => Tensor,
): Tensor {
  const matrix = confusion(metric, predictions, targets, options).cast('float32');
  const classes = matrix.shape[0];
  const counts = {
    correct: eye(classes).mul(matrix).sum(1),
    predicted: matrix.sum(0),
    actual: matrix.sum(1),
  };
  const { average = 'macro' } = options;
  switch (average) {
    case 'none':
      return score(counts);
    case 'macro':
      return score(counts).mean();
    case 'weighted':
      return score(counts).mul(counts.actual).sum().div(counts.actual.sum());
    case 'micro':
      return score({
        correct: counts.correct.sum(),
        predicted: counts.predicted.sum(),
        actual: counts.actual.sum(),
      });
    default:
      throw valueError(
        `${metric}: average must be 'macro', 'weighted', 'micro' or 'none', got '${String(average)}'`,
      );
  }
}

function ratio(part: Tensor, whole: Tensor): Tensor {
  const some = whole.greater(0);
  return some.where(part.div(some.where(whole, 1)), 0);
}

/** Predicted and actual class of each example, and how many classes the scores have; null where they are no scores. */
function classIndices(
  predictions: Tensor,
  targets: Tensor,
  axis: number | undefined,
  metric: string,
): readonly [Tensor, Tensor, number | null] {
  const p = predictions.shape;
  const t = targets.shape;
  if (p.length === t.length + 1) {
    const at = classAxis(p, t, axis, metric);
    const predicted = predictions.argmax(at);
    checkIndices(predictions, predicted.shape, targets, axis, metric);
    return [predicted, targets, p[at]];
  }
  checkEqual(predictions, targets, metric);
  if (!isFloat(predictions.dtype) || p.length < 2) return [predictions, targets, null];
  if (p.length > 2 && axis === undefined) {
    throw shapeError(
      `${metric}: floats of one shape ${formatShape(p)} can be one number for each class, with the classes on axis 1 or on the last, ` +
        "or class indices. Say { axis: 1 } or { axis: -1 }, or cast class indices to 'int32'",
    );
  }
  const at = classAxis(p, t, axis, metric);
  if (axis === undefined && p[at] === 1) return [predictions, targets, null];
  return [predictions.argmax(at), targets.argmax(at), p[at]];
}

function withClasses(
  predictions: Tensor,
  targets: Tensor,
  { classes, axis }: ClassOptions,
  metric: string,
): readonly [Tensor, Tensor, number] {
  const [predicted, actual, found] = classIndices(predictions, targets, axis, metric);
  const known = found ?? classes;
  if (known === undefined) {
    throw valueError(`${metric}: with class indices as predictions say how many there are: { classes: … }`);
  }
  return [predicted, actual, checkInteger(known, metric, 'the number of classes', 1)];
}

function checkIndices(
  scores: Tensor,
  expected: readonly number[],
  targets: Tensor,
  axis: number | undefined,
  metric: string,
): void {
  const t = targets.shape;
  if (t.length !== expected.length || t.some((size, i) => size !== expected[i])) {
    throw shapeError(
      `${metric}: scores ${formatShape(scores.shape)} do not fit targets ${formatShape(t)}; class indices should be ` +
        expectedTargets(scores.shape, axis),
    );
  }
}

/** @throws RangeError unless the shapes are the same @internal */
export function checkEqual(a: Tensor, b: Tensor, metric: string): void {
  if (a.shape.length !== b.shape.length || a.shape.some((size, i) => size !== b.shape[i])) {
    throw shapeError(
      `${metric}: predictions ${formatShape(a.shape)} do not fit targets ${formatShape(b.shape)}; scores have one axis more than class indices`,
    );
  }
}
