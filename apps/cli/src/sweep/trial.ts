/** A trial of a sweep, and who decides about it. */

/** One of the trainings. */
export interface Trial {
  /** From 1. */
  readonly id: number;
  readonly values: Values;
  /** The trial whose run this one goes on with, for more epochs. */
  readonly continues?: number;
}

/** Values by setting or parameter. */
export type Values = Readonly<Record<string, string | number>>;

/** A trial; `later` where results of others are still needed, `never` where too few others succeeded. */
export type Decided = Trial | 'later' | 'never';

/** Trials by number. */
export interface Search {
  /** Trials that there will be at most. */
  readonly count: number;
  /** @param id from 1 */
  decided(id: number): Decided;
}

/** What is known of trials so far. */
export interface Standing {
  /** Whether a trial has ended, well or not. */
  isKnown(id: number): boolean;
  /** Of the given trials those that succeeded, the best first. */
  ranked(trials: readonly Trial[]): Trial[];
}
