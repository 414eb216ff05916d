/** Handing out trials: to this process, to others with the same folder, and to parts of a sweep. */
import { setTimeout as wait } from 'node:timers/promises';
import type { Part } from '../commands/sweep.ts';
import { type Claim, isClaim, tryClaim } from '../runs/claim.ts';
import { type Result, readResult, trialName } from './results.ts';
import type { Search, Trial } from './trial.ts';

/** A trial that this process has taken. */
export interface TakenTrial {
  readonly trial: Trial;
  readonly claim: Claim;
}

/** The numbers of the trials of a part: every n-th one, or all. */
export function trialsOf({ count }: Search, part: Part | null): number[] {
  return Array.from({ length: count }, (_, i) => i + 1).filter(
    (id) => part === null || (id - part.number) % part.of === 0,
  );
}

/** Adds to `results` what the folder holds of others. */
export function readResults(folder: string, { count }: Search, results: Map<number, Result>): void {
  for (let id = 1; id <= count; id++) {
    const result = results.has(id) ? null : readResult(folder, { id });
    if (result) results.set(id, result);
  }
}

/**
 * Hands out trials that nobody works on and nobody has done, and waits while others work on the last, or on what decides
 * about the next: if they are killed, somebody has to go on. Results of others are added to `results`.
 *
 * @param ids of the trials to hand out
 * @returns gives the next trial; null when all are done, or a signal came
 */
export function takeTrials(
  folder: string,
  search: Search,
  ids: readonly number[],
  results: Map<number, Result>,
  note: (line: string) => void,
): (signal: AbortSignal) => Promise<TakenTrial | null> {
  const ours = new Set<number>();
  let warned = false;
  const next = async (signal: AbortSignal): Promise<TakenTrial | null> => {
    while (!signal.aborted) {
      readResults(folder, search, results);
      let open = false;
      let who = '';
      for (const id of ids) {
        const trial = ours.has(id) || results.has(id) ? 'never' : search.decided(id);
        if (trial === 'never') continue;
        open = true;
        if (trial === 'later') continue;
        const claim = await tryClaim(folder, trialName(trial));
        if (!isClaim(claim)) {
          who = claim.who;
          continue;
        }
        // It may have been done between the two looks.
        const done = readResult(folder, trial);
        if (done) {
          results.set(id, done);
          claim.release();
        } else {
          ours.add(id);
          return { trial, claim };
        }
      }
      if (!open) return null;
      if (who !== '' && !warned) {
        warned = true;
        note(`another sweep is running in this folder (${who}); waiting for its trials`);
      }
      await wait(300);
    }
    return null;
  };
  // One worker after the other: what one of them asks for none of ours is to be told that somebody has it.
  let turn: Promise<unknown> = Promise.resolve();
  return (signal) => {
    const mine = turn.then(() => next(signal));
    turn = mine.catch(() => null);
    return mine;
  };
}
