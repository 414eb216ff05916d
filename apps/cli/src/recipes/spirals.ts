/** Two spirals: a boundary that a small network has to bend twice around. */
import { spirals } from '@ag/datasets';
import { accuracy, crossEntropy, linear, sequential, tanh } from '@ag/nn';
import { countOf, defineRecipe } from './recipe.ts';

export default defineRecipe({
  name: 'spirals',
  summary: 'points on two spirals, no files needed: multilayer perceptron 2-32-32-2',
  kind: 'classification',
  settings: {
    epochs: 300,
    batchSize: 50,
    learningRate: 1e-2,
    optimizer: 'adam',
    schedule: 'cosine',
    validateEvery: 20,
  },
  parameters: { 'data.train': 500, 'data.test': 500, 'model.hidden': 32 },
  compile: true,
  async prepare({ parameters }) {
    const hidden = countOf(parameters, 'model.hidden');
    return {
      train: spirals({ count: countOf(parameters, 'data.train'), seed: 1 }),
      test: spirals({ count: countOf(parameters, 'data.test'), seed: 2 }),
      loss: crossEntropy,
      metrics: { accuracy },
      model: () => sequential(linear(2, hidden), tanh(), linear(hidden, hidden), tanh(), linear(hidden, 2)),
    };
  },
});
