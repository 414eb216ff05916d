/**
 * `ema`: the moving average of parameters, often a better model than the last step's.
 */

import type { Variable } from '@ag/tensor';
import { checkOptions } from '@ag/tensor/engine';
import { ParameterAverage } from './average.ts';
import { checkRange } from './check.ts';

/** Options of {@link ema}. */
export interface EmaOptions {
  /** Decay of the average at each update, in [0, 1). Default 0.999. */
  readonly decay?: number;
  /** Use (1 + n) / (10 + n) at the n-th update while that is below the decay, so that early averages follow faster. Default false. */
  readonly warmup?: boolean;
  /**
   * Also average these, such as the running statistics of batch normalization: `model.namedBuffers().values()`. Of whole numbers the last
   * value is taken. Default none.
   */
  readonly buffers?: Iterable<Variable>;
}

/** See {@link ema}. */
export class Ema extends ParameterAverage {
  override readonly type = 'ema';
  readonly decay: number;
  readonly warmup: boolean;

  /** Use {@link ema}. */
  constructor(parameters: Iterable<Variable>, options: EmaOptions = {}) {
    checkOptions('ema', options, 'decay warmup buffers');
    super(parameters, options.buffers);
    this.decay = options.decay ?? 0.999;
    this.warmup = options.warmup ?? false;
    checkRange(this.decay, 0, 1, 'ema: decay');
  }

  protected override keep(update: number): number {
    return this.warmup ? Math.min(this.decay, (1 + update) / (10 + update)) : this.decay;
  }
}

/**
 * The exponential moving average of parameters (Polyak & Juditsky 1992 for averaging): average ← decay · average +
 * (1 − decay) · parameter at each `update()`.
 *
 * ```ts
 * const average = ema(model.parameters(), { decay: 0.999 });
 * optimizer.step();
 * average.update();
 * ```
 */
export function ema(parameters: Iterable<Variable>, options: EmaOptions = {}): Ema {
  checkOptions('ema', options, 'decay warmup buffers');
  return new Ema(parameters, options);
}
