/**
 * Fits prices of houses to two properties, by a network with one hidden layer of sigmoids.
 *
 * The recipe of the classic lesson, on a file of Boston housing or on generated houses.
 */
import {
  dataLoader,
  fitPreprocessing,
  type MemoryDataset,
  type Preprocessing,
  parseCsv,
  randomSplit,
  tableDataset,
  tensorDataset,
} from '@ag/datasets';
import * as nn from '@ag/nn';
import { adam, type Optimizer, type Rate, sgd } from '@ag/optim';
import {
  key,
  linspace,
  manualSeed,
  normal,
  splitKey,
  stack,
  type Tensor,
  tensor,
  type Variable,
} from '@ag/tensor';
import { fit, TrainingError, validate } from '@ag/train';
import type { Grid } from '@ag/viz';
import { LastingRun } from '../../service/worker/lastingRun.ts';
import type { Session } from '../../service/worker/serve.ts';

export const optimizers = {
  sgd: (p, learningRate) => sgd(p, { learningRate }),
  momentum: (p, learningRate) => sgd(p, { learningRate, momentum: 0.9 }),
  adam: (p, learningRate) => adam(p, { learningRate }),
} satisfies Record<string, (p: readonly Variable[], rate: Rate) => Optimizer>;

export interface HousesRequest {
  /** A table with the columns rm, lstat and medv, or null for generated houses. */
  readonly file: { readonly name: string; readonly text: string } | null;
  readonly hidden: number;
  readonly optimizer: keyof typeof optimizers;
  readonly learningRate: number;
  readonly seed: number;
  readonly epochs: number;
  /** Share of the houses that are not learned from. */
  readonly test: number;
}

export interface HousesUpdate {
  readonly source: 'file' | 'generated';
  readonly houses: number;
  readonly epoch: number;
  /** Mean squared error of the batches of each epoch. */
  readonly losses: readonly number[];
  /** Mean squared errors over the houses that are learned from, and over those held out, where there are any. */
  readonly measured: {
    readonly epochs: readonly number[];
    readonly losses: readonly number[];
    readonly heldOut: readonly number[];
  };
  /** How far off a price is on average, in thousands of dollars: of the houses learned from, and of those held out. */
  readonly error: number;
  readonly heldOutError: number | null;
  /** The network's prices over rooms (x) and status (y). */
  readonly grid: Grid;
  /** Rooms, status and price of each house; those held out come last. */
  readonly points: readonly (readonly [number, number, number])[];
  /** How many are learned from. */
  readonly learned: number;
  /** What the network says of each, in the same order. */
  readonly predictions: readonly number[];
  readonly failure: string | null;
  readonly done: boolean;
}

/** Samples of the surface along each direction. */
const resolution = 26;

/** @throws DataError for a file that is no table, lacks a column, or has text where a number should be */
export async function openHouses(request: HousesRequest): Promise<Session<HousesUpdate>> {
  const { file, hidden, seed, epochs } = request;
  let rate = request.learningRate;
  const data = file ? await readHouses(file.text, file.name) : await generateHouses(seed);
  const houses = data.length;
  const heldOut = Math.min(houses - 1, Math.round(houses * request.test));
  const [known, unknown = null] =
    heldOut > 0 ? randomSplit(data, [houses - heldOut, heldOut], { seed }) : [data];
  // The lesson learns prices as they are, so its loss is in squares of thousands of dollars; inputs alone are scaled.
  const preprocessing = fitPreprocessing(known, { targetScaler: 'none', unit: '1000 dollars' });
  const scaled = preprocessing.dataset(known);
  manualSeed(seed);
  const weightInit = nn.init.xavierUniform;
  const model = nn.sequential(
    nn.linear(2, hidden, { weightInit }),
    nn.sigmoid(),
    nn.linear(hidden, 1, { weightInit }),
  );
  const batchSize = Math.min(16, known.length);
  const optimizer = optimizers[request.optimizer](model.parameters(), () => rate);
  const run = new LastingRun(
    (keeper, resume) =>
      fit({
        model,
        optimizer,
        loss: nn.mseLoss,
        train: dataLoader(scaled, { batchSize, replacement: true, dropLast: true, seed }),
        epochs,
        compile: true,
        reportEvery: 0,
        callbacks: [keeper],
        ...(resume && { resume }),
      }),
    [model, optimizer],
  );
  await run.start();
  const whole = (set: MemoryDataset) => dataLoader(preprocessing.dataset(set), { batchSize: set.length });
  const learned = dataLoader(scaled, { batchSize: known.length });
  const held = unknown && whole(unknown);
  const map = await meshOver(data, preprocessing);
  const points = [...(await pointsOf(known)), ...(unknown ? await pointsOf(unknown) : [])];
  const inputs = [(await onlyBatch(learned)).x, ...(held ? [(await onlyBatch(held)).x] : [])];
  /** What is shown of outputs and targets: thousands of dollars. */
  const price = (values: Tensor): Tensor => preprocessing.inverseTarget(values);
  const losses: number[] = [];
  const measured = { epochs: [] as number[], losses: [] as number[], heldOut: [] as number[] };
  let failure: string | null = null;

  const train = async (end: number): Promise<void> => {
    try {
      // Much happens in the first epochs, so a turn ends early there.
      const next = Math.ceil(losses.length * 1.25) + 1;
      while (losses.length < Math.min(next, epochs) && performance.now() < end) {
        const { value: event, done } = await run.next();
        if (done) return;
        if (event.type === 'epoch') losses.push(event.loss);
      }
    } catch (error) {
      if (!(error instanceof TrainingError)) throw error;
      failure = error.message;
    }
  };

  return {
    setLearningRate(learningRate) {
      rate = learningRate;
    },
    recover: (error) => run.recover(error),
    async advance(patience) {
      if (patience > 0) await train(performance.now() + patience);
      const measure = (over: NonNullable<typeof held>) =>
        validate(model, over, {
          loss: nn.mseLoss,
          metrics: { error: (output, y) => nn.meanAbsoluteError(price(output), price(y)) },
        });
      const { loss, metrics } = await measure(learned);
      const unseen = held && (await measure(held));
      if (measured.epochs.at(-1) !== losses.length) {
        measured.epochs.push(losses.length);
        measured.losses.push(loss);
        if (unseen) measured.heldOut.push(unseen.loss);
      }
      const values = Array.from(await price(model.forward(map.x)).data());
      const predictions: number[] = [];
      for (const x of inputs) predictions.push(...(await price(model.forward(x)).data()));
      return {
        source: file ? 'file' : 'generated',
        houses,
        epoch: losses.length,
        losses: [...losses],
        measured,
        error: metrics.error,
        heldOutError: unseen?.metrics.error ?? null,
        grid: { x: map.rooms, y: map.status, columns: resolution, rows: resolution, values },
        points,
        learned: known.length,
        predictions,
        failure,
        done: failure !== null || losses.length >= epochs,
      };
    },
  };
}

