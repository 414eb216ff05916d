/** Numbers and elements from dtype to dtype, in vectors. */

import { type DType, toDType } from '@ag/tensor';
import * as w from '../assembler/opcodes.ts';
import type { Vector, VectorCode } from './vector.ts';

/** A number as a vector of `dtype` elements. */
export function constant(v: VectorCode, value: number, dtype: DType): Vector {
  switch (dtype) {
    case 'float32':
      return v.f32(value);
    case 'float64':
      return v.f64(value);
    case 'bool':
      return v.i32(toDType(value, dtype) === 0 ? 0 : -1);
    default:
      return v.i32(toDType(value, dtype));
  }
}

/** A mask of two 64-bit lanes as two 32-bit lanes, and back. */
export const narrow = (v: VectorCode, mask: Vector) => v.shuffle32(mask, mask, 0, 2, 0, 2);
export const widen = (v: VectorCode, mask: Vector) => v.shuffle32(mask, mask, 0, 0, 1, 1);

/** Elements of one dtype as those of another. */
export function convert(v: VectorCode, x: Vector, from: DType, to: DType): Vector {
  if (from === to) return x;
  if (from === 'float16' || from === 'bfloat16') return decoded(v, x, from);
  if (to === 'float16' || to === 'bfloat16') return encoded(v, x, to);
  if (to === 'bool') {
    if (from === 'float32') return v.op2(w.f32x4_ne, x, v.f32(0));
    if (from === 'float64') return narrow(v, v.op2(w.f64x2_ne, x, v.f64(0)));
    return v.op2(w.i32x4_ne, x, v.i32(0));
  }
  if (from === 'bool') {
    if (to === 'float32') return v.and(x, v.f32(1));
    if (to === 'float64') return v.and(widen(v, x), v.f64(1));
    return v.and(x, v.i32(1));
  }
  if (to === 'float32') {
    if (from === 'float64') return v.op1(w.f32x4_demote_f64x2_zero, x);
    return v.op1(from === 'uint32' ? w.f32x4_convert_i32x4_u : w.f32x4_convert_i32x4_s, x);
  }
  if (to === 'float64') {
    if (from === 'float32') return v.op1(w.f64x2_promote_low_f32x4, x);
    return v.op1(from === 'uint32' ? w.f64x2_convert_low_i32x4_u : w.f64x2_convert_low_i32x4_s, x);
  }
  if (from === 'float32' || from === 'float64') {
    const [signed, unsigned] =
      from === 'float32'
        ? [w.i32x4_trunc_sat_f32x4_s, w.i32x4_trunc_sat_f32x4_u]
        : [w.i32x4_trunc_sat_f64x2_s_zero, w.i32x4_trunc_sat_f64x2_u_zero];
    const integer = v.op1(to === 'uint32' ? unsigned : signed, x);
    if (to !== 'uint8') return integer;
    return v.op2(w.i32x4_max_s, v.op2(w.i32x4_min_s, integer, v.i32(255)), v.i32(0));
  }
  return wrap(v, x, to);
}

/** Bits of float16 or bfloat16 as float32. */
function decoded(v: VectorCode, bits: Vector, from: DType): Vector {
  if (from === 'bfloat16') return v.shift(w.i32x4_shl, bits, 16);
  const size = v.and(bits, v.i32(0x7fff));
  const moved = v.shift(w.i32x4_shl, size, 13);
  const normal = v.addInt(moved, v.i32(0x38000000));
  const small = v.mul(v.op1(w.f32x4_convert_i32x4_s, size), v.f32(2 ** -24));
  const finite = v.select(v.op2(w.i32x4_lt_s, size, v.i32(0x400)), small, normal);
  const infinite = v.addInt(moved, v.i32(0x70000000));
  const number = v.select(v.op2(w.i32x4_lt_s, size, v.i32(0x7c00)), finite, infinite);
  return v.or(number, v.shift(w.i32x4_shl, v.and(bits, v.i32(0x8000)), 16));
}

/** float32 as bits of the nearest float16 or bfloat16: the steps of `encode` in @ag/tensor's halves.ts. */
function encoded(v: VectorCode, x: Vector, to: DType): Vector {
  const size = v.and(x, v.i32(0x7fffffff));
  const nan = v.op2(w.i32x4_gt_s, size, v.i32(0x7f800000));
  const rounded = (y: Vector, bits: number): Vector => {
    const odd = v.and(v.shift(w.i32x4_shr_u, y, bits), v.i32(1));
    const up = v.addInt(v.addInt(y, v.i32(2 ** (bits - 1) - 1)), odd);
    return v.shift(w.i32x4_shr_u, up, bits);
  };
  if (to === 'bfloat16') return v.select(nan, v.i32(0x7fc0), rounded(x, 16));
  const sign = v.and(v.shift(w.i32x4_shr_u, x, 16), v.i32(0x8000));
  const small = v.subInt(v.add(v.abs(x), v.f32(0.5)), v.i32(0x3f000000));
  const normal = rounded(v.subInt(size, v.i32(0x38000000)), 13);
  const finite = v.select(v.op2(w.i32x4_lt_s, size, v.i32(0x38800000)), small, normal);
  const number = v.select(v.op2(w.i32x4_lt_s, size, v.i32(0x477ff000)), finite, v.i32(0x7c00));
  return v.select(nan, v.i32(0x7e00), v.or(number, sign));
}

/** Bytes within 32 bits wrap; other dtypes as they are. */
export function wrap(v: VectorCode, x: Vector, dtype: DType): Vector {
  if (dtype === 'int8' || dtype === 'int16') {
    const unused = dtype === 'int8' ? 24 : 16;
    return v.shift(w.i32x4_shr_s, v.shift(w.i32x4_shl, x, unused), unused);
  }
  return dtype === 'uint8' ? v.and(x, v.i32(255)) : x;
}
