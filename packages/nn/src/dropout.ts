/**
 * Dropout: sets random activations to 0 while training, so that none is relied on.
 */
import { bernoulli, type Tensor } from '@ag/tensor';
import { shapeError } from '@ag/tensor/engine';
import { checkProbability } from './check.ts';
import type { Entering, Keeps, LeavingShape, shapeEffect } from './layerShapes.ts';
import { Module } from './module.ts';

/** See {@link dropout}. */
export class Dropout extends Module {
  declare readonly [shapeEffect]?: Keeps;
  readonly probability: number;

  /** Use {@link dropout}. */
  constructor(probability = 0.5) {
    super();
    this.probability = checkProbability(probability, 'dropout');
  }

  override forward<M extends Module, T extends Tensor>(
    this: M,
    x: Entering<M, T>,
  ): Tensor<LeavingShape<M, T>>;
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

/** See {@link dropout2d}. */
export class Dropout2d extends Module {
  declare readonly [shapeEffect]?: Keeps;
  readonly probability: number;

  /** Use {@link dropout2d}. */
  constructor(probability = 0.5) {
    super();
    this.probability = checkProbability(probability, 'dropout2d');
  }

  override forward<M extends Module, T extends Tensor>(
    this: M,
    x: Entering<M, T>,
  ): Tensor<LeavingShape<M, T>>;
  override forward(x: Tensor): Tensor {
    const { shape } = x;
    if (shape.length < 3)
      throw shapeError(`dropout2d: expects [batch, channels, …positions], got [${shape.join(', ')}]`);
    if (!this.training) return x;
    return dropped(x, this.probability, [...shape.slice(0, 2), ...shape.slice(2).map(() => 1)]);
  }

  override describe() {
    return ['dropout2d', this.probability] as const;
  }
}

/**
 * Dropout of whole channels (Tompson et al. 2015): neighboring pixels say nearly the same, so that leaving out single ones hides
 * little. `[batch, channels, …positions]`, of sequences, images or volumes; each channel of each example is 0 with the given
 * probability and else divided by 1 − probability, in evaluation mode unchanged.
 *
 * @throws RangeError for a probability outside 0 … 1
 */
export function dropout2d(probability = 0.5): Dropout2d {
  return new Dropout2d(probability);
}

/** −λα of `selu`: what it gives far below 0. */
const lowest = -1.0507009873554804934193349852946 * 1.6732632423543772848170429916717;

/** See {@link alphaDropout}. */
export class AlphaDropout extends Module {
  declare readonly [shapeEffect]?: Keeps;
  readonly probability: number;

  /** Use {@link alphaDropout}. */
  constructor(probability = 0.5) {
    super();
    this.probability = checkProbability(probability, 'alphaDropout');
  }

  override forward<M extends Module, T extends Tensor>(
    this: M,
    x: Entering<M, T>,
  ): Tensor<LeavingShape<M, T>>;
  override forward(x: Tensor): Tensor {
    const p = this.probability;
    if (!this.training || p === 0) return x;
    if (p === 1) return x.mul(0);
    const scale = 1 / Math.sqrt((1 - p) * (1 + p * lowest * lowest));
    const kept = bernoulli(x.shape, 1 - p, { dtype: 'bool' });
    return kept
      .where(x, lowest)
      .mul(scale)
      .add(-scale * lowest * p);
  }

  override describe() {
    return ['alphaDropout', this.probability] as const;
  }
}

/**
 * Dropout for networks of `selu` (Klambauer et al. 2017): what is left out becomes −λα, and all is scaled and shifted so that mean 0
 * and variance 1 stay. Any shape; in evaluation mode unchanged.
 *
 * @throws RangeError for a probability outside 0 … 1
 */
export function alphaDropout(probability = 0.5): AlphaDropout {
  return new AlphaDropout(probability);
}

/** Dropout as a function, always on; `shape` is that of the choices, by default one for each element. */
export function dropped(x: Tensor, probability: number, shape: readonly number[] = x.shape): Tensor {
  if (probability === 0) return x;
  const kept = bernoulli(shape, 1 - probability, { dtype: 'bool' });
  // With probability 1 nothing is kept and the factor does not matter.
  return kept.where(x.mul(probability === 1 ? 1 : 1 / (1 - probability)), 0);
}
