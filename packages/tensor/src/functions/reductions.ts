/** Reductions and running forms that are functions alone. */
import { checkArray, checkNumber, describeValue } from '../check.ts';
import { floatOf } from '../dtype.ts';
import { shapeError, valueError } from '../errors.ts';
import { cummax as cummaxOp, cummin as cumminOp } from '../ops/running.ts';
import { checkOptions } from '../options.ts';
import { type Axes, formatShape, normalizeAxes, normalizeAxis, reducedShape, sizeOf } from '../shape.ts';
import { apply, checkTensor, type ReduceOptions, type Tensor } from '../tensor.ts';
import { logaddexp } from './elementwise/logarithms.ts';
import { stack } from './free.ts';
import { sectionOf } from './select.ts';

/** Sum of the elements that are not NaN. */
export function nanSum(x: Tensor, axis?: Axes, options: ReduceOptions = {}): Tensor {
  checkOptions('nanSum', options, 'keepDims');
  const axes = normalizeAxes(axis, checkTensor(x, 'nanSum').shape.length, 'nanSum');
  return x.isNaN().where(0, x).sum(axes, options);
}

/** Mean of the elements that are not NaN; NaN where there are none. */
export function nanMean(x: Tensor, axis?: Axes, options: ReduceOptions = {}): Tensor {
  checkOptions('nanMean', options, 'keepDims');
  const axes = normalizeAxes(axis, checkTensor(x, 'nanMean').shape.length, 'nanMean');
  const real = x.cast(floatOf(x.dtype));
  const none = real.isNaN();
  const count = none.logicalNot().cast(real.dtype).sum(axes, options);
  return none.where(0, real).sum(axes, options).div(count);
}

/** How many elements are not 0, int32; NaN is not 0. */
export function countNonzero(x: Tensor, axis?: Axes, options: ReduceOptions = {}): Tensor {
  checkOptions('countNonzero', options, 'keepDims');
  const axes = normalizeAxes(axis, checkTensor(x, 'countNonzero').shape.length, 'countNonzero');
  return x.cast('bool').sum(axes, options);
}

/** How values between two elements are found. */
export interface QuantileOptions extends ReduceOptions {
  /** Between its neighbors: on the line, the lower, the higher, the nearer (of two equally near the even position), or their mean. Default 'linear'. */
  readonly interpolation?: 'linear' | 'lower' | 'higher' | 'nearest' | 'midpoint';
}

/**
 * The value below which a share `q` of the elements lies, over all axes by default: that at position q·(n − 1) of the sorted elements.
 * Several shares give an axis in front. NaN where an element is NaN. The gradient goes to the elements next to that position.
 *
 * @throws RangeError for a share outside 0 … 1, and where there are no elements
 */
export function quantile(
  x: Tensor,
  q: number | readonly number[],
  axis?: Axes,
  options: QuantileOptions = {},
): Tensor {
  checkOptions('quantile', options, 'keepDims interpolation');
  return quantiles('quantile', x, q, axis, options);
}

/** The element in the middle of the sorted ones, the mean of two for an even number (PyTorch's is the lower one: `quantile` with 'lower'). */
export function median(x: Tensor, axis?: Axes, options: ReduceOptions = {}): Tensor {
  checkOptions('median', options, 'keepDims');
  return quantiles('median', x, 0.5, axis, options);
}

