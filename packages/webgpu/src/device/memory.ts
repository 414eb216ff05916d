/**
 * Device memory: one buffer for each `Memory`, made when a kernel first needs it. Until then what is in it lies on the host, so
 * what the host computes (float64, routines between kernels) and what it only passes on never goes to the device.
 *
 * Buffers that are given back are kept for requests of the same size class: drivers are slow at making them, and the garbage
 * collector knows nothing of them.
 */
import { type Memory, OutOfMemoryError } from '@ag/tensor';
import { typeError } from '@ag/tensor/engine';
import type { Facts } from './facts.ts';
import { type Parked, ParkedValues, wholeWords } from './parked.ts';

/** COPY_SRC, COPY_DST, STORAGE. */
const usage = 4 | 8 | 128;

/** Where the contents are: nowhere yet, all zeros, in a host array, in the buffer. */
export type Place = 'undefined' | 'zeros' | 'host' | 'device';

export class DeviceMemory implements Memory {
  readonly bytes: number;
  readonly owner: Buffers;
  place: Place;
  host: Uint8Array<ArrayBuffer> | null = null;
  buffer: GPUBuffer | null = null;
  /** Where the contents are instead of in the buffer, for small results whose buffer the next ones have. */
  parked: Parked | null = null;
  /** The last job that has to do with it, 0 for none. */
  job = 0;
  released = false;

  constructor(owner: Buffers, bytes: number, zeroed: boolean) {
    this.owner = owner;
    this.bytes = bytes;
    this.place = zeroed ? 'zeros' : 'undefined';
  }
}

/** Bytes of the buffer for a request: multiples of 256, in steps of an eighth where it is large. */
function sizeClass(bytes: number): number {
  if (bytes <= 256) return 256;
  const step = Math.max(256, 2 ** (Math.floor(Math.log2(bytes)) - 3));
  return Math.ceil(bytes / step) * step;
}

/** All buffers of a device. */
export class Buffers {
  readonly #device: GPUDevice;
  readonly #facts: Facts;
  readonly #maxMemory: number;
  readonly #free = new Map<number, GPUBuffer[]>();
  #freeBytes = 0;
  readonly #parked: ParkedValues;
  /** Bytes of memory and scratch that are in use. */
  held = 0;
  peak = 0;
  /** Buffers made so far. */
  made = 0;
  /** Told of memory that the driver refused after all. */
  onFailure: (error: Error) => void = () => {};

  constructor(device: GPUDevice, facts: Facts, maxMemory: number) {
    this.#device = device;
    this.#facts = facts;
    this.#maxMemory = maxMemory;
    this.#parked = new ParkedValues(device);
  }

  /** @throws OutOfMemoryError where it is more than a buffer can hold or than is allowed */
  allocate(bytes: number, zeroed: boolean): DeviceMemory {
    this.#reserve(bytes);
    return new DeviceMemory(this, bytes, zeroed);
  }

  release(memory: DeviceMemory): void {
    if (memory.released) return;
    memory.released = true;
    this.held -= memory.bytes;
    memory.host = null;
    this.unpark(memory);
    if (memory.buffer !== null) this.give(memory.buffer);
    memory.buffer = null;
  }

  /**
   * Takes the buffer of a small result for the next one: what is in it goes to a place among others. A loss that nobody reads, at
   * every step another memory until the garbage collector comes, so costs neither a buffer nor a bind group. Null where it has no buffer.
   */
  park(memory: DeviceMemory, encoder: () => GPUCommandEncoder): GPUBuffer | null {
    const { buffer } = memory;
    if (buffer === null || memory.released) return null;
    if (memory.place === 'device') memory.parked = this.#parked.put(buffer, memory.bytes, encoder());
    memory.buffer = null;
    return buffer;
  }

  /** Lets go of the place among others. */
  unpark(memory: DeviceMemory): void {
    if (memory.parked !== null) this.#parked.free(memory.parked);
    memory.parked = null;
  }

  /** A buffer of working memory; counts as held until `dropScratch`. */
  takeScratch(bytes: number): GPUBuffer {
    this.#reserve(bytes);
    return this.take(bytes);
  }

  dropScratch(buffer: GPUBuffer, bytes: number): void {
    this.held -= bytes;
    this.give(buffer);
  }

