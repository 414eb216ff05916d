/**
 * Sine, cosine and logarithm from IEEE additions, multiplications and divisions alone. `Math.sin` and its kin may
 * differ in the last bit between engines; data that is promised to be the same everywhere cannot use them.
 * Accuracy is about 1e-14, more than a float32 result needs.
 */

/** sin(2π·turn) for any finite turn. */
export function sineOfTurn(turn: number): number {
  return cosineOfTurn(turn - 0.25);
}

/** cos(2π·turn) for any finite turn. */
export function cosineOfTurn(turn: number): number {
  // Fold to an angle in [0, π/2] by symmetry, then halve it twice so that the Taylor series is short.
  let fraction = Math.abs(turn - Math.round(turn));
  let sign = 1;
  if (fraction > 0.25) {
    fraction = 0.5 - fraction;
    sign = -1;
  }
  const angle = (fraction * 2 * Math.PI) / 4;
  const z = angle * angle;
  // 1 − cos(angle), which keeps its precision where cos(angle) is near 1.
  let versine =
    z * (1 / 2 - z * (1 / 24 - z * (1 / 720 - z * (1 / 40320 - z * (1 / 3628800 - z / 479001600)))));
  // cos 2a = 1 − 2 sin² a = 1 − 2 v (2 − v) with v = 1 − cos a.
  versine = 2 * versine * (2 - versine);
  versine = 2 * versine * (2 - versine);
  return sign * (1 - versine);
}

/** ln(x) for a positive, finite, normal number. */
export function naturalLogarithm(x: number): number {
  bytes.setFloat64(0, x);
  const top = bytes.getUint32(0);
  let exponent = (top >>> 20) - 1023;
  bytes.setUint32(0, (top & 0xfffff) | (1023 << 20));
  let mantissa = bytes.getFloat64(0);
  if (mantissa > Math.SQRT2) {
    mantissa /= 2;
    exponent += 1;
  }
  // ln m = 2 artanh((m − 1) / (m + 1)); the argument is at most 0.1716, so 11 terms suffice.
  const s = (mantissa - 1) / (mantissa + 1);
  const z = s * s;
  let sum = 0;
  for (let k = 21; k >= 1; k -= 2) sum = sum * z + 1 / k;
  return 2 * s * sum + exponent * Math.LN2;
}

const bytes = /* @__PURE__ */ new DataView(/* @__PURE__ */ new ArrayBuffer(8));
