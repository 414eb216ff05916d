/**
 * Metrics of many batches as sums that add up, and what the sums say in the end. `fit` and `validate` take them as they take functions;
 * in loops of your own `measure` adds up.
 */
import { evaluate, stack, type Tensor, zeros } from '@ag/tensor';
import { checkInteger, checkOptions } from '@ag/tensor/engine';
import { exp } from '@ag/tensor/math';
import { crossEntropy, type NllOptions } from './losses/crossEntropy.ts';
import { type ClassOptions, checkEqual, confusion } from './metrics.ts';
import type { IouOptions } from './ranking.ts';

/** A metric as sums over examples. */
export interface MetricStream<Output = Tensor, Y = Tensor> {
  /** How many sums there are. */
  readonly size: number;
  /** Those of a batch, lazily: float32 `[size]`. */
  sums(output: Output, y: Y): Tensor;
  /** What sums of any number of batches say; factors that all of them share do not matter. */
  value(sums: ArrayLike<number>): number;
}

/** Adds up a stream: see {@link measure}. */
export class Measure<Output = Tensor, Y = Tensor> {
  readonly stream: MetricStream<Output, Y>;
  #sums: Float64Array;

  /** Use {@link measure}. */
  constructor(stream: MetricStream<Output, Y>) {
    this.stream = stream;
    this.#sums = new Float64Array(stream.size);
  }

  /** Adds a batch; waits until it is computed. */
  async add(output: Output, y: Y): Promise<void> {
    const sums = this.stream.sums(output, y);
    evaluate([sums]);
    const data = await sums.data();
    for (let i = 0; i < data.length; i++) this.#sums[i] += data[i];
  }

