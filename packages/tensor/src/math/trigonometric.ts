/**
 * Trigonometric functions and their inverses from additions, products, quotients, square roots and bits alone: see
 * `exponential.ts` for why. Errors are below 0.6 units in the last place, for angles of any size.
 *
 * Multiples of π/2 are taken off in parts (Cody & Waite 1980), from large angles with as many digits of 2/π as matter
 * (M. H. Payne, R. N. Hanek, "Radian reduction for trigonometric functions", ACM SIGNUM 18, 1983); what remains is
 * small enough for Taylor series. All inverses are the angle of a point, less the nearest of three known ones.
 * `@ag/native-wasm` takes the same steps in vector code: change both.
 */
import { exponentOf, scaleByPowerOfTwo } from './bits.ts';
import {
  angleBounds,
  angleSeries,
  angles,
  cosineSeries,
  halfPi,
  halfPiParts,
  largestAngle,
  rounding,
  sineSeries,
  twoOverPi,
} from './constants.ts';
import { polynomial, quotient, rest, twoSum, upper } from './parts.ts';

/** The sine of x, in radians. */
export function sin(x: number): number {
  const quadrant = reduced(Math.abs(x));
  const r = rest[0];
  const low = rest[1];
  const value = quadrant % 2 === 0 ? sineOf(r, low) : cosineOf(r, low);
  return (quadrant < 2 ? Math.sign(x) : -Math.sign(x)) * (value + rest[0]);
}

/** The cosine of x, in radians. */
export function cos(x: number): number {
  const quadrant = reduced(Math.abs(x));
  const r = rest[0];
  const low = rest[1];
  const value = quadrant % 2 === 0 ? cosineOf(r, low) : sineOf(r, low);
  return (quadrant === 1 || quadrant === 2 ? -1 : 1) * (value + rest[0]);
}

/** The tangent of x, in radians. */
export function tan(x: number): number {
  const quadrant = reduced(Math.abs(x));
  const r = rest[0];
  const low = rest[1];
  const sine = sineOf(r, low);
  const sineLow = rest[0];
  const cosine = cosineOf(r, low);
  const cosineLow = rest[0];
  const even = quadrant % 2 === 0;
  const first = even
    ? quotient(sine, sineLow, cosine, cosineLow)
    : quotient(cosine, cosineLow, sine, sineLow);
  return (even ? Math.sign(x) : -Math.sign(x)) * (first + rest[0]);
}

/** The angle in −π/2 … π/2 whose sine is x; NaN beyond −1 … 1. */
export function asin(x: number): number {
  const size = Math.abs(x);
  if (!(size <= 1)) return Number.NaN;
  const root = rootOfOneLess(size);
  const angle = angleOf(size, 0, root, rest[0]);
  return Math.sign(x) * (angle + rest[0]);
}

/** The angle in 0 … π whose cosine is x; NaN beyond −1 … 1. */
export function acos(x: number): number {
  const size = Math.abs(x);
  if (!(size <= 1)) return Number.NaN;
  const root = rootOfOneLess(size);
  const angle = angleOf(root, rest[0], size, 0);
  return x < 0 ? fromPi(angle) : angle + rest[0];
}

/** The angle in −π/2 … π/2 whose tangent is x. */
export function atan(x: number): number {
  return atan2(x, 1);
}

/** The angle of the point (x, y), −π … π; signs of zero and infinities as in C's Annex F. */
export function atan2(y: number, x: number): number {
  if (Number.isNaN(x) || Number.isNaN(y)) return Number.NaN;
  let up = Math.abs(y);
  let right = Math.abs(x);
  const largest = Math.max(up, right);
  if (largest === Number.POSITIVE_INFINITY) {
    up = up === largest ? 1 : 0;
    right = right === largest ? 1 : 0;
  } else if (largest === 0) right = 1;
  else {
    // So that nothing overflows or vanishes before the quotient does.
    const scale = largest > 2 ** 900 ? 2 ** -900 : largest < 2 ** -900 ? 2 ** 900 : 1;
    up *= scale;
    right *= scale;
  }
  const angle = angleOf(up, 0, right, 0);
  const left = x < 0 || Object.is(x, -0);
  const size = left ? fromPi(angle) : angle + rest[0];
  return y < 0 || Object.is(y, -0) ? -size : size;
}

/** x − n·π/2 for x ≥ 0 in `rest[0]` and `rest[1]`; gives n modulo 4. */
function reduced(x: number): number {
  if (x > largestAngle) return reducedLarge(x);
  const n = x * (2 / Math.PI) + rounding - rounding;
  const first = twoSum(x - n * halfPiParts[0], -n * halfPiParts[1]);
  const lost = rest[0];
  const second = twoSum(first, -n * halfPiParts[2]);
  const low = lost + rest[0] - n * halfPiParts[3];
  const r = second + low;
  rest[0] = r;
  rest[1] = low - (r - second);
  return n % 4;
}

