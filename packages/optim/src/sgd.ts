/**
 * Stochastic gradient descent, with momentum.
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

export interface SgdOptions extends OptimizerOptions {
  /** How much of the last step is taken again, in [0, 1). Default 0. */
  readonly momentum?: number;
  /** Share of the gradient that does not enter the momentum. Default 0. */
  readonly dampening?: number;
  /** Nesterov's form: the gradient is corrected by the momentum it will meet. Default false. */
  readonly nesterov?: boolean;
  /** Factor of the parameter that is added to its gradient. Default 0. */
  readonly weightDecay?: number;
}

/** See {@link sgd}. */
export class Sgd extends Optimizer<SgdOptions> {
  override readonly type = 'sgd';

  protected override check({
    momentum = 0,
    dampening = 0,
    nesterov = false,
    weightDecay = 0,
  }: SgdOptions): void {
    checkRange(momentum, 0, 1, 'sgd: momentum');
    checkRange(dampening, 0, 1, 'sgd: dampening');
    checkRange(weightDecay, 0, Number.POSITIVE_INFINITY, 'sgd: weightDecay');
    if (nesterov && (momentum === 0 || dampening !== 0)) {
      throw new RangeError('sgd: nesterov needs a momentum above 0 and no dampening');
    }
  }

  protected override slots(parameter: Variable, { momentum = 0 }: SgdOptions): Slots<Tensor> {
    return momentum === 0 ? {} : { momentum: zeros(parameter.shape, { dtype: parameter.dtype }) };
  }

  /** A parameter's first gradient enters its momentum whole. */
  protected override ownScalars(
    { dampening = 0 }: SgdOptions,
    read: Read,
    _rate: () => number,
    steps: () => number,
  ): Scalars | null {
    return dampening === 0 ? null : { fresh: read(() => (steps() === 1 ? 1 : 1 - dampening)) };
  }

  protected override update(
    value: Tensor,
    gradient: Tensor,
    slots: Slots<Tensor>,
    { rate, fresh }: Scalars,
    { momentum = 0, nesterov = false, weightDecay = 0 }: SgdOptions,
  ): Update {
    const g = weightDecay === 0 ? gradient : gradient.add(value.mul(weightDecay));
    if (!slots.momentum) return { value: value.sub(g.mul(rate)) };
    const velocity = slots.momentum.mul(momentum).add(fresh ? g.mul(fresh) : g);
    const direction = nesterov ? g.add(velocity.mul(momentum)) : velocity;
    return { value: value.sub(direction.mul(rate)), slots: { momentum: velocity } };
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
  return new Sgd(parameters, options);
}
