/** The program that fits the prices, for Node. */
import type { HousesRequest } from './houses.ts';

export function codeFor(
  { hidden, optimizer, learningRate, seed, epochs }: HousesRequest,
  houses: number,
  learned: number,
): string {
  const heldOut = houses - learned;
  const make = {
    sgd: `sgd(model.parameters(), { learningRate: ${learningRate} })`,
    momentum: `sgd(model.parameters(), { learningRate: ${learningRate}, momentum: 0.9 })`,
    adam: `adam(model.parameters(), { learningRate: ${learningRate} })`,
  }[optimizer];
  return `// The file is looked for in the folder AG_DATA_DIR, else downloaded.
import { bostonHousing, dataLoader, fitPreprocessing${heldOut > 0 ? ', randomSplit' : ''} } from '@ag/datasets';
import { init, linear, mseLoss, sequential, sigmoid } from '@ag/nn';
import { ${optimizer === 'adam' ? 'adam' : 'sgd'} } from '@ag/optim';
import { manualSeed } from '@ag/tensor';
import { fit } from '@ag/train';

const data = await bostonHousing({ columns: ['rm', 'lstat'] });
${heldOut > 0 ? `const [known, heldOut] = randomSplit(data, [${learned}, ${heldOut}], { seed: ${seed} });` : 'const known = data;'}
// Rooms and status are scaled; prices stay in thousands of dollars.
const preprocessing = fitPreprocessing(known, { targetScaler: 'none', unit: '1000 dollars' });
manualSeed(${seed});
const model = sequential(
  linear(2, ${hidden}, { weightInit: init.xavierUniform }),
  sigmoid(),
  linear(${hidden}, 1, { weightInit: init.xavierUniform }),
);
const train = dataLoader(preprocessing.dataset(known), {
  batchSize: ${Math.min(16, learned)},
  replacement: true, dropLast: true, seed: ${seed},
});
const optimizer = ${make};
const run = fit({ model, optimizer, loss: mseLoss, train, epochs: ${epochs}, compile: true, reportEvery: 0${heldOut > 0 ? ',\n  validation: dataLoader(preprocessing.dataset(heldOut)), validateEvery: 100' : ''} });
for await (const event of run) {
  if (event.type === 'epoch' && event.epoch % 100 === 0) console.log(event.epoch, event.loss);${heldOut > 0 ? "\n  if (event.type === 'validation') console.log('held out', event.loss);" : ''}
}
`;
}
