/**
 * Bytes of files as numbers, whatever their type. For looking at them: 64-bit integers are the nearest number.
 */
import type { Element } from './elements.ts';

/** Element types by the words that NumPy and ONNX have for them. */
export const dtypeNames: Readonly<Record<Element, string>> = {
  F64: 'float64',
  F32: 'float32',
  F16: 'float16',
  BF16: 'bfloat16',
  I64: 'int64',
  I32: 'int32',
  I16: 'int16',
  I8: 'int8',
  U64: 'uint64',
  U32: 'uint32',
  U16: 'uint16',
  U8: 'uint8',
  BOOL: 'bool',
};

/** Bytes of one element; 0 for a type without a width of whole bytes. */
export function widthOf(dtype: string): number {
  if (dtype === 'bool') return 1;
  const bits = Number(/^b?(?:float|u?int)(8|16|32|64)/.exec(dtype)?.[1] ?? 0);
  return bits / 8;
}

const littleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** The numbers in little-endian bytes, which may lie anywhere. */
export function numbersOf(bytes: Uint8Array, element: Element): ArrayLike<number> {
  const own = bytes.byteOffset % 8 === 0 && littleEndian ? bytes : new Uint8Array(bytes);
  if (!littleEndian) reverseEach(own, widthOf(dtypeNames[element]));
  const { buffer, byteOffset: at, byteLength: size } = own;
  switch (element) {
    case 'F64':
      return new Float64Array(buffer, at, size / 8);
    case 'F32':
      return new Float32Array(buffer, at, size / 4);
    case 'F16': {
      const table = halves();
      return Float32Array.from(new Uint16Array(buffer, at, size / 2), (bits) => table[bits]);
    }
    case 'BF16':
      return new Float32Array(
        Uint32Array.from(new Uint16Array(buffer, at, size / 2), (bits) => (bits << 16) >>> 0).buffer,
      );
    case 'I64':
      return Float64Array.from(new BigInt64Array(buffer, at, size / 8), Number);
    case 'U64':
      return Float64Array.from(new BigUint64Array(buffer, at, size / 8), Number);
    case 'I32':
      return new Int32Array(buffer, at, size / 4);
    case 'U32':
      return new Uint32Array(buffer, at, size / 4);
    case 'I16':
      return new Int16Array(buffer, at, size / 2);
    case 'U16':
      return new Uint16Array(buffer, at, size / 2);
    case 'I8':
      return new Int8Array(buffer, at, size);
    case 'U8':
      return own;
    case 'BOOL':
      return own.map((byte) => (byte ? 1 : 0));
  }
}

function reverseEach(bytes: Uint8Array, width: number): void {
  if (width > 1) for (let i = 0; i < bytes.length; i += width) bytes.subarray(i, i + width).reverse();
}

let table: Float32Array | undefined;

/** All numbers of 16 bits (IEEE 754 half precision): looked up, as large files have many of them. */
function halves(): Float32Array {
  if (table) return table;
  table = new Float32Array(65536);
  for (let bits = 0; bits < 65536; bits++) {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    table[bits] =
      exponent === 0
        ? sign * fraction * 2 ** -24
        : exponent === 31
          ? fraction
            ? Number.NaN
            : sign * Number.POSITIVE_INFINITY
          : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }
  return table;
}
