/**
 * Reads and writes safetensors, the format in which models are exchanged. Eight bytes with the length of a header, a
 * header in JSON (for each tensor its dtype, shape and place), then the numbers (format description: the safetensors
 * repository's README, version 1). Numbers are little-endian; a file is checked before anything is made of it.
 */

import type { DType, Tensor } from '@ag/tensor';
import { checkOptions, codedError, describeValue, typeError, valueError } from '@ag/tensor/engine';
import { type Element, elementsFromBytes, littleEndianBytes, tensorFromElements } from './elements.ts';
import { headerKeys } from './headerKeys.ts';
import { inTorchNames } from './torchWrite.ts';

/** A file's content. */
export interface SafetensorsFile {
  readonly tensors: Readonly<Record<string, Tensor>>;
  /** Texts stored beside the tensors. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** What a file held, as it was written. Neither object has a prototype, so a name that is not there is undefined. */
export interface LoadedSafetensors extends SafetensorsFile {
  /** The names of the tensors in the order of the file; objects list those that look like numbers first. */
  readonly names: readonly string[];
}

/** Options of {@link saveSafetensors}. */
export interface SaveSafetensorsOptions {
  /** Texts to store beside the tensors. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Store floats with 16 bits: half the size, and no longer bit-exact. */
  readonly floats?: 'F16' | 'BF16';
  /**
   * With 'pytorch', names as PyTorch's modules have them, `num_batches_tracked` included: see `torchStateDict`. For what a
   * model's `stateDict()` gave. Default 'own'.
   */
  readonly names?: 'own' | 'pytorch';
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
  int8: 'I8',
  int16: 'I16',
  float16: 'F16',
  bfloat16: 'BF16',
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
  checkOptions('saveSafetensors', options, 'metadata floats names');
  return encode(namedAs(tensors, options.names, 'saveSafetensors'), options);
}

/** The tensors with the names that the option asks for. */
export function namedAs(
  tensors: Readonly<Record<string, Tensor>>,
  names: SaveSafetensorsOptions['names'],
  operation: string,
): Readonly<Record<string, Tensor>> {
  if (names === undefined || names === 'own') return tensors;
  if (names === 'pytorch') return inTorchNames(tensors, operation);
  throw valueError(`${operation}: names must be 'own' or 'pytorch', got ${describeValue(names)}`);
}

async function encode(
  tensors: Readonly<Record<string, Tensor>>,
  options: SaveSafetensorsOptions,
): Promise<Uint8Array> {
  // Written entry by entry: an object would put names that look like numbers first, and has no room for '__proto__'.
  const header: string[] = [];
  const write = (name: string, entry: unknown): void => {
    header.push(`${JSON.stringify(name)}:${JSON.stringify(entry)}`);
  };
  if (options.metadata) {
    for (const [name, text] of Object.entries(options.metadata)) {
      if (typeof text !== 'string') throw typeError(`saveSafetensors: metadata '${name}' must be a text`);
      checkText(name, 'a name of the metadata');
      checkText(text, `metadata '${name}'`);
    }
    write('__metadata__', options.metadata);
  }
  const parts: Uint8Array[] = [];
  let offset = 0;
  // Wide elements first: then every tensor begins at a multiple of its element's size.
  const width = (t: Tensor): number => elementWidth(storedAs(t.dtype, options.floats));
  const ordered = Object.entries(tensors).sort(
    ([a, x], [b, y]) => width(y) - width(x) || (a < b ? -1 : a > b ? 1 : 0),
  );
  for (const [name, t] of ordered) {
    if (name === '__metadata__') throw valueError("saveSafetensors: a tensor cannot be named '__metadata__'");
    checkText(name, 'the name of a tensor');
    const element = storedAs(t.dtype, options.floats);
    const bytes = littleEndianBytes(await t.data(), element);
    write(name, { dtype: element, shape: t.shape, data_offsets: [offset, offset + bytes.length] });
    parts.push(bytes);
    offset += bytes.length;
  }
  const json = new TextEncoder().encode(`{${header.join(',')}}`);
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

/** @throws RangeError for a text that UTF-8 cannot hold: other libraries would refuse the file */
function checkText(text: string, what: string): void {
  if (/\p{Surrogate}/u.test(text)) {
    throw valueError(`saveSafetensors: ${what} holds half of a surrogate pair: ${JSON.stringify(text)}`);
  }
}

/** How files of numbers are read. */
export interface LoadNumbersOptions {
  /**
   * Keep numbers of 8 and 16 bits as they are stored: float16, bfloat16, int8 and int16 instead of float32 and int32. They take the memory
   * that they take in the file, and are widened where something is computed with them. Default false.
   */
  readonly stored?: boolean;
}

/**
 * Reads a safetensors file, of any library. F16 and BF16 become float32; I64, I16, I8, U16 become int32, U64 uint32, unless `stored` keeps
 * those of 8 and 16 bits.
 *
 * ```ts
 * model.loadStateDict(loadSafetensors(bytes).tensors);
 * ```
 *
 * @throws RangeError naming the tensor and what is wrong: a header that does not fit the file, overlapping or missing
 * bytes, a shape that does not fit them, an unknown dtype, a name that stands twice, metadata that are no texts, an integer
 * beyond 32 bits
 */
export function loadSafetensors(bytes: Uint8Array, options: LoadNumbersOptions = {}): LoadedSafetensors {
  const operation = 'loadSafetensors';
  checkOptions(operation, options, 'stored');
  const fail = failure(operation);
  const length = headerLength(bytes, bytes.length, fail);
  const { entries, metadata } = parseHeader(bytes.subarray(8, 8 + length), fail);
  const data = bytes.subarray(8 + length);
  checkPlaces(entries, data.length, fail);
  const tensors = dictionary<Tensor>(
    entries.map(
      ([
        name,
        {
          dtype,
          shape,
          data_offsets: [start, end],
        },
      ]) => {
        const what = `${operation}: ${quoted(name)}`;
        const elements = elementsFromBytes(
          data.subarray(start, end),
          dtype as Element,
          what,
          false,
          options.stored,
        );
        return [name, tensorFromElements(elements, shape)];
      },
    ),
  );
  return { tensors, metadata: dictionary(metadata), names: entries.map(([name]) => name) };
}

/** A file of which parts can be read. */
export interface RandomAccess {
  /** Its length in bytes. */
  readonly size: number;
  /** The bytes from `start` to before `end`, both within the file. */
  read(start: number, end: number): Uint8Array | Promise<Uint8Array>;
}

/** A tensor of a safetensors file, and where its numbers lie. */
export interface SafetensorsEntry {
  readonly name: string;
  /** As the file calls it: `F32`, `BF16`, `I64`. */
  readonly element: Element;
  readonly shape: readonly number[];
  /** Where its bytes begin in the file, and where they end. */
  readonly start: number;
  readonly end: number;
}

/** What the header of a safetensors file says. */
export interface SafetensorsHeader {
  /** In the order of the header. */
  readonly tensors: readonly SafetensorsEntry[];
  /** It has no prototype, so a name that is not there is undefined. */
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * What a safetensors file holds, without its numbers: only the header is read, so a file of any size takes no memory.
 *
 * ```ts
 * const file = document.querySelector('input')!.files![0]; // or a file of Node, by positions
 * const read = async (start: number, end: number) => new Uint8Array(await file.slice(start, end).arrayBuffer());
 * const { tensors } = await inspectSafetensors({ size: file.size, read });
 * ```
 *
 * @throws RangeError as {@link loadSafetensors}
 */
export async function inspectSafetensors(file: RandomAccess): Promise<SafetensorsHeader> {
  const fail = failure('inspectSafetensors');
  const length = headerLength(await file.read(0, Math.min(8, file.size)), file.size, fail);
  const { entries, metadata } = parseHeader(await file.read(8, 8 + length), fail);
  const begin = 8 + length;
  checkPlaces(entries, file.size - begin, fail);
  return {
    tensors: entries.map(
      ([
        name,
        {
          dtype,
          shape,
          data_offsets: [start, end],
        },
      ]) => ({
        name,
        element: dtype as Element,
        shape,
        start: begin + start,
        end: begin + end,
      }),
    ),
    metadata: dictionary(metadata),
  };
}

type Fail = (what: string) => never;

function failure(operation: string): Fail {
  return (what) => {
    throw codedError(RangeError, 'AG_FILE_FORMAT', `${operation}: ${what}`);
  };
}

/** The length of the header, by the first bytes of a file. */
function headerLength(first: Uint8Array, size: number, fail: Fail): number {
  if (size < 8) fail(`the file has ${size} bytes, fewer than the 8 of a header's length`);
  const view = new DataView(first.buffer, first.byteOffset, first.byteLength);
  const length = Number(view.getBigUint64(0, true));
  if (length > longestHeader || 8 + length > size) {
    fail(
      `the header should have ${length} bytes, the file has ${size}; is it a safetensors file, and whole?`,
    );
  }
  return length;
}

/** Tensors lie in a row and fill the data. @param size bytes of the data */
function checkPlaces(entries: Header['entries'], size: number, fail: Fail): void {
  // As they lie in the file. An empty tensor begins where the next one does: it comes first, as it ends there, too.
  const sorted = [...entries].sort(
    ([, { data_offsets: a }], [, { data_offsets: b }]) => a[0] - b[0] || a[1] - b[1],
  );
  let expected = 0;
  for (const [name, entry] of sorted) {
    const what = quoted(name);
    const [start, end] = entry.data_offsets;
    if (start !== expected)
      fail(`${what} begins at byte ${start} of the data, the one before ends at ${expected}`);
    if (end > size) fail(`${what} ends at byte ${end} of the data, which has ${size}; the file is cut off`);
    expected = end;
    const needed = bytesNeeded(entry);
    if (end - start !== needed) {
      fail(
        `${what} of shape ${shortened(`[${entry.shape.join(', ')}]`)} ${entry.dtype} needs ${needed} bytes and has ${end - start}`,
      );
    }
  }
  if (expected !== size) fail(`${size - expected} bytes after the last tensor belong to none`);
}

/** An object in which nothing is found but these. */
function dictionary<T>(entries: Iterable<readonly [string, T]>): Readonly<Record<string, T>> {
  const object = Object.create(null) as Record<string, T>;
  for (const [name, value] of entries) object[name] = value;
  return object;
}

/** @returns a number beyond the safe ones where the shape is too large to be counted */
function bytesNeeded({ shape, dtype }: Entry): number {
  const count = shape.includes(0) ? 0 : shape.reduce((product, size) => product * size, 1);
  return count * widths[dtype as Element];
}

/** Bytes of a tensor in a file. */
export function storedBytes(
  { dtype, size }: Tensor,
  { floats }: Pick<SaveSafetensorsOptions, 'floats'>,
): number {
  return size * widths[storedAs(dtype, floats)];
}

function storedAs(dtype: DType, floats: 'F16' | 'BF16' | undefined): Element {
  return floats && (dtype === 'float32' || dtype === 'float64') ? floats : names[dtype];
}

interface Header {
  /** In the order of the file. */
  readonly entries: readonly (readonly [name: string, entry: Entry])[];
  readonly metadata: readonly (readonly [name: string, text: string])[];
}

function parseHeader(bytes: Uint8Array, fail: (what: string) => never): Header {
  let text = '';
  let header: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    header = JSON.parse(text);
  } catch (error) {
    fail(`the header is no JSON (${shortened((error as Error).message)}); is it a safetensors file?`);
  }
  if (!isObject(header)) return fail('the header is no JSON object');
  const { names, twice } = headerKeys(text);
  if (twice !== null) fail(`${quoted(twice)} stands twice in the header`);
  const metadata = header.__metadata__ ?? {};
  if (!isObject(metadata)) return fail('the metadata are no object of texts');
  for (const [name, value] of Object.entries(metadata)) {
    if (typeof value !== 'string') fail(`metadata ${quoted(name)} is no text`);
  }
  const entries = names
    .filter((name) => name !== '__metadata__')
    .map((name) => [name, header[name] as Entry] as const);
  for (const [name, entry] of entries) checkEntry(quoted(name), entry, fail);
  return { entries, metadata: Object.entries(metadata) as [string, string][] };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function checkEntry(what: string, entry: Entry, fail: (what: string) => never): void {
  if (!isObject(entry)) fail(`the entry of ${what} is no object`);
  const whole = (x: unknown): boolean => Number.isSafeInteger(x) && (x as number) >= 0 && !Object.is(x, -0);
  if (!Array.isArray(entry.shape) || !entry.shape.every(whole)) fail(`${what} has no valid shape`);
  const offsets = entry.data_offsets;
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(whole) || offsets[0] > offsets[1]) {
    fail(`${what} has no valid data_offsets`);
  }
  if (typeof entry.dtype !== 'string' || !Object.hasOwn(widths, entry.dtype)) {
    const given = shortened(String(JSON.stringify(entry.dtype)).replaceAll('"', ''));
    fail(`${what} has dtype ${given}; known are ${Object.keys(widths).join(', ')}`);
  }
}

/** A name for messages: it comes from outside and can have any length. */
function quoted(name: string): string {
  return `'${shortened(name)}'`;
}

function shortened(text: string): string {
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
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
