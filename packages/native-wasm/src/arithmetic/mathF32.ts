/**
 * The float32 functions of the scalar vocabulary, four elements at a time.
 *
 * Largest errors against float64, in units in the last place, with fused and with separate multiply and add, are
 * in the README; `mathF32.test.ts` holds them to a looser bound. All pass NaN on, take infinities to
 * their limits and keep the sign of zero. Results below the normal range are right to their last bit or two.
 *
 * Methods: reduction by multiples of ln 2 or π/2 (W. J. Cody, W. Waite, "Software Manual for the Elementary
 * Functions", 1980), then polynomials made by `scripts/minimax.mjs`.
 */
import type { UnaryOperation } from '@ag/tensor';
import * as w from '../assembler/opcodes.ts';
import { function64 } from './mathF64.ts';
import type { Vector, VectorCode } from './vector.ts';

// Lowest power first; see scripts/minimax.mjs for what each approximates, and how closely.
const coefficients = {
  exp: [0.5000000095, 0.1666651873, 0.04166620545, 0.008368902788, 0.001395051451],
  expm1: [0.5000000046, 0.1666666682, 0.04166635443, 0.008333273003, 0.001394102798, 0.0001991419843],
  log: [0.3333331039, -0.2499998643, 0.2000223058, -0.1666926336, 0.1421857664, -0.1238406903, 0.1187336369, -0.1179171992, 0.06916764383],
  erfSmall: [1.128379166, -0.3761262714, 0.1128360018, -0.02685444465, 0.005189535461, -0.0008020842361, 0.00007889123145],
  erfLarge: [0.0003537197962, 1.127040035, 0.6382256794, 0.1030373668, -0.02180531739, 0.002939607064, -0.000185573985],
  sin: [-0.1666665493, 0.008332177561, -0.0001951721712],
  cos: [0.04166664685, -0.001388736674, 0.00002443835977],
  atan: [-0.3333330187, 0.1999863863, -0.142652455, 0.1095757663, -0.08419460112, 0.05823456436, -0.03145571407, 0.01106444716, -0.001827214293],
  asin: [0.1666675393, 0.07495241769, 0.04547709904, 0.02414760001, 0.0422185686],
  sinh: [0.1666666649, 0.008333350598, 0.0001983606628, 0.000002817439506],
  log2: [2.8853900817904874, 0.9617966728155012, 0.577083689552605, 0.4116662128238981, 0.3408544942691641],
  exp2: [0.9999999999616821, 0.693147180728446, 0.2402265119815738, 0.05550410353451151, 0.009618027253688837, 0.0013333922560860721, 0.00015469291136927985, 0.000015201922240168143],
} as const; // biome-ignore format: a table

/** Adding it leaves the integer nearest to x in the low bits: 1.5·2²³. */
const rounding = 12582912;

/** ln 2 in two parts: the first has 9 bits, so that its product with an exponent is exact. */
const ln2High = 0.693359375;
const ln2Low = -2.12194440054690583e-4;

const signBit = -(2 ** 31);

/** x = n·ln 2 + r with |r| ≤ ln 2 / 2. `shifted` holds n in its low bits. */
function reduceByLn2(v: VectorCode, x: Vector): { shifted: Vector; n: Vector; r: Vector } {
  const shifted = v.madd(x, v.f32(Math.LOG2E), v.f32(rounding));
  const n = v.sub(shifted, v.f32(rounding));
  const r = v.nmadd(n, v.f32(ln2Low), v.nmadd(n, v.f32(ln2High), x));
  return { shifted, n, r };
}

/** e^r for a reduced r. With separate roundings the last two steps lose too much in Horner's form. */
function expOfReduced(v: VectorCode, r: Vector): Vector {
  if (v.target.relaxedSimd) return v.polynomial(r, [1, 1, ...coefficients.exp]);
  return v.add(v.madd(v.mul(r, r), v.polynomial(r, coefficients.exp), r), v.f32(1));
}

/** factor·2^n, in the normal range: n goes straight into the exponent. A NaN makes nonsense of n, so multiply by this. */
function power(v: VectorCode, factor: number, shifted: Vector): Vector {
  return v.addInt(v.shift(w.i32x4_shl, shifted, 23), v.f32(factor));
}

