/**
 * Checks gradients against central differences, in float64.
 */

import { formatShape, key, normal, splitKey, Tensor, tensor } from '@ag/tensor';
import { checkOptions, checkTensor, codedError, synchronous, valueError } from '@ag/tensor/engine';
import { gradients } from './gradients.ts';

/**
 * The gradient of a scalar function by central differences: (f(x + h·eᵢ) − f(x − h·eᵢ)) / 2h for each element. Two
 * evaluations of `f` per element: for checking and for teaching.
 *
 * @param h default 1e-6 for float64, 1e-3 for float32
 */
export function numericalGradient(f: (x: Tensor) => Tensor, x: Tensor, h?: number): Tensor {
  const step = h ?? (checkTensor(x, 'numericalGradient').dtype === 'float64' ? 1e-6 : 1e-3);
  const base = x.dataSync();
  const result = new Float64Array(base.length);
  const at = (i: number, value: number): number => {
    const moved = base.slice();
    moved[i] = value;
    const there = tensor(moved, { shape: x.shape, dtype: x.dtype, copy: false });
    return synchronous('numericalGradient', f(there)).itemSync();
  };
  for (let i = 0; i < base.length; i++) {
    const center = base[i];
    const up = x.dtype === 'float32' ? Math.fround(center + step) : center + step;
    const down = x.dtype === 'float32' ? Math.fround(center - step) : center - step;
    result[i] = (at(i, up) - at(i, down)) / (up - down);
  }
  return tensor(result, { shape: x.shape, dtype: x.dtype });
}

/** Options of {@link checkGradients}. */
export interface CheckOptions {
  /** Highest order of derivative to check. Default 2. */
  readonly order?: number;
  /** Largest error allowed, relative to the size of the values and absolute below 1. Default 1e-6. */
  readonly tolerance?: number;
  /** Decides the random directions. Default 0. */
  readonly seed?: number;
  /** Arguments with more elements are compared along four random directions instead of element by element. Default 256. */
  readonly maximalElements?: number;
}

/** What a check found: the errors are at most the tolerance, else it would have thrown. */
export interface CheckResult {
  /** Highest order checked. */
  readonly order: number;
  /** Largest relative error found, for each order from 1. */
  readonly errors: readonly number[];
}

/**
 * Checks the derivatives of a function of tensors, up to `order`, in float64. The result is weighted with random
 * numbers to a scalar; its gradient is compared with central differences, element by element or, for large arguments,
 * along random directions. For each higher order the analytic gradient of the order below is multiplied with a random
 * direction, which makes a scalar again.
 *
 * ```ts
 * checkGradients((x) => x.sin(), tensor([1, 2]));
 * checkGradients(([x, w]) => x.matmul(w).tanh(), [tensor([[0.1, 0.2]]), tensor([[1], [2]])]);
 * ```
 *
 * Away from kinks and ties only: there a difference tells nothing.
 *
 * @param f must compute in the dtype of its arguments
 * @param x where to check: float tensors, converted to float64, or a single one, which `f` then gets as it is
 * @throws Error at the first derivative that is off: order, argument, position, both values
 */
export function checkGradients(
  f: (x: readonly Tensor[]) => Tensor,
  x: readonly Tensor[],
  options?: CheckOptions,
): CheckResult;
export function checkGradients(f: (x: Tensor) => Tensor, x: Tensor, options?: CheckOptions): CheckResult;
export function checkGradients(
  f: ((x: readonly Tensor[]) => Tensor) | ((x: Tensor) => Tensor),
  x: readonly Tensor[] | Tensor,
  options: CheckOptions = {},
): CheckResult {
  checkOptions('checkGradients', options, 'order tolerance seed maximalElements');
  return x instanceof Tensor
    ? checkList(([only]) => (f as (x: Tensor) => Tensor)(only), [x], options)
    : checkList(f as (x: readonly Tensor[]) => Tensor, x, options);
}

function checkList(
  given: (x: readonly Tensor[]) => Tensor,
  x: readonly Tensor[],
  options: CheckOptions,
): CheckResult {
  const { order = 2, tolerance = 1e-6, seed = 0, maximalElements = 256 } = options;
  const f = (at: readonly Tensor[]): Tensor => synchronous('checkGradients', given(at));
  if (x.length === 0) throw valueError('checkGradients: give the tensors to differentiate by, at least one');
  const points = x.map((t) =>
    tensor(checkTensor(t, 'checkGradients', 'a point').cast('float64').dataSync(), {
      shape: t.shape,
      dtype: 'float64',
    }),
  );
  const draws = splitKey(key(seed), order * (1 + 5 * points.length));
  let next = 0;
  const random = (shape: readonly number[]): Tensor =>
    tensor(normal(shape, { key: draws[next++], dtype: 'float64' }).dataSync(), { shape, dtype: 'float64' });

  const weights = random(f(points).shape);
  let scalar = (at: readonly Tensor[]): Tensor => f(at).cast('float64').mul(weights).sum();
  const errors: number[] = [];
  for (let level = 1; level <= order; level++) {
    const current = scalar;
    const analytic = gradients(current(points), points);
    let worst = 0;
    points.forEach((point, i) => {
      const exact = analytic[i];
      const where = `checkGradients: order ${level}, argument ${i} of shape ${formatShape(point.shape)}`;
      if (exact.dtype !== 'float64' || formatShape(exact.shape) !== formatShape(point.shape)) {
        throw codedError(
          Error,
          'AG_GRADIENT_CHECK',
          `${where}: the gradient has shape ${formatShape(exact.shape)} and dtype ${exact.dtype}`,
        );
      }
      const moved = (t: Tensor): Tensor => current(points.map((p, j) => (j === i ? t : p)));
      for (const { place, a, b } of comparisons(moved, point, exact, maximalElements, random)) {
        const error = Math.abs(a - b) / Math.max(1, Math.abs(a), Math.abs(b));
        if (!(error <= tolerance)) {
          throw codedError(
            Error,
            'AG_GRADIENT_CHECK',
            `${where}, ${place}: the rule gives ${a}, central differences ${b} (error ${error.toExponential(2)}, allowed ${tolerance})`,
          );
        }
        worst = Math.max(worst, error);
      }
    });
    errors.push(worst);
    const directions = points.map((point) => random(point.shape));
    scalar = (at) =>
      gradients(current(at), at)
        .map((g, i) => g.mul(directions[i]).sum())
        .reduce((sum, term) => sum.add(term));
  }
  return { order, errors };
}

/** Derivatives by the rule and by differences, side by side. */
function comparisons(
  f: (x: Tensor) => Tensor,
  point: Tensor,
  gradient: Tensor,
  maximalElements: number,
  random: (shape: readonly number[]) => Tensor,
): { place: string; a: number; b: number }[] {
  if (point.size <= maximalElements) {
    const exact = gradient.dataSync();
    return [...numericalGradient(f, point).dataSync()].map((b, i) => ({
      place: `element ${i}`,
      a: exact[i],
      b,
    }));
  }
  return Array.from({ length: 4 }, (_, i) => {
    const direction = random(point.shape);
    const step = 1e-6;
    const at = (distance: number): number => f(point.add(direction.mul(distance))).itemSync();
    const b = (at(step) - at(-step)) / (2 * step);
    return { place: `random direction ${i}`, a: gradient.mul(direction).sum().itemSync(), b };
  });
}
