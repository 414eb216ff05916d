/**
 * Reads IDX, the format of MNIST: two zero bytes, a type, the number of dimensions, the dimensions as big-endian
 * 32-bit integers, then the values, big-endian and row-major. (Y. LeCun, C. Cortes, C. Burges, "The MNIST database
 * of handwritten digits", section "The IDX file format".)
 */
import { DataError } from '../errors.ts';
import { hex } from './gzip.ts';

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
  if (bytes.length < 4) throw endsEarly(file, 'a header of 4 bytes', bytes.length);
  const kind = types[bytes[2]];
  if (bytes[0] !== 0 || bytes[1] !== 0 || kind === undefined) {
    throw wrongMagic(file, expected, bytes);
  }
  const dimensions = bytes[3];
  if (
    (expected.type !== undefined && expected.type !== kind.type) ||
    (expected.dimensions !== undefined && expected.dimensions !== dimensions)
  ) {
    throw wrongMagic(file, expected, bytes);
  }
  const start = 4 + 4 * dimensions;
  if (bytes.length < start)
    throw endsEarly(file, `${dimensions} dimensions in a header of ${start} bytes`, bytes.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shape: number[] = [];
  let count = 1;
  for (let i = 0; i < dimensions; i++) {
    shape.push(view.getUint32(4 + 4 * i));
    count *= shape[i];
  }
  const size = start + count * kind.bytes;
  const described = `${size} bytes for ${kind.type} [${shape.join(', ')}]`;
  if (bytes.length < size) throw endsEarly(file, described, bytes.length);
  if (bytes.length > size) {
    throw new DataError('bytes after the end', {
      code: 'format',
      file,
      expected: described,
      found: `${bytes.length} bytes`,
    });
  }
  return { type: kind.type, shape, data: readValues(kind.type, view, start, count) };
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
