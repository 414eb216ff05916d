/**
 * A training loop in the ways a user may write it: step by step or compiled, either with the data set kept on the device.
 */
import { backward, compile } from '@ag/graph';
import { type Tensor, tensor, Variable } from '@ag/tensor';
import { randomArray } from './numbers.ts';
import type { Run } from './workload.ts';

export interface Training {
  readonly loss: (...batch: Tensor[]) => Tensor;
  readonly optimizer: { step(): void };
  /** The batch of a step. */
  readonly batch: (step: number) => Tensor[];
  /** Steps whose loss is compared with that of the other participants. */
  readonly lossAt: readonly number[];
}

export const trainingVariants = ['define-by-run', 'compiled'] as const;

/** Ways in which the data set was copied to the device before. */
export const onDevice: readonly string[] = trainingVariants.map(
  (variant) => `${variant}, data on the device`,
);

/** Trains up to the last step whose loss is compared, which also warms up, and goes on from there. */
export function train({ loss, optimizer, batch, lossAt }: Training, variant: string): Run {
  const defined = (...x: Tensor[]): Tensor => {
    const l = loss(...x);
    backward(l);
    optimizer.step();
    return l;
  };
  const run = variant.startsWith('compiled') ? compile(defined) : defined;
  const check: Record<string, number> = {};
  let i = 0;
  for (const last = Math.max(...lossAt); i <= last; i++) {
    const l = run(...batch(i));
    if (lossAt.includes(i)) check[`loss ${i}`] = l.itemSync();
  }
  return { check, step: () => void run(...batch(i++)) };
}

/** A parameter with values of the counter generator; zeros without a scale. */
export function parameter(shape: readonly number[], seed: number, scale: number): Variable {
  const size = shape.reduce((n, length) => n * length, 1);
  return new Variable(tensor(randomArray(seed, size, scale), { shape: [...shape], copy: false }));
}

export function zeroParameter(shape: readonly number[], value = 0): Variable {
  const size = shape.reduce((n, length) => n * length, 1);
  return new Variable(tensor(new Float32Array(size).fill(value), { shape: [...shape], copy: false }));
}

/** A float32 tensor over `array`, which is not copied. */
export function values(array: Float32Array, shape: readonly number[]): Tensor {
  return tensor(array, { shape: [...shape], copy: false });
}
