/**
 * Winograd's minimal filtering along one axis: six products instead of m·r for m outputs of a filter with r taps, m + r = 7.
 *
 * After A. Lavin and S. Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016. A tile of six inputs and a filter are
 * polynomials; both are evaluated at the points 0, ±⅝, ±1½ and ∞, multiplied there, and the product is interpolated (Toom and Cook).
 * Points decide how much rounding is amplified: these were found best among small fractions (decision 0018); a third of the
 * error of the usual 0, ±1, ±2, ∞.
 *
 * Points that differ in sign only share their even and their odd part, so each transformation is a few additions. They are applied to
 * vectors of four independent tiles.
 */
import type { FunctionBuilder } from '../assembler/functionBuilder.ts';
import * as w from '../assembler/opcodes.ts';
import { type V128, type V128Variable, v128, v128Constant } from '../assembler/values.ts';

/** Inputs of a tile, and products, along one axis. */
export const points = 6;

/** Products of a tile. */
export const products = points * points;

const near = 5 / 8;
const far = 3 / 2;

/** π of the differences between a point and the others but ∞. */
const ofZero = near ** 2 * far ** 2;
const ofNear = 2 * near ** 2 * (near ** 2 - far ** 2);
const ofFar = 2 * far ** 2 * (far ** 2 - near ** 2);

/** Arithmetic on four float32 lanes in one function. */
export class Lanes {
  readonly f: FunctionBuilder;
  readonly #fused: boolean;
  readonly #constants = new Map<number, V128Variable>();

  constructor(f: FunctionBuilder, fused: boolean) {
    this.f = f;
    this.#fused = fused;
  }

  /** A number in all lanes, in a local from the entry of the function on. */
  constant(value: number): V128 {
    let local = this.#constants.get(value);
    if (!local) {
      const made = v128(this.f);
      local = made;
      this.#constants.set(value, made);
      this.f.atEntry(() =>
        made.set(v128Constant(this.f, new Uint8Array(new Float32Array(4).fill(value).buffer))),
      );
    }
    return local;
  }

  /** x·factor + y */
  multiplyAdd(x: V128, factor: number | V128, y: V128): V128 {
    const by = typeof factor === 'number' ? this.constant(factor) : factor;
    return this.#fused ? x.op(w.f32x4_relaxed_madd, by, y) : x.op(w.f32x4_mul, by).op(w.f32x4_add, y);
  }
}

/** One transformation along one axis: reads variables, hands each result to `write`. */
export type Transformation = (
  lanes: Lanes,
  x: readonly V128Variable[],
  write: (row: number, value: V128) => void,
) => void;

/** Six inputs to their values at the points. */
export const ofInputs: Transformation = (lanes, x, write) => {
  const { f } = lanes;
  const even = v128(f);
  const odd = v128(f);
  const both = -(near ** 2 + far ** 2);
  write(0, lanes.multiplyAdd(x[0], ofZero, lanes.multiplyAdd(x[2], both, x[4])));
  [near, far].forEach((point, i) => {
    const other = -((i === 0 ? far : near) ** 2);
    even.set(lanes.multiplyAdd(x[2], other, x[4]));
    odd.set(lanes.multiplyAdd(x[1], other, x[3]));
    write(1 + 2 * i, lanes.multiplyAdd(odd, point, even));
    write(2 + 2 * i, lanes.multiplyAdd(odd, -point, even));
  });
  write(5, lanes.multiplyAdd(x[1], ofZero, lanes.multiplyAdd(x[3], both, x[5])));
};

/** A small power of a point, without rounding. */
function power(point: number, exponent: number): number {
  let product = 1;
  for (let i = 0; i < exponent; i++) product *= point;
  return product;
}

/** So many taps to their values at the points, each divided by what interpolation would divide by. */
export function ofTaps(taps: number): Transformation {
  return (lanes, x, write) => {
    const { f } = lanes;
    const even = v128(f);
    const odd = v128(f);
    write(0, x[0].op(w.f32x4_mul, lanes.constant(1 / ofZero)));
    [near, far].forEach((point, i) => {
      const by = i === 0 ? ofNear : ofFar;
      const part = (first: number) => {
        let sum = x[first].op(w.f32x4_mul, lanes.constant(power(point, first) / by));
        for (let k = first + 2; k < taps; k += 2) sum = lanes.multiplyAdd(x[k], power(point, k) / by, sum);
        return sum;
      };
      even.set(part(0));
      odd.set(part(1));
      write(1 + 2 * i, even.op(w.f32x4_add, odd));
      write(2 + 2 * i, even.op(w.f32x4_sub, odd));
    });
    write(5, x[taps - 1]);
  };
}

/** Products at the points to so many outputs. */
export function ofOutputs(count: number): Transformation {
  return (lanes, x, write) => {
    const { f } = lanes;
    const sums = [0, 1].map((i) => x[1 + 2 * i].op(w.f32x4_add, x[2 + 2 * i]).let());
    const differences = [0, 1].map((i) => x[1 + 2 * i].op(w.f32x4_sub, x[2 + 2 * i]).let());
    const value = v128(f);
    for (let i = 0; i < count; i++) {
      const [ofNear, ofFar] = i % 2 === 0 ? sums : differences;
      value.set(
        i === 0
          ? ofNear.op(w.f32x4_add, ofFar)
          : lanes.multiplyAdd(ofFar, power(far, i), ofNear.op(w.f32x4_mul, lanes.constant(power(near, i)))),
      );
      if (i === 0) value.set(value.op(w.f32x4_add, x[0]));
      if (i === count - 1) value.set(value.op(w.f32x4_add, x[5]));
      write(i, value);
    }
  };
}
