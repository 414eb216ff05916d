/**
 * Tensors of a file: their type, shape and elements, wherever these lie.
 */
import type { DType, TypedArray } from '@ag/tensor';
import { fileError, quoted, unsupported, wholeNumber } from '../errors.ts';
import type { TensorProto } from '../proto/onnx.ts';

/** Reads `length` bytes (undefined: all) at `offset` of the file that a model calls `location`. */
export type ReadExternal = (location: string, offset: number, length: number | undefined) => Uint8Array;

/** Names of element types, by their number in a file. */
export const elementTypes = [
  'undefined',
  'float32',
  'uint8',
  'int8',
  'uint16',
  'int16',
  'int32',
  'int64',
  'string',
  'bool',
  'float16',
  'float64',
  'uint32',
  'uint64',
  'complex64',
  'complex128',
  'bfloat16',
  'float8e4m3fn',
  'float8e4m3fnuz',
  'float8e5m2',
  'float8e5m2fnuz',
  'uint4',
  'int4',
  'float4e2m1',
  'float8e8m0',
  'uint2',
  'int2',
] as const;

/** The element type of a tensor in a file. */
export type ElementType = (typeof elementTypes)[number];

/** Elements on the host. int64 are numbers of a `Float64Array`, exact up to 2⁵³. */
export interface HostArray {
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly data: TypedArray;
}

/** Types with a dtype that holds their values; the others are refused. */
const dtypeOf: { readonly [type in ElementType]?: DType } = {
  float32: 'float32',
  float64: 'float64',
  float16: 'float32',
  bfloat16: 'float32',
  int32: 'int32',
  int64: 'int32',
  uint32: 'uint32',
  uint8: 'uint8',
  bool: 'bool',
};

const bytesOf: { readonly [type in ElementType]?: number } = {
  float32: 4,
  float64: 8,
  float16: 2,
  bfloat16: 2,
  int32: 4,
  int64: 8,
  uint32: 4,
  uint8: 1,
  bool: 1,
};

/** More elements than any tensor has. */
const mostElements = 2 ** 31 - 1;

/** The name of an element type, `type 99` for a number that no version of the format has. */
export function typeName(dataType: number): string {
  return elementTypes[dataType] ?? `type ${dataType}`;
}

/** The dtype of tensors with such elements. @throws Error for types that have none */
export function dtypeFor(dataType: number, where: string): DType {
  const dtype = dtypeOf[elementTypes[dataType]];
  if (dtype === undefined)
    throw unsupported(`${where}: elements of type ${typeName(dataType)} are not supported`);
  return dtype;
}

/** Sizes of a tensor in a file. @throws Error for negative ones, and for more elements than a tensor can have */
export function sizesOf(dims: readonly bigint[], where: string): number[] {
  const shape = dims.map((size) => wholeNumber(size, `${where}: a size`));
  let count = 1;
  for (const size of shape) {
    if (size < 0) throw fileError(`${where}: a size is negative: [${shape.join(', ')}]`);
    count *= size;
  }
  // With a size of 0 another one may still be impossible.
  if (count > mostElements || shape.some((size) => size > mostElements)) {
    throw fileError(`${where}: [${shape.join(', ')}] is more than a tensor can hold`);
  }
  return shape;
}

/** The elements of a tensor, in memory of their own. */
export function readTensor(proto: TensorProto, where: string, read: ReadExternal | null): HostArray {
  const type = elementTypes[proto.dataType];
  const width = bytesOf[type];
  if (width === undefined) {
    throw unsupported(`${where}: elements of type ${typeName(proto.dataType)} are not supported`);
  }
  const shape = sizesOf(proto.dims, where);
  const count = shape.reduce((product, size) => product * size, 1);
  if (proto.segment) throw unsupported(`${where}: tensors in segments are not supported`);
  const raw = proto.dataLocation === 1 ? externalBytes(proto, where, read) : proto.rawData;
  if (raw.length > 0) {
    if (raw.length !== count * width) {
      throw fileError(
        `${where}: [${shape.join(', ')}] ${type} needs ${count * width} bytes, the file has ${raw.length}`,
      );
    }
    return { type, shape, data: fromBytes(raw, type, count) };
  }
  const listed = listedElements(proto, type);
  if (listed.length !== count) {
    throw fileError(
      `${where}: [${shape.join(', ')}] ${type} needs ${count} elements, the file has ${listed.length}`,
    );
  }
  return { type, shape, data: fromList(listed, type) };
}

