/**
 * Loops on the device. Steps of a known number whose body is kernels alone are recorded many at a time, each with a block of arguments
 * of its own; where a condition decides, or the host has a part in the body, step by step.
 *
 * The schedule is that of `kernel/loopSchedule.ts`, gone through as `loops/schedule.ts` of @ag/tensor does.
 */
import {
  bytesPerElement,
  type DType,
  type FixedInLoop,
  type Launch,
  type LoopKernel,
  type Program,
  type ProgramScalars,
} from '@ag/tensor';
import { codedError, standsAt } from '@ag/tensor/engine';
import { isPacked } from '../emit/dtypes.ts';
import { byteProgram } from './bytePrograms.ts';
import {
  blockOf,
  Compiled,
  isOnlyKernels,
  mostOf,
  record,
  type Sharing,
  type Variant,
  waitingFor,
} from './compiled.ts';
import { type Environment, SharedBuffers } from './environment.ts';
import type { Frame, LoopPart } from './frame.ts';
import type { Recorder } from './recorder.ts';

/** A body of a loop with the working memory that only it uses. */
interface Body {
  readonly compiled: Compiled;
  readonly slots: SharedBuffers;
  /** Arguments of steps that are recorded together. */
  block: GPUBuffer | null;
  words: Int32Array<ArrayBuffer>;
}

/** A part of memory. */
interface Part {
  readonly buffer: GPUBuffer;
  /** In bytes. */
  readonly start: number;
}

/** What the programs are given at a step: areas and offsets in bytes by binding. */
interface StepArguments {
  readonly areas: number[];
  readonly offsets: number[];
  readonly scalars: Float64Array;
  readonly steps: readonly number[];
}

/** Most bytes of arguments that are recorded together, and most steps. */
const mostArguments = 2 ** 18;
const mostSteps = 64;

export class LoopOnDevice implements LoopPart {
  readonly #environment: Environment;
  readonly #launch: Launch;
  readonly #kernel: LoopKernel;
  /** Dtypes of areas that are operands. */
  readonly #dtypes: readonly DType[];
  readonly #bodies: readonly Body[];
  readonly #memory: SharedBuffers;
  /** Those that its steps usually need. */
  readonly #expected: readonly Variant[];
  /** Programs for bytes that do not lie in whole words, by what they do and how many. */
  readonly #bytePrograms = new Map<string, Compiled>();

