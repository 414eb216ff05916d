// biome-ignore-all format: a line of instructions is a line of thought
/**
 * The float64 functions of the scalar vocabulary, two elements at a time: the steps of `@ag/tensor/math` one by one, so that
 * both give the same bits, on every engine. Read its sources for what the steps are; change both together.
 *
 * No fused multiply-add may stand here: it would round once where those sources round twice.
 */
import type { UnaryOperation } from '@ag/tensor';
import { constants } from '@ag/tensor/math';
import type { Target } from '../abi.ts';
import type { Callable } from '../assembler/functionBuilder.ts';
import * as w from '../assembler/opcodes.ts';
import { control } from '../control.ts';
import type { Vector, VectorCode } from './vector.ts';

/** A value in two parts. */
type Parts = readonly [high: Vector, low: Vector];

/** Arithmetic on pairs of float64. Numbers stand for constants: see `number`. */
class Doubles {
  readonly v: VectorCode;

  constructor(v: VectorCode) {
    this.v = v;
  }

  /** A constant where it is used: at the entry, as elsewhere, so many would be made at every call, and few fit into registers. */
  number(x: number): Vector {
    this.v.f.f64x2(x);
    return this.v.keep();
  }

  add = (a: Vector, b: Vector) => this.v.op2(w.f64x2_add, a, b);
  sub = (a: Vector, b: Vector) => this.v.op2(w.f64x2_sub, a, b);
  mul = (a: Vector, b: Vector) => this.v.op2(w.f64x2_mul, a, b);
  div = (a: Vector, b: Vector) => this.v.op2(w.f64x2_div, a, b);
  times = (x: number, a: Vector) => this.mul(this.number(x), a);
  neg = (a: Vector) => this.v.op1(w.f64x2_neg, a);
  abs = (a: Vector) => this.v.op1(w.f64x2_abs, a);
  floor = (a: Vector) => this.v.op1(w.f64x2_floor, a);
  less = (a: Vector, b: Vector) => this.v.op2(w.f64x2_lt, a, b);
  equal = (a: Vector, b: Vector) => this.v.op2(w.f64x2_eq, a, b);
  /** The smaller or larger one; `a` where it is NaN. */
  least = (a: Vector, b: number) => this.v.op2(w.f64x2_pmin, a, this.number(b));
  most = (a: Vector, b: number) => this.v.op2(w.f64x2_pmax, a, this.number(b));
  select = (mask: Vector, a: Vector, b: Vector) => this.v.select(mask, a, b);

  /** The nearest whole number, as that and with its low bits in a float64. */
  whole(x: Vector): { n: Vector; shifted: Vector } {
    const shifted = this.add(x, this.number(constants.rounding));
    return { n: this.sub(shifted, this.number(constants.rounding)), shifted };
  }

  upper(x: Vector): Vector {
    const shifted = this.times(134217729, x);
    return this.sub(shifted, this.sub(shifted, x));
  }

  twoSum(a: Vector, b: Vector): Parts {
    const sum = this.add(a, b);
    const part = this.sub(sum, a);
    return [sum, this.add(this.sub(a, this.sub(sum, part)), this.sub(b, part))];
  }

  polynomial(x: Vector, coefficients: readonly number[]): Vector {
    let sum = this.number(coefficients[coefficients.length - 1]);
    for (let i = coefficients.length - 2; i >= 0; i--) sum = this.add(this.mul(sum, x), this.number(coefficients[i]));
    return sum;
  }

  quotient(high: Vector, low: Vector, divisor: Vector, divisorLow: Vector): Parts {
    const first = this.upper(this.div(high, divisor));
    const upper = this.upper(divisor);
    const remainder = this.sub(this.sub(high, this.mul(first, upper)), this.mul(first, this.sub(divisor, upper)));
    return [first, this.div(this.add(remainder, this.sub(low, this.mul(first, divisorLow))), divisor)];
  }

