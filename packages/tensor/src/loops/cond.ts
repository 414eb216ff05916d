/** `cond`: one of two computations, of which only the chosen one is done. */
import { shapeError, typeError } from '../errors.ts';
import { zerosLike } from '../functions/create.ts';
import { formatShape, sameShape, sizeOf } from '../shape.ts';
import { checkTensor, type Tensor } from '../tensor.ts';
import { buildLoop, standIn } from './build.ts';
import { loops } from './loop.ts';
import { checkFunction, Trace } from './trace.ts';
import { type LoopTree, leavesOf, type TreeLeaf, treeLike } from './tree.ts';

/**
 * What `ifTrue` gives where `predicate` holds, else what `ifFalse` gives. Only that is computed, which pays where the two are
 * expensive; for elements chosen one by one, and for cheap values, `where(condition, x, y)` is faster.
 *
 * ```ts
 * const y = cond(error.greater(1e-3), () => refine(x), () => x);
 * ```
 *
 * Both functions are run once to see what they compute, and give back tensors, or structures of them, of the same shapes and
 * dtypes. What they read gets gradients: 0 from the one that was not chosen. Under `vmap`, where examples choose differently, both are
 * computed for all.
 *
 * @param predicate one element, true where it is not 0; a boolean of the program chooses at once
 * @param operands what both functions are given, if anything
 * @throws RangeError when the results differ in shape or dtype, TypeError when they differ in structure
 */
export function cond<Y extends LoopTree, X extends readonly unknown[] = []>(
  predicate: Tensor | boolean,
  ifTrue: (...operands: X) => Y,
  ifFalse: (...operands: X) => Y,
  ...operands: X
): Y {
  checkFunction('cond', 'ifTrue', ifTrue);
  checkFunction('cond', 'ifFalse', ifFalse);
  if (typeof predicate === 'boolean') return (predicate ? ifTrue : ifFalse)(...operands);
  checkTensor(predicate, 'cond', 'predicate', 'a tensor or a boolean');
  if (sizeOf(predicate.shape) !== 1) {
    throw shapeError(
      `cond: the predicate has shape ${formatShape(predicate.shape)}, but must have one element; reduce it with any() or all(), or choose element by element with where`,
    );
  }
  const yes = traceBranch(ifTrue, operands);
  const no = traceBranch(ifFalse, operands);
  checkAlike(yes.leaves, no.leaves);
  const holds = predicate.cast('bool').reshape([]);
  // Each is a loop of one step or none over the result, which starts as zeros.
  let result = yes.leaves.map(({ tensor }) => zerosLike(tensor));
  for (const [branch, chosen] of [
    [yes, holds],
    [no, holds.logicalNot()],
  ] as const) {
    const stands = result.map((leaf) => branch.trace.stand(standIn(leaf), { kind: 'carry' }));
    const loop = buildLoop({
      op: loops.cond,
      carry: stands.map((leaf, i) => ({ leaf, initial: result[i], next: branch.leaves[i].tensor })),
      others: [],
      roleOf: branch.trace.roleOf,
      length: 1,
      count: chosen.cast('int32'),
      reverse: false,
      recompute: false,
    });
    result = stands.map((_, i) => loop.final(i));
  }
  return treeLike(yes.tree, result);
}

interface Branch<Y> {
  readonly trace: Trace;
  readonly tree: Y;
  readonly leaves: readonly TreeLeaf[];
}

function traceBranch<Y, X extends readonly unknown[]>(f: (...operands: X) => Y, operands: X): Branch<Y> {
  const trace = new Trace('cond');
  const tree = trace.run(null, () => f(...operands));
  return { trace, tree, leaves: leavesOf(tree, 'result', 'cond') };
}

function checkAlike(yes: readonly TreeLeaf[], no: readonly TreeLeaf[]): void {
  const paths = (list: readonly TreeLeaf[]): string => list.map(({ path }) => path).join(', ') || 'nothing';
  if (paths(yes) !== paths(no)) {
    throw typeError(
      `cond: both functions must give back the same structure; ifTrue gives ${paths(yes)}, ifFalse ${paths(no)}`,
    );
  }
  yes.forEach(({ tensor, path }, i) => {
    const other = no[i].tensor;
    if (tensor.dtype === other.dtype && sameShape(tensor.shape, other.shape)) return;
    const type = (x: Tensor): string => `${x.dtype} ${formatShape(x.shape)}`;
    throw shapeError(
      `cond: ${path} is ${type(tensor)} from ifTrue and ${type(other)} from ifFalse; both must have the same shape and dtype`,
    );
  });
}
