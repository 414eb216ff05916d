/** `whileLoop`: steps as long as a condition holds. */

import { checkInteger } from '../check.ts';
import { shapeError } from '../errors.ts';
import { checkOptions } from '../options.ts';
import { formatShape, sizeOf } from '../shape.ts';
import { checkTensor, literal, type Tensor } from '../tensor.ts';
import { buildLoop } from './build.ts';
import { loops } from './loop.ts';
import { carriedLeaves, checkFunction, Trace } from './trace.ts';
import { type LoopTree, leavesOf, treeLike } from './tree.ts';

/** Options of {@link whileLoop}. */
export interface WhileOptions {
  /** Most steps. Needed for gradients, which keep what was carried at each step. Default: no limit. */
  readonly maxSteps?: number;
}

/**
 * `carry ← body(carry)` as long as `condition(carry)` holds.
 *
 * ```ts
 * // Newton's method for √2
 * const root = whileLoop(
 *   (x) => x.square().sub(2).abs().greater(1e-6),
 *   (x) => x.add(x.reciprocal().mul(2)).mul(0.5),
 *   scalar(1),
 *   { maxSteps: 50 },
 * );
 * ```
 *
 * Both functions are run once, on stand-ins. With `maxSteps` it ends after so many steps at the latest, and can be differentiated;
 * without, a gradient is an error.
 *
 * @param condition from the carried values and the number of the step (an int32 scalar) to one element, 0 or false to end
 * @param body from the same to the carried values
 * @param init what they are before the first step; a step keeps their shapes and dtypes
 * @throws RangeError when a step changes a shape or dtype, saying which, or the condition has more than one element
 */
export function whileLoop<C extends LoopTree>(
  condition: (carry: C, step: Tensor) => Tensor,
  body: (carry: C, step: Tensor) => C,
  init: C,
  options: WhileOptions = {},
): C {
  checkOptions('whileLoop', options, 'maxSteps');
  checkFunction('whileLoop', 'condition', condition);
  checkFunction('whileLoop', 'body', body);
  const { maxSteps } = options;
  if (maxSteps !== undefined) checkInteger(maxSteps, 'whileLoop', 'maxSteps', 0, 2 ** 31 - 1);
  const trace = new Trace('whileLoop');
  const before = leavesOf(init, 'carry', 'whileLoop');
  const carry = trace.standIns(init, before, (of) => ({ type: of, role: { kind: 'carry' } }));
  const index = trace.stand(literal(0, 'int32'), { kind: 'index' });
  const goesOn = checkTensor(
    trace.run(index, () => condition(carry.tree, index)),
    'whileLoop',
    'the result of condition',
  );
  if (sizeOf(goesOn.shape) !== 1) {
    throw shapeError(
      `whileLoop: condition gives ${formatShape(goesOn.shape)}, but must give one element; reduce it with any() or all()`,
    );
  }
  const next = carriedLeaves(
    'whileLoop',
    before,
    trace.run(index, () => body(carry.tree, index)),
  );
  const loop = buildLoop({
    op: loops.whileLoop,
    carry: carry.leaves.map((leaf, i) => ({ leaf, initial: before[i].tensor, next: next[i] })),
    condition: goesOn.cast('bool').reshape([]),
    others: [],
    roleOf: trace.roleOf,
    length: maxSteps ?? -2,
    reverse: false,
    recompute: false,
  });
  return treeLike(
    init,
    next.map((_, i) => loop.final(i)),
  );
}