  /** 2ⁿ for whole n in −1022 … 1023: they go straight into the exponent. */
  powerOfTwo(n: Vector): Vector {
    return this.v.shift(w.i64x2_shl, this.add(n, this.number(constants.rounding + 1023)), 52);
  }

  scaled(x: Vector, n: Vector): Vector {
    const half = this.floor(this.times(0.5, n));
    return this.mul(this.mul(x, this.powerOfTwo(half)), this.powerOfTwo(this.sub(n, half)));
  }

  /** |x| with the sign of `sign`. */
  signed = (size: Vector, sign: Vector) => this.v.or(size, this.v.and(sign, this.number(-0)));

  /** All ones where bit `bit` of the whole number in `shifted` is set. */
  bit(shifted: Vector, bit: number): Vector {
    return this.v.shift(w.i64x2_shr_s, this.v.shift(w.i64x2_shl, shifted, 63 - bit), 63);
  }
}

// Exponentials

function exponentialParts(d: Doubles, x: Vector, low?: Vector): { q: Vector; rest: Vector; n: Vector } {
  const { add, sub, mul } = d;
  const { n } = d.whole(mul(x, d.number(Math.LOG2E)));
  const high = sub(x, mul(n, d.number(constants.ln2[0])));
  const product = mul(n, d.number(constants.ln2[1]));
  const lost = low === undefined ? product : sub(product, low);
  const r = sub(high, lost);
  const rLow = sub(sub(high, r), lost);
  const a = d.upper(r);
  const square = mul(d.times(0.5, a), a);
  const squareLow = mul(d.times(0.5, sub(r, a)), add(r, a));
  const series = d.polynomial(r, constants.exponentialSeries);
  const q = add(r, square);
  const tail = add(mul(rLow, add(d.number(1), r)), mul(mul(mul(r, r), r), series));
  return { q, rest: add(sub(square, sub(q, r)), add(squareLow, tail)), n };
}

/** 1 + q + rest, times 2ⁿ. */
function exponential(d: Doubles, { q, rest, n }: ReturnType<typeof exponentialParts>): Vector {
  const one = d.add(d.number(1), q);
  return d.scaled(d.add(one, d.add(d.sub(q, d.sub(one, d.number(1))), rest)), n);
}

function exp(d: Doubles, x: Vector): Vector {
  return exponential(d, exponentialParts(d, d.most(d.least(x, 800), -800)));
}

/** eˣ − 1 = 2ⁿ·(high + low). */
function withoutOne(d: Doubles, x: Vector): { high: Vector; low: Vector; n: Vector } {
  const { add, sub } = d;
  const { q, rest, n } = exponentialParts(d, x);
  const unit = d.powerOfTwo(d.neg(d.least(n, 1000)));
  const one = sub(d.number(1), unit);
  const onePart = sub(one, d.number(1));
  const sum = add(one, q);
  const part = sub(sum, one);
  const oneLow = sub(sub(d.number(1), sub(one, onePart)), add(unit, onePart));
  const left = add(add(sub(one, sub(sum, part)), sub(q, part)), add(oneLow, rest));
  const high = add(sum, left);
  return { high, low: sub(left, sub(high, sum)), n };
}

const isTiny = (d: Doubles, x: Vector) => d.less(d.abs(x), d.number(constants.tiny));

function expm1(d: Doubles, x: Vector): Vector {
  const { high, low, n } = withoutOne(d, d.most(d.least(x, 800), -60));
  return d.select(isTiny(d, x), x, d.scaled(d.add(high, low), n));
}

/** 1 − e⁻ˣ. */
function lessInverse(d: Doubles, high: Vector, low: Vector, n: Vector): Parts {
  const unit = d.powerOfTwo(d.least(n, 900));
  const [p, pLow] = [d.mul(high, unit), d.mul(low, unit)];
  const [divisor, rest] = d.twoSum(p, d.number(1));
  return d.quotient(p, pLow, divisor, d.add(rest, pLow));
}

