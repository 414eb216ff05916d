/** Typed arrays over bytes. */
import type { DType, TypedArray } from '@ag/tensor';

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

/** Elements over bytes that start at a multiple of 8, without a copy. */
export function arrayOver(dtype: DType, bytes: Uint8Array<ArrayBuffer>, length: number): TypedArray {
  return new arrays[dtype](bytes.buffer, bytes.byteOffset, length);
}

/** The bytes of an array, without a copy. */
export function bytesOf(data: TypedArray): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, byteLength } = data;
  if (buffer instanceof ArrayBuffer) return new Uint8Array(buffer, byteOffset, byteLength);
  // The device takes no shared memory.
  return Uint8Array.from(new Uint8Array(buffer, byteOffset, byteLength));
}
