/**
 * Rows of operations that move elements or combine them by position. Each states the expected element at each
 * position of the result. From one row follow its tests of values, dtypes and strided views, and its gradient case.
 */
import type { DType, Shape, Tensor } from '../index.ts';
import { type CaseFunction, type GradientCase, gradientCase } from './gradientCase.ts';

/** Reads an element of an operand. */
export type ReadElement = (...at: number[]) => number;

export interface StructuralRow {
  readonly operation: string;
  /** What is special about this row: `batches, broadcast`. */
  readonly variant: string;
  readonly shapes: readonly Shape[];
  readonly of: CaseFunction;
  /** The shape of the result. */
  readonly result: Shape;
  /** The expected element at a position of the result. */
  readonly element: (at: readonly number[], ...operands: ReadElement[]) => number;
  /** Default: all but uint32. */
  readonly dtypes?: readonly DType[];
  /** Highest order of derivative checked: 2 by default, 0 for none. */
  readonly order?: 0 | 2 | 3;
}

export const floats: readonly DType[] = ['float32', 'float64'];

export function row(
  operation: string,
  variant: string,
  shapes: readonly Shape[],
  of: CaseFunction,
  result: Shape,
  element: StructuralRow['element'],
  rest: Pick<StructuralRow, 'dtypes' | 'order'> = {},
): StructuralRow {
  return { operation, variant, shapes, of, result, element, ...rest };
}

/** The gradient case that follows from a row. The result is squared: of a movement alone the second derivative is 0. */
export function casesOfStructural({
  operation,
  variant,
  shapes,
  of,
  order = 2,
}: StructuralRow): GradientCase[] {
  if (order === 0) return [];
  return [gradientCase(operation, variant, (...x: Tensor[]) => of(...x).square(), shapes, order)];
}

/** f(0) … f(n − 1) */
export function line(n: number, f: (k: number) => number): number[] {
  return Array.from({ length: n }, (_, k) => f(k));
}

export function sumOver(n: number, f: (k: number) => number): number {
  return line(n, f).reduce((a, b) => a + b, 0);
}
