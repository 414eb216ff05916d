/**
 * The reductions, each with its meaning in plain JavaScript numbers. From one row follow its tests of values, axes,
 * dtypes, empty and 0-d shapes and strided views, and its gradient cases.
 */
import { countNonzero, median, nanMean, nanSum, quantile, type Shape, type Tensor } from '../index.ts';
import { type Convention, convention, type GradientCase, gradientCase, numbers } from './gradientCase.ts';
import type { Interval } from './samples.ts';

/** A reduction of the elements along axes. */
export interface ReductionRow {
  readonly name: string;
  readonly of: (x: Tensor, axis: readonly number[] | undefined, keepDims: boolean) => Tensor;
  readonly value: (x: readonly number[]) => number;
  /** Where the elements are drawn from. Default [-3, 3]. */
  readonly range?: Interval;
  /** Nothing can be said of no elements. */
  readonly needsElements?: boolean;
  /** Besides float32 and float64. */
  readonly integers?: boolean;
  /** Made of operations that have rows of their own: fewer shapes and layouts are enough. */
  readonly composed?: boolean;
  /** Takes one axis at most. */
  readonly single?: boolean;
  /** Highest order of derivative checked: 3 by default, 0 where results do not vary continuously. */
  readonly order?: 0 | 2 | 3;
  /** What counts as the gradient where there is none; of all elements. */
  readonly conventions?: readonly Convention[];
}

const reduction = (
  name: keyof Tensor & string,
  value: (x: readonly number[]) => number,
  rest: Partial<ReductionRow> = {},
): ReductionRow => ({
  name,
  of: (x, axis, keepDims) =>
    (x[name] as (axis?: number | readonly number[], options?: object) => Tensor).call(
      x,
      rest.single ? axis?.[0] : axis,
      { keepDims },
    ),
  value,
  ...rest,
});

/** The same for a function. */
const ofFunction = (
  name: string,
  f: (x: Tensor, axis: readonly number[] | undefined, options: { readonly keepDims: boolean }) => Tensor,
  value: (x: readonly number[]) => number,
  rest: Partial<ReductionRow> = {},
): ReductionRow => ({
  name,
  of: (x, axis, keepDims) => f(x, axis, { keepDims }),
  value,
  composed: true,
  ...rest,
});

const known = (x: readonly number[]): number[] => x.filter((v) => !Number.isNaN(v));
const quantileOf = (x: readonly number[], q: number): number => {
  if (x.some(Number.isNaN)) return Number.NaN;
  const sorted = [...x].sort((a, b) => a - b);
  const at = q * (x.length - 1);
  const low = Math.floor(at);
  return at === low ? sorted[low] : sorted[low] + (at - low) * (sorted[low + 1] - sorted[low]);
};
const truth = (x: boolean): number => (x ? 1 : 0);
const sumOf = (x: readonly number[]): number => x.reduce((a, b) => a + b, 0);
const meanOf = (x: readonly number[]): number => sumOf(x) / x.length;
const varianceOf = (x: readonly number[]): number => meanOf(x.map((v) => (v - meanOf(x)) ** 2));
const extremeAt = (x: readonly number[], better: (a: number, b: number) => boolean): number => {
  const nan = x.findIndex(Number.isNaN);
  return nan >= 0 ? nan : x.reduce((best, v, i) => (better(v, x[best]) ? i : best), 0);
};

