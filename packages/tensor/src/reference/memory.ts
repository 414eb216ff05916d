/** Memory of the reference backend: an ArrayBuffer and the typed views that kernels index. */

import { bytesPerElement, type DType, type TypedArray, viewArray } from '../dtype.ts';
import { codedError } from '../errors.ts';
import type { Memory } from '../kernel/backend.ts';

export class HostMemory implements Memory {
  readonly bytes: number;
  #buffer: ArrayBuffer | null;
  #views = new Map<DType, TypedArray>();

  /** Zero-filled. The buffer is rounded up to whole float64 elements, so that any view covers `bytes`. */
  constructor(bytes: number) {
    this.bytes = bytes;
    this.#buffer = new ArrayBuffer(Math.ceil(bytes / 8) * 8);
  }

  /** The memory as elements of `dtype`; the same array at every call. @throws Error after `release`. */
  view(dtype: DType): TypedArray {
    let view = this.#views.get(dtype);
    if (view === undefined) {
      if (this.#buffer === null)
        throw codedError(
          Error,
          'AG_DISPOSED',
          'reference: this memory was released and must not be used any more',
        );
      view = viewArray(dtype, this.#buffer, 0, this.#buffer.byteLength / bytesPerElement(dtype));
      this.#views.set(dtype, view);
    }
    return view;
  }

  get released(): boolean {
    return this.#buffer === null;
  }

  release(): void {
    this.#buffer = null;
    this.#views.clear();
  }
}
