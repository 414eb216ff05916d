/**
 * A backend that answers later, as graphics processors do: nothing can be read at once, memory is counted, and the device
 * can be lost. It computes by another one, so that everything around asynchronous devices is tested without one.
 */
import type { DType, TypedArray } from '../dtype.ts';
import { codedError } from '../errors.ts';
import {
  type Backend,
  type BackendStats,
  type Binding,
  type Executable,
  type Memory,
  OutOfMemoryError,
} from '../kernel/backend.ts';
import type { Program } from '../kernel/kernel.ts';
import { reference } from '../reference/index.ts';

/** Made by {@link laterBackend}. */
export interface LaterBackend extends Backend {
  /** Reads that were asked for, and times that somebody waited for all work. */
  readonly counts: { readonly reads: number; readonly waits: number };
  /** The device goes away, with what lies on it: everything fails from now on, pending reads too. */
  lose(): void;
}

interface Held extends Memory {
  readonly inner: Memory;
}

/**
 * A backend for tests of what computes while the program goes on.
 *
 * @param options `maxMemory`: bytes it gives at most; `name`: default 'later'; `inner`: what computes, default the reference
 */
export function laterBackend(
  options: { readonly maxMemory?: number; readonly name?: string; readonly inner?: Backend } = {},
): LaterBackend {
  const { maxMemory = Number.POSITIVE_INFINITY, name = 'later', inner = reference() } = options;
  const held = new Set<Memory>();
  const counts = { reads: 0, waits: 0 };
  let bytes = 0;
  let peakBytes = 0;
  let lost = false;

  const checkThere = (): void => {
    if (lost) throw codedError(Error, 'AG_DEVICE_LOST', `${name}: the device was lost`);
  };
  const innerOf = (memory: Memory): Memory => {
    if (!held.has(memory))
      throw codedError(Error, 'AG_INTERNAL', `${name}: memory is used after its release`);
    return (memory as Held).inner;
  };
  const later = async <T>(work: () => T): Promise<T> => {
    checkThere();
    const result = work();
    await new Promise((resolve) => setTimeout(resolve, 0));
    checkThere();
    return result;
  };

  return {
    name,
    ...(inner.arithmetic && { arithmetic: inner.arithmetic }),
    ...(Number.isFinite(maxMemory) && { maxMemory }),
    counts,
    lose() {
      lost = true;
    },
    allocate(size: number, zeroed?: boolean): Memory {
      checkThere();
      if (bytes + size > maxMemory)
        throw new OutOfMemoryError(`${name}: ${size} bytes asked for, ${bytes} of ${maxMemory} held`);
      const memory: Held = { bytes: size, inner: inner.allocate(size, zeroed) };
      held.add(memory);
      bytes += size;
      peakBytes = Math.max(peakBytes, bytes);
      return memory;
    },
    release(memory: Memory): void {
      if (!held.delete(memory)) return;
      bytes -= memory.bytes;
      inner.release((memory as Held).inner);
    },
    write(memory: Memory, data: TypedArray): void {
      checkThere();
      inner.write(innerOf(memory), data);
    },
    read(memory: Memory, dtype: DType, length: number): Promise<TypedArray> {
      counts.reads++;
      // What is released in the meantime was copied before.
      return later(() => inner.readSync?.(innerOf(memory), dtype, length)).then((elements) => {
        if (elements) return elements;
        throw codedError(Error, 'AG_INTERNAL', `${name}: the backend inside must be readable at once`);
      });
    },
    prepare: (program: Program): Executable => inner.prepare(program),
    run(executable: Executable, bindings: readonly Binding[], scalars: Float64Array): void {
      checkThere();
      const bound = bindings.map((binding) => (ArrayBuffer.isView(binding) ? binding : innerOf(binding)));
      inner.run(executable, bound, scalars);
    },
    idle(): Promise<void> {
      counts.waits++;
      return later(() => {});
    },
    dispose: (executable: Executable): void => inner.dispose(executable),
    stats: (): BackendStats => ({ ...inner.stats(), bytes, peakBytes }),
  };
}
