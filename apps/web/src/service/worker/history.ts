/**
 * Checkpoints of a run, for going back to any earlier step, and curves of what it reported.
 *
 * Checkpoints are made at regular steps and thinned out as the run grows; a step between two is reached by
 * going on from the one before. Curves are bounded in the same manner.
 */
import type { Callback, Checkpoint } from '@ag/train';
import { withoutDevice } from './lastingRun.ts';

/** Keeps checkpoints; give it to `fit` as a callback. */
export class History implements Callback {
  readonly name = 'history';
  readonly last = true;
  readonly #limit: number;
  #stride: number;
  #kept: Checkpoint[] = [];

  /**
   * @param stride steps between two checkpoints; doubles whenever there are too many
   * @param limit most checkpoints
   */
  constructor(stride = 16, limit = 64) {
    this.#stride = stride;
    this.#limit = limit;
  }

  async on(...[event, context]: Parameters<Callback['on']>): Promise<void> {
    if (event.type !== 'start' && event.type !== 'step') return;
    const { step } = event;
    if (step % this.#stride !== 0 || this.#kept.some((kept) => kept.progress.step === step)) return;
    this.#kept.push(await withoutDevice(await context.checkpoint()));
    if (this.#kept.length <= this.#limit) return;
    this.#stride *= 2;
    this.#kept = this.#kept.filter((kept) => kept.progress.step % this.#stride === 0);
  }

  /** The latest checkpoint at or before a step; those after it are dropped, for the run will make them again. */
  backTo(step: number): Checkpoint {
    this.#kept = this.#kept.filter((kept) => kept.progress.step <= step);
    const found = this.#kept.at(-1);
    if (!found) throw new Error(`there is no checkpoint at or before step ${step}`);
    return found;
  }
}

/** Points of a curve as arrays, as `lineChart` takes them. */
export interface CurvePoints {
  readonly x: number[];
  readonly y: number[];
}

/** A curve that is thinned out as it grows: every second point goes when there are too many. */
export class Curve {
  readonly #limit: number;
  #every = 1;
  #points: { readonly x: number; readonly y: number; readonly index: number }[] = [];

  constructor(limit = 1024) {
    this.#limit = limit;
  }

  /** @param index which of all points this is; decides whether it is among those that are kept */
  add(x: number, y: number, index = x): void {
    if (index % this.#every !== 0) return;
    this.#points.push({ x, y, index });
    if (this.#points.length <= this.#limit) return;
    this.#every *= 2;
    this.#points = this.#points.filter((point) => point.index % this.#every === 0);
  }

  /** Forgets what comes after a position. */
  cut(x: number): void {
    this.#points = this.#points.filter((point) => point.x <= x);
  }

  points(): CurvePoints {
    return { x: this.#points.map((point) => point.x), y: this.#points.map((point) => point.y) };
  }
}
