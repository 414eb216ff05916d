// biome-ignore-all format: a line of instructions is a line of thought
/**
 * Loads and stores: how elements of every dtype get between memory and the vectors of `expression.ts`. Each form exists for
 * whole vectors and for the few elements at the end of a row, so that both run through the same arithmetic
 * and give the same bits.
 */

import { bytesPerElement, type DType } from '@ag/tensor';
import type { Target } from '../abi.ts';
import type { Callable, Local } from '../assembler/functionBuilder.ts';
import { lanes32 } from '../assembler/functionBuilder.ts';
import * as w from '../assembler/opcodes.ts';
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
  readonly pointer: Local;
  /** Bytes to the next element, i32; the loop keeps it. */
  readonly step: Local;
}

/** All lanes from memory, `ahead` vectors after the pointer. */
export function loadVector(v: VectorCode, lanes: Lanes, place: Place, ahead = 0): Vector {
  const { f } = v;
  const size = bytesPerElement(place.dtype);
  if (place.pattern === 'constant') return splat(v, place.dtype, place.pointer);
  if (place.pattern === 'twice') {
    f.get(place.pointer).memory(w.v128_load64_zero, ahead * 8);
    const two = v.keep();
    f.get(two).get(two).shuffle32(0, 0, 1, 1);
    return v.keep();
  }
  if (place.pattern === 'alternate' && size === 4 && lanes === 4) {
    f.get(place.pointer).memory(w.v128_load, ahead * 32);
    f.get(place.pointer).memory(w.v128_load, ahead * 32 + 16).shuffle32(0, 2, 4, 6);
    return v.keep();
  }
  if (place.pattern === 'strided' || place.pattern === 'alternate') {
    const addresses = laneAddresses(v, lanes, place, ahead);
    f.get(addresses[0]).memory(size === 8 ? w.v128_load64_zero : size === 4 ? w.v128_load32_zero : w.v128_load8_splat);
    let x = v.keep();
    for (let lane = 1; lane < lanes; lane++) {
      f.get(addresses[lane]).get(x).memoryLane(loadLane(size), 0, lane);
      x = v.keep();
    }
    return widenBytes(v, place.dtype, x);
  }
  const offset = ahead * lanes * size;
  f.get(place.pointer);
  const bytes = lanes * size;
  if (bytes === 2) f.memory(w.v128_load16_splat, offset);
  else f.memory(bytes === 16 ? w.v128_load : bytes === 8 ? w.v128_load64_zero : w.v128_load32_zero, offset);
  return widenBytes(v, place.dtype, v.keep());
}

/** The first `count` lanes from memory (`count` a local, 1 … lanes), zeros above. */
export function loadPartial(v: VectorCode, lanes: Lanes, place: Place, count: Local): Vector {
  if (place.pattern === 'constant') return splat(v, place.dtype, place.pointer);
  if (place.pattern === 'twice') return loadVector(v, lanes, place);
  const size = bytesPerElement(place.dtype);
  v.f.get(place.pointer).get(place.step).get(count).call(partialLoader(v.target, lanes, size));
  return widenBytes(v, place.dtype, v.keep());
}

/** One element in every lane. */
export function splat(v: VectorCode, dtype: DType, address: Local, offset = 0): Vector {
  const { f } = v;
  f.get(address);
  switch (bytesPerElement(dtype)) {
    case 8:
      f.memory(w.v128_load64_splat, offset);
      return v.keep();
    case 4:
      f.memory(w.v128_load32_splat, offset);
      return v.keep();
    default:
      f.memory(w.i32_load8_u, offset).op(w.i32x4_splat);
      return dtype === 'bool' ? v.op1(w.i32x4_neg, v.keep()) : v.keep();
  }
}

/** pointer + lane · step: the addresses themselves. */
export function coordinates(v: VectorCode, place: Place, lanes: Lanes, ahead = 0): Vector {
  const f = v.f;
  if (place.pattern === 'parity') {
    f.get(place.pointer).op(w.i32x4_splat).v128(lanes32(0, 1, 0, 1)).op(w.i32x4_add);
    return v.keep();
  }
  const first = ahead * lanes;
  f.get(place.step).op(w.i32x4_splat).v128(lanes32(first, first + 1, first + 2, first + 3));
  f.op(w.i32x4_mul).get(place.pointer).op(w.i32x4_splat).op(w.i32x4_add);
  return v.keep();
}

/** Writes all lanes, `ahead` vectors after the pointer; adds them to what is there when `accumulate`. */
export function storeVector(v: VectorCode, lanes: Lanes, place: Place, x: Vector, accumulate: boolean, ahead = 0): void {
  const { f } = v;
  const size = bytesPerElement(place.dtype);
  const value = accumulate ? addTo(v, place.dtype, loadVector(v, lanes, place, ahead), x) : x;
  const packed = narrowBytes(v, place.dtype, value);
  if (place.pattern !== 'contiguous') {
    laneAddresses(v, lanes, place, ahead).forEach((address, lane) => {
      f.get(address).get(packed).memoryLane(storeLane(size), 0, lane);
    });
    return;
  }
  const offset = ahead * lanes * size;
  f.get(place.pointer).get(packed);
  const bytes = lanes * size;
  if (bytes === 16) f.memory(w.v128_store, offset);
  else f.memoryLane(bytes === 8 ? w.v128_store64_lane : bytes === 4 ? w.v128_store32_lane : w.v128_store16_lane, offset, 0);
}

