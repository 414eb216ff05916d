/**
 * NAdam: Adam with Nesterov's momentum.
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

/** Options of {@link nadam}. */
export interface NadamOptions extends OptimizerOptions {
  /** Decay of the two running means. Default [0.9, 0.999]. */
  readonly betas?: readonly [number, number];
  /** Added to the root of the mean square. Default 1e-8. */
  readonly epsilon?: number;
  /** Weight decay (L2): this times the parameter is added to its gradient. Default 0. */
  readonly weightDecay?: number;
  /** How fast the momentum warms up. Default 4e-3. */
  readonly momentumDecay?: number;
}

/** See {@link nadam}. */
export class Nadam extends Optimizer<NadamOptions> {
  override readonly type = 'nadam';
  /** For each group, at position t the product of the momentum of the first t steps. */
  readonly #products = new Map<NadamOptions, number[]>();

  protected override defaults() {
    return { betas: [0.9, 0.999] as const, epsilon: 1e-8, weightDecay: 0, momentumDecay: 4e-3 };
  }

  protected override check({ betas, epsilon, weightDecay, momentumDecay }: Required<NadamOptions>): void {
    checkBetas('nadam', betas);
    checkNotNegative('nadam', { epsilon, weightDecay, momentumDecay });
  }

  protected override initialState(parameter: Variable) {
    return zeroState(parameter, 'mean', 'square');
  }

  protected override scalars(): Scalars {
    return {};
  }

  protected override ownScalars(
    options: Required<NadamOptions>,
    read: Read,
    rate: () => number,
    steps: () => number,
  ): Scalars {
    const product = (t: number): number => this.#product(t, options);
    return {
      gradientRate: read(() => (rate() * (1 - momentumAt(steps(), options))) / (1 - product(steps()))),
      meanRate: read(() => (rate() * momentumAt(steps() + 1, options)) / (1 - product(steps() + 1))),
      rmsScale: read(() => 1 / Math.sqrt(1 - pow(options.betas[1], steps()))),
    };
  }

  protected override update(
    value: Tensor,
    gradient: Tensor,
    state: ParameterState<Tensor>,
    { gradientRate, meanRate, rmsScale }: Scalars,
    { betas, epsilon, weightDecay }: Required<NadamOptions>,
  ): Update {
    const g = withDecay(gradient, value, weightDecay);
    const mean = state.mean.mul(betas[0]).add(g.mul(1 - betas[0]));
    const square = state.square.mul(betas[1]).add(g.square().mul(1 - betas[1]));
    const root = square.sqrt().mul(rmsScale).add(epsilon);
    const step = g.mul(gradientRate).add(mean.mul(meanRate)).div(root);
    return { value: value.sub(step), state: { mean, square } };
  }

  /** The product of the momentum of a parameter's first `steps` steps. */
  #product(steps: number, options: Required<NadamOptions>): number {
    const known = this.#products.get(options) ?? [1];
    this.#products.set(options, known);
    for (let at = known.length; at <= steps; at++) known.push(known[at - 1] * momentumAt(at, options));
    return known[steps];
  }
}

/** β₁ (1 − ½ · 0.96^(t · decay)) */
function momentumAt(step: number, { betas, momentumDecay }: Required<NadamOptions>): number {
  return betas[0] * (1 - 0.5 * pow(0.96, step * momentumDecay));
}

/**
 * Adam with Nesterov's momentum (Dozat 2016).
 *
 * @param options.learningRate default 2e-3
 * @throws RangeError for options out of range
 */
export function nadam(parameters: Parameters<NadamOptions>, options: Partial<NadamOptions> = {}): Nadam {
  checkOptions('nadam', options, 'betas epsilon weightDecay momentumDecay learningRate');
  return new Nadam(parameters, { learningRate: 2e-3, ...options });
}