function sinh(d: Doubles, x: Vector): Vector {
  const { add, mul } = d;
  const { high, low, n } = withoutOne(d, d.least(d.abs(x), 800));
  const [inverse, inverseLow] = lessInverse(d, high, low, n);
  const unit = d.powerOfTwo(d.neg(d.least(n, 900)));
  const [sum, rest] = d.twoSum(high, mul(inverse, unit));
  const size = d.scaled(add(sum, add(rest, add(low, mul(inverseLow, unit)))), d.sub(n, d.number(1)));
  return d.select(isTiny(d, x), x, d.signed(size, x));
}

function cosh(d: Doubles, x: Vector): Vector {
  const { add, sub, mul } = d;
  const { high, low, n } = withoutOne(d, d.least(d.abs(x), 800));
  const [inverse, inverseLow] = lessInverse(d, high, low, n);
  const unit = d.powerOfTwo(d.neg(d.least(n, 900)));
  const [complement, rest] = d.twoSum(d.number(2), d.neg(inverse));
  const complementLow = sub(rest, inverseLow);
  const [sum, sumLow] = d.twoSum(high, mul(complement, unit));
  return d.scaled(add(sum, add(sumLow, add(low, mul(complementLow, unit)))), sub(n, d.number(1)));
}

function tanh(d: Doubles, x: Vector): Vector {
  const { high, low, n } = withoutOne(d, d.times(2, d.least(d.abs(x), 30)));
  const unit = d.powerOfTwo(n);
  const [t, tLow] = [d.mul(high, unit), d.mul(low, unit)];
  const [divisor, rest] = d.twoSum(t, d.number(2));
  const [first, second] = d.quotient(t, tLow, divisor, d.add(rest, tLow));
  return d.select(isTiny(d, x), x, d.signed(d.add(first, second), x));
}

// Logarithms and powers

function logarithmParts(d: Doubles, x: Vector, low?: Vector): Parts {
  const { v, add, sub, mul } = d;
  const number = (x: number) => d.number(x);
  const small = d.less(x, number(2 ** -960));
  const normal = d.select(small, mul(x, number(2 ** 54)), x);
  // The bits of √½ without those of its lower half, taken off: the exponent of x, rounded to that of the nearest power of two.
  const rootHalf = v.entry('rootHalf', () => v.f.v128(new Uint8Array(new Int32Array([0, 0x3fe6a09e, 0, 0x3fe6a09e]).buffer)));
  const steps = v.shift(w.i64x2_shr_s, v.op2(w.i64x2_sub, normal, rootHalf), 52);
  const shift = sub(v.op2(w.i64x2_add, steps, number(constants.rounding)), number(constants.rounding));
  const unit = d.powerOfTwo(sub(number(2), shift));
  const m = mul(mul(normal, number(0.25)), unit);
  const n = d.select(small, sub(shift, number(54)), shift);
  const mLow = low === undefined ? number(0) : mul(mul(low, number(0.25)), unit);
  const below = d.less(m, number(0.866));
  const above = v.op2(w.f64x2_ge, m, number(1.118));
  const choose = (first: number, second: number, third: number) =>
    d.select(below, number(first), d.select(above, number(third), number(second)));
  const { ln2, logarithmOf075, logarithmOf125, twoThirds } = constants;
  const c = choose(0.75, 1, 1.25);
  const base = add(mul(n, number(ln2[0])), choose(logarithmOf075[0], 0, logarithmOf125[0]));
  const baseLow = add(mul(n, number(ln2[1])), choose(logarithmOf075[1], 0, logarithmOf125[1]));
  const distance = add(sub(m, c), mLow);
  const distanceLow = add(sub(sub(m, c), distance), mLow);
  const divisor = add(m, c);
  const divisorLow = add(sub(m, sub(divisor, c)), mLow);
  const [a, b] = d.quotient(distance, distanceLow, divisor, divisorLow);
  const s = add(a, b);
  const z = mul(s, s);
  const series = d.polynomial(z, constants.logarithmSeries);
  const tail = add(mul(mul(z, z), series), mul(b, add(a, s)));
  const square = mul(a, a);
  const t = d.upper(add(add(number(3), square), tail));
  const tLow = sub(tail, sub(sub(t, number(3)), square));
  const product = mul(a, t);
  const productLow = add(mul(b, t), mul(tLow, s));
  const p = d.upper(add(product, productLow));
  const pLow = sub(productLow, sub(p, product));
  const high = d.times(twoThirds[0], p);
  const sum = add(base, high);
  const parts = add(add(d.times(twoThirds[1], p), mul(pLow, number(2 / 3))), baseLow);
  return [sum, add(sub(high, sub(sum, base)), parts)];
}

