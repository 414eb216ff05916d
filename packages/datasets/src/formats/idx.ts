/**
 * Reads IDX, the file format of MNIST. A file has two zero bytes, a type, the number of dimensions, the dimensions as
 * big-endian 32-bit integers, then the values, big-endian and row-major. (Y. LeCun, C. Cortes, C. Burges, "The MNIST
 * database of handwritten digits", section "The IDX file format".)
 */
import { DataError } from '../errors.ts';
import { defaultLimit, hex, isGzip, unpack } from './gzip.ts';

/** An array as an IDX file holds it. */
export interface IdxArray {
  /** The type of the values. */
  type: IdxType;
  /** Sizes of the dimensions, outermost first. */
  shape: number[];
  /** The values, row-major. */
  data: Uint8Array | Int8Array | Int16Array | Int32Array | Float32Array | Float64Array;
}

/** The types an IDX file can hold. */
export type IdxType = 'uint8' | 'int8' | 'int16' | 'int32' | 'float32' | 'float64';

/** What the caller knows about a file beforehand; anything else is an error. */
export interface IdxExpectation {
  /** The name to use in errors. */
  file?: string;
  type?: IdxType;
  /** The number of dimensions. */
  dimensions?: number;
}

const types: Record<number, { type: IdxType; bytes: number }> = {
  8: { type: 'uint8', bytes: 1 },
  9: { type: 'int8', bytes: 1 },
  11: { type: 'int16', bytes: 2 },
  12: { type: 'int32', bytes: 4 },
  13: { type: 'float32', bytes: 4 },
  14: { type: 'float64', bytes: 8 },
};

/**
 * Reads an (unpacked) IDX file. Values of type uint8 are a view of `bytes`, others are copied.
 *
 * @throws DataError `format` for a wrong magic number, type or number of dimensions and for bytes after the end,
 * `truncated` when the file ends early
 *
 * @example
 * const { shape, data } = readIdx(new Uint8Array([0, 0, 8, 1, 0, 0, 0, 3, 10, 20, 30]));
 * // shape: [3], data: 10 20 30
 */
export function readIdx(bytes: Uint8Array, expected: IdxExpectation = {}): IdxArray {
  const file = expected.file ?? 'IDX data';
  const header = readHeader(bytes, expected);
  if (typeof header === 'string') throw endsEarly(file, header, bytes.length);
  const { type, shape, start, size } = header;
  const described = `${size} bytes for ${type} [${shape.join(', ')}]`;
  if (bytes.length < size) throw endsEarly(file, described, bytes.length);
  if (bytes.length > size) {
    throw new DataError('bytes after the end', {
      code: 'format',
      file,
      expected: described,
      found: `${bytes.length} bytes`,
    });
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = shape.reduce((product, axis) => product * axis, 1);
  return { type, shape, data: readValues(type, view, start, count) };
}

/** What the caller knows about a file that may be gzipped. */
export interface IdxFileExpectation extends IdxExpectation {
  /** The most bytes that a gzipped file may unpack to. Default 2 GiB (2147483648). */
  maxBytes?: number;
}

/**
 * Reads an IDX file, gzipped or not. What is gzipped is unpacked no further than its header says.
 *
 * @throws DataError as {@link readIdx} and {@link gunzip}
 *
 * @example
 * const images = await readIdxFile(bytes, { file: 'train-images-idx3-ubyte.gz', type: 'uint8', dimensions: 3 });
 */
export async function readIdxFile(bytes: Uint8Array, expected: IdxFileExpectation = {}): Promise<IdxArray> {
  const { file = 'IDX data', maxBytes = defaultLimit } = expected;
  // Web servers may unpack a .gz file on the way, so its name alone does not tell; IDX begins with two zeros.
  const packed = isGzip(bytes) || (file.endsWith('.gz') && !(bytes[0] === 0 && bytes[1] === 0));
  if (!packed) return readIdx(bytes, expected);
  const lengthOf = (start: Uint8Array): number | undefined => {
    const header = readHeader(start, expected);
    return typeof header === 'string' ? undefined : header.size;
  };
  return readIdx(await unpack(bytes, file, maxBytes, lengthOf), expected);
}

/** What a header says, or what is missing of it, in words. */
function readHeader(
  bytes: Uint8Array,
  expected: IdxExpectation,
): { type: IdxType; shape: number[]; start: number; size: number } | string {
  const file = expected.file ?? 'IDX data';
  if (bytes.length < 4) return 'a header of 4 bytes';
  const kind = types[bytes[2]];
  const dimensions = bytes[3];
  if (
    bytes[0] !== 0 ||
    bytes[1] !== 0 ||
    kind === undefined ||
    (expected.type !== undefined && expected.type !== kind.type) ||
    (expected.dimensions !== undefined && expected.dimensions !== dimensions)
  ) {
    throw wrongMagic(file, expected, bytes);
  }
  const start = 4 + 4 * dimensions;
  if (bytes.length < start) return `${dimensions} dimensions in a header of ${start} bytes`;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shape = Array.from({ length: dimensions }, (_, i) => view.getUint32(4 + 4 * i));
  const size = start + kind.bytes * shape.reduce((product, axis) => product * axis, 1);
  // A shape with a 0 in it holds nothing, whatever its other sizes; others must be numbers that can be counted.
  if (!Number.isSafeInteger(shape.reduce((product, axis) => product * Math.max(1, axis), 1))) {
    throw new DataError('no such array can be', {
      code: 'format',
      file,
      expected: 'sizes whose product is a number of elements',
      found: `[${shape.slice(0, 8).join(', ')}${dimensions > 8 ? ', …' : ''}]`,
    });
  }
  return { type: kind.type, shape, start, size };
}

function readValues(type: IdxType, view: DataView, start: number, count: number): IdxArray['data'] {
  const each = <T extends IdxArray['data']>(data: T, width: number, get: (at: number) => number): T => {
    for (let i = 0; i < count; i++) data[i] = get(start + i * width);
    return data;
  };
  switch (type) {
    case 'uint8':
      return new Uint8Array(view.buffer, view.byteOffset + start, count);
    case 'int8':
      return new Int8Array(view.buffer, view.byteOffset + start, count);
    case 'int16':
      return each(new Int16Array(count), 2, (at) => view.getInt16(at));
    case 'int32':
      return each(new Int32Array(count), 4, (at) => view.getInt32(at));
    case 'float32':
      return each(new Float32Array(count), 4, (at) => view.getFloat32(at));
    case 'float64':
      return each(new Float64Array(count), 8, (at) => view.getFloat64(at));
  }
}

function wrongMagic(file: string, expected: IdxExpectation, bytes: Uint8Array): DataError {
  const code = Object.keys(types).find((key) => types[Number(key)].type === expected.type);
  const wanted = [
    '00 00',
    code === undefined ? 'a type 08, 09, 0b, 0c, 0d or 0e' : hex(Uint8Array.of(Number(code))),
    expected.dimensions === undefined ? 'the number of dimensions' : hex(Uint8Array.of(expected.dimensions)),
  ];
  const meaning =
    expected.type === undefined
      ? ''
      : ` (${expected.type}, ${expected.dimensions ?? 'any number of'} dimensions)`;
  return new DataError('wrong magic number', {
    code: 'format',
    file,
    expected: wanted.join(' ') + meaning,
    found: hex(bytes.subarray(0, 4)),
  });
}

function endsEarly(file: string, expected: string, found: number): DataError {
  return new DataError('the file ends early', { code: 'truncated', file, expected, found: `${found} bytes` });
}
