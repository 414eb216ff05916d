/** Who can walk down a surface: optimizers of @ag/optim, and Newton's method. */
import { adadelta, adagrad, adam, adamw, lion, nadam, type Optimizer, radam, rmsprop, sgd } from '@ag/optim';
import type { Variable } from '@ag/tensor';

export interface RunnerInfo {
  readonly name: string;
  readonly learningRate: number;
  /** The function of @ag/optim, and its other options as code; none for Newton's method. */
  readonly function?: string;
  readonly more?: string;
  /**
   * Makes the optimizer where each number is stepped by itself, so that many starts are one run. The others have rules of
   * their own in descend.ts.
   */
  readonly make?: (p: readonly Variable[], rate: number) => Optimizer;
}

/** An optimizer that needs only its learning rate. */
function plain(
  name: string,
  learningRate: number,
  make: (p: readonly Variable[], options: { readonly learningRate: number }) => Optimizer,
) {
  return {
    name,
    learningRate,
    function: name.toLowerCase(),
    make: (p: readonly Variable[], rate: number) => make(p, { learningRate: rate }),
  };
}

export const runners = {
  sgd: plain('SGD', 0.95, sgd),
  momentum: {
    name: 'Momentum',
    learningRate: 0.1,
    function: 'sgd',
    more: ', momentum: 0.9',
    make: (p: readonly Variable[], learningRate: number) => sgd(p, { learningRate, momentum: 0.9 }),
  },
  adagrad: plain('AdaGrad', 1.5, adagrad),
  adam: plain('Adam', 0.3, adam),
  rmsprop: plain('RMSProp', 0.1, rmsprop),
  adadelta: plain('AdaDelta', 20, adadelta),
  adamw: plain('AdamW', 0.3, adamw),
  nadam: plain('NAdam', 0.3, nadam),
  radam: plain('RAdam', 0.3, radam),
  lion: plain('Lion', 0.1, lion),
  lbfgs: {
    name: 'L-BFGS',
    learningRate: 1,
    function: 'lbfgs',
    more: ', maxIterations: 1, maxEvaluations: 25',
  },
  newton: { name: 'Newton', learningRate: 1 },
} satisfies Record<string, RunnerInfo>;

export type Runner = keyof typeof runners;

export const runnerIds = Object.keys(runners) as Runner[];

/** Those of which many starts are one run. */
export const manyRunnerIds = runnerIds.filter((id) => id !== 'lbfgs');
