/**
 * A loop: programs that are run again and again with parts of the operands of a launch. Its steps are taken in WebAssembly
 * (`loopCode.ts`) where the body is all kernels, else here, step by step.
 */
import type {
  CarriedInLoop,
  DType,
  Launch,
  LoopKernel,
  LoopMachine,
  LoopSchedule,
  LoopStep,
  Program,
  RowsOfLoop,
} from '@ag/tensor';
import { standsAt } from '@ag/tensor/engine';
import { ArgumentBlock, type Features, type Stage } from '../abi.ts';
import * as header from '../header.ts';
import { lowerProgram } from './bands.ts';
import { arrayAt, type LoweredLaunch, type WasmExecutable } from './executable.ts';
import { emitLoopSteps } from './loopCode.ts';
import * as loopFields from './loopFields.ts';
import { fewestRows, type RowwiseBody, rowwiseBody } from './loopRows.ts';
import type { Block, LinearMemory } from './memory.ts';

/** The program of a loop, lowered. */
export interface LoweredBody {
  readonly program: Program;
  readonly lowered: readonly LoweredLaunch[];
  readonly local: ReadonlySet<number>;
  readonly rowwise: RowwiseBody | null;
  /** The code that takes the steps; one for all loops. */
  readonly steps: Stage;
}

/** Lowers a program of a loop: what is the same at all steps is prepared before the first. */
export function lowerBody(
  program: Program,
  isBody: boolean,
  { schedule }: LoopKernel,
  features: Features,
): LoweredBody {
  const fixed = new Set((isBody ? schedule : schedule.condition!).fixed.map(({ binding }) => binding));
  const isConstant = (i: number): boolean => {
    const buffer = program.buffers[i];
    return buffer?.kind === 'bound' && fixed.has(buffer.binding);
  };
  const rowwise = isBody ? rowwiseBody(program, schedule, features, isConstant) : null;
  const plain = rowwise === null ? lowerProgram(program, features, isConstant) : null;
  const argumentBlock = new ArgumentBlock();
  return {
    program: rowwise?.program ?? program,
    lowered: preparedFirst((rowwise ?? plain!).lowered),
    local: plain?.local ?? new Set(),
    rowwise,
    steps: { key: 'loop', argumentBlock, units: 1, grain: 1, emit: emitLoopSteps },
  };
}

/** What is run once before what is run at each step. */
function preparedFirst(lowered: readonly LoweredLaunch[]): LoweredLaunch[] {
  const part = (once: boolean): LoweredLaunch[] =>
    lowered.map(({ launch, stages }) => ({
      launch,
      stages: stages.filter((stage) => (stage.once ?? false) === once),
    }));
  return [...part(true).filter(({ stages }) => stages.length > 0), ...part(false)];
}

/** What a loop needs of the backend. */
export interface Conductor {
  /** Runs a program whose arguments are in place. */
  program(body: WasmExecutable, scalars: Float64Array): void;
  /** Runs records, without looking for faults. */
  records(first: number, last: number): void;
  /** Throws what a record of the program met. */
  check(body: WasmExecutable): void;
}

export class Loop implements LoopMachine {
  readonly kernel: LoopKernel;
  /** The programs, in the order of the kernel. */
  readonly bodies: WasmExecutable[] = [];
  readonly #memory: LinearMemory;
  readonly #launch: Launch;
  readonly #threads: number;
  readonly #conductor: Conductor;
  readonly #scratch: Block[] = [];
  /** What the slots of each program lie in: the arena belongs to the program around them. */
  readonly #arenas: Block[] = [];
  #rowwise: RowwiseBody | null = null;
  /** Position of the code that takes the steps. */
  #steps = 0;
  /** Its argument block, and the memory of threads that share rows. */
  #argumentBlock: Block | null = null;
  #copies: Block | null = null;
  /** What the argument block was written for; areas that are the same at all steps make no difference. */
  #writtenFor: readonly number[] = [];
  readonly #fixed = new Set<number>();

  // Of the present run:
  scalars: Float64Array = new Float64Array();
  /** Where areas start. */
  #base: number[] = [];
  /** A bit for each program that has done what is done once before the steps. */
  #prepared = 0;

  /** @throws OutOfMemoryError when there is no working memory for it */
  constructor(
    memory: LinearMemory,
    launch: Launch,
    kernel: LoopKernel,
    threads: number,
    conductor: Conductor,
  ) {
    this.#memory = memory;
    this.#launch = launch;
    this.#threads = threads;
    this.#conductor = conductor;
    this.kernel = kernel;
  }

