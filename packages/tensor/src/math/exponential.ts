/**
 * Exponentials, logarithms and powers from additions, products, quotients and bits alone. Functions of `Math` differ
 * between engines in their last bits; these give the same ones wherever arithmetic is IEEE 754, which is everywhere. Errors,
 * measured against 60-digit arithmetic, are below 0.6 units in the last place.
 *
 * Arguments are reduced as in W. J. Cody, W. Waite, "Software Manual for the Elementary Functions" (1980), and by
 * s = (m − c)/(m + c) for logarithms, carried in two parts as in the powers of Sun's fdlibm (K. C. Ng, 1993); what
 * remains is small enough for Taylor series. `@ag/native-wasm` takes the same steps in vector code: change both.
 */
import { exponentNearOne, powerOfTwo } from './bits.ts';
import {
  exponentialSeries,
  ln2,
  logarithmOf075,
  logarithmOf125,
  logarithmSeries,
  rounding,
  tiny,
  twoThirds,
} from './constants.ts';
import { polynomial, quotient, rest, twoSum, upper } from './parts.ts';

/** eˣ. */
export function exp(x: number): number {
  const high = exponentialParts(Math.max(-800, Math.min(800, x)), 0);
  const one = 1 + high;
  return scaled(one + (high - (one - 1) + rest[0]), rest[1]);
}

/** eˣ − 1, exact near 0. */
export function expm1(x: number): number {
  if (Math.abs(x) < tiny) return x;
  const high = withoutOne(Math.max(-60, Math.min(800, x)));
  return scaled(high + rest[0], rest[1]);
}

/** (eˣ − e⁻ˣ) / 2. */
export function sinh(x: number): number {
  if (Math.abs(x) < tiny) return x;
  const high = withoutOne(Math.min(Math.abs(x), 800));
  const low = rest[0];
  const k = rest[1];
  const inverse = lessInverse(high, low, k);
  const unit = powerOfTwo(-Math.min(k, 900));
  const sum = twoSum(high, inverse * unit);
  return Math.sign(x) * scaled(sum + (rest[0] + (low + rest[2] * unit)), k - 1);
}

/** (eˣ + e⁻ˣ) / 2. */
export function cosh(x: number): number {
  const high = withoutOne(Math.min(Math.abs(x), 800));
  const low = rest[0];
  const k = rest[1];
  const inverse = lessInverse(high, low, k);
  const lowInverse = rest[2];
  const unit = powerOfTwo(-Math.min(k, 900));
  // e⁻ˣ = 1 − (1 − e⁻ˣ).
  const complement = twoSum(2, -inverse);
  const complementLow = rest[0] - lowInverse;
  const sum = twoSum(high, complement * unit);
  return scaled(sum + (rest[0] + (low + complementLow * unit)), k - 1);
}

/** sinh / cosh. */
export function tanh(x: number): number {
  if (Math.abs(x) < tiny) return x;
  // With t = e^(2|x|) − 1: t / (t + 2).
  const high = withoutOne(2 * Math.min(Math.abs(x), 30));
  const unit = powerOfTwo(rest[1]);
  const t = high * unit;
  const low = rest[0] * unit;
  const divisor = twoSum(t, 2);
  const first = quotient(t, low, divisor, rest[0] + low);
  return Math.sign(x) * (first + rest[0]);
}

/** Natural logarithm. */
export function log(x: number): number {
  if (!(x > 0) || x === Number.POSITIVE_INFINITY) return logarithmLimit(x);
  const high = logarithmParts(x, 0);
  return high + rest[0];
}

/** log(1 + x), exact near 0. */
export function log1p(x: number): number {
  if (Math.abs(x) < tiny) return x;
  if (!(x > -1) || x === Number.POSITIVE_INFINITY) return logarithmLimit(x + 1);
  const sum = twoSum(1, x);
  const high = logarithmParts(sum, rest[0]);
  return high + rest[0];
}

/** xʸ as C and NumPy define it: 1 to any power is 1, NaN too, and (−1)^±∞ is 1, where JavaScript has NaN. */
export function pow(x: number, y: number): number {
  if (y === 0 || x === 1) return 1;
  if (Number.isNaN(x) || Number.isNaN(y)) return Number.NaN;
  const size = Math.abs(x);
  const odd = Math.abs(y % 2) === 1;
  if (
    x < 0 &&
    size < Number.POSITIVE_INFINITY &&
    !Number.isInteger(y) &&
    Math.abs(y) < Number.POSITIVE_INFINITY
  )
    return Number.NaN;
  const sign = odd && (x < 0 || Object.is(x, -0)) ? -1 : 1;
  if (size === 1) return sign;
  // Beyond 2⁶⁴ every power of another number than 1 overflows or vanishes; below 2⁻⁷⁵ it is 1.
  if (size === 0 || size === Number.POSITIVE_INFINITY || Math.abs(y) > 2 ** 64)
    return sign * (size > 1 === y > 0 ? Number.POSITIVE_INFINITY : 0);
  if (Math.abs(y) < 2 ** -75) return 1;
  const high = logarithmParts(size, 0);
  const logarithm = upper(high);
  const logarithmLow = high - logarithm + rest[0];
  const factor = upper(y);
  const product = factor * logarithm;
  const productLow = (y - factor) * logarithm + y * logarithmLow;
  const whole = product + productLow;
  const clamped = Math.max(-800, Math.min(800, whole));
  const power = exponentialParts(clamped, clamped === whole ? productLow - (whole - product) : 0);
  const one = 1 + power;
  return sign * scaled(one + (power - (one - 1) + rest[0]), rest[1]);
}

