/**
 * Watching one metric: reading it from events, and knowing whether it became better.
 */
import { warn } from '@ag/tensor/engine';
import { TrainingError } from '../errors.ts';
import type { TrainingEvent } from '../events.ts';

/** What a callback watches, and which direction is better. */
export interface MonitorOptions {
  /**
   * `loss` or the name of a metric, of the training data; with `validation.` before it, of the validation data. Default
   * `validation.loss`.
   */
  readonly monitor?: string;
  /** Whether smaller or larger is better. Default: larger for names that speak of accuracy, precision, recall, f1 or r2. */
  readonly mode?: 'min' | 'max';
  /** Smaller changes do not count as better. Default 0. */
  readonly minimumChange?: number;
}

/** Keeps the best value of a metric. */
export class Monitor {
  readonly name: string;
  readonly #larger: boolean;
  readonly #change: number;
  best: number | null = null;

  constructor(options: MonitorOptions, owner: string) {
    this.name = options.monitor ?? 'validation.loss';
    this.#larger = options.mode ? options.mode === 'max' : /accuracy|precision|recall|f1|r2/i.test(this.name);
    const meansLarger = /accuracy|precision|recall|f1|r2/i.test(this.name);
    const meansSmaller = /loss|error|perplexity/i.test(this.name);
    if (options.mode !== undefined && (this.#larger ? meansSmaller : meansLarger)) {
      warn(
        'AG_MONITOR_MODE',
        `${owner}: '${this.name}' is better when it is ${this.#larger ? 'smaller' : 'larger'}, but mode is '${options.mode}', so the worst counts as the best; leave mode out`,
      );
    }
    this.#change = options.minimumChange ?? 0;
    if (!(this.#change >= 0)) {
      throw new TrainingError(`${owner}: minimumChange must be a number ≥ 0, got ${this.#change}`, {
        code: 'option',
      });
    }
  }

  /** The value, if this event is the one that has it. @throws TrainingError when such an event lacks it */
  read(event: TrainingEvent): number | null {
    const ofValidation = this.name.startsWith('validation.');
    if (event.type !== (ofValidation ? 'validation' : 'epoch')) return null;
    const name = ofValidation ? this.name.slice('validation.'.length) : this.name;
    const own = Object.hasOwn(event.metrics, name) ? event.metrics[name] : undefined;
    const value = name === 'loss' ? event.loss : own;
    if (value === undefined) {
      const known = ['loss', ...Object.keys(event.metrics)];
      throw new TrainingError(`there is no metric '${this.name}' to watch; there is ${known.join(', ')}`, {
        code: 'option',
      });
    }
    return value;
  }

  /** Notes a value; true when it is the best so far. */
  improves(value: number): boolean {
    if (Number.isNaN(value)) return false;
    const better =
      this.best === null ||
      (this.#larger ? value > this.best + this.#change : value < this.best - this.#change);
    if (better) this.best = value;
    return better;
  }
}
