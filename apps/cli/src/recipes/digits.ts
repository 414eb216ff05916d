/** Generated digits: the job that runs everywhere, without data and without a network. */
import { digits } from '@ag/datasets';
import { flatImages, perceptron } from './images.ts';
import { countOf, countsOf, defineRecipe } from './recipe.ts';

export default defineRecipe({
  name: 'digits',
  summary: 'generated digits, 10,000 training examples, no files needed: multilayer perceptron 784-50-100-10',
  kind: 'classification',
  settings: { epochs: 15, batchSize: 50, learningRate: 3e-3, optimizer: 'adam', schedule: 'cosine' },
  parameters: { 'data.train': 10_000, 'data.test': 2_000, 'data.seed': 0, 'model.hidden': [50, 100] },
  async prepare({ parameters }) {
    const seed = Number(parameters['data.seed']);
    return {
      ...flatImages,
      train: digits({ split: 'train', count: countOf(parameters, 'data.train'), seed }),
      test: digits({ split: 'test', count: countOf(parameters, 'data.test'), seed }),
      model: () => perceptron(784, countsOf(parameters, 'model.hidden'), 10),
    };
  },
});
