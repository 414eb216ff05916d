/**
 * Tracing: running a function once to record what it computes, for compiled steps. While a trace is active nothing
 * is evaluated; updates of variables are recorded, and so is what must happen on the host before each run.
 */

import type { Tensor } from '../tensor.ts';
import type { Variable } from '../variable.ts';
import { Decisions } from './decisions.ts';

/** Work on the host that belongs to a step; it may return what takes it back when the step fails. */
export type HostWork = () => (() => void) | undefined;

/** What a traced function would have done to variables, gathered in place of being done. */
export interface Trace {
  readonly updates: Map<Variable, Tensor>;
  /** What stands for the new value of a trained variable: gradients end there, as they do at the value outside of traces. */
  readonly standIns: Map<Tensor, Variable>;
  /** The last of each variable. */
  readonly standInOf: Map<Variable, Tensor>;
  /** Tensors that `step()` would have computed along with the updates. */
  readonly outputs: Tensor[];
  /** Runs before each run of the compiled function, in this order. */
  readonly beforeEachRun: HostWork[];
  /** What decided what was recorded. */
  readonly decisions: Decisions;
}

let active: Trace | null = null;

/** The trace being recorded, if any. */
export function activeTrace(): Trace | null {
  return active;
}

/** The variable whose value `node` is, or stands for in the trace that is being recorded; null for other nodes. */
export function variableOf(node: Tensor): Variable | null {
  if (node.leaf?.kind === 'variable') return node.leaf.variable;
  return active?.standIns.get(node) ?? null;
}

/** Records what `work` does. */
export function recordTrace<T>(work: () => T): { readonly result: T; readonly trace: Trace } {
  const outer = active;
  const trace: Trace = {
    updates: new Map(),
    standIns: new Map(),
    standInOf: new Map(),
    outputs: [],
    beforeEachRun: [],
    decisions: new Decisions(),
  };
  active = trace;
  try {
    return { result: work(), trace };
  } finally {
    active = outer;
  }
}

/** Does host work that belongs to a step (counting steps, moving a schedule on): now, or before each run when compiled. */
export function beforeEachRun(work: HostWork): void {
  if (active) active.beforeEachRun.push(work);
  else work();
}

/** A flag that decides what is computed: noted by the trace that reads it. */
export function readFlag(of: 'trainable' | 'training', object: object, flag: boolean): boolean {
  active?.decisions.read(of, object, flag);
  return flag;
}

/** Notes that such a flag gets another value. */
export function writeFlag(of: 'trainable' | 'training', object: object): void {
  active?.decisions.wrote(of, object);
}
