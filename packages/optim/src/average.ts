/**
 * What averages of parameters share. They lie beside the parameters, in their place for a while, and are saved and loaded.
 */

import { evaluate, formatShape, isFloat, type Tensor, Variable } from '@ag/tensor';
import { beforeEachRun, codedError, commitUpdates, dynamicScalar } from '@ag/tensor/engine';
import type { OptimizerState } from './optimizer.ts';

interface Pair {
  readonly parameter: Variable;
  readonly average: Variable;
}

/** Averages of parameters, and of buffers where they are asked for. */
export abstract class ParameterAverage {
  /** The kind, as in saved states. */
  abstract readonly type: string;
  /** Updates so far. */
  updates = 0;
  readonly #pairs: readonly Pair[];
  #original: ReadonlyMap<Variable, Tensor> | null = null;

  /** @param buffers averaged as parameters are; of whole numbers the last value is taken */
  constructor(parameters: Iterable<Variable>, buffers: Iterable<Variable> = []) {
    const list = [...parameters, ...buffers];
    // The averages start as copies of what the parameters are now.
    const initial = list.map((parameter) => parameter.value.reshape(parameter.shape));
    evaluate(initial);
    this.#pairs = list.map((parameter, i) => ({
      parameter,
      average: new Variable(initial[i], {
        trainable: false,
        inPlace: true,
        name: `${parameter.name}.average`,
      }),
    }));
  }

  /** What is kept of the average at the n-th update, from 1 on. */
  protected abstract keep(update: number): number;

  /** The variables that hold the averages. */
  variables(): Variable[] {
    return this.#pairs.map(({ average }) => average);
  }

  /** Moves the averages towards the parameters' values: once after each step, in compiled steps too. */
  update(): void {
    this.#checkNotApplied('update');
    const before = this.updates;
    // The number of this update, apart from the count: a compiled function may make several in each run.
    let now = 0;
    beforeEachRun(() => {
      now = ++this.updates;
      return () => {
        this.updates--;
      };
    });
    const changes = new Map<Variable, Tensor>();
    for (const { parameter, average } of this.#pairs) {
      if (!isFloat(average.dtype)) {
        changes.set(average, parameter.value);
        continue;
      }
      const keep = dynamicScalar(() => this.keep(now), average.dtype);
      const take = dynamicScalar(() => 1 - this.keep(now), average.dtype);
      changes.set(average, average.value.mul(keep).add(parameter.value.mul(take)));
    }
    try {
      commitUpdates(changes);
    } catch (error) {
      this.updates = before;
      throw error;
    }
  }

  /** The averages, in the order of the parameters, then of the buffers. */
  averages(): Tensor[] {
    const copies = this.#pairs.map(({ average }) => average.value.reshape(average.shape));
    evaluate(copies);
    return copies;
  }

  /** Gives the parameters their averages, until `restore`. */
  apply(): void {
    this.#checkNotApplied('apply');
    const original = this.#pairs.map(({ parameter }) => parameter.value.reshape(parameter.shape));
    evaluate(original);
    commitUpdates(new Map(this.#pairs.map(({ parameter, average }) => [parameter, average.value])));
    this.#original = new Map(this.#pairs.map(({ parameter }, i) => [parameter, original[i]]));
  }

  /** Gives the parameters back what they were before `apply`. */
  restore(): void {
    if (!this.#original)
      throw codedError(Error, 'AG_WRONG_TIME', `${this.type}: restore() without apply() before`);
    commitUpdates(this.#original);
    this.#original = null;
  }

  /**
   * Runs `work` with the averages in place of the parameters, and restores these whatever happens.
   *
   * ```ts
   * const average = ema(model.parameters());
   * const metrics = await average.using(() => validate(model, data));
   * ```
   */
  async using<T>(work: () => T | Promise<T>): Promise<T> {
    this.apply();
    try {
      return await work();
    } finally {
      this.restore();
    }
  }

  /** A copy of the averages, to be saved. */
  state(): OptimizerState {
    const tensors = Object.fromEntries(this.averages().map((average, i) => [String(i), average]));
    return { type: this.type, numbers: { updates: this.updates }, tensors };
  }

  /** Goes on from a saved state. @throws Error when it does not fit */
  loadState(state: OptimizerState): void {
    if (state.type !== this.type)
      throw codedError(
        Error,
        'AG_STATE_MISMATCH',
        `loadState: this is ${this.type}, the state is of ${state.type}`,
      );
    const changes = new Map<Variable, Tensor>();
    this.#pairs.forEach(({ average }, i) => {
      const value = state.tensors[String(i)];
      if (!value || formatShape(value.shape) !== formatShape(average.shape)) {
        throw codedError(
          Error,
          'AG_STATE_MISMATCH',
          `loadState: average ${i} should be ${formatShape(average.shape)}, found ${value ? formatShape(value.shape) : 'none'}`,
        );
      }
      changes.set(average, value.cast(average.dtype));
    });
    commitUpdates(changes);
    this.updates = state.numbers.updates ?? 0;
  }

  #checkNotApplied(where: string): void {
    if (this.#original)
      throw codedError(
        Error,
        'AG_WRONG_TIME',
        `${this.type}: ${where}() while the averages are in place; call restore() first`,
      );
  }
}