/** Capitals in the header make no difference. */
async function readHouses(text: string, file: string): Promise<MemoryDataset> {
  const table = await parseCsv(text, { file });
  if (table.rows.length === 0)
    throw new Error(`${file}: has no houses; rows with rm, lstat and medv are needed`);
  const header = table.header.map((name) => name.toLowerCase());
  return tableDataset({ ...table, header }, { target: 'medv', features: ['rm', 'lstat'], file });
}

/**
 * Invented houses whose prices rise with rooms and fall with the logarithm of the status, as those of Boston do, with
 * noise and the same ceiling.
 */
async function generateHouses(seed: number): Promise<MemoryDataset> {
  const [roomKey, statusKey, noiseKey] = splitKey(key(seed), 3);
  const count = 506;
  const rooms = normal([count], { mean: 6.3, std: 0.7, key: roomKey }).clamp(3.6, 8.8);
  const logStatus = normal([count], { mean: 2.4, std: 0.55, key: statusKey }).clamp(0.6, 3.6);
  const many = rooms.sub(6.3).maximum(0);
  const price = logStatus
    .sub(2.4)
    .mul(-9)
    .add(21)
    .add(many.mul(9))
    .add(normal([count], { std: 3, key: noiseKey }))
    .clamp(5, 50);
  return tensorDataset(
    await rows([rooms, logStatus.exp()]),
    tensor(await price.data(), { shape: [count, 1] }),
    { featureNames: ['rm', 'lstat'], targetName: 'medv' },
  );
}

/** Columns side by side, computed. */
async function rows(columns: Parameters<typeof stack>[0]) {
  const table = stack(columns, 1);
  return tensor(await table.data(), { shape: table.shape });
}

/** A mesh of houses over the range of the data, as inputs of the network. */
async function meshOver(data: MemoryDataset, preprocessing: Preprocessing) {
  const { x } = await onlyBatch(dataLoader(data, { batchSize: data.length }));
  const [least, most] = [await x.min(0).data(), await x.max(0).data()];
  // Where all houses are alike the surface goes a little to either side.
  const room = (axis: number) => (most[axis] > least[axis] ? 0 : Math.max(1, Math.abs(least[axis]) / 10));
  const low = [0, 1].map((axis) => least[axis] - room(axis));
  const high = [0, 1].map((axis) => most[axis] + room(axis));
  const size = [resolution, resolution];
  const rooms = linspace(low[0], high[0], resolution).reshape([1, resolution]).broadcastTo(size).flatten();
  const status = linspace(low[1], high[1], resolution).reshape([resolution, 1]).broadcastTo(size).flatten();
  const [roomsName, statusName] = preprocessing.inputs.map(({ name }) => name);
  const mesh = { [roomsName]: await rooms.data(), [statusName]: await status.data() };
  return {
    x: preprocessing.transform(mesh).x,
    rooms: [low[0], high[0]] as const,
    status: [low[1], high[1]] as const,
  };
}

async function pointsOf(data: MemoryDataset): Promise<[number, number, number][]> {
  const { x, y } = await onlyBatch(dataLoader(data, { batchSize: data.length }));
  const [inputs, prices] = [await x.data(), await y.data()];
  return Array.from(prices, (price, i) => [inputs[2 * i], inputs[2 * i + 1], price]);
}

async function onlyBatch<T>(batches: AsyncIterable<T>): Promise<T> {
  for await (const batch of batches) return batch;
  throw new Error('onlyBatch: there is no batch');
}
