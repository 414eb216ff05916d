/** Random numbers and layouts for tests that choose their own operands. */
import type { DType } from '@ag/tensor';

/** How an operand lies over its axes, in elements; the buffer is made as large as that asks for. */
export interface Layout {
  readonly sizes: readonly number[];
  readonly strides: readonly number[];
  readonly coordinate?: boolean;
}

/** mulberry32 */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  below(end: number): number {
    return Math.floor(this.next() * end);
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  element(dtype: DType): number {
    if (dtype.startsWith('float')) return this.next() * 2 - 1;
    return dtype === 'bool' ? this.below(2) : dtype === 'int32' ? this.below(200) - 100 : this.below(200);
  }

  /** A layout in any order of axes, with gaps, reversals, repetition and, for factors, overlap. */
  layout(sizes: readonly number[], output: boolean): Layout {
    const order = sizes.map((_, i) => i);
    if (this.chance(0.6)) order.sort(() => this.next() - 0.5);
    const strides = new Array<number>(sizes.length);
    let stride = this.chance(0.15) ? 2 : 1;
    for (let i = order.length - 1; i >= 0; i--) {
      const axis = order[i];
      strides[axis] = this.chance(0.1) ? -stride : stride;
      if (!output && this.chance(0.1)) strides[axis] = 0;
      if (!output && this.chance(0.15)) continue;
      stride *= sizes[axis];
      if (this.chance(0.1)) stride += 3;
    }
    return { sizes, strides };
  }
}
