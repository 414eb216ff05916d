/**
 * Assignments that wait for their value to be computed.
 *
 * `variable.assign(t)` takes effect with the first plan that computes anything of what `t` was made from, so running
 * statistics cost no pass of their own and are committed exactly once.
 *
 * What belongs to an evaluation that fails is set aside: `variable.value` is then the committed value again, as if the
 * forward pass had not been, and the assignment comes back only with its own computation, when that is evaluated once more.
 */

import { codedError } from '../errors.ts';
import type { Tensor } from '../tensor.ts';
import type { Update, Variable } from '../variable.ts';
import { warn } from '../warn.ts';

/** For each variable its assignments that wait, each built on the one before. */
const queue = new Map<Variable, readonly Tensor[]>();
/** For each variable an assignment that belongs to an evaluation that failed; it is built on those that wait, if any do. */
const aside = new Map<Variable, Tensor>();
/** Assignments to each variable since it was last committed. */
const waiting = new Map<Variable, number>();

/** Why nothing may be assigned now. */
let refusal: string | null = null;

/** Runs work in which `variable.assign` throws `reason`. */
export function refusingAssignments<T>(reason: string, work: () => T): T {
  const outer = refusal;
  refusal = reason;
  try {
    return work();
  } finally {
    refusal = outer;
  }
}

/** Why nothing may be assigned now; null where it may. */
export function assignmentsRefused(): string | null {
  return refusal;
}

/** @throws Error where nothing may be assigned. */
export function checkAssignable({ name }: Variable): void {
  if (refusal !== null)
    throw codedError(Error, 'AG_WRONG_TIME', `${refusal} (assigned was variable '${name}')`);
}

/** Queues an assignment, whose value was built on the earlier one. Returns how many have been queued without a commit. */
export function queueAssignment(variable: Variable, value: Tensor): number {
  queue.set(variable, [...(queue.get(variable) ?? []), value]);
  aside.delete(variable);
  const count = (waiting.get(variable) ?? 0) + 1;
  waiting.set(variable, count);
  return count;
}

export function queuedValue(variable: Variable): Tensor | undefined {
  return queue.get(variable)?.at(-1);
}

export function dropAssignment(variable: Variable): void {
  if (queue.size === 0 && aside.size === 0) return;
  queue.delete(variable);
  aside.delete(variable);
  waiting.delete(variable);
}

/** Whether evaluations leave alone what is queued. */
let held = false;

/** Runs work that computes parts of a graph to look at them: nothing that is queued takes effect by it. */
export function holdingAssignments<T>(work: () => T): T {
  const outer = held;
  held = true;
  try {
    return work();
  } finally {
    held = outer;
  }
}

/** Notes what is queued; the function returned drops what has been queued since and was not committed. */
export function noteAssignments(): () => void {
  const before = new Map(queue);
  return () => {
    for (const [variable, chain] of [...queue]) {
      const known = before.get(variable) ?? [];
      keepFirst(variable, chain.filter((value) => known.includes(value)).length);
    }
  };
}

/** Each is said. */
let dropped = 0;

/** Says that an assignment was dropped because it cannot be computed: nobody may ever ask for it. */
export function warnDropped(variable: Variable, error: unknown): void {
  const reason = error instanceof Error ? error.message : String(error);
  warn(
    'AG_DROPPED_ASSIGNMENT',
    `an assignment to variable '${variable.name}' could not be computed and was dropped; the variable keeps its value. ` +
      `The reason: ${reason}`,
    `${++dropped}`,
  );
}

/** The assignments of a variable that wait, each built on the one before. */
export function queuedChain(variable: Variable): readonly Tensor[] {
  return queue.get(variable) ?? [];
}

/** Leaves the first assignments of a variable in the queue and drops the others. */
export function keepFirst(variable: Variable, count: number): void {
  const chain = queuedChain(variable);
  dropAssignment(variable);
  if (count > 0) queue.set(variable, chain.slice(0, count));
}

/** Sets an assignment aside that belongs to an evaluation that failed, whose walk has the number `mark`. */
export function setAside({ variable, value }: Update, mark: number): void {
  const chain = queue.get(variable) ?? [value];
  const first = chain.findIndex((_, i) => linkMeets(chain, i, mark));
  if (first < 0) return;
  // Those before were made by passes that have nothing to do with it, those behind are built on it.
  keepFirst(variable, first);
  aside.set(variable, chain[first]);
}

/** Forgets what was set aside: a step has been taken since. */
export function forgetAside(): void {
  // Clearing an empty map takes memory anew.
  if (aside.size > 0) aside.clear();
}

/** All that is queued, except for variables that get another value. */
export function queuedAssignments(updates: readonly Update[]): Update[] {
  if (queue.size === 0) return [];
  const set = new Set(updates.map((update) => update.variable));
  return [...queue].flatMap(([variable, chain]) =>
    set.has(variable) ? [] : [{ variable, value: chain.at(-1)! }],
  );
}

/**
 * Assignments that share a node with the traversal numbered `mark`, those set aside included. Of several for one variable it is
 * the last that does, not counting what it takes from those before.
 */
export function pendingAssignments(mark: number, updates: readonly Update[]): Update[] {
  if (held || (queue.size === 0 && aside.size === 0)) return [];
  const found: Update[] = [];
  const taken = new Set(updates.map(({ variable }) => variable));
  const take = (update: Update): void => {
    found.push(update);
    taken.add(update.variable);
  };
  for (const [variable, value] of aside) {
    const chain = [...queuedChain(variable), value];
    if (!taken.has(variable) && linkMeets(chain, chain.length - 1, mark)) take({ variable, value });
  }
  for (const [variable, chain] of queue) {
    if (taken.has(variable)) continue;
    const last = chain.findLastIndex((_, i) => linkMeets(chain, i, mark));
    if (last >= 0) take({ variable, value: chain[last] });
  }
  return found;
}

/** Whether more assignments of the variable wait, which are built on this value. */
export function isBuiltOn({ variable, value }: Update): boolean {
  const chain = queue.get(variable);
  return chain !== undefined && chain.indexOf(value) >= 0 && chain.at(-1) !== value;
}

/** Removes assignments that have been committed, and those before them. */
export function settleAssignments(updates: readonly Update[]): void {
  if (queue.size === 0 && aside.size === 0) return;
  for (const { variable, value } of updates) {
    const chain = queue.get(variable);
    const at = chain === undefined ? -1 : chain.indexOf(value);
    dropAssignment(variable);
    if (at >= 0 && at < chain!.length - 1) queue.set(variable, chain!.slice(at + 1));
  }
}

/** Whether a computed node of the graph of an assignment was met by the traversal, not counting the assignments it is built on. */
function linkMeets(chain: readonly Tensor[], at: number, mark: number): boolean {
  const seen = new Set<Tensor>(at > 0 ? [chain[at - 1]] : []);
  const stack = [chain[at]];
  while (stack.length > 0) {
    const node = stack.pop()!;
    if (seen.has(node)) continue;
    seen.add(node);
    if (node.op === null) continue;
    if (node.visitMark === mark) return true;
    for (const input of node.inputs) stack.push(input);
  }
  return false;
}
