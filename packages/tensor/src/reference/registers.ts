/**
 * Registers: the block-sized arrays that expressions compute in.
 *
 * An expression is evaluated a block of elements at a time, each instruction looping over whole registers. A register
 * has the dtype of its instruction, so a Float32Array register rounds exactly where float32 hardware would.
 * The arrays are shared by all kernels of a backend: only one kernel runs at a time, and none keeps values between runs.
 */
import { allocateArray, type DType, type TypedArray } from '../dtype.ts';

/** Elements evaluated together: small enough that a dozen registers stay in the first-level cache. */
export const blockSize = 1024;

/** Where an instruction's values lie during a block: `array[base … base + n)`. */
export interface Register {
  array: TypedArray;
  /** 0 unless the register stands for operand memory itself, which is then read without a copy. */
  base: number;
}

/** One instruction over the first `n` elements of its registers. */
export type Step = (n: number) => void;

/** Hands out block-sized arrays by dtype and number, making each once. */
export class RegisterFile {
  readonly #arrays = new Map<DType, TypedArray[]>();

  array(dtype: DType, number: number): TypedArray {
    let list = this.#arrays.get(dtype);
    if (list === undefined) {
      list = [];
      this.#arrays.set(dtype, list);
    }
    while (list.length <= number) list.push(allocateArray(dtype, blockSize));
    return list[number];
  }
}

/** Assigns the arrays of one expression; an array freed after its last use serves a later instruction. */
export class RegisterAllocator {
  readonly #file: RegisterFile;
  readonly #used = new Map<DType, number>();
  readonly #free = new Map<DType, TypedArray[]>();

  constructor(file: RegisterFile) {
    this.#file = file;
  }

  take(dtype: DType): TypedArray {
    const freed = this.#free.get(dtype)?.pop();
    if (freed !== undefined) return freed;
    const number = this.#used.get(dtype) ?? 0;
    this.#used.set(dtype, number + 1);
    return this.#file.array(dtype, number);
  }

  free(dtype: DType, array: TypedArray): void {
    const list = this.#free.get(dtype);
    if (list === undefined) this.#free.set(dtype, [array]);
    else list.push(array);
  }
}