  /** Takes over the next of its programs. */
  add(executable: WasmExecutable, body: LoweredBody): void {
    if (this.bodies.length === 0) {
      this.#rowwise = body.rowwise;
      this.#steps = executable.kernels[executable.kernels.length - 1].position;
    }
    this.bodies.push(executable);
    this.#arenas.push(this.#memory.allocate(executable.arenaBytes, false));
    if (this.bodies.length < this.kernel.programs.length) return;
    for (const bytes of this.kernel.scratch) this.#scratch.push(this.#memory.allocate(bytes, false));
    for (const { area } of this.kernel.schedule.fixed) this.#fixed.add(area);
    const { bodies } = this;
    if (!bodies.every((own, i) => own.isAllKernels(stepScalars(this.#part(i))))) return;
    this.runAll = (limit, first, test) => {
      this.#prepare(0, first);
      if (test) this.#prepare(1, test);
      return this.#runAll(limit, [first, test]);
    };
  }

  /** Runs it in a run of `plan`. */
  runIn(plan: WasmExecutable, scalars: Float64Array): void {
    this.#base = plan.operandAddresses(this.#launch, scalars);
    for (const { address } of this.#scratch) this.#base.push(address);
    this.scalars = scalars;
    this.#prepared = 0;
    this.kernel.run(this);
  }

  /** Puts the arguments of a program in place, and does once what is done before the steps. */
  #prepare(program: number, { areas, offsets, scalars }: LoopStep): WasmExecutable {
    const body = this.bodies[program];
    for (let i = 0; i < areas.length; i++) body.place(i, this.#base[areas[i]] + offsets[i]);
    body.settle(scalars, this.#arenas[program].address);
    if ((this.#prepared & (1 << program)) === 0) {
      this.#prepared |= 1 << program;
      if (body.start > body.first) this.#conductor.records(body.first, body.start);
    }
    return body;
  }

  run(program: number, step: LoopStep): void {
    this.#conductor.program(this.#prepare(program, step), step.scalars);
  }

  runAll?: LoopMachine['runAll'];

  check(): void {
    for (const body of this.bodies) this.#conductor.check(body);
  }

  copy(from: number, fromOffset: number, to: number, toOffset: number, bytes: number): void {
    const start = this.#base[from] + fromOffset;
    this.#memory.u8.copyWithin(this.#base[to] + toOffset, start, start + bytes);
  }

  clear(area: number, offset: number, bytes: number): void {
    const start = this.#base[area] + offset;
    this.#memory.u8.fill(0, start, start + bytes);
  }

  read(area: number, dtype: DType): number {
    return arrayAt(this.#memory, dtype, this.#base[area], 1)[0];
  }

  write(area: number, value: number): void {
    this.#memory.i32[this.#base[area] >>> 2] = value;
  }

  /** Has the steps taken by their code; how many were. */
  #runAll(given: number, steps: readonly (LoopStep | null)[]): number {
    const limit = Math.min(given, 2 ** 31 - 2);
    const base = this.#base;
    const now = [limit, ...base];
    for (const step of steps) if (step) now.push(...step.scalars);
    const before = this.#writtenFor;
    if (now.length !== before.length || now.some((x, i) => x !== before[i] && !this.#fixed.has(i - 1))) {
      this.#writtenFor = this.#writeArguments(limit, steps) ? now : [];
    }
    const block = this.#argumentBlock!;
    const words = this.#memory.i32;
    words[(block.address + loopFields.done) >>> 2] = 0;
    words[(block.address + loopFields.failed) >>> 2] = 0;
    this.#conductor.records(block.address, block.address + block.bytes);
    // Of rows nobody meets an end before the last step.
    return this.#rowwise ? limit : this.#memory.i32[(block.address + loopFields.done) >>> 2];
  }

  /** Whether that holds for all runs with the same moving areas and scalars. */
  #writeArguments(limit: number, steps: readonly (LoopStep | null)[]): boolean {
    const { schedule } = this.kernel;
    const base = this.#base;
    const values = valuesOf(schedule, limit, base);
    const numbers = values.length;
    // The number of the step.
    values.push([rowOf(schedule, limit, 0), rowOf(schedule, limit, limit - 1), 0, 0, 1]);
    const [main, test] = this.bodies;
    const bindings = bindingsOf(schedule);
    let lasts = true;
    const words: (readonly [word: number, value: number, add: number])[] = [];
    for (const [number, body] of this.bodies.entries()) {
      const own = bindings[number];
      const moves = body.moves(new Set(own.keys()), stepScalars(this.#part(number)), steps[number]!.scalars);
      for (const { word, binding, offset, perStep, ofRun } of moves) {
        lasts &&= !ofRun;
        let value = binding < 0 ? -1 : own.get(binding)!;
        if (perStep !== 0) {
          const from = value < 0 ? null : values[value];
          value = values.push(values[numbers].map((count, i) => perStep * count + (from?.[i] ?? 0))) - 1;
        }
        words.push([word, value, offset]);
      }
    }
    const rowwise = this.#rowwise;
    const kernels = rowwise?.kernels ?? [];
    const recordBytes = main.segments[0].last - main.start;
    const lists =
      loopFields.lists +
      values.length * loopFields.valueBytes +
      words.length * loopFields.wordBytes +
      kernels.length * loopFields.kernelBytes;
    const bytes = (lists + 4 * values.length + 15) & ~15;
    this.#argumentBlock ??= this.#memory.allocate(bytes);
    const block = this.#argumentBlock.address;
    const copyBytes = (4 * values.length + recordBytes + 127) & ~63;
    if (rowwise) this.#copies ??= this.#memory.allocate(copyBytes * this.#threads, false);
    const { i32 } = this.#memory;
    const set = (field: number, value: number): void => {
      i32[(block + field) >>> 2] = value;
    };
    set(header.position, this.#steps);
    set(header.bytes, bytes);
    set(header.units, rowwise?.rows ?? 1);
    const work = kernels.reduce((sum, { grain, unitsPerRow, sections = 1 }) => {
      return sum + (unitsPerRow! * sections) / grain;
    }, 0);
    set(header.grain, Math.max(fewestRows, Math.ceil(1 / Math.max(1e-6, work * limit))));
    // Nobody shall wait for another thread too long: `patience` in threads.ts.
    const microseconds = 2 * work * limit * (rowwise?.rows ?? 0);
    set(header.pieces, Math.ceil((1 + microseconds) / (2e7 * this.#threads)));
    set(loopFields.limit, limit);
    set(loopFields.row, rowOf(schedule, limit, 0));
    set(loopFields.direction, schedule.reverse ? -1 : 1);
    set(loopFields.values, values.length);
    set(loopFields.words, words.length);
    set(loopFields.records, main.start);
    set(loopFields.recordBytes, recordBytes);
    set(loopFields.kernels, kernels.length);
    set(loopFields.rows, rowwise?.rows ?? 0);
    set(loopFields.test, test?.start ?? 0);
    set(loopFields.testEnd, test?.segments[0].last ?? 0);
    set(loopFields.answer, schedule.condition ? base[schedule.condition.area] : 0);
    set(loopFields.copies, this.#copies?.address ?? 0);
    set(loopFields.copyBytes, copyBytes);
    let at = (block + loopFields.lists) >>> 2;
    for (const value of values) for (const word of value) i32[at++] = word;
    for (const [word, value, add] of words) {
      i32[at++] = 4 * word - main.start;
      i32[at++] = 4 * value;
      i32[at++] = add;
    }
    for (const { unitsPerRow, sections = 1 } of kernels) {
      i32[at++] = unitsPerRow!;
      i32[at++] = sections;
    }
    return lasts;
  }

  /** What the schedule says of a program. */
  #part(program: number): ProgramInLoop {
    const { schedule } = this.kernel;
    return program === 0 ? schedule : schedule.condition!;
  }

  dispose(): void {
    for (const block of [...this.#scratch, ...this.#arenas]) this.#memory.release(block);
    if (this.#argumentBlock) this.#memory.release(this.#argumentBlock);
    if (this.#copies) this.#memory.release(this.#copies);
  }
}

type ProgramInLoop = Pick<LoopSchedule, 'scalars' | 'fixed'>;

/** The scalars of a program that are the number of the step. */
function stepScalars({ scalars }: ProgramInLoop): Set<number> {
  return new Set(scalars.sources.flatMap((source, i) => (source === null ? [i] : [])));
}

function rowOf({ reverse }: LoopSchedule, limit: number, done: number): number {
  return reverse ? limit - 1 - done : done;
}

/** For each thing that moves what `loopFields` says of values: what is carried as it is read, as it is written, then rows. */
function valuesOf(schedule: LoopSchedule, limit: number, base: readonly number[]): number[][] {
  const { carried, reverse } = schedule;
  const direction = reverse ? -1 : 1;
  const one = (own: CarriedInLoop, ahead: number): number[] => {
    const at = (done: number): number => {
      const { area, offset } = standsAt(schedule, own, done + ahead, limit);
      return base[area] + offset;
    };
    if (own.rows < 0) return [at(0), at(limit - 1), at(2), at(1), 0];
    const start = base[own.rows] + ahead * direction * own.bytes;
    return [at(0), at(limit - 1), start, start, own.bytes];
  };
  const row = ({ area, bytes }: RowsOfLoop): number[] => {
    const at = (done: number): number => base[area] + rowOf(schedule, limit, done) * bytes;
    return [at(0), at(limit - 1), base[area], base[area], bytes];
  };
  return [
    ...carried.map((own) => one(own, 0)),
    ...carried.map((own) => one(own, 1)),
    ...[...schedule.sequences, ...schedule.stacks].map(row),
  ];
}

/** For each program the positions among `valuesOf` of what its bindings are. */
function bindingsOf({ carried, sequences, stacks }: LoopSchedule): Map<number, number>[] {
  const count = carried.length;
  const [main, test] = [new Map<number, number>(), new Map<number, number>()];
  carried.forEach(({ reads, writes, conditionReads }, k) => {
    if (reads >= 0) main.set(reads, k);
    main.set(writes, count + k);
    if (conditionReads >= 0) test.set(conditionReads, k);
  });
  [...sequences, ...stacks].forEach(({ binding }, r) => main.set(binding, 2 * count + r));
  return [main, test];
}
