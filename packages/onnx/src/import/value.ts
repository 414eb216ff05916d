/**
 * A value of an imported graph: a tensor, or elements that are known on the host, or both.
 *
 * Shapes and what is computed from them are known without tensors, so reshapes cost nothing and work where nothing can
 * be read, as in a compiled function.
 */
import { type DType, scalar, type Tensor, tensor, type Variable } from '@ag/tensor';
import { unsupported } from '../errors.ts';
import type { HostArray } from '../file/tensors.ts';

/** int64 exists on the host only: as a tensor it is int32. */
export type HostType = DType | 'int64';

/** Elements on the host. */
export interface Host {
  readonly type: HostType;
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

export class Value {
  /** Where it is kept, if it is a weight or a statistic. */
  readonly variable: Variable | null;
  #tensor: Tensor | null;
  #host: Host | null;

  constructor(tensor: Tensor | null, host: Host | null = null, variable: Variable | null = null) {
    this.variable = variable;
    this.#tensor = tensor;
    this.#host = host;
  }

  /** The elements where they are known without computing anything, else null. */
  get host(): Host | null {
    return this.#host;
  }

  get shape(): readonly number[] {
    return (this.#tensor ?? this.#host)!.shape;
  }

  get tensor(): Tensor {
    this.#tensor ??= tensorOf(this.#host!);
    return this.#tensor;
  }

  /** The elements; reads the tensor where they are not known. @throws Error in a compiled function, where there are none yet */
  read(): Host {
    this.#host ??= { type: this.tensor.dtype, shape: this.tensor.shape, data: this.tensor.dataSync() };
    return this.#host;
  }
}

/** What stands in a file, as it is known on the host. */
export function hostOf({ type, shape, data }: HostArray): Host {
  const own = type === 'float16' || type === 'bfloat16' ? 'float32' : (type as HostType);
  return { type: own, shape, data };
}

/** @throws Error for int64 that int32 does not hold */
export function tensorOf({ type, shape, data }: Host): Tensor {
  const dtype = type === 'int64' ? 'int32' : type;
  if (type === 'int64') {
    for (let i = 0; i < data.length; i++) {
      if (data[i] !== (data[i] | 0)) {
        throw unsupported(
          `the int64 value ${data[i]} does not fit into int32, the largest integer type here`,
        );
      }
    }
  }
  if (shape.length === 0) return scalar(data[0], { dtype });
  return tensor(Array.isArray(data) ? data : (data as Float32Array), { shape, dtype });
}
