/** What the tests share: a model small enough to follow by hand, and data without files. */
import { type Dataset, dataLoader, tensorDataset } from '@ag/datasets';
import { type AnyModule, linear, Module, mseLoss } from '@ag/nn';
import { sgd } from '@ag/optim';
import { bernoulli, type Tensor, tensor } from '@ag/tensor';
import type { TrainingEvent } from './events.ts';
import { fit } from './fit.ts';
import type { FitOptions } from './options.ts';

/** y = w · x with w = 1 at first, on x = [1, 2, 3, 4], y = 3 x. */
export function line(options: { readonly batchSize?: number; readonly learningRate?: number } = {}) {
  const model = linear(1, 1, { bias: false, weightInit: () => tensor([[1]]) });
  const data = tensorDataset([[1], [2], [3], [4]], [[3], [6], [9], [12]]);
  return {
    model,
    optimizer: sgd(model.parameters(), { learningRate: options.learningRate ?? 0.1 }),
    loss: mseLoss,
    train: dataLoader(data, { batchSize: options.batchSize ?? 2 }),
    epochs: 1,
  } satisfies FitOptions;
}

/** A network whose forward pass draws random numbers, as dropout does. */
export class Noisy extends Module {
  readonly hidden = linear(2, 8);
  readonly output = linear(8, 1);

  override forward(x: Tensor): Tensor {
    const active = this.hidden.forward(x).tanh();
    return this.output.forward(this.training ? active.mul(bernoulli(active.shape, 0.8)).div(0.8) : active);
  }
}

/** Points on a saddle. */
export function saddle(count = 24): Dataset {
  const x = Array.from({ length: count }, (_, i) => [Math.sin(i), Math.cos(2.3 * i)]);
  return tensorDataset(
    x,
    x.map(([a, b]) => [a * a - b * b]),
  );
}

/** All events of a run. */
export async function collect<X, Output, Y>(options: FitOptions<X, Output, Y>): Promise<TrainingEvent[]> {
  const events: TrainingEvent[] = [];
  for await (const event of fit(options)) events.push(event);
  return events;
}

/** All numbers of a model's variables, one after the other. */
export async function weightsOf(model: AnyModule): Promise<number[]> {
  const parts = await Promise.all(Object.values(model.stateDict()).map((value) => value.data()));
  return parts.flatMap((part) => Array.from(part));
}
