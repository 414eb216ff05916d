/**
 * A program compiled for the device: dispatches, and between them what the host does. Which bindings share memory is part of the
 * code, as a buffer that a kernel writes can have one binding only; so there may be several variants.
 */
import { bytesPerElement, type HostKernel, type Launch, type Program, sizeOf } from '@ag/tensor';
import { stepOf } from '../forms/choose.ts';
import type { Dispatch } from '../forms/form.ts';
import { accessOf, type ProgramAccess } from './access.ts';
import { arrayOver, bytesOf } from './arrays.ts';
import { Dispatches } from './dispatches.ts';
import type { Environment } from './environment.ts';
import type { Frame, LoopPart } from './frame.ts';
import type { Recorder } from './recorder.ts';

export type Segment =
  | { readonly kind: 'dispatches'; readonly dispatches: Dispatches; block: GPUBuffer | null; filled: boolean }
  | { readonly kind: 'host'; readonly launch: Launch; readonly kernel: HostKernel }
  | { readonly kind: 'loop'; readonly loop: LoopPart };

/** Compiled for one pattern of bindings that share memory. */
export interface Variant {
  readonly segments: readonly Segment[];
  /** Bytes of scratch areas. */
  readonly scratchBytes: readonly number[];
}

/** Which bindings stand for others: those of the same memory, where one of them is written. */
export type Sharing = ReadonlyMap<number, number>;

export class Compiled {
  readonly program: Program;
  readonly access: ProgramAccess;
  readonly #environment: Environment;
  readonly #inLoop: boolean;
  readonly #variants = new Map<string, Variant>();
  readonly #loops = new Map<Launch, LoopPart>();
  readonly #firstLaunch: number;

  constructor(environment: Environment, program: Program, inLoop: boolean) {
    this.program = program;
    this.access = accessOf(program);
    this.#environment = environment;
    this.#inLoop = inLoop;
    this.#firstLaunch = environment.readback.name(program.launches);
  }

  /** The variant for a pattern, compiled if need be. */
  variant(sharing: Sharing): Variant {
    const key = [...sharing]
      .map(([i, j]) => `${i}=${j}`)
      .sort()
      .join();
    let variant = this.#variants.get(key);
    if (variant === undefined) {
      variant = this.#compile(sharing);
      this.#variants.set(key, variant);
      this.#environment.scratch.reserve(variant.scratchBytes);
    }
    return variant;
  }

