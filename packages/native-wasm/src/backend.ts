/**
 * The backend object: memory, plans, and the choice of features at the start.
 */

import {
  type Backend,
  type BackendStats,
  type Binding,
  bytesPerElement,
  type DType,
  type Executable,
  indexError,
  type Memory,
  type Program,
  type TypedArray,
} from '@ag/tensor';
import { checkOptions, codedError, makePlan, placeholderLeaf, traverse, valueError } from '@ag/tensor/engine';
import type { Features, Stage } from './abi.ts';
import * as control from './control.ts';
import {
  checkWideVectors,
  chooseRelaxedSimd,
  chooseThreads,
  keepsOrder,
  switchOnWideVectors,
} from './engine/choose.ts';
import { compiled, useReference, wasmSupport } from './engine/support.ts';
import { driverModule } from './run/driver.ts';
import { copyFrom, copyTo, WasmExecutable } from './run/executable.ts';
import type { KernelStore } from './run/keptCode.ts';
import { type CompiledKernel, driverPosition, KernelCache } from './run/kernelCache.ts';
import { type Conductor, Loop } from './run/loop.ts';
import {
  allStagesOf,
  type LoweredProgram,
  lowerWithLoops,
  sharedWork,
  stagesOf,
} from './run/loweredProgram.ts';
import { type Block, LinearMemory } from './run/memory.ts';
import { Threads } from './run/threads.ts';

/** Options of {@link wasm}. */
export interface WasmOptions {
  /** Threads that compute, the calling one included: 1 … 8, or as many as there are cores. Default 'auto'. */
  readonly threads?: number | 'auto';
  /**
   * Multiply and add in one instruction. 'auto' (default): where the engine has it and rounds once. `true`: required; on Node 20 this
   * switches it on for the whole process. `false`: never.
   */
  readonly relaxedSimd?: 'auto' | boolean;
  /**
   * 256-bit instructions, which V8 makes of pairs of 128-bit ones behind an experimental switch: Node 24 and later on
   * x86-64. Switches that on for the whole process and computes a few products to see that they come out right.
   * Default false.
   */
  readonly wideVectors?: boolean;
  /**
   * Compute convolutions of stride 1 with filters of 3×3 or 5×5 by Winograd's minimal filtering where that is less work: other roundings, within
   * the same bounds. Default true.
   */
  readonly winograd?: boolean;
  /** Most bytes of device memory, at most 4 GiB. Default 4 GiB. */
  readonly maxMemory?: number;
  /** Where kernels' code is kept between processes, so that the next one need not write it. Default nowhere. */
  readonly kernelStore?: KernelStore;
}

/**
 * Starts the WebAssembly backend.
 *
 * @throws Error when the engine has no WebAssembly SIMD, may not compile, or lacks what is required of it.
 * @throws RangeError for a number of threads or a memory limit that cannot be, OutOfMemoryError when memory is refused.
 * @example
 * import { use } from '@ag/tensor';
 * import { wasm } from '@ag/native-wasm';
 * use(await wasm({ threads: 2 }));
 */
export async function wasm(options: WasmOptions = {}): Promise<WasmBackend> {
  const backend = wasmSync(options);
  // What fails there fails again when it is needed, and is said then.
  if (!warmedUp) void backend.warmUp().catch(() => {});
  warmedUp = true;
  return backend;
}

/** Whether a backend of this process has been told to warm up: others would find everything warm. */
let warmedUp = false;

/**
 * The same at once, for code that cannot wait: modules that are loaded by `require`, defaults. Kernels are compiled in the
 * calling thread either way, and workers start later.
 */
