/**
 * What follows when a plan fails. An evaluation is all or nothing, and a failure is reported once: it leaves nothing behind
 * that fails again.
 *
 * - What was asked for cannot be computed: the error is thrown. Assignments that share its computation (running
 *   statistics of the same forward pass) are set aside with it, and gradients that took part no longer wait for a step.
 * - It can be computed, and an assignment that came along (queued by somebody, long ago perhaps) cannot: that one is
 *   dropped with a warning that has its error, and the evaluation goes on without it.
 */
import type { Tensor } from '../tensor.ts';
import { dissolve, type EvaluationGroup } from './group.ts';
import { dropAssignment, dropFailed, meets, queuedValue, setAside } from './pending.ts';
import { traverse, type Update } from './signature.ts';

export interface Evaluation {
  readonly outputs: readonly Tensor[];
  /** New values that were asked for. */
  readonly own: readonly Update[];
  /** Queued assignments that were to be committed along with it. */
  readonly queued: readonly Update[];
}

/** How `recover` computes. */
export interface Attempts {
  /** Evaluates and commits. */
  readonly evaluate: (outputs: readonly Tensor[], updates: readonly Update[]) => void;
  /** Computes tensors and changes nothing. */
  readonly attempt: (tensors: readonly Tensor[]) => void;
}

/**
 * Goes on after `error`; returns when the evaluation has succeeded after all. `judged`: the results were refused, by anomaly
 * detection.
 *
 * @throws what cannot be mended
 */
export function recover(
  error: unknown,
  evaluation: Evaluation,
  { evaluate, attempt }: Attempts,
  judged: boolean,
): void {
  const { outputs, own, queued } = evaluation;
  if (queued.length === 0) {
    giveUp(evaluation);
    throw error;
  }
  const asked = failureOf(() => attempt([...outputs, ...own.map(({ value }) => value)]));
  if (asked !== null) {
    giveUp(evaluation);
    throw asked.error;
  }
  const failed = queued.flatMap((update) => {
    const failure = failureOf(() => attempt([update.value]));
    return failure ? [{ ...update, ...failure }] : [];
  });
  // Who watches for anomalies wants to hear of them then and there.
  for (const { variable, error } of failed) judged ? dropAssignment(variable) : dropFailed(variable, error);
  const left = queued.filter(({ variable }) => failed.every((one) => one.variable !== variable));
  const rest = { outputs, own, queued: left };
  if (judged || failed.length === 0) {
    giveUp(rest);
    throw error;
  }
  try {
    evaluate(outputs, [...own, ...left]);
  } catch (again) {
    giveUp(rest);
    throw again;
  }
}

function failureOf(work: () => void): { readonly error: unknown } | null {
  try {
    work();
    return null;
  } catch (error) {
    return { error };
  }
}

/** Takes back what belongs to an evaluation that failed. */
function giveUp({ outputs, own, queued }: Evaluation): void {
  // Before the groups are dissolved, whose tensors are among the outputs.
  const { mark } = traverse(outputs, own);
  setAside(queued.filter(({ value }) => meets(value, mark)));
  for (const { variable, value } of own) if (queuedValue(variable) === value) dropAssignment(variable);
  const groups = new Set<EvaluationGroup>();
  for (const { group } of outputs) if (group) groups.add(group);
  for (const { variable } of own)
    if (variable.gradPending && variable.gradGroup) groups.add(variable.gradGroup);
  for (const group of groups) dissolve(group, own.length > 0 ? 'drop' : 'keep');
  for (const { variable } of own) {
    if (!variable.gradPending) continue;
    variable.grad = undefined;
    variable.gradPending = false;
  }
}
