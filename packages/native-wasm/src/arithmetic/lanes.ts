/**
 * Loads and stores between memory and vectors, for every dtype and stride.
 *
 * Each form exists for whole vectors and for the few elements at the end of a row, so that both run through the same
 * arithmetic and give the same bits.
 */

import { bytesPerElement, type DType } from '@ag/tensor';
import type { Target } from '../abi.ts';
import type { Callable } from '../assembler/functionBuilder.ts';
import { lanes32 } from '../assembler/functionBuilder.ts';
import * as w from '../assembler/opcodes.ts';
import {
  callVector,
  type I32,
  type I32Variable,
  i32Parameters,
  perform,
  sharedFunction,
  V128,
  v128,
  v128Constant,
} from '../assembler/values.ts';
import type { Lanes } from './expression.ts';
import type { Vector, VectorCode } from './vector.ts';

/**
 * How an operand lies along the axis that vectors run along. `alternate`: every second element. `twice`: each element of four
 * bytes twice, then the next; its `step` is half an element. `parity`: a coordinate that is 0 and 1 in turn.
 */
export type Pattern = 'contiguous' | 'constant' | 'strided' | 'alternate' | 'twice' | 'parity';

/** `stride` in elements. */
export function patternOf(stride: number): Pattern {
  return stride === 1 ? 'contiguous' : stride === 0 ? 'constant' : stride === 2 ? 'alternate' : 'strided';
}

/** An operand in a kernel: where it stands and how it goes on. */
export interface Place {
  readonly dtype: DType;
  readonly pattern: Pattern;
  /** Address of the current element, i32. */
  readonly pointer: I32Variable;
  /** Bytes to the next element, i32; the loop keeps it. */
  readonly step: I32Variable;
}

/** All lanes from memory, `ahead` vectors after the pointer; or at the pointer the first `part` (1 … lanes), zeros above. */
export function loadVector(
  v: VectorCode,
  lanes: Lanes,
  place: Place,
  ahead = 0,
  part: I32 | null = null,
): Vector {
  const { dtype, pattern, pointer, step } = place;
  const size = bytesPerElement(dtype);
  if (pattern === 'constant') return splat(v, dtype, pointer);
  if (pattern === 'twice') {
    const two = v.let(pointer.loadVector(ahead * 8, w.v128_load64_zero));
    return v.shuffle32(two, two, 0, 0, 1, 1);
  }
  if (part !== null) {
    const load = partialLoader(v.target, lanes, size);
    return widenBytes(v, dtype, v.let(callVector(v.f, load, pointer, step, part)));
  }
  if (pattern === 'alternate' && size === 4 && lanes === 4) {
    const next = pointer.loadVector(ahead * 32 + 16);
    return v.let(pointer.loadVector(ahead * 32).shuffle32(next, 0, 2, 4, 6));
  }
  if (pattern === 'strided' || pattern === 'alternate') {
    const addresses = laneAddresses(lanes, place, ahead);
    const first = {
      8: w.v128_load64_zero,
      4: w.v128_load32_zero,
      2: w.v128_load16_splat,
      1: w.v128_load8_splat,
    }[size as ElementSize];
    let x = v.let(addresses[0].loadVector(0, first));
    for (let lane = 1; lane < lanes; lane++) {
      x = v.let(addresses[lane].loadLane(v.leaf(x), loadLane(size), 0, lane));
    }
    return widenBytes(v, dtype, x);
  }
  const bytes = lanes * size;
  const code = { 2: w.v128_load16_splat, 4: w.v128_load32_zero, 8: w.v128_load64_zero, 16: w.v128_load };
  return widenBytes(v, dtype, v.let(pointer.loadVector(ahead * bytes, code[bytes as keyof typeof code])));
}

/** One element in every lane. */
export function splat(v: VectorCode, dtype: DType, address: I32, offset = 0): Vector {
  const size = bytesPerElement(dtype);
  if (size > 2) {
    return v.let(address.loadVector(offset, size === 8 ? w.v128_load64_splat : w.v128_load32_splat));
  }
  const code =
    size === 2
      ? dtype === 'int16'
        ? w.i32_load16_s
        : w.i32_load16_u
      : dtype === 'int8'
        ? w.i32_load8_s
        : w.i32_load8_u;
  const bytes = v.let(address.load(offset, code).splat());
  return dtype === 'bool' ? v.op1(w.i32x4_neg, bytes) : bytes;
}

/** pointer + lane · step: the addresses themselves. */
export function coordinates(
  v: VectorCode,
  { pattern, pointer, step }: Place,
  lanes: Lanes,
  ahead = 0,
): Vector {
  if (pattern === 'parity') {
    return v.let(pointer.splat().op(w.i32x4_add, v128Constant(v.f, lanes32(0, 1, 0, 1))));
  }
  const first = ahead * lanes;
  const numbers = v128Constant(v.f, lanes32(first, first + 1, first + 2, first + 3));
  return v.let(step.splat().op(w.i32x4_mul, numbers).op(w.i32x4_add, pointer.splat()));
}

