/**
 * `lookahead`: slow weights that follow the fast ones of another optimizer.
 */

import { evaluate, formatShape, type Tensor, Variable } from '@ag/tensor';
import {
  activeTrace,
  beforeEachRun,
  checkInteger,
  checkOptions,
  codedError,
  commitUpdates,
  dynamicScalar,
} from '@ag/tensor/engine';
import { checkRange } from './check.ts';
import type { OptimizerState } from './optimizer.ts';
import type { Rate } from './schedules.ts';

/** Options of {@link lookahead}. */
export interface LookaheadOptions {
  /** Steps of the other optimizer between two of the slow weights. Default 5. */
  readonly every?: number;
  /** How far the slow weights go towards the fast ones, in (0, 1]. Default 0.5. */
  readonly share?: number;
}

/** What {@link lookahead} needs of an optimizer. */
export interface SteppingOptimizer {
  readonly parameters: readonly Variable[];
  get learningRate(): number;
  set learningRate(rate: Rate);
  step(gradients?: ReadonlyMap<Variable, Tensor>): void;
  zeroGrad(): void;
  variables(): Variable[];
  state(): OptimizerState;
  loadState(state: OptimizerState): void;
}

/** See {@link lookahead}. */
export class Lookahead {
  readonly type = 'lookahead';
  readonly every: number;
  readonly share: number;
  /** The optimizer of the fast weights. */
  readonly inner: SteppingOptimizer;
  /** Steps so far. */
  steps = 0;
  readonly #slow: readonly (readonly [parameter: Variable, slow: Variable])[];

  /** Use {@link lookahead}. */
  constructor(inner: SteppingOptimizer, options: LookaheadOptions = {}) {
    checkOptions('lookahead', options, 'every share');
    const { every = 5, share = 0.5 } = options;
    this.every = checkInteger(every, 'lookahead', 'every', 1);
    checkRange(share, Number.MIN_VALUE, 1 + Number.EPSILON, 'lookahead: share');
    this.share = share;
    this.inner = inner;
    const initial = inner.parameters.map((parameter) => parameter.value.reshape(parameter.shape));
    evaluate(initial);
    this.#slow = inner.parameters.map((parameter, i) => [
      parameter,
      new Variable(initial[i], { trainable: false, inPlace: true, name: `${parameter.name}.slow` }),
    ]);
  }

  get parameters(): readonly Variable[] {
    return this.inner.parameters;
  }

  /** All variables that a step changes. */
  variables(): Variable[] {
    return [...this.inner.variables(), ...this.#slow.map(([, slow]) => slow)];
  }

  /** The other optimizer's; assigned, it is its rate from now on. */
  get learningRate(): number {
    return this.inner.learningRate;
  }

  set learningRate(rate: Rate) {
    this.inner.learningRate = rate;
  }

  zeroGrad(): void {
    this.inner.zeroGrad();
  }

  /** A step of the other optimizer; after every so many the slow weights move, and the fast ones go on from there. */
  step(gradients?: ReadonlyMap<Variable, Tensor>): void {
    this.inner.step(gradients);
    // Compiled, each run has a number of its own.
    let now = 0;
    beforeEachRun(() => {
      now = ++this.steps;
      return () => {
        this.steps--;
      };
    });
    if (!activeTrace() && now % this.every !== 0) return;
    const updates = new Map<Variable, Tensor>();
    for (const [parameter, slow] of this.#slow) {
      const due = dynamicScalar(() => (now % this.every === 0 ? 1 : 0), parameter.dtype).greater(0);
      const fast = parameter.value;
      const moved = due.where(slow.value.add(fast.sub(slow.value).mul(this.share)), slow.value);
      updates.set(slow, moved);
      updates.set(parameter, due.where(moved, fast));
    }
    commitUpdates(updates);
  }

  /** A copy of the state, of both. */
  state(): OptimizerState {
    const inner = this.inner.state();
    const copies = this.#slow.map(([, slow]) => slow.value.reshape(slow.shape));
    evaluate(copies);
    return {
      type: `${this.type} of ${inner.type}`,
      numbers: { ...inner.numbers, lookahead: this.steps },
      tensors: { ...inner.tensors, ...Object.fromEntries(copies.map((copy, i) => [`${i}.slow`, copy])) },
    };
  }

  /** Goes on from a saved state. @throws Error when it does not fit; nothing is changed then */
  loadState(state: OptimizerState): void {
    const prefix = `${this.type} of `;
    if (!state.type.startsWith(prefix))
      throw codedError(
        Error,
        'AG_STATE_MISMATCH',
        `loadState: this is ${this.type}, the state is of ${state.type}`,
      );
    const tensors = { ...state.tensors };
    const changes = new Map<Variable, Tensor>();
    this.#slow.forEach(([, slow], i) => {
      const name = `${i}.slow`;
      const value = tensors[name];
      if (!value || formatShape(value.shape) !== formatShape(slow.shape)) {
        throw codedError(
          Error,
          'AG_STATE_MISMATCH',
          `loadState: '${name}' should be ${formatShape(slow.shape)}, found ${value ? formatShape(value.shape) : 'none'}`,
        );
      }
      Reflect.deleteProperty(tensors, name);
      changes.set(slow, value.cast(slow.dtype));
    });
    const { lookahead: steps = 0, ...numbers } = state.numbers;
    this.inner.loadState({ type: state.type.slice(prefix.length), numbers, tensors });
    commitUpdates(changes);
    this.steps = steps;
  }
}

/**
 * Lookahead (Zhang et al. 2019) around another optimizer: after `every` of its steps slow weights go a `share` of the way to where it has
 * come, and it goes on from there. Its state stays.
 *
 * ```ts
 * const optimizer = lookahead(adam(model.parameters()), { every: 5, share: 0.5 });
 * ```
 *
 * @throws RangeError for options out of range
 */
export function lookahead(inner: SteppingOptimizer, options: LookaheadOptions = {}): Lookahead {
  checkOptions('lookahead', options, 'every share');
  return new Lookahead(inner, options);
}
