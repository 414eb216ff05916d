/**
 * AdaGrad: steps scaled by all gradients seen so far.
 */

import { full, type Tensor, type Variable } from '@ag/tensor';
import { checkOptions } from '@ag/tensor/engine';
import { checkNotNegative } from './check.ts';
import {
  Optimizer,
  type OptimizerOptions,
  type ParameterState,
  type Parameters,
  type Read,
  type Scalars,
  type Update,
  withDecay,
} from './optimizer.ts';

/** Options of {@link adagrad}. */
export interface AdagradOptions extends OptimizerOptions {
  /** The rate is divided by 1 + rateDecay · the parameter's steps before. Default 0. */
  readonly rateDecay?: number;
  /** Where the sum of squares starts. Default 0. */
  readonly initialSquare?: number;
  /** Added to the root. Default 1e-10. */
  readonly epsilon?: number;
  /** Weight decay (L2): this times the parameter is added to its gradient. Default 0. */
  readonly weightDecay?: number;
}

/** See {@link adagrad}. */
export class Adagrad extends Optimizer<AdagradOptions> {
  override readonly type = 'adagrad';

  protected override defaults() {
    return { rateDecay: 0, initialSquare: 0, epsilon: 1e-10, weightDecay: 0 };
  }

  protected override check(options: Required<AdagradOptions>): void {
    const { rateDecay, initialSquare, epsilon, weightDecay } = options;
    checkNotNegative('adagrad', { rateDecay, initialSquare, epsilon, weightDecay });
  }

  protected override initialState(parameter: Variable, { initialSquare }: Required<AdagradOptions>) {
    return { square: full(parameter.shape, initialSquare, { dtype: parameter.dtype }) };
  }

  protected override ownScalars(
    { rateDecay }: Required<AdagradOptions>,
    read: Read,
    rate: () => number,
    steps: () => number,
  ): Scalars | null {
    return rateDecay === 0 ? null : { rate: read(() => rate() / (1 + (steps() - 1) * rateDecay)) };
  }

  protected override update(
    value: Tensor,
    gradient: Tensor,
    state: ParameterState<Tensor>,
    { rate }: Scalars,
    { epsilon, weightDecay }: Required<AdagradOptions>,
  ): Update {
    const g = withDecay(gradient, value, weightDecay);
    const square = state.square.add(g.square());
    return { value: value.sub(g.div(square.sqrt().add(epsilon)).mul(rate)), state: { square } };
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
  checkOptions('adagrad', options, 'rateDecay initialSquare epsilon weightDecay learningRate');
  return new Adagrad(parameters, { learningRate: 1e-2, ...options });
}
