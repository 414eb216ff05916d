/** The same images as the `mnist mlp` and `digits` recipes, by a small convolutional network. */
import { digits, mnist } from '@ag/datasets';
import {
  accuracy,
  conv2d,
  crossEntropy,
  flatten,
  init,
  linear,
  type Module,
  maxPool2d,
  relu,
  sequential,
} from '@ag/nn';
import type { Tensor } from '@ag/tensor';
import { countOf, countsOf, defineRecipe, type Recipe } from './recipe.ts';

const shared = {
  kind: 'classification',
  settings: { epochs: 5, batchSize: 64, learningRate: 2e-3, optimizer: 'adam', schedule: 'cosine' },
} as const satisfies Partial<Recipe>;

/** Two blocks of convolution 5×5, ReLU and pooling by 2, then one layer to the ten classes. */
function convolutional(channels: readonly number[]): Module<[Tensor], Tensor> {
  const blocks = channels.flatMap((count, i) => [
    conv2d(channels[i - 1] ?? 1, count, 5, { padding: 2, weightInit: init.heUniform }),
    relu(),
    maxPool2d(2),
  ]);
  const side = Math.floor(28 / 2 ** channels.length);
  return sequential(...blocks, flatten(), linear(channels.at(-1)! * side * side, 10));
}

export const mnistCnn = defineRecipe({
  ...shared,
  name: 'mnist cnn',
  summary: 'handwritten digits, 60,000 to learn from: two convolutions',
  parameters: { 'model.channels': [16, 32] },
  data: 'mnist',
  async prepare({ parameters, source }) {
    const [train, test] = await Promise.all([
      mnist({ ...source, split: 'train' }),
      mnist({ ...source, split: 'test' }),
    ]);
    const model = () => convolutional(countsOf(parameters, 'model.channels'));
    return { train, test, loss: crossEntropy, metrics: { accuracy }, model };
  },
});

export const digitsCnn = defineRecipe({
  ...shared,
  name: 'digits cnn',
  summary: 'drawn digits, 10,000 to learn from, no files needed: two convolutions',
  parameters: { 'data.train': 10_000, 'data.test': 2_000, 'data.seed': 0, 'model.channels': [16, 32] },
  async prepare({ parameters }) {
    const seed = Number(parameters['data.seed']);
    const model = () => convolutional(countsOf(parameters, 'model.channels'));
    return {
      train: digits({ split: 'train', count: countOf(parameters, 'data.train'), seed }),
      test: digits({ split: 'test', count: countOf(parameters, 'data.test'), seed }),
      loss: crossEntropy,
      metrics: { accuracy },
      model,
    };
  },
});