export const reductionRows: readonly ReductionRow[] = [
  reduction('sum', sumOf, { integers: true }),
  reduction('mean', meanOf),
  reduction('prod', (x) => x.reduce((a, b) => a * b, 1), { range: [0.8, 1.2] }),
  reduction('max', (x) => Math.max(...x), {
    needsElements: true,
    integers: true,
    order: 2,
    conventions: [{ variant: 'tie', at: [[2, 2, 1]], gradient: [[0.5, 0.5, 0]] }],
  }),
  reduction('min', (x) => Math.min(...x), {
    needsElements: true,
    integers: true,
    order: 2,
    conventions: [{ variant: 'tie', at: [[1, 1, 2, 1]], gradient: [[1 / 3, 1 / 3, 0, 1 / 3]] }],
  }),
  reduction('variance', varianceOf, { needsElements: true }),
  reduction('std', (x) => Math.sqrt(varianceOf(x)), {
    needsElements: true,
    conventions: [{ variant: 'of equal numbers', at: [[2, 2, 2]], gradient: [[0, 0, 0]] }],
  }),
  reduction('norm', (x) => Math.sqrt(sumOf(x.map((v) => v * v))), {
    conventions: [{ variant: 'at 0', at: [[0, 0]], gradient: [[0, 0]] }],
  }),
  reduction('logSumExp', (x) => Math.log(sumOf(x.map(Math.exp))), { needsElements: true }),
  reduction('argmax', (x) => extremeAt(x, (a, b) => a > b), {
    needsElements: true,
    order: 0,
    single: true,
    integers: true,
  }),
  reduction('argmin', (x) => extremeAt(x, (a, b) => a < b), {
    needsElements: true,
    order: 0,
    single: true,
    integers: true,
  }),
  ofFunction('nanSum', nanSum, (x) => sumOf(known(x))),
  ofFunction('nanMean', nanMean, (x) => meanOf(known(x))),
  ofFunction('median', median, (x) => quantileOf(x, 0.5), { needsElements: true, order: 2 }),
  ofFunction(
    'quantile',
    (x, axis, o) => quantile(x, 0.3, axis, o),
    (x) => quantileOf(x, 0.3),
    {
      needsElements: true,
      order: 2,
    },
  ),
  ofFunction('countNonzero', countNonzero, (x) => x.filter((v) => v !== 0).length, {
    order: 0,
    integers: true,
  }),
  reduction('all', (x) => truth(x.every((v) => v !== 0)), { order: 0, integers: true }),
  reduction('any', (x) => truth(x.some((v) => v !== 0)), { order: 0, integers: true }),
];

/** The gradient cases that follow from a row. Results are squared: of a sum alone the second derivative is 0. */
export function casesOfReduction(row: ReductionRow): GradientCase[] {
  const { name, order = 3 } = row;
  if (order === 0) return [];
  const over =
    (axes: readonly number[] | undefined, keepDims = false) =>
    (x: Tensor): Tensor =>
      row.of(x, axes, keepDims).square();
  const on = (
    variant: string,
    f: (x: Tensor) => Tensor,
    shape: Shape,
    highest: 2 | 3 = order,
  ): GradientCase => gradientCase(name, variant, f, [shape], highest);
  const cases = [
    on('all', over(undefined), [2, 3]),
    on('axis', over([1]), [2, 3]),
    on('axes', over([0, 2]), [2, 3, 2]),
    on('no axes', over([]), [2, 3], 2),
    on('kept axis', (x) => over([0], true)(x).mul(x), [3, 2], 2),
    on('strided', (x) => over([0])(x.transpose().flip(0)), [2, 3], 2),
    on('scalar', over(undefined), [], 2),
    on('zero-size beside', over([1]), [0, 3], 2),
  ];
  if (!row.needsElements) cases.push(on('zero-size', (x) => over([0])(x).add(over(undefined)(x)), [0, 3], 2));
  return [
    ...cases,
    ...(row.conventions ?? []).map((one) =>
      convention(name, one.variant, (x) => row.of(x, undefined, false), one.at, one.gradient),
    ),
  ];
}

/** A matrix with no zero, one zero and two zeros in a column, a row or both. */
export const withZeros = (): Tensor =>
  numbers([
    [1, 0, 3],
    [2, 4, 5],
    [0, 0, 2],
  ]);

/** What no row says. */
export const furtherReductionCases: readonly GradientCase[] = [
  gradientCase('sum', 'of squares', (x) => x.square().sum(), [[2, 3]], 3),
  gradientCase('mean', 'taken off', (x) => x.sub(x.mean(0, { keepDims: true })).square(), [[3, 2]], 2),
  gradientCase('prod', 'all, repeated', (x) => x.prod().mul(x), [[4]], 2),
  gradientCase('prod', 'zeros', (x) => x.prod(1), [withZeros()], 3),
  gradientCase('variance', 'with correction', (x) => x.variance(undefined, { correction: 1 }), [[2, 3]], 2),
  gradientCase('logSumExp', 'far out', (x) => x.logSumExp(), [numbers([1000, 1001, -1000])], 2),
];
