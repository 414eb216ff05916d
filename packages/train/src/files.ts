/**
 * Writes files so that they are whole at every moment; loads Node's modules when used. So browsers can load this
 * package. Whatever the packages and the command write goes through `writeAtomically` and `appendTo`, so that files
 * are whole and errors name the file.
 */

import { nodeModule, nodeProcess } from './platform.ts';

/** How often a file is written again whose temporary one was taken away in the meantime. */
const attempts = 3;

/** Names of temporary files: `.NAME.PROCESS.RANDOM.tmp`; those of older versions have no random part. */
const temporaryNames = [/^\..+\.(\d+)\.[0-9a-f]{12}\.tmp$/, /^\..+\.(\d+)\.tmp$/];

/**
 * Writes a file so that at every moment either the old or the new one is there, whole, even after a power failure, and
 * whoever else writes it at the same time: one of the writers is the last. A link stays one, what is no file (such as
 * `/dev/stdout`) is written to as it is.
 *
 * @throws Error with `code` and the file's `path`; the old file is then still there
 */
export async function writeAtomically(path: string, bytes: Uint8Array | string): Promise<void> {
  const { realpath, stat, writeFile } = nodeModule('node:fs/promises');
  try {
    // The file that a link leads to is replaced, not the link.
    const target = await realpath(path).catch(() => path);
    const before = await stat(target).catch(() => null);
    if (before !== null && !before.isFile() && !before.isDirectory()) return await writeFile(target, bytes);
    for (let attempt = 1; ; attempt++) {
      try {
        return await replace(target, bytes, before === null ? 0o666 : before.mode & 0o777);
      } catch (error) {
        // Somebody took the temporary file for a leftover: another machine, say, to which this process is unknown.
        const taken = (error as { syscall?: string }).syscall === 'rename' && codeOf(error) === 'ENOENT';
        if (!taken || attempt === attempts) throw error;
      }
    }
  } catch (error) {
    throw naming(path, error);
  }
}

/** Writes beside the file, then takes its place. */
async function replace(target: string, bytes: Uint8Array | string, mode: number): Promise<void> {
  const { chmod, open, rename, rm } = nodeModule('node:fs/promises');
  const { basename, dirname, join } = nodeModule('node:path');
  const { randomBytes } = nodeModule('node:crypto');
  const folder = dirname(target);
  // Cut where the name would be longer than file systems allow.
  const name = basename(target).slice(0, 60);
  const temporary = join(folder, `.${name}.${nodeProcess().pid}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    const file = await open(temporary, 'wx', mode);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    // What the process takes from new files (umask) it does not take from the old one.
    if (mode !== 0o666) await chmod(temporary, mode);
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
  // The new name must be on the disk as well. Where folders cannot be opened (Windows) it is done otherwise.
  const handle = await open(folder, 'r').catch(() => null);
  await handle?.sync().catch(() => {});
  await handle?.close();
}

/**
 * Adds to the end of a file, which is made when it is missing; its folder is not.
 * @throws Error with `code` and the file's `path`
 */
export async function appendTo(path: string, bytes: Uint8Array | string): Promise<void> {
  const { appendFile } = nodeModule('node:fs/promises');
  try {
    await appendFile(path, bytes);
  } catch (error) {
    throw naming(path, error);
  }
}

/**
 * Removes what processes that were killed while they wrote have left in a folder. Nothing reads such files, and a writer
 * whose file is taken away by mistake writes it again.
 */
export async function removeLeftovers(folder: string): Promise<void> {
  const { readdir, rm, stat } = nodeModule('node:fs/promises');
  const { join } = nodeModule('node:path');
  const began = Date.now() - 1000 * (nodeProcess().uptime() + 1);
  for (const name of await readdir(folder).catch(() => [])) {
    const writer = temporaryNames.map((form) => form.exec(name)?.[1]).find((found) => found !== undefined);
    if (writer === undefined) continue;
    const path = join(folder, name);
    // In containers the process that was killed often had the number of the one that comes after it.
    const written = await stat(path).then(
      ({ mtimeMs }) => mtimeMs,
      () => Number.POSITIVE_INFINITY,
    );
    const isOurs = Number(writer) === nodeProcess().pid && written >= began;
    const isOthers = Number(writer) !== nodeProcess().pid && isRunning(Number(writer));
    if (!isOurs && !isOthers) await rm(path, { force: true }).catch(() => {});
  }
}

/** An error of the file system, with the file that the caller knows: not a temporary one, and not none. */
function naming(path: string, error: unknown): unknown {
  if (typeof codeOf(error) !== 'string') return error;
  const message = `${path} could not be written: ${(error as Error).message}`;
  return Object.assign(new Error(message, { cause: error }), { code: codeOf(error), path });
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown } | null)?.code;
}

function isRunning(processId: number): boolean {
  try {
    nodeProcess().kill(processId, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

export async function readFile(path: string): Promise<Uint8Array> {
  const { readFile: read } = nodeModule('node:fs/promises');
  return read(path);
}
