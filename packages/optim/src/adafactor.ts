/**
 * Adafactor: scaling by the root of mean squares of which only rows and columns are kept. The state of a matrix is as small as its edges.
 */

import { type Tensor, type Variable, zeros } from '@ag/tensor';
import { checkOptions } from '@ag/tensor/engine';
import { pow } from '@ag/tensor/math';
import { checkNotNegative, checkRange } from './check.ts';
import {
  Optimizer,
  type OptimizerOptions,
  type ParameterState,
  type Parameters,
  type Read,
  type Scalars,
  type Update,
} from './optimizer.ts';

/** Options of {@link adafactor}. */
export interface AdafactorOptions extends OptimizerOptions {
  /** The share of the newest square is the count of steps to this power. Default −0.8. */
  readonly squareDecay?: number;
  /** Squares count as at least the square of the first (null: the dtype's rounding), lengths of parameters as at least the second. Default [null, 1e-3]. */
  readonly epsilons?: readonly [number | null, number];
  /** Steps whose root mean square is larger are made as short as this. Default 1. */
  readonly clip?: number;
  /** Decoupled weight decay: the parameter is scaled by 1 − rate · weightDecay at each step. Default 0. */
  readonly weightDecay?: number;
}

/** See {@link adafactor}. */
export class Adafactor extends Optimizer<AdafactorOptions> {
  override readonly type = 'adafactor';

  protected override defaults() {
    return { squareDecay: -0.8, epsilons: [null, 1e-3] as const, clip: 1, weightDecay: 0 };
  }

  protected override check({ squareDecay, epsilons, clip, weightDecay }: Required<AdafactorOptions>): void {
    checkRange(squareDecay, Number.NEGATIVE_INFINITY, Number.MIN_VALUE, 'adafactor: squareDecay');
    checkNotNegative('adafactor', {
      'epsilons[0]': epsilons[0] ?? 0,
      'epsilons[1]': epsilons[1],
      weightDecay,
    });
    checkRange(clip, Number.MIN_VALUE, Number.POSITIVE_INFINITY, 'adafactor: clip');
  }

  protected override initialState({ shape, dtype }: Variable): ParameterState<Tensor> {
    if (shape.length < 2) return { square: zeros(shape, { dtype }) };
    const [rows, columns] = shape.slice(-2);
    const others = shape.slice(0, -2);
    return {
      row: zeros([...others, rows, 1], { dtype }),
      column: zeros([...others, 1, columns], { dtype }),
    };
  }

  protected override scalars(
    { weightDecay }: Required<AdafactorOptions>,
    read: Read,
    rate: () => number,
  ): Scalars {
    return weightDecay === 0 ? {} : { decayFactor: read(() => 1 - rate() * weightDecay) };
  }

  protected override ownScalars(
    { squareDecay }: Required<AdafactorOptions>,
    read: Read,
    rate: () => number,
    steps: () => number,
  ): Scalars {
    return {
      newest: read(() => pow(steps(), squareDecay)),
      relativeRate: read(() => Math.min(rate(), 1 / Math.sqrt(steps()))),
    };
  }

  protected override update(
    value: Tensor,
    gradient: Tensor,
    state: ParameterState<Tensor>,
    { newest, relativeRate, decayFactor }: Scalars,
    { epsilons, clip }: Required<AdafactorOptions>,
  ): Update {
    const least = epsilons[0] ?? (value.dtype === 'float64' ? 2 ** -52 : 2 ** -23);
    const squares = gradient.square();
    const moved = (from: Tensor, to: Tensor): Tensor => from.add(to.sub(from).mul(newest));
    const next: ParameterState<Tensor> =
      value.ndim < 2
        ? { square: moved(state.square, squares) }
        : {
            row: moved(state.row, squares.mean(-1, { keepDims: true })),
            column: moved(state.column, squares.mean(-2, { keepDims: true })),
          };
    const estimate =
      next.square ?? next.row.mul(next.column).div(next.row.mean(-2, { keepDims: true }).maximum(least));
    const step = gradient.mul(estimate.maximum(least * least).rsqrt());
    const rms = (t: Tensor): Tensor => t.square().mean().sqrt();
    const rate = rms(value).maximum(epsilons[1]).mul(relativeRate).div(rms(step).div(clip).maximum(1));
    const decayed = decayFactor ? value.mul(decayFactor) : value;
    return { value: decayed.sub(step.mul(rate)), state: next };
  }
}

/**
 * Adafactor (Shazeer & Stern 2018), as PyTorch has it: rates are relative to the parameter's root mean square and at most 1/√steps.
 *
 * @param options.learningRate default 1e-2
 * @throws RangeError for options out of range
 */
export function adafactor(
  parameters: Parameters<AdafactorOptions>,
  options: Partial<AdafactorOptions> = {},
): Adafactor {
  checkOptions('adafactor', options, 'squareDecay epsilons clip weightDecay learningRate');
  return new Adafactor(parameters, { learningRate: 1e-2, ...options });
}
