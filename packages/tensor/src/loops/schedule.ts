/**
 * How a loop runs: which parts of which operands each step reads and writes.
 *
 * Carried values that somebody asked for at every step go from row to row of that array. The others go to and fro between two areas,
 * of which one is the result, so that the last step writes it. Rows of steps that were not taken are 0.
 */
import type { LoopMachine } from '../kernel/kernel.ts';

/** Where a program reads or writes a value: a binding, −1 where it does not. */
interface Carried {
  readonly bytes: number;
  /** Areas; −1 for those nobody asked for. */
  readonly initial: number;
  readonly final: number;
  readonly rows: number;
  /** Working memory, for what is neither row nor result. */
  readonly spare: number;
  readonly other: number;
  readonly reads: number;
  readonly writes: number;
  readonly conditionReads: number;
}

/** An array with a row for each step. */
interface Rows {
  readonly area: number;
  readonly bytes: number;
  readonly binding: number;
}

/** What is the same at all steps. */
interface Fixed {
  readonly area: number;
  readonly binding: number;
}

interface ProgramScalars {
  readonly count: number;
  /** For each scalar of the program, where its value comes from; the number of the step where that is null. */
  readonly sources: readonly ScalarSource[];
}

export type ScalarSource =
  | { readonly scalar: number }
  | { readonly value: number }
  | { readonly area: number; readonly dtype: 'int32' | 'float32' | 'float64' | 'uint32' | 'uint8' | 'bool' }
  | null;

export interface Schedule {
  readonly name: string;
  /** Most steps; infinite for a loop that only a condition ends. */
  readonly length: number;
  readonly reverse: boolean;
  /** Area of the number of steps, −1 where it is `length`. */
  readonly count: number;
  /** Area for how many steps were taken. */
  readonly taken: number;
  readonly carried: readonly Carried[];
  readonly sequences: readonly Rows[];
  readonly stacks: readonly Rows[];
  readonly fixed: readonly Fixed[];
  readonly bindings: number;
  readonly scalars: ProgramScalars;
  /** Decides before each step whether it is taken; null where all are. */
  readonly condition: {
    readonly bindings: number;
    readonly fixed: readonly Fixed[];
    readonly scalars: ProgramScalars;
    /** The area and the binding of its answer. */
    readonly area: number;
    readonly binding: number;
  } | null;
}

/** Runs the body (program 0) step by step, as long as the condition (program 1) holds. */
export function runSchedule(schedule: Schedule, machine: LoopMachine): void {
  const { length, reverse, carried, condition } = schedule;
  const limit =
    schedule.count < 0 ? length : Math.min(length, Math.max(0, machine.read(schedule.count, 'int32')));
  const body = new Arguments(schedule.bindings, schedule.fixed, schedule.scalars, machine);
  const test = condition && new Arguments(condition.bindings, condition.fixed, condition.scalars, machine);
  if (test) test.areas[condition.binding] = condition.area;
  const areas = carried.map(({ initial }) => initial);
  const offsets = carried.map(() => 0);
  const first = reverse ? limit - 1 : 0;
  carried.forEach(({ rows, initial, bytes }, k) => {
    if (rows < 0 || limit === 0) return;
    machine.copy(initial, 0, rows, first * bytes, bytes);
    areas[k] = rows;
    offsets[k] = first * bytes;
  });
  const rows = [...schedule.sequences, ...schedule.stacks];
  for (const { area, binding } of rows) body.areas[binding] = area;
  let done = 0;
  for (; done < limit; done++) {
    const step = reverse ? limit - 1 - done : done;
    try {
      if (test) {
        for (let k = 0; k < carried.length; k++) test.place(carried[k].conditionReads, areas[k], offsets[k]);
        test.step(step);
        machine.run(1, test.areas, test.offsets, test.scalars);
        if (machine.read(condition.area, 'bool') === 0) break;
      }
      for (let k = 0; k < carried.length; k++) {
        const { reads, writes, bytes, rows: own, final, spare, other } = carried[k];
        body.place(reads, areas[k], offsets[k]);
        if (own >= 0 && done + 1 < limit) {
          areas[k] = own;
          offsets[k] = (reverse ? step - 1 : step + 1) * bytes;
        } else {
          const result = final >= 0 ? final : spare;
          const toResult = own >= 0 || (test === null ? (limit - done) % 2 === 1 : areas[k] !== result);
          areas[k] = toResult ? result : other;
          offsets[k] = 0;
        }
        body.place(writes, areas[k], offsets[k]);
      }
      for (let k = 0; k < rows.length; k++) body.offsets[rows[k].binding] = step * rows[k].bytes;
      body.step(step);
      machine.run(0, body.areas, body.offsets, body.scalars);
    } catch (error) {
      throw atStep(error, schedule.name, step);
    }
  }
  carried.forEach(({ final, bytes }, k) => {
    if (final >= 0 && areas[k] !== final) machine.copy(areas[k], offsets[k], final, 0, bytes);
  });
  if (done < length && length !== Number.POSITIVE_INFINITY) {
    for (const { rows, bytes } of carried)
      if (rows >= 0) machine.clear(rows, done * bytes, (length - done) * bytes);
    for (const { area, bytes } of schedule.stacks) machine.clear(area, done * bytes, (length - done) * bytes);
  }
  if (schedule.taken >= 0) machine.write(schedule.taken, done);
}

/** What a program is given at a step. */
class Arguments {
  readonly areas: number[];
  readonly offsets: number[];
  readonly scalars: Float64Array;
  readonly #steps: number[] = [];

  constructor(
    bindings: number,
    fixed: readonly Fixed[],
    { count, sources }: ProgramScalars,
    machine: LoopMachine,
  ) {
    this.areas = new Array<number>(bindings).fill(0);
    this.offsets = new Array<number>(bindings).fill(0);
    this.scalars = new Float64Array(count);
    for (const { area, binding } of fixed) this.areas[binding] = area;
    sources.forEach((source, i) => {
      if (source === null) this.#steps.push(i);
      else if ('value' in source) this.scalars[i] = source.value;
      else if ('scalar' in source) this.scalars[i] = machine.scalars[source.scalar];
      else this.scalars[i] = machine.read(source.area, source.dtype);
    });
  }

  place(binding: number, area: number, offset: number): void {
    if (binding < 0) return;
    this.areas[binding] = area;
    this.offsets[binding] = offset;
  }

  step(step: number): void {
    for (let k = 0; k < this.#steps.length; k++) this.scalars[this.#steps[k]] = step;
  }
}

/** The same error, which says at which step it was. */
function atStep(error: unknown, name: string, step: number): unknown {
  if (error instanceof Error) error.message = `${name}, step ${step}: ${error.message}`;
  return error;
}