function clamp(v: VectorCode, x: Vector, low: number, high: number): Vector {
  return v.max(v.min(x, v.f32(high)), v.f32(low));
}

/** Up to here e^x and 1/e^x are normal numbers, and their exponents fit in one power of two. */
const farthest = 87;

/**
 * One power of two where results are normal numbers, as nearly all are: two thirds of the instructions of the general form.
 * Which of the two forms is taken depends on all lanes of the vector, so both have to give the same bits: they share the
 * reduced argument and the polynomial, and a product with a power of two is exact. A NaN compares false and goes through either.
 *
 * Without the branch where the engine pairs vectors, which it can in straight code only.
 */
export function exp(v: VectorCode, x: Vector): Vector {
  if (v.target.pairedVectors) return expAnywhere(v, x);
  const { f } = v;
  const result = f.local(w.v128);
  f.get(v.less(v.f32(farthest), v.and(x, v.i32(~signBit)))).op(w.i32x4_bitmask);
  f.if(
    () => f.get(expAnywhere(v, x)).set(result),
    () => {
      // With the bias of exponents in it: the low bits are those of the exponent.
      const shifted = v.madd(x, v.f32(Math.LOG2E), v.f32(rounding + 127));
      const n = v.sub(shifted, v.f32(rounding + 127));
      const r = v.nmadd(n, v.f32(ln2Low), v.nmadd(n, v.f32(ln2High), x));
      f.get(v.mul(expOfReduced(v, r), v.shift(w.i32x4_shl, shifted, 23))).set(result);
    },
  );
  return result;
}

/**
 * In two steps of half the exponent each, so that results beyond the normal range come out right. What is 0 anyway is
 * set to 0 between them: a product that underflows takes a processor a hundred times as long, and masked attention is
 * full of them.
 */
function expAnywhere(v: VectorCode, x: Vector): Vector {
  const { shifted, r } = reduceByLn2(v, clamp(v, x, -105, 90));
  const n = v.subInt(shifted, v.i32(floatBits(rounding)));
  const half = v.shift(w.i32x4_shr_s, n, 1);
  const first = v.without(v.mul(expOfReduced(v, r), power(v, 1, half)), v.less(x, v.f32(-104)));
  return v.mul(first, power(v, 1, v.subInt(n, half)));
}

/** e^x / 2, for x ≥ −80: does not overflow before cosh and sinh do. */
function halfExp(v: VectorCode, x: Vector): Vector {
  const { shifted, r } = reduceByLn2(v, clamp(v, x, -80, 89.5));
  return v.mul(v.mul(expOfReduced(v, r), power(v, 0.25, shifted)), v.f32(2));
}

function floatBits(x: number): number {
  return new Int32Array(new Float32Array([x]).buffer)[0];
}

/** (e^x − 1) / 2 for −20 ≤ x ≤ 88.8. */
function halfExpm1(v: VectorCode, x: Vector): Vector {
  const { shifted, r } = reduceByLn2(v, x);
  const tail = v.madd(v.mul(r, r), v.polynomial(r, coefficients.expm1), r);
  const half = power(v, 0.5, shifted);
  return v.madd(half, tail, v.sub(half, v.f32(0.5)));
}

function expm1(v: VectorCode, x: Vector): Vector {
  const half = halfExpm1(v, clamp(v, x, -20, 88.8));
  const result = v.add(half, half);
  // Below 2⁻²³ the result is x itself, sign of zero included; above e⁸⁸·⁷³ it is infinite.
  const tiny = v.less(v.abs(x), v.f32(2 ** -24));
  return v.select(tiny, x, result);
}

/** 1/(1 + e⁻ˣ); e⁻ˣ is made as 2·(e⁻ˣ/2), which becomes infinite where the result is 0. */
export function sigmoid(v: VectorCode, x: Vector): Vector {
  const { shifted, r } = reduceByLn2(v, clamp(v, v.neg(x), -80, 89));
  const half = v.mul(expOfReduced(v, r), power(v, 0.5, shifted));
  return v.div(v.f32(1), v.madd(half, v.f32(2), v.f32(1)));
}

