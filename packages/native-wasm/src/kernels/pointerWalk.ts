// biome-ignore-all format: a line of instructions is a line of thought
/**
 * Walks: code that takes pointers over the axes of a launch in row-major order. The number of axes is part of the code,
 * sizes and strides come from the argument block.
 */

import { type ArgumentBlock, parameter } from '../abi.ts';
import type { FunctionBuilder, Local } from '../assembler/functionBuilder.ts';
import * as w from '../assembler/opcodes.ts';
import { type Access, elementBytes } from './access.ts';
import type { Axes } from './axes.ts';

/** Where an argument block holds the sizes of axes and, for each operand, its strides in bytes over them. */
export interface WalkFields {
  readonly sizes: readonly number[];
  readonly strides: readonly (readonly number[])[];
}

/** Appends the fields of a walk to an argument block. */
export function walkFields(argumentBlock: ArgumentBlock, axes: Axes, accesses: readonly Access[]): WalkFields {
  return {
    sizes: axes.sizes.map((size) => argumentBlock.i32(size)),
    strides: axes.strides.map((own, i) => own.map((stride) => argumentBlock.i32(stride * elementBytes(accesses[i])))),
  };
}

export class PointerWalk {
  readonly #f: FunctionBuilder;
  readonly #fields: WalkFields;
  readonly #pointers: readonly Local[];
  readonly #positions: Local[];

  constructor(f: FunctionBuilder, fields: WalkFields, pointers: readonly Local[]) {
    this.#f = f;
    this.#fields = fields;
    this.#pointers = pointers;
    // The outermost axis needs no counter: nobody asks where it ends.
    this.#positions = fields.sizes.map(() => f.local(w.i32));
  }

  /** Moves the pointers from the first element to the one at a row-major position, a local that is overwritten. */
  seek(position: Local): void {
    const f = this.#f;
    const { sizes } = this.#fields;
    f.get(position);
    f.if(() => {
      for (let axis = sizes.length - 1; axis >= 0; axis--) {
        const index = this.#positions[axis];
        if (axis > 0) {
          f.get(position).get(position).get(parameter.argumentBlock).memory(w.i32_load, sizes[axis]).op(w.i32_div_u).tee(position);
          f.get(parameter.argumentBlock).memory(w.i32_load, sizes[axis]).op(w.i32_mul).op(w.i32_sub).set(index);
        } else f.get(position).set(index);
        this.#pointers.forEach((pointer, i) => {
          f.get(pointer).get(index).load(w.i32_load, parameter.argumentBlock, this.#fields.strides[i][axis]);
          f.op(w.i32_mul).op(w.i32_add).set(pointer);
        });
      }
    });
  }

  /** Puts all counters back to the start; the pointers are the caller's business. */
  reset(): void {
    for (const position of this.#positions) this.#f.i32(0).set(position);
  }

  /** Moves on to the next element. After the last one, pointers stand beyond the end. */
  next(): void {
    this.#f.block((done) => this.#advance(this.#fields.sizes.length - 1, done));
  }

  #advance(axis: number, done: number): void {
    if (axis < 0) return;
    const f = this.#f;
    const { sizes, strides } = this.#fields;
    this.#pointers.forEach((pointer, i) => {
      f.get(pointer).load(w.i32_load, parameter.argumentBlock, strides[i][axis]).op(w.i32_add).set(pointer);
    });
    if (axis === 0) return;
    const position = this.#positions[axis];
    f.increment(position, 1).get(position).load(w.i32_load, parameter.argumentBlock, sizes[axis]);
    f.op(w.i32_lt_u).branchIf(done);
    f.i32(0).set(position);
    this.#pointers.forEach((pointer, i) => {
      f.get(pointer).load(w.i32_load, parameter.argumentBlock, strides[i][axis]);
      f.load(w.i32_load, parameter.argumentBlock, sizes[axis]).op(w.i32_mul).op(w.i32_sub).set(pointer);
    });
    this.#advance(axis - 1, done);
  }
}
