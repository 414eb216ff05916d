/** The same images as the `mnist mlp` and `digits` recipes, by a small convolutional network. */
import { digits, mnist, transforms } from '@ag/datasets';
import {
  accuracy,
  batchNorm2d,
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

/** Blocks of convolution 5×5, ReLU and pooling by 2, then one layer to the ten classes. */
function convolutional(channels: readonly number[], normalize = false): Module<[Tensor], Tensor> {
  const blocks = channels.flatMap((count, i) => [
    // The normalization's own shift takes the bias's place.
    conv2d(channels[i - 1] ?? 1, count, 5, { padding: 2, weightInit: init.heUniform, bias: !normalize }),
    ...(normalize ? [batchNorm2d(count)] : []),
    relu(),
    maxPool2d(2),
  ]);
  const side = Math.floor(28 / 2 ** channels.length);
  return sequential(...blocks, flatten(), linear(channels.at(-1)! * side * side, 10));
}

export const mnistCnn = defineRecipe({
  ...shared,
  name: 'mnist cnn',
  summary: 'handwritten digits, 60,000 training examples: two convolutional layers',
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

/** The same with batch normalization, moved and turned images, and a learning rate that rises and falls once. */
export const mnistAugmented = defineRecipe({
  name: 'mnist augmented',
  summary: 'handwritten digits, augmented: two convolutional layers with batch normalization',
  kind: 'classification',
  settings: { epochs: 15, batchSize: 64, learningRate: 1e-2, optimizer: 'adam', schedule: 'oneCycle' },
  parameters: { 'data.shift': 2, 'data.rotate': 10, 'model.channels': [16, 32] },
  data: 'mnist',
  async prepare({ parameters, source }) {
    const [train, test] = await Promise.all([
      mnist({ ...source, split: 'train' }),
      mnist({ ...source, split: 'test' }),
    ]);
    const { randomRotate, randomShift, compose } = transforms;
    const augment = compose(
      randomRotate(Number(parameters['data.rotate'])),
      randomShift(Number(parameters['data.shift'])),
    );
    const model = () => convolutional(countsOf(parameters, 'model.channels'), true);
    return { train, test, augment, loss: crossEntropy, metrics: { accuracy }, model };
  },
});

export const digitsCnn = defineRecipe({
  ...shared,
  name: 'digits cnn',
  summary: 'generated digits, 10,000 training examples, no files needed: two convolutional layers',
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
