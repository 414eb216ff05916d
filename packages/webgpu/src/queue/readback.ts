/** Copies from the device: through buffers that the host can map, kept for later reads, with the status words of index errors. */
import { indexError, type Launch } from '@ag/tensor';
import { contiguousSteps } from '../emit/steps.ts';
import type { Counters } from './counters.ts';

/** MAP_READ, COPY_DST. */
const stagingUsage = 1 | 8;
/** COPY_SRC, COPY_DST, STORAGE. */
const statusUsage = 4 | 8 | 128;

/** Words of the status: how many indices failed, and of the first one its launch, the index, and its position in the launch. */
export const statusWords = 4;

/** A part of a buffer. */
export interface Wanted {
  readonly buffer: GPUBuffer;
  readonly bytes: number;
  readonly from?: number;
}

export class Readback {
  readonly #device: GPUDevice;
  readonly #counters: Counters;
  readonly #free = new Map<number, GPUBuffer[]>();
  readonly #launches = new Map<number, Launch>();
  #status: GPUBuffer | null = null;
  #statusUsed = false;
  #nextLaunch = 1;

  constructor(device: GPUDevice, counters: Counters) {
    this.#device = device;
    this.#counters = counters;
  }

  /** The status words, for a kernel that is about to run. */
  statusBuffer(): GPUBuffer {
    this.#status ??= this.#device.createBuffer({ size: 256, usage: statusUsage });
    this.#statusUsed = true;
    return this.#status;
  }

  /** Numbers for launches that may meet indices that do not exist, the first of `launches.length` in a row. */
  name(launches: readonly Launch[]): number {
    const first = this.#nextLaunch;
    launches.forEach((launch, i) => {
      if (launch.axis) this.#launches.set(first + i, launch);
    });
    this.#nextLaunch += launches.length;
    return first;
  }

  forget(first: number, count: number): void {
    for (let i = 0; i < count; i++) this.#launches.delete(first + i);
  }

  /**
   * Bytes of buffers from `from` on, a multiple of 4 (default 0), after all work submitted so far.
   *
   * @throws RangeError for an index that did not exist in work since the read before
   */
  async read(wanted: readonly Wanted[]): Promise<Uint8Array<ArrayBuffer>[]> {
    const starts: number[] = [];
    let size = 0;
    for (const { bytes } of wanted) {
      starts.push(size);
      size += Math.ceil(bytes / 4) * 4;
    }
    const checked = this.#statusUsed ? this.#status : null;
    this.#statusUsed = false;
    const statusAt = size;
    if (checked !== null) size += statusWords * 4;
    if (size === 0) return wanted.map(() => new Uint8Array(0));
    const staging = this.#take(size);
    const encoder = this.#device.createCommandEncoder();
    wanted.forEach(({ buffer, bytes, from = 0 }, i) => {
      if (bytes > 0) encoder.copyBufferToBuffer(buffer, from, staging, starts[i], Math.ceil(bytes / 4) * 4);
    });
    if (checked !== null) {
      encoder.copyBufferToBuffer(checked, 0, staging, statusAt, statusWords * 4);
      encoder.clearBuffer(checked, 0, statusWords * 4);
    }
    this.#device.queue.submit([encoder.finish()]);
    this.#counters.submits++;
    this.#counters.readbacks++;
    const mapped = staging.mapAsync(1, 0, size);
    // Some browsers look at what has been mapped with the next submission only.
    this.#device.queue.submit([]);
    await mapped;
    const all = staging.getMappedRange(0, size);
    const copies = wanted.map(({ bytes }, i) => new Uint8Array(all.slice(starts[i], starts[i] + bytes)));
    const status = checked === null ? null : new Int32Array(all.slice(statusAt, statusAt + statusWords * 4));
    staging.unmap();
    this.#give(staging);
    this.#counters.bytesRead += size;
    if (status !== null && status[0] !== 0) throw this.#errorOf(status);
    return copies;
  }

  destroy(): void {
    for (const list of this.#free.values()) for (const buffer of list) buffer.destroy();
    this.#free.clear();
    this.#status?.destroy();
  }

  #errorOf([, id, index, position]: Int32Array): RangeError {
    const launch = this.#launches.get(id);
    if (launch === undefined) return indexError('gather', index, 0);
    const at = contiguousSteps(launch.dims).map(
      (step, axis) => Math.floor(position / step) % launch.dims[axis],
    );
    return indexError(launch.label, index, launch.axis?.size ?? 0, at);
  }

  #take(bytes: number): GPUBuffer {
    const size = 2 ** Math.max(8, Math.ceil(Math.log2(bytes)));
    return this.#free.get(size)?.pop() ?? this.#device.createBuffer({ size, usage: stagingUsage });
  }

  #give(buffer: GPUBuffer): void {
    const { size } = buffer;
    const list = this.#free.get(size) ?? [];
    // Large ones are rare, and few of any size are in flight at a time.
    if (list.length >= (size > 2 ** 22 ? 1 : 8)) {
      buffer.destroy();
      return;
    }
    list.push(buffer);
    this.#free.set(size, list);
  }
}
