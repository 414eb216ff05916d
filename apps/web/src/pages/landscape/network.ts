/** A small network trained on the spot, and every place its weights were at. */
import { circles, dataLoader, type MemoryDataset, moons, spirals } from '@ag/datasets';
import { backward } from '@ag/graph';
import { bceWithLogits, linear, relu, type Sequential, sequential, tanh } from '@ag/nn';
import { adam, type Optimizer, sgd } from '@ag/optim';
import { evaluate, manualSeed, type Tensor, type Variable } from '@ag/tensor';

export const dataIds = ['moons', 'circles', 'spirals'] as const;
export const activationIds = ['tanh', 'relu'] as const;
export const optimizerIds = ['adam', 'sgd', 'momentum'] as const;

export interface NetworkRequest {
  readonly data: (typeof dataIds)[number];
  /** Units of each of two hidden layers. */
  readonly hidden: number;
  readonly activation: (typeof activationIds)[number];
  readonly optimizer: (typeof optimizerIds)[number];
  readonly learningRate: number;
  readonly steps: number;
  readonly seed: number;
}

/** A trained network, what it was trained on, and its path through the space of its weights. */
export interface Trained {
  readonly network: Sequential;
  readonly x: Tensor;
  readonly y: Tensor;
  /** Names, shapes and places of the parameters in a row of the path. */
  readonly parameters: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly offset: number;
    readonly size: number;
  }[];
  /** All weights before the first step and after each, side by side: `[steps + 1][weights]`. */
  readonly path: readonly Float64Array[];
  /** The loss at each of these places. */
  readonly losses: readonly number[];
  /** The share of points that the last network tells right. */
  readonly accuracy: number;
}

const makeOptimizer: Readonly<
  Record<NetworkRequest['optimizer'], (p: Iterable<Variable>, learningRate: number) => Optimizer>
> = {
  adam: (p, learningRate) => adam(p, { learningRate }),
  sgd: (p, learningRate) => sgd(p, { learningRate }),
  momentum: (p, learningRate) => sgd(p, { learningRate, momentum: 0.9 }),
};

/** Points that the network learns from, all in every step. */
export const pointCount = 200;

export function makeData({ data, seed }: Pick<NetworkRequest, 'data' | 'seed'>): MemoryDataset {
  if (data === 'moons') return moons({ count: pointCount, noise: 0.15, seed });
  if (data === 'circles') return circles({ count: pointCount, noise: 0.08, seed });
  return spirals({ count: pointCount, noise: 0.03, seed });
}

/** Trains on all points at once, in float64. Ends early where the loss is no number any more. */
export async function trainNetwork(request: NetworkRequest): Promise<Trained> {
  const { hidden, activation, optimizer: rule, learningRate, steps, seed } = request;
  manualSeed(seed);
  const bend = activation === 'tanh' ? tanh : relu;
  const options = { dtype: 'float64' } as const;
  const network = sequential(
    linear(2, hidden, options),
    bend(),
    linear(hidden, hidden, options),
    bend(),
    linear(hidden, 1, options),
  );
  const { x, y } = await wholeSet(makeData(request));
  const optimizer = makeOptimizer[rule](network.parameters(), learningRate);
  const variables = network.parameters();
  const path: Float64Array[] = [await weightsOf(variables)];
  const losses: number[] = [];
  for (let step = 0; step < steps; step++) {
    const loss = lossOf(network.forward(x), y);
    backward(loss);
    optimizer.step();
    losses.push(await loss.item());
    path.push(await weightsOf(variables));
    if (!Number.isFinite(losses.at(-1)!)) break;
  }
  const output = network.forward(x);
  const loss = lossOf(output, y);
  const right = output.greater(0).cast('float64').equal(y).cast('float64').mean();
  evaluate([loss, right]);
  losses.push(await loss.item());
  let offset = 0;
  const parameters = Object.entries(network.stateDict()).map(([name, { shape, size }]) => {
    offset += size;
    return { name, shape, offset: offset - size, size };
  });
  return { network, x, y, parameters, path, losses, accuracy: await right.item() };
}

/** What is made small. */
export function lossOf(output: Tensor, y: Tensor): Tensor {
  return bceWithLogits(output, y);
}

async function wholeSet(set: MemoryDataset): Promise<{ x: Tensor; y: Tensor }> {
  for await (const { x, y } of dataLoader(set, { batchSize: set.length })) {
    return { x: x.cast('float64'), y: y.cast('float64').reshape([set.length, 1]) };
  }
  throw new Error('the data set is empty');
}

async function weightsOf(variables: readonly Variable[]): Promise<Float64Array> {
  const parts = await Promise.all(variables.map(({ value }) => value.data()));
  const all = new Float64Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return all;
}
