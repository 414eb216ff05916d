/**
 * The element types a tensor can have, what stores them, and how two of them combine.
 *
 * JavaScript numbers are "weak": they take the dtype of the tensor they meet (see `promote`).
 */

/** The element type of a tensor. `bool` is stored as one byte, 0 or 1. */
export type DType = 'float32' | 'float64' | 'int32' | 'uint32' | 'uint8' | 'bool';

/** The typed arrays that hold elements on the host; `bool` and `uint8` share `Uint8Array`. */
export type TypedArray = Float32Array | Float64Array | Int32Array | Uint32Array | Uint8Array;

/** All dtypes, in the order of promotion (see `promote`). */
export const dtypes: readonly DType[] = ['bool', 'uint8', 'int32', 'uint32', 'float32', 'float64'];

const arrays = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  uint32: Uint32Array,
  uint8: Uint8Array,
  bool: Uint8Array,
} as const;

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

/** Whether `x` is one of the typed arrays a tensor can be made from without conversion. */
export function isTypedArray(x: unknown): x is TypedArray {
  return (
    x instanceof Float32Array ||
    x instanceof Float64Array ||
    x instanceof Int32Array ||
    x instanceof Uint32Array ||
    x instanceof Uint8Array
  );
}

/** The dtype whose elements a typed array holds (`Uint8Array` → `uint8`). */
export function dtypeOfArray(array: TypedArray): DType {
  if (array instanceof Float32Array) return 'float32';
  if (array instanceof Float64Array) return 'float64';
  if (array instanceof Int32Array) return 'int32';
  if (array instanceof Uint32Array) return 'uint32';
  return 'uint8';
}

/** `float32` and `float64`. */
export function isFloat(dtype: DType): boolean {
  return dtype === 'float32' || dtype === 'float64';
}

/** Checks a dtype that came from outside. @throws TypeError listing the known dtypes. */
export function checkDType(dtype: string): DType {
  if (!(dtype in arrays)) throw new TypeError(`unknown dtype '${dtype}'; known: ${dtypes.join(', ')}`);
  return dtype as DType;
}

/**
 * The dtype of the result when elements of `a` and `b` meet: the later one in
 * bool < uint8 < int32 < uint32 < float32 < float64. An integer with float32 gives float32.
 * int32 with uint32 gives float64, the smallest type that holds both.
 */
export function promote(a: DType, b: DType): DType {
  if (a === b) return a;
  if ((a === 'int32' && b === 'uint32') || (a === 'uint32' && b === 'int32')) return 'float64';
  return dtypes.indexOf(a) > dtypes.indexOf(b) ? a : b;
}

/** What a value of `dtype` becomes in an operation that needs fractions (division, exp, mean, …). */
export function floatOf(dtype: DType): DType {
  return isFloat(dtype) ? dtype : 'float32';
}

/** What sums of `dtype` are made of: bool and uint8 would overflow, so they are summed as int32. */
export function sumDType(dtype: DType): DType {
  return dtype === 'bool' || dtype === 'uint8' ? 'int32' : dtype;
}