export function wasmSync(options: WasmOptions = {}): WasmBackend {
  checkOptions('wasmSync', options, 'threads relaxedSimd wideVectors winograd maxMemory kernelStore');
  const support = wasmSupport();
  if (!support.simd.available) {
    throw codedError(Error, 'AG_BACKEND_UNAVAILABLE', `wasm: ${support.simd.reason}. ${useReference}`);
  }
  const maxMemory = options.maxMemory ?? 2 ** 32;
  if (!(maxMemory >= 2 ** 20 && maxMemory <= 2 ** 32)) {
    throw valueError(`wasm: maxMemory must be between 1 MiB and 4 GiB in bytes, got ${maxMemory}`);
  }
  const relaxedSimd = chooseRelaxedSimd(options.relaxedSimd ?? 'auto');
  const pairedVectors = options.wideVectors === true;
  if (pairedVectors) switchOnWideVectors(relaxedSimd);
  const threads = chooseThreads(options.threads ?? 'auto', support);
  const backend = new WasmBackend(
    { relaxedSimd, pairedVectors, tallTiles: keepsOrder(), threads, winograd: options.winograd !== false },
    maxMemory,
    options.kernelStore,
  );
  if (pairedVectors) checkWideVectors(backend);
  return backend;
}

/**
 * Nanoseconds of work that threads could have shared before the workers start. To start one takes the calling
 * thread 5 ms, so a program that computes little does not pay for it.
 */
const worthWorkers = 5e6;

/** A program that has compiled as many has begun to compute. */
const fewKernels = 8;

/** Frees the memory of an executable and of those in it. */
function discard(executable: WasmExecutable): void {
  for (const loop of executable.loops.values()) {
    for (const body of loop.bodies) discard(body);
    loop.dispose();
  }
  executable.dispose();
}

interface Driver {
  run(first: number, last: number): number;
}

/** Made by `wasm()`. */
export class WasmBackend implements Backend {
  readonly name = 'wasm';
  /** Whether products are fused with sums, which changes the last bits of results. */
  readonly relaxedSimd: boolean;
  readonly arithmetic: 'separate' | 'fused';
  /** Threads that compute, the calling one included. */
  readonly threads: number;
  #features: Features;
  readonly #memory: LinearMemory;
  readonly #kernels: KernelCache;
  readonly #driver: Driver;
  readonly #workers: Threads;
  readonly #conductor: Conductor = {
    program: (body, scalars) => this.#runSegments(body, scalars),
    records: (first, last) => {
      if (this.#drive(first, last) !== 0) this.#fail();
    },
    check: (body) => {
      const { i32 } = this.#memory;
      const own = body.launchAt(i32[control.faultArguments >> 2] >>> 0) !== undefined;
      if (own && i32[control.fault >> 2] !== 0) this.#throwFault(body);
    },
  };
  /** Each with what its runs add to `#sharedWork`. */
  readonly #executables = new Map<WasmExecutable, number>();
  /** The kernels of each, with those of the programs in it. */
  readonly #held = new WeakMap<WasmExecutable, readonly CompiledKernel[]>();
  /** Nanoseconds of work that threads could have shared so far, until the workers start. */
  #sharedWork = 0;
  #arena: Block | null = null;
  #failure: Error | null = null;

