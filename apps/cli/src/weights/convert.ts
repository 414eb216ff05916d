/** `agrad convert`: weights from one file format to another: safetensors, npz, JSON; PyTorch's files are read only. */
import { existsSync, readFileSync } from 'node:fs';
import { loadNpz, loadTorch, type SafetensorsFile, saveNpz, saveSafetensors } from '@ag/nn';
import { tensor } from '@ag/tensor';
import { eventVersion, writeAtomically } from '@ag/train';
import type { ConvertOptions } from '../commands/convert.ts';
import { exitCodes, Failure } from '../failure.ts';
import { bytes } from '../numbers.ts';
import { readJson } from '../readJson.ts';
import { didYouMean } from '../suggest.ts';
import type { Terminal } from '../terminal.ts';
import { readSafetensors } from './trained.ts';

interface Format {
  readonly read: (path: string) => SafetensorsFile | Promise<SafetensorsFile>;
  /** Absent for formats that are only read. */
  readonly write?: (file: SafetensorsFile) => Promise<Uint8Array | string>;
  /** Whether notes beside the tensors are kept. */
  readonly notes: boolean;
}

/** The element types that JSON weights can name. */
const dtypes: readonly string[] = ['float32', 'float64', 'int32', 'uint32', 'uint8', 'bool'];

const torch: Format = {
  read: async (path) => {
    const { tensors } = await loadTorch(new Uint8Array(readFileSync(path)));
    return { tensors, metadata: {} };
  },
  notes: false,
};

const formats: Readonly<Record<string, Format>> = {
  safetensors: {
    read: readSafetensors,
    write: ({ tensors, metadata }) => saveSafetensors(tensors, { metadata }),
    notes: true,
  },
  npz: {
    read: async (path) => ({ tensors: await loadNpz(new Uint8Array(readFileSync(path))), metadata: {} }),
    write: ({ tensors }) => saveNpz(tensors),
    notes: false,
  },
  json: { read: readWeights, write: writeJson, notes: true },
  pt: torch,
  pth: torch,
};

/** Runs the command; answers the exit code. */
export async function convert({ positional }: ConvertOptions, terminal: Terminal): Promise<number> {
  const [source, target] = positional;
  const from = formatOf(source);
  const to = formatOf(target);
  if (!to.write) {
    throw new Failure(
      'usage',
      `${target}: files of PyTorch are read, not written, by this command`,
      'PyTorch reads safetensors by the package of that name; saveTorch of @ag/nn writes .pt.',
    );
  }
  if (!existsSync(source)) throw new Failure('data', `${source}: there is no such file`);
  let file: SafetensorsFile;
  try {
    file = await from.read(source);
  } catch (error) {
    // The readers' own word is about the file; what the system or an engine says is not.
    const { code = 'AG_' } = error as { code?: unknown };
    if (error instanceof Failure || !String(code).startsWith('AG_')) throw error;
    throw new Failure('incompatible', `${source}: ${(error as Error).message}`, undefined, error);
  }
  const content = await to.write(file);
  await writeAtomically(target, content);
  const count = Object.keys(file.tensors).length;
  if (!to.notes && Object.keys(file.metadata).length > 0) {
    terminal.note(`the training metadata of ${source} cannot be stored in this format`);
  }
  terminal.print(`${target}: ${count} tensor${count === 1 ? '' : 's'}, ${bytes(content.length)}`);
  terminal.event({
    v: eventVersion,
    type: 'result',
    command: 'convert',
    from: source,
    to: target,
    tensors: count,
  });
  return exitCodes.done;
}

function formatOf(path: string): Format {
  const ending = path.slice(path.lastIndexOf('.') + 1).toLowerCase();
  const names = Object.keys(formats);
  if (path.includes('.') && names.includes(ending)) return formats[ending];
  throw new Failure('usage', `${path}: unknown file extension`, didYouMean(ending, names, 'Formats'));
}

/** `{ tensors: { name: { dtype, shape, data } }, metadata }`, numbers in row-major order. */
async function writeJson({ tensors, metadata }: SafetensorsFile): Promise<string> {
  const entries: [string, unknown][] = [];
  for (const [name, value] of Object.entries(tensors)) {
    const data = Array.from(await value.data(), (x) => (Number.isFinite(x) ? x : String(x)));
    entries.push([name, { dtype: value.dtype, shape: value.shape, data }]);
  }
  return `${JSON.stringify({ metadata, tensors: Object.fromEntries(entries) })}\n`;
}

function readWeights(path: string): SafetensorsFile {
  const content = readJson(path) as {
    tensors?: Record<string, { dtype?: string; shape?: number[]; data?: unknown[] }>;
    metadata?: Record<string, string>;
  };
  if (typeof content?.tensors !== 'object' || content.tensors === null)
    throw new Error('there is no object "tensors"');
  const tensors = Object.entries(content.tensors).map(([name, entry]) => {
    if (!Array.isArray(entry?.data) || !Array.isArray(entry.shape))
      throw new Error(`'${name}' has no data or no shape`);
    const { dtype = 'float32' } = entry;
    if (!dtypes.includes(dtype))
      throw new Error(`'${name}' has dtype ${dtype}; known are ${dtypes.join(', ')}`);
    return [name, tensor(entry.data.map(Number), { shape: entry.shape, dtype: dtype as 'float32' })] as const;
  });
  return { tensors: Object.fromEntries(tensors), metadata: content.metadata ?? {} };
}