/** t/(t + 2) with t = e^(2|x|) − 1, which loses nothing near 0. */
export function tanh(v: VectorCode, x: Vector): Vector {
  const a = v.min(v.abs(x), v.f32(10));
  const half = halfExpm1(v, v.add(a, a));
  const result = v.div(half, v.add(half, v.f32(1)));
  return v.or(result, v.and(x, v.i32(signBit)));
}

/** log(m·2^k) = k·ln 2 + log(m), m near 1. `x` must be positive, finite and normal. */
function logOfNormal(v: VectorCode, x: Vector, extra?: Vector): Vector {
  // Subtracting the bits of √½ puts m between √½ and √2.
  const offset = v.subInt(x, v.i32(floatBits(Math.SQRT1_2)));
  const k = v.op1(w.f32x4_convert_i32x4_s, v.shift(w.i32x4_shr_s, offset, 23));
  const m = v.addInt(v.and(offset, v.i32(0x7fffff)), v.i32(floatBits(Math.SQRT1_2)));
  const f = v.sub(m, v.f32(1));
  const square = v.mul(f, f);
  const p = v.polynomial(f, coefficients.log);
  let low = v.madd(v.mul(square, f), p, v.mul(k, v.f32(ln2Low)));
  if (extra !== undefined) low = v.add(low, extra);
  low = v.nmadd(square, v.f32(0.5), low);
  return v.madd(k, v.f32(ln2High), v.add(low, f));
}

export function log(v: VectorCode, x: Vector): Vector {
  const subnormal = v.less(x, v.f32(2 ** -126));
  const scaled = v.select(subnormal, v.mul(x, v.f32(2 ** 23)), x);
  const y = v.sub(logOfNormal(v, scaled), v.and(subnormal, v.f32(23 * Math.LN2)));
  return logLimits(v, x, y);
}

/** What a logarithm of `x` is at 0 and infinity and below 0. */
function logLimits(v: VectorCode, x: Vector, y: Vector): Vector {
  const zero = v.f32(0);
  // +∞ and NaN: x itself.
  const beyond = v.not(v.less(x, v.f32(Infinity)));
  let result = v.select(beyond, x, y);
  result = v.select(v.equal(x, zero), v.f32(-Infinity), result);
  return v.or(result, v.less(x, zero));
}

/** log(u) + (x − (u − 1))/u with u = 1 + x rounded: the correction restores what rounding lost. */
function log1p(v: VectorCode, x: Vector): Vector {
  const one = v.f32(1);
  const u = v.add(x, one);
  const lost = v.select(v.less(x, one), v.sub(x, v.sub(u, one)), v.sub(one, v.sub(u, x)));
  const y = logOfNormal(v, u, v.div(lost, u));
  const tiny = v.less(v.abs(x), v.f32(2 ** -24));
  return v.select(tiny, x, logLimits(v, u, y));
}

function erf(v: VectorCode, x: Vector): Vector {
  const a = v.min(v.abs(x), v.f32(4));
  // erf(x) = x + x·(P − 1): the larger term is exact.
  const [first, ...rest] = coefficients.erfSmall;
  const small = v.madd(x, v.polynomial(v.mul(x, x), [first - 1, ...rest]), x);
  const { shifted, r } = reduceByLn2(v, v.neg(v.polynomial(a, coefficients.erfLarge)));
  const large = v.nmadd(expOfReduced(v, r), power(v, 1, shifted), v.f32(1));
  const signed = v.or(large, v.and(x, v.i32(signBit)));
  const result = v.select(v.less(v.abs(x), v.f32(1)), small, signed);
  return v.select(v.equal(x, x), result, x);
}

/** Above it the float32 multiple of π/2 is no longer exact to a unit. */
const largestAngle = 2 ** 20;
/** π/2 in two float64 parts: products of the first, 33 bits long, with multiples below 2²⁰ are exact. */
const halfPiStart = Math.floor((Math.PI / 2) * 2 ** 32) / 2 ** 32;
const halfPiRest = Math.PI / 2 - halfPiStart + 6.123233995736766e-17;

