/**
 * Dropout: sets random activations to 0 while training, so that none is relied on.
 */
import { bernoulli, type Tensor } from '@ag/tensor';
import { checkProbability } from './check.ts';
import { Module } from './module.ts';

/** See {@link dropout}. */
export class Dropout extends Module {
  readonly probability: number;

  /** Use {@link dropout}. */
  constructor(probability = 0.5) {
    super();
    this.probability = checkProbability(probability, 'dropout');
  }

  override forward(x: Tensor): Tensor {
    return this.training ? dropped(x, this.probability) : x;
  }

  override describe() {
    return ['dropout', this.probability] as const;
  }
}

/**
 * In training mode each element is 0 with the given probability and else divided by 1 − probability, so that the mean
 * stays; in evaluation mode the input passes unchanged (Srivastava et al. 2014). Any shape.
 *
 * @throws RangeError for a probability outside 0 … 1
 */
export function dropout(probability = 0.5): Dropout {
  return new Dropout(probability);
}

/** Dropout as a function, always on. */
export function dropped(x: Tensor, probability: number): Tensor {
  if (probability === 0) return x;
  const kept = bernoulli(x.shape, 1 - probability, { dtype: 'bool' });
  // With probability 1 nothing is kept and the factor does not matter.
  return kept.where(x.mul(probability === 1 ? 1 : 1 / (1 - probability)), 0);
}
