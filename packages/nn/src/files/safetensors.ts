/**
 * Safetensors: the format in which models are exchanged. Eight bytes with the length of a header, a header in JSON
 * (for each tensor its dtype, shape and place), then the numbers (format description: the safetensors repository's
 * README, version 1). Numbers are little-endian; a file is checked before anything is made of it.
 */
import type { DType, Tensor } from '@ag/tensor';
import { type Element, elementsFromBytes, littleEndianBytes, tensorFromElements } from './elements.ts';

/** A file's content. */
export interface SafetensorsFile {
  readonly tensors: Readonly<Record<string, Tensor>>;
  /** Texts stored beside the tensors. */
  readonly metadata: Readonly<Record<string, string>>;
}

export interface SaveSafetensorsOptions {
  /** Texts to store beside the tensors. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Store floats with 16 bits: half the size, and no longer bit-exact. */
  readonly floats?: 'F16' | 'BF16';
}

interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

const names: Readonly<Record<DType, Element>> = {
  float32: 'F32',
  float64: 'F64',
  int32: 'I32',
  uint32: 'U32',
  uint8: 'U8',
  bool: 'BOOL',
};

/** A header larger than this is taken for damage. */
const longestHeader = 100_000_000;

/**
 * The bytes of a safetensors file. Every dtype comes back to the bit.
 *
 * ```ts
 * const bytes = await saveSafetensors(model.stateDict(), { metadata: { epoch: '3' } });
 * ```
 */
export async function saveSafetensors(
  tensors: Readonly<Record<string, Tensor>>,
  options: SaveSafetensorsOptions = {},
): Promise<Uint8Array> {
  // Without a prototype a name like __proto__ is a name.
  const header: Record<string, unknown> = Object.create(null);
  if (options.metadata) {
    for (const [name, text] of Object.entries(options.metadata)) {
      if (typeof text !== 'string') throw new TypeError(`saveSafetensors: metadata '${name}' must be a text`);
    }
    header.__metadata__ = options.metadata;
  }
  const parts: Uint8Array[] = [];
  let offset = 0;
  // Wide elements first: then every tensor begins at a multiple of its element's size.
  const width = (t: Tensor): number => elementWidth(storedAs(t.dtype, options.floats));
  const ordered = Object.entries(tensors).sort(
    ([a, x], [b, y]) => width(y) - width(x) || (a < b ? -1 : a > b ? 1 : 0),
  );
  for (const [name, t] of ordered) {
    if (name === '__metadata__')
      throw new RangeError("saveSafetensors: a tensor cannot be named '__metadata__'");
    const element = storedAs(t.dtype, options.floats);
    const bytes = littleEndianBytes(await t.data(), element);
    header[name] = { dtype: element, shape: t.shape, data_offsets: [offset, offset + bytes.length] };
    parts.push(bytes);
    offset += bytes.length;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const padded = Math.ceil(json.length / 8) * 8;
  const file = new Uint8Array(8 + padded + offset);
  new DataView(file.buffer).setBigUint64(0, BigInt(padded), true);
  file.fill(0x20, 8, 8 + padded);
  file.set(json, 8);
  let at = 8 + padded;
  for (const part of parts) {
    file.set(part, at);
    at += part.length;
  }
  return file;
}

/**
 * Reads a safetensors file, of any library. F16 and BF16 become float32; I64, I16, I8, U16 become int32, U64 uint32.
 *
 * ```ts
 * model.loadStateDict(loadSafetensors(bytes).tensors);
 * ```
 *
 * @throws RangeError naming the tensor and what is wrong: a header that does not fit the file, overlapping or missing
 * bytes, a shape that does not fit them, an unknown dtype, an integer beyond 32 bits
 */
export function loadSafetensors(bytes: Uint8Array): SafetensorsFile {
  const fail = (what: string): never => {
    throw new RangeError(`loadSafetensors: ${what}`);
  };
  if (bytes.length < 8) fail(`the file has ${bytes.length} bytes, fewer than the 8 of a header's length`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = Number(view.getBigUint64(0, true));
  if (length > longestHeader || 8 + length > bytes.length) {
    fail(
      `the header should have ${length} bytes, the file has ${bytes.length}; is it a safetensors file, and whole?`,
    );
  }
  const header = parseHeader(bytes.subarray(8, 8 + length), fail);
  const data = bytes.subarray(8 + length);
  const { __metadata__: metadata = {}, ...entries } = header as Record<string, Entry> & {
    readonly __metadata__?: Readonly<Record<string, string>>;
  };
  for (const [name, entry] of Object.entries(entries)) {
    if (typeof entry !== 'object' || entry === null) fail(`the entry of '${name}' is no object`);
  }
  const sorted = Object.entries(entries).sort(([, a], [, b]) => a.data_offsets?.[0] - b.data_offsets?.[0]);
  let expected = 0;
  const tensors = new Map<string, Tensor>();
  for (const [name, entry] of sorted) {
    checkEntry(name, entry, fail);
    const [start, end] = entry.data_offsets;
    if (start !== expected)
      fail(`'${name}' begins at byte ${start} of the data, the one before ends at ${expected}`);
    if (end > data.length)
      fail(`'${name}' ends at byte ${end} of the data, which has ${data.length}; the file is cut off`);
    expected = end;
    const count = entry.shape.reduce((product, size) => product * size, 1);
    const needed = count * elementWidth(entry.dtype as Element);
    if (end - start !== needed) {
      fail(
        `'${name}' of shape [${entry.shape.join(', ')}] ${entry.dtype} needs ${needed} bytes and has ${end - start}`,
      );
    }
    const elements = elementsFromBytes(
      data.subarray(start, end),
      entry.dtype as Element,
      `loadSafetensors: '${name}'`,
    );
    tensors.set(name, tensorFromElements(elements, entry.shape));
  }
  if (expected !== data.length) fail(`${data.length - expected} bytes after the last tensor belong to none`);
  // Not by assignment: a name like __proto__ would be none.
  return { tensors: Object.fromEntries(tensors), metadata };
}

function storedAs(dtype: DType, floats: 'F16' | 'BF16' | undefined): Element {
  return floats && (dtype === 'float32' || dtype === 'float64') ? floats : names[dtype];
}

function parseHeader(bytes: Uint8Array, fail: (what: string) => never): object {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    fail(`the header is no JSON (${(error as Error).message}); is it a safetensors file?`);
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header))
    fail('the header is no JSON object');
  return header as object;
}

function checkEntry(name: string, entry: Entry, fail: (what: string) => never): void {
  const whole = (x: unknown): boolean => Number.isSafeInteger(x) && (x as number) >= 0;
  if (!Array.isArray(entry.shape) || !entry.shape.every(whole)) fail(`'${name}' has no valid shape`);
  const offsets = entry.data_offsets;
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(whole) || offsets[0] > offsets[1]) {
    fail(`'${name}' has no valid data_offsets`);
  }
  if (!Object.hasOwn(widths, entry.dtype)) {
    fail(`'${name}' has dtype ${entry.dtype}; known are ${Object.keys(widths).join(', ')}`);
  }
}

const widths: Readonly<Record<Element, number>> = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U64: 8,
  U32: 4,
  U16: 2,
  U8: 1,
  BOOL: 1,
};

function elementWidth(element: Element): number {
  return widths[element];
}
