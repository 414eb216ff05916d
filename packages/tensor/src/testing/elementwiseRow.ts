/**
 * What a row of elementwise operations says, and what rows are written with.
 */
import type { DType, Tensor } from '../index.ts';
import type { Convention } from './gradientCase.ts';
import type { Interval } from './samples.ts';

/** An operation that treats each element alike. */
export interface ElementwiseRow {
  readonly name: string;
  /** What is special about this row, where an operation has several: `tanh approximation`. */
  readonly variant?: string;
  readonly of: (x: readonly Tensor[]) => Tensor;
  /** The definition, in float64. */
  readonly value: (...x: number[]) => number;
  /** Where the operands are drawn from; one range for each operand. */
  readonly ranges: readonly Interval[];
  /** Besides float32 and float64. */
  readonly integers?: boolean;
  /** For integers alone; there is no gradient. */
  readonly whole?: boolean;
  /** Made of operations that have rows of their own: fewer shapes and layouts are enough. */
  readonly composed?: boolean;
  /** Special values (NaN, infinities, zeros of both signs) are compared too. Default true. */
  readonly special?: boolean;
  /** Whether the sign of a zero is part of the definition. Default false. */
  readonly signedZero?: boolean;
  /** Relative error allowed in float32 beyond the default, where a device may use a series. */
  readonly tolerance?: number;
  /** The dtype of the result, where it is not that of the operands. Results of bool have no gradient. */
  readonly result?: DType;
  /** 0 where the function has a kink or a jump. Gradients are compared with differences away from there, to order 2. */
  readonly kink?: (...x: number[]) => number;
  /** What counts as the gradient where there is none. */
  readonly conventions?: readonly Convention[];
  /** Arguments at which naive formulas overflow or cancel: the gradient is compared there as well. */
  readonly farOut?: readonly number[];
}

export const wide: Interval = [-3, 3];
export const positive: Interval = [0.1, 4];
export const unit: Interval = [-0.9, 0.9];

export const unary = (
  name: keyof Tensor & string,
  value: (x: number) => number,
  range: Interval = wide,
  rest: Partial<ElementwiseRow> = {},
): ElementwiseRow => ({
  name,
  of: ([x]) => (x[name] as () => Tensor).call(x),
  value,
  ranges: [range],
  ...rest,
});

export const binary = (
  name: keyof Tensor & string,
  value: (x: number, y: number) => number,
  ranges: readonly [Interval, Interval] = [wide, wide],
  rest: Partial<ElementwiseRow> = {},
): ElementwiseRow => ({
  name,
  of: ([x, y]) => (x[name] as (y: Tensor) => Tensor).call(x, y),
  value,
  ranges,
  ...rest,
});

export const truth = (x: boolean): number => (x ? 1 : 0);

/** Halves to the even neighbor. */
export function roundEven(x: number): number {
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

/** Kinks at points of the line, with what counts as the derivative there. */
export function kinksAt(
  variant: string,
  points: readonly number[],
  slopes: readonly number[],
): Pick<ElementwiseRow, 'kink' | 'conventions'> {
  return {
    kink: (x) => Math.min(...points.map((point) => Math.abs(x - point))),
    conventions: [{ variant, at: [points], gradient: [slopes] }],
  };
}

export const whole = [-3, -2, -1, 0, 1, 2, 3];
export const flat = (variant: string, points: readonly number[]) =>
  kinksAt(
    variant,
    points,
    points.map(() => 0),
  );
export const integers = { integers: true };
export const logical: Partial<ElementwiseRow> = { integers: true, result: 'bool' };
export const signed = { signedZero: true };
export const finite = { special: false };

/** A row of one operand, of a function. */
export const unaryOf = (
  name: string,
  of: (x: Tensor) => Tensor,
  value: (x: number) => number,
  range: Interval = wide,
  rest: Partial<ElementwiseRow> = {},
): ElementwiseRow => ({ name, of: ([x]) => of(x), value, ranges: [range], ...rest });

/** A row of two operands, of a function. */
export const binaryOf = (
  name: string,
  of: (x: Tensor, y: Tensor) => Tensor,
  value: (x: number, y: number) => number,
  ranges: readonly [Interval, Interval] = [wide, wide],
  rest: Partial<ElementwiseRow> = {},
): ElementwiseRow => ({ name, of: ([x, y]) => of(x, y), value, ranges, ...rest });

/** Where two operands meet. */
export const meet = (x: number, y: number): number => x - y;
