/** The operations that are one instruction, or two: which, for every dtype. */
import type { BinaryOperation, DType, UnaryOperation } from '@ag/tensor';
import { dtypeError } from '@ag/tensor/engine';
import * as w from '../assembler/opcodes.ts';
import type { Vector, VectorCode } from './vector.ts';

export const compares = (op: BinaryOperation) =>
  op === 'equal' || op === 'notEqual' || op === 'less' || op === 'lessEqual';

export const simple32: Partial<Record<UnaryOperation, number>> = {
  neg: w.f32x4_neg,
  abs: w.f32x4_abs,
  sqrt: w.f32x4_sqrt,
  floor: w.f32x4_floor,
  ceil: w.f32x4_ceil,
  round: w.f32x4_nearest,
};

export const simple64: Partial<Record<UnaryOperation, number>> = {
  neg: w.f64x2_neg,
  abs: w.f64x2_abs,
  sqrt: w.f64x2_sqrt,
  floor: w.f64x2_floor,
  ceil: w.f64x2_ceil,
  round: w.f64x2_nearest,
};

export const binary32 = {
  add: w.f32x4_add,
  sub: w.f32x4_sub,
  mul: w.f32x4_mul,
  div: w.f32x4_div,
  equal: w.f32x4_eq,
  notEqual: w.f32x4_ne,
  less: w.f32x4_lt,
  lessEqual: w.f32x4_le,
};

export const binary64 = {
  add: w.f64x2_add,
  sub: w.f64x2_sub,
  mul: w.f64x2_mul,
  div: w.f64x2_div,
  max: w.f64x2_max,
  min: w.f64x2_min,
  equal: w.f64x2_eq,
  notEqual: w.f64x2_ne,
  less: w.f64x2_lt,
  lessEqual: w.f64x2_le,
};

/** For int32, and for uint32 and uint8. */
export const binaryInteger = {
  add: [w.i32x4_add, w.i32x4_add],
  sub: [w.i32x4_sub, w.i32x4_sub],
  mul: [w.i32x4_mul, w.i32x4_mul],
  max: [w.i32x4_max_s, w.i32x4_max_u],
  min: [w.i32x4_min_s, w.i32x4_min_u],
  equal: [w.i32x4_eq, w.i32x4_eq],
  notEqual: [w.i32x4_ne, w.i32x4_ne],
  less: [w.i32x4_lt_s, w.i32x4_lt_u],
  lessEqual: [w.i32x4_le_s, w.i32x4_le_u],
  and: [w.v128_and, w.v128_and],
  or: [w.v128_or, w.v128_or],
  xor: [w.v128_xor, w.v128_xor],
};

export function undefinedOperation(op: string, dtype: DType): TypeError {
  return dtypeError(`'${op}' is not defined for ${dtype}; cast the operands to a dtype that has it first`);
}

/** Masks as truth values. */
export function binaryBool(v: VectorCode, op: BinaryOperation, a: Vector, b: Vector): Vector {
  switch (op) {
    case 'and':
    case 'mul':
    case 'min':
      return v.and(a, b);
    case 'or':
    case 'max':
      return v.or(a, b);
    case 'notEqual':
    case 'xor':
      return v.xor(a, b);
    case 'equal':
      return v.not(v.xor(a, b));
    case 'less':
      return v.without(b, a);
    case 'lessEqual':
      return v.not(v.without(a, b));
    default:
      throw undefinedOperation(op, 'bool');
  }
}
