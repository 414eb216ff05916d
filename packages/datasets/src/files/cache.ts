/**
 * The cache of downloaded files: a folder of the user's in Node, the Cache API in browsers. A file appears under its
 * name only when it is whole and verified. Processes that fetch the same file at once work on parts of their own, each
 * through a handle, so that nobody can take a part away from under another. What a process left that has ended is
 * copied by the next one; once the file is whole no part of it remains.
 */
import { DataError } from '../errors.ts';
import { join } from '../formats/gzip.ts';
import { environment, type NodeModules, nodeModules } from '../platform.ts';
import { type RemoteFile, type Sink, type TransferOptions, transfer } from './transfer.ts';

/**
 * The folder for downloaded data sets: `ag/datasets` in `XDG_CACHE_HOME`, else in the platform's place for caches
 * (`~/.cache`, `~/Library/Caches`, `%LOCALAPPDATA%`). Undefined in browsers.
 */
export function cacheFolder(): string | undefined {
  const node = nodeModules();
  if (node === undefined) return undefined;
  const home = node.os.homedir();
  const platforms: Record<string, string> = {
    darwin: node.path.join(home, 'Library', 'Caches'),
    win32: environment('LOCALAPPDATA') ?? node.path.join(home, 'AppData', 'Local'),
  };
  const base =
    environment('XDG_CACHE_HOME') ?? platforms[node.os.platform()] ?? node.path.join(home, '.cache');
  return node.path.join(base, 'ag', 'datasets');
}

/**
 * Downloads a file into a folder and returns its bytes.
 *
 * @throws DataError `download` or `checksum` when no mirror delivers the right file, `missing` when the folder
 * cannot be written
 */
export async function downloadToFolder(
  file: RemoteFile,
  folder: string,
  options: TransferOptions,
  node: NodeModules,
): Promise<Uint8Array> {
  const { fs, path } = node;
  const target = path.join(folder, file.name);
  try {
    await fs.mkdir(folder, { recursive: true });
    const part = path.join(folder, `${file.name}.${node.process.pid}.${crypto.randomUUID()}.part`);
    await copyAbandonedPart(file.name, folder, part, node);
    const sink = await fileSink(part, node);
    try {
      const bytes = await transfer(file, sink, options);
      await sink.close();
      await putInPlace(part, target, bytes, node);
      await removeParts(file.name, folder, node);
      return bytes;
    } catch (error) {
      await sink.close();
      if (sink.size() > 0) await fs.rename(part, `${target}.part`).catch(() => {});
      else await fs.rm(part, { force: true });
      throw error;
    }
  } catch (cause) {
    if (!isSystemError(cause)) throw cause;
    throw new DataError(`cannot write to the cache (${cause.message})`, {
      code: 'missing',
      file: target,
      hint: ['ENOSPC', 'EDQUOT'].includes(cause.code)
        ? 'Free space there, or name another place by XDG_CACHE_HOME'
        : 'Set XDG_CACHE_HOME to a folder that can be written, or name a folder with the files by dataDir',
      cause,
    });
  }
}

/**
 * Removes all parts of a file, which is whole by now. Those of processes at work are removed too: they go on through
 * their handles and find the whole file in its place. A cache that cannot be written keeps what it has.
 */
export async function removeParts(name: string, folder: string, { fs, path }: NodeModules): Promise<void> {
  const entries = await fs.readdir(folder).catch(() => []);
  for (const entry of entries) {
    if (partOf(name, entry)) await fs.rm(path.join(folder, entry), { force: true }).catch(() => {});
  }
}

/** Downloads a file in a browser; it stays in the Cache API where there is one. */
export async function downloadInBrowser(file: RemoteFile, options: TransferOptions): Promise<Uint8Array> {
  const cache = await globalThis.caches?.open('ag-datasets').catch(() => undefined);
  for (const url of file.urls) {
    const hit = await cache?.match(url);
    if (hit !== undefined) return new Uint8Array(await hit.arrayBuffer());
  }
  const bytes = await transfer(file, memorySink(), options);
  // A full or forbidden cache is no reason to fail: the bytes are here.
  await cache?.put(file.urls[0], new Response(bytes as Uint8Array<ArrayBuffer>)).catch(() => {});
  return bytes;
}

