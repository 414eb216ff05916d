/**
 * The program that trains the page's network, for Node.
 */
import type { DigitsConfig } from './config.ts';

export function codeFor(config: DigitsConfig): string {
  const { data, count, testCount, model, learningRate, batchSize, dropout, seed } = config;
  const drop = dropout > 0 ? [`nn.dropout(${dropout})`] : [];
  const layers =
    model === 'mlp'
      ? ['nn.flatten()', 'nn.linear(784, 128)', 'nn.relu()', ...drop, 'nn.linear(128, 10)']
      : [
          'nn.conv2d(1, 8, 5, { padding: 2 })',
          'nn.relu()',
          'nn.maxPool2d(2)',
          'nn.conv2d(8, 16, 5, { padding: 2 })',
          'nn.relu()',
          'nn.maxPool2d(2)',
          'nn.flatten()',
          ...(model === 'cnn'
            ? ['nn.linear(784, 64)', 'nn.relu()', ...drop, 'nn.linear(64, 10)']
            : [...drop, 'nn.linear(784, 10)']),
        ];
  const set = data === 'files' ? 'mnist' : 'digits';
  const train = data === 'files' ? 'await mnist()' : `digits({ count: ${count}, seed: ${seed} })`;
  const test =
    data === 'files'
      ? "await mnist({ split: 'test' })"
      : `digits({ count: ${testCount}, seed: ${seed}, split: 'test' })`;
  const trained =
    model === 'trained'
      ? `// The file that "Save the weights" gives.
model.loadStateDict(nn.loadSafetensors(await readFile('digits.safetensors')).tensors);
`
      : '';
  return `import { dataLoader, ${set} } from '@ag/datasets';
import { wasm } from '@ag/native-wasm';
import * as nn from '@ag/nn';
import { adam } from '@ag/optim';
import { manualSeed, use } from '@ag/tensor';
import { fit } from '@ag/train';
${model === 'trained' ? "import { readFile } from 'node:fs/promises';\n" : ''}
use(await wasm());
const train = ${train};
const test = ${test};
manualSeed(${seed});
const model = nn.sequential(
${layers.map((layer) => `  ${layer},`).join('\n')}
);
${trained}const run = fit({
  model,
  optimizer: adam(model.parameters(), { learningRate: ${learningRate} }),
  loss: nn.crossEntropy,
  metrics: { accuracy: nn.accuracy },
  train: dataLoader(train, { batchSize: ${data === 'files' ? batchSize : Math.min(batchSize, count)}, shuffle: true, seed: ${seed} }),
  validation: dataLoader(test, { batchSize: ${data === 'files' ? 250 : Math.min(250, testCount)} }),
  epochs: 10,
  compile: true,
});
for await (const event of run) {
  if (event.type === 'epoch') console.log(event.epoch, 'training', event.loss, event.metrics.accuracy);
  if (event.type === 'validation') console.log(event.epoch, 'test', event.loss, event.metrics.accuracy);
}
`;
}
