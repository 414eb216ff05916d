/**
 * `ema`: the moving average of parameters, often a better model than the last step's.
 */

import { evaluate, formatShape, type Tensor, Variable } from '@ag/tensor';
import { beforeEachRun, checkOptions, codedError, commitUpdates, dynamicScalar } from '@ag/tensor/engine';
import { checkRange } from './check.ts';
import type { OptimizerState } from './optimizer.ts';

export interface EmaOptions {
  /** Decay of the average at each update, in [0, 1). Default 0.999. */
  readonly decay?: number;
  /** Use (1 + n) / (10 + n) at the n-th update while that is below the decay, so that early averages follow faster. Default false. */
  readonly warmup?: boolean;
}

/** See {@link ema}. */
export class Ema {
  readonly decay: number;
  readonly warmup: boolean;
  /** Updates so far. */
  updates = 0;
  readonly #pairs: readonly { readonly parameter: Variable; readonly average: Variable }[];
  #original: ReadonlyMap<Variable, Tensor> | null = null;

  /** Use {@link ema}. */
  constructor(parameters: Iterable<Variable>, options: EmaOptions = {}) {
    checkOptions('ema', options, 'decay warmup');
    this.decay = options.decay ?? 0.999;
    this.warmup = options.warmup ?? false;
    checkRange(this.decay, 0, 1, 'ema: decay');
    const list = [...parameters];
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
    const decay = (): number => (this.warmup ? Math.min(this.decay, (1 + now) / (10 + now)) : this.decay);
    const changes = new Map<Variable, Tensor>();
    for (const { parameter, average } of this.#pairs) {
      const keep = dynamicScalar(decay, average.dtype);
      const take = dynamicScalar(() => 1 - decay(), average.dtype);
      changes.set(average, average.value.mul(keep).add(parameter.value.mul(take)));
    }
    try {
      commitUpdates(changes);
    } catch (error) {
      this.updates = before;
      throw error;
    }
  }

  /** The averages, in the order of the parameters. */
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
    if (!this.#original) throw codedError(Error, 'AG_WRONG_TIME', 'ema: restore() without apply() before');
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
    return { type: 'ema', numbers: { updates: this.updates }, tensors };
  }

  /** Goes on from a saved state. @throws Error when it does not fit */
  loadState(state: OptimizerState): void {
    if (state.type !== 'ema')
      throw codedError(Error, 'AG_STATE_MISMATCH', `loadState: this is ema, the state is of ${state.type}`);
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
        `ema: ${where}() while the averages are in place; call restore() first`,
      );
  }
}

/**
 * The exponential moving average of parameters (Polyak & Juditsky 1992 for averaging): average ← decay · average +
 * (1 − decay) · parameter at each `update()`.
 *
 * ```ts
 * const average = ema(model.parameters(), { decay: 0.999 });
 * optimizer.step();
 * average.update();
 * ```
 */
export function ema(parameters: Iterable<Variable>, options: EmaOptions = {}): Ema {
  checkOptions('ema', options, 'decay warmup');
  return new Ema(parameters, options);
}
