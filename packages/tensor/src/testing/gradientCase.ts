/**
 * Gradient cases: how one is made and checked. The tables beside this file are written with it.
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

/** A case whose inputs are samples of the given shapes, tensors, or what a function makes. */
export function gradientCase(
  operation: string,
  variant: string,
  f: CaseFunction,
  inputs: readonly (readonly number[] | Tensor)[] | (() => Tensor[]),
  order: 1 | 2 | 3 = 2,
): GradientCase {
  return {
    operation,
    variant,
    f: (x) => f(...x),
    inputs:
      typeof inputs === 'function'
        ? inputs
        : () => inputs.map((x, i) => (x instanceof Tensor ? x : sample(x, 17 * i + operation.length))),
    order,
  };
}

/** What counts as the gradient of the sum of the result, at a point where the function has no derivative. */
export interface Convention {
  readonly variant: string;
  /** The elements of each input: a list, or nested ones. */
  readonly at: readonly Parameters<typeof tensor>[0][];
  /** The gradient for each input, its elements in row-major order. */
  readonly gradient: readonly (readonly number[])[];
}

/** A case at a point where the derivative is a convention. */
export function convention(
  operation: string,
  variant: string,
  f: CaseFunction,
  at: Convention['at'],
  gradient: Convention['gradient'],
): GradientCase {
  return {
    operation,
    variant,
    f: (x) => f(...x),
    inputs: () => at.map(numbers),
    order: 1,
    expected: gradient,
  };
}

/** What of `@ag/graph` derivatives are checked with; pass the module. */
export interface Differentiation {
  gradients(y: Tensor, wrt: readonly Tensor[]): Tensor[];
  checkGradients(
    f: (x: readonly Tensor[]) => Tensor,
    x: readonly Tensor[],
    options?: { order?: number; tolerance?: number },
  ): { readonly errors: readonly number[] };
}

/**
 * Checks one case on the backend in use: against finite differences, or against the convention.
 *
 * @returns the largest relative error for each order
 * @throws Error at the first derivative that is off
 */
export function checkGradientCase(
  { f, inputs, order, expected }: GradientCase,
  graph: Differentiation,
  options: { readonly tolerance?: number } = {},
): readonly number[] {
  const x = inputs();
  if (!expected) return graph.checkGradients(f, x, { order, ...options }).errors;
  let worst = 0;
  graph.gradients(f(x).sum(), x).forEach((g, i) => {
    g.dataSync().forEach((value, position) => {
      const error = Math.abs(value - expected[i][position]);
      if (!(error <= 1e-12)) {
        throw new Error(
          `argument ${i}, element ${position}: the rule gives ${value}, the convention is ${expected[i][position]}`,
        );
      }
      worst = Math.max(worst, error);
    });
  });
  return [worst];
}
