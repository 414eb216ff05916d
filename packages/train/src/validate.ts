/**
 * Evaluation of a model on data: loss and metrics, and its predictions.
 */

import type { AnyModule, Module } from '@ag/nn';
import { concat, evaluate, type Tensor, tensor } from '@ag/tensor';
import { checkOptions, synchronous } from '@ag/tensor/engine';
import { TrainingError } from './errors.ts';
import type { Metrics } from './events.ts';
import { addTo, emptyTotals, type Metric, meansOf, readScalars } from './metrics.ts';
import { pauseWhenDue } from './pause.ts';

/** What a batch must hold. */
export interface LabeledBatch {
  readonly x: Tensor;
  readonly y: Tensor;
}

/** @deprecated The former spelling of {@link LabeledBatch}. */
export type LabelledBatch = LabeledBatch;

/** Options of {@link validate}. */
export interface ValidateOptions {
  /** A scalar, the mean over the batch. */
  readonly loss: (output: Tensor, y: Tensor) => Tensor;
  /** Metrics by name. Default none. */
  readonly metrics?: Readonly<Record<string, Metric>>;
  /** Ends the pass early with the signal's reason as error. */
  readonly signal?: AbortSignal;
}

/** What {@link validate} answers. */
export interface Validation {
  /** Mean over all examples. */
  readonly loss: number;
  readonly metrics: Metrics;
  /** How many examples there were. */
  readonly examples: number;
}

/**
 * Loss and metrics of a model over a data set, in evaluation mode; the model's mode is as before afterwards.
 *
 * ```ts
 * const { loss, metrics } = await validate(model, loader, { loss: crossEntropy, metrics: { accuracy } });
 * ```
 *
 * @param data batches `{ x, y }`, such as a `dataLoader`
 */
export async function validate(
  model: Module<[Tensor], Tensor>,
  data: AsyncIterable<LabeledBatch> | Iterable<LabeledBatch>,
  options: ValidateOptions,
): Promise<Validation> {
  checkOptions('validate', options, 'loss metrics signal');
  const { loss, metrics = {}, signal } = options;
  const names = Object.keys(metrics);
  const totals = emptyTotals(names);
  const restore = evaluationMode(model);
  try {
    for await (const { x, y } of data) {
      signal?.throwIfAborted();
      await pauseWhenDue();
      const output = synchronous('validate', model.forward(x), "the model's forward");
      const [batchLoss, ...values] = await readScalars([
        synchronous('validate', loss(output, y), 'the loss'),
        ...names.map((name) => synchronous('validate', metrics[name](output, y), `the metric ${name}`)),
      ]);
      addTo(
        totals,
        x.shape[0] ?? 1,
        batchLoss,
        Object.fromEntries(names.map((name, i) => [name, values[i]])),
      );
    }
  } finally {
    restore();
  }
  if (totals.examples === 0) throw new TrainingError('validate: there are no examples', { code: 'option' });
  return { ...meansOf(totals), examples: totals.examples };
}

/** Options of {@link predict}. */
export interface PredictOptions {
  /** Examples computed at a time when one tensor is given. Default 256. */
  readonly batchSize?: number;
  readonly signal?: AbortSignal;
}

/**
 * What a model answers, in evaluation mode; the model's mode is as before afterwards.
 *
 * ```ts
 * const classes = (await predict(model, images)).argmax(-1);
 * ```
 *
 * @param inputs one tensor `[n, …]`, or batches with the field `x`
 * @returns `[n, …]`, computed
 */
export async function predict(
  model: Module<[Tensor], Tensor>,
  inputs: Tensor | AsyncIterable<{ readonly x: Tensor }> | Iterable<{ readonly x: Tensor }>,
  options: PredictOptions = {},
): Promise<Tensor> {
  checkOptions('predict', options, 'batchSize signal');
  const { batchSize = 256, signal } = options;
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new TrainingError(`predict: batchSize must be a whole number above 0, got ${batchSize}`, {
      code: 'option',
    });
  }
  const batches = 'shape' in inputs ? parts(inputs, batchSize) : inputs;
  const restore = evaluationMode(model);
  const answers: Tensor[] = [];
  try {
    for await (const { x } of batches) {
      signal?.throwIfAborted();
      await pauseWhenDue();
      const output = synchronous('predict', model.forward(x), "the model's forward");
      evaluate([output]);
      answers.push(output);
    }
  } finally {
    restore();
  }
  if (answers.length === 0) throw new TrainingError('predict: there are no inputs', { code: 'option' });
  const all = answers.length === 1 ? answers[0] : concat(answers, 0);
  return tensor(await all.data(), { shape: all.shape, dtype: all.dtype, copy: false });
}

/** Puts a model into evaluation mode; the function returned gives every module the mode it had. */
export function evaluationMode(model: AnyModule): () => void {
  const modes = [...model.namedModules().values()].map((module) => [module, module.training] as const);
  model.eval();
  return () => {
    for (const [module, training] of modes) module.training = training;
  };
}

function* parts(x: Tensor, size: number): Iterable<{ x: Tensor }> {
  const count = x.shape[0] ?? 0;
  for (let start = 0; start < count; start += size)
    yield { x: x.slice(start, Math.min(count, start + size)) };
}
