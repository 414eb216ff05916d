/** Training loops as users may write them: eager or compiled, data on the host or device. */
import { backward, compile } from '@ag/graph';
import { adam, sgd } from '@ag/optim';
import * as ag from '@ag/tensor';
import { type Tensor, tensor, Variable } from '@ag/tensor';
import type { Problem, Values } from '../problems/problem.ts';
import type { Run } from './workload.ts';

/** Waits for a device that answers later; an earlier state that takes turns has none. */
const { synchronize = async () => {} }: Partial<typeof ag> = ag;

export interface Training {
  readonly loss: (...batch: Tensor[]) => Tensor;
  readonly optimizer: { step(): void };
  /** The batch of a step. */
  readonly batch: (step: number) => Tensor[];
  /** Steps whose loss is compared with that of the other participants. */
  readonly lossAt: readonly number[];
}

export const trainingVariants = ['define-by-run', 'compiled'] as const;

/** Ways in which batches are copied as bytes. */
export const asBytes: readonly string[] = trainingVariants.map((variant) => `${variant}, data as bytes`);

/** Ways in which the data set was copied to the device before. */
export const onDevice: readonly string[] = trainingVariants.map(
  (variant) => `${variant}, data on the device`,
);

/** Trains up to the last step whose loss is compared, which also warms up, and goes on from there. */
export async function train({ loss, optimizer, batch, lossAt }: Training, variant: string): Promise<Run> {
  const defined = (...x: Tensor[]): Tensor => {
    const l = loss(...x);
    backward(l);
    optimizer.step();
    return l;
  };
  const run = variant.startsWith('compiled') ? compile(defined) : defined;
  const check: Record<string, number> = {};
  const start = performance.now();
  let first = 0;
  let i = 0;
  for (const last = Math.max(...lossAt); i <= last; i++) {
    const l = run(...batch(i));
    if (lossAt.includes(i)) check[`loss ${i}`] = await l.item();
    if (i > 0) continue;
    await synchronize();
    first = performance.now() - start;
  }
  return { check, first, step: () => void run(...batch(i++)), settle: synchronize };
}

/** The parameters of a problem, in its order. */
export function variables({ parameters }: Problem): Variable[] {
  return parameters.map((first) => new Variable(values(first)));
}

export function optimizerOf({ optimizer, learningRate }: Problem, parameters: Variable[]): { step(): void } {
  return { sgd, adam }[optimizer](parameters, { learningRate });
}

/** A float32 tensor over an array, which is not copied. */
export function values({ data, shape }: Values): Tensor {
  return tensor(data, { shape: [...shape], copy: false });
}