/** The same for large x. Exact to 2⁻¹⁶⁸ of a quarter turn; no float64 comes nearer to a multiple of one than 2⁻⁶². */
function reducedLarge(x: number): number {
  if (x === Number.POSITIVE_INFINITY) {
    rest[0] = Number.NaN;
    return 0;
  }
  // x = Σ digits[i]·2^(24·(power − i)).
  const power = Math.floor(exponentOf(x) / 24);
  const digits: number[] = [];
  let left = scaleByPowerOfTwo(x, -24 * power);
  for (let i = 0; i < 4; i++) {
    const digit = Math.floor(left);
    digits.push(digit);
    left = (left - digit) * 2 ** 24;
  }
  // The digits of x·2/π from that of 2⁻¹⁶⁸ up to that of 1; those above are multiples of a whole turn.
  const product: number[] = [];
  let carry = 0;
  for (let place = -7; place <= 0; place++) {
    let sum = carry;
    for (let i = 0; i < 4; i++) sum += digits[i] * (twoOverPi[power - 1 - i - place] ?? 0);
    carry = Math.floor(sum / 2 ** 24);
    product.push(sum - carry * 2 ** 24);
  }
  const beyondHalf = product[6] >= 2 ** 23;
  let turn = (beyondHalf ? product[6] - 2 ** 24 : product[6]) * 2 ** -24;
  let low = 0;
  for (let i = 5, unit = 2 ** -48; i >= 0; i--, unit *= 2 ** -24) {
    turn = twoSum(turn, product[i] * unit);
    low += rest[0];
  }
  turn = twoSum(turn, low);
  low = rest[0];
  // Times π/2.
  const [a, p] = [upper(turn), upper(halfPi[0])];
  const [b, q] = [turn - a, halfPi[0] - p];
  const high = turn * halfPi[0];
  const error = a * p - high + a * q + b * p + b * q;
  const correction = error + (turn * halfPi[1] + low * halfPi[0]);
  rest[0] = high + correction;
  rest[1] = correction - (rest[0] - high);
  return (product[7] + (beyondHalf ? 1 : 0)) % 4;
}

/** sin(r + low), what it lacks in `rest[0]`. */
function sineOf(r: number, low: number): number {
  const z = r * r;
  const tail = r * z * polynomial(z, sineSeries);
  const sine = r + tail;
  rest[0] = tail - (sine - r) + low * (1 - 0.5 * z);
  return sine;
}

/** cos(r + low), what it lacks in `rest[0]`. */
function cosineOf(r: number, low: number): number {
  const z = r * r;
  const a = upper(r);
  const half = 0.5 * a * a;
  const near = 1 - half;
  const tail = 1 - near - half + (z * z * polynomial(z, cosineSeries) - 0.5 * (r - a) * (r + a) - r * low);
  const cosine = near + tail;
  rest[0] = tail - (cosine - near);
  return cosine;
}

/** √(1 − x²) for 0 ≤ x ≤ 1, what it lacks in `rest[0]`. */
function rootOfOneLess(x: number): number {
  const a = upper(x);
  const square = twoSum(1, -a * a);
  const squareLow = rest[0] - (x - a) * (x + a);
  const high = square + squareLow;
  const low = squareLow - (high - square);
  const root = Math.sqrt(high);
  const first = upper(root);
  rest[0] = root === 0 ? 0 : (high - first * first + low) / (first + root) - (root - first);
  return root;
}

/** The angle of (right + rightLow, up + upLow), both not negative, what it lacks in `rest[0]`. */
function angleOf(up: number, upLow: number, right: number, rightLow: number): number {
  const steep = up > right;
  const y = steep ? right : up;
  const yLow = steep ? rightLow : upLow;
  const x = steep ? up : right;
  const xLow = steep ? upLow : rightLow;
  const slope = y / x;
  const nearest = angles[slope < angleBounds[0] ? 0 : slope < angleBounds[1] ? 1 : 2];
  const c = nearest[0];
  const across = twoSum(y, -c * x);
  const acrossLow = rest[0] + (yLow - c * xLow);
  const along = twoSum(x, c * y);
  const a = quotient(across, acrossLow, along, rest[0] + (xLow + c * yLow));
  const b = rest[0];
  const s = a + b;
  const z = s * s;
  const tail = s * z * polynomial(z, angleSeries);
  const high = twoSum(nearest[1], s);
  const low = rest[0] + (b - (s - a) + tail + nearest[2]);
  if (!steep) {
    rest[0] = low;
    return high;
  }
  const turned = twoSum(halfPi[0], -high);
  rest[0] += halfPi[1] - low;
  return turned;
}

/** π − (angle + rest[0]). */
function fromPi(angle: number): number {
  const low = rest[0];
  const high = twoSum(2 * halfPi[0], -angle);
  return high + (rest[0] + (2 * halfPi[1] - low));
}
