/**
 * Programs on the device: steps of dispatches, and between them what the host has to do. A run is one submission, as long as nothing
 * of it waits for the host.
 */
import {
  type Binding,
  bytesPerElement,
  type Executable,
  type HostKernel,
  type Launch,
  type Program,
  sizeOf,
} from '@ag/tensor';
import { codedError } from '@ag/tensor/engine';
import type { Facts } from '../device/facts.ts';
import { type Buffers, DeviceMemory, deviceBuffer, writeBytes } from '../device/memory.ts';
import type { Pipelines } from '../device/pipelines.ts';
import { stepOf } from '../forms/choose.ts';
import type { Dispatch } from '../forms/form.ts';
import type { Counters } from '../queue/counters.ts';
import type { Job } from '../queue/jobs.ts';
import type { Readback } from '../queue/readback.ts';
import { accessOf, type ProgramAccess } from './access.ts';
import { arrayOver, bytesOf } from './arrays.ts';
import { type BufferMap, Dispatches } from './dispatches.ts';

/** What programs share of a device. */
export interface Environment {
  readonly device: GPUDevice;
  readonly facts: Facts;
  readonly buffers: Buffers;
  readonly pipelines: Pipelines;
  readonly readback: Readback;
  readonly counters: Counters;
  /** The buffer of a slot or scratch area. */
  readonly slots: SharedBuffers;
  readonly scratch: SharedBuffers;
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
      this.#held[i] = { buffer: this.#buffers.takeScratch(Math.max(bytes, 4)), bytes: Math.max(bytes, 4) };
    });
  }

  /** Gives back what is more than twice too large for what is still needed. */
  shrink(needed: readonly number[]): void {
    this.#held.forEach((held, i) => {
      const bytes = needed[i] ?? 0;
      if (!held || held.bytes <= 2 * bytes) return;
      this.#buffers.dropScratch(held.buffer, held.bytes);
      this.#held[i] = null;
      if (bytes > 0) this.reserve(needed.map((size, j) => (j === i ? size : 0)));
    });
  }

  get(i: number): GPUBuffer {
    const held = this.#held[i];
    if (!held) throw codedError(Error, 'AG_INTERNAL', `webgpu: working memory ${i} was not reserved`);
    return held.buffer;
  }
}

type Segment =
  | { readonly kind: 'dispatches'; readonly dispatches: Dispatches; block: GPUBuffer | null; filled: boolean }
  | { readonly kind: 'host'; readonly launch: Launch; readonly kernel: HostKernel };

/** A program compiled for one pattern of bindings that share memory. */
interface Variant {
  readonly segments: readonly Segment[];
}

export class DeviceExecutable implements Executable {
  readonly program: Program;
  readonly #environment: Environment;
  readonly #access: ProgramAccess;
  readonly #variants = new Map<string, Variant>();
  readonly #launchId: number;
  disposed = false;

  constructor(environment: Environment, program: Program) {
    this.program = program;
    this.#environment = environment;
    this.#access = accessOf(program);
    this.#launchId = environment.readback.name(program.launches);
    environment.slots.reserve(program.slots);
    // What is usually written over what: binding by binding.
    this.#variant(new Map((program.aliases ?? []).map(([target, old]) => [target, old])));
  }