/** What a logarithm of `x` is at 0 and infinity, below 0 and at NaN. */
function withLimits(d: Doubles, x: Vector, y: Vector): Vector {
  const positive = d.less(d.number(0), x);
  const beyond = d.select(positive, x, d.number(Number.NaN));
  const limit = d.select(d.equal(x, d.number(0)), d.number(-Infinity), beyond);
  return d.select(d.v.and(positive, d.less(x, d.number(Infinity))), y, limit);
}

function log(d: Doubles, x: Vector): Vector {
  const [high, low] = logarithmParts(d, x);
  return withLimits(d, x, d.add(high, low));
}

function log1p(d: Doubles, x: Vector): Vector {
  const [sum, rest] = d.twoSum(d.number(1), x);
  const [high, low] = logarithmParts(d, sum, rest);
  return d.select(isTiny(d, x), x, withLimits(d, sum, d.add(high, low)));
}

function pow(d: Doubles, x: Vector, y: Vector): Vector {
  const { v, add, sub, mul } = d;
  const number = (x: number) => d.number(x);
  const size = d.abs(x);
  const [high, highLow] = logarithmParts(d, size);
  const logarithm = d.upper(high);
  const logarithmLow = add(sub(high, logarithm), highLow);
  const factor = d.upper(y);
  const product = mul(factor, logarithm);
  const productLow = add(mul(sub(y, factor), logarithm), mul(y, logarithmLow));
  const whole = add(product, productLow);
  const clamped = d.most(d.least(whole, 800), -800);
  const low = d.v.and(d.equal(clamped, whole), sub(productLow, sub(whole, product)));
  let result = exponential(d, exponentialParts(d, clamped, low));
  const [zero, one, infinity] = [number(0), number(1), number(Infinity)];
  const reach = d.abs(y);
  result = d.select(d.less(reach, number(2 ** -75)), one, result);
  const same = v.not(v.xor(d.less(one, size), d.less(zero, y)));
  const extreme = v.or(v.or(d.equal(size, zero), d.equal(size, infinity)), d.less(number(2 ** 64), reach));
  result = d.select(extreme, v.and(same, infinity), result);
  result = d.select(d.equal(size, one), one, result);
  const half = d.times(0.5, y);
  const isWhole = d.equal(d.floor(y), y);
  const odd = v.without(isWhole, d.equal(d.floor(half), half));
  result = v.xor(result, v.and(v.and(odd, x), number(-0)));
  const finite = v.and(d.less(size, infinity), d.less(reach, infinity));
  const impossible = v.without(v.and(d.less(x, zero), finite), isWhole);
  const valid = v.and(d.equal(x, x), d.equal(y, y));
  result = d.select(v.without(valid, impossible), result, number(Number.NaN));
  return d.select(v.or(d.equal(y, zero), d.equal(x, one)), one, result);
}

// Trigonometric functions

