/**
 * Files that hold tensors, of every format, opened to be looked at: names, types and shapes are there at once, numbers come
 * part by part. A safetensors file is never in memory as a whole, however large it is.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import {
  loadNpy,
  loadNpz,
  loadTorch,
  type StoredTensor,
  storedSafetensors,
  storedTensors,
  widthOf,
} from '@ag/nn';
import { inspectOnnx, type OnnxSummary, onnxTensors } from '@ag/onnx';
import type { DType, Tensor } from '@ag/tensor';
import { listCheckpoints } from '@ag/train';
import { Failure } from '../failure.ts';
import { readJson } from '../readJson.ts';
import { type RunConfig, readConfig, runPaths } from '../runs/folder.ts';
import { externalOf } from './external.ts';
import { type FileFormat, formatOfFile } from './format.ts';
import { readJsonWeights } from './jsonWeights.ts';

/** A file that has been opened. */
export interface ModelFile {
  readonly path: string;
  readonly format: FileFormat;
  /** The format in words, with what belongs to it: `safetensors in 3 files`. */
  readonly description: string;
  /** Of all files that belong together. */
  readonly bytes: number;
  readonly tensors: readonly StoredTensor[];
  readonly metadata: Readonly<Record<string, string>>;
  /** Of an ONNX file, with its bytes. */
  readonly onnx?: { readonly summary: OnnxSummary; readonly bytes: Uint8Array };
  /** Of a run. */
  readonly run?: { readonly config: RunConfig; readonly checkpoints: readonly string[] };
}

/**
 * Opens a file, a run's folder, or several files by their index.
 *
 * @throws Failure `data` when there is no such file, `incompatible` when it cannot be read
 */
export async function openModelFile(path: string): Promise<ModelFile> {
  if (!existsSync(path)) {
    throw new Failure('data', `${path}: there is no such file or run`, "'agrad runs list' shows the runs.");
  }
  if (statSync(path).isDirectory()) return openFolder(path);
  const format = await formatOfFile(path);
  return reading(path, () => openers[format](path));
}

/** Says of which file an error is. Readers' errors have codes of their own; what the system says is another matter. */
export async function reading<T>(path: string, read: () => T | Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    const { code, message } = error as { code?: unknown; message?: string };
    const own = typeof code === 'string' && code.startsWith('AG_');
    if (error instanceof Failure || !(own || error instanceof SyntaxError || error instanceof RangeError))
      throw error;
    // The name of the function is for programs.
    const said = String(message)
      .replace(/^(load|inspect)\w+: /, '')
      .replace(/^onnxTensors: /, '');
    throw new Failure(
      'incompatible',
      `${path}: ${said}`,
      code === 'AG_UNSUPPORTED' || /package|maxBytes|torch\.save|external/.test(said)
        ? undefined
        : 'If it was copied or downloaded, compare its size with the original and get it again; else write it anew.',
      error,
    );
  }
}

async function openFolder(path: string): Promise<ModelFile> {
  const paths = runPaths(path);
  if (!existsSync(paths.config)) {
    const index = ['model.safetensors.index.json', 'diffusion_pytorch_model.safetensors.index.json']
      .map((name) => join(path, name))
      .find((name) => existsSync(name));
    if (index !== undefined) return openModelFile(index);
    throw new Failure(
      'data',
      `${path} is a folder, and neither a run (config.json) nor a model in several files (model.safetensors.index.json)`,
      'Name the file in it.',
    );
  }
  const config = readConfig(path);
  const checkpoints = await listCheckpoints(paths.checkpoints);
  const weights = existsSync(paths.weights) ? paths.weights : checkpoints[0];
  if (weights === undefined) throw new Failure('data', `${path} has no weights yet`, undefined);
  const file = await openModelFile(weights);
  const which = weights === paths.weights ? 'weights.safetensors' : `checkpoints/${basename(weights)}`;
  return { ...file, path, description: `run, ${which}`, run: { config, checkpoints } };
}

const openers: Readonly<Record<FileFormat, (path: string) => Promise<ModelFile>>> = {
  safetensors: openSafetensors,
  'safetensors index': openShards,
  npz: async (path) => loaded(path, 'npz', 'NumPy archive', await loadNpz(bytesOf(path))),
  npy: async (path) =>
    loaded(path, 'npy', 'NumPy array', { [basename(path).replace(/\.npy$/i, '')]: loadNpy(bytesOf(path)) }),
  torch: async (path) => {
    const { tensors, names } = await loadTorch(bytesOf(path));
    return loaded(path, 'torch', 'PyTorch', tensors, {}, names);
  },
  json: async (path) => {
    const { tensors, metadata } = readJsonWeights(path);
    return loaded(path, 'json', 'JSON weights', tensors, metadata);
  },
  onnx: openOnnx,
};

export function bytesOf(path: string): Uint8Array {
  return new Uint8Array(readFileSync(path));
}

