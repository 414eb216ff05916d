/**
 * Files, where there are some: Node's modules are loaded when the first file is read or written, so that browsers can
 * load this package.
 */

/** Writes a file so that at every moment either the old or the new one is there, whole, even after a power failure. */
export async function writeAtomically(path: string, bytes: Uint8Array | string): Promise<void> {
  const { open, rename, rm } = await import('node:fs/promises');
  const { dirname, basename, join } = await import('node:path');
  const folder = dirname(path);
  const temporary = join(folder, `.${basename(path)}.${process.pid}.tmp`);
  try {
    const file = await open(temporary, 'w');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
  // The new name must be on the disk as well. Where folders cannot be opened (Windows) it is done otherwise.
  const handle = await open(folder, 'r').catch(() => null);
  await handle?.sync().catch(() => {});
  await handle?.close();
}

/** Removes what a process that was killed while it wrote has left in a folder. Nothing reads such files. */
export async function removeLeftovers(folder: string): Promise<void> {
  const { readdir, rm } = await import('node:fs/promises');
  const { join } = await import('node:path');
  for (const name of await readdir(folder).catch(() => [])) {
    const writer = /^\..+\.(\d+)\.tmp$/.exec(name)?.[1];
    if (writer !== undefined && !isRunning(Number(writer))) await rm(join(folder, name), { force: true });
  }
}

function isRunning(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    return (error as { code?: string }).code === 'EPERM';
  }
}

export async function readFile(path: string): Promise<Uint8Array> {
  const { readFile: read } = await import('node:fs/promises');
  return read(path);
}