  /** The metric of all batches so far. */
  get value(): number {
    return this.stream.value(this.#sums);
  }

  /** Begins anew. */
  reset(): void {
    this.#sums = new Float64Array(this.stream.size);
  }
}

/**
 * Adds up a metric over batches.
 *
 * ```ts
 * const area = measure(aucStream());
 * for await (const { x, y } of loader) await area.add(model.forward(x).sigmoid(), y);
 * console.log(area.value);
 * ```
 */
export function measure<Output = Tensor, Y = Tensor>(stream: MetricStream<Output, Y>): Measure<Output, Y> {
  return new Measure(stream);
}

/** Options of metrics that are areas under a curve. */
export interface CurveOptions {
  /** How many thresholds there are between the smallest and the largest score. Default 1000. */
  readonly bins?: number;
  /** The range of scores; those outside count as its ends. Default [0, 1], probabilities. */
  readonly range?: readonly [number, number];
}

/**
 * `auc` over batches, by counts of scores in bins: scores in one bin count as equal, so it differs from the whole by at most the share of
 * pairs in a bin.
 *
 * ```ts
 * const metrics = { auc: aucStream({ range: [-10, 10] }) }; // of fit, where outputs are logits
 * ```
 */
export function aucStream(options: CurveOptions = {}): MetricStream {
  checkOptions('aucStream', options, 'bins range');
  return curve('aucStream', options, (positives, negatives) => {
    let [area, above, below] = [0, 0, 0];
    for (let i = positives.length - 1; i >= 0; i--) {
      area += negatives[i] * (above + positives[i] / 2);
      above += positives[i];
      below += negatives[i];
    }
    return area / (above * below);
  });
}

/** `averagePrecision` over batches, by counts of scores in bins: scores in one bin share a threshold. */
export function averagePrecisionStream(options: CurveOptions = {}): MetricStream {
  checkOptions('averagePrecisionStream', options, 'bins range');
  return curve('averagePrecisionStream', options, (positives, negatives) => {
    let [sum, found, all] = [0, 0, 0];
    for (let i = positives.length - 1; i >= 0; i--) {
      found += positives[i];
      all += positives[i] + negatives[i];
      if (positives[i] > 0) sum += (positives[i] * found) / all;
    }
    return sum / found;
  });
}

/** Counts of positives and negatives in bins of scores. */
function curve(
  metric: string,
  { bins = 1000, range = [0, 1] }: CurveOptions,
  value: (positives: readonly number[], negatives: readonly number[]) => number,
): MetricStream {
  checkInteger(bins, metric, 'bins', 1);
  const [low, high] = range;
  return {
    size: 2 * bins,
    sums(scores, targets) {
      checkEqual(scores, targets, metric);
      const share = scores
        .flatten()
        .cast('float32')
        .sub(low)
        .mul(bins / (high - low));
      const bin = share
        .floor()
        .clamp(0, bins - 1)
        .cast('int32');
      const own = targets.flatten().cast('float32');
      // Positives lie behind the negatives.
      const place = own.greater(0.5).where(bin.add(bins), bin);
      return zeros([2 * bins]).scatterAdd(place, own.mul(0).add(1), 0);
    },
    value(sums) {
      const counts = Array.from(sums);
      return value(counts.slice(bins), counts.slice(0, bins));
    },
  };
}

/**
 * `iou` over batches: the mean over the classes that occur in any of them.
 *
 * @param classes how many there are
 */
export function iouStream(classes: number, options: Pick<IouOptions, 'axis'> = {}): MetricStream {
  checkOptions('iouStream', options, 'axis');
  return ofMatrix('iouStream', classes, options, (matrix) => {
    let [sum, met] = [0, 0];
    for (let i = 0; i < classes; i++) {
      let [row, column] = [0, 0];
      for (let j = 0; j < classes; j++) {
        row += matrix[i * classes + j];
        column += matrix[j * classes + i];
      }
      const both = matrix[i * (classes + 1)];
      const either = row + column - both;
      if (either <= 0) continue;
      sum += both / either;
      met++;
    }
    return sum / met;
  });
}

/**
 * `f1` over batches, the mean over classes: from the totals of all batches, not the mean of the batches' values.
 *
 * @param classes how many there are
 */
export function f1Stream(classes: number, options: Pick<ClassOptions, 'axis'> = {}): MetricStream {
  checkOptions('f1Stream', options, 'axis');
  return ofMatrix('f1Stream', classes, options, (matrix) => {
    let sum = 0;
    for (let i = 0; i < classes; i++) {
      let all = 0;
      for (let j = 0; j < classes; j++) all += matrix[i * classes + j] + matrix[j * classes + i];
      if (all > 0) sum += (2 * matrix[i * (classes + 1)]) / all;
    }
    return sum / classes;
  });
}

/** Sums that are a confusion matrix, targets by predictions. */
function ofMatrix(
  metric: string,
  classes: number,
  options: Pick<ClassOptions, 'axis'>,
  value: (matrix: ArrayLike<number>) => number,
): MetricStream {
  checkInteger(classes, metric, 'the number of classes', 1);
  return {
    size: classes * classes,
    sums: (predictions, targets) =>
      confusion(metric, predictions, targets, { ...options, classes })
        .cast('float32')
        .flatten(),
    value,
  };
}

/**
 * `perplexity` over batches: exp of the mean over all targets that count.
 *
 * @param options.ignoreIndex targets that do not count; options.axis as of `crossEntropy`
 */
export function perplexityStream(options: Pick<NllOptions, 'ignoreIndex' | 'axis'> = {}): MetricStream {
  checkOptions('perplexityStream', options, 'ignoreIndex axis');
  const { ignoreIndex } = options;
  return {
    size: 2,
    sums(logits, targets) {
      const total = crossEntropy(logits, targets, { ...options, reduction: 'sum' }).cast('float32');
      const counted = ignoreIndex === undefined ? targets.equal(targets) : targets.notEqual(ignoreIndex);
      return stack([total, counted.cast('float32').sum()]);
    },
    value: ({ 0: sum, 1: count }) => exp(sum / count),
  };
}
