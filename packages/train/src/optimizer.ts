/** What `fit` needs of an optimizer, and of a running average of the weights. */
import type { OptimizerState } from '@ag/optim';
import type { Variable } from '@ag/tensor';

/** What `fit` needs of an optimizer; those of `@ag/optim` have it. */
export interface FitOptimizer {
  /** Uses the gradients that `backward` left. */
  step(): void;
  /** The rate of the next step. */
  readonly learningRate: number;
  readonly parameters: readonly Variable[];
  state(): OptimizerState;
  loadState(state: OptimizerState): void;
}

/** What `fit` needs of a running average of the weights; `ema` of `@ag/optim` gives it. */
export interface FitAverage {
  /** Called after each step. */
  update(): void;
  /** Puts the averages in place of the parameters, until `restore`. */
  apply(): void;
  restore(): void;
  state(): OptimizerState;
  loadState(state: OptimizerState): void;
}
