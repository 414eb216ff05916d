/**
 * Safetensors in several files, as large models of Hugging Face are. An index, `model.safetensors.index.json`, says in which
 * each tensor lies.
 */
import type { Tensor } from '@ag/tensor';
import { checkInteger, checkOptions, codedError, describeValue, typeError } from '@ag/tensor/engine';
import { headerKeys } from './headerKeys.ts';
import {
  type LoadedSafetensors,
  loadSafetensors,
  namedAs,
  type SaveSafetensorsOptions,
  saveSafetensors,
  storedBytes,
} from './safetensors.ts';

/** Options of {@link saveShardedSafetensors}. */
export interface SaveShardedOptions extends SaveSafetensorsOptions {
  /** Bytes of numbers in a file; a tensor that has more has a file of its own. Default 5 · 10⁹. */
  readonly maxShardSize?: number;
}

/** Files by name, or a function that reads one. */
export type ReadShard =
  | { readonly [file: string]: Uint8Array }
  | ((file: string) => Uint8Array | Promise<Uint8Array>);

const indexName = 'model.safetensors.index.json';

/**
 * The files of a state by their names: `model-00001-of-00003.safetensors` and so on with `model.safetensors.index.json`, or
 * `model.safetensors` alone where one file is enough.
 *
 * ```ts
 * const files = await saveShardedSafetensors(model.stateDict(), { names: 'pytorch', maxShardSize: 1e9 });
 * for (const [name, content] of Object.entries(files)) console.log(`${name}: ${content.length} bytes`); // to be written
 * ```
 *
 * Tensors keep their order, so layers stay together.
 */
export async function saveShardedSafetensors(
  tensors: Readonly<Record<string, Tensor>>,
  options: SaveShardedOptions = {},
): Promise<Readonly<Record<string, Uint8Array>>> {
  const operation = 'saveShardedSafetensors';
  checkOptions(operation, options, 'maxShardSize metadata floats names');
  const { maxShardSize = 5e9, names, ...rest } = options;
  checkInteger(maxShardSize, operation, 'maxShardSize', 1);
  const entries = Object.entries(namedAs(tensors, names, operation));
  const shards: (readonly [name: string, value: Tensor])[][] = [[]];
  let size = 0;
  for (const entry of entries) {
    const bytes = storedBytes(entry[1], rest);
    if (size > 0 && size + bytes > maxShardSize) {
      shards.push([]);
      size = 0;
    }
    shards[shards.length - 1].push(entry);
    size += bytes;
  }
  const save = (shard: (typeof shards)[number]): Promise<Uint8Array> =>
    saveSafetensors(Object.fromEntries(shard), rest);
  if (shards.length === 1) return { 'model.safetensors': await save(shards[0]) };
  const files: Record<string, Uint8Array> = {};
  const map = new Map<string, string>();
  const padded = (n: number): string => String(n).padStart(5, '0');
  for (const [i, shard] of shards.entries()) {
    const file = `model-${padded(i + 1)}-of-${padded(shards.length)}.safetensors`;
    files[file] = await save(shard);
    for (const [name] of shard) map.set(name, file);
  }
  const total = entries.reduce((sum, [, value]) => sum + storedBytes(value, rest), 0);
  const index = { metadata: { total_size: total }, weight_map: Object.fromEntries([...map].sort()) };
  files[indexName] = new TextEncoder().encode(`${JSON.stringify(index, null, 2)}\n`);
  return files;
}

/**
 * Reads the tensors that an index names, file after file.
 *
 * ```ts
 * const bytesOf = async (file: string) => new Uint8Array(await (await fetch(`/weights/${file}`)).arrayBuffer());
 * const index = await bytesOf('model.safetensors.index.json');
 * model.loadStateDict((await loadShardedSafetensors(index, bytesOf)).tensors);
 * ```
 *
 * @param index what the file `model.safetensors.index.json` holds, as bytes or text
 * @param read gives the bytes of a file by its name; a name with a path in it is refused before
 * @throws RangeError for an index that is none, and for tensors that are not where it says
 */
export async function loadShardedSafetensors(
  index: Uint8Array | string,
  read: ReadShard,
): Promise<LoadedSafetensors> {
  const fail = (what: string): never => {
    throw codedError(RangeError, 'AG_FILE_FORMAT', `loadShardedSafetensors: ${what}`);
  };
  const map = mapOf(index, fail);
  const byFile = new Map<string, string[]>();
  for (const [name, file] of map) {
    const list = byFile.get(file);
    if (list) list.push(name);
    else byFile.set(file, [name]);
  }
  const found = new Map<string, Tensor>();
  const metadata: Record<string, string> = Object.create(null);
  for (const [file, expected] of byFile) {
    const bytes = await bytesOf(read, file, fail);
    let loaded: LoadedSafetensors;
    try {
      loaded = loadSafetensors(bytes);
    } catch (error) {
      return fail(`${shown(file)}: ${(error as Error).message}`);
    }
    for (const name of expected) {
      const value =
        loaded.tensors[name] ??
        fail(`${shown(file)} does not hold ${shown(name)}, which the index places there`);
      found.set(name, value);
    }
    const other = loaded.names.find((name) => map.get(name) !== file);
    if (other !== undefined)
      fail(`${shown(file)} holds ${shown(other)}, which the index does not place there`);
    Object.assign(metadata, loaded.metadata);
  }
  const tensors: Record<string, Tensor> = Object.create(null);
  for (const name of map.keys()) tensors[name] = found.get(name)!;
  return { tensors, metadata, names: [...map.keys()] };
}

/** The file of each tensor, in the order of the index. */
function mapOf(index: Uint8Array | string, fail: (what: string) => never): ReadonlyMap<string, string> {
  if (typeof index !== 'string' && !(index instanceof Uint8Array))
    throw typeError(`loadShardedSafetensors: the index must be bytes or a text, got ${describeValue(index)}`);
  let text = '';
  let json: unknown;
  try {
    text = typeof index === 'string' ? index : new TextDecoder('utf-8', { fatal: true }).decode(index);
    json = JSON.parse(text);
  } catch (error) {
    fail(`the index is no JSON: ${(error as Error).message.slice(0, 100)}`);
  }
  const map: unknown = isObject(json) ? json.weight_map : undefined;
  if (!isObject(map)) return fail("the index has no 'weight_map' with a file for each tensor");
  const { twice } = headerKeys(text);
  if (twice !== null) fail(`${shown(twice)} stands twice in the index`);
  const found = new Map<string, string>();
  for (const [name, file] of Object.entries(map)) {
    if (typeof file !== 'string' || !/^[^/\\]+\.safetensors$/.test(file) || file.startsWith('.'))
      return fail(
        `the index places ${shown(name)} in ${shown(String(file))}, which is no name of a safetensors file beside it`,
      );
    found.set(name, file);
  }
  return found;
}

async function bytesOf(read: ReadShard, file: string, fail: (what: string) => never): Promise<Uint8Array> {
  const given: unknown =
    typeof read === 'function' ? await read(file) : Object.hasOwn(read, file) ? read[file] : undefined;
  if (given instanceof Uint8Array) return given;
  return fail(`the index names ${shown(file)}, which was not given`);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A name for messages. */
function shown(name: string): string {
  return `'${name.length > 100 ? `${name.slice(0, 100)}…` : name}'`;
}