  /** A buffer of at least so many bytes with any contents. */
  take(bytes: number): GPUBuffer {
    const size = Math.min(
      sizeClass(bytes),
      Math.max(this.#facts.maxBuffer - (this.#facts.maxBuffer % 4), 256),
    );
    const list = this.#free.get(size);
    const known = list?.pop();
    if (known !== undefined) {
      this.#freeBytes -= size;
      return known;
    }
    this.made++;
    const large = size >= 2 ** 24;
    if (large) this.#device.pushErrorScope('out-of-memory');
    const buffer = this.#device.createBuffer({ size, usage });
    if (large) {
      this.#device.popErrorScope().then(
        (error) => {
          if (error !== null) this.onFailure(this.#outOfMemory(bytes, 'the device has no more'));
        },
        () => {},
      );
    }
    return buffer;
  }

  /** Keeps a buffer for later. Work that was submitted before may still use it: what comes later is done later. */
  give(buffer: GPUBuffer): void {
    const { size } = buffer;
    // What is kept stays below what is in use, or a sixteenth of a gigabyte.
    if (this.#freeBytes + size > Math.max(2 ** 26, this.held)) {
      buffer.destroy();
      return;
    }
    const list = this.#free.get(size);
    if (list) list.push(buffer);
    else this.#free.set(size, [buffer]);
    this.#freeBytes += size;
  }

  /** Destroys what is kept. */
  trim(): void {
    for (const list of this.#free.values()) for (const buffer of list) buffer.destroy();
    this.#free.clear();
    this.#freeBytes = 0;
  }

  /** Destroys what is kept, and small values that are parked: at the end. */
  destroy(): void {
    this.trim();
    this.#parked.destroy();
  }

  #reserve(bytes: number): void {
    const most = Math.min(this.#facts.maxBuffer, this.#facts.maxBinding);
    if (bytes > most) throw this.#outOfMemory(bytes, `a buffer of this device has at most ${most}`);
    if (this.held + bytes > this.#maxMemory)
      throw this.#outOfMemory(bytes, `maxMemory is ${this.#maxMemory}`);
    if (this.held + this.#freeBytes + bytes > this.#maxMemory) this.trim();
    this.held += bytes;
    this.peak = Math.max(this.peak, this.held);
  }

  #outOfMemory(bytes: number, why: string): OutOfMemoryError {
    return new OutOfMemoryError(
      `webgpu: cannot allocate ${bytes} bytes of memory: ${why}; ${this.held} bytes are held. ` +
        'Use smaller batches, or drop tensors that are no longer needed.',
    );
  }
}

/** @throws TypeError for memory of another backend */
export function checkMemory(memory: Memory, owner: Buffers): DeviceMemory {
  if (memory instanceof DeviceMemory && memory.owner === owner) return memory;
  throw typeError('webgpu: this memory belongs to another backend; read it there and write a copy');
}

/** Where to read contents that lie on the device, for copies; null where there is no such place. */
export function sourceOf({ buffer, parked }: DeviceMemory): { buffer: GPUBuffer; from: number } | null {
  if (parked !== null) return { buffer: parked.buffer, from: parked.start };
  return buffer === null ? null : { buffer, from: 0 };
}

/** What is on the host, made where it is zeros; null where it lies on the device. */
export function hostBytes(memory: DeviceMemory): Uint8Array<ArrayBuffer> | null {
  if (memory.place === 'device') return null;
  memory.host ??= new Uint8Array(Math.ceil(memory.bytes / 8) * 8);
  memory.place = 'host';
  return memory.host;
}

/** The buffer with the contents in it. Writes go before all work that is submitted from now on. */
export function deviceBuffer(memory: DeviceMemory, device: GPUDevice): GPUBuffer {
  let { buffer } = memory;
  if (buffer === null) {
    buffer = memory.owner.take(memory.bytes);
    memory.buffer = buffer;
  }
  if (memory.place === 'host' && memory.host !== null) {
    writeBytes(device, buffer, memory.host, memory.bytes);
  } else if (memory.place === 'zeros') {
    const encoder = device.createCommandEncoder();
    encoder.clearBuffer(buffer);
    device.queue.submit([encoder.finish()]);
  } else if (memory.parked !== null) {
    const encoder = device.createCommandEncoder();
    const { buffer: page, start } = memory.parked;
    encoder.copyBufferToBuffer(page, start, buffer, 0, wholeWords(memory.bytes));
    device.queue.submit([encoder.finish()]);
  }
  memory.owner.unpark(memory);
  memory.host = null;
  memory.place = 'device';
  return buffer;
}

/** Writes the first bytes of an array, a whole number of words. */
export function writeBytes(
  device: GPUDevice,
  buffer: GPUBuffer,
  bytes: Uint8Array<ArrayBuffer>,
  length: number,
): void {
  const whole = wholeWords(length);
  if (whole === 0) return;
  if (whole <= bytes.length) {
    device.queue.writeBuffer(buffer, 0, bytes, 0, whole);
    return;
  }
  const padded = new Uint8Array(whole);
  padded.set(bytes.subarray(0, length));
  device.queue.writeBuffer(buffer, 0, padded);
}
