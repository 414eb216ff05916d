/**
 * AdaGrad and AdaDelta: steps scaled by the gradients seen so far, all of them or lately.
 */
import { full, type Tensor, type Variable, zeros } from '@ag/tensor';
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

export interface AdagradOptions extends OptimizerOptions {
  /** The rate is divided by 1 + rateDecay · the parameter's steps before. Default 0. */
  readonly rateDecay?: number;
  /** Where the sum of squares starts. Default 0. */
  readonly initialSquare?: number;
  /** Added to the root. Default 1e-10. */
  readonly epsilon?: number;
  /** Factor of the parameter that is added to its gradient. Default 0. */
  readonly weightDecay?: number;
}

/** See {@link adagrad}. */
export class Adagrad extends Optimizer<AdagradOptions> {
  override readonly type = 'adagrad';

  protected override check(options: AdagradOptions): void {
    const { rateDecay = 0, initialSquare = 0, epsilon = 1e-10, weightDecay = 0 } = options;
    checkRange(rateDecay, 0, Number.POSITIVE_INFINITY, 'adagrad: rateDecay');
    checkRange(initialSquare, 0, Number.POSITIVE_INFINITY, 'adagrad: initialSquare');
    checkRange(epsilon, 0, Number.POSITIVE_INFINITY, 'adagrad: epsilon');
    checkRange(weightDecay, 0, Number.POSITIVE_INFINITY, 'adagrad: weightDecay');
  }

  protected override slots(parameter: Variable, { initialSquare = 0 }: AdagradOptions): Slots<Tensor> {
    return { square: full(parameter.shape, initialSquare, { dtype: parameter.dtype }) };
  }

  protected override ownScalars(
    { rateDecay = 0 }: AdagradOptions,
    read: Read,
    rate: () => number,
    steps: () => number,
  ): Scalars | null {
    return rateDecay === 0 ? null : { rate: read(() => rate() / (1 + (steps() - 1) * rateDecay)) };
  }

  protected override update(
    value: Tensor,
    gradient: Tensor,
    slots: Slots<Tensor>,
    { rate }: Scalars,
    { epsilon = 1e-10, weightDecay = 0 }: AdagradOptions,
  ): Update {
    const g = weightDecay === 0 ? gradient : gradient.add(value.mul(weightDecay));
    const square = slots.square.add(g.square());
    return { value: value.sub(g.div(square.sqrt().add(epsilon)).mul(rate)), slots: { square } };
  }
}

/**
 * AdaGrad (Duchi, Hazan, Singer 2011).
 *
 * @param options.learningRate default 1e-2
 * @throws RangeError for options out of range
 */
export function adagrad(
  parameters: Parameters<AdagradOptions>,
  options: Partial<AdagradOptions> = {},
): Adagrad {
  return new Adagrad(parameters, { learningRate: 1e-2, ...options });
}

export interface AdadeltaOptions extends OptimizerOptions {
  /** Decay of the two running mean squares. Default 0.9. */
  readonly decay?: number;
  /** Added to the mean squares. Default 1e-6. */
  readonly epsilon?: number;
  /** Factor of the parameter that is added to its gradient. Default 0. */
  readonly weightDecay?: number;
}

/** See {@link adadelta}. */
export class Adadelta extends Optimizer<AdadeltaOptions> {
  override readonly type = 'adadelta';

  protected override check({ decay = 0.9, epsilon = 1e-6, weightDecay = 0 }: AdadeltaOptions): void {
    checkRange(decay, 0, 1, 'adadelta: decay');
    checkRange(epsilon, 0, Number.POSITIVE_INFINITY, 'adadelta: epsilon');
    checkRange(weightDecay, 0, Number.POSITIVE_INFINITY, 'adadelta: weightDecay');
  }

  protected override slots(parameter: Variable): Slots<Tensor> {
    const none = zeros(parameter.shape, { dtype: parameter.dtype });
    return { square: none, moved: none };
  }

  protected override update(
    value: Tensor,
    gradient: Tensor,
    slots: Slots<Tensor>,
    { rate }: Scalars,
    { decay = 0.9, epsilon = 1e-6, weightDecay = 0 }: AdadeltaOptions,
  ): Update {
    const g = weightDecay === 0 ? gradient : gradient.add(value.mul(weightDecay));
    const square = slots.square.mul(decay).add(g.square().mul(1 - decay));
    const step = slots.moved.add(epsilon).sqrt().div(square.add(epsilon).sqrt()).mul(g);
    const moved = slots.moved.mul(decay).add(step.square().mul(1 - decay));
    return { value: value.sub(step.mul(rate)), slots: { square, moved } };
  }
}

/**
 * AdaDelta (Zeiler 2012).
 *
 * @param options.learningRate default 1
 * @throws RangeError for options out of range
 */
export function adadelta(
  parameters: Parameters<AdadeltaOptions>,
  options: Partial<AdadeltaOptions> = {},
): Adadelta {
  return new Adadelta(parameters, { learningRate: 1, ...options });
}
