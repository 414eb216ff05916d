/**
 * RMSprop: the gradient divided by the root of its running mean square.
 */
import { type Tensor, type Variable, zeros } from '@ag/tensor';
import {
  checkRange,
  Optimizer,
  type OptimizerOptions,
  type Parameters,
  type Scalars,
  type Slots,
  type Update,
} from './optimizer.ts';

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
  /** Factor of the parameter that is added to its gradient. Default 0. */
  readonly weightDecay?: number;
}

/** See {@link rmsprop}. */
export class Rmsprop extends Optimizer<RmspropOptions> {
  override readonly type = 'rmsprop';

  protected override check({
    decay = 0.99,
    epsilon = 1e-8,
    momentum = 0,
    weightDecay = 0,
  }: RmspropOptions): void {
    checkRange(decay, 0, 1, 'rmsprop: decay');
    checkRange(momentum, 0, 1, 'rmsprop: momentum');
    checkRange(epsilon, 0, Number.POSITIVE_INFINITY, 'rmsprop: epsilon');
    checkRange(weightDecay, 0, Number.POSITIVE_INFINITY, 'rmsprop: weightDecay');
  }

  protected override slots(
    parameter: Variable,
    { momentum = 0, centred = false, centered = centred }: RmspropOptions,
  ): Slots<Tensor> {
    const none = zeros(parameter.shape, { dtype: parameter.dtype });
    return { square: none, ...(centered && { mean: none }), ...(momentum > 0 && { momentum: none }) };
  }

  protected override update(
    value: Tensor,
    gradient: Tensor,
    slots: Slots<Tensor>,
    { rate }: Scalars,
    { decay = 0.99, epsilon = 1e-8, momentum = 0, weightDecay = 0 }: RmspropOptions,
  ): Update {
    const g = weightDecay === 0 ? gradient : gradient.add(value.mul(weightDecay));
    const square = slots.square.mul(decay).add(g.square().mul(1 - decay));
    const mean = slots.mean?.mul(decay).add(g.mul(1 - decay));
    const root = (mean ? square.sub(mean.square()) : square).sqrt().add(epsilon);
    const scaled = g.div(root);
    const velocity = slots.momentum?.mul(momentum).add(scaled);
    return {
      value: value.sub((velocity ?? scaled).mul(rate)),
      slots: { square, ...(mean && { mean }), ...(velocity && { momentum: velocity }) },
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
  return new Rmsprop(parameters, { learningRate: 1e-2, ...options });
}
