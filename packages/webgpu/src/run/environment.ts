/** What programs share of a device. */
import type { Launch, LoopKernel, Program } from '@ag/tensor';
import { codedError } from '@ag/tensor/engine';
import type { Facts } from '../device/facts.ts';
import type { Buffers } from '../device/memory.ts';
import type { Pipelines } from '../device/pipelines.ts';
import type { Counters } from '../queue/counters.ts';
import type { Readback } from '../queue/readback.ts';
import type { LoopPart } from './frame.ts';

export interface Environment {
  readonly device: GPUDevice;
  readonly facts: Facts;
  readonly buffers: Buffers;
  readonly pipelines: Pipelines;
  readonly readback: Readback;
  readonly counters: Counters;
  /** The buffers of slots and of scratch areas: programs run one after another, so all share them. */
  readonly slots: SharedBuffers;
  readonly scratch: SharedBuffers;
  /** Compiles a loop in a program. */
  makeLoop(program: Program, launch: Launch, kernel: LoopKernel): LoopPart;
}

/** Numbered buffers that programs share, each as large as the largest of them asks. */
export class SharedBuffers {
  readonly #buffers: Buffers;
  readonly #held: ({ readonly buffer: GPUBuffer; readonly bytes: number } | null)[] = [];

  constructor(buffers: Buffers) {
    this.#buffers = buffers;
  }

  /** Makes sure of so many bytes. @throws OutOfMemoryError */
  reserve(sizes: readonly number[]): void {
    sizes.forEach((bytes, i) => {
      const held = this.#held[i];
      if (held && held.bytes >= bytes) return;
      // The old one goes first: its contents are of no use, and the memory may be needed.
      if (held) this.#buffers.dropScratch(held.buffer, held.bytes);
      this.#held[i] = null;
      const size = Math.max(bytes, 4);
      this.#held[i] = { buffer: this.#buffers.takeScratch(size), bytes: size };
    });
  }

  /** Gives back what is more than twice too large for what is still needed. */
  shrink(needed: readonly number[]): void {
    this.#held.forEach((held, i) => {
      const bytes = needed[i] ?? 0;
      if (!held || held.bytes <= Math.max(2 * bytes, 4)) return;
      this.#buffers.dropScratch(held.buffer, held.bytes);
      this.#held[i] = null;
      if (bytes > 0) this.#held[i] = { buffer: this.#buffers.takeScratch(bytes), bytes };
    });
  }

  /** Gives back all. */
  drop(): void {
    this.shrink([]);
    this.#held.forEach((held, i) => {
      if (held) this.#buffers.dropScratch(held.buffer, held.bytes);
      this.#held[i] = null;
    });
  }

  get(i: number): GPUBuffer {
    const held = this.#held[i];
    if (!held) throw codedError(Error, 'AG_INTERNAL', `webgpu: working memory ${i} was not reserved`);
    return held.buffer;
  }
}
