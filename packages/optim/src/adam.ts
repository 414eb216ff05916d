/**
 * Adam and AdamW: steps scaled by running estimates of the gradient's mean and mean square.
 */

import type { Tensor, Variable } from '@ag/tensor';
import { checkOptions } from '@ag/tensor/engine';
import { pow } from '@ag/tensor/math';
import { checkBetas, checkNotNegative } from './check.ts';
import {
  Optimizer,
  type OptimizerOptions,
  type ParameterState,
  type Parameters,
  type Read,
  type Scalars,
  type Update,
  withDecay,
  zeroState,
} from './optimizer.ts';
import type { Rate } from './schedules.ts';

/** Options of {@link adam}. */
export interface AdamOptions extends OptimizerOptions {
  /** Default 1e-3. */
  readonly learningRate: Rate;
  /** Decay of the two running means. Default [0.9, 0.999]. */
  readonly betas?: readonly [number, number];
  /** Added to the root of the mean square. Default 1e-8. */
  readonly epsilon?: number;
  /** Weight decay: in adam this times the parameter is added to the gradient (L2), default 0; in adamw it is decoupled, default 0.01. */
  readonly weightDecay?: number;
  /** Use the largest mean square so far (Reddi, Kale, Kumar 2018). Default false. */
  readonly amsgrad?: boolean;
}

/** See {@link adam}. */
export class Adam extends Optimizer<AdamOptions> {
  override readonly type: string = 'adam';
  /** Whether weight decay is decoupled: it scales the parameter and does not enter the gradient. */
  protected readonly decoupled: boolean = false;

  protected override defaults() {
    return { betas: [0.9, 0.999] as const, epsilon: 1e-8, weightDecay: 0, amsgrad: false };
  }

  protected override check({ betas, epsilon, weightDecay }: Required<AdamOptions>): void {
    checkBetas('adam', betas);
    checkNotNegative('adam', { epsilon, weightDecay });
  }

  protected override initialState(parameter: Variable, { amsgrad }: Required<AdamOptions>) {
    return zeroState(parameter, 'mean', 'square', ...(amsgrad ? ['largest'] : []));
  }

  protected override scalars(
    { weightDecay }: Required<AdamOptions>,
    read: Read,
    rate: () => number,
  ): Scalars {
    return this.decoupled && weightDecay !== 0 ? { decayFactor: read(() => 1 - rate() * weightDecay) } : {};
  }

  /** The corrections for means that start at 0 are part of the rate and of a factor of the root. */
  protected override ownScalars(
    { betas }: Required<AdamOptions>,
    read: Read,
    rate: () => number,
    steps: () => number,
  ): Scalars {
    return {
      stepSize: read(() => rate() / (1 - pow(betas[0], steps()))),
      rmsScale: read(() => 1 / Math.sqrt(1 - pow(betas[1], steps()))),
    };
  }

  protected override update(
    value: Tensor,
    gradient: Tensor,
    state: ParameterState<Tensor>,
    { stepSize, rmsScale, decayFactor }: Scalars,
    { betas, epsilon, weightDecay }: Required<AdamOptions>,
  ): Update {
    const g = this.decoupled ? gradient : withDecay(gradient, value, weightDecay);
    const mean = state.mean.mul(betas[0]).add(g.mul(1 - betas[0]));
    const square = state.square.mul(betas[1]).add(g.square().mul(1 - betas[1]));
    const largest = state.largest?.maximum(square);
    const root = (largest ?? square).sqrt().mul(rmsScale).add(epsilon);
    const decayed = decayFactor ? value.mul(decayFactor) : value;
    return {
      value: decayed.sub(mean.div(root).mul(stepSize)),
      state: { mean, square, ...(largest && { largest }) },
    };
  }
}

/** See {@link adamw}. */
export class AdamW extends Adam {
  override readonly type = 'adamw';
  protected override readonly decoupled = true;

  protected override defaults() {
    return { ...super.defaults(), weightDecay: 0.01 };
  }
}

/**
 * Adam (Kingma & Ba 2015).
 *
 * ```ts
 * const optimizer = adam(model.parameters(), { learningRate: cosine(3e-3, { steps: 9000 }) });
 * ```
 *
 * @param options.learningRate default 1e-3
 * @throws RangeError for options out of range
 */
export function adam(parameters: Parameters<AdamOptions>, options: Partial<AdamOptions> = {}): Adam {
  checkOptions('adam', options, 'learningRate betas epsilon weightDecay amsgrad');
  return new Adam(parameters, { learningRate: 1e-3, ...options });
}

/** Adam with decoupled weight decay (Loshchilov & Hutter 2019): default rate 1e-3, weight decay 0.01. */
export function adamw(parameters: Parameters<AdamOptions>, options: Partial<AdamOptions> = {}): AdamW {
  checkOptions('adamw', options, 'learningRate betas epsilon weightDecay amsgrad');
  return new AdamW(parameters, { learningRate: 1e-3, ...options });
}
