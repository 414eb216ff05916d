/**
 * Batches of products of a matrix and a vector, as depthwise convolutions are: kernels without panels.
 *
 * A tile of one row has two sums to keep the processor busy, and panels cost more than the product that is made of them. Sums of a
 * few products for long rows of results (`shortSums.ts`) and a few long sums (`dots.ts`) are computed from the operands
 * as they lie. Other shapes go the general way.
 */
import type { ContractKernel } from '@ag/tensor';
import { count, type LaunchAxes, mergeLaunchAxes, sortAxes, splitLast } from '@ag/tensor/engine';
import type { LowerContext, Stage } from '../abi.ts';
import { lanesFor } from '../arithmetic/expression.ts';
import { type Pattern, patternOf } from '../arithmetic/lanes.ts';
import type { Access } from '../kernels/access.ts';
import { lowerDots } from './dots.ts';
import { lowerShortSums } from './shortSums.ts';
import { sizesOf } from './sizes.ts';

/** Most products of a short sum: all in one chain. */
const maxShort = 64;
/** Most results that are computed from the same vectors, each by itself. */
const maxThin = 4;
/** Most results that read the same vector in `dots.ts`. */
const maxShared = 64;

/** The stages of such a launch; null where it is none. */
export function lowerThin(context: LowerContext): Stage[] | null {
  const { launch } = context;
  const kernel = launch.kernel as ContractKernel;
  const { batchRank, mRank, dtype } = kernel;
  const { operands } = launch;
  const { batch, m, n, k } = sizesOf(launch);
  const thin = Math.min(count(m), count(n));
  if (dtype !== 'float32' || count(batch) < 2 || thin > maxThin || count(k) < 1) return null;
  const types = [dtype, dtype, ...kernel.extras, ...kernel.outputs.map((output) => output.dtype)];
  if (lanesFor(types, kernel.epilogue) !== 4) return null;

  const still = (axes: readonly number[]) => axes.map(() => 0);
  const accesses = operands.map((operand, i): Access => {
    const own = operand.strides;
    const strides =
      i === 0
        ? [...own.slice(0, batchRank + mRank), ...still(n)]
        : i === 1
          ? [...own.slice(0, batchRank), ...still(m), ...own.slice(batchRank + k.length)]
          : own;
    return { operand, dtype: types[i], strides };
  });
  const results: LaunchAxes = {
    sizes: [...batch, ...m, ...n],
    strides: accesses.map(({ strides }) => strides),
  };
  const summed: LaunchAxes = {
    sizes: k,
    strides: [
      operands[0].strides.slice(batchRank + mRank),
      operands[1].strides.slice(batchRank, batchRank + k.length),
    ],
  };
  if (count(k) <= maxShort) {
    const outputs = kernel.outputs.map((_, i) => 2 + kernel.extras.length + i);
    const axes = mergeLaunchAxes(sortAxes(results, outputs));
    const pairs = rowOfPairs(axes);
    if (pairs) return lowerShortSums(context, accesses, pairs.row, summed, pairs.moving, pairs.phase);
    const row = splitLast(axes);
    // Which factor goes along the row; the other one stands still.
    const moving = row.steps[0] === 0 ? 1 : 0;
    const goesOn = row.steps[1 - moving] === 0 && isNear(row.steps[moving]);
    return goesOn && row.size >= 8 ? lowerShortSums(context, accesses, row, summed, moving, null) : null;
  }
  const shared = count(m) === 1 ? 0 : 1;
  // The same order whichever factor comes first.
  const inner = splitLast(mergeLaunchAxes(sortAxes(summed, [shared, 1 - shared])));
  const near = thin === 1 && inner.steps.every(isNear) && inner.steps.includes(1) && inner.size >= 8;
  const along = shared === 0 ? n : m;
  if (!near || count(along) > maxShared) return null;
  return lowerDots(context, { accesses, batch, along, inner, shared });
}

/** The two last axes as one row, where one factor goes along the first of them, the other along the last, of size 2, and results along both. */
function rowOfPairs({ sizes, strides }: LaunchAxes) {
  const rank = sizes.length;
  if (rank < 2 || sizes[rank - 1] !== 2 || sizes[rank - 2] < 4) return null;
  const [far, near] = [2, 1].map((i) => strides.map((own) => own[rank - i])) as [number[], number[]];
  const moving = near[0] === 0 ? 0 : 1;
  const still = 1 - moving;
  const own = near[moving] === 0 && isNear(far[moving]) && far[still] === 0;
  if (!own || near[still] <= 0 || !near.every((step, i) => i < 2 || (step <= 1 && far[i] === 2 * step)))
    return null;
  const row = {
    outer: { sizes: sizes.slice(0, -2), strides: strides.map((each) => each.slice(0, -2)) },
    size: 2 * sizes[rank - 2],
    steps: near.map((step, i) => (i === moving ? far[i] : i === still ? 0 : step)),
  };
  return { row, moving: moving as 0 | 1, phase: near[still] };
}

/** Whether vectors are made of one or two neighboring ones. */
function isNear(step: number): boolean {
  const pattern: Pattern = patternOf(step);
  return pattern === 'contiguous' || pattern === 'alternate';
}
