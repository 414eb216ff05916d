/**
 * What a device must offer. Small on purpose: memory, and running programs. A backend is an object that
 * `use(backend)` selects; there is no registry. Nothing here assumes that reads are synchronous or that
 * buffers can alias.
 */
import type { DType, TypedArray } from '../dtype.ts';
import type { Program } from './kernel.ts';

/** Device memory. Only the backend that made it looks inside. */
export interface Memory {
  readonly bytes: number;
}

/** A program made ready by `Backend.prepare`. Only that backend looks inside. */
export interface Executable {
  readonly program: Program;
}

/** What a program's bound buffers stand for in one run: device memory, or a host array to be read (never written). */
export type Binding = Memory | TypedArray;

/** Counters of a backend, all since its creation unless named otherwise. */
export interface BackendStats {
  /** Kernels compiled. */
  readonly kernels: number;
  /** Names of kernel forms that run in slow interpreted code; empty when everything is compiled. */
  readonly interpreted: readonly string[];
  /** Bytes of device memory allocated now, scratch memory included. */
  readonly bytes: number;
  /** The largest `bytes` has been. */
  readonly peakBytes: number;
}

/**
 * Memory that cannot be had. Backends throw it, saying what was asked and what is held, before anything is computed;
 * results nobody has read and plans not in use are then dropped, and the work is tried once more. Devices without
 * synchronous reads count what they have given, so that they can throw it at once.
 */
export class OutOfMemoryError extends RangeError {
  override readonly name = 'OutOfMemoryError';
  readonly code = 'AG_OUT_OF_MEMORY';
}

/** What computes: a device with buffers, and programs of kernels that run on it. `use` chooses one. */
export interface Backend {
  readonly name: string;
  /**
   * How sums of products are rounded: `separate` (after the product and after the sum) or `fused` (after the sum alone).
   * Results are equal to the bit only between backends that agree in this. Default `separate`.
   */
  readonly arithmetic?: 'separate' | 'fused';
  /** How many buffers a kernel may read and write, where the device limits that. Plans for it fuse less where they would need more. */
  readonly maximalBuffers?: number;
  /** Bytes that it will hold at most, where that is known. A quarter may be results that nobody has read yet. */
  readonly maxMemory?: number;
  /**
   * Memory, filled with zeros unless `zeroed` is false: then it may hold anything, since a plan or `write` fills it.
   * @throws OutOfMemoryError when it cannot be had, saying what was asked and what is held.
   */
  allocate(bytes: number, zeroed?: boolean): Memory;
  /** The memory must not be used afterwards. */
  release(memory: Memory): void;
  /** Copies host data to the start of `memory`. */
  write(memory: Memory, data: TypedArray): void;
  /** A host copy of the first `length` elements, after all work submitted so far. Rejects when the device is lost. */
  read(memory: Memory, dtype: DType, length: number): Promise<TypedArray>;
  /** The same at once; null for what lies where only `read` gets it, missing on devices that never can. */
  readSync?(memory: Memory, dtype: DType, length: number): TypedArray | null;
  /** Compiles what the program needs and reserves its scratch memory, so that `run` does not fail half-way. */
  prepare(program: Program): Executable;
  /**
   * Runs a program: `bindings[i]` for the buffer with binding i, `scalars` for literals and dynamic offsets.
   * Returns when the work is submitted; errors of the work are thrown here or at the next read, and new values of
   * variables may have been committed by then.
   */
  run(executable: Executable, bindings: readonly Binding[], scalars: Float64Array): void;
  /**
   * Resolves when all that was submitted is done; missing where `run` returns only then. Whoever submits much and reads
   * nothing awaits it now and then. Rejects as the next read would.
   */
  idle?(): Promise<void>;
  /** The plan was dropped from the cache. */
  dispose(executable: Executable): void;
  stats(): BackendStats;
}
