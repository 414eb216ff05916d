/**
 * RAdam: Adam with a rectified variance.
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

/** Options of {@link radam}. */
export interface RadamOptions extends OptimizerOptions {
  /** Decay of the two running means. Default [0.9, 0.999]. */
  readonly betas?: readonly [number, number];
  /** Added to the root of the mean square. Default 1e-8. */
  readonly epsilon?: number;
  /** Weight decay (L2): this times the parameter is added to its gradient. Default 0. */
  readonly weightDecay?: number;
}

/** See {@link radam}. */
export class Radam extends Optimizer<RadamOptions> {
  override readonly type = 'radam';

  protected override defaults() {
    return { betas: [0.9, 0.999] as const, epsilon: 1e-8, weightDecay: 0 };
  }

  protected override check({ betas, epsilon, weightDecay }: Required<RadamOptions>): void {
    checkBetas('radam', betas);
    checkNotNegative('radam', { epsilon, weightDecay });
  }

  protected override initialState(parameter: Variable) {
    return zeroState(parameter, 'mean', 'square');
  }

  protected override scalars(): Scalars {
    return {};
  }

  /** While the variance is not yet to be trusted the step is plain momentum; of the two rates one is 0. */
  protected override ownScalars(
    { betas }: Required<RadamOptions>,
    read: Read,
    rate: () => number,
    steps: () => number,
  ): Scalars {
    const corrected = (): number => rate() / (1 - pow(betas[0], steps()));
    const root = (): number => Math.sqrt(1 - pow(betas[1], steps()));
    return {
      plainRate: read(() => (rectification(steps(), betas[1]) === 0 ? corrected() : 0)),
      scaledRate: read(() => corrected() * root() * rectification(steps(), betas[1])),
    };
  }

  protected override update(
    value: Tensor,
    gradient: Tensor,
    state: ParameterState<Tensor>,
    { plainRate, scaledRate }: Scalars,
    { betas, epsilon, weightDecay }: Required<RadamOptions>,
  ): Update {
    const g = withDecay(gradient, value, weightDecay);
    const mean = state.mean.mul(betas[0]).add(g.mul(1 - betas[0]));
    const square = state.square.mul(betas[1]).add(g.square().mul(1 - betas[1]));
    const factor = scaledRate.div(square.sqrt().add(epsilon)).add(plainRate);
    return { value: value.sub(mean.mul(factor)), state: { mean, square } };
  }
}

/** How much the adaptive rate can be trusted at a step; 0 where its variance is unbounded. */
function rectification(step: number, beta: number): number {
  const limit = 2 / (1 - beta) - 1;
  const length = limit - (2 * step * pow(beta, step)) / (1 - pow(beta, step));
  if (length <= 5) return 0;
  return Math.sqrt(((length - 4) * (length - 2) * limit) / ((limit - 4) * (limit - 2) * length));
}

/**
 * Adam with a rectified variance (Liu et al. 2020): needs no warm-up.
 *
 * @param options.learningRate default 1e-3
 * @throws RangeError for options out of range
 */
export function radam(parameters: Parameters<RadamOptions>, options: Partial<RadamOptions> = {}): Radam {
  checkOptions('radam', options, 'betas epsilon weightDecay learningRate');
  return new Radam(parameters, { learningRate: 1e-3, ...options });
}
