/** What the ranks of the tests do, each function on every rank. */
import { dataLoader } from '@ag/datasets';
import { backward } from '@ag/graph';
import { wasm } from '@ag/native-wasm';
import { accuracy, batchNorm2d, linear } from '@ag/nn';
import { sgd } from '@ag/optim';
import { argsort, normal, type Tensor, tensor, use } from '@ag/tensor';
import type { Callback, TrainingEvent } from '@ag/train';
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint, fit as runFit } from '@ag/train';
import { reduceGradients } from '../../packages/train/src/world/reduceGradients.ts';
import { syncBatchNorm } from '../../packages/train/src/world/syncBatchNorm.ts';
import type { World } from '../../packages/train/src/world/world.ts';
import {
  data,
  loss,
  type NetworkName,
  network,
  type OptimizerName,
  optimizerOf,
  parametersOf,
} from './networks.ts';
import { serveRank } from './ranks.ts';

/** Numbers whose sums depend on their order. */
export function partOf(rank: number, length: number, seed: number): Float32Array {
  return Float32Array.from(
    { length },
    (_, i) => Math.fround(Math.sin(12.9898 * (i + 1) + 78.233 * (rank + seed)) * 43758.5453) % 1,
  );
}

/** Sums of arrays of several lengths, a broadcast and a gather. */
export function meetings(world: World, lengths: readonly number[]) {
  const sums = lengths.map((length) => {
    const own = partOf(world.rank, length, length);
    world.allReduce(own, 'numbers');
    return own;
  });
  const doubles = Float64Array.of(world.rank + 0.1, 1);
  world.allReduce(doubles, 'doubles');
  const given = new Uint8Array(300_000).fill(world.rank === 0 ? 7 : 0);
  world.broadcast(given, 'bytes');
  const gathered = world.gather(
    new Uint8Array(10 * world.rank + 200_000 * (world.rank % 2)).fill(world.rank),
    'bytes',
  );
  return { sums, doubles, given: given.every((x) => x === 7), gathered };
}

export function differ(world: World): void {
  world.allReduce(new Float32Array(world.rank === 1 ? 3 : 4), 'numbers');
}

export function leaves(world: World): void {
  if (world.rank === 0) world.allReduce(new Float32Array(3), 'what only one rank does');
}

export function fails(world: World): void {
  world.at?.('step 3');
  if (world.rank === 1) throw new Error('no more disk');
  world.allReduce(new Float32Array(3), 'numbers');
}

export async function sleeps(world: World): Promise<void> {
  if (world.rank === 1) await new Promise((resolve) => setTimeout(resolve, 4000));
  world.allReduce(new Float32Array(3), 'numbers');
}

/** What `trains` trains. */
export interface Training {
  readonly network: NetworkName;
  readonly optimizer: OptimizerName;
  readonly examples?: number;
  readonly batchSize?: number;
  readonly epochs?: number;
  readonly compile?: boolean;
  readonly accumulate?: number;
  /** Bytes of a checkpoint to go on from. */
  readonly resume?: Uint8Array;
  /** Stop after so many steps, by the signal of one rank. */
  readonly abortAt?: readonly [rank: number, step: number];
  /** Multiply the inputs of one rank by NaN from a step on. */
  readonly spoil?: readonly [rank: number, step: number];
  /** Ask for more memory than there is on one rank from a step on. */
  readonly exhaust?: readonly [rank: number, step: number];
  readonly validate?: boolean;
}

/** What came of it. */
export interface Trained {
  readonly parameters: number[];
  readonly events: TrainingEvent[];
  readonly checkpoint: Uint8Array;
  /** Positions of the examples this rank has seen. */
  readonly seen: number[];
}

