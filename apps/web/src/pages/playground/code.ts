/**
 * The program that makes what the page shows, for Node.
 */
import {
  batchSizeOf,
  blobCenters,
  isLine,
  type LossId,
  type OptimizerId,
  outputsOf,
  type PlaygroundConfig,
  plane,
  taskOf,
} from './config.ts';
import { testCountOf } from './data.ts';
import { features } from './features.ts';

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
  adamax: ['adamax', ''],
  lion: ['lion', ''],
  lamb: ['lamb', ''],
  adafactor: ['adafactor', ''],
  muon: ['muon', ''],
  lookahead: ['adam', ''],
};

const losses: Readonly<Record<LossId, string>> = {
  bce: 'nn.bceWithLogits(output, y)',
  crossEntropy: 'nn.crossEntropy(output, y)',
  mse: 'nn.mseLoss(output, y)',
  mae: 'nn.l1Loss(output, y)',
  huber: 'nn.huberLoss(output, y)',
  quantile: 'nn.quantileLoss(output, y.squeeze(1), { quantiles: [0.9] })',
  hinge: 'nn.hingeLoss(output, y.mul(2).sub(1))',
  focal: 'nn.focalLoss(output, y)',
};
const logits: Readonly<Partial<Record<LossId, string>>> = { mse: 'nn.mseLoss(output.sigmoid(), y)' };