  constructor(features: Features, maxMemory: number, store?: KernelStore) {
    this.#features = features;
    this.relaxedSimd = features.relaxedSimd;
    this.arithmetic = features.relaxedSimd ? 'fused' : 'separate';
    this.threads = features.threads;
    const memory = new LinearMemory(features.threads > 1, maxMemory);
    this.#memory = memory;
    this.#kernels = new KernelCache(features, memory.memory, memory.shared, memory.maximumPages, store);
    const driver = driverModule(memory.shared, memory.maximumPages);
    this.#workers = new Threads(memory, features.threads, driver, (error) => {
      this.#failure ??= error;
    });
    this.#driver = new WebAssembly.Instance(compiled(driver), {
      env: {
        memory: memory.memory,
        table: this.#kernels.table,
        stalled: () => (this.#workers.stalled() ? 1 : 0),
      },
    }).exports as unknown as Driver;
    this.#kernels.table.set(driverPosition, this.#driver.run as unknown as null);
  }

  allocate(bytes: number, zeroed = true): Memory {
    return this.#memory.allocate(bytes, zeroed);
  }

  release(memory: Memory): void {
    this.#memory.release(memory as Block);
  }

  write(memory: Memory, data: TypedArray): void {
    if (data.byteLength > memory.bytes) {
      throw codedError(
        RangeError,
        'AG_INTERNAL',
        `wasm: writing ${data.byteLength} bytes to memory of ${memory.bytes}`,
      );
    }
    copyTo(this.#memory, (memory as Block).address, data);
  }

  read(memory: Memory, dtype: DType, length: number): Promise<TypedArray> {
    return new Promise((resolve) => resolve(this.readSync(memory, dtype, length)));
  }

  readSync(memory: Memory, dtype: DType, length: number): TypedArray {
    if (length * bytesPerElement(dtype) > memory.bytes) {
      throw codedError(
        RangeError,
        'AG_INTERNAL',
        `wasm: reading ${length} elements of ${dtype} from memory of ${memory.bytes} bytes`,
      );
    }
    return copyFrom(this.#memory, (memory as Block).address, dtype, length);
  }

  prepare(given: Program): Executable {
    const tree = lowerWithLoops(given, this.#features);
    const work = sharedWork(tree);
    // They load while the kernels are written.
    if (work >= worthWorkers) this.#workers.start();
    const executable = this.#compile(tree);
    try {
      this.#reserveArena(executable.arenaBytes);
    } catch (error) {
      this.#drop(executable);
      throw error;
    }
    this.#executables.set(executable, work);
    return executable;
  }

  /** A program with those in it, which have memory of their own. */
  #compile(tree: LoweredProgram): WasmExecutable {
    const kernels = this.#kernels.acquire(allStagesOf(tree), (bytes, tableSize) =>
      this.#workers.publish(bytes, tableSize),
    );
    try {
      const executable = this.#assemble(tree, [...kernels]);
      this.#held.set(executable, kernels);
      return executable;
    } catch (error) {
      this.#kernels.release(kernels);
      throw error;
    }
  }

  /** Takes its kernels, and those of the programs in it, from the front of `kernels`. */
  #assemble(tree: LoweredProgram, kernels: CompiledKernel[]): WasmExecutable {
    const { program, lowered, local, loops } = tree;
    const own = kernels.splice(0, stagesOf(tree).length);
    const executable = new WasmExecutable(this.#memory, program, lowered, own, this.threads, local);
    try {
      for (const [launch, programs] of loops) {
        const { kernel } = launch;
        if (kernel.form !== 'loop') continue;
        const loop = new Loop(this.#memory, launch, kernel, this.threads, this.#conductor);
        executable.loops.set(launch, loop);
        for (const inner of programs) loop.add(this.#assemble(inner, kernels), inner.body!);
      }
    } catch (error) {
      discard(executable);
      throw error;
    }
    return executable;
  }

  #drop(executable: WasmExecutable): void {
    discard(executable);
    this.#kernels.release(this.#held.get(executable) ?? []);
  }

  run(executable: Executable, bindings: readonly Binding[], scalars: Float64Array): void {
    if (this.#failure !== null) throw this.#failure;
    const plan = executable as WasmExecutable;
    if (plan.disposed) throw codedError(Error, 'AG_DISPOSED', 'wasm: this plan was disposed');
    this.#countWork(plan);
    plan.bind(bindings, scalars, this.#arena === null ? 0 : this.#arena.address);
    this.#runSegments(plan, scalars);
  }

  #runSegments(plan: WasmExecutable, scalars: Float64Array): void {
    for (const { first, last, host } of plan.segments) {
      if (this.#drive(first, last) !== 0) this.#fail();
      if (this.#memory.i32[control.fault >> 2] !== 0) this.#throwFault(plan);
      if (host === null) continue;
      const loop = plan.loops.get(host);
      if (loop) loop.runIn(plan, scalars);
      else plan.runHost(host);
    }
  }

  dispose(executable: Executable): void {
    const plan = executable as WasmExecutable;
    if (!this.#executables.delete(plan)) return;
    this.#drop(plan);
    let needed = 0;
    for (const { arenaBytes } of this.#executables.keys()) needed = Math.max(needed, arenaBytes);
    if (this.#arena !== null && needed < this.#arena.bytes / 2) {
      this.#memory.release(this.#arena);
      this.#arena = null;
      if (needed > 0) this.#reserveArena(needed);
    }
  }

  /**
   * Starts the worker threads now instead of when there was enough for them to do, and resolves when all take part:
   * for benchmarks, and where the first steps shall already be fast. @throws Error when a worker cannot be started.
   */
  async startThreads(): Promise<void> {
    this.#workers.start();
    while (this.runningThreads < this.threads) {
      if (this.#failure !== null) throw this.#failure;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  /** Does what the first step would wait for, whenever the program waits for something else, until it computes. @internal */
  async warmUp(): Promise<void> {
    const { warmUp } = await import('./run/warmUp.ts');
    const wanted = (): boolean => this.#failure === null && this.#kernels.compiled < fewKernels;
    const stagesOf = (program: Program): Stage[] => allStagesOf(lowerWithLoops(program, this.#features));
    await warmUp({ makePlan, placeholderLeaf, traverse }, this.#kernels, this.#workers, stagesOf, wanted);
  }

  /** Threads that take part now: 1 until the workers have started, then `threads`. */
  get runningThreads(): number {
    return this.#workers.running();
  }

  /** Programs prepared from now on are compiled for pairs of vectors, or not. @internal */
  pairVectors(pairedVectors: boolean): void {
    this.#features = { ...this.#features, pairedVectors };
    this.#kernels.compileFor(this.#features);
  }

  /** Ends the workers. Memory stays readable; nothing can be run afterwards. */
  close(): void {
    this.#failure ??= codedError(Error, 'AG_DISPOSED', 'wasm: this backend was closed');
    this.#workers.close();
  }

  stats(): BackendStats {
    const { held, peak } = this.#memory;
    return { kernels: this.#kernels.compiled, interpreted: [], bytes: held, peakBytes: peak };
  }

  /** Starts the workers once there was enough for them to do. */
  #countWork(plan: WasmExecutable): void {
    if (this.#sharedWork >= worthWorkers) return;
    this.#sharedWork += this.#executables.get(plan)!;
    if (this.#sharedWork >= worthWorkers) this.#workers.start();
  }

  /** All plans share one arena, since they run one after another. */
  #reserveArena(bytes: number): void {
    if (bytes === 0 || (this.#arena !== null && this.#arena.bytes >= bytes)) return;
    const old = this.#arena;
    // The old one goes first: its contents are of no use, and the memory may be needed.
    if (old !== null) this.#memory.release(old);
    this.#arena = null;
    try {
      this.#arena = this.#memory.allocate(bytes, false);
    } catch (error) {
      // Plans that fitted before must still run.
      if (old !== null) this.#arena = this.#memory.allocate(old.bytes, false);
      throw error;
    }
  }

  /** A trap is a mistake of this package. Others may be computing pieces of the same job, so nothing can follow it. */
  #drive(first: number, last: number): number {
    try {
      return this.#driver.run(first, last);
    } catch (error) {
      this.#failure = codedError(
        Error,
        'AG_BACKEND_FAILED',
        `wasm: a kernel failed: ${(error as Error).message}`,
        { cause: error },
      );
      throw this.#failure;
    }
  }

  #fail(): never {
    this.#failure ??=
      this.#workers.failure() ??
      codedError(Error, 'AG_BACKEND_FAILED', 'wasm: a worker stopped in the middle of its work');
    throw this.#failure;
  }

  #throwFault(plan: WasmExecutable): never {
    const { i32 } = this.#memory;
    i32[control.fault >> 2] = 0;
    const launch = plan.launchAt(i32[control.faultArguments >> 2] >>> 0);
    const size = launch?.axis?.size ?? 0;
    throw indexError(launch?.label ?? 'gather', i32[control.faultIndex >> 2], size);
  }
}
