/** What `fit` is given, and the checks of it. */

import type { Part } from '@ag/datasets';
import type { Module } from '@ag/nn';
import type { Tensor, Variable } from '@ag/tensor';
import { checkOptions, warn } from '@ag/tensor/engine';
import type { Callback } from './callbacks/callback.ts';
import type { Checkpoint } from './checkpoint.ts';
import { TrainingError } from './errors.ts';
import type { MessageEnd } from './messageEnd.ts';
import type { Loss, LossWeights, Measures } from './objective.ts';
import type { FitAverage, FitOptimizer } from './optimizer.ts';
import type { ProfileOptions } from './profile/profiler.ts';
import type { LabeledBatch } from './validate.ts';
import type { World } from './world/world.ts';

/** Where `fit` gets its batches: a `dataLoader`, or anything that can be iterated once per epoch. */
export interface TrainingData<X = Tensor, Y = Tensor> extends AsyncIterable<LabeledBatch<X, Y>> {
  /** Batches in an epoch. */
  readonly length?: number;
  /** Chooses the epoch (from 0) that the next iteration goes through. */
  setEpoch?(epoch: number): void;
  /** The position, as a loader gives it; needed to resume in mid-epoch. */
  state?(): { epoch: number; position: number; seed: number };
  loadState?(state: { epoch: number; position: number; seed: number }): void;
  /** Whose part of each batch it gives, where several programs share them. */
  readonly part?: Part | undefined;
}

/**
 * Options of `fit`.
 *
 * @typeParam X what a batch holds as `x`, and the one argument of the model's `forward`: a tensor, a tuple or an object of tensors
 * @typeParam Output what `forward` gives
 * @typeParam Y what a batch holds as `y`
 */
export interface FitOptions<X = Tensor, Output = Tensor, Y = Tensor> {
  readonly model: Module<[X], Output>;
  readonly optimizer: FitOptimizer;
  /**
   * The loss to minimize, a scalar, from the model's output and the batch's `y`. Where these have several heads also one for
   * each, `{ class: crossEntropy, box: mseLoss }`, or `{ box: { loss: mseLoss, weight: 0.5 } }`: the total is their weighted sum,
   * and each is reported among the metrics, as `class/loss`.
   */
  readonly loss: Loss<Output, Y>;
  /** The weights of the heads' losses in the total: `{ class: 1, box: 0.5 }`. Default 1 each. */
  readonly weights?: LossWeights<Y>;
  readonly train: TrainingData<X, Y>;
  /** Validation data, evaluated at the end of an epoch in evaluation mode. */
  readonly validation?: AsyncIterable<LabeledBatch<X, Y>>;
  /** Passes over the training data in all, those of a resumed run included. */
  readonly epochs: number;
  /** Metrics by name, computed by the steps' own plans; of several heads also by head: `{ class: { accuracy } }`. */
  readonly metrics?: Measures<Output, Y>;
  readonly callbacks?: readonly Callback[];
  /** Ends the run after the step under way; the last event is then `end` with the reason `aborted`. */
  readonly signal?: AbortSignal;
  /** The checkpoint to resume from, as `loadCheckpoint` gives it. */
  readonly resume?: Checkpoint;
  /** Validate after every so many epochs, and after the last. Default 1. */
  readonly validateEvery?: number;
  /** Report every so many steps; callbacks hear of each. Default 1; 0 reports none. */
  readonly reportEvery?: number;
  /**
   * Batches whose gradients are added up before a step. The step follows the mean of their losses, in which each batch
   * counts the same, a smaller last one too; an epoch's last group is the mean of the batches that are left. Default 1.
   */
  readonly accumulate?: number;
  /** Changes the gradients between `backward` and the step, such as `() => clipGradNorm(parameters, 1)`. */
  readonly gradients?: (parameters: readonly Variable[]) => unknown;
  /**
   * A running average of the weights, such as `ema(model.parameters(), { decay: 0.999 })`, moved after each step. The
   * averages are what is validated, what `earlyStopping` keeps as the best, and what the model holds after the `end` (then
   * `average.restore()` gives the last step's weights back). Running statistics are not averaged. Checkpoints hold both.
   */
  readonly average?: FitAverage;
  /**
   * Measure the gradients at every so many steps: the norm of each parameter's, and the share of each layer's units that
   * get none. Default 0, never.
   */
  readonly gradientNorms?: number;
  /**
   * Compute the loss at every so many steps in float64 as well, and warn (`lostDigits`) of operations that lose digits of float32, with
   * the form that does not: see `checkNumerics`. Such a step takes several times as long; training computes the same. Default 0, never.
   */
  readonly checkNumerics?: number;
  /**
   * Time every kernel and report where the steps' time went, by operation, kernel and module: a `profile` event before
   * the end. Training computes the same, somewhat slower. Default false.
   */
  readonly profile?: boolean | ProfileOptions;
  /**
   * Trace the step once and repeat its plan: less work for the host, which is most of the time of small networks. The
   * model must then compute the same at each step: no choices by values or counters. Default false.
   */
  readonly compile?: boolean;
  /**
   * The ranks that train together, each on its part of every batch: `train: dataLoader(data, { …, part: world })`. Every rank calls
   * `fit` with the same options and gets the same events; `resume` counts on rank 0. Losses, metrics and gradients are those of the
   * whole batch, each example counting the same. Any rank may stop the run, by `signal` or a callback: all end with the step that
   * follows. Default: this program alone.
   */
  readonly world?: World;
  /**
   * Workers that compute parts of each batch at the same time, in Node and in pages, which need no isolation. They are started by
   * `startWorker` from a script that calls `serveWorker`; data, optimizer, callbacks and validation stay here. The weights are
   * the same to the bit for any number of workers, and for none. Default 1.
   */
  readonly workers?: number;
  /**
   * Starts a worker: `() => new Worker(new URL('./network.js', import.meta.url), { type: 'module' })`. Called again when one has died;
   * what it had to do is given to the new one. Without it `blocks` are computed here.
   */
  readonly startWorker?: () => MessageEnd;
  /**
   * Into how many blocks a batch is cut (⌊k·B/K⌋ …) whose gradients are computed apart and added up in a fixed tree: what can be shared by
   * workers, and what decides the bits. Batch normalization uses the statistics of a block, running ones are averaged; random
   * numbers are a block's own. Default 8 with `startWorker`, else the batch is computed as a whole.
   */
  readonly blocks?: number;
  /** Kept in checkpoints, as it is; for what made the run. Must be JSON. */
  readonly config?: unknown;
}

