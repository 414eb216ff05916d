/**
 * The dispatches of some launches, ready to be encoded: pipelines, blocks of arguments in one buffer, bind groups that are kept as
 * long as their buffers stay the same.
 */
import { toDType } from '@ag/tensor';
import { codedError } from '@ag/tensor/engine';
import type { Pipeline, Pipelines } from '../device/pipelines.ts';
import { bitsOf } from '../emit/dtypes.ts';
import type { Bound, Dispatch } from '../forms/form.ts';
import type { Counters } from '../queue/counters.ts';

/** The device's buffer of a buffer of the program. */
export type BufferOf = (buffer: number) => GPUBuffer;

/** Buffers that all programs share. */
export interface Shared {
  readonly scratch: { get(area: number): GPUBuffer };
  readonly readback: { statusBuffer(): GPUBuffer };
}

/** Bind groups kept for a dispatch: new values of variables go to two memories in turn, and results to fresh ones. */
const keptGroups = 4;

interface Ready {
  readonly dispatch: Dispatch;
  readonly pipeline: Pipeline;
  /** Where its arguments start, in words. */
  readonly start: number;
  readonly groups: { readonly buffers: readonly GPUBuffer[]; readonly group: GPUBindGroup }[];
}

/** A word that a run fills. */
interface RunWord {
  readonly word: number;
  readonly patch: Dispatch['block']['patches'][number];
}

/** Blocks start where a uniform may: at multiples of 256 bytes. */
const blockWords = 64;

export class Dispatches {
  readonly #device: GPUDevice;
  readonly #counters: Counters;
  readonly #ready: readonly Ready[];
  readonly #runWords: readonly RunWord[];
  /** The arguments that a plan decides, and those of the last run. */
  readonly words: Int32Array<ArrayBuffer>;
  /** Bytes of each scratch area that they use. */
  readonly scratchBytes: readonly number[];
  #waiting: Promise<unknown> | null;

  constructor(device: GPUDevice, pipelines: Pipelines, counters: Counters, dispatches: readonly Dispatch[]) {
    this.#device = device;
    this.#counters = counters;
    let size = 0;
    const runWords: RunWord[] = [];
    const scratchBytes: number[] = [];
    const some = dispatches.filter(({ workgroups }) => !workgroups.includes(0));
    this.#ready = some.map((dispatch) => {
      const start = size;
      size += Math.ceil(dispatch.block.words.length / blockWords) * blockWords;
      for (const patch of dispatch.block.patches) runWords.push({ word: start + patch.word, patch });
      for (const bound of dispatch.bindings)
        if (bound.kind === 'scratch')
          scratchBytes[bound.area] = Math.max(scratchBytes[bound.area] ?? 0, bound.bytes);
      const written = dispatch.bindings.map((bound) => bound.written);
      return { dispatch, pipeline: pipelines.get(dispatch.code, written, dispatch.label), start, groups: [] };
    });
    this.scratchBytes = Array.from(scratchBytes, (bytes) => bytes ?? 0);
    this.words = new Int32Array(size);
    for (const { dispatch, start } of this.#ready) this.words.set(dispatch.block.words, start);
    this.#runWords = runWords;
    const making = this.#ready
      .filter(({ pipeline }) => pipeline.ready === null)
      .map(({ pipeline }) => pipeline.promise);
    this.#waiting = making.length > 0 ? Promise.all(making) : null;
    // Whoever waits hears of it; before that it is nobody's error.
    this.#waiting?.catch(() => {});
  }

  /** What has to be waited for before they are encoded; null when all pipelines are there. */
  get waiting(): Promise<unknown> | null {
    if (this.#waiting !== null && this.#ready.every(({ pipeline }) => pipeline.ready !== null))
      this.#waiting = null;
    return this.#waiting;
  }

  get isEmpty(): boolean {
    return this.#ready.length === 0;
  }

  /**
   * Fills what a run decides into `words`, which begin at `base`. `offsetOf` gives where bound buffers start, in elements. Whether
   * anything changed.
   */
  fill(
    words: Int32Array,
    base: number,
    scalars: Float64Array,
    offsetOf: (buffer: number) => number,
  ): boolean {
    let changed = false;
    for (const { word, patch } of this.#runWords) {
      let value: number;
      if (patch.kind === 'literal') {
        const number = toDType(scalars[patch.scalar], patch.dtype);
        value = patch.dtype === 'float32' ? bitsOf(number) | 0 : number | 0;
      } else {
        value = patch.offset + (patch.buffer < 0 ? 0 : offsetOf(patch.buffer));
        for (const { factor, scalar } of patch.dynamic) value += factor * scalars[scalar];
      }
      if (words[base + word] === value) continue;
      words[base + word] = value;
      changed = true;
    }
    return changed;
  }

  /** Encodes all; `base` is where the arguments begin in `block`, in words. */
  encode(
    pass: GPUComputePassEncoder,
    block: GPUBuffer,
    base: number,
    bufferOf: BufferOf,
    shared: Shared,
  ): void {
    for (const ready of this.#ready) {
      const { dispatch, pipeline, start } = ready;
      if (pipeline.ready === null)
        throw codedError(Error, 'AG_INTERNAL', `webgpu: the kernel of '${dispatch.label}' is not ready`);
      pass.setPipeline(pipeline.ready);
      pass.setBindGroup(0, this.#group(ready, block, bufferOf, shared), [(base + start) * 4]);
      pass.dispatchWorkgroups(...dispatch.workgroups);
      this.#counters.dispatches++;
    }
  }

  /** Lets go of bind groups, and with them of the buffers in them. */
  dropGroups(): void {
    for (const { groups } of this.#ready) groups.length = 0;
  }

  #group(
    { dispatch, pipeline, groups }: Ready,
    block: GPUBuffer,
    bufferOf: BufferOf,
    shared: Shared,
  ): GPUBindGroup {
    const wanted = [block, ...dispatch.bindings.map((bound) => resolve(bound, bufferOf, shared))];
    for (const known of groups) {
      if (known.buffers.every((buffer, i) => buffer === wanted[i])) return known.group;
    }
    const group = this.#device.createBindGroup({
      layout: pipeline.layout,
      entries: [
        { binding: 0, resource: { buffer: block, offset: 0, size: dispatch.block.words.length * 4 } },
        ...wanted.slice(1).map((buffer, i): GPUBindGroupEntry => ({ binding: i + 1, resource: { buffer } })),
      ],
    });
    this.#counters.bindGroups++;
    if (groups.length >= keptGroups) groups.shift();
    groups.push({ buffers: wanted, group });
    return group;
  }
}

function resolve(bound: Bound, bufferOf: BufferOf, { scratch, readback }: Shared): GPUBuffer {
  switch (bound.kind) {
    case 'buffer':
      return bufferOf(bound.buffer);
    case 'scratch':
      return scratch.get(bound.area);
    case 'status':
      return readback.statusBuffer();
  }
}