/** x − n·π/2 in two parts, and n with its low bits. */
function reduced(d: Doubles, x: Vector): { r: Vector; low: Vector; shifted: Vector } {
  const { v, add, sub, mul } = d;
  const { f } = v;
  const { halfPiParts, largestAngle, rounding } = constants;
  const { n, shifted } = d.whole(mul(x, d.number(2 / Math.PI)));
  const opposite = d.neg(n);
  const [first, lost] = d.twoSum(sub(x, mul(n, d.number(halfPiParts[0]))), mul(opposite, d.number(halfPiParts[1])));
  const [second, rest] = d.twoSum(first, mul(opposite, d.number(halfPiParts[2])));
  const low = sub(add(lost, rest), mul(n, d.number(halfPiParts[3])));
  const r = add(second, low);
  const result = { r: f.local(w.v128), low: f.local(w.v128), shifted: f.local(w.v128) };
  f.get(r).set(result.r).get(sub(low, sub(r, second))).set(result.low).get(shifted).set(result.shifted);
  f.get(d.less(d.number(largestAngle), x)).op(w.v128_any_true);
  f.if(() => {
    for (let lane = 0; lane < 2; lane++) {
      f.get(x).lane(w.f64x2_extract_lane, lane).f64(largestAngle).op(w.f64_gt);
      f.if(() => {
        f.get(x).lane(w.f64x2_extract_lane, lane).call(reducedLarge(v.target));
        const quadrant = f.let(w.f64);
        const part = f.let(w.f64);
        const whole = f.let(w.f64);
        const put = (into: Vector, value: () => unknown) => {
          f.get(into);
          value();
          f.lane(w.f64x2_replace_lane, lane).set(into);
        };
        put(result.r, () => f.get(whole));
        put(result.low, () => f.get(part));
        put(result.shifted, () => f.get(quadrant).f64(rounding).op(w.f64_add));
      });
    }
  });
  return result;
}

