/**
 * Two layers fitted to noise by plain gradient descent, the first program of many courses. Standard normal data and
 * weights, a sigmoid hidden layer, no biases, the sum of squares.
 */
import { tensorDataset } from '@ag/datasets';
import { init, linear, mseLoss, sequential, sigmoid } from '@ag/nn';
import { key, normal, splitKey } from '@ag/tensor';
import { countOf, defineRecipe } from './recipe.ts';

export default defineRecipe({
  name: 'two-layer',
  summary: 'memorizing random numbers: 64 examples, multilayer perceptron 1000-100-10, sum of squares',
  kind: 'regression',
  settings: { epochs: 2000, batchSize: 64, learningRate: 1e-4, optimizer: 'sgd', validateEvery: 500 },
  parameters: { 'data.count': 64, 'model.inputs': 1000, 'model.hidden': 100, 'model.outputs': 10 },
  compile: true,
  async prepare({ parameters, settings }) {
    const count = countOf(parameters, 'data.count');
    const inputs = countOf(parameters, 'model.inputs');
    const hidden = countOf(parameters, 'model.hidden');
    const outputs = countOf(parameters, 'model.outputs');
    const [x, y] = splitKey(key(settings.seed), 2);
    const data = tensorDataset(normal([count, inputs], { key: x }), normal([count, outputs], { key: y }), {
      name: 'noise',
    });
    const options = { bias: false, weightInit: (shape: readonly number[]) => init.normal(shape, { std: 1 }) };
    return {
      train: data,
      test: data,
      loss: (output, target) => mseLoss(output, target, { reduction: 'sum' }),
      metrics: {},
      model: () => sequential(linear(inputs, hidden, options), sigmoid(), linear(hidden, outputs, options)),
    };
  },
});
