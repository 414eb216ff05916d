/** Goes through the steps of a loop: what is run with which parts of which operands (`kernel/loopSchedule.ts`). */
import type { LoopMachine, LoopStep } from '../kernel/kernel.ts';
import {
  type FixedInLoop,
  type LoopSchedule,
  type ProgramScalars,
  standsAt,
} from '../kernel/loopSchedule.ts';

/**
 * Runs the body (program 0) step by step, as long as the condition (program 1) holds. Rows of steps that were not taken are 0.
 */
export function runSchedule(schedule: LoopSchedule, machine: LoopMachine): void {
  const { length, reverse, carried, condition } = schedule;
  const limit =
    schedule.count < 0 ? length : Math.min(length, Math.max(0, machine.read(schedule.count, 'int32')));
  const body = new Arguments(schedule.bindings, schedule.fixed, schedule.scalars, machine);
  const test = condition && new Arguments(condition.bindings, condition.fixed, condition.scalars, machine);
  if (test) test.areas[condition.binding] = condition.area;
  const first = reverse ? limit - 1 : 0;
  for (const { rows, initial, bytes } of carried)
    if (rows >= 0 && limit > 0) machine.copy(initial, 0, rows, first * bytes, bytes);
  const rows = [...schedule.sequences, ...schedule.stacks];
  for (const { area, binding } of rows) body.areas[binding] = area;
  const stepOf = (done: number): number => (reverse ? limit - 1 - done : done);
  /** What the programs are given at the next step. */
  const prepare = (done: number): void => {
    for (const own of carried) {
      const from = standsAt(schedule, own, done, limit);
      const to = standsAt(schedule, own, done + 1, limit);
      test?.place(own.conditionReads, from.area, from.offset);
      body.place(own.reads, from.area, from.offset);
      body.place(own.writes, to.area, to.offset);
    }
    const step = stepOf(done);
    for (let k = 0; k < rows.length; k++) body.offsets[rows[k].binding] = step * rows[k].bytes;
    body.step(step);
    test?.step(step);
  };
  let done = 0;
  try {
    if (machine.runAll !== undefined && limit > 0) {
      prepare(0);
      done = machine.runAll(limit, body, test);
      machine.check?.();
    } else {
      for (; done < limit; done++) {
        prepare(done);
        if (test) {
          machine.run(1, test);
          if (machine.read(condition.area, 'bool') === 0) break;
        }
        machine.run(0, body);
      }
    }
  } catch (error) {
    throw atStep(error, schedule.name, stepOf(done));
  }
  for (const own of carried) {
    const { final, bytes } = own;
    const { area, offset } = standsAt(schedule, own, done, limit);
    if (final >= 0 && area !== final) machine.copy(area, offset, final, 0, bytes);
  }
  if (done < length && length !== Number.POSITIVE_INFINITY) {
    for (const { rows, bytes } of carried)
      if (rows >= 0) machine.clear(rows, done * bytes, (length - done) * bytes);
    for (const { area, bytes } of schedule.stacks) machine.clear(area, done * bytes, (length - done) * bytes);
  }
  if (schedule.taken >= 0) machine.write(schedule.taken, done);
}

/** What a program is given at a step. */
class Arguments implements LoopStep {
  readonly areas: number[];
  readonly offsets: number[];
  readonly scalars: Float64Array;
  readonly #steps: number[] = [];

  constructor(
    bindings: number,
    fixed: readonly FixedInLoop[],
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
