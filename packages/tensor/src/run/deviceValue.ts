/**
 * Values that stay on a device after a plan has run: results that were kept or not read yet. The garbage collector
 * frees them with the tensors that hold them; since it does not see device memory, a byte budget bounds what may
 * wait for it, and beyond that the oldest move to host arrays, which it does see. Where the device cannot be read at
 * once they move when their elements have come.
 */

import type { DType, TypedArray } from '../dtype.ts';
import { codedError } from '../errors.ts';
import type { Backend, Memory } from '../kernel/backend.ts';
import { finalizersOf } from './finalization.ts';

/** Bytes of unread results that may stay on a device before the oldest move to the host, or a quarter of what it may hold. */
export const deviceBudget = 256 * 2 ** 20;

const finalizers = /* @__PURE__ */ finalizersOf<() => void>((release) => release());
const waiting = new Map<DeviceValue, number>();
let waitingBytes = 0;
/** What is on its way to the host. */
const leaving = new Set<DeviceValue>();

/** What was read up to this size stays at hand, so that it can be read synchronously afterwards, as a mask is. */
const kept = 2 ** 20;
/** And this much leaves the device by being read, unless it was to stay. */
const small = 2 ** 16;

/** The elements, where the backend has them at once. */
export function readNow(backend: Backend, memory: Memory, dtype: DType, length: number): TypedArray | null {
  return backend.readSync?.(memory, dtype, length) ?? null;
}

/** What is said where elements are needed at once, and whose way out differs. */
export function cannotReadNow(what: string, cure: string): Error {
  return codedError(Error, 'AG_SYNCHRONOUS_READ', `${what}; ${cure}`);
}

/** A tensor's elements in device memory, or on the host after they had to make room. */
export class DeviceValue {
  readonly backend: Backend;
  readonly dtype: DType;
  readonly length: number;
  #memory: Memory | null;
  #host: TypedArray | null = null;
  /** On its way to the host. */
  #leaving: Promise<void> | null = null;

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
    const elements = this.#now();
    if (elements) return elements;
    throw cannotReadNow(
      `a tensor was computed on '${this.backend.name}' and is used on '${backend.name}', but '${this.backend.name}' cannot be read synchronously`,
      'await moveTo(backend, tensor) moves it, and so does reading it first, await t.data(), up to 1 MiB',
    );
  }

  async read(): Promise<TypedArray> {
    if (this.#host !== null || this.#memory === null) return this.#fromHost().slice();
    const memory = this.#memory;
    const elements = await this.backend.read(memory, this.dtype, this.length);
    if (this.#memory !== memory || elements.byteLength > kept) return elements;
    if (readNow(this.backend, memory, this.dtype, this.length) !== null) return elements;
    this.#host = elements.slice();
    // As where small results are read at once: the device has its memory back for the next step.
    if (elements.byteLength <= small && waiting.has(this)) this.release();
    return elements;
  }

  readSync(): TypedArray {
    const elements = this.#now();
    if (elements) return elements;
    throw cannotReadNow(
      `the backend '${this.backend.name}' cannot read synchronously`,
      'use await t.data() or await t.item()',
    );
  }

  /** The elements, unless they were disposed or the backend cannot read synchronously. */
  readyValue(): TypedArray | null {
    return this.#memory === null ? this.#host : this.#now();
  }

  /** A copy of the elements, null where they cannot be had at once. */
  #now(): TypedArray | null {
    if (this.#host !== null || this.#memory === null) return this.#fromHost().slice();
    return readNow(this.backend, this.#memory, this.dtype, this.length);
  }

  /**
   * Moves the elements to the host: at once, or when they have come. Until then everything reads them where they are.
   * The promise rejects when they cannot be read; null when there is nothing to wait for.
   */
  spill(): Promise<void> | null {
    if (this.#memory === null || this.#leaving !== null) return this.#leaving;
    const elements = this.#now();
    if (elements !== null) {
      this.#host = elements;
      this.release();
      return null;
    }
    const memory = this.#memory;
    forget(this);
    this.#leaving = this.backend.read(memory, this.dtype, this.length).then(
      (read) => {
        leaving.delete(this);
        if (this.#memory !== memory) return;
        this.#host = read;
        this.release();
      },
      (error) => {
        leaving.delete(this);
        this.#leaving = null;
        throw error;
      },
    );
    leaving.add(this);
    // Whoever waits for it hears of a failure, and so does the next read.
    this.#leaving.catch(() => {});
    return this.#leaving;
  }

  /** The memory goes to whoever takes it; this has no value any more. */
  take(): Memory {
    const memory = this.#memory;
    if (memory === null) throw codedError(Error, 'AG_INTERNAL', 'memory was taken that is not there');
    this.#memory = null;
    forget(this);
    finalizers.unregister(this);
    return memory;
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
  if (!keep) {
    waiting.set(value, bytes);
    waitingBytes += bytes;
    const budget = Math.max(deviceBudget, (backend.maxMemory ?? 0) / 4);
    for (const oldest of waiting.keys()) {
      if (waitingBytes <= budget) break;
      oldest.spill();
    }
  }
  return value;
}

/** Moves all that waits to be read from a device to the host. Whether memory is free for it now. */
export function spillAll(backend: Backend): boolean {
  const own = [...waiting.keys()].filter((value) => value.backend === backend);
  return own.map((value) => value.spill() === null).includes(true);
}

/** The same for devices that answer later: resolves when memory is free, false where none is to be had. */
export async function spillLater(backend: Backend): Promise<boolean> {
  spillAll(backend);
  const own = [...leaving].filter((value) => value.backend === backend);
  await Promise.all(own.map((value) => value.spill()));
  return own.length > 0;
}

function forget(value: DeviceValue): void {
  const bytes = waiting.get(value);
  if (bytes === undefined) return;
  waiting.delete(value);
  waitingBytes -= bytes;
}
