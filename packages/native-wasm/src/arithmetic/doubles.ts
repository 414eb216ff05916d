/** Pairs of float64: arithmetic that keeps what a rounding loses, for the float64 functions. */
import { constants } from '@ag/tensor/math';
import * as w from '../assembler/opcodes.ts';
import type { Vector, VectorCode } from './vector.ts';

/** A value in two parts. */
export type Parts = readonly [high: Vector, low: Vector];

/** Arithmetic on pairs of float64. Numbers stand for constants: see `number`. */
export class Doubles {
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
  min = (a: Vector, b: number) => this.v.op2(w.f64x2_pmin, a, this.number(b));
  max = (a: Vector, b: number) => this.v.op2(w.f64x2_pmax, a, this.number(b));
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
    for (let i = coefficients.length - 2; i >= 0; i--)
      sum = this.add(this.mul(sum, x), this.number(coefficients[i]));
    return sum;
  }

  quotient(high: Vector, low: Vector, divisor: Vector, divisorLow: Vector): Parts {
    const first = this.upper(this.div(high, divisor));
    const upper = this.upper(divisor);
    const remainder = this.sub(
      this.sub(high, this.mul(first, upper)),
      this.mul(first, this.sub(divisor, upper)),
    );
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