/** f64 above 10⁶ → remainder, what it lacks, multiple of π/2. The digits of 2/π lie in the first kilobytes of memory. */
function reducedLarge(target: Target): Callable {
  return target.module.shared('reducedLarge', [w.f64], [w.f64, w.f64, w.f64], (f) => {
    const x = f.parameters[0];
    const keep = () => f.let(w.f64);
    // The exponent of x as a whole number, and ⌊exponent / 24⌋.
    f.get(x).op(w.i64_reinterpret_f64).i64(52).op(w.i64_shr_u).op(w.i32_wrap_i64).i32(1023).op(w.i32_sub);
    const power = f.i32(24).op(w.i32_div_u).let(w.i32);
    f.i32(1023).get(power).i32(24).op(w.i32_mul).op(w.i32_sub).op(w.i64_extend_i32_u).i64(52).op(w.i64_shl);
    const left = f.op(w.f64_reinterpret_i64).get(x).op(w.f64_mul).let(w.f64);
    const digits = Array.from({ length: 4 }, () => {
      const digit = f.get(left).op(w.f64_floor).let(w.f64);
      f.get(left).get(digit).op(w.f64_sub).f64(2 ** 24).op(w.f64_mul).set(left);
      return digit;
    });
    const address = f.get(power).i32(8).op(w.i32_mul).let(w.i32);
    const carry = f.f64(0).let(w.f64);
    const product: number[] = [];
    for (let place = -7; place <= 0; place++) {
      f.get(carry);
      digits.forEach((digit, i) => {
        f.get(digit).load(w.f64_load, address, control.twoOverPi + 8 * (zerosBefore - 1 - i - place)).op(w.f64_mul).op(w.f64_add);
      });
      const sum = keep();
      f.get(sum).f64(2 ** 24).op(w.f64_div).op(w.f64_floor).set(carry);
      product.push(f.get(sum).get(carry).f64(2 ** 24).op(w.f64_mul).op(w.f64_sub).let(w.f64));
    }
    // More than half of a quarter turn: the rest of the next.
    const beyondHalf = f.get(product[6]).f64(2 ** 23).op(w.f64_ge).let(w.i32);
    let turn = f.get(product[6]).f64(2 ** 24).op(w.f64_sub).get(product[6]).get(beyondHalf).op(w.select).f64(2 ** -24).op(w.f64_mul).let(w.f64);
    const low = f.f64(0).let(w.f64);
    const twoSum = (a: number, b: number): readonly [number, number] => {
      const sum = f.get(a).get(b).op(w.f64_add).let(w.f64);
      const part = f.get(sum).get(a).op(w.f64_sub).let(w.f64);
      f.get(a).get(sum).get(part).op(w.f64_sub).op(w.f64_sub).get(b).get(part).op(w.f64_sub).op(w.f64_add);
      return [sum, f.let(w.f64)];
    };
    for (let i = 5, unit = 2 ** -48; i >= 0; i--, unit *= 2 ** -24) {
      const term = f.get(product[i]).f64(unit).op(w.f64_mul).let(w.f64);
      const [sum, rest] = twoSum(turn, term);
      f.get(low).get(rest).op(w.f64_add).set(low);
      turn = sum;
    }
    const [whole, rest] = twoSum(turn, low);
    const upper = (value: number) => {
      const shifted = f.f64(134217729).get(value).op(w.f64_mul).let(w.f64);
      return f.get(shifted).get(shifted).get(value).op(w.f64_sub).op(w.f64_sub).let(w.f64);
    };
    const [halfPi, halfPiLow] = constants.halfPi;
    const p = 134217729 * halfPi - (134217729 * halfPi - halfPi);
    const a = upper(whole);
    const b = f.get(whole).get(a).op(w.f64_sub).let(w.f64);
    const high = f.get(whole).f64(halfPi).op(w.f64_mul).let(w.f64);
    const times = (value: number, factor: number) => f.get(value).f64(factor).op(w.f64_mul);
    times(a, p).get(high).op(w.f64_sub);
    times(a, halfPi - p).op(w.f64_add);
    times(b, p).op(w.f64_add);
    times(b, halfPi - p).op(w.f64_add);
    times(whole, halfPiLow);
    times(rest, halfPi).op(w.f64_add).op(w.f64_add);
    const correction = keep();
    const r = f.get(high).get(correction).op(w.f64_add).let(w.f64);
    f.get(r).get(correction).get(r).get(high).op(w.f64_sub).op(w.f64_sub);
    f.get(product[7]).f64(1).f64(0).get(beyondHalf).op(w.select).op(w.f64_add);
  });
}

/** Zeros before the digits of 2/π, for places that small angles do not have. */
const zerosBefore = 4;

/** What `control.twoOverPi` holds. */
export const digitsOfTwoOverPi: readonly number[] = [...new Array<number>(zerosBefore).fill(0), ...constants.twoOverPi];

function sineOf(d: Doubles, r: Vector, low: Vector): Parts {
  const { add, sub, mul } = d;
  const z = mul(r, r);
  const tail = mul(mul(r, z), d.polynomial(z, constants.sineSeries));
  const sine = add(r, tail);
  return [sine, add(sub(tail, sub(sine, r)), mul(low, sub(d.number(1), d.times(0.5, z))))];
}

function cosineOf(d: Doubles, r: Vector, low: Vector): Parts {
  const { add, sub, mul } = d;
  const z = mul(r, r);
  const a = d.upper(r);
  const half = mul(d.times(0.5, a), a);
  const near = sub(d.number(1), half);
  const series = mul(mul(z, z), d.polynomial(z, constants.cosineSeries));
  const fine = sub(sub(series, mul(d.times(0.5, sub(r, a)), add(r, a))), mul(r, low));
  const tail = add(sub(sub(d.number(1), near), half), fine);
  const cosine = add(near, tail);
  return [cosine, sub(tail, sub(cosine, near))];
}

