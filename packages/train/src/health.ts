/**
 * How well gradients reach the parameters: norms, and units that no longer get any. A unit behind a relu that is
 * negative for every example has a gradient of exactly 0, so it never moves again: it is dead (Maas, Hannun and Ng
 * 2013).
 */
import { type AnyModule, Conv1d, Conv2d, Linear } from '@ag/nn';
import { ones, type Tensor, type Variable } from '@ag/tensor';
import type { Metrics } from './events.ts';

/** Measurements in a row without a gradient after which a unit counts as dead: some batches may just not concern it. */
const deadAfter = 10;

/** What one measurement gives. */
export interface Health {
  /** The Euclidean norm of each parameter's gradient, 0 where there is none. */
  readonly gradientNorms: Metrics;
  /** The share of dead units of each linear or convolutional layer, by the name of its weight. */
  readonly deadUnits: Metrics;
}

/** Measures the gradients that `backward` left. */
export class GradientHealth {
  readonly #parameters: readonly (readonly [string, Variable])[];
  /** Weights whose first axis counts the layer's units. */
  readonly #layers: readonly (readonly [string, Variable])[];
  /** For each layer, how many measurements in a row each unit got no gradient. */
  readonly #quiet: readonly Uint32Array[];

  constructor(model: AnyModule) {
    this.#parameters = [...model.namedParameters()].filter(([, variable]) => variable.trainable);
    const weights = new Set([...model.namedModules().values()].flatMap(weightOf));
    this.#layers = this.#parameters.filter(([, variable]) => weights.has(variable));
    this.#quiet = this.#layers.map(([, weight]) => new Uint32Array(weight.shape[0]));
  }

  /** What is to be computed, lazily. */
  build(): Tensor[] {
    const norms = this.#parameters.map(([, { grad, value }]) => (grad ?? value.mul(0)).square().sum().sqrt());
    const reached = this.#layers.map(([, { grad, shape }]) =>
      grad ? grad.abs().max(shape.slice(1).map((_, i) => i + 1)) : ones([shape[0]]),
    );
    return [...norms, ...reached];
  }

  /** @param values the elements of what `build` gave */
  read(values: readonly ArrayLike<number>[]): Health {
    const gradientNorms = Object.fromEntries(
      this.#parameters.map(([name], i) => [name, values[i][0]] as const),
    );
    // Where nothing gets a gradient the loss has nothing left to say, which is no fault of the units.
    const silent = Object.values(gradientNorms).every((norm) => norm === 0);
    const deadUnits = this.#layers.map(([name], i) => {
      const quiet = this.#quiet[i];
      const reached = values[this.#parameters.length + i];
      let dead = 0;
      for (let unit = 0; unit < quiet.length; unit++) {
        if (!silent) quiet[unit] = reached[unit] === 0 ? quiet[unit] + 1 : 0;
        if (quiet[unit] >= deadAfter) dead++;
      }
      return [name, dead / quiet.length] as const;
    });
    return { gradientNorms, deadUnits: Object.fromEntries(deadUnits) };
  }
}

function weightOf(module: AnyModule): Variable[] {
  return module instanceof Linear || module instanceof Conv1d || module instanceof Conv2d
    ? [module.weight]
    : [];
}