  constructor(environment: Environment, program: Program, launch: Launch, kernel: LoopKernel) {
    this.#environment = environment;
    this.#launch = launch;
    this.#kernel = kernel;
    this.#dtypes = launch.operands.map(({ buffer }) => program.buffers[buffer].dtype);
    this.#memory = new SharedBuffers(environment.buffers);
    this.#memory.reserve(kernel.scratch);
    this.#bodies = kernel.programs.map((body) => {
      const slots = new SharedBuffers(environment.buffers);
      slots.reserve(body.slots);
      return {
        compiled: new Compiled(environment, body, true),
        slots,
        block: null,
        words: new Int32Array(0),
      };
    });
    // Values that go from row to row are read and written in one array, but for the last one.
    const sharing = new Map<number, number>();
    for (const { rows, reads, writes } of kernel.schedule.carried)
      if (rows >= 0 && reads >= 0) sharing.set(Math.max(reads, writes), Math.min(reads, writes));
    const body = this.#bodies[0].compiled;
    this.#expected =
      sharing.size > 0 ? [body.variant(new Map()), body.variant(sharing)] : [body.variant(new Map())];
    this.#bodies[1]?.compiled.variant(new Map());
    for (const { rows, initial, final, bytes } of kernel.schedule.carried)
      if (isPacked(this.#dtypes[initial]) && (rows >= 0 || final >= 0)) this.#byteProgram('copy', bytes);
  }

  get scratchBytes(): number[] {
    return mostOf(this.#bodies.map(({ compiled }) => compiled.scratchBytes));
  }

  /** Whether a run may end later than it was called. */
  get needsHost(): boolean {
    const { condition, count, scalars } = this.#kernel.schedule;
    if (condition !== null || count >= 0) return true;
    return scalars.sources.some((source) => source !== null && 'area' in source) || !this.#isPlain;
  }

  /** Whether its body is kernels alone. */
  get #isPlain(): boolean {
    return this.#expected.every(isOnlyKernels);
  }

  get waiting(): Promise<unknown> | null {
    const waiting = this.#expected.map(waitingFor);
    if (this.#bodies.length > 1) waiting.push(waitingFor(this.#bodies[1].compiled.variant(new Map())));
    for (const compiled of this.#bytePrograms.values()) waiting.push(waitingFor(compiled.variant(new Map())));
    const open = waiting.filter((one) => one !== null);
    return open.length > 0 ? Promise.all(open) : null;
  }

  dispose(): void {
    for (const { compiled, slots, block } of this.#bodies) {
      compiled.dispose();
      slots.drop();
      block?.destroy();
    }
    this.#memory.drop();
    for (const compiled of this.#bytePrograms.values()) compiled.dispose();
  }

  /** Records all steps. A promise where it has to wait for the host. */
  record(frame: Frame, recorder: Recorder): Promise<void> | undefined {
    const { schedule } = this.#kernel;
    const wanted = new Map<number, DType>();
    if (schedule.count >= 0) wanted.set(schedule.count, 'int32');
    for (const { sources } of [schedule.scalars, ...(schedule.condition ? [schedule.condition.scalars] : [])])
      for (const source of sources)
        if (source !== null && 'area' in source) wanted.set(source.area, source.dtype);
    if (wanted.size === 0) return this.#go(frame, recorder, new Map());
    recorder.submit();
    return this.#read(frame, wanted).then((values) => this.#go(frame, recorder, values));
  }

  #go(frame: Frame, recorder: Recorder, values: ReadonlyMap<number, number>): Promise<void> | undefined {
    const { schedule } = this.#kernel;
    const { length, reverse, carried, condition } = schedule;
    const limit =
      schedule.count < 0 ? length : Math.min(length, Math.max(0, values.get(schedule.count) ?? 0));
    const body = argumentsOf(schedule.bindings, schedule.fixed, schedule.scalars, frame.scalars, values);
    const test =
      condition && argumentsOf(condition.bindings, condition.fixed, condition.scalars, frame.scalars, values);
    if (test && condition) test.areas[condition.binding] = condition.area;
    const first = reverse ? limit - 1 : 0;
    for (const { rows, initial, bytes } of carried)
      if (rows >= 0 && limit > 0) this.#copy(frame, recorder, initial, 0, rows, first * bytes, bytes);
    const rows = [...schedule.sequences, ...schedule.stacks];
    for (const { area, binding } of rows) body.areas[binding] = area;
    const prepare = (done: number): void => {
      for (const own of carried) {
        const from = standsAt(schedule, own, done, limit);
        const to = standsAt(schedule, own, done + 1, limit);
        if (test) place(test, own.conditionReads, from.area, from.offset);
        place(body, own.reads, from.area, from.offset);
        place(body, own.writes, to.area, to.offset);
      }
      const step = reverse ? limit - 1 - done : done;
      for (const { binding, bytes } of rows) body.offsets[binding] = step * bytes;
      for (const i of body.steps) body.scalars[i] = step;
      if (test) for (const i of test.steps) test.scalars[i] = step;
    };
    const end = (done: number): Promise<void> | undefined => {
      const clearing: (Promise<void> | undefined)[] = [];
      for (const own of carried) {
        const { final, bytes } = own;
        const { area, offset } = standsAt(schedule, own, done, limit);
        if (final >= 0 && area !== final) this.#copy(frame, recorder, area, offset, final, 0, bytes);
      }
      if (done < length && length !== Number.POSITIVE_INFINITY) {
        for (const { rows: area, bytes } of carried)
          if (area >= 0)
            clearing.push(this.#clear(frame, recorder, area, done * bytes, (length - done) * bytes));
        for (const { area, bytes } of schedule.stacks)
          clearing.push(this.#clear(frame, recorder, area, done * bytes, (length - done) * bytes));
      }
      if (schedule.taken >= 0) {
        const { buffer, start } = this.#part(frame, schedule.taken, 0);
        this.#environment.device.queue.writeBuffer(buffer, start, Int32Array.of(done));
      }
      const open = clearing.filter((one) => one !== undefined);
      return open.length > 0 ? Promise.all(open).then(() => {}) : undefined;
    };
    if (test === null && this.#isPlain && Number.isFinite(limit)) {
      const waiting = this.#unready(frame, body, limit, prepare);
      if (waiting !== null) {
        recorder.submit();
        return waiting.then(() => {
          this.#recordSteps(frame, recorder, body, limit, prepare);
          return end(limit);
        });
      }
      this.#recordSteps(frame, recorder, body, limit, prepare);
      return end(limit);
    }
    return this.#stepByStep(frame, recorder, body, test, limit, prepare).then(end);
  }

  /** What has to be there yet before the steps can be recorded: memory may be shared in a way that was not expected. */
  #unready(
    frame: Frame,
    step: StepArguments,
    limit: number,
    prepare: (done: number) => void,
  ): Promise<unknown> | null {
    const [body] = this.#bodies;
    const waiting = [...new Set([0, 1, limit - 2, limit - 1])].flatMap((done) => {
      if (done < 0 || done >= limit) return [];
      prepare(done);
      const one = waitingFor(body.compiled.variant(this.#sharing(this.#frame(frame, body, step), body)));
      return one === null ? [] : [one];
    });
    return waiting.length > 0 ? Promise.all(waiting) : null;
  }

  /** Steps that need nothing of the host, many at a time. */
  #recordSteps(
    frame: Frame,
    recorder: Recorder,
    step: StepArguments,
    limit: number,
    prepare: (done: number) => void,
  ): void {
    const { device, counters } = this.#environment;
    const [body] = this.#bodies;
    for (let done = 0; done < limit; ) {
      let together = 0;
      let used = 0;
      for (; done + together < limit && together < mostSteps; together++) {
        prepare(done + together);
        const inner = this.#frame(frame, body, step);
        const variant = body.compiled.variant(this.#sharing(inner, body));
        for (const segment of variant.segments) {
          if (segment.kind !== 'dispatches') continue;
          const { dispatches } = segment;
          const { words } = dispatches;
          if (used + words.length > body.words.length) {
            // The first time, and for variants that take more.
            const size = Math.max(
              used + words.length,
              Math.min(words.length * Math.min(limit, mostSteps), mostArguments / 4),
            );
            const larger = new Int32Array(size);
            larger.set(body.words.subarray(0, used));
            body.words = larger;
            recorder.submit();
            // What was recorded keeps the old block; its arguments have to be there.
            if (body.block !== null && used > 0) device.queue.writeBuffer(body.block, 0, larger, 0, used);
            body.block?.destroy();
            body.block = null;
          }
          body.words.set(words, used);
          dispatches.fill(body.words, used, inner.scalars, inner.offsetOf);
          body.block ??= blockOf(device, body.words.byteLength);
          dispatches.encode(recorder.pass(), body.block, used, inner.bufferOf, this.#environment);
          used += words.length;
        }
        if ((used + used / (together + 1)) * 4 > Math.max(mostArguments, body.words.byteLength)) {
          together++;
          break;
        }
      }
      done += together;
      if (body.block !== null && used > 0) {
        device.queue.writeBuffer(body.block, 0, body.words, 0, used);
        counters.bytesWritten += used * 4;
      }
      // The block is written anew for the steps that follow.
      if (done < limit) recorder.submit();
    }
    // And for the next run.
    recorder.submit();
  }

  /** As long as the condition holds, each step submitted by itself. Returns how many were taken. */
  async #stepByStep(
    frame: Frame,
    recorder: Recorder,
    step: StepArguments,
    test: StepArguments | null,
    limit: number,
    prepare: (done: number) => void,
  ): Promise<number> {
    const { condition } = this.#kernel.schedule;
    const [body, asked] = this.#bodies;
    for (let done = 0; done < limit; done++) {
      prepare(done);
      if (test !== null && condition !== null) {
        await this.#runBody(frame, recorder, asked, test);
        recorder.submit();
        const answer = await this.#read(frame, new Map([[condition.area, 'bool']]));
        if (answer.get(condition.area) === 0) return done;
      }
      await this.#runBody(frame, recorder, body, step);
      recorder.submit();
    }
    return limit;
  }

  async #runBody(frame: Frame, recorder: Recorder, body: Body, step: StepArguments): Promise<void> {
    const inner = this.#frame(frame, body, step);
    const variant = body.compiled.variant(this.#sharing(inner, body));
    const waiting = waitingFor(variant);
    if (waiting !== null) await waiting;
    await record(variant, inner, recorder, this.#environment, body.compiled.program);
  }

  /** What a body sees at a step. */
  #frame(outer: Frame, { compiled, slots }: Body, { areas, offsets, scalars }: StepArguments): Frame {
    const specs = compiled.program.buffers;
    const partOf = (buffer: number): Part & { readonly size: number } => {
      const spec = specs[buffer];
      if (spec.kind === 'slot') return { buffer: slots.get(spec.slot), start: 0, size: 1 };
      const part = this.#part(outer, areas[spec.binding], offsets[spec.binding]);
      return { ...part, size: bytesPerElement(spec.dtype) };
    };
    return {
      scalars,
      bufferOf: (buffer) => partOf(buffer).buffer,
      offsetOf(buffer) {
        const { start, size } = partOf(buffer);
        return start / size;
      },
    };
  }

  #sharing(frame: Frame, { compiled }: Body): Sharing {
    const { written, bufferOf } = compiled.access;
    const sharing = new Map<number, number>();
    const first = new Map<GPUBuffer, number>();
    bufferOf.forEach((buffer, i) => {
      if (buffer < 0) return;
      const place = frame.bufferOf(buffer);
      const known = first.get(place);
      if (known === undefined) first.set(place, i);
      else if (written[i] || written[known]) sharing.set(i, known);
    });
    return sharing;
  }

  /** A place in an area: an operand of the launch or, behind these, working memory. */
  #part(frame: Frame, area: number, offset: number): Part {
    const operand = this.#launch.operands[area];
    if (operand === undefined)
      return { buffer: this.#memory.get(area - this.#launch.operands.length), start: offset };
    const start = operand.dynamic.reduce(
      (sum, { factor, scalar }) => sum + factor * frame.scalars[scalar],
      operand.offset + frame.offsetOf(operand.buffer),
    );
    return {
      buffer: frame.bufferOf(operand.buffer),
      start: start * bytesPerElement(this.#dtypes[area]) + offset,
    };
  }

  /** The first elements of areas. */
  async #read(frame: Frame, wanted: ReadonlyMap<number, DType>): Promise<Map<number, number>> {
    const areas = [...wanted];
    const parts = areas.map(([area]) => this.#part(frame, area, 0));
    const copies = await this.#environment.readback.read(
      parts.map(({ buffer, start }) => ({ buffer, from: start - (start % 4), bytes: 4 })),
    );
    return new Map(
      areas.map(([area, dtype], i) => {
        const view = new DataView(copies[i].buffer);
        const at = parts[i].start % 4;
        switch (dtype) {
          case 'float32':
            return [area, view.getFloat32(at, true)];
          case 'int32':
            return [area, view.getInt32(at, true)];
          case 'uint32':
            return [area, view.getUint32(at, true)];
          case 'uint8':
          case 'bool':
            return [area, view.getUint8(at)];
          default:
            throw codedError(Error, 'AG_INTERNAL', `webgpu: no number of a loop is ${dtype}`);
        }
      }),
    );
  }

  #copy(
    frame: Frame,
    recorder: Recorder,
    from: number,
    fromOffset: number,
    to: number,
    toOffset: number,
    bytes: number,
  ): void {
    if (bytes === 0) return;
    const source = this.#part(frame, from, fromOffset);
    const target = this.#part(frame, to, toOffset);
    if (source.start % 4 === 0 && target.start % 4 === 0 && bytes % 4 === 0) {
      recorder.between().copyBufferToBuffer(source.buffer, source.start, target.buffer, target.start, bytes);
      return;
    }
    const compiled = this.#byteProgram('copy', bytes);
    this.#recordBytes(compiled, recorder, [source, target]);
  }

  /** A promise where the kernel for it is still to be made. */
  #clear(
    frame: Frame,
    recorder: Recorder,
    area: number,
    offset: number,
    bytes: number,
  ): Promise<void> | undefined {
    if (bytes === 0) return undefined;
    const part = this.#part(frame, area, offset);
    if (part.start % 4 === 0 && bytes % 4 === 0) {
      recorder.between().clearBuffer(part.buffer, part.start, bytes);
      return undefined;
    }
    const compiled = this.#byteProgram('clear', bytes);
    const waiting = waitingFor(compiled.variant(new Map()));
    if (waiting !== null) return waiting.then(() => this.#recordBytes(compiled, recorder, [part]));
    this.#recordBytes(compiled, recorder, [part]);
    return undefined;
  }

  #byteProgram(kind: 'copy' | 'clear', bytes: number): Compiled {
    const key = `${kind} ${bytes}`;
    let compiled = this.#bytePrograms.get(key);
    if (compiled === undefined) {
      compiled = new Compiled(this.#environment, byteProgram(kind, bytes), true);
      compiled.variant(new Map());
      this.#bytePrograms.set(key, compiled);
    }
    return compiled;
  }

  #recordBytes(compiled: Compiled, recorder: Recorder, parts: readonly Part[]): void {
    // Arguments lie in one block: what was recorded with others goes first.
    recorder.submit();
    record(
      compiled.variant(new Map()),
      {
        scalars: new Float64Array(0),
        bufferOf: (buffer) => parts[buffer].buffer,
        offsetOf: (buffer) => parts[buffer].start,
      },
      recorder,
      this.#environment,
      compiled.program,
    );
    recorder.submit();
  }
}

function argumentsOf(
  bindings: number,
  fixed: readonly FixedInLoop[],
  { count, sources }: ProgramScalars,
  scalars: Float64Array,
  values: ReadonlyMap<number, number>,
): StepArguments {
  const areas = new Array<number>(bindings).fill(0);
  for (const { area, binding } of fixed) areas[binding] = area;
  const own = new Float64Array(count);
  const steps: number[] = [];
  sources.forEach((source, i) => {
    if (source === null) steps.push(i);
    else if ('value' in source) own[i] = source.value;
    else if ('scalar' in source) own[i] = scalars[source.scalar];
    else own[i] = values.get(source.area) ?? 0;
  });
  return { areas, offsets: new Array<number>(bindings).fill(0), scalars: own, steps };
}

function place(step: StepArguments, binding: number, area: number, offset: number): void {
  if (binding < 0) return;
  step.areas[binding] = area;
  step.offsets[binding] = offset;
}
