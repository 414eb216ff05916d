// biome-ignore-all format: a line of instructions is a line of thought
/**
 * The running state of a reduction: how each combination starts, takes in vectors and ends.
 */

import type { Combine, DType } from '@ag/tensor';
import { constant, narrow } from '../arithmetic/conversion.ts';
import type { Lanes } from '../arithmetic/expression.ts';
import type { Vector, VectorCode } from '../arithmetic/vector.ts';
import { undefinedOperation } from '../arithmetic/vocabulary.ts';
import * as w from '../assembler/opcodes.ts';
import type { I32 } from '../assembler/values.ts';

/** Whether the combination gives a position. */
export function isArg(combine: Combine): combine is 'argmax' | 'argmin' {
  return combine === 'argmax' || combine === 'argmin';
}

/** What combining nothing gives. */
function identity(combine: Combine, dtype: DType): number {
  if (combine === 'sum') return 0;
  if (combine === 'prod') return 1;
  const top = combine === 'min' || combine === 'argmin';
  switch (dtype) {
    case 'float32':
    case 'float64':
      return top ? Infinity : -Infinity;
    case 'int32':
      return top ? 2 ** 31 - 1 : -(2 ** 31);
    case 'uint32':
      return top ? 2 ** 32 - 1 : 0;
    case 'uint8':
      return top ? 255 : 0;
    case 'bool':
      return top ? 1 : 0;
    default:
      throw undefinedOperation(combine, dtype);
  }
}

export class Accumulator {
  readonly #v: VectorCode;
  readonly #lanes: Lanes;
  readonly #combine: Combine;
  readonly #dtype: DType;
  /** Whether all vectors end in one result. */
  readonly #joined: boolean;
  readonly #values: Vector[];
  /**
   * float32 sums and products: totals in float64, two vectors for four lanes. Sums go there now and then; products
   * at each step, because they leave the range of float32 on the way.
   */
  readonly #totals: Vector[][] = [];
  /** float32 extremes: lanes that have met NaN. */
  readonly #invalid: Vector[] = [];
  /** Where the extremes were. */
  readonly #positions: Vector[] = [];

  constructor(v: VectorCode, lanes: Lanes, combine: Combine, dtype: DType, vectors: number, joined: boolean) {
    this.#v = v;
    this.#lanes = lanes;
    this.#combine = combine;
    this.#dtype = dtype;
    this.#joined = joined;
    const locals = (n: number) => Array.from({ length: n }, () => v.f.local(w.v128));
    this.#values = locals(vectors);
    if (this.#folds || this.#multiplies) {
      const count = this.#folds && joined ? 1 : vectors;
      this.#totals = Array.from({ length: count }, () => locals(lanes / 2));
    }
    if (isArg(combine)) this.#positions = locals(vectors);
    else if (this.#marksNaN) this.#invalid = locals(vectors);
  }

  get #folds(): boolean {
    return this.#combine === 'sum' && this.#dtype === 'float32';
  }