/**
 * e^(x + low) = 2ⁿ·(1 + q): gives q, leaves what it lacks in `rest[0]` and n in `rest[1]`. |x| ≤ 800.
 */
function exponentialParts(x: number, low: number): number {
  const n = x * Math.LOG2E + rounding - rounding;
  const high = x - n * ln2[0];
  const lost = n * ln2[1] - low;
  const r = high - lost;
  const rLow = high - r - lost;
  const shifted = 134217729 * r;
  const a = shifted - (shifted - r);
  const square = 0.5 * a * a;
  const squareLow = 0.5 * (r - a) * (r + a);
  const series = polynomial(r, exponentialSeries);
  const q = r + square;
  rest[0] = square - (q - r) + (squareLow + (rLow * (1 + r) + r * r * r * series));
  rest[1] = n;
  return q;
}

/** eˣ − 1 = 2ⁿ·p: gives p, leaves what it lacks in `rest[0]` and n in `rest[1]`. −60 ≤ x ≤ 800. */
function withoutOne(x: number): number {
  const high = exponentialParts(x, 0);
  const unit = powerOfTwo(-Math.min(rest[1], 1000));
  // 1 − 2⁻ⁿ, then q added to it: exact sums of two parts (D. E. Knuth).
  const one = 1 - unit;
  const onePart = one - 1;
  const sum = one + high;
  const part = sum - one;
  const left = one - (sum - part) + (high - part) + (1 - (one - onePart) - (unit + onePart) + rest[0]);
  const p = sum + left;
  rest[0] = left - (p - sum);
  return p;
}

/** 1 − e⁻ˣ = p/(p + 1) from the parts p = (high + low)·2ⁿ of eˣ − 1; what it lacks in `rest[2]`. */
function lessInverse(high: number, low: number, n: number): number {
  const unit = powerOfTwo(Math.min(n, 900));
  const p = high * unit;
  const pLow = low * unit;
  const divisor = twoSum(p, 1);
  const first = quotient(p, pLow, divisor, rest[0] + pLow);
  rest[2] = rest[0];
  return first;
}

/** x·2ⁿ for |n| ≤ 1200, rounded once: the first of two steps rounds nothing. */
function scaled(x: number, n: number): number {
  const half = Math.floor(0.5 * n);
  return x * powerOfTwo(half) * powerOfTwo(n - half);
}

/** log(x + low), what it lacks in `rest[0]`; x positive and finite. */
function logarithmParts(x: number, low: number): number {
  const small = x < 2 ** -960;
  const normal = small ? x * 2 ** 54 : x;
  const shift = exponentNearOne(normal);
  // In two steps: 2⁻¹⁰²⁴ is no normal number.
  const unit = powerOfTwo(2 - shift);
  const m = normal * 0.25 * unit;
  const n = small ? shift - 54 : shift;
  const mLow = low * 0.25 * unit;
  // The nearest c, and its logarithm in two parts, the first with as many bits as that of ln 2.
  const below = m < 0.866;
  const above = m >= 1.118;
  const c = below ? 0.75 : above ? 1.25 : 1;
  const base = n * ln2[0] + (below ? logarithmOf075[0] : above ? logarithmOf125[0] : 0);
  const baseLow = n * ln2[1] + (below ? logarithmOf075[1] : above ? logarithmOf125[1] : 0);
  const distance = m - c + mLow;
  const distanceLow = m - c - distance + mLow;
  const divisor = m + c;
  const divisorLow = m - (divisor - c) + mLow;
  // s = (m − c)/(m + c) in two parts, a with 26 bits.
  const a = quotient(distance, distanceLow, divisor, divisorLow);
  const b = rest[0];
  const s = a + b;
  const z = s * s;
  // log(m/c) = 2/3·s·(3 + s² + tail), the tail 3/5·s⁴ + 3/7·s⁶ + …
  const series = polynomial(z, logarithmSeries);
  const tail = z * z * series + b * (a + s);
  const square = a * a;
  const t = upper(3 + square + tail);
  const tLow = tail - (t - 3 - square);
  const product = a * t;
  const productLow = b * t + tLow * s;
  const p = upper(product + productLow);
  const pLow = productLow - (p - product);
  const high = twoThirds[0] * p;
  const sum = base + high;
  rest[0] = high - (sum - base) + (twoThirds[1] * p + pLow * (2 / 3) + baseLow);
  return sum;
}

function logarithmLimit(x: number): number {
  if (x === 0) return Number.NEGATIVE_INFINITY;
  return x > 0 ? x : Number.NaN;
}
