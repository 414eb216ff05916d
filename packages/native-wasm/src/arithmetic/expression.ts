/**
 * Scalar expressions as vector code: every operation for every dtype, on two or four lanes.
 *
 * How values lie in a vector: float32, int32 and uint32 as they are; uint8, int8 and int16 widened to 32 bits, as are the bits of
 * float16 and bfloat16, which only casts read; bool as 32 bits all one or all zero. When anything in a kernel is float64, vectors carry two elements: float64 fills the vector, the
 * others use the first two 32-bit lanes. What stands in unused lanes never matters.
 */

import type { BinaryOperation, DType, Expression, Instruction, UnaryOperation } from '@ag/tensor';
import type { FunctionBuilder } from '../assembler/functionBuilder.ts';
import * as w from '../assembler/opcodes.ts';
import { constant, convert, narrow, widen, wrap } from './conversion.ts';
import { atan2, inlined, pow, unaryFunctions } from './mathF32.ts';
import { function64 } from './mathF64.ts';
import { erf64, integerFunction, modulo, threefry } from './scalarFunctions.ts';
import type { Vector, VectorCode } from './vector.ts';
import {
  binary32,
  binary64,
  binaryBool,
  binaryInteger,
  compares,
  simple32,
  simple64,
  undefinedOperation,
} from './vocabulary.ts';

/** Elements of a vector. */
export type Lanes = 2 | 4;

/** Where an expression finds its operands at the current position. */
export interface Sources {
  load(operand: number, dtype: DType): Vector;
  coordinate(operand: number): Vector;
  literal(literal: number, dtype: DType): Vector;
  accumulator?(dtype: DType): Vector;
}

/** Two as soon as anything is float64. */
export function lanesFor(dtypes: readonly DType[], ...expressions: readonly Expression[]): Lanes {
  const wide =
    dtypes.includes('float64') ||
    expressions.some((e) => e.instructions.some(({ dtype }) => dtype === 'float64'));
  return wide ? 2 : 4;
}

/** Emits `expression` and returns its results. `inline` puts the common functions in place instead of calling them. */
export function emitExpression(
  v: VectorCode,
  lanes: Lanes,
  expression: Expression,
  sources: Sources,
  inline: boolean,
): Vector[] {
  const emitter = new Emitter(v, lanes, expression, sources, inline);
  return expression.results.map((result) => emitter.value(result));
}

/** An estimate of the time one element takes, in nanoseconds: decides from which size on threads share a kernel. */
export function cost(expression: Expression): number {
  let sum = 0;
  for (const { op, dtype } of expression.instructions)
    sum += isHeavy(op) ? (dtype === 'float64' ? 20 : 0.6) : 0.08;
  return sum + 0.1;
}

/** Whether an operation takes many instructions, or a call. */
export function isHeavy(op: Instruction['op']): boolean {
  return op in unaryFunctions || op === 'pow' || op === 'atan2' || op === 'threefry' || op === 'mod';
}

class Emitter {
  readonly v: VectorCode;
  readonly lanes: Lanes;
  readonly instructions: readonly Instruction[];
  readonly sources: Sources;
  readonly inline: boolean;
  readonly values: Vector[] = [];
  readonly uses: number[];

  constructor(v: VectorCode, lanes: Lanes, expression: Expression, sources: Sources, inline: boolean) {
    this.v = v;
    this.lanes = lanes;
    this.instructions = expression.instructions;
    this.sources = sources;
    this.inline = inline;
    this.uses = expression.instructions.map(() => 0);
    for (const instruction of expression.instructions)
      for (const i of operandsOf(instruction)) this.uses[i]++;
    for (const i of expression.results) this.uses[i] += 2;
    expression.instructions.forEach((instruction, i) => {
      // A product that only a sum reads is made with it: see `contracted`.
      if (!(instruction.op === 'mul' && this.#readByOneSum(i))) this.values[i] = this.#emit(instruction);
    });
  }

  value(i: number): Vector {
    this.values[i] ??= this.#emit(this.instructions[i]);
    return this.values[i];
  }

  #readByOneSum(i: number): boolean {
    if (this.instructions[i].dtype !== 'float32' || this.uses[i] !== 1) return false;
    const reader = this.instructions.find((other) => operandsOf(other).includes(i));
    return reader?.op === 'add' || (reader?.op === 'sub' && reader.b === i);
  }

  #emit(instruction: Instruction): Vector {
    const { v, sources } = this;
    const { dtype } = instruction;
    switch (instruction.op) {
      case 'load':
        return sources.load(instruction.operand, dtype);
      case 'coordinate':
        return sources.coordinate(instruction.operand);
      case 'literal':
        return sources.literal(instruction.literal, dtype);
      case 'constant':
        return constant(v, instruction.value, dtype);
      case 'accumulator':
        return sources.accumulator!(dtype);
      case 'cast':
        return convert(v, this.value(instruction.a), this.#dtype(instruction.a), dtype);
      case 'where': {
        const mask = this.value(instruction.a);
        return v.select(
          dtype === 'float64' ? widen(v, mask) : mask,
          this.value(instruction.b),
          this.value(instruction.c),
        );
      }
      case 'threefry':
        return v.call(
          threefry(v.target),
          this.value(instruction.a),
          this.value(instruction.b),
          this.value(instruction.c),
          v.i32(instruction.stream),
        );
      default:
        return 'b' in instruction
          ? this.#binary(instruction.op, instruction.a, instruction.b)
          : this.#unary(instruction.op, instruction.a);
    }
  }

  #dtype(i: number): DType {
    return this.instructions[i].dtype;
  }

