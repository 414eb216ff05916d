/** A run that this process has taken: is its folder still its own, and why did it fail? */
import { existsSync } from 'node:fs';
import { appendTo, type Callback, eventVersion } from '@ag/train';
import { describeFailure, Failure } from '../failure.ts';
import type { Claim } from './claim.ts';
import type { FailedEvent } from './eventLog.ts';
import { type RunConfig, type RunPaths, writeConfig } from './folder.ts';

/** A run and its folder, which this process has taken. */
export interface OwnRun {
  readonly paths: RunPaths;
  readonly claim: Claim;
  readonly config: RunConfig;
}

/**
 * Ends a run whose folder was removed, or taken by another one, before anything more is written there: half a run that
 * is called done would be worse.
 */
export function ownership(run: OwnRun): Callback {
  const every = run.config.settings.checkpointEvery;
  return {
    name: 'ownership',
    on(event) {
      if (event.type !== 'step' || (every > 0 && event.step % every === 0)) expectOwn(run);
    },
  };
}

export function expectOwn(run: OwnRun): void {
  if (!run.claim.isHeld()) throw lost(run);
}

function lost({ paths }: OwnRun, cause?: unknown): Failure {
  return new Failure(
    'configuration',
    `${paths.folder} was removed, or taken by another run, during this run; its results cannot be saved there`,
    'Start it again, in another folder if needed: --out FOLDER.',
    cause,
  );
}

/**
 * Lets the folder say that the run failed, and why. A disk that is full cannot.
 *
 * @returns what to tell: where the folder is gone, that, and not which file could not be written therefore
 */
export async function recordFailure(run: OwnRun, error: unknown, seconds: number): Promise<unknown> {
  const { paths, claim, config } = run;
  if (!claim.isHeld()) return lost(run, error);
  const { kind, exitCode, message } = describeFailure(error);
  const failed: FailedEvent = { v: eventVersion, type: 'error', kind, exitCode, message, seconds };
  try {
    if (!existsSync(paths.config)) await writeConfig(paths, config);
    await appendTo(paths.events, `${JSON.stringify(failed)}\n`);
  } catch {
    // The error itself is told all the same.
  }
  return error;
}
