/**
 * Proof by numbers: analytic gradients against central differences, in float64.
 */
import { checkTensor, formatShape, key, normal, splitKey, type Tensor, tensor } from '@ag/tensor';
import { gradients } from './gradients.ts';

/**
 * The gradient of a scalar function by central differences: (f(x + h·eᵢ) − f(x − h·eᵢ)) / 2h for each element. Two
 * evaluations of `f` per element: for checking and for teaching.
 *
 * @param h default 1e-6 for float64, 1e-3 for float32
 */
export function numericalGradient(f: (x: Tensor) => Tensor, x: Tensor, h?: number): Tensor {
  const step = h ?? (checkTensor(x).dtype === 'float64' ? 1e-6 : 1e-3);
  const base = x.dataSync();
  const result = new Float64Array(base.length);
  const at = (i: number, value: number): number => {
    const moved = base.slice();
    moved[i] = value;
    return f(tensor(moved, { shape: x.shape, dtype: x.dtype, copy: false })).itemSync();
  };
  for (let i = 0; i < base.length; i++) {
    const centre = base[i]!;
    const up = x.dtype === 'float32' ? Math.fround(centre + step) : centre + step;
    const down = x.dtype === 'float32' ? Math.fround(centre - step) : centre - step;
    result[i] = (at(i, up) - at(i, down)) / (up - down);
  }
  return tensor(result, { shape: x.shape, dtype: x.dtype });
}

export interface CheckOptions {
  /** Highest order of derivative to check. Default 2. */
  readonly order?: number;
  /** Largest error allowed, relative to the size of the values and absolute below 1. Default 1e-6. */
  readonly tolerance?: number;
  /** Decides the random directions. Default 0. */
  readonly seed?: number;
}

export interface CheckResult {
  /** Highest order checked. */
  readonly order: number;
  /** Largest relative error found, for each order from 1. */
  readonly errors: readonly number[];
}

/**
 * Checks the derivatives of a function of tensors, up to `order`, in float64. The result is weighted with random
 * numbers to a scalar; its gradient is compared with central differences element by element. For each higher order
 * the analytic gradient of the order below is multiplied with a random direction, which makes a scalar again.
 *
 * ```ts
 * checkGradients(([x, w]) => x.matmul(w).tanh(), [tensor([[0.1, 0.2]]), tensor([[1], [2]])]);
 * ```
 *
 * @param x where to check; float tensors, converted to float64
 * @throws Error at the first derivative that is off: order, argument, position, both values
 */
export function checkGradients(f: (x: readonly Tensor[]) => Tensor, x: readonly Tensor[], options: CheckOptions = {}): CheckResult {
  const { order = 2, tolerance = 1e-6, seed = 0 } = options;
  const points = x.map((t) => tensor(checkTensor(t).cast('float64').dataSync(), { shape: t.shape, dtype: 'float64' }));
  const keys = splitKey(key(seed), order * (points.length + 1));
  let next = 0;
  const weight = (shape: readonly number[]): Tensor =>
    tensor(normal(shape, { key: keys[next++]!, dtype: 'float64' }).dataSync(), { shape, dtype: 'float64' });

  const first = f(points);
  const weights = weight(first.shape);
  let scalar = (at: readonly Tensor[]): Tensor => f(at).cast('float64').mul(weights).sum();
  const errors: number[] = [];
  for (let level = 1; level <= order; level++) {
    const current = scalar;
    const analytic = gradients(current(points), points);
    let worst = 0;
    points.forEach((point, i) => {
      const exact = analytic[i]!.dataSync();
      const numerical = numericalGradient((moved) => current(points.map((p, j) => (j === i ? moved : p))), point).dataSync();
      for (let position = 0; position < exact.length; position++) {
        const a = exact[position]!;
        const b = numerical[position]!;
        const error = Math.abs(a - b) / Math.max(1, Math.abs(a), Math.abs(b));
        if (!(error <= tolerance)) {
          throw new Error(
            `checkGradients: order ${level}, argument ${i} of shape ${formatShape(point.shape)}, element ${position}: the rule gives ${a}, ` +
              `central differences ${b} (error ${error.toExponential(2)}, allowed ${tolerance})`,
          );
        }
        worst = Math.max(worst, error);
      }
    });
    errors.push(worst);
    const directions = points.map((point) => weight(point.shape));
    scalar = (at) =>
      gradients(current(at), at)
        .map((g, i) => g.mul(directions[i]!).sum())
        .reduce((sum, term) => sum.add(term));
  }
  return { order, errors };
}