  /** Bytes of scratch areas that its steps use. */
  get scratchBytes(): number[] {
    const sizes: number[] = [];
    for (const { segments } of this.#variants.values())
      for (const segment of segments)
        if (segment.kind === 'dispatches')
          segment.dispatches.scratchBytes.forEach((bytes, i) => {
            sizes[i] = Math.max(sizes[i] ?? 0, bytes);
          });
    return Array.from(sizes, (bytes) => bytes ?? 0);
  }

  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    this.#environment.readback.forget(this.#launchId, this.program.launches.length);
    for (const { segments } of this.#variants.values())
      for (const segment of segments)
        if (segment.kind === 'dispatches') {
          segment.dispatches.dropGroups();
          segment.block?.destroy();
          segment.block = null;
        }
  }

  /** Whether a run may have to wait for pipelines, or for a routine of the host. */
  get waits(): boolean {
    for (const { segments } of this.#variants.values())
      for (const segment of segments)
        if (segment.kind !== 'dispatches' || segment.dispatches.waiting !== null) return true;
    return false;
  }

  /** A run of it. Host arrays are read when the job starts. */
  job(bindings: readonly Binding[], scalars: Float64Array): Job {
    const variant = this.#variant(this.#sharing(bindings));
    return {
      memories: bindings.filter((binding) => binding instanceof DeviceMemory),
      wait: () => {
        const waiting = variant.segments.flatMap((segment) =>
          segment.kind === 'dispatches' && segment.dispatches.waiting !== null
            ? [segment.dispatches.waiting]
            : [],
        );
        return waiting.length > 0 ? Promise.all(waiting) : null;
      },
      start: () => this.#run(variant, bindings, scalars),
    };
  }

  /** Which written bindings share memory with which others. */
  #sharing(bindings: readonly Binding[]): ReadonlyMap<number, number> {
    const { written } = this.#access;
    const sharing = new Map<number, number>();
    const first = new Map<Binding, number>();
    bindings.forEach((binding, i) => {
      if (!(binding instanceof DeviceMemory)) return;
      const known = first.get(binding);
      if (known === undefined) first.set(binding, i);
      else if (written[i] || written[known]) sharing.set(i, known);
    });
    return sharing;
  }

  #variant(sharing: ReadonlyMap<number, number>): Variant {
    const key = [...sharing]
      .map(([i, j]) => `${i}=${j}`)
      .sort()
      .join();
    let variant = this.#variants.get(key);
    if (variant === undefined) {
      variant = this.#compile(sharing);
      this.#variants.set(key, variant);
      this.#environment.scratch.reserve(this.scratchBytes);
    }
    return variant;
  }

