/**
 * Stochastic gradient descent, with momentum.
 */

import type { Tensor, Variable } from '@ag/tensor';
import { checkOptions, valueError } from '@ag/tensor/engine';
import { checkNotNegative, checkShares } from './check.ts';
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

/** Options of {@link sgd}. */
export interface SgdOptions extends OptimizerOptions {
  /** Momentum factor, in [0, 1). Default 0. */
  readonly momentum?: number;
  /** Dampening of the momentum: the fraction of the gradient that does not enter it. Default 0. */
  readonly dampening?: number;
  /** Nesterov momentum. Default false. */
  readonly nesterov?: boolean;
  /** Weight decay (L2): this times the parameter is added to its gradient. Default 0. */
  readonly weightDecay?: number;
}

/** See {@link sgd}. */
export class Sgd extends Optimizer<SgdOptions> {
  override readonly type = 'sgd';

  protected override defaults() {
    return { momentum: 0, dampening: 0, nesterov: false, weightDecay: 0 };
  }

  protected override check({ momentum, dampening, nesterov, weightDecay }: Required<SgdOptions>): void {
    checkShares('sgd', { momentum, dampening });
    checkNotNegative('sgd', { weightDecay });
    if (nesterov && (momentum === 0 || dampening !== 0)) {
      throw valueError('sgd: nesterov needs a momentum above 0 and no dampening');
    }
  }

  protected override initialState(parameter: Variable, { momentum }: Required<SgdOptions>) {
    return momentum === 0 ? {} : zeroState(parameter, 'momentum');
  }

  /** A parameter's first gradient enters its momentum whole. */
  protected override ownScalars(
    { dampening }: Required<SgdOptions>,
    read: Read,
    _rate: () => number,
    steps: () => number,
  ): Scalars | null {
    return dampening === 0 ? null : { gradientScale: read(() => (steps() === 1 ? 1 : 1 - dampening)) };
  }

  protected override update(
    value: Tensor,
    gradient: Tensor,
    state: ParameterState<Tensor>,
    { rate, gradientScale }: Scalars,
    { momentum, nesterov, weightDecay }: Required<SgdOptions>,
  ): Update {
    const g = withDecay(gradient, value, weightDecay);
    if (momentum === 0) return { value: value.sub(g.mul(rate)) };
    const velocity = state.momentum.mul(momentum).add(gradientScale ? g.mul(gradientScale) : g);
    const step = nesterov ? g.add(velocity.mul(momentum)) : velocity;
    return { value: value.sub(step.mul(rate)), state: { momentum: velocity } };
  }
}

/**
 * Stochastic gradient descent: v ← μv + g, p ← p − rate · v (Sutskever et al. 2013 for the Nesterov form).
 *
 * ```ts
 * const optimizer = sgd(model.parameters(), { learningRate: 0.1, momentum: 0.9 });
 * ```
 *
 * @throws RangeError for options out of range
 */
export function sgd(parameters: Parameters<SgdOptions>, options: SgdOptions): Sgd {
  checkOptions('sgd', options, 'momentum dampening nesterov weightDecay learningRate');
  return new Sgd(parameters, options);
}
