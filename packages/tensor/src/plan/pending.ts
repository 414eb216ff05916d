/**
 * `variable.assign(t)` takes effect with the first plan that computes anything of what `t` was made from, so running
 * statistics cost no pass of their own and are committed exactly once.
 */
import type { Tensor } from '../tensor.ts';
import type { Variable } from '../variable.ts';
import type { Update } from './signature.ts';

const queue = new Map<Variable, Tensor>();
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
  const count = (waiting.get(variable) ?? 0) + 1;
  waiting.set(variable, count);
  return count;
}

export function queuedValue(variable: Variable): Tensor | undefined {
  return queue.get(variable);
}

export function dropAssignment(variable: Variable): void {
  if (queue.size === 0) return;
  queue.delete(variable);
  waiting.delete(variable);
}

/** All that is queued, except for variables that get another value. */
export function queuedAssignments(updates: readonly Update[]): Update[] {
  if (queue.size === 0) return [];
  const set = new Set(updates.map((update) => update.variable));
  return [...queue].flatMap(([variable, value]) => (set.has(variable) ? [] : [{ variable, value }]));
}

/** Assignments that share a node with the traversal numbered `mark`. */
export function pendingAssignments(mark: number, updates: readonly Update[]): Update[] {
  if (queue.size === 0) return [];
  const found: Update[] = [];
  for (const [variable, value] of queue) {
    if (updates.some((update) => update.variable === variable)) continue;
    if (meets(value, mark)) found.push({ variable, value });
  }
  return found;
}

/** Removes assignments that have been committed. */
export function settleAssignments(updates: readonly Update[]): void {
  for (const { variable } of updates) dropAssignment(variable);
}

/** Whether a computed node of the graph of `value` was met by the traversal. */
function meets(value: Tensor, mark: number): boolean {
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