/** A file that is in memory. */
function loaded(
  path: string,
  format: FileFormat,
  description: string,
  tensors: Readonly<Record<string, Tensor>>,
  metadata: Readonly<Record<string, string>> = {},
  names: readonly string[] = Object.keys(tensors),
): ModelFile {
  return {
    path,
    format,
    description,
    bytes: statSync(path).size,
    metadata,
    tensors: storedTensors(tensors, names),
  };
}

async function openSafetensors(path: string): Promise<ModelFile> {
  const { size } = statSync(path);
  const read = async (start: number, end: number): Promise<Uint8Array> => {
    const file = await open(path);
    try {
      return await readPart(file, start, end);
    } finally {
      await file.close();
    }
  };
  const { tensors, metadata } = await storedSafetensors({ size, read });
  const isCheckpoint = metadata.format === 'ag-checkpoint';
  return {
    path,
    format: 'safetensors',
    description: isCheckpoint ? 'checkpoint (safetensors)' : 'safetensors',
    bytes: size,
    metadata,
    tensors,
  };
}

async function readPart(
  file: Awaited<ReturnType<typeof open>>,
  start: number,
  end: number,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(end - start);
  let filled = 0;
  while (filled < bytes.length) {
    const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, start + filled);
    if (bytesRead === 0) throw new RangeError('the file became shorter while it was read');
    filled += bytesRead;
  }
  return bytes;
}

/** Several files with an index that says which tensor is in which. */
async function openShards(path: string): Promise<ModelFile> {
  const { weight_map: map, metadata } = readJson(path) as {
    weight_map?: unknown;
    metadata?: Readonly<Record<string, unknown>>;
  };
  if (
    typeof map !== 'object' ||
    map === null ||
    !Object.values(map).every((file) => typeof file === 'string')
  )
    throw new Failure('incompatible', `${path}: "weight_map" should give a file for each name`);
  const places = new Map(Object.entries(map as Readonly<Record<string, string>>));
  const files = [...new Set(places.values())].sort();
  const shards: ModelFile[] = [];
  for (const name of files) {
    if (basename(name) !== name)
      throw new Failure(
        'incompatible',
        `${path}: the file '${name}' is not beside it`,
        'Files of an index lie in its folder.',
      );
    const file = join(dirname(path), name);
    if (!existsSync(file)) {
      throw new Failure(
        'data',
        `${path} names ${name}, and there is no such file beside it`,
        `It has ${files.length} parts; all belong into the folder.`,
      );
    }
    shards.push(await reading(file, () => openSafetensors(file)));
  }
  const tensors = shards.flatMap((shard) =>
    shard.tensors.map((tensor) => ({ tensor, file: basename(shard.path) })),
  );
  for (const { tensor, file } of tensors) {
    if (places.get(tensor.name) === file) continue;
    throw new Failure(
      'incompatible',
      `${path}: ${file} holds '${tensor.name}', which the index gives ${places.get(tensor.name) ?? 'to no file'}`,
    );
  }
  const found = new Set(tensors.map(({ tensor }) => tensor.name));
  const missing = [...places].find(([name]) => !found.has(name));
  if (missing)
    throw new Failure(
      'incompatible',
      `${path}: '${missing[0]}' is not in ${missing[1]}, where the index says it is`,
    );
  return {
    path,
    format: 'safetensors index',
    description: `safetensors in ${files.length} file${files.length === 1 ? '' : 's'}`,
    bytes: shards.reduce((sum, { bytes }) => sum + bytes, 0),
    tensors: tensors.map(({ tensor }) => tensor),
    metadata: {
      ...Object.fromEntries(Object.entries(metadata ?? {}).map(([key, value]) => [key, String(value)])),
      ...Object.fromEntries(shards.flatMap((shard) => Object.entries(shard.metadata))),
    },
  };
}

async function openOnnx(path: string): Promise<ModelFile> {
  const bytes = bytesOf(path);
  const summary = inspectOnnx(bytes);
  const tensors = onnxTensors(bytes, { external: externalOf(path) });
  const locations = new Set(summary.tensors.filter(({ external }) => external));
  return {
    path,
    format: 'onnx',
    description: locations.size > 0 ? 'ONNX with weights in other files' : 'ONNX',
    bytes: bytes.length,
    metadata: summary.metadata,
    onnx: { summary, bytes },
    tensors: tensors.map((tensor) => ({
      name: tensor.name,
      dtype: tensor.type,
      shape: tensor.shape,
      size: tensor.size,
      bytes: tensor.size * widthOf(tensor.type),
      async *parts() {
        yield await reading(path, () => tensor.read().data);
      },
    })),
  };
}

/** The numbers of a tensor together. @throws Failure `incompatible` where they cannot be read */
export async function allNumbers(tensor: StoredTensor): Promise<Float64Array> {
  const all = new Float64Array(tensor.size);
  let at = 0;
  for await (const part of tensor.parts()) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** The dtype of a tensor here that holds such numbers. */
export function dtypeHere(dtype: string): DType {
  if (dtype === 'bool' || dtype === 'uint8' || dtype === 'uint32' || dtype === 'float64') return dtype;
  if (/float/.test(dtype)) return 'float32';
  return dtype.endsWith('64') ? 'float64' : 'int32';
}
