/**
 * Finds the files of a data set. They may be in the folder given, in AG_DATA_DIR, in the user's cache, and on the
 * network. Files found in a folder are taken as they are, whoever made them; what is downloaded must be the published
 * file.
 */
import { DataError } from '../errors.ts';
import { environment, type NodeModules, nodeModules } from '../platform.ts';
import { cacheFolder, downloadInBrowser, downloadToFolder, removeParts } from './cache.ts';
import type { RemoteFile, TransferOptions } from './transfer.ts';

/** Where a data set may come from. */
export interface SourceOptions extends TransferOptions {
  /**
   * A folder that holds the files, or holds a folder of the data set's name that does; in browsers the address of
   * such a folder. Only this folder is searched. Default: the environment variable `AG_DATA_DIR`, where anything
   * not found there is looked for in the cache and on the network.
   */
  dataDir?: string;
  /** Whether missing files may be downloaded. Default true, unless the environment variable `AG_OFFLINE` is set. */
  download?: boolean;
  /** Addresses of folders to download from, instead of the data set's own list. */
  mirrors?: readonly string[];
}

/** A file that was found. */
export interface FoundFile {
  /** Its path or address. */
  path: string;
  bytes: Uint8Array;
}

/** A file of a data set. */
export interface NamedFile extends Omit<RemoteFile, 'urls'> {
  /** The other names it goes by in people's folders. */
  aliases?: readonly string[];
}

/** The files of a data set and where they are published. */
export interface FileSet {
  /** The data set's name, also that of its folder. */
  name: string;
  /** Other folder names it goes by. */
  folders: readonly string[];
  /** Whether files of these names may be another set's, so that AG_DATA_DIR itself is not searched for them. */
  borrowedNames?: boolean;
  files: readonly NamedFile[];
  /** Addresses of folders with these files. */
  mirrors: readonly string[];
  /** Who made the data, and where that is described. */
  source: string;
}

/**
 * The bytes of each file, in the order of `set.files`.
 *
 * @throws DataError `missing` when a file is nowhere and may not be downloaded, else as the download
 */
export async function obtainFiles(set: FileSet, options: SourceOptions = {}): Promise<FoundFile[]> {
  const node = nodeModules();
  if (node === undefined) return obtainInBrowser(set, options);
  const searched: string[] = [];
  if (options.dataDir !== undefined) {
    await checkFolder(options.dataDir, set, node);
    const found = await findInFolder(options.dataDir, set, searched, node);
    if (found !== undefined) return found;
    throw missing(
      set,
      searched,
      `Put the files into ${options.dataDir}, or leave the folder out to use the cache`,
    );
  }
  const named = environment('AG_DATA_DIR');
  if (named !== undefined) {
    const found = await findInFolder(named, set, searched, node, set.borrowedNames);
    if (found !== undefined) return found;
  }
  const cache = node.path.join(cacheFolder() as string, set.name);
  const allowed = options.download ?? !isSet(environment('AG_OFFLINE'));
  const found: FoundFile[] = [];
  for (const file of set.files) {
    const target = node.path.join(cache, file.name);
    const cached = await readIfThere(target, node);
    if (cached === undefined && !allowed) {
      const why = options.download === undefined ? 'unset AG_OFFLINE' : 'leave out download: false';
      throw missing(
        set,
        [...searched, cache],
        `Name a folder by dataDir or AG_DATA_DIR, or allow the download: ${why}`,
      );
    }
    // Of a download that ended while another one finished.
    if (cached !== undefined) await removeParts(file.name, cache, node);
    const bytes = cached ?? (await downloadToFolder(remote(file, set, options), cache, options, node));
    found.push({ path: target, bytes });
  }
  return found;
}

