/**
 * Reads hostile files in a process of its own and says how each reading went: its message, and what it cost beyond a
 * harmless reading before it. Started by hostile.test.ts with a list of cases in a file.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { csvDataset, decodeImage, imageFolder, readIdxFile } from '@ag/datasets';
import { loadNpy, loadNpz, loadSafetensors, loadTorch } from '@ag/nn';
import { decodeCheckpoint } from '@ag/train';

/** What the test hands over: for each case its folder. */
export interface Task {
  reader: string;
  folders: readonly string[];
}

/** How a reading went. */
export interface Report {
  folder: string;
  /** What was said, or null where it succeeded. */
  message: string | null;
  /** What the error is called. */
  error: string | null;
  /** Seconds of the processor, of all threads. */
  seconds: number;
  /** Megabytes beyond the most that the process had before. */
  megabytes: number;
}

/** What a reader gets: the path of the file, or of the folder where there is no `file` in it. */
type Reader = (path: string, folder: string) => unknown;

const bytes = (path: string): Uint8Array => new Uint8Array(readFileSync(path));

/** No name has become what all objects inherit from. */
function checkPrototype(tensors: object): void {
  const prototype = Object.getPrototypeOf(tensors);
  if (prototype !== null && prototype !== Object.prototype) throw new Error('another prototype');
}

/** A command that fails is an error with what it said; one that calls itself mistaken, another. */
function command(...words: readonly string[]): Reader {
  return async (_, folder) => {
    const { run } = await import('../../apps/cli/src/run.ts');
    const { processTerminal } = await import('../../apps/cli/src/terminal.ts');
    let said = '';
    const line = words
      .map((word) => (word.startsWith('./') ? join(folder, word.slice(2)) : word))
      .map(existing(folder));
    const exitCode = await run(line, (options) => ({
      ...processTerminal({ ...options, quiet: true }),
      print: () => {},
      note: () => {},
      complain: (...lines: readonly string[]) => {
        said += lines.join('\n');
      },
      ask: null,
    }));
    if (exitCode === 0) return;
    const error = new Error(said);
    error.name = exitCode === 1 ? 'Mistake' : 'Failure';
    throw error;
  };
}

/** The file that is there, of those that a word names by `w.*`. */
const existing =
  (folder: string) =>
  (word: string): string => {
    if (!word.endsWith('.*')) return word;
    const endings = ['npz', 'safetensors', 'json', 'csv', 'png'];
    const found = endings.map((ending) => word.slice(0, -1) + ending).find((path) => existsSync(path));
    if (found === undefined) throw new Error(`nothing to read in ${folder}`);
    return found;
  };

const readers: Record<string, Reader> = {
  loadNpz: async (path) => {
    const tensors = await loadNpz(bytes(path));
    checkPrototype(tensors);
  },
  loadNpy: (path) => loadNpy(bytes(path)),
  loadSafetensors: (path) => {
    const { tensors } = loadSafetensors(bytes(path));
    checkPrototype(tensors);
  },
  loadTorch: async (path) => {
    const { tensors } = await loadTorch(bytes(path));
    checkPrototype(tensors);
  },
  decodeCheckpoint: (path) => decodeCheckpoint(bytes(path), path),
  decodeImage: (path) => decodeImage(bytes(path), path),
  readIdxFile: (path) => readIdxFile(bytes(path), { file: path, type: 'uint8' }),
  csvDataset: (path) => csvDataset(path, { target: 'b' }),
  imageFolder: async (path) => (await imageFolder(path)).batch([0]),
  'agrad convert': command('convert', './w.*', './out.json'),
  'agrad eval': command('eval', './w.safetensors'),
  'agrad data preview': command('data', 'preview', 'mnist', '--data-dir', './.'),
  'agrad predict': command('predict', './../run', './x.*'),
};

const task = JSON.parse(readFileSync(process.argv[2], 'utf8')) as Task;
const read = readers[task.reader];
const before = Object.getOwnPropertyNames(Object.prototype).length;
for (const folder of task.folders) {
  // Said first, so that the test knows where a process ended that says nothing more.
  console.log(JSON.stringify({ begins: folder }));
  const file = join(folder, 'file');
  const most = process.resourceUsage().maxRSS;
  const cpu = process.cpuUsage();
  let failure: Error | null = null;
  try {
    await read(existsSync(file) ? file : folder, folder);
  } catch (error) {
    failure = error as Error;
  }
  const { user, system } = process.cpuUsage(cpu);
  if (Object.getOwnPropertyNames(Object.prototype).length !== before)
    failure = new Error('Object.prototype has changed');
  const report: Report = {
    folder,
    message: failure?.message ?? null,
    error: failure?.name ?? null,
    seconds: (user + system) / 1e6,
    megabytes: (process.resourceUsage().maxRSS - most) / 1024,
  };
  console.log(JSON.stringify(report));
}
