/**
 * RMSprop: the gradient divided by the root of its running mean square.
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

/** Options of {@link rmsprop}. */
export interface RmspropOptions extends OptimizerOptions {
  /** Decay of the running mean square. Default 0.99. */
  readonly decay?: number;
  /** Added to the root. Default 1e-8. */
  readonly epsilon?: number;
  /** Momentum of the scaled gradient. Default 0. */
  readonly momentum?: number;
  /** Subtract the squared running mean, which leaves the variance. Default false. */
  readonly centered?: boolean;
  /** @deprecated The former spelling of `centered`. */
  readonly centred?: boolean;
  /** Weight decay (L2): this times the parameter is added to its gradient. Default 0. */
  readonly weightDecay?: number;
}

/** See {@link rmsprop}. */
export class Rmsprop extends Optimizer<RmspropOptions> {
  override readonly type = 'rmsprop';

  protected override defaults({ centred = false }: RmspropOptions) {
    return { decay: 0.99, epsilon: 1e-8, momentum: 0, centered: centred, centred, weightDecay: 0 };
  }

  protected override check({ decay, epsilon, momentum, weightDecay }: Required<RmspropOptions>): void {
    checkShares('rmsprop', { decay, momentum });
    checkNotNegative('rmsprop', { epsilon, weightDecay });
  }

  protected override initialState(parameter: Variable, { momentum, centered }: Required<RmspropOptions>) {
    return {
      ...zeroState(parameter, 'square'),
      ...(centered && zeroState(parameter, 'mean')),
      ...(momentum > 0 && zeroState(parameter, 'momentum')),
    };
  }

  protected override update(
    value: Tensor,
    gradient: Tensor,
    state: ParameterState<Tensor>,
    { rate }: Scalars,
    { decay, epsilon, momentum, weightDecay }: Required<RmspropOptions>,
  ): Update {
    const g = withDecay(gradient, value, weightDecay);
    const square = state.square.mul(decay).add(g.square().mul(1 - decay));
    const mean = state.mean?.mul(decay).add(g.mul(1 - decay));
    const root = (mean ? square.sub(mean.square()) : square).sqrt().add(epsilon);
    const scaled = g.div(root);
    const velocity = state.momentum?.mul(momentum).add(scaled);
    return {
      value: value.sub((velocity ?? scaled).mul(rate)),
      state: { square, ...(mean && { mean }), ...(velocity && { momentum: velocity }) },
    };
  }
}

/**
 * RMSprop (Tieleman & Hinton 2012; centered: Graves 2013).
 *
 * @param options.learningRate default 1e-2
 * @throws RangeError for options out of range
 */
export function rmsprop(
  parameters: Parameters<RmspropOptions>,
  options: Partial<RmspropOptions> = {},
): Rmsprop {
  checkOptions('rmsprop', options, 'decay epsilon momentum centered centred weightDecay learningRate');
  return new Rmsprop(parameters, { learningRate: 1e-2, ...options });
}
