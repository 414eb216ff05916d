/**
 * How good predictions are. Metrics are lazy tensors like everything else: read them with `item()`, or hand them to
 * `backward(loss, { also: [...] })` to have them computed by the training step itself. None has a useful gradient.
 */
import { checkInteger, eye, formatShape, oneHot, type Tensor, topK } from '@ag/tensor';

/** What classification metrics take the predicted class from. */
export interface ClassOptions {
  /** Number of classes; needed where predictions are class indices. */
  readonly classes?: number;
}

/**
 * The share of right answers, a scalar in [0, 1].
 *
 * ```ts
 * const share = await accuracy(model.forward(x), labels).item();
 * ```
 *
 * @param predictions scores `[..., classes]` (the largest counts), or class indices `[...]`
 * @param targets class indices `[...]`, or one number for each class `[..., classes]` (the largest counts)
 */
export function accuracy(predictions: Tensor, targets: Tensor): Tensor {
  const [predicted, actual] = classIndices(predictions, targets, 'accuracy');
  return predicted.equal(actual).mean();
}

/**
 * The share of targets that are among the `k` classes with the largest scores.
 *
 * @param scores `[..., classes]`
 * @param targets class indices `[...]`
 */
export function topKAccuracy(scores: Tensor, targets: Tensor, k: number): Tensor {
  checkInteger(k, 'topKAccuracy', 'k', 0, scores.shape[scores.shape.length - 1] ?? 0);
  const { indices } = topK(scores, k);
  return indices.equal(targets.unsqueeze(-1)).any(-1).mean();
}

/**
 * How often class i (row) was taken for class j (column): `[classes, classes]`, int32.
 *
 * @param predictions scores `[..., classes]`, or class indices `[...]` with `options.classes`
 * @param targets class indices
 */
export function confusionMatrix(predictions: Tensor, targets: Tensor, options: ClassOptions = {}): Tensor {
  return confusion('confusionMatrix', predictions, targets, options);
}

function confusion(metric: string, predictions: Tensor, targets: Tensor, options: ClassOptions): Tensor {
  const [predicted, actual, classes] = withClasses(predictions, targets, options, metric);
  const rows = oneHot(actual.flatten(), classes);
  const columns = oneHot(predicted.flatten(), classes);
  return rows.transpose().matmul(columns).cast('int32');
}

/** How the figures of single classes become one. */
export interface AverageOptions extends ClassOptions {
  /**
   * 'macro' (default): the mean over classes; 'weighted': the mean weighted with how often each class occurs; 'micro':
   * all decisions counted alike; 'none': one figure for each class, `[classes]`.
   */
  readonly average?: 'macro' | 'weighted' | 'micro' | 'none';
}

/** Of what was taken for a class, the share that is of it; 0 where nothing was. Takes what `confusionMatrix` takes. */
export function precision(predictions: Tensor, targets: Tensor, options: AverageOptions = {}): Tensor {
  return averaged('precision', predictions, targets, options, (counts) =>
    ratio(counts.right, counts.predicted),
  );
}

/** Of what is of a class, the share that was recognised; 0 where nothing is. Takes what `confusionMatrix` takes. */
export function recall(predictions: Tensor, targets: Tensor, options: AverageOptions = {}): Tensor {
  return averaged('recall', predictions, targets, options, (counts) => ratio(counts.right, counts.actual));
}

/** The harmonic mean of precision and recall of each class. Takes what `confusionMatrix` takes. */
export function f1(predictions: Tensor, targets: Tensor, options: AverageOptions = {}): Tensor {
  return averaged('f1', predictions, targets, options, (counts) =>
    ratio(counts.right.mul(2), counts.predicted.add(counts.actual)),
  );
}

/**
 * The coefficient of determination: 1 − Σ(y − ŷ)² / Σ(y − ȳ)². 1 is perfect, 0 as good as the mean.
 *
 * @param predictions any shape
 * @param targets the same shape
 */
export function r2(predictions: Tensor, targets: Tensor): Tensor {
  checkEqual(predictions, targets, 'r2');
  const spread = targets.sub(targets.mean()).square().sum();
  return targets.sub(predictions).square().sum().div(spread).neg().add(1);
}

/** The mean of |prediction − target|; equal shapes. */
export function meanAbsoluteError(predictions: Tensor, targets: Tensor): Tensor {
  checkEqual(predictions, targets, 'meanAbsoluteError');
  return predictions.sub(targets).abs().mean();
}

interface Counts {
  /** For each class: decided for it and right. */
  readonly right: Tensor;
  /** Decided for it. */
  readonly predicted: Tensor;
  /** Of it. */
  readonly actual: Tensor;
}

function averaged(
  metric: string,
  predictions: Tensor,
  targets: Tensor,
  options: AverageOptions,
  figure: (counts: Counts) => Tensor,
): Tensor {
  const matrix = confusion(metric, predictions, targets, options).cast('float32');
  const classes = matrix.shape[0]!;
  const counts = { right: eye(classes).mul(matrix).sum(1), predicted: matrix.sum(0), actual: matrix.sum(1) };
  const { average = 'macro' } = options;
  switch (average) {
    case 'none':
      return figure(counts);
    case 'macro':
      return figure(counts).mean();
    case 'weighted':
      return figure(counts).mul(counts.actual).sum().div(counts.actual.sum());
    case 'micro':
      return figure({
        right: counts.right.sum(),
        predicted: counts.predicted.sum(),
        actual: counts.actual.sum(),
      });
    default:
      throw new RangeError(
        `${metric}: average must be 'macro', 'weighted', 'micro' or 'none', got '${String(average)}'`,
      );
  }
}

function ratio(part: Tensor, whole: Tensor): Tensor {
  const some = whole.greater(0);
  return some.where(part.div(some.where(whole, 1)), 0);
}

/** Predicted and actual class of each example. */
function classIndices(predictions: Tensor, targets: Tensor, metric: string): readonly [Tensor, Tensor] {
  const p = predictions.shape;
  const t = targets.shape;
  if (p.length === t.length + 1) {
    checkEqual(predictions.argmax(-1), targets, metric);
    return [predictions.argmax(-1), targets];
  }
  checkEqual(predictions, targets, metric);
  const scores = p.length > 1 && p[p.length - 1]! > 1 && predictions.dtype.startsWith('float');
  return scores ? [predictions.argmax(-1), targets.argmax(-1)] : [predictions, targets];
}

function withClasses(
  predictions: Tensor,
  targets: Tensor,
  { classes }: ClassOptions,
  metric: string,
): readonly [Tensor, Tensor, number] {
  const [predicted, actual] = classIndices(predictions, targets, metric);
  const known = predicted === predictions ? classes : predictions.shape[predictions.shape.length - 1]!;
  if (known === undefined) {
    throw new RangeError(
      `${metric}: with class indices as predictions say how many there are: { classes: … }`,
    );
  }
  return [predicted, actual, checkInteger(known, metric, 'the number of classes', 1)];
}

function checkEqual(a: Tensor, b: Tensor, metric: string): void {
  if (a.shape.length !== b.shape.length || a.shape.some((size, i) => size !== b.shape[i])) {
    throw new RangeError(
      `${metric}: predictions ${formatShape(a.shape)} do not fit targets ${formatShape(b.shape)}; scores have one axis more than class indices`,
    );
  }
}