/** x − n·π/2, made in float64: near a zero of sine or cosine it has lost all leading digits. */
function reduceByHalfPi(v: VectorCode, x: Vector, n: Vector): Vector {
  const f = v.f;
  const half = (x: Vector, n: Vector) => {
    const wide = v.op1(w.f64x2_promote_low_f32x4, n);
    f.get(x).op(w.f64x2_promote_low_f32x4).get(wide).get(v.f64(halfPiStart)).op(w.f64x2_mul).op(w.f64x2_sub);
    f.get(wide).get(v.f64(halfPiRest)).op(w.f64x2_mul).op(w.f64x2_sub).op(w.f32x4_demote_f64x2_zero);
    return v.keep();
  };
  const low = half(x, n);
  return v.shuffle32(low, half(v.shuffle32(x, x, 2, 3, 2, 3), v.shuffle32(n, n, 2, 3, 2, 3)), 0, 1, 4, 5);
}

/** sin and cos of x, or their quotient, from the quadrant of x and the two polynomials. */
function trigonometric(v: VectorCode, x: Vector, what: 'sin' | 'cos' | 'tan'): Vector {
  const f = v.f;
  const shifted = v.madd(x, v.f32(2 / Math.PI), v.f32(rounding));
  const n = v.sub(shifted, v.f32(rounding));
  const r = reduceByHalfPi(v, x, n);
  const square = v.mul(r, r);
  const sin = v.madd(v.mul(square, r), v.polynomial(square, coefficients.sin), r);
  const even = v.nmadd(square, v.f32(0.5), v.f32(1));
  const cos = v.madd(v.mul(square, square), v.polynomial(square, coefficients.cos), even);
  const odd = v.op2(w.i32x4_eq, v.and(shifted, v.i32(1)), v.i32(1));
  const sign = (quadrant: Vector) => v.shift(w.i32x4_shl, v.and(quadrant, v.i32(2)), 30);
  let result: Vector;
  if (what === 'sin') result = v.xor(v.select(odd, cos, sin), sign(shifted));
  else if (what === 'cos') result = v.xor(v.select(odd, sin, cos), sign(v.addInt(shifted, v.i32(1))));
  else result = v.xor(v.div(v.select(odd, cos, sin), v.select(odd, sin, cos)), v.and(odd, v.i32(signBit)));
  if (what !== 'cos') result = v.select(v.less(v.abs(x), v.f32(2 ** -12)), x, result);
  // Few programs ever take the sine of such angles; the ones that do get an exact reduction, lane by lane.
  f.get(v.less(v.abs(x), v.f32(largestAngle)))
    .op(w.i32x4_all_true)
    .op(w.i32_eqz);
  f.if(() => {
    for (let lane = 0; lane < 4; lane++) {
      f.get(result).get(x).lane(w.f32x4_extract_lane, lane).op(w.f64_promote_f32).op(w.f64x2_splat);
      f.call(function64(v.target, v, what)).lane(w.f64x2_extract_lane, 0);
      f.op(w.f32_demote_f64).lane(w.f32x4_replace_lane, lane).set(result);
    }
  });
  return result;
}

/** atan(t) for 0 ≤ t ≤ 1. */
function atanBelowOne(v: VectorCode, t: Vector): Vector {
  const square = v.mul(t, t);
  return v.madd(v.mul(square, t), v.polynomial(square, coefficients.atan), t);
}

/** π/2 as the sum of two float32 numbers, and π likewise. */
const halfPiHigh = Math.fround(Math.PI / 2);
const halfPiLow = Math.PI / 2 - halfPiHigh;

function atan(v: VectorCode, x: Vector): Vector {
  const a = v.abs(x);
  const beyond = v.less(v.f32(1), a);
  const y = atanBelowOne(v, v.select(beyond, v.div(v.f32(1), a), a));
  const folded = v.add(v.sub(v.f32(halfPiHigh), y), v.f32(halfPiLow));
  return v.or(v.select(beyond, folded, y), v.and(x, v.i32(signBit)));
}