  #compile(sharing: ReadonlyMap<number, number>): Variant {
    const { program } = this;
    const { device, facts, pipelines, counters } = this.#environment;
    const { bufferOf: ofBinding } = this.#access;
    const stand = new Map<number, number>();
    for (const [target, old] of sharing)
      if (ofBinding[target] >= 0 && ofBinding[old] >= 0) stand.set(ofBinding[target], ofBinding[old]);
    const bufferOf = (buffer: number): number => stand.get(buffer) ?? buffer;
    const segments: Segment[] = [];
    let pending: Dispatch[] = [];
    const flush = (): void => {
      if (pending.length > 0)
        segments.push({
          kind: 'dispatches',
          dispatches: new Dispatches(device, pipelines, counters, pending),
          block: null,
          filled: false,
        });
      pending = [];
    };
    for (let position = 0; position < program.launches.length; ) {
      const launch = program.launches[position];
      const { kernel } = launch;
      if (kernel.form === 'host') {
        flush();
        segments.push({ kind: 'host', launch, kernel });
        position++;
        continue;
      }
      const step = stepOf({
        program,
        launch,
        position,
        facts,
        bufferOf,
        inLoop: false,
        launchId: this.#launchId + position,
      });
      pending.push(...step.dispatches);
      position += step.launches;
    }
    flush();
    return { segments };
  }

  #run(variant: Variant, bindings: readonly Binding[], scalars: Float64Array): Promise<void> | void {
    const { device, buffers, counters } = this.#environment;
    const lent: GPUBuffer[] = [];
    const map = this.#bind(bindings, lent);
    let encoder = device.createCommandEncoder();
    const submit = (): void => {
      device.queue.submit([encoder.finish()]);
      counters.submits++;
      encoder = device.createCommandEncoder();
    };
    const done = (): void => {
      for (const buffer of lent) buffers.give(buffer);
    };
    const from = (first: number): Promise<void> | void => {
      let open = false;
      for (let i = first; i < variant.segments.length; i++) {
        const segment = variant.segments[i];
        if (segment.kind === 'host') {
          if (open) submit();
          return this.#runHost(segment.launch, segment.kernel, map, scalars).then(() => from(i + 1));
        }
        const { dispatches } = segment;
        segment.block ??= device.createBuffer({
          size: Math.max(dispatches.words.byteLength, 256),
          usage: 8 | 64,
        });
        const changed = dispatches.fill(dispatches.words, 0, scalars, () => 0);
        if (changed || !segment.filled) {
          device.queue.writeBuffer(segment.block, 0, dispatches.words);
          counters.bytesWritten += dispatches.words.byteLength;
          segment.filled = true;
        }
        const pass = encoder.beginComputePass();
        dispatches.encode(pass, segment.block, 0, map);
        pass.end();
        open = true;
      }
      if (open) submit();
      done();
    };
    return from(0);
  }

  /** Buffers for what is bound; host arrays go to buffers that are lent for the run. */
  #bind(bindings: readonly Binding[], lent: GPUBuffer[]): BufferMap {
    const { device, buffers, slots, scratch, readback, counters } = this.#environment;
    const { read, written, bufferOf } = this.#access;
    const bound = new Array<GPUBuffer | null>(this.program.buffers.length).fill(null);
    bindings.forEach((binding, i) => {
      const buffer = bufferOf[i];
      if (buffer < 0 || !read[i]) return;
      if (binding instanceof DeviceMemory) {
        if (binding.place === 'host') counters.bytesWritten += binding.bytes;
        bound[buffer] = deviceBuffer(binding, device);
        return;
      }
      const { length, dtype } = this.program.buffers[buffer];
      const data = bytesOf(binding as Exclude<Binding, DeviceMemory> & Float32Array);
      const lend = buffers.take(Math.max(length * bytesPerElement(dtype), 4));
      writeBytes(device, lend, data, data.byteLength);
      counters.bytesWritten += data.byteLength;
      lent.push(lend);
      bound[buffer] = lend;
    });
    bindings.forEach((binding, i) => {
      const buffer = bufferOf[i];
      if (buffer < 0 || !written[i] || !(binding instanceof DeviceMemory)) return;
      binding.buffer ??= buffers.take(binding.bytes);
      binding.host = null;
      binding.place = 'device';
      bound[buffer] = binding.buffer;
    });
    const specs = this.program.buffers;
    return {
      bufferOf(buffer) {
        const spec = specs[buffer];
        const found = spec.kind === 'slot' ? slots.get(spec.slot) : bound[buffer];
        if (!found) throw codedError(TypeError, 'AG_INTERNAL', `webgpu: buffer ${buffer} is not bound`);
        return found;
      },
      scratch: (area) => scratch.get(area),
      status: () => readback.statusBuffer(),
    };
  }

  /** A routine of the host: its inputs are copied out, its results in. */
  async #runHost(launch: Launch, kernel: HostKernel, map: BufferMap, scalars: Float64Array): Promise<void> {
    const { device, readback, counters } = this.#environment;
    const { program } = this;
    const shapes = launch.shapes ?? [];
    const inputs = kernel.inputs.length;
    const starts = launch.operands.map(({ offset, dynamic }) =>
      dynamic.reduce((sum, { factor, scalar }) => sum + factor * scalars[scalar], offset),
    );
    const wholes = launch.operands.slice(0, inputs).map(({ buffer }, i) => {
      const { dtype } = program.buffers[buffer];
      return {
        buffer: map.bufferOf(buffer),
        bytes: (starts[i] + sizeOf(shapes[i])) * bytesPerElement(dtype),
      };
    });
    const copies = await readback.read(wholes);
    const arrays = launch.operands.map(({ buffer }, i) => {
      const { dtype } = program.buffers[buffer];
      const length = sizeOf(shapes[i]);
      if (i >= inputs)
        return arrayOver(dtype, new Uint8Array(Math.ceil((length * bytesPerElement(dtype)) / 8) * 8), length);
      return arrayOver(dtype, copies[i], starts[i] + length).subarray(starts[i]);
    });
    kernel.run(arrays.slice(0, inputs), arrays.slice(inputs), shapes);
    for (let i = inputs; i < arrays.length; i++) {
      const bytes = bytesOf(arrays[i]);
      const whole = Math.ceil(bytes.byteLength / 4) * 4;
      if (whole === 0) continue;
      const padded = whole === bytes.byteLength ? bytes : new Uint8Array(bytes.buffer, 0, whole);
      const { dtype } = program.buffers[launch.operands[i].buffer];
      device.queue.writeBuffer(
        map.bufferOf(launch.operands[i].buffer),
        starts[i] * bytesPerElement(dtype),
        padded,
      );
      counters.bytesWritten += whole;
    }
  }
}