  get #multiplies(): boolean {
    return this.#combine === 'prod' && this.#dtype === 'float32';
  }

  get #marksNaN(): boolean {
    return this.#dtype === 'float32' && (this.#combine === 'max' || this.#combine === 'min');
  }

  /** Starts anew. */
  reset(): void {
    const { f } = this.#v;
    const start = constant(this.#v, identity(this.#combine, this.#dtype), this.#dtype);
    for (const value of this.#values) f.get(start).set(value);
    const zero = this.#v.i32(0);
    const total = this.#multiplies ? this.#v.f64(1) : zero;
    for (const local of this.#totals.flat()) f.get(total).set(local);
    for (const local of [...this.#invalid, ...this.#positions]) f.get(zero).set(local);
  }

  /** Takes `x` into vector `i`; with `part` (1 … lanes) only its first lanes. */
  add(i: number, x: Vector, positions: () => Vector, part: I32 | null): void {
    const v = this.#v;
    const { f } = v;
    let value = x;
    if (part !== null) {
      const wide = this.#dtype === 'float64';
      const order = v.entry(wide ? 'order64' : 'order32', () => {
        f.v128(new Uint8Array(new Int32Array(wide ? [0, 0, 1, 1] : [0, 1, 2, 3]).buffer));
      });
      const inside = v.op2(w.i32x4_lt_s, order, v.let(part.splat()));
      value = v.select(inside, x, constant(v, identity(this.#combine, this.#dtype), this.#dtype));
    }
    const own = this.#values[i];
    if (isArg(this.#combine)) {
      const better = this.#beats(value, own);
      f.get(positions()).get(this.#positions[i]).get(this.#dtype === 'float64' ? narrow(v, better) : better);
      f.op(w.v128_bitselect).set(this.#positions[i]);
      f.get(value).get(own).get(better).op(w.v128_bitselect).set(own);
      return;
    }
    if (this.#multiplies) {
      this.#intoTotals(i, value, w.f64x2_mul);
      return;
    }
    if (this.#marksNaN) f.get(value).get(value).op(w.f32x4_ne).get(this.#invalid[i]).op(w.v128_or).set(this.#invalid[i]);
    f.get(this.#two(own, value)).set(own);
  }

  /** Moves float32 sums to their float64 totals. */
  fold(): void {
    if (!this.#folds) return;
    const v = this.#v;
    const { f } = v;
    const sums = this.#joined ? [this.#values.reduce((a, b) => v.add(a, b))] : this.#values;
    sums.forEach((sum, i) => this.#intoTotals(i, sum, w.f64x2_add));
    for (const value of this.#values) f.get(v.f32(0)).set(value);
  }

  #intoTotals(i: number, x: Vector, op: number): void {
    const { f } = this.#v;
    const [low, high] = this.#totals[i];
    f.get(low).get(x).op(w.f64x2_promote_low_f32x4).op(op).set(low);
    if (high === undefined) return;
    f.get(high).get(this.#v.shuffle32(x, x, 2, 3, 2, 3)).op(w.f64x2_promote_low_f32x4).op(op).set(high);
  }

  /** The result of each lane of vector `i`. */
  lanesOf(i: number): Vector {
    const v = this.#v;
    if (isArg(this.#combine)) return this.#positions[i];
    if (this.#totals.length > 0) {
      const [low, high] = this.#totals[i].map((total) => v.op1(w.f32x4_demote_f64x2_zero, total));
      return high === undefined ? low : v.shuffle32(low, high, 0, 1, 4, 5);
    }
    // All ones is a NaN.
    if (this.#marksNaN) return v.or(this.#values[i], this.#invalid[i]);
    return this.#dtype === 'uint8' ? v.and(this.#values[i], v.i32(255)) : this.#values[i];
  }

  /** The result of all lanes of all vectors, in lane 0. */
  across(): Vector {
    const v = this.#v;
    if (isArg(this.#combine)) return this.#positionAcross();
    if (this.#totals.length > 0) {
      const op = this.#folds ? w.f64x2_add : w.f64x2_mul;
      const total = this.#totals.flat().reduce((a, b) => v.op2(op, a, b));
      const other = v.shuffle32(total, total, 2, 3, 0, 1);
      return v.op1(w.f32x4_demote_f64x2_zero, v.op2(op, total, other));
    }
    let x = this.#values.reduce((a, b) => this.#two(a, b));
    for (const other of this.#swaps()) x = this.#two(x, v.shuffle32(x, x, ...other));
    if (this.#marksNaN) {
      let invalid = this.#invalid.reduce((a, b) => v.or(a, b));
      for (const other of this.#swaps()) invalid = v.or(invalid, v.shuffle32(invalid, invalid, ...other));
      x = v.or(x, invalid);
    }
    return this.#dtype === 'uint8' ? v.and(x, v.i32(255)) : x;
  }

  /** Shuffles that bring every lane to lane 0 in turn. */
  #swaps(): [number, number, number, number][] {
    if (this.#dtype === 'float64') return [[2, 3, 0, 1]];
    return this.#lanes === 2 ? [[1, 0, 1, 0]] : [[2, 3, 0, 1], [1, 0, 3, 2]]; // biome-ignore format: short
  }

  #positionAcross(): Vector {
    const v = this.#v;
    const wide = this.#dtype === 'float64';
    let best = this.#values[0];
    let position = this.#positions[0];
    for (const swap of this.#swaps()) {
      const other = v.shuffle32(best, best, ...swap);
      const otherPosition = wide ? v.shuffle32(position, position, 1, 0, 1, 0) : v.shuffle32(position, position, ...swap);
      const narrowed = (mask: Vector) => (wide ? narrow(v, mask) : mask);
      const better = this.#beats(other, best);
      const worse = this.#beats(best, other);
      const tie = v.without(v.op2(w.i32x4_lt_s, otherPosition, position), narrowed(worse));
      const take = v.or(narrowed(better), tie);
      position = v.select(take, otherPosition, position);
      best = v.select(better, other, best);
    }
    return position;
  }

  /** Where `a` is strictly beyond `b`, or the first NaN. */
  #beats(a: Vector, b: Vector): Vector {
    const v = this.#v;
    const [x, y] = this.#combine === 'argmax' ? [b, a] : [a, b];
    switch (this.#dtype) {
      case 'float32':
      case 'float64': {
        const single = this.#dtype === 'float32';
        const beyond = v.op2(single ? w.f32x4_lt : w.f64x2_lt, x, y);
        const ne = single ? w.f32x4_ne : w.f64x2_ne;
        return v.or(beyond, v.without(v.op2(ne, a, a), v.op2(ne, b, b)));
      }
      case 'int32':
        return v.op2(w.i32x4_lt_s, x, y);
      case 'bool':
        return v.without(y, x);
      default:
        return v.op2(w.i32x4_lt_u, x, y);
    }
  }

  #two(a: Vector, b: Vector): Vector {
    const v = this.#v;
    const dtype = this.#dtype;
    const combine = this.#combine as 'sum' | 'prod' | 'max' | 'min';
    if (dtype === 'bool') return combine === 'max' ? v.or(a, b) : v.and(a, b);
    if (dtype === 'float32') {
      return v.op2({ sum: w.f32x4_add, prod: w.f32x4_mul, max: w.f32x4_pmax, min: w.f32x4_pmin }[combine], a, b);
    }
    if (dtype === 'float64') {
      return v.op2({ sum: w.f64x2_add, prod: w.f64x2_mul, max: w.f64x2_max, min: w.f64x2_min }[combine], a, b);
    }
    const signed = dtype === 'int32';
    const max = signed ? w.i32x4_max_s : w.i32x4_max_u;
    const min = signed ? w.i32x4_min_s : w.i32x4_min_u;
    return v.op2({ sum: w.i32x4_add, prod: w.i32x4_mul, max, min }[combine], a, b);
  }
}
