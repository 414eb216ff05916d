/**
 * `swa`: the plain average of the parameters along the end of a run.
 */

import type { Variable } from '@ag/tensor';
import { checkInteger, checkOptions } from '@ag/tensor/engine';
import { ParameterAverage } from './average.ts';

/** Options of {@link swa}. */
export interface SwaOptions {
  /** Also average these, as {@link EmaOptions} has it. Default none. */
  readonly buffers?: Iterable<Variable>;
  /** Calls of `update()` before the mean begins; until then it is what the parameters were at the last call. Default 0. */
  readonly start?: number;
}

/** See {@link swa}. */
export class Swa extends ParameterAverage {
  override readonly type = 'swa';
  readonly #start: number;

  /** Use {@link swa}. */
  constructor(parameters: Iterable<Variable>, options: SwaOptions = {}) {
    checkOptions('swa', options, 'buffers start');
    super(parameters, options.buffers);
    this.#start = checkInteger(options.start ?? 0, 'swa', 'start', 0);
  }

  protected override keep(update: number): number {
    const met = update - this.#start;
    return met > 1 ? (met - 1) / met : 0;
  }
}

/**
 * Stochastic weight averaging (Izmailov et al. 2018): the mean of the parameters at all calls of `update()`, usually one for each of the last
 * epochs, with a rate that stays rather high. Averages have met no data, so running statistics of batch normalization do not belong to
 * them: go through the training data once in training mode without steps, or average them as well by `buffers`. With `start`, `update()` may
 * be called after every step of a run, as `fit({ average })` does.
 *
 * ```ts
 * const average = swa(model.parameters());
 * for (let epoch = 0; epoch < 20; epoch++) {
 *   await trainEpoch();
 *   if (epoch >= 15) average.update();
 * }
 * average.apply();
 * ```
 */
export function swa(parameters: Iterable<Variable>, options: SwaOptions = {}): Swa {
  checkOptions('swa', options, 'buffers start');
  return new Swa(parameters, options);
}