function trigonometric(d: Doubles, x: Vector, what: 'sin' | 'cos' | 'tan'): Vector {
  const { v } = d;
  const size = d.abs(x);
  const { r, low, shifted } = reduced(d, size);
  const [sine, sineLow] = sineOf(d, r, low);
  const [cosine, cosineLow] = cosineOf(d, r, low);
  const odd = d.bit(shifted, 0);
  const minus = d.number(-0);
  let result: Vector;
  if (what === 'sin') {
    const value = d.select(odd, d.add(cosine, cosineLow), d.add(sine, sineLow));
    result = v.xor(value, v.and(v.xor(d.bit(shifted, 1), x), minus));
  } else if (what === 'cos') {
    const value = d.select(odd, d.add(sine, sineLow), d.add(cosine, cosineLow));
    result = v.xor(value, v.and(d.bit(d.add(shifted, d.number(1)), 1), minus));
  } else {
    const [first, second] = d.quotient(
      d.select(odd, cosine, sine), d.select(odd, cosineLow, sineLow), d.select(odd, sine, cosine), d.select(odd, sineLow, cosineLow),
    );
    result = v.xor(d.add(first, second), v.and(v.xor(odd, x), minus));
  }
  return d.select(d.less(size, d.number(Infinity)), result, d.number(Number.NaN));
}

// Inverses

function angleOf(d: Doubles, up: Vector, upLow: Vector, right: Vector, rightLow: Vector): Parts {
  const { add, sub, mul } = d;
  const { angleBounds, angles, angleSeries, halfPi } = constants;
  const steep = d.less(right, up);
  const y = d.select(steep, right, up);
  const yLow = d.select(steep, rightLow, upLow);
  const x = d.select(steep, up, right);
  const xLow = d.select(steep, upLow, rightLow);
  const slope = d.div(y, x);
  const first = d.less(slope, d.number(angleBounds[0]));
  const second = d.less(slope, d.number(angleBounds[1]));
  const nearest = (i: 0 | 1 | 2) =>
    d.select(first, d.number(angles[0][i]), d.select(second, d.number(angles[1][i]), d.number(angles[2][i])));
  const c = nearest(0);
  const [across, acrossRest] = d.twoSum(y, mul(d.neg(c), x));
  const acrossLow = add(acrossRest, sub(yLow, mul(c, xLow)));
  const [along, alongRest] = d.twoSum(x, mul(c, y));
  const [a, b] = d.quotient(across, acrossLow, along, add(alongRest, add(xLow, mul(c, yLow))));
  const s = add(a, b);
  const z = mul(s, s);
  const tail = mul(mul(s, z), d.polynomial(z, angleSeries));
  const [high, rest] = d.twoSum(nearest(1), s);
  const low = add(rest, add(add(sub(b, sub(s, a)), tail), nearest(2)));
  const [turned, turnedRest] = d.twoSum(d.number(halfPi[0]), d.neg(high));
  const turnedLow = add(turnedRest, sub(d.number(halfPi[1]), low));
  return [d.select(steep, turned, high), d.select(steep, turnedLow, low)];
}

function fromPi(d: Doubles, [angle, low]: Parts): Vector {
  const [high, rest] = d.twoSum(d.number(2 * constants.halfPi[0]), d.neg(angle));
  return d.add(high, d.add(rest, d.sub(d.number(2 * constants.halfPi[1]), low)));
}

function rootOfOneLess(d: Doubles, x: Vector): Parts {
  const { v, add, sub, mul } = d;
  const a = d.upper(x);
  const [square, rest] = d.twoSum(d.number(1), mul(d.neg(a), a));
  const squareLow = sub(rest, mul(sub(x, a), add(x, a)));
  const high = add(square, squareLow);
  const low = sub(squareLow, sub(high, square));
  const root = v.op1(w.f64x2_sqrt, high);
  const first = d.upper(root);
  const lacks = sub(d.div(add(sub(high, mul(first, first)), low), add(first, root)), sub(root, first));
  return [root, v.without(lacks, d.equal(root, d.number(0)))];
}