/** A run of `fit` on this rank. */
export async function trains(world: World, training: Training): Promise<Trained> {
  const { examples = 29, batchSize = 10, epochs = 2, compile = false, accumulate = 1, resume } = training;
  // Other weights on each rank: those of rank 0 count.
  const model = network(training.network, 1 + world.rank);
  const optimizer = optimizerOf(training.optimizer, model);
  const set = data(examples);
  const seen: number[] = [];
  const controller = new AbortController();
  const [spoiledRank, spoiledStep] = training.spoil ?? [-1, 0];
  const [exhaustedRank, exhaustedStep] = training.exhaust ?? [-1, 0];
  if (training.exhaust) use(await wasm({ threads: 1, maxMemory: 2 ** 26 }));
  const greedy = (outputs: Tensor, target: Tensor): Tensor => {
    const value = loss(outputs, target);
    if (world.rank !== exhaustedRank || batches < exhaustedStep) return value;
    return value.add(
      argsort(normal([2 ** 25]))
        .cast('float32')
        .mean(),
    );
  };
  let batches = 0;
  const train = dataLoader(set, {
    batchSize,
    shuffle: true,
    seed: 5,
    prefetch: 0,
    part: world,
    transform: (rows, { indices }) => {
      seen.push(...Array.from(indices));
      batches++;
      if (world.rank !== spoiledRank || batches < spoiledStep) return rows;
      const { x } = rows as { x: { data: Uint8Array; shape: readonly number[] } };
      return { ...rows, x: { data: Float32Array.from(x.data, () => Number.NaN), shape: x.shape } };
    },
  });
  let last: Checkpoint | null = null;
  const keeps: Callback = {
    name: 'keeps',
    ranks: 'first',
    async on(event, { checkpoint }) {
      if (event.type === 'step' || event.type === 'epoch' || event.type === 'end') last = await checkpoint();
    },
  };
  const events: TrainingEvent[] = [];
  const run = runFit({
    model,
    optimizer,
    loss: greedy,
    metrics: { accuracy },
    train,
    epochs,
    compile,
    accumulate,
    world,
    signal: controller.signal,
    callbacks: [keeps],
    ...(training.validate && { validation: dataLoader(data(13), { batchSize: 5, part: world }) }),
    ...(resume && { resume: decodeCheckpoint(resume) }),
  });
  for await (const event of run) {
    events.push(event);
    const [rank, step] = training.abortAt ?? [-1, 0];
    if (event.type === 'step' && rank === world.rank && event.step === step) controller.abort();
  }
  return {
    parameters: await parametersOf(model),
    events,
    checkpoint: last === null ? new Uint8Array() : await encodeCheckpoint(last),
    seen,
  };
}

/** A step by hand on parts of 1, 2 and 0 examples. */
export async function byHand(world: World) {
  const parts = [[1], [2, 3], [Number.NaN]];
  const examples = [1, 2, 0][world.rank];
  const model = linear(1, 1, { bias: false, weightInit: () => tensor([[1]]) });
  const optimizer = sgd(model.parameters(), { learningRate: 0.1 });
  const own = model
    .forward(tensor(parts[world.rank].map((x) => [x])))
    .square()
    .mean();
  backward(own);
  const [mean] = reduceGradients(model.parameters(), world, { examples, also: [own] });
  optimizer.step();
  const gradient = (await model.weight.grad?.item()) ?? Number.NaN;
  return { gradient, mean: await mean.item(), weight: await model.weight.value.item() };
}

/** Reads before and after the step, on rank 0 alone. */
export async function readsAlone(world: World) {
  const model = syncBatchNorm(network('cnn', 1), world);
  const optimizer = optimizerOf('adamW', model);
  const { x, y } = await data(8).batch(world.rank === 0 ? [0, 1, 2] : [3, 4, 5, 6]);
  const read: number[] = [];
  const look = async (what: Tensor | undefined): Promise<void> => {
    if (world.rank === 0 && what) read.push((await what.data())[0]);
  };
  for (let step = 0; step < 4; step++) {
    const output = model.forward(x);
    if (step === 1) await look(output);
    const own = loss(output, y);
    backward(own);
    reduceGradients(model.parameters(), world, { examples: x.shape[0] });
    if (step === 2) await look(model.parameters()[0].grad);
    optimizer.step();
    if (step === 3) {
      await look(own);
      await look(output);
      await look(model.parameters()[0].grad);
    }
  }
  return { parameters: await parametersOf(model), read };
}

/** Batch normalization of parts of 2, 2 and 3 of seven examples. */
export async function normalizes(world: World) {
  const x = tensor(
    Array.from({ length: 7 * 2 * 3 }, (_, i) => Math.sin(i) * 3 + 5),
    { shape: [7, 2, 3, 1] },
  );
  const [from, to] = [world.rank, world.rank + 1].map((rank) => Math.floor((rank * 7) / 3));
  const norm = syncBatchNorm(batchNorm2d(2), world);
  const y = norm.forward(x.slice(from, to));
  backward(y.pow(3).mean());
  reduceGradients(norm.parameters(), world, { examples: to - from });
  const read = await Promise.all(
    [y, norm.weight?.grad, norm.runningMean?.value, norm.runningVariance?.value].map((one) => one?.data()),
  );
  const [output, scale, mean, variance] = read.map((values) => Array.from(values ?? []));
  return { output, scale, mean, variance };
}

await serveRank({
  meetings,
  differ,
  leaves,
  fails,
  sleeps,
  trains,
  byHand,
  readsAlone,
  normalizes,
});