/** Writes all lanes, `ahead` vectors after the pointer, or at the pointer the first `part`; adds them to what is there when `accumulate`. */
export function storeVector(
  v: VectorCode,
  lanes: Lanes,
  place: Place,
  x: Vector,
  accumulate: boolean,
  ahead = 0,
  part: I32 | null = null,
): void {
  const { dtype, pattern, pointer, step } = place;
  const size = bytesPerElement(dtype);
  const value = accumulate ? addTo(v, dtype, loadVector(v, lanes, place, ahead, part), x) : x;
  const packed = v.leaf(narrowBytes(v, dtype, value));
  if (part !== null) {
    perform(v.f, partialStorer(v.target, lanes, size), pointer, step, packed, part);
    return;
  }
  if (pattern !== 'contiguous') {
    laneAddresses(lanes, place, ahead).forEach((address, lane) => {
      address.storeLane(packed, storeLane(size), 0, lane);
    });
    return;
  }
  const bytes = lanes * size;
  const offset = ahead * bytes;
  if (bytes === 16) pointer.store(packed, offset);
  else {
    const codes = { 2: w.v128_store16_lane, 4: w.v128_store32_lane, 8: w.v128_store64_lane };
    pointer.storeLane(packed, codes[bytes as keyof typeof codes], offset, 0);
  }
}

/** Writes lane 0. */
export function storeFirst(v: VectorCode, { dtype, pointer }: Place, x: Vector, accumulate: boolean): void {
  const value = accumulate ? addTo(v, dtype, splat(v, dtype, pointer), x) : x;
  const packed = new V128(v.f, () => v.f.get(narrowBytes(v, dtype, value)));
  pointer.storeLane(packed, storeLane(bytesPerElement(dtype)), 0, 0);
}

function addTo(v: VectorCode, dtype: DType, a: Vector, b: Vector): Vector {
  if (dtype === 'bool') return v.or(a, b);
  return v.op2(dtype === 'float32' ? w.f32x4_add : dtype === 'float64' ? w.f64x2_add : w.i32x4_add, a, b);
}

/** Bytes of an element. */
type ElementSize = 8 | 4 | 2 | 1;

const loadLanes = {
  8: w.v128_load64_lane,
  4: w.v128_load32_lane,
  2: w.v128_load16_lane,
  1: w.v128_load8_lane,
};
const storeLanes = {
  8: w.v128_store64_lane,
  4: w.v128_store32_lane,
  2: w.v128_store16_lane,
  1: w.v128_store8_lane,
};
const loadLane = (size: number) => loadLanes[size as ElementSize];
const storeLane = (size: number) => storeLanes[size as ElementSize];

/** Elements of one and two bytes in the first lanes to 32 bits each; bool to masks. Other dtypes as they are. */
function widenBytes(v: VectorCode, dtype: DType, x: Vector): Vector {
  const size = bytesPerElement(dtype);
  if (size > 2) return x;
  v.f.get(x);
  if (dtype === 'int8') v.f.op(w.i16x8_extend_low_i8x16_s).op(w.i32x4_extend_low_i16x8_s);
  else if (dtype === 'int16') v.f.op(w.i32x4_extend_low_i16x8_s);
  else if (size === 2) v.f.op(w.i32x4_extend_low_i16x8_u);
  else v.f.op(w.i16x8_extend_low_i8x16_u).op(w.i32x4_extend_low_i16x8_u);
  if (dtype === 'bool') v.f.op(w.i32x4_neg);
  return v.keep();
}

function narrowBytes(v: VectorCode, dtype: DType, x: Vector): Vector {
  const size = bytesPerElement(dtype);
  if (size > 2) return x;
  if (size === 2) {
    const halves = v.and(x, v.i32(0xffff));
    return v.op2(w.i16x8_narrow_i32x4_u, halves, halves);
  }
  // Sums of accumulating outputs may exceed a byte: they wrap.
  const bytes = v.and(x, v.i32(dtype === 'bool' ? 1 : 255));
  const words = v.op2(w.i16x8_narrow_i32x4_u, bytes, bytes);
  return v.op2(w.i8x16_narrow_i16x8_u, words, words);
}

/** Addresses of the lanes of a strided operand. */
function laneAddresses(lanes: Lanes, { pointer, step }: Place, ahead: number): I32Variable[] {
  let address = ahead > 0 ? pointer.add(step.mul(ahead * lanes)).let() : pointer;
  const addresses = [address];
  for (let lane = 1; lane < lanes; lane++) {
    address = address.add(step).let();
    addresses.push(address);
  }
  return addresses;
}

/** (address, step, count) → vector of the first `count` elements. */
function partialLoader(target: Target, lanes: Lanes, size: number): Callable {
  return sharedFunction(target.module, `load${lanes}×${size}`, [w.v128], (f, address, step, count) => {
    const x = v128(f);
    f.block((exit) => {
      for (let lane = 0; lane < lanes; lane++) {
        if (lane > 0) {
          count.leS(lane).branchIf(exit);
          address.increase(step);
        }
        x.set(address.loadLane(x, loadLane(size), 0, lane));
      }
    });
    x.write();
  });
}

/** (address, step, vector, count): writes the first `count` elements. */
function partialStorer(target: Target, lanes: Lanes, size: number): Callable {
  return target.module.shared(`store${lanes}×${size}`, [w.i32, w.i32, w.v128, w.i32], [], (f) => {
    const [address, step, , count] = i32Parameters(f);
    const x = v128(f, f.parameters[2]);
    f.block((exit) => {
      for (let lane = 0; lane < lanes; lane++) {
        if (lane > 0) {
          count.leS(lane).branchIf(exit);
          address.increase(step);
        }
        address.storeLane(x, storeLane(size), 0, lane);
      }
    });
  });
}
