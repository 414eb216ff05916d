/**
 * A folder that keeps the code of kernels between runs of the command (`AG_CACHE`).
 *
 * Nothing here may make a command fail: a folder that cannot be read or written keeps nothing. Names hold what the packages that
 * write the code look like, so another version finds nothing of this one's. A file appears under its name when it is whole.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { KernelStore } from '@ag/native-wasm';

/** Files kept; beyond that the oldest go. Each has some 20 to 200 kB. */
const most = 400;
const ending = '.kernels';
/** What is larger is none of ours. */
const largest = 2 ** 24;

/** A store in `folder`; null where it cannot be said which version writes. */
export function kernelFolder(folder: string): KernelStore | null {
  let version: string;
  try {
    version = versionOf(['@ag/native-wasm', '@ag/tensor']);
  } catch {
    return null;
  }
  const pathOf = (name: string) => join(folder, `${version}-${name}${ending}`);
  return {
    load(name) {
      const path = pathOf(name);
      return statSync(path).size > largest ? null : readFileSync(path);
    },
    save(name, content) {
      const path = pathOf(name);
      const part = `${path}.${process.pid}.part`;
      try {
        mkdirSync(folder, { recursive: true });
        writeFileSync(part, content);
        renameSync(part, path);
        dropOldest(folder);
      } catch {
        rmSync(part, { force: true });
      }
    },
  };
}

/** A number for the files of packages as they are now: names, sizes, times. */
function versionOf(packages: readonly string[]): string {
  const hash = createHash('sha256');
  for (const name of packages) {
    const folder = dirname(fileURLToPath(import.meta.resolve(name)));
    for (const entry of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) {
      const { size, mtimeMs } = statSync(join(folder, entry));
      hash.update(`${entry} ${size} ${mtimeMs}\n`);
    }
  }
  return hash.digest('hex').slice(0, 16);
}

/** Also parts that a process that was killed has left. */
function dropOldest(folder: string): void {
  const files = readdirSync(folder).filter((name) => name.includes(ending));
  if (files.length <= most) return;
  const byAge = files
    .map((name) => join(folder, name))
    .sort((a, b) => statSync(a).mtimeMs - statSync(b).mtimeMs);
  for (const path of byAge.slice(0, files.length - (most * 3) / 4)) rmSync(path, { force: true });
}
