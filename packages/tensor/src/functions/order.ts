/** Questions about the order of elements: which are there, where they would stand, how often they occur. */
import { checkArray, checkInteger } from '../check.ts';
import { dtypeError, shapeError, valueError } from '../errors.ts';
import { scatter } from '../ops/indexing.ts';
import { checkOptions } from '../options.ts';
import { formatShape, sizeOf } from '../shape.ts';
import { checkTensor, type Tensor } from '../tensor.ts';
import { arange, tensor, zeros } from './create.ts';
import { numberOf } from './scatter.ts';
import { elementsOf } from './select.ts';

/** What `unique` gives beside the values: asked for one, it gives all. */
export interface UniqueOptions {
  /** Also the position of the first occurrence of each value. */
  readonly indices?: boolean;
  /** Also, in the shape of the tensor, the position of each element among the values. */
  readonly inverse?: boolean;
  /** Also how often each value occurs. */
  readonly counts?: boolean;
}

/** What `unique` gives where more than the values is asked for; positions and counts are int32. */
export interface Unique {
  /** Ascending, NaN once and last. */
  readonly values: Tensor;
  readonly indices: Tensor;
  readonly inverse: Tensor;
  readonly counts: Tensor;
}

/**
 * The different elements, ascending, NaN once and last; evaluates `x`, as their number is the shape of the result.
 *
 * ```ts
 * await unique(tensor([3, 1, 3]));                       // 1 3
 * (await unique(tensor([3, 1, 3]), { counts: true })).counts; // 1 2
 * ```
 */
export function unique(x: Tensor): Promise<Tensor>;
export function unique(x: Tensor, options: UniqueOptions): Promise<Unique>;
export async function unique(x: Tensor, options?: UniqueOptions): Promise<Tensor | Unique> {
  checkOptions('unique', options, 'indices inverse counts');
  const elements = await checkTensor(x, 'unique').data();
  const order = Array.from(elements, (_, i) => i).sort((a, b) => compare(elements[a], elements[b]) || a - b);
  const first: number[] = [];
  const counts: number[] = [];
  const inverse = new Int32Array(elements.length);
  order.forEach((position, i) => {
    if (i === 0 || compare(elements[order[i - 1]], elements[position]) !== 0) {
      first.push(position);
      counts.push(0);
    }
    inverse[position] = first.length - 1;
    counts[counts.length - 1]++;
  });
  const values = tensor(
    first.map((position) => elements[position]),
    { dtype: x.dtype, shape: [first.length] },
  );
  if (options === undefined) return values;
  return {
    values,
    indices: tensor(Int32Array.from(first)),
    inverse: tensor(inverse, { shape: x.shape }),
    counts: tensor(Int32Array.from(counts)),
  };
}

/** Ascending, NaN last. */
function compare(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return a - b || 0;
}

/** Where equal elements count. */
export interface SearchSortedOptions {
  /** Before equal elements, or behind them. Default 'left'. */
  readonly side?: 'left' | 'right';
}

/**
 * Where each value would have to stand so that ascending elements stay ascending, int32: `[n]` and `[…]` → `[…]`, or rows of their
 * own, `[…, n]` and `[…, m]` → `[…, m]`. NaN counts as largest. A binary search of ⌈log₂ n⌉ steps.
 */
export function searchSorted(sorted: Tensor, values: Tensor, options: SearchSortedOptions = {}): Tensor {
  checkOptions('searchSorted', options, 'side');
  const { side = 'left' } = options;
  if (side !== 'left' && side !== 'right')
    throw valueError(`searchSorted: side must be 'left' or 'right', got ${String(side)}`);
  const { shape } = checkTensor(sorted, 'searchSorted', 'the sorted elements');
  const wanted = checkTensor(values, 'searchSorted', 'the values');
  if (shape.length === 0) throw shapeError('searchSorted: the sorted elements need an axis, got a scalar');
  if (shape.length > 1 && formatShape(shape.slice(0, -1)) !== formatShape(wanted.shape.slice(0, -1))) {
    throw shapeError(
      `searchSorted: rows of ${formatShape(shape)} and of ${formatShape(wanted.shape)} do not match; all axes but the last must be equal`,
    );
  }
  const rows = shape.length === 1 ? wanted.reshape([-1]) : wanted;
  const n = shape[shape.length - 1];
  let position = zeros(rows.shape, { dtype: 'int32' });
  if (n === 0 || sizeOf(rows.shape) === 0) return position.reshape(wanted.shape);
  for (let step = 2 ** (31 - Math.clz32(n)); step >= 1; step /= 2) {
    const next = position.add(step);
    const fits = next.lessEqual(n);
    const element = sorted.gather(fits.where(next, n).sub(1), -1);
    const before =
      side === 'left'
        ? element.less(rows).logicalOr(rows.isNaN().logicalAnd(element.isNaN().logicalNot()))
        : element.lessEqual(rows).logicalOr(rows.isNaN());
    position = fits.logicalAnd(before).where(next, position);
  }
  return position.reshape(wanted.shape);
}

/** Options of `bincount`. */
export interface BincountOptions {
  /** Number of bins; numbers beyond are an error. Default: as many as the largest number needs, for which the tensor is evaluated at once. */
  readonly length?: number;
  /** What each number counts, in the shape of the tensor. Default: 1, and the result is int32. */
  readonly weights?: Tensor;
}

