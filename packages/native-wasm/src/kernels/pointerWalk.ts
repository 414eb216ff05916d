/**
 * Walks: code that takes pointers over the axes of a launch in row-major order. The number of axes is part of the code,
 * sizes and strides come from the argument block.
 */

import type { LaunchAxes } from '@ag/tensor/engine';
import { type ArgumentBlock, argument } from '../abi.ts';
import type { FunctionBuilder, Label } from '../assembler/functionBuilder.ts';
import { type I32, type I32Variable, i32 } from '../assembler/values.ts';
import { type Access, elementBytes } from './access.ts';

/** Where an argument block holds the sizes of axes and, for each operand, its strides in bytes over them. */
export interface WalkFields {
  readonly sizes: readonly number[];
  readonly strides: readonly (readonly number[])[];
}

/** Appends the fields of a walk to an argument block. */
export function walkFields(
  argumentBlock: ArgumentBlock,
  axes: LaunchAxes,
  accesses: readonly Access[],
): WalkFields {
  return {
    sizes: axes.sizes.map((size) => argumentBlock.i32(size)),
    strides: axes.strides.map((own, i) =>
      own.map((stride) => argumentBlock.i32(stride * elementBytes(accesses[i]))),
    ),
  };
}

export class PointerWalk {
  readonly #f: FunctionBuilder;
  readonly #fields: WalkFields;
  readonly #pointers: readonly I32Variable[];
  readonly #positions: readonly I32Variable[];

  constructor(f: FunctionBuilder, fields: WalkFields, pointers: readonly I32Variable[]) {
    this.#f = f;
    this.#fields = fields;
    this.#pointers = pointers;
    // The outermost axis needs no counter: nobody asks where it ends.
    this.#positions = fields.sizes.map(() => i32(f));
  }

  /** Moves the pointers from the first element to the one at a row-major position, which is overwritten. */
  seek(position: I32Variable): void {
    position.if(() => {
      for (let axis = this.#positions.length - 1; axis >= 0; axis--) {
        const index = this.#positions[axis];
        const size = this.#size(axis);
        // What remains of the position goes on to the next axis.
        index.set(axis > 0 ? position.sub(position.tee(position.divU(size)).mul(size)) : position);
        this.#pointers.forEach((pointer, i) => pointer.increase(index.mul(this.#stride(i, axis))));
      }
    });
  }

  /** Puts all counters back to the start; the pointers are the caller's business. */
  reset(): void {
    for (const position of this.#positions) position.set(0);
  }

  /** Moves on to the next element. After the last one, pointers stand beyond the end. */
  next(): void {
    this.#f.block((done) => this.#advance(this.#positions.length - 1, done));
  }

  #advance(axis: number, done: Label): void {
    if (axis < 0) return;
    this.#pointers.forEach((pointer, i) => pointer.increase(this.#stride(i, axis)));
    if (axis === 0) return;
    const position = this.#positions[axis];
    const size = this.#size(axis);
    position.increase(1);
    position.ltU(size).branchIf(done);
    position.set(0);
    this.#pointers.forEach((pointer, i) => pointer.set(pointer.sub(this.#stride(i, axis).mul(size))));
    this.#advance(axis - 1, done);
  }

  #size(axis: number): I32 {
    return argument(this.#f, this.#fields.sizes[axis]);
  }

  #stride(operand: number, axis: number): I32 {
    return argument(this.#f, this.#fields.strides[operand][axis]);
  }
}