/** NaN outside of −1 … 1. */
const inUnit = (d: Doubles, size: Vector, value: Vector) =>
  d.select(d.v.op2(w.f64x2_le, size, d.number(1)), value, d.number(Number.NaN));

function asin(d: Doubles, x: Vector): Vector {
  const size = d.abs(x);
  const [root, low] = rootOfOneLess(d, size);
  const [angle, angleLow] = angleOf(d, size, d.number(0), root, low);
  return inUnit(d, size, d.signed(d.add(angle, angleLow), x));
}

function acos(d: Doubles, x: Vector): Vector {
  const size = d.abs(x);
  const [root, low] = rootOfOneLess(d, size);
  const angle = angleOf(d, root, low, size, d.number(0));
  return inUnit(d, size, d.select(d.less(x, d.number(0)), fromPi(d, angle), d.add(...angle)));
}

function atan2(d: Doubles, y: Vector, x: Vector): Vector {
  const { v, mul } = d;
  const [ay, ax] = [d.abs(y), d.abs(x)];
  const [zero, one, infinity] = [d.number(0), d.number(1), d.number(Infinity)];
  const largest = v.op2(w.f64x2_pmax, ay, ax);
  const scale = d.select(
    d.less(d.number(2 ** 900), largest), d.number(2 ** -900), d.select(d.less(largest, d.number(2 ** -900)), d.number(2 ** 900), one),
  );
  // Of infinite ones which, of two zeros the one to the right.
  const endless = d.equal(largest, infinity);
  const up = d.select(endless, v.and(d.equal(ay, infinity), one), mul(ay, scale));
  const finite = d.select(d.equal(largest, zero), one, mul(ax, scale));
  const right = d.select(endless, v.and(d.equal(ax, infinity), one), finite);
  const angle = angleOf(d, up, zero, right, zero);
  const left = v.shift(w.i64x2_shr_s, x, 63);
  const size = d.select(left, fromPi(d, angle), d.add(...angle));
  const valid = v.and(d.equal(x, x), d.equal(y, y));
  return d.select(valid, d.signed(size, y), d.number(Number.NaN));
}

/** By the names of the vocabulary. */
export const unaryFunctions64: Partial<Record<UnaryOperation, (v: VectorCode, x: Vector) => Vector>> = {
  exp: (v, x) => exp(new Doubles(v), x),
  expm1: (v, x) => expm1(new Doubles(v), x),
  log: (v, x) => log(new Doubles(v), x),
  log1p: (v, x) => log1p(new Doubles(v), x),
  sinh: (v, x) => sinh(new Doubles(v), x),
  cosh: (v, x) => cosh(new Doubles(v), x),
  tanh: (v, x) => tanh(new Doubles(v), x),
  sin: (v, x) => trigonometric(new Doubles(v), x, 'sin'),
  cos: (v, x) => trigonometric(new Doubles(v), x, 'cos'),
  tan: (v, x) => trigonometric(new Doubles(v), x, 'tan'),
  asin: (v, x) => asin(new Doubles(v), x),
  acos: (v, x) => acos(new Doubles(v), x),
  atan: (v, x) => atan2(new Doubles(v), x, v.f64(1)),
};

export const binaryFunctions64 = {
  pow: (v: VectorCode, x: Vector, y: Vector) => pow(new Doubles(v), x, y),
  atan2: (v: VectorCode, y: Vector, x: Vector) => atan2(new Doubles(v), y, x),
};

/** One of them as a function of the module, `(v128, …) → v128`. */
export function function64(target: Target, v: VectorCode, name: UnaryOperation | 'pow' | 'atan2'): Callable {
  const operands = name === 'pow' || name === 'atan2' ? [w.v128, w.v128] : [w.v128];
  return target.module.shared(`${name}64`, operands, [w.v128], (f) => {
    const code = v.within(f);
    const [x, y] = f.parameters;
    f.get(name === 'pow' || name === 'atan2' ? binaryFunctions64[name](code, x, y) : unaryFunctions64[name]!(code, x));
  });
}
