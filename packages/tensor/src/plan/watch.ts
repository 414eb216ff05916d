/**
 * Looking at what a plan computed before anyone else does: anomaly detection adds a small tensor to each plan and may
 * refuse its results, so that nothing wrong is committed. Nobody watches unless a development tool asks.
 */
import type { TypedArray } from '../dtype.ts';
import type { Tensor } from '../tensor.ts';

export interface EvaluationWatch {
  /** A small tensor to be computed along with the results of a plan and new values of variables; null for none. */
  readonly also: (results: readonly Tensor[]) => Tensor | null;
  /** Gets its elements before anything is committed. What it throws, the evaluation throws, and nothing has changed. */
  readonly judge: (results: readonly Tensor[], elements: TypedArray) => void;
}

let active: EvaluationWatch | null = null;

/** The watch in force. @internal */
export function evaluationWatch(): EvaluationWatch | null {
  return active;
}

/** Sets the watch, or none; returns the one before. @internal */
export function setEvaluationWatch(watch: EvaluationWatch | null): EvaluationWatch | null {
  const before = active;
  active = watch;
  return before;
}
