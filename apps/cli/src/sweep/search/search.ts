/**
 * What is tried next. It is a pure function of the plan and of results, so a sweep that was killed, or that several machines
 * share, goes on with the same trials, however many are trained at a time.
 */
import type { Plan } from '../plan.ts';
import { type Result, rank } from '../results.ts';
import type { Search, Standing } from '../trial.ts';
import { halvingSearch } from './halving.ts';
import { tpeSearch } from './tpe.ts';

/** @param results of what has ended; it may grow */
export function searchOf(plan: Plan, results: ReadonlyMap<number, Result>): Search {
  const { trials, search } = plan;
  const standing: Standing = {
    isKnown: (id) => results.has(id),
    ranked: (given) => rank(given, results, search?.metric).ranked,
  };
  if (search?.strategy === 'halving') return halvingSearch(search, trials, standing);
  if (search?.strategy === 'tpe') return tpeSearch(search, trials, standing);
  return { count: trials.length, decided: (id) => trials[id - 1] };
}
