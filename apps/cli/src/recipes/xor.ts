/** The exclusive or: four examples that no linear model can learn. */
import { xor } from '@ag/datasets';
import { bceLoss, linear, sequential, sigmoid, tanh } from '@ag/nn';
import { predict } from '@ag/train';
import { countOf, defineRecipe } from './recipe.ts';

export default defineRecipe({
  name: 'xor',
  summary: 'exclusive or, four examples: multilayer perceptron 2-8-1',
  kind: 'binary',
  settings: { epochs: 1000, batchSize: 4, learningRate: 0.05, optimizer: 'adam', validateEvery: 1000 },
  parameters: { 'model.hidden': 8 },
  compile: true,
  async prepare({ parameters }) {
    const data = xor();
    const hidden = countOf(parameters, 'model.hidden');
    return {
      train: data,
      test: data,
      loss: bceLoss,
      metrics: { accuracy: (output, y) => output.greater(0.5).equal(y.greater(0.5)).mean() },
      model: () => sequential(linear(2, hidden), tanh(), linear(hidden, 1), sigmoid()),
      async conclude(model) {
        const { x, y } = data.batch([0, 1, 2, 3]);
        const inputs = await x.data();
        const targets = await y.data();
        const answers = await (await predict(model, x)).data();
        return Array.from(answers, (answer, i) => {
          const [a, b] = [inputs[2 * i], inputs[2 * i + 1]];
          return `${a} xor ${b} = ${answer.toFixed(3)} (${targets[i]})`;
        });
      },
    };
  },
});
