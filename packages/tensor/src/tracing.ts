/**
 * Tracing: running a function once to record what it computes, for compiled steps. While a trace is active nothing
 * is evaluated; updates of variables are recorded, and so is what must happen on the host before each run.
 */
import type { Tensor } from './tensor.ts';
import type { Variable } from './variable.ts';

/** Work on the host that belongs to a step; it may return what takes it back when the step fails. */
export type HostWork = () => (() => void) | undefined;

export interface Trace {
  readonly updates: Map<Variable, Tensor>;
  /** Tensors that `step()` would have computed along with the updates. */
  readonly outputs: Tensor[];
  /** Runs before each run of the compiled function, in this order. */
  readonly atRun: HostWork[];
}

let active: Trace | null = null;

/** The trace being recorded, if any. @internal */
export function activeTrace(): Trace | null {
  return active;
}

/** Records what `work` does. @internal */
export function recordTrace<T>(work: () => T): { readonly result: T; readonly trace: Trace } {
  const outer = active;
  const trace: Trace = { updates: new Map(), outputs: [], atRun: [] };
  active = trace;
  try {
    return { result: work(), trace };
  } finally {
    active = outer;
  }
}

/** Does host work that belongs to a step (counting steps, moving a schedule on): now, or before each run when compiled. */
export function atRun(work: HostWork): void {
  if (active) active.atRun.push(work);
  else work();
}
