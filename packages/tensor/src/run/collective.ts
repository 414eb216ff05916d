/**
 * Operations that meet those of other processes. Each is computed exactly once: with whatever needs it first, and never
 * again, be it read or built on later, or be it that something failed behind it. So a value that is read in one process alone is
 * there already, and a process that failed cannot meet the others a second time out of turn.
 */
import { codedError } from '../errors.ts';
import { collectivePart, defineOp, type Op, type OpDefinition } from '../ops/op.ts';
import type { Traversal } from '../plan/signature.ts';
import type { Tensor } from '../tensor.ts';

/** Whether there are any: most programs have none, and their graphs are not searched. */
let defined = false;

/** Makes an operation whose routine meets the same of other processes. */
export function defineCollective<A = undefined>(definition: OpDefinition<A>): Op<A> {
  defined = true;
  return defineOp(definition);
}

const none: readonly Tensor[] = [];

/** The collectives of a graph whose values are to be kept. What is under way belongs to its plan alone. */
export function collectivesOf({ nodes }: Traversal): readonly Tensor[] {
  if (!defined) return none;
  return nodes.filter(({ op }) => {
    const part = collectivePart(op);
    return part === 'whole' || part === 'finish';
  });
}

/** What is thrown where a run has failed in which processes may have met: nobody shall try it again. */
export function collectiveError(cause: unknown): Error {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return codedError(
    Error,
    'AG_COLLECTIVE_FAILED',
    `a computation failed that other processes take part in, so it cannot be tried again here alone: ${reason}`,
    { cause },
  );
}
