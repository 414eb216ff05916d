/**
 * The operations, each with what it means in plain JavaScript numbers. The conformance suite turns each row into tests
 * of values, dtypes, broadcasting, empty and 0-d shapes, strided views, special values and gradients.
 */
import type { DType } from '../dtype.ts';
import type { Tensor } from '../tensor.ts';

/** An operation that treats each element alike. */
export interface ElementwiseRow {
  readonly name: string;
  readonly of: (x: readonly Tensor[]) => Tensor;
  /** The definition, in float64. */
  readonly value: (...x: number[]) => number;
  /** Where the operands are drawn from; one range for each operand. */
  readonly ranges: readonly (readonly [number, number])[];
  /** Besides float32 and float64. */
  readonly integers?: boolean;
  /** Special values (NaN, infinities, zeros of both signs) are compared too. Default true. */
  readonly special?: boolean;
  /** Whether the sign of a zero is part of the definition. Default false. */
  readonly signedZero?: boolean;
  /** Highest order of derivative checked; 0 where there is none. Default 2. */
  readonly order?: number;
  /** Relative error allowed in float32 beyond the default, where a device may use a series. */
  readonly tolerance?: number;
  /** The dtype of the result, where it is not that of the operands. */
  readonly result?: DType;
}

const wide: readonly [number, number] = [-3, 3];
const positive: readonly [number, number] = [0.1, 4];
const unit: readonly [number, number] = [-0.9, 0.9];

const unary = (
  name: keyof Tensor & string,
  value: (x: number) => number,
  range: readonly [number, number] = wide,
  rest: Partial<ElementwiseRow> = {},
): ElementwiseRow => ({
  name,
  of: ([x]) => (x[name] as () => Tensor).call(x),
  value,
  ranges: [range],
  ...rest,
});

const binary = (
  name: keyof Tensor & string,
  value: (x: number, y: number) => number,
  ranges: readonly [readonly [number, number], readonly [number, number]] = [wide, wide],
  rest: Partial<ElementwiseRow> = {},
): ElementwiseRow => ({
  name,
  of: ([x, y]) => (x[name] as (y: Tensor) => Tensor).call(x, y),
  value,
  ranges,
  ...rest,
});

const truth = (x: boolean): number => (x ? 1 : 0);

/** Halves to the even neighbor. */
function roundEven(x: number): number {
  if (!Number.isFinite(x)) return x;
  const low = Math.floor(x);
  const rest = x - low;
  const rounded = rest < 0.5 ? low : rest > 0.5 ? low + 1 : low % 2 === 0 ? low : low + 1;
  return rounded === 0 && (x < 0 || Object.is(x, -0)) ? -0 : rounded;
}

