/**
 * The element types a tensor can have, what stores them, and how two of them combine.
 *
 * JavaScript numbers are "weak": they take the dtype of the tensor they meet (see `promote`).
 */

import { describeValue } from './check.ts';
import { dtypeError } from './errors.ts';
import { decode, encode } from './halves.ts';

/** Element types that operations compute with. `bool` is stored as one byte, 0 or 1. */
export type ComputedDType = 'float32' | 'float64' | 'int32' | 'uint32' | 'uint8' | 'bool';

/**
 * Element types for keeping numbers small: every operation but `cast` reads them as float32 (`float16`, `bfloat16`) or int32
 * (`int8`, `int16`). See `computedDType`.
 */
export type StorageDType = 'float16' | 'bfloat16' | 'int8' | 'int16';

/** The element type of a tensor. */
export type DType = ComputedDType | StorageDType;

/**
 * The typed arrays that hold elements on the host; `bool` and `uint8` share `Uint8Array`, `float16` and `bfloat16` lie as bits in
 * a `Uint16Array` (reading a tensor gives their numbers, as float32).
 */
export type TypedArray =
  | Float32Array
  | Float64Array
  | Int32Array
  | Uint32Array
  | Uint8Array
  | Int8Array
  | Int16Array
  | Uint16Array;

/** All dtypes that are computed with, in the order of promotion (see `promote`). */
export const dtypes: readonly ComputedDType[] = ['bool', 'uint8', 'int32', 'uint32', 'float32', 'float64'];

/** The dtypes that only keep numbers. */
export const storageDTypes: readonly StorageDType[] = ['int8', 'int16', 'float16', 'bfloat16'];

const allDTypes: readonly DType[] = [...dtypes, ...storageDTypes];

const arrays = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  uint32: Uint32Array,
  uint8: Uint8Array,
  bool: Uint8Array,
  int8: Int8Array,
  int16: Int16Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
} as const;

/** What elements of a dtype are computed as: itself, but for storage dtypes float32 or int32. */
export function computedDType(dtype: DType): ComputedDType {
  return storedAs[dtype as StorageDType] ?? (dtype as ComputedDType);
}

const storedAs = { float16: 'float32', bfloat16: 'float32', int8: 'int32', int16: 'int32' } as const;

/** Whether elements of a dtype are only kept, and computed as another. */
export function isStorage(dtype: DType): dtype is StorageDType {
  return computedDType(dtype) !== dtype;
}

/** Bytes of one element. */
export function bytesPerElement(dtype: DType): number {
  return arrays[dtype].BYTES_PER_ELEMENT;
}

/** A zero-filled host array of `length` elements. */
export function allocateArray(dtype: DType, length: number): TypedArray {
  return new arrays[dtype](length);
}

/** A host array over existing memory, without a copy. `byteOffset` must be a multiple of the element size. */
export function viewArray(
  dtype: DType,
  buffer: ArrayBufferLike,
  byteOffset: number,
  length: number,
): TypedArray {
  return new arrays[dtype](buffer as ArrayBuffer, byteOffset, length);
}

/**
 * An element of `dtype` from a number: the one rule for every number that becomes an element, whether it comes in an array, as
 * a scalar or a constant, or by `cast`. To bool: x ≠ 0, so NaN is true. To an integer: toward zero, NaN to 0, and what
 * lies outside to the nearest integer that the dtype has. To float32: to the nearest; to float16 and bfloat16: to float32, then to the
 * nearest of theirs.
 */
export function toDType(x: number, dtype: DType): number {
  if (dtype === 'float64') return x;
  if (dtype === 'float32') return Math.fround(x);
  if (dtype === 'bool') return x !== 0 ? 1 : 0;
  if (dtype === 'float16' || dtype === 'bfloat16') return decode(encode(x, dtype), dtype);
  const [lowest, highest] = integerLimits[dtype];
  return Number.isNaN(x) ? 0 : Math.trunc(Math.min(Math.max(x, lowest), highest)) + 0;
}

/** Lowest and highest element of the integer dtypes. */
export const integerLimits = {
  int32: [-2147483648, 2147483647],
  uint32: [0, 4294967295],
  uint8: [0, 255],
  int8: [-128, 127],
  int16: [-32768, 32767],
} as const;

/** Writes numbers as elements of `dtype`, as `cast` does; those of integer arrays wrap in smaller integers. */
export function convertElements(data: ArrayLike<number>, dtype: DType): TypedArray {
  const { length } = data;
  const array = allocateArray(dtype, length);
  if (dtype === 'float16' || dtype === 'bfloat16') {
    for (let i = 0; i < length; i++) array[i] = encode(data[i], dtype);
    return array;
  }
  const whole = isTypedArray(data) && !(data instanceof Float32Array || data instanceof Float64Array);
  if (isFloat(dtype) || (whole && dtype !== 'bool')) array.set(data);
  else for (let i = 0; i < length; i++) array[i] = toDType(data[i], dtype);
  return array;
}

