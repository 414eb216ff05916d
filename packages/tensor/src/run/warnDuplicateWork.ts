/**
 * Telling the user, once, about work that is done twice: a matrix product that one plan has computed without
 * keeping it and another plan computes again, as when the loss is read before `backward`.
 */

import type { Traversal } from '../plan/signature.ts';
import type { Tensor } from '../tensor.ts';
import { warn, wouldWarn } from '../warn.ts';

/** Work below this many multiply-adds is not worth a word. */
const worthWarning = 50_000;

/** Warns when a plan is about to repeat such a product. */
export function warnDuplicateWork(traversal: Traversal): void {
  if (!wouldWarn('AG_DUPLICATE_WORK')) return;
  for (const node of traversal.nodes) {
    if (node.computedAt === 0 || node.op?.lower.form !== 'contract' || work(node) < worthWarning) continue;
    warn(
      'AG_DUPLICATE_WORK',
      `a ${node.op.name} of [${node.inputs.map((x) => x.shape.join('×')).join('] · [')}] is computed a second time. ` +
        'A tensor that was not asked for is not kept. Read it in the same step with backward(loss, { also: [logits] }), ' +
        'or keep it with evaluate([…]).',
    );
    return;
  }
}

function work(node: Tensor): number {
  const [a, b] = node.inputs as [Tensor, Tensor];
  const size = (shape: readonly number[]): number => shape.reduce((n, x) => n * x, 1);
  return Math.sqrt(size(a.shape) * size(b.shape) * size(node.shape));
}