/** The angle of the point (x, y), −π … π, all signs of zero and infinities as in C's Annex F. */
export function atan2(v: VectorCode, y: Vector, x: Vector): Vector {
  const ax = v.abs(x);
  const ay = v.abs(y);
  const steep = v.less(ax, ay);
  const low = v.select(steep, ax, ay);
  const high = v.select(steep, ay, ax);
  let t = v.div(low, high);
  // Two zeros give 0/0 and two infinities ∞/∞.
  t = v.select(v.equal(high, v.f32(0)), v.f32(0), t);
  t = v.select(v.equal(low, v.f32(Infinity)), v.f32(1), t);
  let angle = atanBelowOne(v, t);
  angle = v.select(steep, v.add(v.sub(v.f32(halfPiHigh), angle), v.f32(halfPiLow)), angle);
  const left = v.shift(w.i32x4_shr_s, x, 31);
  angle = v.select(left, v.add(v.sub(v.f32(2 * halfPiHigh), angle), v.f32(2 * halfPiLow)), angle);
  // The selects above may have dropped a NaN.
  const valid = v.and(v.equal(x, x), v.equal(y, y));
  return v.or(v.or(angle, v.and(y, v.i32(signBit))), v.not(valid));
}

/** asin of 0 … ½, given it and its square. */
function asinBelowHalf(v: VectorCode, t: Vector, square: Vector): Vector {
  return v.madd(v.mul(square, t), v.polynomial(square, coefficients.asin), t);
}

/** Above ½: asin(x) = π/2 − 2·asin(√((1 − x)/2)). Outside −1 … 1 the square root is NaN. */
function arcs(v: VectorCode, x: Vector): { a: Vector; large: Vector; t: Vector } {
  const a = v.abs(x);
  const large = v.less(v.f32(0.5), a);
  const quotient = v.mul(v.sub(v.f32(1), a), v.f32(0.5));
  const square = v.select(large, quotient, v.mul(a, a));
  const t = asinBelowHalf(v, v.select(large, v.sqrt(quotient), a), square);
  return { a, large, t };
}

function asin(v: VectorCode, x: Vector): Vector {
  const { large, t } = arcs(v, x);
  const folded = v.add(v.nmadd(t, v.f32(2), v.f32(halfPiHigh)), v.f32(halfPiLow));
  return v.or(v.select(large, folded, t), v.and(x, v.i32(signBit)));
}

function acos(v: VectorCode, x: Vector): Vector {
  const { large, t } = arcs(v, x);
  const negative = v.shift(w.i32x4_shr_s, x, 31);
  const double = v.add(t, t);
  const signed = v.xor(t, v.and(x, v.i32(signBit)));
  const middle = v.add(v.sub(v.f32(halfPiHigh), signed), v.f32(halfPiLow));
  const far = v.add(v.sub(v.f32(2 * halfPiHigh), double), v.f32(2 * halfPiLow));
  return v.select(large, v.select(negative, far, double), middle);
}

function sinh(v: VectorCode, x: Vector): Vector {
  const a = v.abs(x);
  const square = v.mul(x, x);
  const small = v.madd(v.mul(square, x), v.polynomial(square, coefficients.sinh), x);
  const half = halfExp(v, a);
  const large = v.or(v.sub(half, v.div(v.f32(0.25), half)), v.and(x, v.i32(signBit)));
  return v.select(v.less(a, v.f32(1)), small, large);
}

function cosh(v: VectorCode, x: Vector): Vector {
  const half = halfExp(v, v.abs(x));
  return v.add(half, v.div(v.f32(0.25), half));
}

