/**
 * AdaDelta: steps scaled by running means of squared gradients and of squared steps.
 */

import type { Tensor, Variable } from '@ag/tensor';
import { checkOptions } from '@ag/tensor/engine';
import { checkNotNegative, checkShares } from './check.ts';
import {
  Optimizer,
  type OptimizerOptions,
  type ParameterState,
  type Parameters,
  type Scalars,
  type Update,
  withDecay,
  zeroState,
} from './optimizer.ts';

/** Options of {@link adadelta}. */
export interface AdadeltaOptions extends OptimizerOptions {
  /** Decay of the two running mean squares. Default 0.9. */
  readonly decay?: number;
  /** Added to the mean squares. Default 1e-6. */
  readonly epsilon?: number;
  /** Weight decay (L2): this times the parameter is added to its gradient. Default 0. */
  readonly weightDecay?: number;
}

/** See {@link adadelta}. */
export class Adadelta extends Optimizer<AdadeltaOptions> {
  override readonly type = 'adadelta';

  protected override defaults() {
    return { decay: 0.9, epsilon: 1e-6, weightDecay: 0 };
  }

  protected override check({ decay, epsilon, weightDecay }: Required<AdadeltaOptions>): void {
    checkShares('adadelta', { decay });
    checkNotNegative('adadelta', { epsilon, weightDecay });
  }

  protected override initialState(parameter: Variable) {
    return zeroState(parameter, 'square', 'moved');
  }

  protected override update(
    value: Tensor,
    gradient: Tensor,
    state: ParameterState<Tensor>,
    { rate }: Scalars,
    { decay, epsilon, weightDecay }: Required<AdadeltaOptions>,
  ): Update {
    const g = withDecay(gradient, value, weightDecay);
    const square = state.square.mul(decay).add(g.square().mul(1 - decay));
    const step = state.moved.add(epsilon).sqrt().div(square.add(epsilon).sqrt()).mul(g);
    const moved = state.moved.mul(decay).add(step.square().mul(1 - decay));
    return { value: value.sub(step.mul(rate)), state: { square, moved } };
  }
}

/**
 * AdaDelta (Zeiler 2012).
 *
 * @param options.learningRate default 1
 * @throws RangeError for options out of range
 */
export function adadelta(
  parameters: Parameters<AdadeltaOptions>,
  options: Partial<AdadeltaOptions> = {},
): Adadelta {
  checkOptions('adadelta', options, 'decay epsilon weightDecay learningRate');
  return new Adadelta(parameters, { learningRate: 1, ...options });
}