/** Longer than any running download leaves its part untouched: attempts end after 30 s of silence. */
const abandonedAfter = 120_000;

/**
 * Whether a folder's entry is a part of the file: released (`NAME.part`), or `NAME.PROCESS.UUID.part`; before there were
 * numbers of processes, `NAME.UUID.part`.
 */
function partOf(name: string, entry: string): { process: number | undefined; released: boolean } | undefined {
  if (!entry.startsWith(`${name}.`)) return undefined;
  const found = /^(?:(?:(\d+)\.)?[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}\.)?part$/.exec(
    entry.slice(name.length + 1),
  );
  if (found === null) return undefined;
  return { process: found[1] === undefined ? undefined : Number(found[1]), released: found[0] === 'part' };
}

/** Copies what an ended download has left to `mine`: the longest part that nobody works on. */
async function copyAbandonedPart(
  name: string,
  folder: string,
  mine: string,
  { fs, path }: NodeModules,
): Promise<void> {
  const abandoned: { candidate: string; size: number }[] = [];
  for (const entry of await fs.readdir(folder)) {
    const part = partOf(name, entry);
    if (part === undefined) continue;
    const candidate = path.join(folder, entry);
    const stat = await fs.stat(candidate).catch(() => undefined);
    if (stat === undefined) continue;
    const { process: owner, released } = part;
    const ended =
      released || (owner !== undefined && !runs(owner)) || Date.now() - stat.mtimeMs > abandonedAfter;
    if (ended) abandoned.push({ candidate, size: stat.size });
  }
  abandoned.sort((a, b) => b.size - a.size);
  for (const { candidate } of abandoned) {
    try {
      await fs.copyFile(candidate, mine, fs.constants.COPYFILE_EXCL);
      await fs.rm(candidate, { force: true });
      return;
    } catch {
      // Another process has made a whole file of it, or there is no room for a copy.
      await fs.rm(mine, { force: true });
    }
  }
}

/** Whether a process of this machine runs; another's with the same number is told apart by time alone. */
function runs(pid: number): boolean {
  try {
    nodeModules()?.process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as { code?: string }).code === 'EPERM';
  }
}

/**
 * Moves the finished part to its name. On Windows this fails while another process reads an equal file there; and a part
 * that was taken for abandoned is gone, so that its bytes are written again.
 */
async function putInPlace(part: string, target: string, bytes: Uint8Array, node: NodeModules): Promise<void> {
  const { fs } = node;
  const exists = () =>
    fs.stat(target).then(
      () => true,
      () => false,
    );
  try {
    await fs.rename(part, target);
  } catch (error) {
    if (!(await exists())) {
      if ((error as { code?: string }).code !== 'ENOENT') throw error;
      const sink = await fileSink(part, node);
      try {
        await sink.append(bytes);
        await sink.read();
      } finally {
        await sink.close();
      }
      await fs.rename(part, target);
    }
    await fs.rm(part, { force: true });
  }
}

interface FileSink extends Sink {
  close(): Promise<void>;
}

async function fileSink(part: string, { fs }: NodeModules): Promise<FileSink> {
  const handle = await fs.open(part, 'a+');
  let { size } = await handle.stat();
  let closed = false;
  return {
    size: () => size,
    async append(chunk) {
      await handle.appendFile(chunk);
      size += chunk.length;
    },
    async clear() {
      await handle.truncate(0);
      size = 0;
    },
    async read() {
      // On the disk before it gets its name: a crash must not leave a file that looks whole.
      await handle.sync();
      const bytes = new Uint8Array(size);
      for (let at = 0; at < size; ) {
        const { bytesRead } = await handle.read(bytes, at, size - at, at);
        if (bytesRead === 0) return bytes.subarray(0, at);
        at += bytesRead;
      }
      return bytes;
    },
    async close() {
      if (closed) return;
      closed = true;
      await handle.close();
    },
  };
}

function memorySink(): Sink {
  let parts: Uint8Array[] = [];
  let size = 0;
  return {
    size: () => size,
    async append(chunk) {
      parts.push(chunk);
      size += chunk.length;
    },
    async clear() {
      parts = [];
      size = 0;
    },
    read: async () => join(parts, size),
  };
}

function isSystemError(error: unknown): error is Error & { code: string } {
  return error instanceof Error && !(error instanceof DataError) && 'syscall' in error && 'code' in error;
}