async function obtainInBrowser(set: FileSet, options: SourceOptions): Promise<FoundFile[]> {
  const allowed = options.download ?? true;
  if (!allowed && options.dataDir === undefined) {
    throw missing(set, [], 'Name the address of a folder by dataDir, or allow the download');
  }
  return Promise.all(
    set.files.map(async (file) => {
      const wanted = remote(file, set, options);
      if (options.dataDir === undefined) {
        return { path: wanted.name, bytes: await downloadInBrowser(wanted, options) };
      }
      // The page's own copy: accepted by format and counts, as a folder's file is.
      const url = `${options.dataDir.replace(/\/$/, '')}/${file.name}`;
      const response = await fetch(url, { signal: options.signal ?? null });
      if (!response.ok) {
        throw new DataError(`the server answers ${response.status}`, { code: 'missing', file: url });
      }
      return { path: url, bytes: new Uint8Array(await response.arrayBuffer()) };
    }),
  );
}

/** The set's files in a sub-folder of its name, or in `folder` itself; undefined where none of them is there. */
async function findInFolder(
  folder: string,
  set: FileSet,
  searched: string[],
  node: NodeModules,
  onlyNamed = false,
): Promise<FoundFile[] | undefined> {
  for (const sub of [set.name, ...set.folders, ...(onlyNamed ? [] : ['.'])]) {
    const place = node.path.join(folder, sub);
    searched.push(place);
    const found: FoundFile[] = [];
    const absent: string[] = [];
    for (const file of set.files) {
      const hit = await firstOf([file.name, ...(file.aliases ?? [])], place, node);
      if (hit === undefined) absent.push(file.name);
      else found.push(hit);
    }
    if (absent.length === 0) return found;
    if (found.length > 0) {
      throw new DataError(`${set.name} is incomplete`, {
        code: 'missing',
        file: place,
        expected: set.files.map((file) => file.name).join(', '),
        found: `no ${absent.join(', no ')}`,
        hint: 'Put all of its files into one folder',
      });
    }
  }
  return undefined;
}

async function firstOf(
  names: readonly string[],
  folder: string,
  node: NodeModules,
): Promise<FoundFile | undefined> {
  for (const name of names) {
    const path = node.path.join(folder, name);
    const bytes = await readIfThere(path, node);
    if (bytes !== undefined) return { path, bytes };
  }
  return undefined;
}

/** The file's bytes, or undefined if there is no such file; a file that cannot be read is an error. */
async function readIfThere(path: string, { fs }: NodeModules): Promise<Uint8Array | undefined> {
  try {
    return new Uint8Array(await fs.readFile(path));
  } catch (cause) {
    const code = (cause as { code?: string }).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new DataError(`cannot be read (${(cause as Error).message})`, {
      code: 'missing',
      file: path,
      cause,
    });
  }
}

async function checkFolder(folder: string, set: FileSet, { fs }: NodeModules): Promise<void> {
  const stat = await fs.stat(folder).catch(() => undefined);
  if (stat?.isDirectory()) return;
  throw new DataError(stat === undefined ? 'no such folder' : 'not a folder', {
    code: 'missing',
    file: folder,
    expected: `a folder with ${set.files.map((file) => file.name).join(', ')}`,
    hint: `Check the path; the data set is ${set.name}`,
  });
}

function remote(file: NamedFile, set: FileSet, options: SourceOptions): RemoteFile {
  const mirrors = options.mirrors ?? set.mirrors;
  return { ...file, urls: mirrors.map((mirror) => `${mirror.replace(/\/$/, '')}/${file.name}`) };
}

function missing(set: FileSet, searched: string[], hint: string): DataError {
  return new DataError(`the files of ${set.name} are missing`, {
    code: 'missing',
    file: set.name,
    expected: set.files.map((file) => file.name).join(', '),
    found: searched.length === 0 ? 'no folder to look in' : `none in ${searched.join(', ')}`,
    hint,
  });
}

function isSet(flag: string | undefined): boolean {
  return flag !== undefined && flag !== '0' && flag.toLowerCase() !== 'false';
}
