/**
 * Graphs that nobody reads must not grow for ever: `total = total.add(loss)` at each step of a training loop would keep
 * the graph of all steps. Every tensor knows how long the chain of operations behind it is; beyond a bound the tensor
 * is computed then and there, and what it was made of can go.
 *
 * One deep computation is no such graph: 10,000 steps through time are differentiated as a whole. So what is built while
 * nothing else is computed counts little, and a link to what was built before the last evaluation counts much: the chain
 * ends after a thousand evaluations or after a hundred thousand operations, whichever comes first. What differentiation
 * builds counts nothing, since a gradient is as deep as its function.
 */
import type { Tensor } from '../tensor.ts';

/** What a link to a tensor that was made before the last evaluation counts, compared with any other link. */
const acrossEvaluations = 128;

let bound = 2 ** 17;
/** What links count now. */
let step = 1;
let across = acrossEvaluations;
let evaluations = 0;

/** Notes that a plan ran. */
export function noteEvaluation(): void {
  evaluations++;
}

/** Notes how long the chain behind a new node is; whether that is too long. */
export function chainTooLong(node: Tensor, inputs: readonly Tensor[]): boolean {
  let chain = 0;
  for (let i = 0; i < inputs.length; i++) {
    const input = inputs[i];
    if (input.op === null) continue;
    const own = input.chainLength + (input.createdAt === evaluations ? step : across);
    if (own > chain) chain = own;
  }
  node.createdAt = evaluations;
  if (chain === 0) return false;
  node.chainLength = chain;
  return chain > bound;
}

/** Runs work whose nodes do not count. */
export function withoutGrowth<T>(work: () => T): T {
  const outerStep = step;
  const outerAcross = across;
  step = 0;
  across = 0;
  try {
    return work();
  } finally {
    step = outerStep;
    across = outerAcross;
  }
}

/** Sets how long a chain may become; for tests. Returns the former bound. */
export function setChainBound(length: number): number {
  const before = bound;
  bound = length;
  return before;
}

/** What a tensor waits for that seems to have a long chain behind it; null where parts have been computed since, or a placeholder is among it. */
export function pendingGraph(node: Tensor): ReadonlySet<Tensor> | null {
  const waiting = new Set<Tensor>([node]);
  for (const at of waiting) {
    if (at.leaf?.kind === 'placeholder') return null;
    if (at.op !== null) for (const input of at.inputs) waiting.add(input);
  }
  return waiting.size > bound / acrossEvaluations ? waiting : null;
}
