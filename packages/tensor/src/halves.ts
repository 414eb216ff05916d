/**
 * Floating-point numbers of 16 bits: the bits of a number, and the number of bits.
 *
 * `float16` is IEEE 754's binary16; `bfloat16` is the upper half of a float32. Numbers are rounded to float32 first, then to the nearest,
 * halves to the even one, as PyTorch and the other backends do it; every NaN gets the same bits.
 */

/** The two of them. */
export type HalfDType = 'float16' | 'bfloat16';

const floats = /* @__PURE__ */ new Float32Array(1);
const words = /* @__PURE__ */ new Uint32Array(floats.buffer);

/** The bits of the nearest element. */
export function encode(x: number, dtype: HalfDType): number {
  floats[0] = x;
  const word = words[0];
  const size = word & 0x7fffffff;
  const isHalf = dtype === 'float16';
  if (size > 0x7f800000) return isHalf ? 0x7e00 : 0x7fc0;
  if (!isHalf) return withoutBits(word, 16);
  const sign = (word >>> 16) & 0x8000;
  if (size < 0x38800000) {
    // Below 2⁻¹⁴ elements are 2⁻²⁴ apart, as are float32 from ½ to 1: adding ½ rounds.
    floats[0] = Math.abs(floats[0]) + 0.5;
    return sign | (words[0] - 0x3f000000);
  }
  // What is rounded beyond the largest is infinite.
  return sign | Math.min(withoutBits(size - 0x38000000, 13), 0x7c00);
}

/** A word without its last bits, to the nearest, halves to the even one. */
function withoutBits(word: number, bits: number): number {
  return (word + (1 << (bits - 1)) - 1 + ((word >>> bits) & 1)) >>> bits;
}

/** The number of an element's bits. */
export function decode(bits: number, dtype: HalfDType): number {
  if (dtype === 'bfloat16') {
    words[0] = bits << 16;
    return floats[0];
  }
  const size = bits & 0x7fff;
  if (size < 0x400) return (bits & 0x8000 ? -1 : 1) * size * 2 ** -24;
  words[0] = ((bits & 0x8000) << 16) | ((size << 13) + (size >= 0x7c00 ? 0x70000000 : 0x38000000));
  return floats[0];
}

/** The numbers of elements' bits. */
export function decodeAll(bits: ArrayLike<number>, dtype: HalfDType): Float32Array {
  const numbers = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) numbers[i] = decode(bits[i], dtype);
  return numbers;
}
