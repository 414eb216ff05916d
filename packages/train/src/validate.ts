/**
 * Evaluation of a model on data: loss and metrics, and its predictions.
 */

import type { PartOfBatch } from '@ag/datasets';
import type { AnyModule, Module } from '@ag/nn';
import { evaluate, Tensor } from '@ag/tensor';
import { checkOptions, describeValue } from '@ag/tensor/engine';
import { TrainingError } from './errors.ts';
import type { Metrics } from './events.ts';
import { forward } from './forward.ts';
import { addTo, emptyTotals, meansOf, readAll } from './metrics.ts';
import { type Loss, type LossWeights, type Measures, Objective } from './objective.ts';
import { pauseWhenDue } from './pause.ts';
import { concatenated, examplesOf, isNested, partsOf, structureLike } from './structure.ts';
import type { World } from './world/world.ts';

/** What a batch must hold: tensors, or tuples and objects of tensors, whose first axes count the examples. */
export interface LabeledBatch<X = Tensor, Y = Tensor> {
  readonly x: X;
  readonly y: Y;
  /** Where several programs share each batch: how many of its examples are here, and on all. A `dataLoader` with `part` says it. */
  readonly part?: PartOfBatch | undefined;
}

/** A batch with its answers. @deprecated The former spelling of {@link LabeledBatch}. */
export type LabelledBatch = LabeledBatch;

/** Options of {@link validate}. */
export interface ValidateOptions<Output = Tensor, Y = Tensor> {
  /** A scalar, the mean over the batch; of several heads also one for each, as in `fit`. */
  readonly loss: Loss<Output, Y>;
  /** The weights of the heads' losses in the total. Default 1 each. */
  readonly weights?: LossWeights<Y>;
  /** Metrics by name; of several heads also by head, as in `fit`. Default none. */
  readonly metrics?: Measures<Output, Y>;
  /** Ends the pass early with the signal's reason as error. */
  readonly signal?: AbortSignal;
  /**
   * The ranks that go through the data together, each through its part of each batch: the means are those of all ranks. Every rank must
   * call it. What every rank reads whole counts once for each, which does not change the means.
   */
  readonly world?: World;
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
export async function validate<X = Tensor, Output = Tensor, Y = Tensor>(
  model: Module<[X], Output>,
  data: AsyncIterable<LabeledBatch<X, Y>> | Iterable<LabeledBatch<X, Y>>,
  options: ValidateOptions<Output, Y>,
): Promise<Validation> {
  checkOptions('validate', options, 'loss weights metrics signal world');
  const { signal, world } = options;
  const objective = new Objective(options, 'validate');
  const { names } = objective;
  const totals = emptyTotals(names, objective.streams);
  const restore = evaluationMode(model);
  try {
    for await (const { x, y, part } of data) {
      signal?.throwIfAborted();
      await pauseWhenDue();
      const here = examplesOf(x, y, 'validate');
      const examples = part?.examples ?? here;
      // What stands in for an empty part counts on another rank.
      if (examples === 0) continue;
      const output = forward(model, x, 'validate');
      const scalars = objective.losses(output, y);
      objective.metrics(output, y, scalars);
      const [batchLoss, ...values] = await readAll(scalars);
      addTo(totals, examples, batchLoss[0], objective.read(values, examples));
    }
  } finally {
    restore();
  }
  if (world && world.size > 1) {
    const { sumTotals } = await import('./world/agreement.ts');
    sumTotals(totals, world, 'validation');
  }
  if (totals.examples === 0) throw new TrainingError('validate: there are no examples', { code: 'option' });
  return { ...meansOf(totals, objective.streams), examples: totals.examples };
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
 * const { box } = await predict(detector, { image, meta });
 * ```
 *
 * @param inputs what the model takes, `[n, …]` (a tensor, a tuple or an object of tensors), or batches with the field `x`
 * @returns what the model gives, a tensor or a structure of them: `[n, …]` each, computed
 */
export async function predict<X = Tensor, Output = Tensor>(
  model: Module<[X], Output>,
  inputs: X | AsyncIterable<{ readonly x: X }> | Iterable<{ readonly x: X }>,
  options: PredictOptions = {},
): Promise<Output> {
  checkOptions('predict', options, 'batchSize signal');
  const { batchSize = 256, signal } = options;
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new TrainingError(`predict: batchSize must be a whole number above 0, got ${batchSize}`, {
      code: 'option',
    });
  }
  const batches = isStructure(inputs) ? cut(inputs as X, batchSize) : inputs;
  const restore = evaluationMode(model);
  const answers: Output[] = [];
  try {
    for await (const { x } of batches as AsyncIterable<{ readonly x: X }>) {
      signal?.throwIfAborted();
      await pauseWhenDue();
      examplesOf(x, undefined, 'predict');
      const output = forward(model, x, 'predict');
      evaluate(output instanceof Tensor ? [output] : tensorsOf(output));
      answers.push(output);
    }
  } finally {
    restore();
  }
  if (answers.length === 0) throw new TrainingError('predict: there are no inputs', { code: 'option' });
  return (await concatenated(answers, 'predict')) as Output;
}

/** Whether inputs are what the model takes, and not batches of it. */
function isStructure(inputs: unknown): boolean {
  if (inputs instanceof Tensor) return true;
  if (Array.isArray(inputs)) return inputs.length > 0 && !inputs.every((one) => isNested(one) && 'x' in one);
  return isNested(inputs) && !(Symbol.asyncIterator in inputs) && !(Symbol.iterator in inputs);
}

function tensorsOf(output: unknown): Tensor[] {
  const refuse = (path: string, value: unknown): never => {
    const place = path === '' ? "the model's output" : `'${path}' of the model's output`;
    throw new TrainingError(`predict: ${place} is ${describeValue(value)}, not a tensor`, { code: 'option' });
  };
  return partsOf(output, refuse).map(([, part]) => part);
}

/** Puts a model into evaluation mode; the function returned gives every module the mode it had. */
export function evaluationMode(model: AnyModule): () => void {
  const modes = [...model.namedModules().values()].map((module) => [module, module.training] as const);
  model.eval();
  return () => {
    for (const [module, training] of modes) module.training = training;
  };
}

/** Batches of a structure; parts without axes belong to each of them. */
function* cut<X>(inputs: X, size: number): Iterable<{ readonly x: X }> {
  const count = inputs instanceof Tensor ? (inputs.shape[0] ?? 0) : examplesOf(inputs, undefined, 'predict');
  const parts = partsOf(inputs);
  for (let start = 0; start < count; start += size) {
    const end = Math.min(count, start + size);
    const slices = parts.map(([, part]) => (part.shape.length === 0 ? part : part.slice(start, end)));
    yield { x: structureLike(inputs, slices) as X };
  }
}
