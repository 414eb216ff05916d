/**
 * Adamax: Adam with the largest gradient instead of the root of the mean square.
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

/** Options of {@link adamax}. */
export interface AdamaxOptions extends OptimizerOptions {
  /** Decay of the running mean and of the largest gradient. Default [0.9, 0.999]. */
  readonly betas?: readonly [number, number];
  /** Added to the gradient's absolute value. Default 1e-8. */
  readonly epsilon?: number;
  /** Weight decay (L2): this times the parameter is added to its gradient. Default 0. */
  readonly weightDecay?: number;
}

/** See {@link adamax}. */
export class Adamax extends Optimizer<AdamaxOptions> {
  override readonly type = 'adamax';

  protected override defaults() {
    return { betas: [0.9, 0.999] as const, epsilon: 1e-8, weightDecay: 0 };
  }

  protected override check({ betas, epsilon, weightDecay }: Required<AdamaxOptions>): void {
    checkBetas('adamax', betas);
    checkNotNegative('adamax', { epsilon, weightDecay });
  }

  protected override initialState(parameter: Variable) {
    return zeroState(parameter, 'mean', 'largest');
  }

  protected override scalars(): Scalars {
    return {};
  }

  protected override ownScalars(
    { betas }: Required<AdamaxOptions>,
    read: Read,
    rate: () => number,
    steps: () => number,
  ): Scalars {
    return { stepSize: read(() => rate() / (1 - pow(betas[0], steps()))) };
  }

  protected override update(
    value: Tensor,
    gradient: Tensor,
    state: ParameterState<Tensor>,
    { stepSize }: Scalars,
    { betas, epsilon, weightDecay }: Required<AdamaxOptions>,
  ): Update {
    const g = withDecay(gradient, value, weightDecay);
    const mean = state.mean.mul(betas[0]).add(g.mul(1 - betas[0]));
    const largest = state.largest.mul(betas[1]).maximum(g.abs().add(epsilon));
    return { value: value.sub(mean.div(largest).mul(stepSize)), state: { mean, largest } };
  }
}

/**
 * Adamax (Kingma & Ba 2015, section 7.1): steps are scaled by the largest gradient so far, which is slowly forgotten.
 *
 * @param options.learningRate default 2e-3
 * @throws RangeError for options out of range
 */
export function adamax(parameters: Parameters<AdamaxOptions>, options: Partial<AdamaxOptions> = {}): Adamax {
  checkOptions('adamax', options, 'betas epsilon weightDecay learningRate');
  return new Adamax(parameters, { learningRate: 2e-3, ...options });
}
