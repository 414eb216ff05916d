/** Sines, tangents and their inverses in float64, step by step as in `@ag/tensor/math`. */

import { constants } from '@ag/tensor/math';
import type { Target } from '../abi.ts';
import type { Callable } from '../assembler/functionBuilder.ts';
import * as w from '../assembler/opcodes.ts';
import * as control from '../control.ts';
import type { Doubles, Parts } from './doubles.ts';
import type { Vector } from './vector.ts';

/** x − n·π/2 in two parts, and n with its low bits. */
function reduced(d: Doubles, x: Vector): { r: Vector; low: Vector; shifted: Vector } {
  const { v, add, sub, mul } = d;
  const { f } = v;
  const { halfPiParts, largestAngle, rounding } = constants;
  const { n, shifted } = d.whole(mul(x, d.number(2 / Math.PI)));
  const opposite = d.neg(n);
  const [first, lost] = d.twoSum(
    sub(x, mul(n, d.number(halfPiParts[0]))),
    mul(opposite, d.number(halfPiParts[1])),
  );
  const [second, rest] = d.twoSum(first, mul(opposite, d.number(halfPiParts[2])));
  const low = sub(add(lost, rest), mul(n, d.number(halfPiParts[3])));
  const r = add(second, low);
  const result = { r: f.local(w.v128), low: f.local(w.v128), shifted: f.local(w.v128) };
  f.get(r)
    .set(result.r)
    .get(sub(low, sub(r, second)))
    .set(result.low)
    .get(shifted)
    .set(result.shifted);
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
      f.get(left)
        .get(digit)
        .op(w.f64_sub)
        .f64(2 ** 24)
        .op(w.f64_mul)
        .set(left);
      return digit;
    });
    const address = f.get(power).i32(8).op(w.i32_mul).let(w.i32);
    const carry = f.f64(0).let(w.f64);
    const product: number[] = [];
    for (let place = -7; place <= 0; place++) {
      f.get(carry);
      digits.forEach((digit, i) => {
        f.get(digit)
          .load(w.f64_load, address, control.twoOverPi + 8 * (zerosBefore - 1 - i - place))
          .op(w.f64_mul)
          .op(w.f64_add);
      });
      const sum = keep();
      f.get(sum)
        .f64(2 ** 24)
        .op(w.f64_div)
        .op(w.f64_floor)
        .set(carry);
      product.push(
        f
          .get(sum)
          .get(carry)
          .f64(2 ** 24)
          .op(w.f64_mul)
          .op(w.f64_sub)
          .let(w.f64),
      );
    }
    // More than half of a quarter turn: the rest of the next.
    const beyondHalf = f
      .get(product[6])
      .f64(2 ** 23)
      .op(w.f64_ge)
      .let(w.i32);
    let turn = f
      .get(product[6])
      .f64(2 ** 24)
      .op(w.f64_sub)
      .get(product[6])
      .get(beyondHalf)
      .op(w.select)
      .f64(2 ** -24)
      .op(w.f64_mul)
      .let(w.f64);
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
export const digitsOfTwoOverPi: readonly number[] = [
  ...new Array<number>(zerosBefore).fill(0),
  ...constants.twoOverPi,
];

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

export function trigonometric(d: Doubles, x: Vector, what: 'sin' | 'cos' | 'tan'): Vector {
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
      d.select(odd, cosine, sine),
      d.select(odd, cosineLow, sineLow),
      d.select(odd, sine, cosine),
      d.select(odd, sineLow, cosineLow),
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

export function asin(d: Doubles, x: Vector): Vector {
  const size = d.abs(x);
  const [root, low] = rootOfOneLess(d, size);
  const [angle, angleLow] = angleOf(d, size, d.number(0), root, low);
  return inUnit(d, size, d.signed(d.add(angle, angleLow), x));
}

export function acos(d: Doubles, x: Vector): Vector {
  const size = d.abs(x);
  const [root, low] = rootOfOneLess(d, size);
  const angle = angleOf(d, root, low, size, d.number(0));
  return inUnit(d, size, d.select(d.less(x, d.number(0)), fromPi(d, angle), d.add(...angle)));
}

export function atan2(d: Doubles, y: Vector, x: Vector): Vector {
  const { v, mul } = d;
  const [ay, ax] = [d.abs(y), d.abs(x)];
  const [zero, one, infinity] = [d.number(0), d.number(1), d.number(Infinity)];
  const largest = v.op2(w.f64x2_pmax, ay, ax);
  const scale = d.select(
    d.less(d.number(2 ** 900), largest),
    d.number(2 ** -900),
    d.select(d.less(largest, d.number(2 ** -900)), d.number(2 ** 900), one),
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