function quantiles(
  operation: string,
  x: Tensor,
  q: number | readonly number[],
  axis: Axes | undefined,
  { keepDims = false, interpolation = 'linear' }: QuantileOptions,
): Tensor {
  const { shape } = checkTensor(x, operation);
  const axes = normalizeAxes(axis, shape.length, operation);
  const shares = typeof q === 'number' ? [q] : checkArray(q, operation, 'q');
  for (const share of shares) {
    if (!(checkNumber(share, operation, 'q') >= 0 && share <= 1))
      throw valueError(`${operation}: q must be in 0 … 1, got ${share}`);
  }
  if (!Object.hasOwn(parts, interpolation)) {
    throw valueError(
      `${operation}: interpolation must be '${Object.keys(parts).join("', '")}', got ${describeValue(interpolation)}`,
    );
  }
  const n = sizeOf(axes.map((at) => shape[at]));
  if (n === 0)
    throw shapeError(
      `${operation}: ${formatShape(shape)} has no elements along the axes, so there is no ${operation}`,
    );
  const sorted = sortedLast(mergedLast(x.cast(floatOf(x.dtype)), axes));
  const last = sorted.shape.length - 1;
  const at = (position: number): Tensor => sectionOf(sorted, position, 1, last).squeeze(last);
  // NaN comes last.
  const highest = at(n - 1);
  const results = shares.map((share) => {
    const position = share * (n - 1);
    const low = Math.floor(position);
    const part = parts[interpolation](position, low);
    const value =
      part === 0
        ? at(low)
        : part === 1
          ? at(low + 1)
          : at(low).add(
              at(low + 1)
                .sub(at(low))
                .mul(part),
            );
    return highest
      .isNaN()
      .where(highest, value)
      .reshape(reducedShape(shape, axes, keepDims));
  });
  return typeof q === 'number' ? results[0] : stack(results);
}

/** How far the result lies from the lower neighbor to the higher. */
const parts: Record<string, (position: number, low: number) => number> = {
  linear: (position, low) => position - low,
  lower: () => 0,
  higher: (position, low) => (position > low ? 1 : 0),
  nearest: (position, low) => {
    const part = position - low;
    return part === 0.5 ? low % 2 : Math.round(part);
  },
  midpoint: (position, low) => (position > low ? 0.5 : 0),
};

/** The reduced axes as one, behind the others. */
function mergedLast(x: Tensor, axes: readonly number[]): Tensor {
  const kept = x.shape.map((_, i) => i).filter((i) => !axes.includes(i));
  const size = sizeOf(axes.map((i) => x.shape[i]));
  return x.permute([...kept, ...axes]).reshape([...kept.map((i) => x.shape[i]), size]);
}

function sortedLast(x: Tensor): Tensor {
  return x.gather(x.argsort(), -1);
}

/** The largest element so far along an axis, the last by default. The gradient goes to the last that attained it. */
export function cummax(x: Tensor, axis = -1): Tensor {
  return running('cummax', x, axis, (t) => apply(cummaxOp, [t]));
}

/** The smallest element so far along an axis, the last by default. The gradient goes to the last that attained it. */
export function cummin(x: Tensor, axis = -1): Tensor {
  return running('cummin', x, axis, (t) => apply(cumminOp, [t]));
}

/**
 * log Σ eˣ of the elements so far along an axis, the last by default, without overflow: pairs, then pairs of pairs
 * (W. D. Hillis, G. L. Steele, "Data parallel algorithms", CACM 29, 1986), so that n elements take log₂ n passes.
 */
export function logCumsumExp(x: Tensor, axis = -1): Tensor {
  checkTensor(x, 'logCumsumExp');
  return running('logCumsumExp', x.cast(floatOf(x.dtype)), axis, (t) => {
    const last = t.shape.length - 1;
    const n = t.shape[last];
    let sums = t;
    for (let width = 1; width < n; width *= 2) {
      const before = sectionOf(sums, 0, n - width, last);
      const widths = t.shape.map((_, i): [number, number] => (i === last ? [width, 0] : [0, 0]));
      sums = logaddexp(sums, before.pad(widths, Number.NEGATIVE_INFINITY));
    }
    return sums;
  });
}

function running(operation: string, x: Tensor, axis: number, of: (x: Tensor) => Tensor): Tensor {
  const rank = checkTensor(x, operation).shape.length;
  const at = normalizeAxis(axis, rank, operation);
  return at === rank - 1 ? of(x) : of(x.transpose(at, rank - 1)).transpose(at, rank - 1);
}
