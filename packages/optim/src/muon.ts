/**
 * Muon: steps of matrices by their momentum made orthogonal, so that all directions move alike.
 */

import type { Tensor, Variable } from '@ag/tensor';
import { checkInteger, checkOptions } from '@ag/tensor/engine';
import { pow } from '@ag/tensor/math';
import { checkBetas, checkNotNegative, checkShares } from './check.ts';
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

/** Options of {@link muon}. */
export interface MuonOptions extends OptimizerOptions {
  /** Decay of the running mean of gradients. Default 0.95. */
  readonly momentum?: number;
  /** Look ahead along the momentum. Default true. */
  readonly nesterov?: boolean;
  /** Decoupled weight decay: the parameter is scaled by 1 − rate · weightDecay at each step. Default 0.1. */
  readonly weightDecay?: number;
  /** Steps of the iteration that makes a matrix orthogonal. Default 5. */
  readonly iterations?: number;
  /** Its polynomial, a · X + b · XXᵀX + c · (XXᵀ)²X. Default [3.4445, −4.775, 2.0315]. */
  readonly coefficients?: readonly [number, number, number];
  /** False for parameters that are no maps between features, though they have two axes (embeddings, the last layer): AdamW. Default true. */
  readonly matrices?: boolean;
  /** The rate of AdamW, as a share of the learning rate. Default 1. */
  readonly vectorScale?: number;
  /** Of AdamW. Default [0.9, 0.999]. */
  readonly betas?: readonly [number, number];
  /** Of AdamW. Default 1e-8. */
  readonly epsilon?: number;
}

/** Lengths count as at least this. */
const leastNorm = 1e-7;

/** See {@link muon}. */
export class Muon extends Optimizer<MuonOptions> {
  override readonly type = 'muon';

  protected override defaults() {
    return {
      momentum: 0.95,
      nesterov: true,
      weightDecay: 0.1,
      iterations: 5,
      coefficients: [3.4445, -4.775, 2.0315] as const,
      matrices: true,
      vectorScale: 1,
      betas: [0.9, 0.999] as const,
      epsilon: 1e-8,
    };
  }

  protected override check(options: Required<MuonOptions>): void {
    const { momentum, weightDecay, iterations, vectorScale, betas, epsilon } = options;
    checkShares('muon', { momentum });
    checkBetas('muon', betas);
    checkNotNegative('muon', { weightDecay, vectorScale, epsilon });
    checkInteger(iterations, 'muon', 'iterations', 1, 100);
  }

  protected override initialState(parameter: Variable, { matrices }: Required<MuonOptions>) {
    return matrices && parameter.shape.length > 1
      ? zeroState(parameter, 'mean')
      : zeroState(parameter, 'mean', 'square');
  }

  protected override scalars(
    { weightDecay, vectorScale }: Required<MuonOptions>,
    read: Read,
    rate: () => number,
  ): Scalars {
    return {
      rate: read(rate),
      ...(weightDecay !== 0 && {
        decayFactor: read(() => 1 - rate() * weightDecay),
        vectorDecayFactor: read(() => 1 - rate() * vectorScale * weightDecay),
      }),
    };
  }

  protected override ownScalars(
    { betas, vectorScale }: Required<MuonOptions>,
    read: Read,
    rate: () => number,
    steps: () => number,
  ): Scalars {
    return {
      stepSize: read(() => (rate() * vectorScale) / (1 - pow(betas[0], steps()))),
      rmsScale: read(() => 1 / Math.sqrt(1 - pow(betas[1], steps()))),
    };
  }

  protected override update(
    value: Tensor,
    gradient: Tensor,
    state: ParameterState<Tensor>,
    { rate, decayFactor, vectorDecayFactor, stepSize, rmsScale }: Scalars,
    { momentum, nesterov, iterations, coefficients, betas, epsilon }: Required<MuonOptions>,
  ): Update {
    if (state.square) {
      const mean = state.mean.mul(betas[0]).add(gradient.mul(1 - betas[0]));
      const square = state.square.mul(betas[1]).add(gradient.square().mul(1 - betas[1]));
      const decayed = vectorDecayFactor ? value.mul(vectorDecayFactor) : value;
      const step = mean.div(square.sqrt().mul(rmsScale).add(epsilon)).mul(stepSize);
      return { value: decayed.sub(step), state: { mean, square } };
    }
    const mean = state.mean.add(gradient.sub(state.mean).mul(1 - momentum));
    const ahead = nesterov ? gradient.add(mean.sub(gradient).mul(momentum)) : mean;
    const [rows] = value.shape;
    const columns = value.size / rows;
    const step = orthogonalized(ahead.reshape([rows, columns]), iterations, coefficients);
    const scale = Math.sqrt(Math.max(1, rows / columns));
    const decayed = decayFactor ? value.mul(decayFactor) : value;
    return { value: decayed.sub(step.reshape(value.shape).mul(rate.mul(scale))), state: { mean } };
  }
}

/**
 * Nearly U · Vᵀ of the matrix U · S · Vᵀ: singular values between about 0.7 and 1.2 (Jordan et al. 2024). Only products, which devices
 * are made for.
 */
function orthogonalized(
  matrix: Tensor,
  iterations: number,
  [a, b, c]: readonly [number, number, number],
): Tensor {
  const tall = matrix.shape[0] > matrix.shape[1];
  const wide = tall ? matrix.transpose() : matrix;
  let x = wide.div(wide.square().sum().sqrt().maximum(leastNorm));
  for (let i = 0; i < iterations; i++) {
    const gram = x.matmul(x.transpose());
    const polynomial = gram.mul(b).add(gram.matmul(gram).mul(c));
    x = x.mul(a).add(polynomial.matmul(x));
  }
  return tall ? x.transpose() : x;
}

/**
 * Muon (Jordan et al. 2024) for the weights of layers: the running mean of gradients, made orthogonal by five steps of Newton and Schulz,
 * times √max(1, rows / columns). Weights of convolutions count as [outputs, all others]. Vectors and scalars move by AdamW, and so do
 * groups with `matrices: false`.
 *
 * ```ts
 * const optimizer = muon(
 *   parameterGroups(model, (name) => (name.startsWith('embedding') ? { matrices: false } : {})),
 *   { learningRate: 0.02, vectorScale: 0.02 },
 * );
 * ```
 *
 * @param options.learningRate default 1e-3
 * @throws RangeError for options out of range
 */
export function muon(parameters: Parameters<MuonOptions>, options: Partial<MuonOptions> = {}): Muon {
  checkOptions(
    'muon',
    options,
    'momentum nesterov weightDecay iterations coefficients matrices vectorScale betas epsilon learningRate',
  );
  return new Muon(parameters, { learningRate: 1e-3, ...options });
}
