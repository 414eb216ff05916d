/**
 * What a gradient case is, and how one is made: the vocabulary of the tables beside this file.
 */
import { key, normal, Tensor, tensor } from '../index.ts';

/** One operation at one set of inputs: everything that is needed to check its derivatives. */
export interface GradientCase {
  /** The public name, `tanh` or `conv2d`. */
  readonly operation: string;
  /** What is special about this case: `broadcast`, `repeated input`, `zero-size`, … */
  readonly variant: string;
  readonly f: (x: readonly Tensor[]) => Tensor;
  /** float64 tensors; made anew at each call. */
  readonly inputs: () => Tensor[];
  /** Derivatives up to this order are compared with finite differences. */
  readonly order: 1 | 2 | 3;
  /**
   * The gradient of the sum of the result for each input, where the function has a kink or a tie and differences tell
   * nothing: the convention.
   */
  readonly expected?: readonly (readonly number[])[];
}

export type CaseFunction = (...x: Tensor[]) => Tensor;

/** Normally distributed float64 numbers that are always the same. */
export function sample(shape: readonly number[], seed: number): Tensor {
  return tensor(normal(shape, { key: key(seed), dtype: 'float64' }).dataSync(), { shape, dtype: 'float64' });
}

/** The numbers given, as float64. */
export function numbers(data: Parameters<typeof tensor>[0]): Tensor {
  return tensor(data, { dtype: 'float64' });
}

/** Whole numbers, for positions. */
export function positions(data: Parameters<typeof tensor>[0]): Tensor {
  return tensor(data, { dtype: 'int32' });
}

/** A case whose inputs are samples of the given shapes, or tensors. */
export function gradientCase(
  operation: string,
  variant: string,
  f: CaseFunction,
  inputs: readonly (readonly number[] | Tensor)[],
  order: 1 | 2 | 3 = 2,
): GradientCase {
  return {
    operation,
    variant,
    f: (x) => f(...x),
    inputs: () => inputs.map((x, i) => (x instanceof Tensor ? x : sample(x, 17 * i + operation.length))),
    order,
  };
}

/** A case at a point where the derivative is a convention. */
export function convention(
  operation: string,
  variant: string,
  f: CaseFunction,
  inputs: readonly Parameters<typeof tensor>[0][],
  expected: readonly (readonly number[])[],
): GradientCase {
  return { operation, variant, f: (x) => f(...x), inputs: () => inputs.map(numbers), order: 1, expected };
}
