/**
 * Exponents of floating-point numbers and powers of two, without a function of Math.
 */

const float64 = /* @__PURE__ */ new Float64Array(1);
const words = /* @__PURE__ */ wordsOf(float64);
/** Which of the two words holds sign and exponent. */
const upperWord = /* @__PURE__ */ upperOf(float64, words);

function wordsOf(array: Float64Array): Int32Array {
  return new Int32Array(array.buffer as ArrayBuffer);
}

function upperOf(array: Float64Array, halves: Int32Array): number {
  array[0] = 1;
  return halves[1] === 0x3ff00000 ? 1 : 0;
}

/** 2⁻¹⁰²² … 2¹⁰²³. Making them from words at each call costs more: a load of both halves waits for their stores. */
const powers = /* @__PURE__ */ powersOfTwo();

function powersOfTwo(): Float64Array {
  const table = new Float64Array(2046);
  table[1022] = 1;
  for (let n = 1; n <= 1023; n++) {
    table[1022 + n] = 2 * table[1021 + n];
    if (n < 1023) table[1022 - n] = table[1023 - n] / 2;
  }
  return table;
}

/** 2ⁿ for a whole n in −1022 … 1023. */
export function powerOfTwo(n: number): number {
  return powers[n + 1022];
}

/** ⌊log₂ |x|⌋ of a finite number other than 0. */
export function exponentOf(x: number): number {
  float64[0] = x;
  const exponent = (words[upperWord] >>> 20) & 0x7ff;
  // Subnormal numbers have no exponent of their own.
  return exponent === 0 ? exponentOf(x * 2 ** 54) - 54 : exponent - 1023;
}

/** For a positive normal number the n with x/2ⁿ in [√½, √2), up to the last bits of the ends. */
export function exponentNearOne(x: number): number {
  float64[0] = x;
  return (words[upperWord] - rootHalf) >> 20;
}

/** The upper word of √½. */
const rootHalf = 0x3fe6a09e;

/** x · 2ⁿ for any whole n, rounded once (the steps are those of musl's `scalbn`). */
export function scaleByPowerOfTwo(x: number, n: number): number {
  let scaled = x;
  let rest = n;
  for (let i = 0; i < 2 && rest > 1023; i++) {
    scaled *= 2 ** 1023;
    rest -= 1023;
  }
  // 2⁻⁹⁶⁹ and not 2⁻¹⁰²²: what is left is large enough for the last step to be the only one that rounds.
  for (let i = 0; i < 2 && rest < -1022; i++) {
    scaled *= 2 ** -969;
    rest += 969;
  }
  return scaled * powerOfTwo(Math.max(-1022, Math.min(1023, rest)));
}
