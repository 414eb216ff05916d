/**
 * The cache of downloaded files: a folder of the user's in Node, the Cache API in browsers. A file appears under its
 * name only when it is whole and verified. Processes that fetch the same file at once work on parts of their own; a
 * part left by a process that ended is taken over by renaming it, which only one can do.
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
    const part = path.join(folder, `${file.name}.${crypto.randomUUID()}.part`);
    await adoptPart(file.name, folder, part, node);
    const sink = await fileSink(part, node);
    try {
      const bytes = await transfer(file, sink, options);
      await replace(part, target, node);
      return bytes;
    } catch (error) {
      if (sink.size() > 0) await fs.rename(part, `${target}.part`).catch(() => {});
      else await fs.rm(part, { force: true });
      throw error;
    }
  } catch (cause) {
    if (!isSystemError(cause)) throw cause;
    throw new DataError(`cannot write to the cache (${cause.message})`, {
      code: 'missing',
      file: target,
      hint: 'Set XDG_CACHE_HOME to a folder that can be written, or name a folder with the files by dataDir',
      cause,
    });
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

/** Renames an interrupted download's part to `mine`, if there is one that nobody works on. */
async function adoptPart(
  name: string,
  folder: string,
  mine: string,
  { fs, path }: NodeModules,
): Promise<void> {
  for (const entry of await fs.readdir(folder)) {
    if (!entry.startsWith(`${name}.`) || !entry.endsWith('.part')) continue;
    const candidate = path.join(folder, entry);
    try {
      const released = entry === `${name}.part`;
      const { mtimeMs } = await fs.stat(candidate);
      if (!released && Date.now() - mtimeMs < abandonedAfter) continue;
      await fs.rename(candidate, mine);
      return;
    } catch {
      // Another process was quicker.
    }
  }
}

/** Moves the finished part to its name. On Windows this fails while another process reads an equal file there. */
async function replace(part: string, target: string, { fs }: NodeModules): Promise<void> {
  try {
    await fs.rename(part, target);
  } catch (error) {
    const exists = await fs.stat(target).then(
      () => true,
      () => false,
    );
    if (!exists) throw error;
    await fs.rm(part, { force: true });
  }
}

async function fileSink(part: string, { fs }: NodeModules): Promise<Sink> {
  let size = await fs.stat(part).then(
    (stat) => stat.size,
    () => 0,
  );
  return {
    size: () => size,
    async append(chunk) {
      await fs.appendFile(part, chunk);
      size += chunk.length;
    },
    async clear() {
      await fs.rm(part, { force: true });
      size = 0;
    },
    async read() {
      const handle = await fs.open(part, 'a+');
      try {
        // On the disk before it gets its name: a crash must not leave a file that looks whole.
        await handle.sync();
        return new Uint8Array(await handle.readFile());
      } finally {
        await handle.close();
      }
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
