/** What a sweep keeps on the disk: its plan, and the result of each trial as soon as it is known. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { writeAtomically } from '@ag/train';
import { exitCodes, Failure } from '../failure.ts';
import { readText } from '../readJson.ts';
import { type Claim, isClaim, tryClaim } from '../runs/claim.ts';
import { didYouMean } from '../suggest.ts';
import type { Plan } from './plan.ts';
import type { Trial } from './trial.ts';

/** How a trial ended. */
export interface Result {
  readonly exitCode: number;
  readonly seconds: number;
  /** Loss and metrics on the test data, under a name that files and events keep; null for a trial that failed. */
  readonly figures: Readonly<Record<string, number>> | null;
  readonly message: string | null;
}

/** The name of a trial, and of its folder within that of the sweep unless it goes on with another's. */
export function trialName(trial: Pick<Trial, 'id'>): string {
  return `trial-${String(trial.id).padStart(3, '0')}`;
}

/** Writes the plan. @throws Failure `configuration` when the folder holds another one */
export async function keepPlan(folder: string, plan: Plan): Promise<void> {
  const path = join(folder, 'sweep.json');
  const text = `${JSON.stringify(plan, null, 2)}\n`;
  const claim = await whenFree(folder, 'plan');
  try {
    if (!existsSync(path)) return await writeAtomically(path, text);
    if (readText(path) !== text) {
      throw new Failure(
        'configuration',
        `${folder} holds another sweep`,
        'Use the same flags to resume it, or another --out.',
      );
    }
  } finally {
    claim.release();
  }
}

/** Takes what nobody has for long. */
async function whenFree(folder: string, name: string): Promise<Claim> {
  for (;;) {
    const found = await tryClaim(folder, name);
    if (isClaim(found)) return found;
    await wait(50);
  }
}

/** The folder of a trial's run. */
export function runFolder(folder: string, { id, continues }: Trial): string {
  return join(folder, trialName({ id: continues ?? id }));
}

export async function keepResult(folder: string, trial: Trial, result: Result): Promise<void> {
  await writeAtomically(resultPath(folder, trial), `${JSON.stringify(result)}\n`);
}

/** The result of a trial; null when it is not known yet. */
export function readResult(folder: string, trial: Pick<Trial, 'id'>): Result | null {
  const path = resultPath(folder, trial);
  if (!existsSync(path)) return null;
  try {
    const result = JSON.parse(readText(path)) as Result | null;
    const whole = typeof result?.exitCode === 'number' && typeof result.seconds === 'number';
    // A process that was killed says nothing about its trial.
    return whole && result.exitCode !== exitCodes.internal ? result : null;
  } catch {
    return null;
  }
}

function resultPath(folder: string, trial: Pick<Trial, 'id'>): string {
  return join(folder, `${trialName(trial)}.json`);
}

/**
 * Trials that succeeded, the best first; ties are broken by the loss.
 *
 * @param wanted the metric that decides; the first one where it is not given, or the loss
 * @throws Failure `usage` where there is no such metric
 */
export function rank(
  trials: readonly Trial[],
  results: ReadonlyMap<number, Result>,
  wanted: string | undefined,
): { ranked: Trial[]; columns: string[]; by: string } {
  const done = trials.flatMap((trial) => {
    const figures = results.get(trial.id)?.figures;
    return figures ? [{ trial, figures }] : [];
  });
  const columns = Object.keys(done[0]?.figures ?? {});
  const by = wanted ?? columns.find((name) => name !== 'loss') ?? 'loss';
  if (done.length > 0 && !columns.includes(by)) {
    throw new Failure('usage', `--metric ${by}: there is no such metric`, didYouMean(by, columns, 'Metrics'));
  }
  const sign = /accuracy|precision|recall|f1|r2/i.test(by) ? -1 : 1;
  const ranked = done.sort(
    (a, b) =>
      sign * (a.figures[by] - b.figures[by]) || a.figures.loss - b.figures.loss || a.trial.id - b.trial.id,
  );
  return { ranked: ranked.map(({ trial }) => trial), columns, by };
}
