/**
 * Lion: steps by the sign of the momentum.
 */

import type { Tensor, Variable } from '@ag/tensor';
import { checkOptions } from '@ag/tensor/engine';
import { checkBetas, checkNotNegative } from './check.ts';
import {
  Optimizer,
  type OptimizerOptions,
  type ParameterState,
  type Parameters,
  type Read,
  type Scalars,
  type Update,
  zeroState,
} from './optimizer.ts';

/** Options of {@link lion}. */
export interface LionOptions extends OptimizerOptions {
  /** Decay of the mean in the direction, and in the mean that is stored. Default [0.9, 0.99]. */
  readonly betas?: readonly [number, number];
  /** Decoupled weight decay: the parameter is scaled by 1 − rate · weightDecay at each step. Default 0. */
  readonly weightDecay?: number;
}

/** See {@link lion}. */
export class Lion extends Optimizer<LionOptions> {
  override readonly type = 'lion';

  protected override defaults() {
    return { betas: [0.9, 0.99] as const, weightDecay: 0 };
  }

  protected override check({ betas, weightDecay }: Required<LionOptions>): void {
    checkBetas('lion', betas);
    checkNotNegative('lion', { weightDecay });
  }

  protected override initialState(parameter: Variable) {
    return zeroState(parameter, 'mean');
  }

  protected override scalars(
    { weightDecay }: Required<LionOptions>,
    read: Read,
    rate: () => number,
  ): Scalars {
    if (weightDecay === 0) return { rate: read(rate) };
    return { rate: read(rate), decayFactor: read(() => 1 - rate() * weightDecay) };
  }

  protected override update(
    value: Tensor,
    gradient: Tensor,
    state: ParameterState<Tensor>,
    { rate, decayFactor }: Scalars,
    { betas }: Required<LionOptions>,
  ): Update {
    // β·m + (1 − β)·g as m + (1 − β)·(g − m): the difference, which both averages need, puts them into one kernel.
    const change = gradient.sub(state.mean);
    const direction = state.mean.add(change.mul(1 - betas[0])).sign();
    const mean = state.mean.add(change.mul(1 - betas[1]));
    const decayed = decayFactor ? value.mul(decayFactor) : value;
    return { value: decayed.sub(direction.mul(rate)), state: { mean } };
  }
}

/**
 * Lion (Chen et al. 2023). Its rate is best a third to a tenth of Adam's, its weight decay as much larger.
 *
 * @param options.learningRate default 1e-4
 * @throws RangeError for options out of range
 */
export function lion(parameters: Parameters<LionOptions>, options: Partial<LionOptions> = {}): Lion {
  checkOptions('lion', options, 'betas weightDecay learningRate');
  return new Lion(parameters, { learningRate: 1e-4, ...options });
}