/** 2/√π Σ (−1)ⁿ x²ⁿ⁺¹ / (n! (2n + 1)), Abramowitz & Stegun 7.1.5; beyond 4 the rest is below 2e-8 and beyond 6 below 1e-16. */
export function erfSeries(x: number): number {
  if (Number.isNaN(x)) return x;
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; n < 200; n++) {
    term *= -(x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const modulo = (x: number, y: number): number => x - Math.floor(x / y) * y;

export const elementwiseRows: readonly ElementwiseRow[] = [
  binary('add', (x, y) => x + y, undefined, { integers: true, order: 2 }),
  binary('sub', (x, y) => x - y, undefined, { integers: true }),
  binary('mul', (x, y) => x * y, undefined, { integers: true, signedZero: true }),
  binary('div', (x, y) => x / y, [wide, positive]),
  binary('pow', (x, y) => x ** y, [positive, wide], { special: false, tolerance: 1e-4 }),
  binary(
    'mod',
    modulo,
    [
      [-7, 7],
      [1.5, 2.5],
    ],
    { order: 0, special: false },
  ),
  binary('maximum', Math.max, undefined, { integers: true }),
  binary('minimum', Math.min, undefined, { integers: true }),
  binary('atan2', Math.atan2, [positive, wide]),
  binary('equal', (x, y) => truth(x === y), undefined, { integers: true, order: 0, result: 'bool' }),
  binary('notEqual', (x, y) => truth(x !== y), undefined, { integers: true, order: 0, result: 'bool' }),
  binary('less', (x, y) => truth(x < y), undefined, { integers: true, order: 0, result: 'bool' }),
  binary('lessEqual', (x, y) => truth(x <= y), undefined, { integers: true, order: 0, result: 'bool' }),
  binary('greater', (x, y) => truth(x > y), undefined, { integers: true, order: 0, result: 'bool' }),
  binary('greaterEqual', (x, y) => truth(x >= y), undefined, { integers: true, order: 0, result: 'bool' }),
  binary('logicalAnd', (x, y) => truth(x !== 0 && y !== 0), undefined, {
    integers: true,
    order: 0,
    result: 'bool',
  }),
  binary('logicalOr', (x, y) => truth(x !== 0 || y !== 0), undefined, {
    integers: true,
    order: 0,
    result: 'bool',
  }),
  unary('logicalNot', (x) => truth(x === 0), wide, { integers: true, order: 0, result: 'bool' }),
  unary('isNaN', (x) => truth(Number.isNaN(x)), wide, { order: 0, result: 'bool' }),
  unary('isFinite', (x) => truth(Number.isFinite(x)), wide, { order: 0, result: 'bool' }),
  unary('neg', (x) => -x, wide, { integers: true, signedZero: true }),
  unary('abs', Math.abs, [0.1, 3], { integers: true, signedZero: true }),
  unary('sign', Math.sign, wide, { integers: true, order: 0 }),
  unary('square', (x) => x * x, wide, { integers: true, signedZero: true }),
  unary('sqrt', Math.sqrt, positive, { signedZero: true }),
  unary('rsqrt', (x) => 1 / Math.sqrt(x), positive),
  unary('reciprocal', (x) => 1 / x, positive, { signedZero: true }),
  unary('floor', Math.floor, wide, { order: 0, signedZero: true, integers: true }),
  unary('ceil', Math.ceil, wide, { order: 0, signedZero: true, integers: true }),
  unary('round', roundEven, wide, { order: 0, signedZero: true, integers: true }),
  unary('exp', Math.exp),
  unary('expm1', Math.expm1, wide, { signedZero: true }),
  unary('log', Math.log, positive),
  unary('log1p', Math.log1p, positive, { signedZero: true }),
  unary('log2', Math.log2, positive),
  unary('sin', Math.sin, wide, { signedZero: true }),
  unary('cos', Math.cos),
  unary('tan', Math.tan, [-1.2, 1.2], { signedZero: true }),
  unary('asin', Math.asin, unit),
  unary('acos', Math.acos, unit),
  unary('atan', Math.atan),
  unary('sinh', Math.sinh),
  unary('cosh', Math.cosh),
  unary('tanh', Math.tanh),
  unary('erf', erfSeries, [-2.5, 2.5]),
  unary('sigmoid', sigmoid),
  unary('relu', (x) => Math.max(x, 0), [0.1, 3], { integers: true }),
  unary('softplus', softplus),
  unary('leakyRelu', (x) => (x > 0 ? x : 0.01 * x), [0.1, 3], { special: false }),
  unary('elu', (x) => (x > 0 ? x : Math.expm1(x)), [-3, -0.1]),
  unary('selu', (x) => 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * Math.expm1(x)), [-3, -0.1]),
  unary('gelu', (x) => 0.5 * x * (1 + erfSeries(x / Math.SQRT2)), wide, { special: false }),
  unary('silu', (x) => x * sigmoid(x), wide, { special: false }),
  unary('softsign', (x) => x / (1 + Math.abs(x)), [0.1, 3], { special: false }),
  unary('logSigmoid', (x) => -softplus(-x)),
  unary('hardSigmoid', (x) => Math.min(1, Math.max(0, (x + 3) / 6)), [-2.9, 2.9]),
  unary('hardSwish', (x) => (x * Math.min(6, Math.max(0, x + 3))) / 6, [-2.9, 2.9], { special: false }),
  unary('mish', (x) => x * Math.tanh(softplus(x)), wide, { special: false }),
  {
    name: 'where',
    of: ([c, x, y]) => c.greater(0).where(x, y),
    value: (c, x, y) => (c > 0 ? x : y),
    ranges: [wide, wide, wide],
    integers: true,
    order: 1,
  },
  {
    name: 'clamp',
    of: ([x]) => x.clamp(-1, 1),
    value: (x) => Math.min(1, Math.max(-1, x)),
    ranges: [[-0.9, 0.9]],
  },
];

/** A reduction of the elements along axes. */
export interface ReductionRow {
  readonly name: string;
  readonly of: (x: Tensor, axis: readonly number[] | undefined, keepDims: boolean) => Tensor;
  readonly value: (x: readonly number[]) => number;
  /** Nothing can be said of no elements. */
  readonly needsElements?: boolean;
  readonly order?: number;
  readonly integers?: boolean;
  /** Takes one axis at most. */
  readonly single?: boolean;
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
  reduction('prod', (x) => x.reduce((a, b) => a * b, 1)),
  reduction('max', (x) => Math.max(...x), { needsElements: true, integers: true }),
  reduction('min', (x) => Math.min(...x), { needsElements: true, integers: true }),
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
  reduction('all', (x) => truth(x.every((v) => v !== 0)), { order: 0, integers: true }),
  reduction('any', (x) => truth(x.some((v) => v !== 0)), { order: 0, integers: true }),
  reduction('variance', varianceOf, { needsElements: true }),
  reduction('std', (x) => Math.sqrt(varianceOf(x)), { needsElements: true }),
  reduction('logSumExp', (x) => Math.log(sumOf(x.map(Math.exp))), { needsElements: true }),
];
