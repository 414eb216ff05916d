/**
 * Floating-point numbers as their bits: exponents and powers of two, without a function of Math.
 */

const float64 = /* @__PURE__ */ new Float64Array(1);
const words = /* @__PURE__ */ new Uint32Array(/* @__PURE__ */ float64Buffer());
/** Which of the two words holds sign and exponent. */
const upper = /* @__PURE__ */ upperWord();

function float64Buffer(): ArrayBuffer {
  return float64.buffer as ArrayBuffer;
}

function upperWord(): number {
  float64[0] = 1;
  return words[1] === 0x3ff00000 ? 1 : 0;
}

/** ⌊log₂ |x|⌋ of a finite number other than 0. */
export function exponentOf(x: number): number {
  float64[0] = x;
  const exponent = (words[upper]! >>> 20) & 0x7ff;
  // Subnormal numbers have no exponent of their own.
  return exponent === 0 ? exponentOf(x * 2 ** 54) - 54 : exponent - 1023;
}

/** 2ⁿ for a whole n in −1022 … 1023. */
export function powerOfTwo(n: number): number {
  words[1 - upper] = 0;
  words[upper] = (n + 1023) << 20;
  return float64[0]!;
}

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
