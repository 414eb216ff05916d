/**
 * Many tensors as few arrays, one for each dtype, so that what threads send each other is a message of few parts.
 */
import { concat, type DType, sizeOf, type Tensor, type TypedArray, tensor } from '@ag/tensor';

/** What one of the tensors is. */
export interface Entry {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: DType;
}

/** Where tensors lie in arrays. */
export class Layout {
  readonly entries: readonly Entry[];
  readonly #dtypes: readonly DType[];
  readonly #starts: readonly number[];

  constructor(entries: readonly Entry[]) {
    this.entries = entries;
    this.#dtypes = [...new Set(entries.map(({ dtype }) => dtype))];
    const lengths = new Map<DType, number>();
    this.#starts = entries.map(({ shape, dtype }) => {
      const start = lengths.get(dtype) ?? 0;
      lengths.set(dtype, start + sizeOf(shape));
      return start;
    });
  }

  /** A text that is equal for equal layouts. */
  toString(): string {
    return this.entries.map(({ name, shape, dtype }) => `${name} [${shape.join(' ')}] ${dtype}`).join(', ');
  }

  /** The tensors one behind the other, lazily, an array for each dtype. */
  pack(tensors: readonly Tensor[]): Tensor[] {
    return this.#dtypes.map((dtype) => {
      const parts = tensors.flatMap((one, i) =>
        this.entries[i].dtype === dtype ? [one.reshape([sizeOf(one.shape)])] : [],
      );
      return parts.length === 1 ? parts[0].reshape(parts[0].shape) : concat(parts);
    });
  }

  /** The elements of one of the tensors, not copied. */
  elements(arrays: readonly TypedArray[], i: number): TypedArray {
    const { shape, dtype } = this.entries[i];
    const start = this.#starts[i];
    return arrays[this.#dtypes.indexOf(dtype)].subarray(start, start + sizeOf(shape));
  }

  /** One of the tensors, not copied. */
  tensor(arrays: readonly TypedArray[], i: number): Tensor {
    const { shape, dtype } = this.entries[i];
    return tensor(this.elements(arrays, i), { shape, dtype, copy: false });
  }
}
