/** The backend object: memory, programs, reads, and what becomes of them when the device is lost. */
import {
  type Backend,
  type BackendStats,
  type Binding,
  bytesPerElement,
  type DType,
  type Executable,
  type Memory,
  type Program,
  type TypedArray,
} from '@ag/tensor';
import { checkOptions, codedError, valueError } from '@ag/tensor/engine';
import { type AdapterDescription, adopt, type Connection, connect, platformGpu } from './device/connect.ts';
import type { Facts } from './device/facts.ts';
import {
  checkDevice,
  checkGpu,
  type DeviceObject,
  type GpuObject,
  type PowerPreference,
} from './device/given.ts';
import { Buffers, checkMemory, DeviceMemory, hostBytes, sourceOf } from './device/memory.ts';
import { Pipelines } from './device/pipelines.ts';
import { type Counters, newCounters } from './queue/counters.ts';
import { JobQueue } from './queue/jobs.ts';
import { Readback } from './queue/readback.ts';
import { belongsToHost } from './run/access.ts';
import { arrayOver, bytesOf } from './run/arrays.ts';
import { type DeviceBinding, DeviceExecutable } from './run/deviceProgram.ts';
import { type Environment, SharedBuffers } from './run/environment.ts';
import { HostExecutable, HostPrograms } from './run/hostProgram.ts';
import { LoopOnDevice } from './run/loop.ts';

/** Options of {@link webgpu}. */
export interface WebGpuOptions {
  /** A device of the program's own, which it goes on owning. Default: one is made, with the most of what its adapter offers. */
  readonly device?: DeviceObject;
  /** Where adapters come from: the `GPU` object of the npm package `webgpu` in Node. Default `navigator.gpu`. */
  readonly gpu?: GpuObject;
  /** Which adapter, where there are several. Default the platform's choice. */
  readonly powerPreference?: PowerPreference;
  /** Most bytes of device memory. Default: what the device gives. */
  readonly maxMemory?: number;
  /** Limits lower than the adapter's, for tests. @internal */
  readonly limits?: Readonly<Record<string, number>>;
  /** What the device is taken for whatever it is, for tests and measurements. @internal */
  readonly facts?: Partial<Facts>;
}

/**
 * Starts the WebGPU backend.
 *
 * @throws Error when there is no WebGPU or no adapter, saying what to do about it
 * @throws RangeError for a memory limit that cannot be
 * @example
 * import { use } from '@ag/tensor';
 * import { webgpu } from '@ag/webgpu';
 * use(await webgpu());
 */
export async function webgpu(options: WebGpuOptions = {}): Promise<WebGpuBackend> {
  checkOptions('webgpu', options, 'device gpu powerPreference maxMemory limits facts');
  const maxMemory = options.maxMemory ?? Number.POSITIVE_INFINITY;
  if (!(maxMemory >= 2 ** 20))
    throw valueError(`webgpu: maxMemory must be at least 1 MiB in bytes, got ${maxMemory}`);
  const connection =
    options.device !== undefined
      ? adopt(checkDevice(options.device))
      : await connect(checkGpu(options.gpu) ?? platformGpu(), options.powerPreference, options.limits);
  const facts = { ...connection.facts, ...options.facts };
  return new WebGpuBackend({ ...connection, facts }, maxMemory);
}

/** Milliseconds within which a browser tells that a device is gone, after it has refused to read from it. */
const lossPatience = 2000;

/** Made by `webgpu()`. */
export class WebGpuBackend implements Backend {
  readonly name = 'webgpu';
  readonly arithmetic = 'separate';
  /** What the device can do. */
  readonly facts: Facts;
  /** What its adapter says of itself; fields that a browser withholds are empty. */
  readonly adapter: AdapterDescription;
  /** Storage buffers that a kernel may read and write. */
  readonly maximalBuffers: number;
  /** Most bytes of device memory, where that was given. */
  readonly maxMemory?: number;
  /** What was asked of the device so far. */
  readonly counters: Counters = newCounters();
  readonly #device: GPUDevice;
  readonly #owned: boolean;
  /** Held as long as this is: see `Connection`. @internal */
  readonly origin: unknown;
  readonly #buffers: Buffers;
  readonly #pipelines: Pipelines;
  readonly #queue = new JobQueue();
  readonly #readback: Readback;
  readonly #hostPrograms = new HostPrograms();
  readonly #environment: Environment;
  readonly #executables = new Set<DeviceExecutable | HostExecutable>();
  #lost: Error | null = null;