/** Two lanes of 2^(y·log₂ x) in float64 for x > 0, so that rounding to float32 is the only error that shows. */
function power64(v: VectorCode, x: Vector, y: Vector): Vector {
  const f = v.f;
  // x = m·2^k with m between √½ and √2; k + 1023 is made a float64 by putting it under the bits of 2⁵².
  const root = v.entry('root', () => f.f64(Math.SQRT1_2).op(w.i64_reinterpret_f64).op(w.i64x2_splat));
  const bits = v.op2(w.i64x2_sub, x, root);
  const exponent = v.shift(w.i64x2_shr_s, bits, 52);
  const m = v.op2(w.i64x2_sub, x, v.shift(w.i64x2_shl, exponent, 52));
  const low = v.shuffle32(exponent, exponent, 0, 2, 0, 2);
  const k = v.op1(w.f64x2_convert_low_i32x4_s, low);
  const one = v.f64(1);
  const s = v.op2(w.f64x2_div, v.op2(w.f64x2_sub, m, one), v.op2(w.f64x2_add, m, one));
  const series = v.polynomial64(v.op2(w.f64x2_mul, s, s), coefficients.log2);
  const logarithm = v.op2(w.f64x2_add, v.op2(w.f64x2_mul, s, series), k);
  let e = v.op2(w.f64x2_mul, y, logarithm);
  e = v.op2(w.f64x2_pmax, v.op2(w.f64x2_pmin, e, v.f64(300)), v.f64(-300));
  const n = v.op1(w.f64x2_nearest, e);
  const p = v.polynomial64(v.op2(w.f64x2_sub, e, n), coefficients.exp2);
  f.get(n).op(w.i32x4_trunc_sat_f64x2_s_zero).op(w.i64x2_extend_low_i32x4_s).i32(52).op(w.i64x2_shl).set(low);
  return v.op2(w.i64x2_add, p, low);
}

/** Powers as in C's Annex F: 1^y = x^0 = 1 even for NaN, a negative base with a fraction gives NaN. */
export function pow(v: VectorCode, x: Vector, y: Vector): Vector {
  const f = v.f;
  const a = v.abs(x);
  const zero = v.f32(0);
  const one = v.f32(1);
  const infinity = v.f32(Infinity);
  const high = (u: Vector) => v.shuffle32(u, u, 2, 3, 2, 3);
  const wide = (u: Vector) => v.op1(w.f64x2_promote_low_f32x4, u);
  // 0 and ∞ have no place on the exponent scale of float64 arithmetic below: treated apart.
  const lowHalf = power64(v, wide(a), wide(y));
  const highHalf = power64(v, wide(high(a)), wide(high(y)));
  f.get(lowHalf)
    .op(w.f32x4_demote_f64x2_zero)
    .get(highHalf)
    .op(w.f32x4_demote_f64x2_zero)
    .shuffle32(0, 1, 4, 5);
  let result = v.keep();
  const rising = v.less(zero, y);
  const limit = (grows: Vector) => v.and(grows, infinity);
  result = v.select(v.equal(a, zero), limit(v.less(y, zero)), result);
  result = v.select(v.equal(a, infinity), limit(rising), result);
  // y = ±∞: grows where |x| > 1 and y > 0 or |x| < 1 and y < 0.
  const above = v.less(one, a);
  const endless = v.select(v.equal(a, one), one, limit(v.not(v.xor(above, rising))));
  result = v.select(v.equal(v.abs(y), infinity), endless, result);
  const whole = v.equal(v.op1(w.f32x4_nearest, y), y);
  const halved = v.mul(y, v.f32(0.5));
  const odd = v.without(whole, v.equal(v.op1(w.f32x4_nearest, halved), halved));
  result = v.xor(result, v.and(v.and(x, odd), v.i32(signBit)));
  const negative = v.and(v.less(x, zero), v.less(a, infinity));
  result = v.or(result, v.without(negative, whole));
  result = v.or(result, v.not(v.and(v.equal(x, x), v.equal(y, y))));
  return v.select(v.or(v.equal(x, one), v.equal(y, zero)), one, result);
}

type Unary = (v: VectorCode, x: Vector) => Vector;

/** Functions made of many operations. Those in `inlined` are worth a copy in every loop, the others are called. */
export const unaryFunctions: Partial<Record<UnaryOperation, Unary>> = {
  exp,
  expm1,
  log,
  log1p,
  sigmoid,
  tanh,
  erf,
  sin: (v, x) => trigonometric(v, x, 'sin'),
  cos: (v, x) => trigonometric(v, x, 'cos'),
  tan: (v, x) => trigonometric(v, x, 'tan'),
  asin,
  acos,
  atan,
  sinh,
  cosh,
};

export const inlined: ReadonlySet<string> = new Set(['exp', 'log', 'sigmoid', 'tanh', 'erf']);
