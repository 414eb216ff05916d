/** Resuming a run: its newest checkpoint, and the command that goes on from there. */
import { readFileSync } from 'node:fs';
import { type Checkpoint, decodeCheckpoint, listCheckpoints } from '@ag/train';
import { Failure } from '../failure.ts';
import { quote } from '../quote.ts';
import { looksLikeModule } from '../recipes/userModule.ts';
import type { RunPaths } from '../runs/folder.ts';
import type { Terminal } from '../terminal.ts';

/** The newest checkpoint that can be read; damaged ones are left out with a note. */
export async function newestCheckpoint(paths: RunPaths, terminal: Terminal): Promise<Checkpoint | null> {
  let damaged = 0;
  for (const path of await listCheckpoints(paths.checkpoints)) {
    try {
      return decodeCheckpoint(readFileSync(path), path);
    } catch (error) {
      terminal.note(terminal.err.yellow(`warning: ${(error as Error).message}; taking the one before`));
      damaged++;
    }
  }
  if (damaged > 0) {
    throw new Failure(
      'incompatible',
      `${paths.checkpoints}: none of the ${damaged} checkpoints can be read`,
      `To start over, remove them: rm ${quote(paths.checkpoints)}/step-*`,
    );
  }
  terminal.note('there is no checkpoint yet: starting over');
  return null;
}

/** @param recipe a module is not loaded because a run says so: the command names it */
export function resumeCommand(paths: RunPaths, recipe: string): string {
  return `agrad train --resume ${quote(paths.folder)}${moduleFlag(recipe)}`;
}

/** ` --recipe MODULE` where a run is of a module, else nothing. */
export function moduleFlag(recipe: string): string {
  return looksLikeModule(recipe) ? ` --recipe ${quote(recipe)}` : '';
}
