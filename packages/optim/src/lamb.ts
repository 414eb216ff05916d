/**
 * LAMB: Adam's steps, each layer's as long as its weights suggest. For large batches.
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

/** Options of {@link lamb}. */
export interface LambOptions extends OptimizerOptions {
  /** Decay of the two running means. Default [0.9, 0.999]. */
  readonly betas?: readonly [number, number];
  /** Added to the root of the mean square. Default 1e-6. */
  readonly epsilon?: number;
  /** Weight decay: this times the parameter is added to the step before its length is set. Default 0. */
  readonly weightDecay?: number;
}

/** See {@link lamb}. */
export class Lamb extends Optimizer<LambOptions> {
  override readonly type = 'lamb';

  protected override defaults() {
    return { betas: [0.9, 0.999] as const, epsilon: 1e-6, weightDecay: 0 };
  }

  protected override check({ betas, epsilon, weightDecay }: Required<LambOptions>): void {
    checkBetas('lamb', betas);
    checkNotNegative('lamb', { epsilon, weightDecay });
  }

  protected override initialState(parameter: Variable) {
    return zeroState(parameter, 'mean', 'square');
  }

  protected override ownScalars(
    { betas }: Required<LambOptions>,
    read: Read,
    _rate: () => number,
    steps: () => number,
  ): Scalars {
    return {
      meanScale: read(() => 1 / (1 - pow(betas[0], steps()))),
      rmsScale: read(() => 1 / Math.sqrt(1 - pow(betas[1], steps()))),
    };
  }

  protected override update(
    value: Tensor,
    gradient: Tensor,
    state: ParameterState<Tensor>,
    { rate, meanScale, rmsScale }: Scalars,
    { betas, epsilon, weightDecay }: Required<LambOptions>,
  ): Update {
    const mean = state.mean.mul(betas[0]).add(gradient.mul(1 - betas[0]));
    const square = state.square.mul(betas[1]).add(gradient.square().mul(1 - betas[1]));
    const adam = mean.mul(meanScale).div(square.sqrt().mul(rmsScale).add(epsilon));
    const step = withDecay(adam, value, weightDecay);
    const [own, length] = [value, step].map((t) => t.square().sum().sqrt());
    // A weight that is 0, or stays where it is, says nothing about a length.
    const some = own.greater(0).logicalAnd(length.greater(0));
    const trust = some.where(own.div(some.where(length, 1)), 1);
    return { value: value.sub(step.mul(trust.mul(rate))), state: { mean, square } };
  }
}

/**
 * LAMB (You et al. 2020): the step of Adam, with decoupled weight decay, gets the length of the parameter times the rate.
 *
 * @param options.learningRate default 1e-3
 * @throws RangeError for options out of range
 */
export function lamb(parameters: Parameters<LambOptions>, options: Partial<LambOptions> = {}): Lamb {
  checkOptions('lamb', options, 'betas epsilon weightDecay learningRate');
  return new Lamb(parameters, { learningRate: 1e-3, ...options });
}
