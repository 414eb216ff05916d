/**
 * Cross-validation: the same training on several cuts of the data. How well it does on what each left out. Says more
 * than one number: how much that number depends on the cut.
 */
import type { Tensor } from '@ag/tensor';
import { checkOptions } from '@ag/tensor/engine';
import { TrainingError } from './errors.ts';
import type { EndReason, Metrics, TrainingEvent } from './events.ts';
import { fit } from './fit.ts';
import type { FitOptions } from './options.ts';
import { type LabeledBatch, validate } from './validate.ts';

/** How one fold went. */
export interface FoldResult {
  /** From 1. */
  readonly fold: number;
  /** On the examples that were left out, by the trained model. */
  readonly loss: number;
  readonly metrics: Metrics;
  /** How many those were. */
  readonly examples: number;
  readonly reason: EndReason;
  readonly epoch: number;
  readonly step: number;
}

/** A metric over the folds. */
export interface Estimate {
  readonly mean: number;
  /** Over the folds, with n − 1. */
  readonly standardDeviation: number;
}

/** What {@link crossValidate} answers. */
export interface CrossValidation {
  readonly folds: readonly FoldResult[];
  readonly loss: Estimate;
  readonly metrics: Readonly<Record<string, Estimate>>;
}

/** Options of {@link crossValidate}. */
export interface CrossValidateOptions {
  /** Hears the events of each fold's run; the fold counts from 1. */
  readonly onEvent?: (event: TrainingEvent, fold: number) => void | Promise<void>;
  /** Called after each fold. */
  readonly onFold?: (result: FoldResult) => void | Promise<void>;
  /** Ends everything after the step under way. */
  readonly signal?: AbortSignal;
}

/**
 * Trains once for each fold and judges each by the examples it left out.
 *
 * ```ts
 * const { metrics } = await crossValidate(kFold(iris(), 5), ({ train, validation }) => {
 *   const model = sequential(linear(4, 16), tanh(), linear(16, 3));
 *   const optimizer = adam(model.parameters(), { learningRate: 0.01 });
 *   return {
 *     model, optimizer, loss: crossEntropy, metrics: { accuracy }, epochs: 50,
 *     train: dataLoader(train, { batchSize: 16, shuffle: true }),
 *     validation: dataLoader(validation, { batchSize: 64 }),
 *   };
 * });
 * console.log(`${metrics.accuracy.mean} ± ${metrics.accuracy.standardDeviation}`);
 * ```
 *
 * @param folds what `kFold` of `@ag/datasets` gives, or anything else that `setup` understands; at least two
 * @param setup a new model with all that trains it; with averages or `earlyStopping` the weights these leave are judged
 * @throws TrainingError as `fit`, and the signal's reason when it is aborted
 */
// biome-ignore lint/suspicious/noExplicitAny: where only the fold's type is given, a run may be of any form
export async function crossValidate<Fold, X = any, Output = any, Y = any>(
  folds: Iterable<Fold>,
  setup: (
    fold: Fold,
    index: number,
  ) => CrossValidatedRun<X, Output, Y> | Promise<CrossValidatedRun<X, Output, Y>>,
  options: CrossValidateOptions = {},
): Promise<CrossValidation> {
  checkOptions('crossValidate', options, 'onEvent onFold signal');
  const { onEvent, onFold, signal } = options;
  const all = [...folds];
  if (all.length < 2) {
    throw new TrainingError(`crossValidate: needs at least two folds, got ${all.length}`, { code: 'option' });
  }
  const results: FoldResult[] = [];
  for (const [index, one] of all.entries()) {
    const run = await setup(one, index);
    let end: Extract<TrainingEvent, { type: 'end' }> | null = null;
    for await (const event of fit({ ...run, ...(signal && { signal }) })) {
      await onEvent?.(event, index + 1);
      if (event.type === 'end') end = event;
    }
    signal?.throwIfAborted();
    const { model, loss, weights, metrics, validation } = run;
    const judged = await validate(model, validation, {
      loss,
      ...(weights && { weights }),
      ...(metrics && { metrics }),
    });
    const { reason, epoch, step } = end!;
    const result: FoldResult = { fold: index + 1, ...judged, reason, epoch, step };
    results.push(result);
    await onFold?.(result);
  }
  const names = Object.keys(results[0].metrics);
  return {
    folds: results,
    loss: estimate(results.map(({ loss }) => loss)),
    metrics: Object.fromEntries(
      names.map((name) => [name, estimate(results.map(({ metrics }) => metrics[name]))]),
    ),
  };
}

/** What is trained in a fold: options of `fit`, with the examples that were left out. */
export type CrossValidatedRun<X = Tensor, Output = Tensor, Y = Tensor> = FitOptions<X, Output, Y> & {
  readonly validation: AsyncIterable<LabeledBatch<X, Y>>;
};

function estimate(values: readonly number[]): Estimate {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, standardDeviation: Math.sqrt(squares / (values.length - 1)) };
}