/** Options of any inputs, outputs and targets. */
// biome-ignore lint/suspicious/noExplicitAny: whatever the types of a run are, they fit each other
export type AnyFitOptions = FitOptions<any, any, any>;

/** @throws TypeError for options that there are not, TrainingError `option` for options that make no sense */
export function checkFit(options: AnyFitOptions): void {
  checkOptions(
    'fit',
    options,
    'model optimizer loss weights train validation epochs metrics callbacks signal resume validateEvery reportEvery accumulate gradients average gradientNorms checkNumerics profile compile world workers startWorker blocks config',
  );
  const integer = (value: number | undefined, least: number, name: string): void => {
    if (value !== undefined && !(Number.isInteger(value) && value >= least)) {
      throw new TrainingError(`fit: ${name} must be a whole number from ${least}, got ${value}`, {
        code: 'option',
      });
    }
  };
  integer(options.epochs, 0, 'epochs');
  integer(options.validateEvery, 1, 'validateEvery');
  integer(options.reportEvery, 0, 'reportEvery');
  integer(options.accumulate, 1, 'accumulate');
  integer(options.gradientNorms, 0, 'gradientNorms');
  integer(options.checkNumerics, 0, 'checkNumerics');
  integer(options.workers, 1, 'workers');
  integer(options.blocks, 1, 'blocks');
  checkBlocks(options);
  if (options.compile && (options.accumulate ?? 1) > 1) {
    throw new TrainingError('fit: accumulate and compile exclude each other; leave compile out', {
      code: 'option',
    });
  }
  checkParts(options);
  const own = new Set(options.model.parameters());
  if (own.size > 0 && options.optimizer.parameters.every((parameter) => !own.has(parameter))) {
    throw new TrainingError(
      'fit: the optimizer has none of the parameters of the model, so the model would not train; make it with adam(model.parameters())',
      { code: 'option' },
    );
  }
  if (options.epochs === 0 && !options.resume) {
    warn('AG_NO_EPOCHS', 'fit: epochs is 0, so nothing is trained; give the number of passes over the data');
  }
  if ((options.validation as unknown) === options.train && (options.train.length ?? 0) > 1) {
    warn(
      'AG_SAME_VALIDATION',
      'fit: the validation data are the training data, so the validation says nothing of new examples; set some apart: randomSplit(data, [0.8, 0.2])',
    );
  }
  const names = (options.callbacks ?? []).map((callback) => callback.name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) {
    throw new TrainingError(`fit: two callbacks are named '${twice}'; their states could not be told apart`, {
      code: 'option',
    });
  }
}

/** @throws TrainingError `option` where ranks would all train on the same examples, or on parts of another world */
function checkParts({ world, train }: AnyFitOptions): void {
  const { part } = train;
  const fail = (problem: string): never => {
    throw new TrainingError(`fit: ${problem}`, { code: 'option' });
  };
  if (part && part.size > 1 && !world)
    fail(`the training data are part ${part.rank} of ${part.size} of each batch; give fit their world`);
  if (!world || world.size === 1) return;
  if (part && (part.rank !== world.rank || part.size !== world.size))
    fail(
      `the training data are part ${part.rank} of ${part.size}, and this is rank ${world.rank} of ${world.size}; dataLoader(data, { part: world })`,
    );
  if (!part && 'dataset' in train)
    fail(
      'every rank would train on all of each batch; give the loader its part: dataLoader(data, { part: world })',
    );
}

/** Whether batches are computed in blocks. */
export function inBlocks({ workers, startWorker, blocks }: AnyFitOptions): boolean {
  return workers !== undefined || startWorker !== undefined || blocks !== undefined;
}

/** @throws TrainingError `option` for what cannot be shared by workers */
function checkBlocks(options: AnyFitOptions): void {
  if (!inBlocks(options)) return;
  const fail = (problem: string): never => {
    throw new TrainingError(`fit: ${problem}`, { code: 'option' });
  };
  if ((options.workers ?? 1) > 1 && options.startWorker === undefined)
    fail(
      `${options.workers} workers need startWorker: () => new Worker(new URL('./network.js', import.meta.url), { type: 'module' }), ` +
        'whose script calls serveWorker',
    );
  if ((options.accumulate ?? 1) > 1)
    fail('accumulate and workers exclude each other; larger batches in more blocks do the same');
  if (options.profile) fail('profile times what is computed here; leave workers and blocks out');
  if ((options.world?.size ?? 1) > 1) fail('world and workers exclude each other; start more ranks instead');
}
