/**
 * Functions of one element that JavaScript's Math lacks or defines otherwise than the kernel vocabulary does.
 */
import { type DType, integerLimits } from '../dtype.ts';
import { exp } from '../math/index.ts';

/**
 * `base ** exponent` of integers by repeated squaring, wrapping at 32 bits. A negative exponent gives the reciprocal
 * rounded toward zero: ±1 for a base of ±1, else 0.
 */
export function integerPower(base: number, exponent: number): number {
  if (exponent < 0) {
    if (base === 1) return 1;
    if (base === -1) return exponent % 2 === 0 ? 1 : -1;
    return 0;
  }
  let result = 1;
  let square = base;
  for (let rest = exponent; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = Math.imul(result, square);
    square = Math.imul(square, square);
  }
  return result;
}

/** Remainder with the sign of the divisor, zero included, as NumPy's `mod`. */
export function modulo(dividend: number, divisor: number): number {
  const remainder = dividend % divisor;
  if (remainder === 0) return divisor < 0 ? -0 : 0;
  return remainder < 0 !== divisor < 0 ? remainder + divisor : remainder;
}

/** Remainder of integers with the sign of the divisor; 0 when the divisor is 0, as NumPy's `mod`. */
export function integerModulo(dividend: number, divisor: number): number {
  if (divisor === 0) return 0;
  const remainder = dividend % divisor;
  return remainder !== 0 && remainder < 0 !== divisor < 0 ? remainder + divisor : remainder;
}

/** Bits moved up; what leaves the 32 is lost. */
export function shiftLeft(x: number, count: number): number {
  return count >= 0 && count < 32 ? x << count : 0;
}

/** Bits moved down; the sign comes in from above. Integers without a sign are numbers ≥ 0 here. */
export function shiftRight(x: number, count: number): number {
  if (x < 0) return count >= 0 && count < 32 ? x >> count : -1;
  return count >= 0 && count < 32 ? x >>> count : 0;
}

const twoTo52 = 4503599627370496;

/** The nearest integer, halves to the even one. Adding 2⁵² leaves a double no bits for a fraction. */
export function roundHalfToEven(x: number): number {
  if (x > 0) return x < twoTo52 ? x + twoTo52 - twoTo52 : x;
  if (x < 0) return x > -twoTo52 ? -(twoTo52 - x - twoTo52) : x;
  return x;
}

/** 1 / (1 + e⁻ˣ), written so that the exponential never overflows. */
export function sigmoid(x: number): number {
  if (x >= 0) return 1 / (1 + exp(-x));
  const e = exp(x);
  return e / (1 + e);
}

// Coefficients of W. J. Cody, "Rational Chebyshev approximations for the error function", Math. Comp. 23 (1969), 631–637.
const erfNumerator = [
  1.85777706184603153e-1, 3.1611237438705656, 1.13864154151050156e2, 3.77485237685302021e2,
  3.20937758913846947e3,
] as const;
const erfDenominator = [
  2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3,
] as const;
const middleNumerator = [
  2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594, 6.61191906371416295e1, 2.98635138197400131e2,
  8.8195222124176909e2, 1.71204761263407058e3, 2.05107837782607147e3, 1.23033935479799725e3,
] as const; // biome-ignore format: a table
const middleDenominator = [
  1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3, 3.29079923573345963e3,
  4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3,
] as const; // biome-ignore format: a table
const farNumerator = [
  1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1,
  1.60837851487422766e-2, 6.58749161529837803e-4,
] as const; // biome-ignore format: a table
const farDenominator = [
  2.56852019228982242, 1.87295284992346725, 5.27905102951428412e-1, 6.05183413124413191e-2, 2.33520497626869185e-3,
] as const; // biome-ignore format: a table

/** Σ coefficients[i]·x^(n−i), the highest power first. */
function polynomial(coefficients: readonly number[], x: number): number {
  let sum = coefficients[0];
  for (let i = 1; i < coefficients.length; i++) sum = sum * x + coefficients[i];
  return sum;
}

/** x^n + Σ coefficients[i]·x^(n−1−i): the leading coefficient is 1. */
function monicPolynomial(coefficients: readonly number[], x: number): number {
  let sum = 1;
  for (let i = 0; i < coefficients.length; i++) sum = sum * x + coefficients[i];
  return sum;
}

/**
 * The error function 2/√π ∫₀ˣ exp(−t²) dt by Cody's three rational approximations (1969): erf itself up to 0.46875,
 * 1 − erfc beyond. Measured against 40-digit arithmetic at 45,000 points: at most 3.2 units in the last place.
 */
export function erf(x: number): number {
  const y = Math.abs(x);
  if (y <= 0.46875) {
    const square = y * y;
    return (x * polynomial(erfNumerator, square)) / monicPolynomial(erfDenominator, square);
  }
  if (Number.isNaN(x)) return x;
  if (y > 6) return x < 0 ? -1 : 1; // erfc(6) is below half a unit in the last place of 1.
  let complement: number;
  if (y <= 4) {
    complement = polynomial(middleNumerator, y) / monicPolynomial(middleDenominator, y);
  } else {
    const z = 1 / (y * y);
    complement =
      (1 / Math.sqrt(Math.PI) - (z * polynomial(farNumerator, z)) / monicPolynomial(farDenominator, z)) / y;
  }
  const magnitude = 1 - complement * exp(-y * y);
  return x < 0 ? -magnitude : magnitude;
}

/** Lowest and highest element of a dtype: the identities of max and min. */
export function limits(dtype: DType): readonly [number, number] {
  if (dtype === 'float32' || dtype === 'float64') return [-Infinity, Infinity];
  return dtype === 'bool' ? [0, 1] : integerLimits[dtype as keyof typeof integerLimits];
}

/**
 * First word of Threefry-2x32 with 20 rounds: J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random
 * numbers: as easy as 1, 2, 3", SC 2011, section 4.2. A key word is added after every fourth round.
 */
export function threefry(key0: number, key1: number, counter0: number, counter1: number): number {
  let a = key1;
  let b = key0 ^ key1 ^ 0x1bd11bda;
  let c = key0;
  let x = (counter0 + key0) | 0;
  let y = (counter1 + key1) | 0;
  for (let group = 1; group <= 5; group++) {
    if (group % 2 === 1) {
      x = (x + y) | 0;
      y = rotate(y, 13) ^ x;
      x = (x + y) | 0;
      y = rotate(y, 15) ^ x;
      x = (x + y) | 0;
      y = rotate(y, 26) ^ x;
      x = (x + y) | 0;
      y = rotate(y, 6) ^ x;
    } else {
      x = (x + y) | 0;
      y = rotate(y, 17) ^ x;
      x = (x + y) | 0;
      y = rotate(y, 29) ^ x;
      x = (x + y) | 0;
      y = rotate(y, 16) ^ x;
      x = (x + y) | 0;
      y = rotate(y, 24) ^ x;
    }
    x = (x + a) | 0;
    y = (y + b + group) | 0;
    const next = a;
    a = b;
    b = c;
    c = next;
  }
  return x >>> 0;
}

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}
