/**
 * Lion: only the sign of a momentum decides where to go.
 */
import { type Tensor, type Variable, zeros } from '@ag/tensor';
import {
  checkRange,
  Optimizer,
  type OptimizerOptions,
  type Parameters,
  type Read,
  type Scalars,
  type Slots,
  type Update,
} from './optimizer.ts';

export interface LionOptions extends OptimizerOptions {
  /** Share of the old mean in the direction, and in the mean that is kept. Default [0.9, 0.99]. */
  readonly betas?: readonly [number, number];
  /** Share of the parameter taken off at each step, times the rate. Default 0. */
  readonly weightDecay?: number;
}

/** See {@link lion}. */
export class Lion extends Optimizer<LionOptions> {
  override readonly type = 'lion';

  protected override check({ betas = [0.9, 0.99], weightDecay = 0 }: LionOptions): void {
    checkRange(betas[0], 0, 1, 'lion: betas[0]');
    checkRange(betas[1], 0, 1, 'lion: betas[1]');
    checkRange(weightDecay, 0, Number.POSITIVE_INFINITY, 'lion: weightDecay');
  }

  protected override slots(parameter: Variable): Slots<Tensor> {
    return { mean: zeros(parameter.shape, { dtype: parameter.dtype }) };
  }

  protected override scalars({ weightDecay = 0 }: LionOptions, read: Read, rate: () => number): Scalars {
    if (weightDecay === 0) return { rate: read(rate) };
    return { rate: read(rate), kept: read(() => 1 - rate() * weightDecay) };
  }

  protected override update(
    value: Tensor,
    gradient: Tensor,
    slots: Slots<Tensor>,
    { rate, kept }: Scalars,
    { betas = [0.9, 0.99] }: LionOptions,
  ): Update {
    // β·m + (1 − β)·g as m + (1 − β)·(g − m): the difference, which both averages need, puts them into one kernel.
    const change = gradient.sub(slots.mean);
    const direction = slots.mean.add(change.mul(1 - betas[0])).sign();
    const mean = slots.mean.add(change.mul(1 - betas[1]));
    return { value: (kept ? value.mul(kept) : value).sub(direction.mul(rate)), slots: { mean } };
  }
}

/**
 * Lion (Chen et al. 2023). Its rate is best a third to a tenth of Adam's, its weight decay as much larger.
 *
 * @param options.learningRate default 1e-4
 * @throws RangeError for options out of range
 */
export function lion(parameters: Parameters<LionOptions>, options: Partial<LionOptions> = {}): Lion {
  return new Lion(parameters, { learningRate: 1e-4, ...options });
}