  /** @internal */
  constructor(connection: Connection, maxMemory: number) {
    const { device, facts, info, owned, origin } = connection;
    this.#device = device;
    this.#owned = owned;
    this.origin = origin;
    this.facts = facts;
    this.adapter = info;
    this.maximalBuffers = facts.maxBuffers;
    if (Number.isFinite(maxMemory)) this.maxMemory = maxMemory;
    this.#buffers = new Buffers(device, facts, maxMemory);
    this.#buffers.onFailure = (error) => this.#queue.fail(error);
    this.#pipelines = new Pipelines(device);
    this.#readback = new Readback(device, this.counters);
    const environment: Environment = {
      device,
      facts,
      buffers: this.#buffers,
      pipelines: this.#pipelines,
      readback: this.#readback,
      counters: this.counters,
      slots: new SharedBuffers(this.#buffers),
      scratch: new SharedBuffers(this.#buffers),
      makeLoop: (program, launch, kernel) => new LoopOnDevice(environment, program, launch, kernel),
    };
    this.#environment = environment;
    void device.lost.then(({ reason, message }) => {
      this.#lost ??= lostError(reason, message);
    });
    device.addEventListener?.('uncapturederror', (event) => {
      const { error } = event as GPUUncapturedErrorEvent;
      this.#queue.fail(
        codedError(Error, 'AG_BACKEND_FAILED', `webgpu: the device reported: ${error.message}`),
      );
    });
  }

  allocate(bytes: number, zeroed = true): Memory {
    return this.#buffers.allocate(bytes, zeroed);
  }

  release(memory: Memory): void {
    const own = checkMemory(memory, this.#buffers);
    if (own.released) return;
    if (this.#queue.isSettled(own)) {
      this.#buffers.release(own);
      return;
    }
    this.#queue.add({ memories: [], wait: () => null, start: () => this.#buffers.release(own) });
  }

  write(memory: Memory, data: TypedArray): void {
    const own = checkMemory(memory, this.#buffers);
    if (data.byteLength > own.bytes) {
      throw codedError(
        RangeError,
        'AG_INTERNAL',
        `webgpu: writing ${data.byteLength} bytes to memory of ${own.bytes}`,
      );
    }
    const bytes = bytesOf(data);
    const put = (from: Uint8Array<ArrayBuffer>): void => {
      // What is not written over stays undefined: writes start at the beginning.
      if (own.place === 'device') own.place = 'undefined';
      this.#buffers.unpark(own);
      hostBytes(own)?.set(from);
    };
    if (this.#queue.isSettled(own)) {
      put(bytes);
      return;
    }
    const copy = bytes.slice();
    this.#queue.add({ memories: [own], wait: () => null, start: () => put(copy) });
  }

  async read(memory: Memory, dtype: DType, length: number): Promise<TypedArray> {
    const own = this.#checkRead(memory, dtype, length);
    if (this.#queue.isSettled(own) && own.place !== 'device') {
      const failure = this.#queue.failureNow();
      if (failure !== null) throw failure.error;
      return this.#fromHost(own, dtype, length);
    }
    if (this.#lost !== null) throw this.#lost;
    return new Promise((resolve, reject) => {
      this.#queue.add({
        memories: [own],
        wait: () => null,
        start: (sequence) => {
          const failure = this.#queue.failureOf(sequence);
          if (failure !== null) void this.#explain(failure.error).then(reject);
          else if (own.place !== 'device') resolve(this.#fromHost(own, dtype, length));
          else this.#copyOut(own, dtype, length).then(resolve, (error) => this.#explain(error).then(reject));
        },
      });
    });
  }

  /** The elements, where they lie on the host; null where they are on the device or still to be computed. */
  readSync(memory: Memory, dtype: DType, length: number): TypedArray | null {
    const own = this.#checkRead(memory, dtype, length);
    if (!this.#queue.isSettled(own) || own.place === 'device') return null;
    const failure = this.#queue.failureNow();
    if (failure !== null) throw failure.error;
    return this.#fromHost(own, dtype, length);
  }

  prepare(program: Program): Executable {
    if (this.#lost !== null) throw this.#lost;
    let executable: DeviceExecutable | HostExecutable;
    if (belongsToHost(program)) {
      executable = this.#hostPrograms.prepare(program);
    } else {
      executable = new DeviceExecutable(this.#environment, program);
    }
    this.#executables.add(executable);
    this.counters.pipelines = this.#pipelines.made;
    return executable;
  }

  /**
   * Submits the work, or queues it behind what waits for the host. What goes wrong later (an index that does not exist, a routine of the
   * host that throws, a lost device) is thrown by the next read, after new values of variables were committed.
   */
  run(executable: Executable, bindings: readonly Binding[], scalars: Float64Array): void {
    if (this.#lost !== null) throw this.#lost;
    const own = ownExecutable(executable);
    const bound = bindings.map(
      (binding): DeviceBinding =>
        ArrayBuffer.isView(binding) ? binding : checkMemory(binding, this.#buffers),
    );
    if (own instanceof HostExecutable && own.isOnHost(bound)) {
      const settled = bound.every(
        (binding) => !(binding instanceof DeviceMemory) || this.#queue.isSettled(binding),
      );
      // Nothing of it is anywhere else, so it need not wait for its turn.
      if (settled) {
        void own.job(bound, scalars, this.#readback).start(0);
        return;
      }
    }
    const later =
      !this.#queue.isEmpty || (own instanceof HostExecutable ? !own.isOnHost(bound) : own.waits(bound));
    const kept = later
      ? bound.map((binding) => (ArrayBuffer.isView(binding) ? binding.slice() : binding))
      : bound;
    const numbers = later ? scalars.slice() : scalars;
    this.#queue.add(
      own instanceof HostExecutable ? own.job(kept, numbers, this.#readback) : own.job(kept, numbers),
    );
    this.counters.pipelines = this.#pipelines.made;
  }

  dispose(executable: Executable): void {
    const own = ownExecutable(executable);
    if (!this.#executables.delete(own)) return;
    this.#queue.add({ memories: [], wait: () => null, start: () => this.#drop(own) });
  }

  stats(): BackendStats {
    return {
      kernels: this.#pipelines.made,
      interpreted: [],
      bytes: this.#buffers.held,
      peakBytes: this.#buffers.peak,
    };
  }

  /** Resolves when the device has done all that it was given: for loops that must not run ahead of it, and for measuring. */
  async idle(): Promise<void> {
    await this.#queue.settled();
    if (this.#lost !== null) throw this.#lost;
    await this.#device.queue.onSubmittedWorkDone();
    const failure = this.#queue.failureNow();
    if (failure !== null) throw await this.#explain(failure.error);
  }

  /** Gives the device back: its memory is gone, and nothing can be run afterwards. */
  close(): void {
    this.#lost ??= codedError(Error, 'AG_DISPOSED', 'webgpu: this backend was closed');
    this.#readback.destroy();
    this.#buffers.destroy();
    if (this.#owned) this.#device.destroy();
  }

  /** Why a read fails: browsers refuse it a moment before they tell that the device is gone. */
  async #explain(error: unknown): Promise<unknown> {
    const own = typeof (error as { code?: unknown } | null)?.code === 'string';
    if (this.#lost === null && !own) {
      const patience = new Promise((resolve) => setTimeout(resolve, lossPatience));
      await Promise.race([this.#device.lost, patience]);
    }
    return this.#lost ?? error;
  }

  #drop(executable: DeviceExecutable | HostExecutable): void {
    executable.dispose();
    const slots: number[] = [];
    const scratch: number[] = [];
    for (const other of this.#executables) {
      if (!(other instanceof DeviceExecutable)) continue;
      other.program.slots.forEach((bytes, i) => {
        slots[i] = Math.max(slots[i] ?? 0, bytes);
      });
      other.scratchBytes.forEach((bytes, i) => {
        scratch[i] = Math.max(scratch[i] ?? 0, bytes);
      });
    }
    this.#environment.slots.shrink(slots);
    this.#environment.scratch.shrink(scratch);
  }

  #checkRead(memory: Memory, dtype: DType, length: number): DeviceMemory {
    const own = checkMemory(memory, this.#buffers);
    if (length * bytesPerElement(dtype) > own.bytes) {
      throw codedError(
        RangeError,
        'AG_INTERNAL',
        `webgpu: reading ${length} elements of ${dtype} from memory of ${own.bytes} bytes`,
      );
    }
    return own;
  }

  #fromHost(memory: DeviceMemory, dtype: DType, length: number): TypedArray {
    const bytes = hostBytes(memory) ?? new Uint8Array(length * 8);
    return arrayOver(dtype, bytes, length).slice();
  }

  async #copyOut(memory: DeviceMemory, dtype: DType, length: number): Promise<TypedArray> {
    const source = sourceOf(memory);
    if (source === null) throw codedError(Error, 'AG_INTERNAL', 'webgpu: memory without a buffer');
    const [bytes] = await this.#readback.read([{ ...source, bytes: length * bytesPerElement(dtype) }]);
    return arrayOver(dtype, bytes, length);
  }
}

function ownExecutable(executable: Executable): DeviceExecutable | HostExecutable {
  if (executable instanceof DeviceExecutable || executable instanceof HostExecutable) return executable;
  throw codedError(TypeError, 'AG_INTERNAL', 'webgpu: this program was prepared by another backend');
}

function lostError(reason: string, message: string): Error {
  const why = reason === 'destroyed' ? 'it was destroyed' : message || 'the driver gave no reason';
  return codedError(
    Error,
    'AG_DEVICE_LOST',
    `webgpu: the device was lost: ${why}. What was in its memory is gone: await moveTo(backend, model) goes on with another backend, then load a saved state`,
  );
}
