/**
 * Convolutions: a layer that looks at every place of an image with the same few weights. With a fraction of the
 * parameters of example 07 it reads digits better, because a stroke means the same wherever it lies. With MNIST in
 * AG_DATA_DIR it learns that; AG_EXAMPLE=full takes more data.
 *
 *     npm run ts -- examples/11-cnn.ts [picture.svg]
 */
import { writeFileSync } from 'node:fs';
import { dataLoader, digits, mnist, subset } from '@ag/datasets';
import { wasm } from '@ag/native-wasm';
import * as nn from '@ag/nn';
import { adam } from '@ag/optim';
import { manualSeed, use } from '@ag/tensor';
import { fit } from '@ag/train';
import { imageGrid } from '@ag/viz';

use(await wasm());
manualSeed(11);
const full = process.env.AG_EXAMPLE === 'full';

const firstOf = (count: number, length: number) => [...Array(Math.min(count, length)).keys()];
const images = async (split: 'train' | 'test', count: number) => {
  if (!process.env.AG_DATA_DIR) return digits({ split, count });
  const all = await mnist({ split, download: false });
  return subset(all, firstOf(count, all.length));
};
const [trainSet, testSet] = [
  await images('train', full ? 60_000 : 3000),
  await images('test', full ? 10_000 : 500),
];
const train = dataLoader(trainSet, { batchSize: 50, shuffle: true, seed: 11 });
const validation = dataLoader(testSet, { batchSize: 250 });

// [n, 1, 28, 28] → [n, 8, 14, 14] → [n, 16, 7, 7] → [n, 10]
const first = nn.conv2d(1, 8, 5, { padding: 'same' });
const second = nn.conv2d(8, 16, 3, { padding: 'same' });
const features = nn.sequential(first, nn.relu(), nn.maxPool2d(2), second, nn.relu(), nn.maxPool2d(2));
const model = nn.sequential(features, nn.flatten(), nn.linear(16 * 7 * 7, 10));
console.log(String(nn.summary(model, [50, 1, 28, 28])));

const optimizer = adam(model.parameters(), { learningRate: 3e-3 });
const options = {
  epochs: full ? 5 : 3,
  loss: nn.crossEntropy,
  metrics: { accuracy: nn.accuracy },
  reportEvery: 0,
};
for await (const event of fit({ model, optimizer, train, validation, compile: true, ...options })) {
  if (event.type === 'validation') {
    console.log(`epoch ${event.epoch}: unseen digits, accuracy ${event.metrics.accuracy.toFixed(4)}`);
  }
}

if (process.argv[2]) {
  const kernels = await first.weight.value.data(); // [8, 1, 5, 5]
  const pictures = Array.from({ length: 8 }, (_, i) => {
    return { pixels: kernels.subarray(25 * i, 25 * (i + 1)), width: 5, height: 5, caption: `${i + 1}` };
  });
  writeFileSync(
    process.argv[2],
    imageGrid(pictures, { title: 'What the first layer looks for', range: [-0.4, 0.4] }),
  );
}
