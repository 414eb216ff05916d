/**
 * Boston housing: prices from features, by a network with one hidden sigmoid layer. As in the lesson it comes from,
 * all 506 examples are learned from, and an epoch is as many batches, drawn with replacement, as fit into them (506
 * / 16: 31).
 */
import { bostonHousing, fitPreprocessing } from '@ag/datasets';
import { init, linear, meanAbsoluteError, mseLoss, sequential, sigmoid } from '@ag/nn';
import { countOf, defineRecipe, type Recipe } from './recipe.ts';

function housing(name: string, summary: string, columns: readonly string[] | undefined): Recipe {
  return defineRecipe({
    name,
    summary,
    kind: 'regression',
    settings: { epochs: 5000, batchSize: 16, learningRate: 1e-2, optimizer: 'sgd', validateEvery: 500 },
    parameters: { 'model.hidden': 10 },
    compile: true,
    data: 'boston',
    async prepare({ parameters, source, preprocessing: fitted }) {
      const data = await bostonHousing({ ...source, ...(columns && { columns }) });
      // The lesson's loss is of prices as they are, so that its figures can be compared: inputs alone are scaled.
      const preprocessing = fitted ?? fitPreprocessing(data, { targetScaler: 'none', unit: '1000 dollars' });
      const houses = preprocessing.dataset(data);
      const hidden = countOf(parameters, 'model.hidden');
      return {
        train: houses,
        test: houses,
        preprocessing,
        replacement: true,
        dropLast: true,
        loss: mseLoss,
        metrics: { meanAbsoluteError },
        model: () =>
          sequential(
            linear(data.features, hidden, { weightInit: init.xavierUniform }),
            sigmoid(),
            linear(hidden, 1, { weightInit: init.xavierUniform }),
          ),
      };
    },
  });
}

export const boston = housing('boston', 'house prices from 13 properties: a network 13-10-1', undefined);
export const boston2d = housing('boston-2d', 'house prices from rooms and status alone: a network 2-10-1', [
  'rm',
  'lstat',
]);
