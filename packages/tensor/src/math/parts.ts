/**
 * Numbers as sums of two float64: what the functions of this folder keep of a value beyond 53 bits.
 *
 * T. J. Dekker, "A floating-point technique for extending the available precision", Numerische Mathematik 18 (1971).
 */

/** The further parts of what a function of this folder has just given. Not variables: V8 would allocate their numbers. */
export const rest = /* @__PURE__ */ new Float64Array(3);

/**
 * The upper 26 bits of a number up to 2⁹⁹⁵, rounded (G. W. Veltkamp): products of two such are exact, and x − upper(x)
 * has 26 bits, too.
 */
export function upper(x: number): number {
  const shifted = 134217729 * x;
  return shifted - (shifted - x);
}

/** a + b, and what rounding left of it (D. E. Knuth). */
export function twoSum(a: number, b: number): number {
  const sum = a + b;
  const part = sum - a;
  rest[0] = a - (sum - part) + (b - part);
  return sum;
}

/** Σ coefficients[i]·xⁱ by Horner's rule. */
export function polynomial(x: number, coefficients: readonly number[]): number {
  let sum = coefficients[coefficients.length - 1];
  for (let i = coefficients.length - 2; i >= 0; i--) sum = sum * x + coefficients[i];
  return sum;
}

/** The quotient (high + low) / (divisor + divisorLow), in two parts; the first has 26 bits. */
export function quotient(high: number, low: number, divisor: number, divisorLow: number): number {
  const first = upper(high / divisor);
  const divisorUpper = upper(divisor);
  const remainder = high - first * divisorUpper - first * (divisor - divisorUpper);
  rest[0] = (remainder + (low - first * divisorLow)) / divisor;
  return first;
}