/** Writes the first `count` lanes. */
export function storePartial(v: VectorCode, lanes: Lanes, place: Place, x: Vector, accumulate: boolean, count: Local): void {
  const size = bytesPerElement(place.dtype);
  const value = accumulate ? addTo(v, place.dtype, loadPartial(v, lanes, place, count), x) : x;
  const packed = narrowBytes(v, place.dtype, value);
  v.f.get(place.pointer).get(place.step).get(packed).get(count).call(partialStorer(v.target, lanes, size));
}

/** Writes lane 0. */
export function storeFirst(v: VectorCode, place: Place, x: Vector, accumulate: boolean): void {
  const value = accumulate ? addTo(v, place.dtype, splat(v, place.dtype, place.pointer), x) : x;
  v.f.get(place.pointer).get(narrowBytes(v, place.dtype, value));
  v.f.memoryLane(storeLane(bytesPerElement(place.dtype)), 0, 0);
}

function addTo(v: VectorCode, dtype: DType, a: Vector, b: Vector): Vector {
  if (dtype === 'bool') return v.or(a, b);
  return v.op2(dtype === 'float32' ? w.f32x4_add : dtype === 'float64' ? w.f64x2_add : w.i32x4_add, a, b);
}

const loadLane = (size: number) =>
  size === 8 ? w.v128_load64_lane : size === 4 ? w.v128_load32_lane : w.v128_load8_lane;
const storeLane = (size: number) =>
  size === 8 ? w.v128_store64_lane : size === 4 ? w.v128_store32_lane : w.v128_store8_lane;

/** Bytes in the first lanes to 32 bits each; bool to masks. Other dtypes as they are. */
function widenBytes(v: VectorCode, dtype: DType, x: Vector): Vector {
  if (bytesPerElement(dtype) > 1) return x;
  v.f.get(x).op(w.i16x8_extend_low_i8x16_u).op(w.i32x4_extend_low_i16x8_u);
  if (dtype === 'bool') v.f.op(w.i32x4_neg);
  return v.keep();
}

function narrowBytes(v: VectorCode, dtype: DType, x: Vector): Vector {
  if (bytesPerElement(dtype) > 1) return x;
  // Sums of accumulating outputs may exceed a byte: they wrap.
  const bytes = v.and(x, v.i32(dtype === 'bool' ? 1 : 255));
  const words = v.op2(w.i16x8_narrow_i32x4_u, bytes, bytes);
  return v.op2(w.i8x16_narrow_i16x8_u, words, words);
}

/** Addresses of the lanes of a strided operand. */
function laneAddresses(v: VectorCode, lanes: Lanes, place: Place, ahead: number): Local[] {
  const { f } = v;
  const addresses: Local[] = [];
  let address = place.pointer;
  if (ahead > 0) {
    f.get(place.pointer).get(place.step).i32(ahead * lanes).op(w.i32_mul).op(w.i32_add);
    address = f.let(w.i32);
  }
  for (let lane = 0; lane < lanes; lane++) {
    addresses.push(address);
    if (lane + 1 < lanes) {
      f.get(address).get(place.step).op(w.i32_add);
      address = f.let(w.i32);
    }
  }
  return addresses;
}

/** (address, step, count) → vector of the first `count` elements. */
function partialLoader(target: Target, lanes: Lanes, size: number): Callable {
  return target.module.shared(`load${lanes}×${size}`, [w.i32, w.i32, w.i32], [w.v128], (f) => {
    const [address, step, count] = f.parameters;
    const x = f.local(w.v128);
    f.block((exit) => {
      for (let lane = 0; lane < lanes; lane++) {
        if (lane > 0) {
          f.get(count).i32(lane).op(w.i32_le_s).branchIf(exit);
          f.get(address).get(step).op(w.i32_add).set(address);
        }
        f.get(address).get(x).memoryLane(loadLane(size), 0, lane).set(x);
      }
    });
    f.get(x);
  });
}

/** (address, step, vector, count): writes the first `count` elements. */
function partialStorer(target: Target, lanes: Lanes, size: number): Callable {
  return target.module.shared(`store${lanes}×${size}`, [w.i32, w.i32, w.v128, w.i32], [], (f) => {
    const [address, step, x, count] = f.parameters;
    f.block((exit) => {
      for (let lane = 0; lane < lanes; lane++) {
        if (lane > 0) {
          f.get(count).i32(lane).op(w.i32_le_s).branchIf(exit);
          f.get(address).get(step).op(w.i32_add).set(address);
        }
        f.get(address).get(x).memoryLane(storeLane(size), 0, lane);
      }
    });
  });
}
