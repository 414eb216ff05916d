/** Exponentials, logarithms and powers in float64, step by step as in `@ag/tensor/math`. */

import { constants } from '@ag/tensor/math';
import * as w from '../assembler/opcodes.ts';
import type { Doubles, Parts } from './doubles.ts';
import type { Vector } from './vector.ts';

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

export function exp(d: Doubles, x: Vector): Vector {
  return exponential(d, exponentialParts(d, d.max(d.min(x, 800), -800)));
}

/** eˣ − 1 = 2ⁿ·(high + low). */
function withoutOne(d: Doubles, x: Vector): { high: Vector; low: Vector; n: Vector } {
  const { add, sub } = d;
  const { q, rest, n } = exponentialParts(d, x);
  const unit = d.powerOfTwo(d.neg(d.min(n, 1000)));
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

export function expm1(d: Doubles, x: Vector): Vector {
  const { high, low, n } = withoutOne(d, d.max(d.min(x, 800), -60));
  return d.select(isTiny(d, x), x, d.scaled(d.add(high, low), n));
}

/** 1 − e⁻ˣ. */
function lessInverse(d: Doubles, high: Vector, low: Vector, n: Vector): Parts {
  const unit = d.powerOfTwo(d.min(n, 900));
  const [p, pLow] = [d.mul(high, unit), d.mul(low, unit)];
  const [divisor, rest] = d.twoSum(p, d.number(1));
  return d.quotient(p, pLow, divisor, d.add(rest, pLow));
}

export function sinh(d: Doubles, x: Vector): Vector {
  const { add, mul } = d;
  const { high, low, n } = withoutOne(d, d.min(d.abs(x), 800));
  const [inverse, inverseLow] = lessInverse(d, high, low, n);
  const unit = d.powerOfTwo(d.neg(d.min(n, 900)));
  const [sum, rest] = d.twoSum(high, mul(inverse, unit));
  const size = d.scaled(add(sum, add(rest, add(low, mul(inverseLow, unit)))), d.sub(n, d.number(1)));
  return d.select(isTiny(d, x), x, d.signed(size, x));
}

export function cosh(d: Doubles, x: Vector): Vector {
  const { add, sub, mul } = d;
  const { high, low, n } = withoutOne(d, d.min(d.abs(x), 800));
  const [inverse, inverseLow] = lessInverse(d, high, low, n);
  const unit = d.powerOfTwo(d.neg(d.min(n, 900)));
  const [complement, rest] = d.twoSum(d.number(2), d.neg(inverse));
  const complementLow = sub(rest, inverseLow);
  const [sum, sumLow] = d.twoSum(high, mul(complement, unit));
  return d.scaled(add(sum, add(sumLow, add(low, mul(complementLow, unit)))), sub(n, d.number(1)));
}

export function tanh(d: Doubles, x: Vector): Vector {
  const { high, low, n } = withoutOne(d, d.times(2, d.min(d.abs(x), 30)));
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
  const rootHalf = v.entry('rootHalf', () =>
    v.f.v128(new Uint8Array(new Int32Array([0, 0x3fe6a09e, 0, 0x3fe6a09e]).buffer)),
  );
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

export function log(d: Doubles, x: Vector): Vector {
  const [high, low] = logarithmParts(d, x);
  return withLimits(d, x, d.add(high, low));
}

export function log1p(d: Doubles, x: Vector): Vector {
  const [sum, rest] = d.twoSum(d.number(1), x);
  const [high, low] = logarithmParts(d, sum, rest);
  return d.select(isTiny(d, x), x, withLimits(d, sum, d.add(high, low)));
}

export function pow(d: Doubles, x: Vector, y: Vector): Vector {
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
  const clamped = d.max(d.min(whole, 800), -800);
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
