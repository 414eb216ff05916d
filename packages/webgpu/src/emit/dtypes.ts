/** Dtypes as WGSL sees them: as what an element is computed with, and as what it lies in memory. */
import { bytesPerElement, type DType } from '@ag/tensor';
import { codedError } from '@ag/tensor/engine';

/** Types of values in kernels; elements of uint8 are u32 from 0 to 255, those of float16 and bfloat16 the u32 of their bits. */
export type ValueType = 'f32' | 'i32' | 'u32' | 'bool';

/** What an element of the dtype is in a kernel. */
export function valueType(dtype: DType): ValueType {
  switch (dtype) {
    case 'float32':
      return 'f32';
    case 'int32':
    case 'int16':
    case 'int8':
      return 'i32';
    case 'uint32':
    case 'uint8':
    case 'float16':
    case 'bfloat16':
      return 'u32';
    case 'bool':
      return 'bool';
    case 'float64':
      throw codedError(TypeError, 'AG_INTERNAL', 'webgpu: a kernel of float64 runs on the host');
  }
}

/** Whether elements share a word of memory: four of a byte, or two. */
export function isPacked(dtype: DType): boolean {
  return bytesPerElement(dtype) < 4;
}

/** What the words of a buffer are. */
export function storageType(dtype: DType): 'f32' | 'i32' | 'u32' {
  const type = valueType(dtype);
  return isPacked(dtype) || type === 'bool' ? 'u32' : type;
}

/** A number as an element of the dtype, written in WGSL. */
export function constantText(value: number, dtype: DType): string {
  switch (dtype) {
    case 'bool':
      return value !== 0 ? 'true' : 'false';
    case 'int32':
      return value === -2147483648 ? '(-2147483647 - 1)' : `${value}`;
    case 'uint32':
    case 'uint8':
      return `${value}u`;
    default:
      return floatText(Math.fround(value));
  }
}

const words = new Uint32Array(1);
const floats = new Float32Array(words.buffer);

/** Bits of a float32. */
export function bitsOf(value: number): number {
  floats[0] = value;
  return words[0];
}

/** Numbers that WGSL has no literal for, and subnormal ones, come out of their bits at run time: `from_bits` of the library. */
function floatText(value: number): string {
  const bits = bitsOf(value);
  const exponent = (bits >>> 23) & 0xff;
  if (bits === 0) return '0.0';
  if (exponent === 0 || exponent === 0xff) return `from_bits(0x${bits.toString(16)}u)`;
  const text = String(value);
  return /[.e]/.test(text) ? `${text}f`.replace(/^-(.*)$/, '(-$1)') : `${text}.0`.replace(/^-(.*)$/, '(-$1)');
}
