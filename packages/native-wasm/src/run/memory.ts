/**
 * One linear memory, grown on demand, and a free list over it.
 *
 * Blocks are few (plans own their buffers), so the free list is a sorted array: best fit, neighbors merged.
 */
import { type Memory, OutOfMemoryError } from '@ag/tensor';
import { codedError } from '@ag/tensor/engine';
import { digitsOfTwoOverPi } from '../arithmetic/trigonometricF64.ts';
import * as control from '../control.ts';
import { useReference } from '../engine/support.ts';

const page = 65536;
/** Blocks start at multiples of it. */
const alignment = 64;
/** Kernels may read (never write) so many bytes beyond the end of a block: the last ones of the memory stay free. */
const margin = 64;

/** Device memory: a block of the linear memory. */
export class Block implements Memory {
  readonly bytes: number;
  /** 0 once released. */
  address: number;
  /** Bytes taken, padding included. */
  readonly size: number;

  constructor(address: number, bytes: number, size: number) {
    this.address = address;
    this.bytes = bytes;
    this.size = size;
  }
}

interface Free {
  start: number;
  size: number;
}

export class LinearMemory {
  readonly memory: WebAssembly.Memory;
  readonly shared: boolean;
  readonly maximumPages: number;
  // Views are made anew when the memory grows: growing detaches the old ones.
  u8!: Uint8Array<ArrayBuffer>;
  i32!: Int32Array;
  f32!: Float32Array;
  f64!: Float64Array;
  /** Bytes in blocks now, and at most so far. */
  held = 0;
  peak = 0;
  readonly #free: Free[] = [];
  /** Everything from here on has never been used and is zero. */
  #fresh: number = control.end;
  readonly #limit: number;

  constructor(shared: boolean, maxMemory: number) {
    this.shared = shared;
    this.#limit = maxMemory;
    let pages = Math.min(65536, Math.ceil(maxMemory / page));
    let memory: WebAssembly.Memory | undefined;
    while (memory === undefined) {
      try {
        memory = new WebAssembly.Memory({ initial: 16, maximum: Math.max(16, pages), shared });
      } catch (error) {
        // Shared memory reserves its maximum at once, which small devices refuse.
        if (pages <= 4096) this.#refused(error);
        pages >>= 1;
      }
    }
    this.memory = memory;
    this.maximumPages = Math.max(16, pages);
    this.#views();
    this.f64.set(digitsOfTwoOverPi, control.twoOverPi >> 3);
    this.#free.push({ start: control.end, size: memory.buffer.byteLength - margin - control.end });
  }

  /** @throws OutOfMemoryError naming what was asked and what is held. */
  allocate(bytes: number, zeroed = true): Block {
    if (!(bytes >= 0 && bytes <= 2 ** 32)) return this.#exhausted(bytes);
    const size = Math.max(1, Math.ceil(bytes / alignment)) * alignment;
    let best = this.#bestFit(size);
    if (best < 0) {
      this.#grow(size, bytes);
      best = this.#bestFit(size);
    }
    const free = this.#free[best];
    const start = free.start;
    free.start += size;
    free.size -= size;
    if (free.size === 0) this.#free.splice(best, 1);
    if (zeroed && start < this.#fresh) this.u8.fill(0, start, Math.min(start + size, this.#fresh));
    this.#fresh = Math.max(this.#fresh, start + size);
    this.held += size;
    this.peak = Math.max(this.peak, this.held);
    return new Block(start, bytes, size);
  }

  release(block: Block): void {
    if (block.address === 0) throw codedError(Error, 'AG_DISPOSED', 'wasm: memory was released twice');
    const start = block.address;
    block.address = 0;
    this.held -= block.size;
    let i = 0;
    while (i < this.#free.length && this.#free[i].start < start) i++;
    this.#free.splice(i, 0, { start, size: block.size });
    for (const at of [i, i - 1]) {
      const left = this.#free[at];
      const right = this.#free[at + 1];
      if (left && right && left.start + left.size === right.start) {
        left.size += right.size;
        this.#free.splice(at + 1, 1);
      }
    }
  }

  #bestFit(size: number): number {
    let best = -1;
    this.#free.forEach((free, i) => {
      if (free.size >= size && (best < 0 || free.size < this.#free[best].size)) best = i;
    });
    return best;
  }

  #grow(size: number, asked: number): void {
    const end = this.memory.buffer.byteLength - margin;
    const last = this.#free[this.#free.length - 1];
    const tail = last && last.start + last.size === end ? last.size : 0;
    const needed = Math.ceil((size - tail) / page);
    const room = Math.min(this.maximumPages, Math.floor(this.#limit / page)) - (end + margin) / page;
    // A fifth more than what there is, so that many small requests grow rarely.
    const pages = Math.min(room, Math.max(needed, Math.ceil(end / page / 5)));
    if (pages < needed) this.#exhausted(asked);
    try {
      this.memory.grow(pages);
    } catch {
      this.#exhausted(asked);
    }
    this.#views();
    if (tail > 0) last.size += pages * page;
    else this.#free.push({ start: end, size: pages * page });
  }

  #exhausted(bytes: number): never {
    const limit = Math.min(this.#limit, this.maximumPages * page);
    throw new OutOfMemoryError(
      `wasm: cannot allocate ${megabytes(bytes)}: ${megabytes(this.held)} are held and at most ${megabytes(limit)} ` +
        'are possible. Free tensors that were kept, use smaller batches, or raise maxMemory in wasm({ maxMemory }).',
    );
  }

  #refused(cause: unknown): never {
    throw new OutOfMemoryError(
      `wasm: the engine refused memory (${(cause as Error).message}). Some engines reserve 10 GiB of addresses for each memory, of which ` +
        `little is used: raise the limit on addresses where one is set (ulimit -v). ${useReference}`,
      { cause },
    );
  }

  #views(): void {
    const buffer = this.memory.buffer;
    this.u8 = new Uint8Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.f32 = new Float32Array(buffer);
    this.f64 = new Float64Array(buffer);
  }
}

function megabytes(bytes: number): string {
  if (!(bytes >= 2 ** 20)) return `${bytes} bytes`;
  return bytes < 2 ** 33 ? `${(bytes / 2 ** 20).toFixed(1)} MiB` : `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}
