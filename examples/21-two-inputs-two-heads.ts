/**
 * Two inputs and two outputs: a small picture of a bar and the length of a pixel go in; which way the bar lies and where it is, in
 * that unit, come out. A batch's `x` and `y` are objects, the model's `forward` gets `x` as its one argument, each head has a
 * loss and metrics of its own. Without the second input the place is a guess: the picture does not tell how long a pixel is.
 *
 *     npm run ts -- examples/21-two-inputs-two-heads.ts [picture.svg]
 */
import { writeFileSync } from 'node:fs';
import { dataLoader, memoryDataset, transforms } from '@ag/datasets';
import { accuracy, crossEntropy, linear, Module, meanAbsoluteError, mseLoss, summary } from '@ag/nn';
import { adam } from '@ag/optim';
import { concat, key, manualSeed, randint, splitKey, type Tensor, uniform } from '@ag/tensor';
import { fit, predict, validate } from '@ag/train';
import { lineChart } from '@ag/viz';

const ways = ['lying', 'standing'];

/** Bars of three pixels in pictures of 8 by 8, and units from 0.5 to 2 meters a pixel. */
async function bars(count: number, seed: number) {
  const [wayKey, placeKey, unitKey] = splitKey(key(seed), 3);
  const way = Int32Array.from(await randint([count], 0, 2, { key: wayKey }).data());
  const places = await randint([count, 2], 1, 7, { key: placeKey }).data();
  const meters = Float32Array.from(await uniform([count, 1], { low: 0.5, high: 2, key: unitKey }).data());
  const pixels = new Uint8Array(64 * count);
  const place = new Float32Array(2 * count);
  for (let i = 0; i < count; i++) {
    const [row, column] = [places[2 * i], places[2 * i + 1]];
    for (const by of [-1, 0, 1])
      pixels[64 * i + (way[i] === 0 ? 8 * row + column + by : 8 * (row + by) + column)] = 255;
    place.set([(column - 3.5) * meters[i], (3.5 - row) * meters[i]], 2 * i);
  }
  return memoryDataset({
    x: { image: { data: pixels, shape: [64], scale: 1 / 255 }, unit: { data: meters, shape: [1] } },
    y: { way: { data: way, shape: [] }, place: { data: place, shape: [2] } },
  });
}

interface Inputs {
  readonly image: Tensor; // [n, 64]
  readonly unit: Tensor; // [n, 1]
}

class Finder extends Module<[Inputs], { way: Tensor; place: Tensor }> {
  readonly body = linear(65, 48);
  readonly way = linear(48, 2);
  readonly place = linear(48, 2);

  override forward({ image, unit }: Inputs) {
    const hidden = this.body.forward(concat([image, unit], 1)).relu();
    return { way: this.way.forward(hidden), place: this.place.forward(hidden) };
  }
}

const [trainSet, testSet] = [await bars(600, 1), await bars(200, 2)];
const blindfolded = transforms.minMax({ min: [0], max: [1e9] }, { column: 'x/unit' }); // makes every unit 0

async function train(transform?: typeof blindfolded) {
  manualSeed(21);
  const model = new Finder();
  const events = fit({
    model,
    optimizer: adam(model.parameters(), { learningRate: 5e-3 }),
    loss: { way: crossEntropy, place: mseLoss },
    weights: { place: 0.5 },
    metrics: { way: { accuracy }, place: { meanAbsoluteError } },
    train: dataLoader(trainSet, { batchSize: 25, shuffle: true, seed: 3, ...(transform && { transform }) }),
    epochs: 25,
    compile: true,
    reportEvery: 0,
  });
  const epochs = [];
  for await (const event of events) {
    if (event.type !== 'epoch') continue;
    epochs.push(event);
    if (event.epoch % 5 > 0 || transform) continue;
    const shown = Object.entries({ loss: event.loss, ...event.metrics });
    console.log(
      `epoch ${event.epoch}: ${shown.map(([name, value]) => `${name} ${value.toFixed(3)}`).join(', ')}`,
    );
  }
  const test = dataLoader(testSet, { batchSize: 100, ...(transform && { transform }) });
  const { metrics } = await validate(model, test, {
    loss: { way: crossEntropy, place: mseLoss },
    metrics: { way: { accuracy }, place: { meanAbsoluteError } },
  });
  console.log(
    `unseen bars ${transform ? 'without' : 'with'} their unit: way ${metrics['way/accuracy'].toFixed(3)} right, ` +
      `place ${metrics['place/meanAbsoluteError'].toFixed(3)} m off`,
  );
  return { model, epochs };
}

const { model, epochs } = await train();
await train(blindfolded);
console.log(String(summary(model, { image: [1, 64], unit: [1, 1] })));

// The answer has the form of the output: one tensor for each head, for all examples.
const { x, y } = testSet.batch([0, 1, 2]);
const { way, place } = await predict(model, x);
const [ways3, places3, truths] = [await way.argmax(-1).data(), await place.data(), await y.place.data()];
for (let i = 0; i < 3; i++) {
  const at = (values: ArrayLike<number>) => `(${values[2 * i].toFixed(1)}, ${values[2 * i + 1].toFixed(1)})`;
  console.log(`${ways[ways3[i]]} at ${at(places3)} m, in truth at ${at(truths)} m`);
}

if (process.argv[2]) {
  const curve = (name: string) => ({
    name,
    x: epochs.map(({ epoch }) => epoch),
    y: epochs.map(({ metrics }) => metrics[name]),
  });
  const options = { title: 'Losses of the two heads', xLabel: 'epoch', yScale: 'log' as const };
  writeFileSync(process.argv[2], lineChart([curve('way/loss'), curve('place/loss')], options));
}