  /** Bytes of scratch areas that its variants use, and the loops in it. */
  get scratchBytes(): number[] {
    const all = [...this.#variants.values()].map((variant) => variant.scratchBytes);
    for (const loop of this.#loops.values()) all.push(loop.scratchBytes);
    return mostOf(all);
  }

  dispose(): void {
    this.#environment.readback.forget(this.#firstLaunch, this.program.launches.length);
    for (const loop of this.#loops.values()) loop.dispose();
    for (const { segments } of this.#variants.values())
      for (const segment of segments)
        if (segment.kind === 'dispatches') {
          segment.dispatches.dropGroups();
          segment.block?.destroy();
          segment.block = null;
        }
    this.#variants.clear();
  }

  #compile(sharing: Sharing): Variant {
    const { program } = this;
    const { device, facts, pipelines, counters } = this.#environment;
    const { bufferOf: ofBinding } = this.access;
    const stand = new Map<number, number>();
    for (const [target, old] of sharing)
      if (ofBinding[target] >= 0 && ofBinding[old] >= 0) stand.set(ofBinding[target], ofBinding[old]);
    const bufferOf = (buffer: number): number => stand.get(buffer) ?? buffer;
    const segments: Segment[] = [];
    let pending: Dispatch[] = [];
    const flush = (): void => {
      if (pending.length === 0) return;
      const dispatches = new Dispatches(device, pipelines, counters, pending);
      segments.push({ kind: 'dispatches', dispatches, block: null, filled: false });
      pending = [];
    };
    for (let position = 0; position < program.launches.length; ) {
      const launch = program.launches[position];
      const { kernel } = launch;
      if (kernel.form === 'host') {
        flush();
        segments.push({ kind: 'host', launch, kernel });
        position++;
      } else if (kernel.form === 'loop') {
        flush();
        let loop = this.#loops.get(launch);
        if (loop === undefined) {
          loop = this.#environment.makeLoop(program, launch, kernel);
          this.#loops.set(launch, loop);
        }
        segments.push({ kind: 'loop', loop });
        position++;
      } else {
        const step = stepOf({
          program,
          launch,
          position,
          facts,
          bufferOf,
          inLoop: this.#inLoop,
          launchId: this.#firstLaunch + position,
        });
        pending.push(...step.dispatches);
        position += step.launches;
      }
    }
    flush();
    const scratchBytes = mostOf(
      segments.flatMap((segment) => (segment.kind === 'dispatches' ? [segment.dispatches.scratchBytes] : [])),
    );
    return { segments, scratchBytes };
  }
}

/** What has to be there before a variant can run; null when all pipelines are. */
export function waitingFor({ segments }: Variant): Promise<unknown> | null {
  const waiting = segments.flatMap((segment) => {
    const own =
      segment.kind === 'dispatches'
        ? segment.dispatches.waiting
        : segment.kind === 'loop'
          ? segment.loop.waiting
          : null;
    return own === null ? [] : [own];
  });
  return waiting.length > 0 ? Promise.all(waiting) : null;
}

/** Whether the host has a part in it, so that a run may end later than it was called. */
export function needsHost({ segments }: Variant): boolean {
  return segments.some(
    (segment) => segment.kind === 'host' || (segment.kind === 'loop' && segment.loop.needsHost),
  );
}

/** Whether there is nothing in it but kernels. */
export function isOnlyKernels({ segments }: Variant): boolean {
  return segments.every(({ kind }) => kind === 'dispatches');
}

/** Records a run. A promise where the host has a part in it: it resolves when all is recorded. */
export function record(
  variant: Variant,
  frame: Frame,
  recorder: Recorder,
  environment: Environment,
  program: Program,
): Promise<void> | undefined {
  const { device, counters } = environment;
  const from = (first: number): Promise<void> | undefined => {
    for (let i = first; i < variant.segments.length; i++) {
      const segment = variant.segments[i];
      if (segment.kind === 'dispatches') {
        const { dispatches } = segment;
        segment.block ??= blockOf(device, dispatches.words.byteLength);
        const changed = dispatches.fill(dispatches.words, 0, frame.scalars, frame.offsetOf);
        if (changed || !segment.filled) {
          device.queue.writeBuffer(segment.block, 0, dispatches.words);
          counters.bytesWritten += dispatches.words.byteLength;
          segment.filled = true;
        }
        dispatches.encode(recorder.pass(), segment.block, 0, frame.bufferOf, environment);
        continue;
      }
      const ended =
        segment.kind === 'loop'
          ? segment.loop.record(frame, recorder)
          : runHost(segment.launch, segment.kernel, frame, recorder, environment, program);
      if (ended !== undefined) return ended.then(() => from(i + 1));
    }
    return undefined;
  };
  return from(0);
}

/** A uniform block of arguments. */
export function blockOf(device: GPUDevice, bytes: number): GPUBuffer {
  // COPY_DST, UNIFORM.
  return device.createBuffer({ size: Math.max(bytes, 256), usage: 8 | 64 });
}

/** A routine of the host: its inputs are copied out, its results in. */
async function runHost(
  launch: Launch,
  kernel: HostKernel,
  frame: Frame,
  recorder: Recorder,
  environment: Environment,
  program: Program,
): Promise<void> {
  const { device, readback, counters } = environment;
  const shapes = launch.shapes ?? [];
  const inputs = kernel.inputs.length;
  recorder.submit();
  const dtypes = launch.operands.map(({ buffer }) => program.buffers[buffer].dtype);
  const starts = launch.operands.map(({ offset, dynamic, buffer }) =>
    dynamic.reduce(
      (sum, { factor, scalar }) => sum + factor * frame.scalars[scalar],
      offset + frame.offsetOf(buffer),
    ),
  );
  const copies = await readback.read(
    launch.operands.slice(0, inputs).map(({ buffer }, i) => ({
      buffer: frame.bufferOf(buffer),
      bytes: (starts[i] + sizeOf(shapes[i])) * bytesPerElement(dtypes[i]),
    })),
  );
  const arrays = launch.operands.map((_, i) => {
    const length = sizeOf(shapes[i]);
    if (i < inputs) return arrayOver(dtypes[i], copies[i], starts[i] + length).subarray(starts[i]);
    const bytes = Math.ceil((length * bytesPerElement(dtypes[i])) / 8) * 8;
    return arrayOver(dtypes[i], new Uint8Array(bytes), length);
  });
  kernel.run(arrays.slice(0, inputs), arrays.slice(inputs), shapes);
  for (let i = inputs; i < arrays.length; i++) {
    const { buffer, byteLength } = bytesOf(arrays[i]);
    const whole = Math.ceil(byteLength / 4) * 4;
    if (whole === 0) continue;
    const target = frame.bufferOf(launch.operands[i].buffer);
    device.queue.writeBuffer(
      target,
      starts[i] * bytesPerElement(dtypes[i]),
      new Uint8Array(buffer, 0, whole),
    );
    counters.bytesWritten += whole;
  }
}

/** The largest of each position. */
export function mostOf(lists: readonly (readonly number[])[]): number[] {
  const most: number[] = [];
  for (const list of lists)
    list.forEach((value, i) => {
      most[i] = Math.max(most[i] ?? 0, value);
    });
  return Array.from(most, (value) => value ?? 0);
}
