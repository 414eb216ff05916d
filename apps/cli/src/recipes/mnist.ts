/** MNIST with the network of the classic lesson. */
import { mnist } from '@ag/datasets';
import { flatImages, perceptron } from './images.ts';
import { countsOf, defineRecipe } from './recipe.ts';

export default defineRecipe({
  name: 'mnist mlp',
  summary: 'handwritten digits, 60,000 training examples: multilayer perceptron 784-50-100-10',
  kind: 'classification',
  settings: { epochs: 15, batchSize: 100, learningRate: 3e-3, optimizer: 'adam', schedule: 'cosine' },
  parameters: { 'model.hidden': [50, 100] },
  data: 'mnist',
  async prepare({ parameters, source }) {
    const [train, test] = await Promise.all([
      mnist({ ...source, split: 'train' }),
      mnist({ ...source, split: 'test' }),
    ]);
    return {
      ...flatImages,
      train,
      test,
      model: () => perceptron(784, countsOf(parameters, 'model.hidden'), 10),
    };
  },
});
