/**
 * The learning rate range test: a few steps while the rate grows from far too small to far too large. What the loss
 * makes of it shows which rates will do (L. Smith, "Cyclical learning rates for training neural networks", 2017).
 */

import type { Schedule } from '@ag/optim';
import { randomState, restoreRandomState, type Tensor } from '@ag/tensor';
import { checkOptions } from '@ag/tensor/engine';
import { pow } from '@ag/tensor/math';
import { withoutAdvice } from './advice.ts';
import { TrainingError } from './errors.ts';
import { fit } from './fit.ts';
import type { FitOptimizer } from './optimizer.ts';
import type { FitOptions } from './options.ts';

/** Options of {@link findLearningRate}. */
export interface FindLearningRateOptions<X = Tensor, Output = Tensor, Y = Tensor>
  extends Pick<
    FitOptions<X, Output, Y>,
    'model' | 'loss' | 'weights' | 'train' | 'gradients' | 'compile' | 'signal'
  > {
  /** Makes the optimizer, with the rate that it is given. */
  readonly optimizer: (learningRate: Schedule) => FitOptimizer;
  /** The first rate. Default 1e-6. */
  readonly from?: number;
  /** The last rate. Default 1. */
  readonly to?: number;
  /** Steps from the first rate to the last, by equal factors. Default 100. */
  readonly steps?: number;
  /** Weight of the past in the smoothed loss, in [0, 1). Default 0.9. */
  readonly smoothing?: number;
  /** The test ends when the smoothed loss is this many times its lowest value. Default 4. */
  readonly divergence?: number;
}

/** One step of the test. */
export interface LearningRatePoint {
  readonly rate: number;
  /** On the step's batch, before the step. */
  readonly loss: number;
  /** The moving average of the losses up to here. */
  readonly smoothed: number;
}

/** What {@link findLearningRate} answers. */
export interface LearningRateTest {
  readonly points: readonly LearningRatePoint[];
  /** The rate at which the smoothed loss was lowest; null when it never fell. */
  readonly lowest: number | null;
  /** A tenth of that: a rate with room to both sides. */
  readonly suggestion: number | null;
  /** Whether the loss ran away before the last rate. A test that does not reach that far says little. */
  readonly diverged: boolean;
}

/** Steps before the test may end: a smoothed loss says little at first. */
const leastSteps = 10;

/**
 * Tries learning rates on a model, whose weights and random numbers are afterwards as before.
 *
 * ```ts
 * const { suggestion } = await findLearningRate({
 *   model, loss: crossEntropy, train: loader,
 *   optimizer: (learningRate) => adam(model.parameters(), { learningRate }),
 * });
 * ```
 *
 * @throws TrainingError `option` for options that make no sense, and the signal's reason when it is aborted
 */
export async function findLearningRate<X = Tensor, Output = Tensor, Y = Tensor>(
  options: FindLearningRateOptions<X, Output, Y>,
): Promise<LearningRateTest> {
  checkOptions(
    'findLearningRate',
    options,
    'optimizer from to steps smoothing divergence model loss weights train gradients compile signal',
  );
  const { model, optimizer, loss, weights, train, gradients, compile, signal } = options;
  const { from = 1e-6, to = 1, steps = 100, smoothing = 0.9, divergence = 4 } = options;
  const check = (holds: boolean, what: string): void => {
    if (!holds) throw new TrainingError(`findLearningRate: ${what}`, { code: 'option' });
  };
  check(from > 0 && to > from && Number.isFinite(to), `needs 0 < from < to, got ${from} and ${to}`);
  check(Number.isInteger(steps) && steps >= 2, `steps must be a whole number from 2, got ${steps}`);
  check(smoothing >= 0 && smoothing < 1, `smoothing must be in [0, 1), got ${smoothing}`);
  check(divergence > 1, `divergence must be above 1, got ${divergence}`);

  const before = model.stateDict();
  const random = randomState();
  const rateAt = (step: number): number => from * pow(to / from, step / (steps - 1));
  const points: LearningRatePoint[] = [];
  let average = 0;
  let least = Number.POSITIVE_INFINITY;
  let diverged = false;
  try {
    // A source of data that does not say its length has at least one batch.
    const epochs = Math.ceil(steps / (train.length ?? 1));
    const shared = {
      model,
      loss,
      train,
      epochs,
      ...(weights && { weights }),
      ...(gradients && { gradients }),
      ...(signal && { signal }),
    };
    const run = withoutAdvice({ ...shared, optimizer: optimizer(rateAt), compile: compile ?? false });
    for await (const event of fit(run)) {
      if (event.type !== 'step') continue;
      const count = points.length + 1;
      average = smoothing * average + (1 - smoothing) * event.loss;
      // Corrected for its start at 0, as Adam's moments are (Kingma and Ba 2015, section 3).
      const smoothed = average / (1 - pow(smoothing, count));
      points.push({ rate: event.learningRate, loss: event.loss, smoothed });
      least = Math.min(least, smoothed);
      diverged = count >= leastSteps && smoothed > divergence * least;
      if (diverged || count === steps) break;
    }
    signal?.throwIfAborted();
  } catch (error) {
    if (!(error instanceof TrainingError && error.kind === 'nonFiniteLoss')) throw error;
    diverged = true;
  } finally {
    model.loadStateDict(before);
    restoreRandomState(random);
  }
  const best = points.find(({ smoothed }) => smoothed === least);
  const lowest = best && best !== points[0] ? best.rate : null;
  return { points, lowest, suggestion: lowest === null ? null : lowest / 10, diverged };
}
