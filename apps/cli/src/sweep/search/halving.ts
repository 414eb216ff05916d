/**
 * Successive halving (Jamieson & Talwalkar, "Non-stochastic Best Arm Identification and Hyperparameter Optimization",
 * 2016): all trials get a few epochs, the better ones of them some times as many, and so on; only the last few are trained
 * to the end. A trial that goes on resumes its run.
 */
import type { Decided, Search, Standing, Trial } from '../trial.ts';

/** What is kept of it in the plan. */
export interface HalvingPlan {
  readonly strategy: 'halving';
  /** From the first to the last: how many trials are trained, and for how many epochs in all. */
  readonly rounds: readonly { readonly trials: number; readonly epochs: number }[];
  readonly metric?: string;
}

/**
 * The rounds of a sweep, each with a share of 1/factor of the trials of the one before, and factor times their epochs; the
 * last one has all epochs.
 *
 * @param least epochs that a trial has at least
 * @returns what is kept, and the trials of the first round
 */
export function halving(
  trials: readonly Trial[],
  epochs: number,
  factor: number,
  least: number,
): { search: HalvingPlan; first: Trial[] } {
  const rounds = [{ trials: trials.length, epochs }];
  // From the last round to the first: epochs that a trial of it has had.
  for (let given = epochs / factor, left = trials.length / factor; ; given /= factor, left /= factor) {
    if (given < least || left < 1) break;
    rounds.unshift({ trials: trials.length, epochs: Math.max(1, Math.round(given)) });
  }
  for (let round = 1, left = trials.length; round < rounds.length; round++) {
    left /= factor;
    rounds[round].trials = Math.max(1, Math.floor(left));
  }
  const first = trials.map(({ id, values }) => ({ id, values: { ...values, epochs: rounds[0].epochs } }));
  return { search: { strategy: 'halving', rounds }, first };
}

/** Decides who goes on once all trials of a round are known. */
export function halvingSearch(plan: HalvingPlan, first: readonly Trial[], standing: Standing): Search {
  const starts = plan.rounds.map((_, round) =>
    plan.rounds.slice(0, round).reduce((sum, { trials }) => sum + trials, 1),
  );
  const count = plan.rounds.reduce((sum, { trials }) => sum + trials, 0);
  /** By round, once it is settled: those that go on to it, the best first. */
  const settled: (readonly Trial[])[] = [first];
  const trialsOf = (round: number): readonly Trial[] | null => {
    const known = settled[round];
    if (known) return known;
    const before = trialsOf(round - 1);
    if (!before?.every(({ id }) => standing.isKnown(id))) return null;
    const { trials, epochs } = plan.rounds[round];
    settled[round] = standing
      .ranked(before)
      .slice(0, trials)
      .map(({ id, values, continues }, place) => ({
        id: starts[round] + place,
        values: { ...values, epochs },
        continues: continues ?? id,
      }));
    return settled[round];
  };
  return {
    count,
    decided(id): Decided {
      const round = starts.findLastIndex((start) => start <= id);
      const trials = trialsOf(round);
      if (trials === null) return 'later';
      return trials[id - starts[round]] ?? 'never';
    },
  };
}