/** Whether `x` is a typed array: those that hold elements of tensors, among things that are none. */
export function isTypedArray(x: unknown): x is TypedArray {
  return ArrayBuffer.isView(x) && !(x instanceof DataView);
}

/**
 * Typed arrays that have no dtype of their own but one that holds all their numbers: Int8Array, Int16Array and Uint16Array
 * become int32, Uint8ClampedArray uint8; Float16Array, where the engine has it, float32.
 */
export type OtherTypedArray = Int8Array | Int16Array | Uint16Array | Uint8ClampedArray;

/**
 * The same numbers in an array that a tensor can hold; null for what is no array of numbers. Arrays of another realm (a frame,
 * a test environment) count, too.
 */
export function asTypedArray(x: unknown): TypedArray | null {
  if (x instanceof Float32Array) return x;
  if (!ArrayBuffer.isView(x)) return null;
  const array = x as OtherTypedArray;
  const name = elementsOf(array);
  if (name === 'int8' || name === 'int16' || name === 'uint16') return Int32Array.from(array);
  if (name === 'float16') return Float32Array.from(array);
  const dtype = (name === 'uint8clamped' ? 'uint8' : name) as ComputedDType;
  if (!dtypes.includes(dtype)) return null;
  if (x instanceof arrays[dtype]) return x;
  return viewArray(dtype, array.buffer, array.byteOffset, array.length);
}

/** `float32` of a Float32Array, of any realm. */
function elementsOf(array: ArrayBufferView): string {
  return (array as TypedArray)[Symbol.toStringTag].slice(0, -'Array'.length).toLowerCase();
}

/** The dtype whose elements a typed array holds (`Uint8Array` → `uint8`, `Uint16Array` → `float16`, whose bits it holds). */
export function dtypeOfArray(array: TypedArray): DType {
  if (array instanceof Float32Array) return 'float32';
  const name = elementsOf(array);
  return name === 'uint16' ? 'float16' : (name as DType);
}

/** Whether a dtype has fractions: `float32`, `float64`, and as storage `float16` and `bfloat16`. */
export function isFloat(dtype: DType): boolean {
  return dtype === 'float32' || dtype === 'float64' || dtype === 'float16' || dtype === 'bfloat16';
}

/** Whether a storage dtype has been asked for: programs without them need not look for them. */
export let storageInUse = false;

/** Checks a dtype that came from outside. @throws TypeError listing the known dtypes. */
export function checkDType(dtype: string, operation: string): DType {
  if (allDTypes.includes(dtype as DType)) {
    storageInUse ||= isStorage(dtype as DType);
    return dtype as DType;
  }
  const near = typeof dtype === 'string' ? allDTypes.find((one) => one.startsWith(dtype)) : undefined;
  throw dtypeError(
    `${operation}: unknown dtype ${describeValue(dtype)};${near ? ` did you mean '${near}'?` : ''} known: ${allDTypes.join(', ')}`,
  );
}

/** The same for an operation that gives fractions. @throws TypeError for other dtypes than float32 and float64 */
export function checkFloatDType(dtype: string, operation: string): DType {
  const known = checkDType(dtype, operation);
  if (isFloat(known) && !isStorage(known)) return known;
  throw dtypeError(`${operation}: dtype must be float32 or float64, got ${dtype}; cast the result`);
}

/**
 * The dtype of the result when elements of `a` and `b` meet: the later one in
 * bool < uint8 < int32 < uint32 < float32 < float64. An integer with float32 gives float32.
 * int32 with uint32 gives float64, the smallest type that holds both. Storage dtypes count as what they are computed as.
 */
export function promote(first: DType, second: DType): ComputedDType {
  const a = computedDType(first);
  const b = computedDType(second);
  if (a === b) return a;
  if ((a === 'int32' && b === 'uint32') || (a === 'uint32' && b === 'int32')) return 'float64';
  return dtypes.indexOf(a) > dtypes.indexOf(b) ? a : b;
}

/** What a value of `dtype` becomes in an operation that needs fractions (division, exp, mean, …). */
export function floatOf(dtype: DType): 'float32' | 'float64' {
  return dtype === 'float64' ? dtype : 'float32';
}

/** What sums of `dtype` are made of: bool and uint8 would overflow, so they are summed as int32. */
export function sumDType(dtype: DType): ComputedDType {
  return dtype === 'bool' || dtype === 'uint8' ? 'int32' : computedDType(dtype);
}

/** What a plain number becomes beside a tensor of `dtype`. */
export function weakDType(value: number, met: DType): ComputedDType {
  const dtype = computedDType(met);
  if (isFloat(dtype)) return dtype;
  if (!Number.isInteger(value)) return 'float32';
  const whole = Math.abs(value) <= 2 ** 31 - 1 || value === -(2 ** 31);
  if (dtype === 'uint8') return value >= 0 && value <= 255 ? dtype : whole ? 'int32' : 'float64';
  if (dtype === 'uint32') return value >= 0 && value < 2 ** 32 ? dtype : 'float64';
  return whole ? 'int32' : 'float64';
}
