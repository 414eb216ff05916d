/**
 * The program that makes what the page shows, for Node.
 */
import { blobCenters, type OptimizerId, type PlaygroundConfig, plane } from './config.ts';

const optimizers: Readonly<Record<OptimizerId, readonly [name: string, more: string]>> = {
  sgd: ['sgd', ''],
  momentum: ['sgd', ', momentum: 0.9'],
  nesterov: ['sgd', ', momentum: 0.9, nesterov: true'],
  adagrad: ['adagrad', ''],
  rmsprop: ['rmsprop', ''],
  adadelta: ['adadelta', ''],
  adam: ['adam', ''],
  adamw: ['adamw', ''],
  nadam: ['nadam', ''],
  radam: ['radam', ''],
  lion: ['lion', ''],
};

export function codeFor(config: PlaygroundConfig): string {
  const { data, count, noise, classes, seed, regression, points } = config;
  const pointKinds = regression ? 1 : Math.max(2, 1 + Math.max(...points.map(({ target }) => target)));
  const outputs = { spirals: classes, blobs: classes, plane: 1, points: pointKinds }[data as string] ?? 2;
  const kind = outputs === 1 ? 'value' : outputs === 2 ? 'binary' : 'classes';
  const source = {
    xor: 'xor()',
    circles: `circles({ count: ${count}, noise: ${noise}, seed: ${seed} })`,
    spirals: `spirals({ count: ${count}, noise: ${noise}, seed: ${seed}, classes: ${classes} })`,
    moons: `moons({ count: ${count}, noise: ${noise}, seed: ${seed} })`,
    blobs: `blobs({ count: ${count}, deviation: ${noise}, seed: ${seed}, centers: ${JSON.stringify(blobCenters.slice(0, classes))} })`,
    plane: `linearRegression({ count: ${count}, noise: ${noise}, seed: ${seed}, weights: ${JSON.stringify(plane.weights)}, bias: ${plane.bias} })`,
    points: `tensorDataset(
  ${JSON.stringify(points.map(({ x, y }) => [x, y]))},
  ${JSON.stringify(points.map(({ target }) => [target]))},
)`,
  }[data];
  const maker = source.slice(0, source.indexOf('('));
  const length = data === 'xor' ? 4 : data === 'points' ? points.length : count;
  const tested = data === 'xor' ? 0 : Math.min(length - 1, Math.round(length * config.test));
  const parts = tested > 0;
  let inputs = 2;
  const layers = config.layers.flatMap(({ activation, units }) => {
    const made = [`  nn.linear(${inputs}, ${units}),`, `  nn.${activation}(),`];
    if (config.dropout > 0) made.push(`  nn.dropout(${config.dropout}),`);
    inputs = units;
    return made;
  });
  layers.push(`  nn.linear(${inputs}, ${kind === 'classes' ? outputs : 1}),`);
  const loss = { value: 'nn.mseLoss', binary: 'nn.bceWithLogits', classes: 'nn.crossEntropy' }[kind];
  const [optimizer, more] = optimizers[config.optimizer];
  const target =
    kind === 'classes'
      ? '{ data: Int32Array.from(y.data), shape: [] }'
      : '{ data: Float32Array.from(y.data), shape: [1] }';
  const batchSize = Math.min(config.batchSize, length - tested);
  const names = [
    maker,
    'dataLoader',
    'memoryDataset',
    ...(parts ? ['randomSplit'] : []),
    ...(config.standardize ? ['transforms'] : []),
  ];
  const scale = config.standardize ? `, transform: transforms.standardize(train)` : '';
  return `import { ${names.sort().join(', ')} } from '@ag/datasets';
import { wasm } from '@ag/native-wasm';
import * as nn from '@ag/nn';
import { ${optimizer} } from '@ag/optim';
import { manualSeed, use } from '@ag/tensor';
import { fit } from '@ag/train';

use(await wasm());
const { x, y } = ${source}.columns;
const data = memoryDataset({ x, y: ${target} });
${parts ? `const [train, test] = randomSplit(data, [${length - tested}, ${tested}], { seed: ${seed} });` : 'const train = data;'}
manualSeed(${seed});
const model = nn.sequential(
${layers.join('\n')}
);
const optimizer = ${optimizer}(model.parameters(), { learningRate: ${config.learningRate}${more} });
const run = fit({
  model,
  optimizer,
  loss: ${loss},
  train: dataLoader(train, { batchSize: ${batchSize}, shuffle: true, seed: ${seed}${scale} }),${
    parts ? `\n  validation: dataLoader(test, { batchSize: ${tested}${scale} }),` : ''
  }
  epochs: 50,
  compile: true,
});
for await (const event of run) {
  if (event.type === 'step' && event.step <= 100) console.log(event.step, event.loss);
  if (event.type === 'validation') console.log('test', event.loss);
}
`;
}