/** How often each whole number from 0 on occurs. @throws TypeError for fractions of any kind */
export function bincount(x: Tensor, options: BincountOptions = {}): Tensor {
  checkOptions('bincount', options, 'length weights');
  if (checkTensor(x, 'bincount').dtype.startsWith('float'))
    throw dtypeError(`bincount: needs whole numbers, got ${x.dtype}; cast them: x.cast('int32')`);
  const { length, weights } = options;
  const count = length === undefined ? numberOf(elementsOf(x, 'bincount')) : length;
  checkInteger(count, 'bincount', 'the length', 0, 2 ** 31 - 1);
  return counted('bincount', x, count, weights);
}

/** For each position in 0 … count − 1 how often it occurs in `x`, or the sum of its weights. */
function counted(operation: string, x: Tensor, count: number, weights: Tensor | undefined): Tensor {
  const position = x.reshape([-1]).cast('int32');
  if (
    weights !== undefined &&
    formatShape(checkTensor(weights, operation, 'weights').shape) !== formatShape(x.shape)
  ) {
    throw shapeError(
      `${operation}: the weights have the shape ${formatShape(weights.shape)} and the tensor ${formatShape(x.shape)}; they must be equal`,
    );
  }
  const each = weights?.reshape([-1]) ?? position.equal(position).cast('int32');
  return each.apply(scatter, [zeros([count]), position, each], { axis: 0 });
}

/** Options of `histogram`. */
export interface HistogramOptions {
  /** How many bins of equal width, or their ascending edges. Default 10. */
  readonly bins?: number | readonly number[] | Tensor;
  /** First and last edge of bins of equal width. Default: the smallest and the largest element. */
  readonly range?: readonly [low: number, high: number];
  /** What each element counts, in the shape of the tensor. */
  readonly weights?: Tensor;
  /** Counts divided by their sum and by the widths, so that the area is 1. Default false. */
  readonly density?: boolean;
}

/**
 * How many elements lie between neighboring edges: `{ counts, edges }`, one edge more than counts. An element on an edge counts
 * to the bin above, on the last one to the last bin; those outside and NaN do not count. Where all elements are equal the bins
 * span ½ to both sides, as NumPy's do. Counts are int32, unless there are weights or a density is asked for.
 */
export function histogram(
  x: Tensor,
  options: HistogramOptions = {},
): { readonly counts: Tensor; readonly edges: Tensor } {
  checkOptions('histogram', options, 'bins range weights density');
  const { bins = 10, range, weights, density = false } = options;
  const real = checkTensor(x, 'histogram').cast(x.dtype === 'float64' ? 'float64' : 'float32');
  const edges = edgesOf(real, bins, range);
  const n = edges.shape[0] - 1;
  const line = real.reshape([-1]);
  const right = searchSorted(edges, line, { side: 'right' }).sub(1);
  const bin = line.equal(edges.slice(n)).where(n - 1, right);
  // Those that count nowhere go to a bin behind the last.
  const inside = bin.greaterEqual(0).logicalAnd(bin.less(n));
  const all = counted('histogram', inside.where(bin, n).reshape(x.shape), n + 1, weights);
  const counts = all.slice(0, n);
  if (!density) return { counts, edges };
  const widths = edges.slice(1).sub(edges.slice(0, n));
  return { counts: counts.cast(real.dtype).div(widths).div(counts.sum()), edges };
}

function edgesOf(
  x: Tensor,
  bins: number | readonly number[] | Tensor,
  range: readonly [number, number] | undefined,
): Tensor {
  if (typeof bins !== 'number') {
    const edges = Array.isArray(bins)
      ? tensor(checkArray(bins as readonly number[], 'histogram', 'bins') as number[], { dtype: x.dtype })
      : checkTensor(bins, 'histogram', 'bins', 'a number, an array of edges or a tensor').cast(x.dtype);
    if (edges.shape.length !== 1 || edges.shape[0] < 2)
      throw shapeError(`histogram: needs at least two edges, got ${formatShape(edges.shape)}`);
    return edges;
  }
  const n = checkInteger(bins, 'histogram', 'bins', 1, 2 ** 31 - 2);
  const [low, high] = range === undefined ? limitsOf(x) : checkedRange(x, range);
  const none = high.sub(low).equal(0);
  const first = low.sub(none.cast(x.dtype).mul(0.5));
  const width = none.where(1, high.sub(low));
  const share = arange(0, n + 1, 1, { dtype: x.dtype }).div(n);
  return first.add(share.mul(width));
}

function limitsOf(x: Tensor): [Tensor, Tensor] {
  if (sizeOf(x.shape) === 0) return [x.number(0), x.number(1)];
  return [x.min(), x.max()];
}

function checkedRange(x: Tensor, range: readonly [number, number]): [Tensor, Tensor] {
  const fits =
    Array.isArray(range) && range.length === 2 && range.every(Number.isFinite) && range[0] <= range[1];
  if (!fits)
    throw valueError(`histogram: range must be [low, high] with low ≤ high, got ${JSON.stringify(range)}`);
  return [x.number(range[0]), x.number(range[1])];
}
