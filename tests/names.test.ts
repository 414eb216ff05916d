/** The table of names from PyTorch and NumPy: what its last column names exists. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as datasets from '@ag/datasets';
import * as graph from '@ag/graph';
import * as nn from '@ag/nn';
import * as onnx from '@ag/onnx';
import * as optim from '@ag/optim';
import * as tensor from '@ag/tensor';
import * as train from '@ag/train';
import { expect, it } from 'vitest';
import { root } from './workspace.ts';

const x = tensor.tensor([[1, 2]]);
const model = nn.linear(1, 1);
/** What stands before a dot in the table. */
const objects: Readonly<Record<string, object>> = {
  x,
  c: x,
  model,
  module: model,
  variable: model.weight,
  tuned: nn.lora(nn.linear(1, 1)),
  optimizer: optim.sgd(model.parameters(), { learningRate: 1 }),
};
const exported: object = { ...tensor, ...graph, ...nn, ...optim, ...datasets, ...train, ...onnx };

const names = readFileSync(join(root, 'docs/names.md'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('|') && !line.includes('---') && !line.includes('| here |'))
  .flatMap((line) => [
    ...line
      .split('|')
      .at(-2)!
      .matchAll(/`(?:await |new )?(?:(\w+)\.)?(\w+)/g),
  ])
  .filter(([code]) => !code.includes('agrad'))
  .map(([, object, name]) => [object ? `${object}.${name}` : name, object, name] as const);

it('finds the table', () => {
  expect(names.length).toBeGreaterThan(70);
});

it.each(names)('%s', (_, object, name) => {
  const holder = object === undefined ? exported : objects[object];
  expect(name in holder).toBe(true);
});
