/**
 * Regression on a table: what do rooms and neighborhood say about the price of a house? Columns and prices are brought to one
 * scale by preprocessing that was fitted to the training rows, and that brings answers back into thousands of dollars. Part of
 * the rows is kept aside to judge on; because only two columns are used the answer can be drawn as a surface.
 * With the Boston housing file in AG_DATA_DIR it learns that; else 506 houses made by a rule of the same kind.
 *
 *     npm run ts -- examples/06-boston-housing.ts [picture.svg]
 */
import { writeFileSync } from 'node:fs';
import { bostonHousing, dataLoader, fitPreprocessing, randomSplit, tensorDataset } from '@ag/datasets';
import { wasm } from '@ag/native-wasm';
import { linear, type Module, meanAbsoluteError, mseLoss, r2, sequential, tanh } from '@ag/nn';
import { adam } from '@ag/optim';
import { key, manualSeed, normal, splitKey, stack, type Tensor, use } from '@ag/tensor';
import { fit, predict, validate } from '@ag/train';
import { surface } from '@ag/viz';

use(await wasm());
manualSeed(6);

/** Stand-in: rooms, percentage of poor neighbors, and a price that they bend: poverty costs least where rooms are few. */
function generated() {
  const [k1, k2, k3] = splitKey(key(6), 3);
  const rooms = normal([506], { mean: 6.3, std: 0.7, key: k1 });
  const poor = normal([506], { mean: 2.4, std: 0.6, key: k2 }).exp();
  const size = rooms.sub(6.3).mul(2).exp().add(1).log(); // flat, then rising
  const price = poor
    .div(-12)
    .exp()
    .mul(26)
    .add(size.mul(5))
    .add(normal([506], { std: 2.5, key: k3 }));
  const info = { featureNames: ['rm', 'lstat'], targetName: 'medv' };
  return tensorDataset(stack([rooms, poor], 1), price.reshape([506, 1]), info);
}
const columns = ['rm', 'lstat'];
const houses = process.env.AG_DATA_DIR ? await bostonHousing({ columns, download: false }) : generated();
const [trainRows, testRows] = randomSplit(houses, [400, 106], { seed: 6 }) as [typeof houses, typeof houses];

const preprocessing = fitPreprocessing(trainRows, { unit: '1000 dollars' });
const train = dataLoader(preprocessing.dataset(trainRows), { batchSize: 40, shuffle: true, seed: 6 });
const test = dataLoader(preprocessing.dataset(testRows), { batchSize: 106 });
/** Off by so many thousands of dollars: the network's answers and the targets are scaled, the figure is not. */
const error = (output: Tensor, y: Tensor) =>
  meanAbsoluteError(preprocessing.inverseTarget(output), preprocessing.inverseTarget(y));

/** How much of the prices' variance a model explains on rows it has not seen. */
async function explained(name: string, model: Module): Promise<void> {
  const optimizer = adam(model.parameters(), { learningRate: 0.01 });
  for await (const _ of fit({
    model,
    optimizer,
    loss: mseLoss,
    train,
    epochs: 60,
    reportEvery: 0,
    compile: true,
  }));
  const { metrics } = await validate(model, test, { loss: mseLoss, metrics: { error, r2 } });
  console.log(`${name}: off by ${metrics.error.toFixed(2)} thousand dollars, r² ${metrics.r2.toFixed(3)}`);
}
await explained('plane', sequential(linear(2, 1)));
const network = sequential(linear(2, 16), tanh(), linear(16, 1));
await explained('network', network);

if (process.argv[2]) {
  const [rooms, poor, n] = [[4, 8.5] as const, [2, 36] as const, 24];
  const at = ([low, high]: readonly [number, number], i: number) => low + ((high - low) * i) / (n - 1);
  const places = Array.from({ length: n * n }, (_, i) => [at(rooms, i % n), at(poor, Math.floor(i / n))]);
  const { x: inputs } = preprocessing.transform(places.map(([rm, lstat]) => ({ rm, lstat })));
  const values = preprocessing.inverseTarget(await (await predict(network, inputs)).data());
  const { x, y } = await testRows.batch([...Array(106).keys()]);
  const prices = await y.data();
  const points = ((await x.toArray()) as [number, number][]).map(([a, b], i) => [a, b, prices[i]] as const);
  const labels = { xLabel: 'rooms', yLabel: '% poor', zLabel: 'price', title: 'House prices' };
  writeFileSync(
    process.argv[2],
    surface({ x: rooms, y: poor, columns: n, rows: n, values }, { points, ...labels }),
  );
}
