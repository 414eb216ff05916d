/**
 * Hashes of weights and of data: of their names, dtypes, shapes and bytes, and of nothing else. What is hashed is a text with a line
 * for each array, which holds the SHA-256 of its bytes; any program that can hash files can do it again.
 */
import type { Tensor } from '@ag/tensor';
import { sha256, sha256OfText } from './hash.ts';

/** Several arrays as one hash, and the hash of each. */
export interface ContentHash {
  /** SHA-256 of the lines `["name","dtype",[shape],"hash"]`, in the order of their names, each with an end of line. */
  readonly hash: string;
  /** SHA-256 of each array's elements: row-major, little-endian. */
  readonly tensors: Readonly<Record<string, string>>;
}

/** An array as it is hashed. */
interface Content {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** The hash of tensors by name, such as `model.stateDict()`. They are read at once and hashed beside the program. */
export async function hashTensors(tensors: Readonly<Record<string, Tensor>>): Promise<ContentHash> {
  const read = Object.entries(tensors).map(
    async ([name, value]): Promise<Content> => ({
      name,
      dtype: value.dtype,
      shape: value.shape,
      bytes: bytesOf(await value.data()),
    }),
  );
  return hashContents(await Promise.all(read));
}

/**
 * The hash of a data set in memory: of its columns `x` and `y`, or their parts.
 *
 * @returns null for data that lie elsewhere, and would have to be read first
 */
export async function hashData(data: unknown): Promise<string | null> {
  const { columns } = (data ?? {}) as { columns?: unknown };
  const found = columns === undefined ? [] : columnsOf('', columns);
  return found.length === 0 ? null : (await hashContents(found)).hash;
}

async function hashContents(contents: readonly Content[]): Promise<ContentHash> {
  const sorted = [...contents].sort((a, b) => (a.name < b.name ? -1 : 1));
  const hashes = await Promise.all(sorted.map(({ bytes }) => sha256(bytes)));
  const lines = sorted.map(
    ({ name, dtype, shape }, i) => `${JSON.stringify([name, dtype, shape, hashes[i]])}\n`,
  );
  return {
    hash: await sha256OfText(lines.join('')),
    tensors: Object.fromEntries(sorted.map(({ name }, i) => [name, hashes[i]])),
  };
}

/** Columns of a data set by path; the dtype is that of the array, with the scale where there is one. */
function columnsOf(path: string, tree: unknown): Content[] {
  if (typeof tree !== 'object' || tree === null) return [];
  const { data, shape, scale } = tree as { data?: unknown; shape?: unknown; scale?: number };
  if (ArrayBuffer.isView(data) && Array.isArray(shape)) {
    const dtype = data.constructor.name.replace('Array', '').toLowerCase();
    return [
      { name: path, dtype: scale === undefined ? dtype : `${dtype}*${scale}`, shape, bytes: bytesOf(data) },
    ];
  }
  return Object.entries(tree).flatMap(([key, part]) => columnsOf(path === '' ? key : `${path}/${key}`, part));
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
}
