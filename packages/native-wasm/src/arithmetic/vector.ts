/**
 * Arithmetic on vectors in locals, so that formulas read as formulas.
 *
 * Each method emits one operation and returns the local of its result. Constants are materialized once, at the entry of
 * the function.
 */

import type { Target } from '../abi.ts';
import type { Callable, FunctionBuilder, Local } from '../assembler/functionBuilder.ts';
import * as w from '../assembler/opcodes.ts';
import { type V128, v128 } from '../assembler/values.ts';

/** A local of type v128. */
export type Vector = Local;

export class VectorCode {
  readonly f: FunctionBuilder;
  readonly target: Target;
  readonly #constants = new Map<string, Vector>();

  constructor(f: FunctionBuilder, target: Target) {
    this.f = f;
    this.target = target;
  }

  /** The same for another function of the module. */
  within(f: FunctionBuilder): VectorCode {
    return new VectorCode(f, this.target);
  }

  /** The top of the stack, in a new local. */
  keep(): Vector {
    return this.f.let(w.v128);
  }

  /** The value of a tree, in a new local. */
  let(value: V128): Vector {
    value.write();
    return this.keep();
  }

  /** A local as the leaf of a tree. */
  leaf(x: Vector): V128 {
    return v128(this.f, x);
  }

  #constant(key: string, push: () => void): Vector {
    let local = this.#constants.get(key);
    if (local === undefined) {
      this.f.atEntry(() => {
        push();
        local = this.f.let(w.v128);
      });
      this.#constants.set(key, local!);
    }
    return local!;
  }

  /** Four float32 constants of one value. */
  f32(value: number): Vector {
    return this.#constant(`f${Object.is(value, -0) ? '-0' : value}`, () => this.f.f32x4(value));
  }

  /** Two float64 constants of one value. */
  f64(value: number): Vector {
    return this.#constant(`d${Object.is(value, -0) ? '-0' : value}`, () => this.f.f64x2(value));
  }

  /** Four 32-bit constants of one value. */
  i32(value: number): Vector {
    return this.#constant(`i${value | 0}`, () => this.f.i32x4(value));
  }

  /** A value that `push` computes at the entry of the function, under a name. */
  entry(name: string, push: () => void): Vector {
    return this.#constant(name, push);
  }

  op1(code: number, a: Vector): Vector {
    this.f.get(a).op(code);
    return this.keep();
  }

  op2(code: number, a: Vector, b: Vector): Vector {
    this.f.get(a).get(b).op(code);
    return this.keep();
  }

  op3(code: number, a: Vector, b: Vector, c: Vector): Vector {
    this.f.get(a).get(b).get(c).op(code);
    return this.keep();
  }

  /** Calls `(v128 …) → v128`. */
  call(callee: Callable, ...operands: Vector[]): Vector {
    for (const operand of operands) this.f.get(operand);
    this.f.call(callee);
    return this.keep();
  }

  // float32
  add = (a: Vector, b: Vector) => this.op2(w.f32x4_add, a, b);
  sub = (a: Vector, b: Vector) => this.op2(w.f32x4_sub, a, b);
  mul = (a: Vector, b: Vector) => this.op2(w.f32x4_mul, a, b);
  div = (a: Vector, b: Vector) => this.op2(w.f32x4_div, a, b);
  neg = (a: Vector) => this.op1(w.f32x4_neg, a);
  abs = (a: Vector) => this.op1(w.f32x4_abs, a);
  sqrt = (a: Vector) => this.op1(w.f32x4_sqrt, a);
  less = (a: Vector, b: Vector) => this.op2(w.f32x4_lt, a, b);
  equal = (a: Vector, b: Vector) => this.op2(w.f32x4_eq, a, b);

  /** The smaller one; `a` when either is NaN. */
  min = (a: Vector, b: Vector) => this.op2(w.f32x4_pmin, a, b);
  /** The larger one; `a` when either is NaN. */
  max = (a: Vector, b: Vector) => this.op2(w.f32x4_pmax, a, b);

  /** a·b + c, rounded once where the engine has relaxed SIMD. */
  madd(a: Vector, b: Vector, c: Vector): Vector {
    this.f.get(a).get(b);
    if (this.target.relaxedSimd) this.f.get(c).op(w.f32x4_relaxed_madd);
    else this.f.op(w.f32x4_mul).get(c).op(w.f32x4_add);
    return this.keep();
  }

  /** c − a·b. */
  nmadd(a: Vector, b: Vector, c: Vector): Vector {
    if (this.target.relaxedSimd) return this.op3(w.f32x4_relaxed_nmadd, a, b, c);
    this.f.get(c).get(a).get(b).op(w.f32x4_mul).op(w.f32x4_sub);
    return this.keep();
  }

  /** Σ coefficients[i]·xⁱ by Horner's rule. */
  polynomial(x: Vector, coefficients: readonly number[]): Vector {
    let sum = this.f32(coefficients[coefficients.length - 1]);
    for (let i = coefficients.length - 2; i >= 0; i--) sum = this.madd(sum, x, this.f32(coefficients[i]));
    return sum;
  }

  /** The same in float64. */
  polynomial64(x: Vector, coefficients: readonly number[]): Vector {
    let sum = this.f64(coefficients[coefficients.length - 1]);
    for (let i = coefficients.length - 2; i >= 0; i--) {
      this.f.get(sum).get(x).op(w.f64x2_mul).get(this.f64(coefficients[i])).op(w.f64x2_add);
      sum = this.keep();
    }
    return sum;
  }

  // bits and 32-bit integers
  and = (a: Vector, b: Vector) => this.op2(w.v128_and, a, b);
  or = (a: Vector, b: Vector) => this.op2(w.v128_or, a, b);
  xor = (a: Vector, b: Vector) => this.op2(w.v128_xor, a, b);
  /** a & ~b */
  without = (a: Vector, b: Vector) => this.op2(w.v128_andnot, a, b);
  not = (a: Vector) => this.op1(w.v128_not, a);
  addInt = (a: Vector, b: Vector) => this.op2(w.i32x4_add, a, b);
  subInt = (a: Vector, b: Vector) => this.op2(w.i32x4_sub, a, b);

  /** Where the mask has ones `a`, else `b`. */
  select = (mask: Vector, a: Vector, b: Vector) => this.op3(w.v128_bitselect, a, b, mask);

  shift(code: number, a: Vector, bits: number): Vector {
    this.f.get(a).i32(bits).op(code);
    return this.keep();
  }

  shuffle32(a: Vector, b: Vector, ...lanes: [number, number, number, number]): Vector {
    this.f
      .get(a)
      .get(b)
      .shuffle32(...lanes);
    return this.keep();
  }
}
