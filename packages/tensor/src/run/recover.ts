/**
 * What follows when a plan fails. An evaluation is all or nothing, and a failure is reported once: it leaves nothing behind
 * that fails again.
 *
 * - What was asked for cannot be computed: the error is thrown. Assignments that share its computation (running
 *   statistics of the same forward pass) are set aside with it, and gradients that took part no longer wait for a step.
 * - It can be computed, and an assignment that came along (queued by somebody, long ago perhaps) cannot: that one is
 *   dropped with a warning that has its error, and the evaluation goes on without it.
 */

import { traverse } from '../plan/signature.ts';
import type { Tensor } from '../tensor.ts';
import type { Update } from '../variable.ts';
import { dissolve, dropGradients, type EvaluationGroup } from './group.ts';
import { keepFirst, queuedChain, queuedValue, setAside, warnDropped } from './pending.ts';

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
  const failure = (tensors: readonly Tensor[]): { readonly error: unknown } | null => {
    try {
      attempt(tensors);
      return null;
    } catch (error) {
      return { error };
    }
  };
  const takeBackTrying = (part: Evaluation): void => takeBack(part, (value) => failure([value]) === null);
  if (queued.length === 0) {
    takeBackTrying(evaluation);
    throw error;
  }
  const asked = failure([...outputs, ...own.map(({ value }) => value)]);
  if (asked !== null) {
    takeBackTrying(evaluation);
    throw asked.error;
  }
  const left: Update[] = [];
  let mended = false;
  for (const update of queued) {
    const failed = failure([update.value]);
    if (failed === null) {
      left.push(update);
      continue;
    }
    mended = true;
    const before = dropLast(update, (value) => failure([value]) === null);
    if (before) left.push(before);
    // Who watches for anomalies is told by the error.
    if (!judged) warnDropped(update.variable, failed.error);
  }
  const rest = { outputs, own, queued: left };
  if (judged || !mended) {
    takeBackTrying(rest);
    throw error;
  }
  try {
    evaluate(outputs, [...own, ...left]);
  } catch (again) {
    takeBackTrying(rest);
    throw again;
  }
}

/** Takes back what belongs to an evaluation that failed, without computing anything of it again. */
export function giveUp(part: Evaluation): void {
  takeBack(part, () => false);
}

/** Takes back what belongs to an evaluation that failed. */
function takeBack({ outputs, own, queued }: Evaluation, computable: (value: Tensor) => boolean): void {
  const unread = queued.filter(({ variable }) => queuedChain(variable).length > 1);
  const bad = new Set(unread.filter(({ value }) => !computable(value)));
  // Before the groups are dissolved, whose tensors are among the outputs.
  const { visitMark: mark } = traverse(outputs, own);
  for (const update of queued) if (!bad.has(update)) setAside(update, mark);
  for (const update of bad) dropLast(update, computable);
  for (const update of own) if (queuedValue(update.variable) === update.value) dropLast(update, computable);
  const groups = new Set<EvaluationGroup>();
  for (const { group } of outputs) if (group) groups.add(group);
  for (const { variable } of own)
    if (variable.gradPending && variable.gradGroup) groups.add(variable.gradGroup);
  for (const group of groups) dissolve(group, own.length > 0 ? 'drop' : 'keep');
  dropGradients(own.map(({ variable }) => variable));
}

/**
 * Drops an assignment that cannot be computed and those that are built on it; of those before, the ones that can be computed
 * stay. The last of these, null without any.
 */
function dropLast({ variable, value }: Update, computable: (value: Tensor) => boolean): Update | null {
  const chain = queuedChain(variable);
  let good = 0;
  const at = chain.indexOf(value);
  // One that was set aside is built on all that wait.
  let bad = at < 0 ? chain.length : at;
  while (good < bad) {
    const middle = (good + bad) >> 1;
    if (computable(chain[middle])) good = middle + 1;
    else bad = middle;
  }
  keepFirst(variable, good);
  return good > 0 ? { variable, value: chain[good - 1] } : null;
}
