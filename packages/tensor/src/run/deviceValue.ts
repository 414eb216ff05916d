/**
 * Values that stay on a device after a plan has run: results that were kept or not read yet. The garbage collector
 * frees them with the tensors that hold them; since it does not see device memory, a byte budget bounds what may
 * wait for it, and beyond that the oldest move to host arrays, which it does see.
 */

import type { DType, TypedArray } from '../dtype.ts';
import { codedError } from '../errors.ts';
import type { Backend, Memory } from '../kernel/backend.ts';
import { finalizersOf } from './finalization.ts';

/** Bytes of unread results that may stay on a device before the oldest move to the host. */
export const deviceBudget = 256 * 2 ** 20;

const finalizers = /* @__PURE__ */ finalizersOf<() => void>((release) => release());
const waiting = new Map<DeviceValue, number>();
let waitingBytes = 0;

/** A tensor's elements in device memory, or on the host after they had to make room. */
export class DeviceValue {
  readonly backend: Backend;
  readonly dtype: DType;
  readonly length: number;
  #memory: Memory | null;
  #host: TypedArray | null = null;

  constructor(backend: Backend, memory: Memory, dtype: DType, length: number) {
    this.backend = backend;
    this.dtype = dtype;
    this.length = length;
    this.#memory = memory;
  }

  /** Whether the elements are in memory of `backend`. */
  isOn(backend: Backend): boolean {
    return this.#memory !== null && this.backend === backend;
  }

  /** What a plan on `backend` reads: the memory there, or a host copy. */
  bindingOn(backend: Backend): Memory | TypedArray {
    if (this.#memory !== null && this.backend === backend) return this.#memory;
    const elements = this.readyValue();
    if (this.#memory !== null && elements === null) {
      throw codedError(
        Error,
        'AG_SYNCHRONOUS_READ',
        `a tensor was computed on '${this.backend.name}' and is used on '${backend.name}', but '${this.backend.name}' cannot be read synchronously. ` +
          'Make a copy that any backend can use, tensor(await t.data(), { shape: t.shape }), or call use() before computing.',
      );
    }
    return elements ?? this.readSync();
  }

  async read(): Promise<TypedArray> {
    if (this.#memory === null) return this.#fromHost().slice();
    return this.backend.read(this.#memory, this.dtype, this.length);
  }

  readSync(): TypedArray {
    if (this.#memory === null) return this.#fromHost().slice();
    const elements = this.readyValue();
    if (elements === null) {
      throw codedError(
        Error,
        'AG_SYNCHRONOUS_READ',
        `the backend '${this.backend.name}' cannot read synchronously; use await t.data() or await t.item()`,
      );
    }
    return elements;
  }

  /** The elements, unless they were disposed or cannot be read at once. */
  readyValue(): TypedArray | null {
    if (this.#memory === null) return this.#host;
    return this.backend.readSync?.(this.#memory, this.dtype, this.length) ?? null;
  }

  /** Moves the elements to the host, where they can be read at once. Whether that was so. */
  spill(): boolean {
    if (this.#memory === null) return false;
    const elements = this.readyValue();
    if (elements === null) return false;
    this.#host = elements;
    this.release();
    return true;
  }

  /** Frees the device memory. Reading afterwards fails unless the elements were moved to the host. */
  release(): void {
    if (this.#memory === null) return;
    this.backend.release(this.#memory);
    this.#memory = null;
    forget(this);
    finalizers.unregister(this);
  }

  #fromHost(): TypedArray {
    if (this.#host === null)
      throw codedError(Error, 'AG_DISPOSED', 'this tensor was disposed; it has no value any more');
    return this.#host;
  }
}

/**
 * A device value that is freed with `owner`, an object the user holds. With `keep` it may stay however full the
 * device is; otherwise it counts towards the budget.
 */
export function ownedValue(
  owner: object,
  backend: Backend,
  memory: Memory,
  dtype: DType,
  length: number,
  bytes: number,
  keep: boolean,
): DeviceValue {
  const value = new DeviceValue(backend, memory, dtype, length);
  finalizers.register(owner, () => value.release(), value);
  if (!keep && backend.readSync) {
    waiting.set(value, bytes);
    waitingBytes += bytes;
    for (const oldest of waiting.keys()) {
      if (waitingBytes <= deviceBudget) break;
      oldest.spill();
    }
  }
  return value;
}

/** Moves all that waits to be read from a device to the host. Whether there was any. */
export function spillAll(backend: Backend): boolean {
  const own = [...waiting.keys()].filter((value) => value.backend === backend);
  return own.filter((value) => value.spill()).length > 0;
}

function forget(value: DeviceValue): void {
  const bytes = waiting.get(value);
  if (bytes === undefined) return;
  waiting.delete(value);
  waitingBytes -= bytes;
}