export function codeFor(config: PlaygroundConfig): string {
  const { data, count, seed, points } = config;
  const task = taskOf(config);
  const { kind } = task;
  const outputs = outputsOf(task);
  const length = data === 'xor' ? 4 : data === 'points' ? points.length : count;
  const tested = testCountOf(config, length);
  const parts = tested > 0;
  const [optimizer, more] = optimizers[config.optimizer];
  const target =
    kind === 'classes'
      ? '{ data: Int32Array.from(y.data), shape: [] }'
      : '{ data: Float32Array.from(y.data), shape: [1] }';
  const learned = length - tested;
  const batchSize = batchSizeOf(config, learned);
  const dropLast = config.normalization === 'batch' && learned % batchSize === 1 ? ', dropLast: true' : '';
  const scale = config.standardize ? ', transform: transforms.standardize(train)' : '';
  const { maker, columns } = sourceOf(config);
  const names = [
    ...(maker ? [maker] : []),
    'dataLoader',
    'memoryDataset',
    ...(parts ? ['randomSplit'] : []),
    ...(config.standardize ? ['transforms'] : []),
  ];
  const tensors = maker ? [] : ['key', 'normal', 'splitKey', 'stack', 'uniform'];
  const imported = config.optimizer === 'lookahead' ? ['adam', 'lookahead'] : [optimizer];
  const made = `${optimizer}(model.parameters(), { learningRate: ${config.learningRate}${more} })`;
  return `import { ${names.sort().join(', ')} } from '@ag/datasets';
import { wasm } from '@ag/native-wasm';
import * as nn from '@ag/nn';
import { ${imported.join(', ')} } from '@ag/optim';
import { ${[...tensors, 'manualSeed', 'use'].sort().join(', ')} } from '@ag/tensor';
import { fit } from '@ag/train';

use(await wasm());
${columns}
${inputsOf(config)}
const data = memoryDataset({ x: inputs, y: ${target} });
${parts ? `const [train, test] = randomSplit(data, [${learned}, ${tested}], { seed: ${seed} });` : 'const train = data;'}
manualSeed(${seed});
const model = nn.sequential(
${layersOf(config, outputs).join('\n')}
);
const optimizer = ${config.optimizer === 'lookahead' ? `lookahead(${made})` : made};
${lossOf(config, kind)}
const run = fit({
  model,
  optimizer,
  loss,
  train: dataLoader(train, { batchSize: ${batchSize}, shuffle: true, seed: ${seed}${dropLast}${scale} }),${
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

/** Where the points come from: which function makes them, if one does, and the columns x and y. */
function sourceOf({ data, count, noise, classes, seed, points, line }: PlaygroundConfig): {
  readonly maker: string | null;
  readonly columns: string;
} {
  if (data === 'hills' || data === 'curve') {
    const smooth = data === 'curve' ? 'a.mul(4).sin().mul(0.7)' : 'a.mul(3).sin().mul(b.mul(2).cos())';
    return {
      maker: null,
      columns: `const [aKey, bKey, noiseKey] = splitKey(key(${seed}), 3);
const a = uniform([${count}], { low: -1, high: 1, key: aKey });
const b = uniform([${count}], { low: -1, high: 1, key: bKey });
const height = ${smooth}.add(normal([${count}], { std: ${noise}, key: noiseKey }));
const x = { data: await stack([a, ${data === 'curve' ? 'height' : 'b'}], 1).data() };
const y = { data: await height.data() };`,
    };
  }
  const call = {
    xor: 'xor()',
    circles: `circles({ count: ${count}, noise: ${noise}, seed: ${seed} })`,
    spirals: `spirals({ count: ${count}, noise: ${noise}, seed: ${seed}, classes: ${classes} })`,
    moons: `moons({ count: ${count}, noise: ${noise}, seed: ${seed} })`,
    blobs: `blobs({ count: ${count}, deviation: ${noise}, seed: ${seed}, centers: ${JSON.stringify(blobCenters.slice(0, classes))} })`,
    plane: `linearRegression({ count: ${count}, noise: ${noise}, seed: ${seed}, weights: ${JSON.stringify(plane.weights)}, bias: ${plane.bias} })`,
    points: `tensorDataset(
  ${JSON.stringify(points.map(({ x, y }) => [x, y]))},
  ${JSON.stringify(points.map(({ y, target }) => [line ? y : target]))},
)`,
  }[data];
  return { maker: call.slice(0, call.indexOf('(')), columns: `const { x, y } = ${call}.columns;` };
}

/** What the network is given of each place. */
function inputsOf(config: PlaygroundConfig): string {
  const ids = config.features;
  if (!isLine(config) && ids.join() === 'x,y') return 'const inputs = { data: x.data, shape: [2] };';
  return `const feature = (x, y) => [${ids.map((id) => features[id].code).join(', ')}];
const places = Array.from({ length: x.data.length / 2 }, (_, i) => [x.data[2 * i], x.data[2 * i + 1]]);
const inputs = {
  data: Float32Array.from(places.flatMap(([x, y]) => feature(x, y))),
  shape: [${ids.length}],
};`;
}

function layersOf(
  { features: { length }, layers, normalization, dropout }: PlaygroundConfig,
  outputs: number,
): string[] {
  let inputs = length;
  const lines = layers.flatMap(({ activation, units }) => {
    const made = [
      `  nn.linear(${inputs}, ${units}),`,
      ...{ none: [], batch: [`  nn.batchNorm1d(${units}),`], layer: [`  nn.layerNorm(${units}),`] }[
        normalization
      ],
      `  nn.${activation}(),`,
      ...(dropout > 0 ? [`  nn.dropout(${dropout}),`] : []),
    ];
    inputs = units;
    return made;
  });
  return [...lines, `  nn.linear(${inputs}, ${outputs}),`];
}

/** The loss, with its penalties where the network learns. */
function lossOf({ loss, l1, l2 }: PlaygroundConfig, kind: string): string {
  const plain = (kind === 'binary' && logits[loss]) || losses[loss];
  if (l1 === 0 && l2 === 0) return `const loss = (output, y) => ${plain};`;
  const terms = [
    ...(l1 > 0 ? [`.add(sum((w) => w.abs().sum()).mul(${l1}))`] : []),
    ...(l2 > 0 ? [`.add(sum((w) => w.square().sum()).mul(${l2 / 2}))`] : []),
  ];
  return `const weights = model.layers.filter((layer) => layer instanceof nn.Linear).map((layer) => layer.weight);
const sum = (each) => weights.map((weight) => each(weight.value)).reduce((a, b) => a.add(b));
const loss = (output, y) => {
  const data = ${plain};
  return model.training ? data${terms.join('')} : data;
};`;
}
