/**
 * How a loop runs, as data: which parts of which operands each step reads and writes.
 *
 * Areas are the operands of the launch and, behind these, working memory. Carried values that somebody asked for at every step go from
 * row to row of that array. The others go to and fro between two areas of which one is the result, so that the last step writes it. A
 * routine goes through the steps with it (`loops/schedule.ts`); a backend that has the steps run by its own code reads the same.
 */

/** Where a program reads or writes a value: a binding, −1 where it does not. */
export interface CarriedInLoop {
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
export interface RowsOfLoop {
  readonly area: number;
  readonly bytes: number;
  readonly binding: number;
}

/** What is the same at all steps. */
export interface FixedInLoop {
  readonly area: number;
  readonly binding: number;
}

/** The scalars of a program that stands within a loop: each step reads them anew. */
export interface ProgramScalars {
  readonly count: number;
  /** For each scalar of the program, where its value comes from; the number of the step where that is null. */
  readonly sources: readonly ScalarSource[];
}

/** Where a scalar of a loop's step comes from: a scalar of the loop, a value of the program, or memory. Null is the number of the step. */
export type ScalarSource =
  | { readonly scalar: number }
  | { readonly value: number }
  | { readonly area: number; readonly dtype: 'int32' | 'float32' | 'float64' | 'uint32' | 'uint8' | 'bool' }
  | null;

/** How a loop runs: how often, over which buffers, and what goes from one step to the next. */
export interface LoopSchedule {
  readonly name: string;
  /** Most steps; infinite for a loop that only a condition ends. */
  readonly length: number;
  readonly reverse: boolean;
  /** Area of the number of steps, −1 where it is `length`. */
  readonly count: number;
  /** Area for how many steps were taken. */
  readonly taken: number;
  readonly carried: readonly CarriedInLoop[];
  readonly sequences: readonly RowsOfLoop[];
  readonly stacks: readonly RowsOfLoop[];
  readonly fixed: readonly FixedInLoop[];
  readonly bindings: number;
  readonly scalars: ProgramScalars;
  /** Decides before each step whether it is taken; null where all are. */
  readonly condition: {
    readonly bindings: number;
    readonly fixed: readonly FixedInLoop[];
    readonly scalars: ProgramScalars;
    /** The area and the binding of its answer. */
    readonly area: number;
    readonly binding: number;
  } | null;
}

/** A part of an area: where it starts, in bytes. */
export interface Place {
  readonly area: number;
  readonly offset: number;
}

/** Where a carried value stands after `done` of `limit` steps. */
export function standsAt(schedule: LoopSchedule, carried: CarriedInLoop, done: number, limit: number): Place {
  const { rows, initial, final, spare, other, bytes } = carried;
  const result = final >= 0 ? final : spare;
  if (limit === 0) return { area: initial, offset: 0 };
  if (rows >= 0) {
    if (done === limit) return { area: result, offset: 0 };
    return { area: rows, offset: (schedule.reverse ? limit - 1 - done : done) * bytes };
  }
  if (done === 0) return { area: initial, offset: 0 };
  // Where a condition may end it, nobody knows which step is the last.
  const toResult = schedule.condition === null ? (limit - done) % 2 === 0 : done % 2 === 1;
  return { area: toResult ? result : other, offset: 0 };
}
