/**
 * Handwritten digits with fully connected layers: batches from a loader, training as a stream of events, accuracy on
 * images that were not trained on. With the folder of MNIST in AG_DATA_DIR it learns those, else digits drawn by a
 * generator. AG_EXAMPLE=full takes more data and more epochs.
 *
 *     npm run ts -- examples/07-mnist-mlp.ts [picture.svg]
 */
import { writeFileSync } from 'node:fs';
import { dataLoader, digits, mnist, subset, transforms } from '@ag/datasets';
import { wasm } from '@ag/native-wasm';
import { accuracy, crossEntropy, linear, relu, sequential } from '@ag/nn';
import { adam } from '@ag/optim';
import { manualSeed, use } from '@ag/tensor';
import { fit, predict } from '@ag/train';
import { imageGrid } from '@ag/viz';

use(await wasm());
manualSeed(7);
const full = process.env.AG_EXAMPLE === 'full';

const firstOf = (count: number, length: number) => [...Array(Math.min(count, length)).keys()];
const images = async (split: 'train' | 'test', count: number) => {
  if (!process.env.AG_DATA_DIR) return digits({ split, count });
  const all = await mnist({ split, download: false });
  return subset(all, firstOf(count, all.length));
};
const trainSet = await images('train', full ? 60_000 : 3000);
const testSet = await images('test', full ? 10_000 : 500);
const transform = transforms.flatten(); // [n, 1, 28, 28] → [n, 784]
const train = dataLoader(trainSet, { batchSize: 50, shuffle: true, seed: 7, transform });
const validation = dataLoader(testSet, { batchSize: 250, transform });

const model = sequential(linear(784, 64), relu(), linear(64, 10));
const optimizer = adam(model.parameters(), { learningRate: 3e-3 });

const options = {
  model,
  optimizer,
  loss: crossEntropy,
  metrics: { accuracy },
  train,
  validation,
  compile: true,
};
let unseen = '';
for await (const event of fit({ ...options, epochs: full ? 10 : 4, reportEvery: 0 })) {
  if (event.type !== 'validation' && event.type !== 'epoch') continue;
  const figures = `loss ${event.loss.toFixed(4)}, accuracy ${event.metrics.accuracy.toFixed(4)}`;
  // The validation belongs to the epoch and comes just before its end.
  if (event.type === 'validation') unseen = figures;
  else console.log(`epoch ${event.epoch}: ${figures}; on unseen digits: ${unseen}`);
}

if (process.argv[2]) {
  const { x, y } = await testSet.batch(firstOf(30, testSet.length));
  const answers = await (await predict(model, x.reshape([30, 784]))).argmax(-1).data();
  const [truth, pixels] = [await y.data(), await x.data()];
  const pictures = Array.from(answers, (answer, i) => ({
    pixels: pixels.subarray(784 * i, 784 * (i + 1)),
    width: 28,
    height: 28,
    caption: String(answer),
    mark: answer === truth[i] ? ('right' as const) : ('wrong' as const),
  }));
  writeFileSync(process.argv[2], imageGrid(pictures, { title: 'Answers on unseen digits' }));
}
