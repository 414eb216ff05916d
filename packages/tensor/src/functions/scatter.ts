/** Writing at positions along an axis, and sums, means and extremes of the rows that belong together. */
import { checkInteger, describeValue } from '../check.ts';
import { floatOf, type TypedArray } from '../dtype.ts';
import { shapeError, valueError } from '../errors.ts';
import type { ScatterCombine } from '../kernel/kernel.ts';
import { scatter as scatterOp } from '../ops/indexing.ts';
import { scatterMax, scatterMin } from '../ops/scatter.ts';
import { checkOptions } from '../options.ts';
import { broadcastShapes, formatShape, normalizeAxis, sameShape } from '../shape.ts';
import { checkTensor, type Tensor, type TensorLike } from '../tensor.ts';
import { write } from './at.ts';
import { zeros } from './create.ts';
import { elementsOf } from './select.ts';

/** What `scatter` does where it writes. */
export interface ScatterOptions {
  /**
   * How an update meets the element and other updates of it: takes its place (the last in row-major order stays), is added, multiplied, or
   * the larger or smaller stays. Default 'set'.
   */
  readonly combine?: ScatterCombine;
}

const combinations: readonly unknown[] = ['set', 'add', 'mul', 'max', 'min'];

/**
 * `x` with updates at […, position[…, i, …], …] along `axis`, the last by default: a new tensor of the dtype of `x`. Other axes
 * broadcast, and so do the updates. Negative positions count from the end; others outside the axis are an error when evaluated.
 *
 * ```ts
 * scatter(zeros([5]), tensor([3, 0], { dtype: 'int32' }), tensor([7, 8]), 0); // 8 0 0 7 0
 * ```
 *
 * Gradients: with 'set' to the update that stays, with 'max' and 'min' half to the element and half to the updates where they are
 * equal, with 'mul' the product of the others (second derivatives where several factors are 0 count as 0).
 */
export function scatter(
  x: Tensor,
  position: Tensor,
  updates: TensorLike,
  axis = -1,
  options: ScatterOptions = {},
): Tensor {
  checkOptions('scatter', options, 'combine');
  const { combine = 'set' } = options;
  if (!combinations.includes(combine)) {
    throw valueError(
      `scatter: combine must be one of ${combinations.join(', ')}, got ${describeValue(combine)}`,
    );
  }
  const { shape } = checkTensor(x, 'scatter');
  const at = normalizeAxis(axis, shape.length, 'scatter');
  const places = checkTensor(position, 'scatter', 'position');
  if (places.shape.length !== shape.length) {
    throw shapeError(
      `scatter: the position has ${places.shape.length} axes and the tensor ${shape.length}: ${formatShape(places.shape)}, ${formatShape(shape)}; they must have equally many (x.at(…) writes whole rows)`,
    );
  }
  const full = shape.map((size, i) => (i === at ? places.shape[i] : size));
  const given =
    typeof updates === 'number'
      ? x.number(updates)
      : checkTensor(updates, 'scatter', 'updates', 'a tensor or a number');
  for (const own of [places, given]) {
    if (!sameShape(broadcastShapes(full, own.shape, 'scatter'), full))
      throw shapeError(`scatter: ${formatShape(own.shape)} does not broadcast to ${formatShape(full)}`);
  }
  return write(x, places.broadcastTo(full), given.cast(x.dtype).broadcastTo(full), at, combine);
}

/**
 * Sums of the rows of each segment: `[n, …]` → `[count, …]`, where row i belongs to segment `segment[i]`; 0 for a segment
 * without rows. Without a count there are as many as the largest number asks for, and `segment` is evaluated at once.
 */
export function segmentSum(x: Tensor, segment: Tensor, count?: number): Tensor {
  const { rows, base, position } = segments('segmentSum', x, segment, count);
  return rows.apply(scatterOp, [base, position, rows], { axis: 0 });
}

/** Means of the rows of each segment, 0 for a segment without rows; see {@link segmentSum}. */
export function segmentMean(x: Tensor, segment: Tensor, count?: number): Tensor {
  const { rows, base, position } = segments('segmentMean', x, segment, count);
  const real = rows.cast(floatOf(rows.dtype));
  const sum = real.apply(scatterOp, [base, position, real], { axis: 0 });
  const size = [base.shape[0], ...rows.shape.slice(1).map(() => 1)];
  const one = position.equal(position).cast(real.dtype);
  const counts = real.apply(scatterOp, [zeros(size), position, one], { axis: 0 });
  return sum.div(counts.maximum(1));
}

/** The largest of the rows of each segment; −∞, or the lowest number of the dtype, for a segment without rows; see {@link segmentSum}. */
export function segmentMax(x: Tensor, segment: Tensor, count?: number): Tensor {
  const { rows, base, position } = segments('segmentMax', x, segment, count);
  return rows.apply(scatterMax, [base, position.broadcastTo(rows.shape), rows], { axis: 0 });
}

/** The smallest of the rows of each segment; ∞, or the largest number of the dtype, for a segment without rows; see {@link segmentSum}. */
export function segmentMin(x: Tensor, segment: Tensor, count?: number): Tensor {
  const { rows, base, position } = segments('segmentMin', x, segment, count);
  return rows.apply(scatterMin, [base, position.broadcastTo(rows.shape), rows], { axis: 0 });
}

function segments(
  operation: string,
  x: Tensor,
  segment: Tensor,
  count: number | undefined,
): { readonly rows: Tensor; readonly base: Tensor; readonly position: Tensor } {
  const { shape } = checkTensor(x, operation);
  const own = checkTensor(segment, operation, 'the segments').shape;
  if (own.length !== 1 || shape[0] !== own[0]) {
    throw shapeError(
      `${operation}: needs a segment for each row: ${formatShape(shape)} needs a tensor of shape [${shape[0] ?? 'rows'}], got ${formatShape(own)}`,
    );
  }
  const total = count === undefined ? numberOf(elementsOf(segment, operation)) : count;
  checkInteger(total, operation, 'the count', 0, 2 ** 31 - 1);
  return {
    rows: x,
    base: zeros([total, ...shape.slice(1)], { dtype: x.dtype }),
    position: segment.reshape([own[0], ...shape.slice(1).map(() => 1)]),
  };
}

/** One more than the largest. */
export function numberOf(elements: TypedArray): number {
  let largest = -1;
  for (const element of elements) largest = Math.max(largest, element);
  return largest + 1;
}
