/**
 * `variable.assign(t)` takes effect with the first plan that computes anything of what `t` was made from, so running
 * statistics cost no pass of their own and are committed exactly once.
 *
 * What belongs to an evaluation that fails is set aside: `variable.value` is then the committed value again, as if the
 * forward pass had not been, and the assignment comes back only with its own computation, when that is evaluated once more.
 */
import type { Tensor } from '../tensor.ts';
import type { Variable } from '../variable.ts';
import type { Update } from './signature.ts';

const queue = new Map<Variable, Tensor>();
/** Assignments that belong to evaluations that failed; never for a variable that is in the queue. */
const aside = new Map<Variable, Tensor>();
/** Assignments to each variable since it was last committed. */
const waiting = new Map<Variable, number>();

/** Why nothing may be assigned now. */
let refusal: string | null = null;

/** Runs work in which `variable.assign` throws `reason`. @internal */
export function refusingAssignments<T>(reason: string, work: () => T): T {
  const outer = refusal;
  refusal = reason;
  try {
    return work();
  } finally {
    refusal = outer;
  }
}

/** @throws Error where nothing may be assigned. */
export function checkAssignable({ name }: Variable): void {
  if (refusal !== null) throw new Error(`${refusal} (assigned was variable '${name}')`);
}

/**
 * Queues an assignment; a later one for the same variable replaces it (its value was built on the earlier one).
 * Returns how many have been queued without a commit.
 */
export function queueAssignment(variable: Variable, value: Tensor): number {
  queue.set(variable, value);
  aside.delete(variable);
  const count = (waiting.get(variable) ?? 0) + 1;
  waiting.set(variable, count);
  return count;
}

export function queuedValue(variable: Variable): Tensor | undefined {
  return queue.get(variable);
}

export function dropAssignment(variable: Variable): void {
  if (queue.size === 0 && aside.size === 0) return;
  queue.delete(variable);
  aside.delete(variable);
  waiting.delete(variable);
}

/** Drops an assignment that cannot be computed, and says so: nobody may ever ask for it. */
export function dropFailed(variable: Variable, error: unknown): void {
  dropAssignment(variable);
  const reason = error instanceof Error ? error.message : String(error);
  console.warn(
    `ag: an assignment to variable '${variable.name}' could not be computed and was dropped; the variable keeps its value. ` +
      `The reason: ${reason}`,
  );
}

/** Sets assignments aside that belong to an evaluation that failed. */
export function setAside(updates: readonly Update[]): void {
  for (const { variable, value } of updates) {
    dropAssignment(variable);
    aside.set(variable, value);
  }
}

/** Forgets what was set aside: a step has been taken since. */
export function forgetAside(): void {
  aside.clear();
}

/** All that is queued, except for variables that get another value. */
export function queuedAssignments(updates: readonly Update[]): Update[] {
  if (queue.size === 0) return [];
  const set = new Set(updates.map((update) => update.variable));
  return [...queue].flatMap(([variable, value]) => (set.has(variable) ? [] : [{ variable, value }]));
}

/** Assignments that share a node with the traversal numbered `mark`, those set aside included. */
export function pendingAssignments(mark: number, updates: readonly Update[]): Update[] {
  if (queue.size === 0 && aside.size === 0) return [];
  const found: Update[] = [];
  for (const assignments of [queue, aside]) {
    for (const [variable, value] of assignments) {
      if (updates.some((update) => update.variable === variable)) continue;
      if (meets(value, mark)) found.push({ variable, value });
    }
  }
  return found;
}

/** Removes assignments that have been committed. */
export function settleAssignments(updates: readonly Update[]): void {
  for (const { variable } of updates) dropAssignment(variable);
}

/** Whether a computed node of the graph of `value` was met by the traversal. */
export function meets(value: Tensor, mark: number): boolean {
  const seen = new Set<Tensor>();
  const stack = [value];
  while (stack.length > 0) {
    const node = stack.pop()!;
    if (seen.has(node)) continue;
    seen.add(node);
    if (node.op === null) continue;
    if (node.mark === mark) return true;
    for (const input of node.inputs) stack.push(input);
  }
  return false;
}