function externalBytes(proto: TensorProto, where: string, read: ReadExternal | null): Uint8Array {
  const entries = new Map(proto.externalData.map(({ key, value }) => [key, value]));
  const location = entries.get('location');
  if (location === undefined)
    throw fileError(`${where}: its data are external, but the file does not say where`);
  const number = (key: string): number | undefined => {
    const text = entries.get(key);
    if (text === undefined) return undefined;
    const value = Number(text);
    if (!Number.isSafeInteger(value) || value < 0) {
      throw fileError(`${where}: the ${key} of its external data is ${quoted(text)}`);
    }
    return value;
  };
  const offset = number('offset') ?? 0;
  const length = number('length');
  if (!read) {
    throw fileError(
      `${where}: its elements lie in another file, ${quoted(location)}; give it: { external: { ${quoted(location)}: bytes } }`,
    );
  }
  const bytes = read(location, offset, length);
  if (!(bytes instanceof Uint8Array)) {
    throw fileError(`${where}: reading ${quoted(location)} gave no Uint8Array`);
  }
  if (length !== undefined && bytes.length !== length) {
    throw fileError(
      `${where}: ${quoted(location)} has ${bytes.length} bytes at ${offset} where ${length} are needed`,
    );
  }
  return bytes;
}

/** Tensors lie unaligned in a file: each is copied once. Files are little-endian. */
function fromBytes(raw: Uint8Array, type: ElementType, count: number): TypedArray {
  // Not slice(): that of Node's Buffer copies nothing.
  const own = new Uint8Array(raw);
  const view = new DataView(own.buffer);
  switch (type) {
    case 'uint8':
      return own;
    case 'bool':
      return own.map((byte) => (byte === 0 ? 0 : 1));
    case 'int64':
      return Float64Array.from({ length: count }, (_, i) => Number(view.getBigInt64(8 * i, true)));
    case 'float16':
      return Float32Array.from({ length: count }, (_, i) => half(view.getUint16(2 * i, true)));
    case 'bfloat16':
      return Float32Array.from({ length: count }, (_, i) => brainHalf(view.getUint16(2 * i, true)));
  }
  if (littleEndian) {
    if (type === 'float32') return new Float32Array(own.buffer);
    if (type === 'float64') return new Float64Array(own.buffer);
    return type === 'uint32' ? new Uint32Array(own.buffer) : new Int32Array(own.buffer);
  }
  if (type === 'float32') return Float32Array.from({ length: count }, (_, i) => view.getFloat32(4 * i, true));
  if (type === 'float64') return Float64Array.from({ length: count }, (_, i) => view.getFloat64(8 * i, true));
  if (type === 'uint32') return Uint32Array.from({ length: count }, (_, i) => view.getUint32(4 * i, true));
  return Int32Array.from({ length: count }, (_, i) => view.getInt32(4 * i, true));
}

const littleEndian = /* @__PURE__ */ new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

function listedElements(proto: TensorProto, type: ElementType): readonly (number | bigint)[] {
  switch (type) {
    case 'float32':
      return proto.floatData;
    case 'float64':
      return proto.doubleData;
    case 'int64':
      return proto.int64Data;
    case 'uint32':
      return proto.uint64Data;
    default:
      return proto.int32Data;
  }
}

function fromList(list: readonly (number | bigint)[], type: ElementType): TypedArray {
  switch (type) {
    case 'float32':
      return Float32Array.from(list as readonly number[]);
    case 'float64':
      return Float64Array.from(list as readonly number[]);
    case 'int64':
      return Float64Array.from(list, Number);
    case 'uint32':
      return Uint32Array.from(list, Number);
    case 'int32':
      return Int32Array.from(list as readonly number[]);
    case 'float16':
      return Float32Array.from(list as readonly number[], half);
    case 'bfloat16':
      return Float32Array.from(list as readonly number[], brainHalf);
    case 'bool':
      return Uint8Array.from(list, (x) => (Number(x) === 0 ? 0 : 1));
    default:
      return Uint8Array.from(list as readonly number[]);
  }
}

/** The number that 16 bits of IEEE 754 say. */
function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const words = /* @__PURE__ */ new Uint32Array(1);
const floats = /* @__PURE__ */ new Float32Array(words.buffer);

/** The number of which 16 bits are the upper half of a float32. */
function brainHalf(bits: number): number {
  words[0] = bits << 16;
  return floats[0];
}
