/** Layers on placeholders whose batch is open: the same numbers as with tensors, for any batch. */
import { Graph, placeholder } from '@ag/graph';
import { type DType, normal, randint, type Tensor } from '@ag/tensor';
import { expect, it } from 'vitest';
import * as nn from './index.ts';

const cases: [string, nn.Module, number[], DType?][] = [
  ['linear', nn.linear(3, 2), [3]],
  [
    'images',
    nn.sequential(
      nn.conv2d(1, 4, 3, { padding: 'same' }),
      nn.batchNorm2d(4),
      nn.relu(),
      nn.maxPool2d(2),
      nn.groupNorm(2, 4),
      nn.adaptiveAvgPool2d([2, 3]),
      nn.flatten(),
      nn.linear(24, 5),
      nn.softmax(),
    ),
    [1, 6, 8],
  ],
  ['sequences', nn.sequential(nn.embedding(9, 4), nn.lstm(4, 3), nn.gru(3, 4), nn.rmsNorm(4)), [5], 'int32'],
  ['attention', nn.transformerEncoderLayer(4, 2, { causal: true, normFirst: true }), [3, 4]],
];

it.each(cases)('%s', (_, model, shape, dtype = 'float32') => {
  model.eval();
  const x = placeholder([null, ...shape], { name: 'x', dtype });
  const graph = new Graph({ inputs: [x], outputs: { y: model.forward(x) } });
  for (const batch of [1, 4, 1]) {
    const fed: Tensor = dtype === 'int32' ? randint([batch, ...shape], 0, 9) : normal([batch, ...shape]);
    const { y } = graph.run({ x: fed });
    const expected = model.forward(fed);
    expect(y.shape).toEqual(expected.shape);
    const numbers = expected.dataSync();
    for (const [i, v] of y.dataSync().entries()) expect(v).toBeCloseTo(numbers[i], 5);
  }
});

it('losses', () => {
  const logits = placeholder([null, 3], { name: 'logits' });
  const labels = placeholder([null], { name: 'labels', dtype: 'int32' });
  const options = { labelSmoothing: 0.1, ignoreIndex: 2 };
  const graph = new Graph({ inputs: [logits, labels], outputs: [nn.crossEntropy(logits, labels, options)] });
  for (const batch of [2, 5]) {
    const x = normal([batch, 3]);
    const y = randint([batch], 0, 2);
    const [loss] = graph.run({ logits: x, labels: y });
    expect(loss.itemSync()).toBeCloseTo(nn.crossEntropy(x, y, options).itemSync(), 5);
  }
});
