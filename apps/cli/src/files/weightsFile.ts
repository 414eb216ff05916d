/** Weights out of a file or a run, of any format, as tensors; and into files. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Element,
  fromJSON,
  loadNpz,
  loadSafetensors,
  loadTorch,
  type ModuleDescription,
  type SafetensorsFile,
  saveNpz,
  saveSafetensors,
  saveTorch,
} from '@ag/nn';
import { inspectOnnx, onnxTensors } from '@ag/onnx';
import { type Tensor, tensor } from '@ag/tensor';
import { Failure } from '../failure.ts';
import { didYouMean } from '../suggest.ts';
import { externalOf } from './external.ts';
import { type FileFormat, formatOfFile } from './format.ts';
import { readJsonWeights, writeJsonWeights } from './jsonWeights.ts';
import { bytesOf, openModelFile, reading } from './modelFile.ts';

/** What a file held. */
export interface Weights extends SafetensorsFile {
  /** In the order of the file. */
  readonly names: readonly string[];
  readonly format: FileFormat;
  /** What was left out, for a note. */
  readonly leftOut?: string;
}

/**
 * The tensors of a file.
 *
 * @throws Failure `data` when there is no such file, `incompatible` when it cannot be read
 */
export async function readWeightsFile(path: string): Promise<Weights> {
  if (!existsSync(path)) throw new Failure('data', `${path}: there is no such file`);
  if (statSync(path).isDirectory()) throw new Failure('usage', `${path} is a folder, a file was expected`);
  const format = await formatOfFile(path);
  return reading(path, () => readers[format](path));
}

const readers: Readonly<Record<FileFormat, (path: string) => Promise<Weights>>> = {
  safetensors: async (path) => ({ ...loadSafetensors(bytesOf(path)), format: 'safetensors' }),
  'safetensors index': readShards,
  npz: async (path) => plain('npz', await loadNpz(bytesOf(path))),
  npy: async (path) => {
    throw new Failure(
      'usage',
      `${path}: a .npy file holds one array without a name`,
      "Take 'numpy.savez' to store arrays with names.",
    );
  },
  torch: async (path) => {
    const { tensors, names } = await loadTorch(bytesOf(path));
    return { tensors, names, metadata: {}, format: 'torch' };
  },
  json: async (path) => {
    const { tensors, metadata } = readJsonWeights(path);
    return { tensors, names: Object.keys(tensors), metadata, format: 'json' };
  },
  onnx: readOnnx,
};

function plain(format: FileFormat, tensors: Readonly<Record<string, Tensor>>): Weights {
  return { tensors, names: Object.keys(tensors), metadata: {}, format };
}

/** All parts together, as their index gives them. */
async function readShards(path: string): Promise<Weights> {
  // Checks that all is there, and reads headers only.
  const { metadata } = await openModelFile(path);
  const { weight_map: map } = JSON.parse(new TextDecoder().decode(bytesOf(path))) as {
    weight_map: Readonly<Record<string, string>>;
  };
  const tensors: Record<string, Tensor> = Object.create(null);
  for (const file of new Set(Object.values(map))) {
    const part = join(path, '..', file);
    Object.assign(tensors, await reading(part, () => loadSafetensors(bytesOf(part)).tensors));
  }
  return { tensors, names: Object.keys(map), metadata, format: 'safetensors index' };
}

/** The fractions in a file: weights, and what some exporters keep as constants. Whole numbers there are sizes and axes. */
async function readOnnx(path: string): Promise<Weights> {
  const bytes = bytesOf(path);
  const found = onnxTensors(bytes, { external: externalOf(path) });
  const { metadata } = inspectOnnx(bytes);
  const own = namesOf(metadata.architecture);
  const tensors = new Map<string, Tensor>();
  let other = 0;
  for (const one of found) {
    const isWeight = own
      ? own.has(one.name)
      : /^b?float(16|32|64)?$/.test(one.type) && (!one.constant || one.size > 1);
    if (!isWeight) {
      other++;
      continue;
    }
    const { data, shape, type } = one.read();
    const dtype = type === 'float64' ? 'float64' : 'float32';
    tensors.set(one.name, tensor(Array.isArray(data) ? data : (data as Float32Array), { shape, dtype }));
  }
  return {
    ...plain('onnx', Object.fromEntries(tensors)),
    metadata,
    ...(other > 0 && {
      leftOut: `${other} tensor${other === 1 ? '' : 's'} of whole numbers and single constants`,
    }),
  };
}

/** Names of the weights of an architecture; null where there is none that can be made. */
function namesOf(architecture: string | undefined): ReadonlySet<string> | null {
  if (architecture === undefined) return null;
  try {
    return new Set(Object.keys(fromJSON(JSON.parse(architecture) as ModuleDescription).stateDict()));
  } catch {
    return null;
  }
}

/** How weights are written, by the ending of the file's name. */
export interface WeightsFormat {
  readonly write: (file: SafetensorsFile, floats: 'F16' | undefined) => Promise<Uint8Array | string>;
  /** Whether texts beside the tensors are kept. */
  readonly texts: boolean;
  /** The types that it stores fractions of 16 bits as. */
  readonly halves: boolean;
}

const torch: WeightsFormat = {
  write: ({ tensors }, floats) => saveTorch(tensors, floats ? { floats } : {}),
  texts: false,
  halves: true,
};

const writers: Readonly<Record<string, WeightsFormat>> = {
  safetensors: {
    write: ({ tensors, metadata }, floats) =>
      saveSafetensors(tensors, { metadata, ...(floats && { floats }) }),
    texts: true,
    halves: true,
  },
  npz: {
    write: ({ tensors }, floats) => saveNpz(tensors, floats ? { floats } : {}),
    texts: false,
    halves: true,
  },
  json: { write: writeJsonWeights, texts: true, halves: false },
  pt: torch,
  pth: torch,
};

/** @throws Failure `usage` for an ending that no format has */
export function writerFor(path: string): WeightsFormat {
  const ending = /\.([^.\\/]+)$/.exec(path)?.[1].toLowerCase() ?? '';
  if (Object.hasOwn(writers, ending)) return writers[ending];
  if (ending === 'onnx') {
    throw new Failure(
      'usage',
      `${path}: an ONNX file holds a network, which weights alone do not say`,
      "'agrad export RUN --onnx' writes one from a run, or from weights with --recipe.",
    );
  }
  throw new Failure(
    'usage',
    `${path}: unknown file extension`,
    didYouMean(ending, Object.keys(writers), 'Formats'),
  );
}

/** Elements of 16 bits are the same numbers in 32: whether a tensor came from such. */
export const isHalf = (element: Element | undefined): boolean => element === 'F16' || element === 'BF16';
