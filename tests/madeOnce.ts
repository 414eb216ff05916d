/**
 * What tests make from the sources and several files of them need, such as the built application: made once for a state of
 * the sources, and kept for the next run.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './workspace.ts';

/** What is there while another process makes the same. */
const patience = 300_000;

/**
 * The folder inside of `kept` that `make` has filled from `packages` (folders relative to the repository). Another
 * process that makes the same is waited for.
 */
export async function madeOnce(
  kept: string,
  packages: readonly string[],
  make: (folder: string) => unknown,
): Promise<string> {
  const folder = join(kept, stateOf(packages));
  const fresh = `${folder}-new`;
  mkdirSync(kept, { recursive: true });
  const others = readdirSync(kept).filter((name) => !folder.includes(name));
  for (const begin = Date.now(); !existsSync(folder); ) {
    try {
      mkdirSync(fresh);
    } catch {
      // One that was interrupted is as old as nothing takes.
      const since = statSync(fresh, { throwIfNoEntry: false })?.birthtimeMs ?? Date.now();
      if (Date.now() - Math.max(since, begin - patience) > patience)
        rmSync(fresh, { recursive: true, force: true });
      await new Promise((resolve) => setTimeout(resolve, 100));
      continue;
    }
    try {
      // Unless it came while this was waiting for its turn.
      if (!existsSync(folder)) {
        await make(fresh);
        renameSync(fresh, folder);
      }
    } finally {
      rmSync(fresh, { recursive: true, force: true });
    }
  }
  forget(kept, others);
  return folder;
}

/** Removes those of `names` in the folder `kept` that have not been used for an hour. */
export function forget(kept: string, names: readonly string[]): void {
  for (const name of names) {
    const path = join(kept, name);
    const hours = (Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0)) / 3.6e6;
    if (hours > 1) rmSync(path, { recursive: true, force: true });
  }
}

/** A name for the sources as they are now: files, sizes, times of `packages`, folders relative to the repository. */
export function stateOf(packages: readonly string[]): string {
  const hash = createHash('sha256');
  for (const folder of packages) {
    for (const name of filesOf(join(root, folder)).sort()) {
      const stat = statSync(name, { throwIfNoEntry: false });
      if (stat?.isFile()) hash.update(`${name} ${stat.size} ${stat.mtimeMs}\n`);
    }
  }
  return hash.digest('hex').slice(0, 16);
}

/** What a package is made of: its sources and the files beside them. */
function filesOf(folder: string): string[] {
  const files = readdirSync(folder).map((name) => join(folder, name));
  for (const sources of ['src', 'public']) {
    const inside = join(folder, sources);
    if (!existsSync(inside)) continue;
    files.push(
      ...readdirSync(inside, { recursive: true, encoding: 'utf8' }).map((name) => join(inside, name)),
    );
  }
  return files;
}
