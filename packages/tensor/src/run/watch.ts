/**
 * Looking at plans: anomaly detection adds a small tensor to each and may refuse its results before anyone else sees
 * them, so that nothing wrong is committed; profiles want to know which part of a program a kernel came from. Nobody
 * watches unless a development tool asks.
 */
import type { TypedArray } from '../dtype.ts';
import type { ScopeNames } from '../plan/emit.ts';
import type { Tensor } from '../tensor.ts';

/** Looks at results before they count: how anomaly detection hears of NaN. */
export interface EvaluationWatch {
  /** A small tensor to be computed along with the results of a plan and new values of variables; null for none. */
  readonly probe: (results: readonly Tensor[]) => Tensor | null;
  /** Gets its elements before anything is committed. What it throws, the evaluation throws, and nothing has changed. */
  readonly check: (results: readonly Tensor[], elements: TypedArray) => void;
  /** Results could not be computed; may say more in the error. `attempt` computes tensors and commits nothing. */
  readonly failed?: (
    results: readonly Tensor[],
    error: unknown,
    attempt: (tensors: readonly Tensor[]) => void,
  ) => void;
}

let active: EvaluationWatch | null = null;

/** The watch in force. */
export function evaluationWatch(): EvaluationWatch | null {
  return active;
}

/** Sets the watch, or none; returns the one before. */
export function setEvaluationWatch(watch: EvaluationWatch | null): EvaluationWatch | null {
  const before = active;
  active = watch;
  return before;
}

export type { ScopeNames } from '../plan/emit.ts';

let scopes: ScopeNames | null = null;

/** The names in force while plans are made. */
export function scopeNames(): ScopeNames | null {
  return scopes;
}

/** Plans made from now on say in `Launch.parts` where their kernels come from; null for no more. */
export function setScopeNames(names: ScopeNames | null): void {
  scopes = names;
}