  #unary(op: UnaryOperation, operand: number): Vector {
    const dtype = this.#dtype(operand);
    const x = this.value(operand);
    if (dtype === 'float32') return this.#unary32(op, x);
    if (dtype === 'float64') return this.#unary64(op, x);
    return this.#unaryInteger(op, x, dtype);
  }

  #unary32(op: UnaryOperation, x: Vector): Vector {
    const { v } = this;
    const simple = simple32[op];
    if (simple !== undefined) return v.op1(simple, x);
    const f = unaryFunctions[op];
    if (f !== undefined) {
      if (this.inline && inlined.has(op)) return f(v, x);
      return v.call(
        this.#shared(op, 1, (code, [a]) => f(code, a)),
        x,
      );
    }
    switch (op) {
      case 'sign': {
        const unit = v.or(v.and(x, v.i32(-(2 ** 31))), v.f32(1));
        return v.select(v.less(v.f32(0), v.abs(x)), unit, x);
      }
      case 'isNaN':
        return v.op2(w.f32x4_ne, x, x);
      case 'isFinite':
        return v.less(v.abs(x), v.f32(Infinity));
      default:
        throw undefinedOperation(op, 'float32');
    }
  }

  #unary64(op: UnaryOperation, x: Vector): Vector {
    const { v } = this;
    const simple = simple64[op];
    if (simple !== undefined) return v.op1(simple, x);
    switch (op) {
      case 'sign': {
        const size = v.op1(w.f64x2_abs, x);
        const signBit = v.f64(-0);
        const unit = v.or(v.and(x, signBit), v.f64(1));
        return v.select(v.op2(w.f64x2_lt, v.f64(0), size), unit, x);
      }
      case 'isNaN':
        return narrow(v, v.op2(w.f64x2_ne, x, x));
      case 'isFinite':
        return narrow(v, v.op2(w.f64x2_lt, v.op1(w.f64x2_abs, x), v.f64(Infinity)));
      case 'sigmoid': {
        const e = v.call(function64(v.target, v, 'exp'), v.op1(w.f64x2_neg, x));
        return v.op2(w.f64x2_div, v.f64(1), v.op2(w.f64x2_add, v.f64(1), e));
      }
      case 'erf':
        return this.#each64((f) => f.call(erf64(v.target)), x);
      case 'not':
        throw undefinedOperation(op, 'float64');
      default:
        return v.call(function64(v.target, v, op), x);
    }
  }

  #unaryInteger(op: UnaryOperation, x: Vector, dtype: DType): Vector {
    const { v } = this;
    if (op === 'isNaN') return v.i32(0);
    if (op === 'isFinite') return v.i32(-1);
    if (dtype === 'bool') {
      if (op === 'not') return v.not(x);
      throw undefinedOperation(op, dtype);
    }
    const signed = dtype === 'int32';
    switch (op) {
      case 'neg':
        return wrap(v, v.op1(w.i32x4_neg, x), dtype);
      case 'abs':
        return signed ? v.op1(w.i32x4_abs, x) : x;
      case 'sign': {
        if (!signed) return v.op2(w.i32x4_min_u, x, v.i32(1));
        const one = v.op2(w.i32x4_min_s, x, v.i32(1));
        return v.op2(w.i32x4_max_s, one, v.i32(-1));
      }
      case 'floor':
      case 'ceil':
      case 'round':
        return x;
      default:
        throw undefinedOperation(op, dtype);
    }
  }

  #binary(op: BinaryOperation, left: number, right: number): Vector {
    const { v } = this;
    const dtype = this.#dtype(left);
    if (dtype === 'float32' && (op === 'add' || op === 'sub')) {
      const fused = this.#contracted(op, left, right);
      if (fused !== undefined) return fused;
    }
    const a = this.value(left);
    const b = this.value(right);
    if (dtype === 'float32') return this.#binary32(op, a, b, left, right);
    if (dtype === 'float64') return this.#binary64(op, a, b);
    return dtype === 'bool' ? binaryBool(v, op, a, b) : this.#binaryInteger(op, a, b, dtype);
  }

  /** a·b + c and c − a·b, when nothing else needs the product. */
  #contracted(op: 'add' | 'sub', left: number, right: number): Vector | undefined {
    const product = (i: number) => {
      const instruction = this.instructions[i];
      if (instruction.op !== 'mul' || !this.#readByOneSum(i) || this.values[i] !== undefined)
        return undefined;
      return [this.value(instruction.a), this.value(instruction.b)] as const;
    };
    const { v } = this;
    if (op === 'sub') {
      const p = product(right);
      return p && v.nmadd(p[0], p[1], this.value(left));
    }
    if (left === right) return undefined;
    let p = product(left);
    if (p) return v.madd(p[0], p[1], this.value(right));
    p = product(right);
    return p && v.madd(p[0], p[1], this.value(left));
  }

  #binary32(op: BinaryOperation, a: Vector, b: Vector, left: number, right: number): Vector {
    const { v } = this;
    switch (op) {
      case 'max':
      case 'min': {
        // pmin and pmax give their first operand when either is NaN, at a seventh of the cost of min and max.
        const code = op === 'max' ? w.f32x4_pmax : w.f32x4_pmin;
        if (this.#isNumber(right)) return v.op2(code, a, b);
        if (this.#isNumber(left)) return v.op2(code, b, a);
        return v.select(v.op2(w.f32x4_ne, b, b), b, v.op2(code, a, b));
      }
      case 'pow':
        return v.call(
          this.#shared('pow', 2, (code, [x, y]) => pow(code, x, y)),
          a,
          b,
        );
      case 'atan2':
        return v.call(
          this.#shared('atan2', 2, (code, [y, x]) => atan2(code, y, x)),
          a,
          b,
        );
      case 'mod': {
        const f = v.f;
        const result = f.local(w.v128);
        for (let lane = 0; lane < this.lanes; lane++) {
          f.get(result);
          for (const x of [a, b]) f.get(x).lane(w.f32x4_extract_lane, lane).op(w.f64_promote_f32);
          f.call(modulo(v.target, true)).op(w.f32_demote_f64).lane(w.f32x4_replace_lane, lane).set(result);
        }
        return result;
      }
      case 'and':
      case 'or':
      case 'xor':
      case 'shiftLeft':
      case 'shiftRight':
        throw undefinedOperation(op, 'float32');
      default:
        return v.op2(binary32[op], a, b);
    }
  }

  #isNumber(i: number): boolean {
    const instruction = this.instructions[i];
    return instruction.op === 'constant' && !Number.isNaN(instruction.value);
  }

  #binary64(op: BinaryOperation, a: Vector, b: Vector): Vector {
    const { v } = this;
    switch (op) {
      case 'pow':
      case 'atan2':
        return v.call(function64(v.target, v, op), a, b);
      case 'mod':
        return this.#each64((f) => f.call(modulo(v.target, false)), a, b);
      case 'and':
      case 'or':
      case 'xor':
      case 'shiftLeft':
      case 'shiftRight':
        throw undefinedOperation(op, 'float64');
      default: {
        const result = v.op2(binary64[op], a, b);
        return compares(op) ? narrow(v, result) : result;
      }
    }
  }

  #binaryInteger(op: BinaryOperation, a: Vector, b: Vector, dtype: DType): Vector {
    const { v } = this;
    const signed = dtype === 'int32';
    switch (op) {
      case 'div':
      case 'mod':
      case 'pow':
      case 'shiftLeft':
      case 'shiftRight': {
        const f = v.f;
        const callee = integerFunction(v.target, op, signed);
        const result = f.local(w.v128);
        for (let lane = 0; lane < this.lanes; lane++) {
          f.get(result);
          for (const x of [a, b]) f.get(x).lane(w.i32x4_extract_lane, lane);
          f.call(callee).lane(w.i32x4_replace_lane, lane).set(result);
        }
        return wrap(v, result, dtype);
      }
      case 'atan2':
        throw undefinedOperation(op, dtype);
      default: {
        const [ifSigned, ifUnsigned] = binaryInteger[op];
        const result = v.op2(signed ? ifSigned : ifUnsigned, a, b);
        return compares(op) ? result : wrap(v, result, dtype);
      }
    }
  }

  /** Applies a scalar float64 function to each lane. */
  #each64(emit: (f: FunctionBuilder) => void, ...operands: Vector[]): Vector {
    const f = this.v.f;
    const result = f.local(w.v128);
    for (let lane = 0; lane < 2; lane++) {
      f.get(result);
      for (const x of operands) f.get(x).lane(w.f64x2_extract_lane, lane);
      emit(f);
      f.lane(w.f64x2_replace_lane, lane).set(result);
    }
    return result;
  }

  #shared(name: string, count: number, body: (code: VectorCode, operands: Vector[]) => Vector) {
    const { target } = this.v;
    const types = new Array<number>(count).fill(w.v128);
    return target.module.shared(name, types, [w.v128], (f) => {
      const code = this.v.within(f);
      f.get(body(code, [...f.parameters]));
    });
  }
}

function operandsOf(instruction: Instruction): number[] {
  const { a, b, c } = instruction as { a?: number; b?: number; c?: number };
  return [a, b, c].filter((i) => i !== undefined);
}
