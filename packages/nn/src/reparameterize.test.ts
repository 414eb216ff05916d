/** What the comparison with PyTorch does not cover of weights that are made of something else: training, state, messages. */
import { backward, compile } from '@ag/graph';
import { sgd } from '@ag/optim';
import { manualSeed, normal, svd, type Tensor } from '@ag/tensor';
import { expect, it } from 'vitest';
import * as nn from './index.ts';

it('weightNorm computes what the layer did, and trains direction and length', () => {
  const inner = nn.linear(3, 2);
  const x = normal([4, 3]);
  const before = inner.forward(x).dataSync();
  const layer = nn.weightNorm(inner);
  const after = layer.forward(x).dataSync();
  before.forEach((value, i) => expect(after[i]).toBeCloseTo(value, 5));
  expect([...layer.namedParameters().keys()].sort()).toEqual(['body.bias', 'body.weight', 'gain']);
  const optimizer = sgd(layer.parameters(), { learningRate: 0.1 });
  const gain = layer.gain.value.dataSync().slice();
  backward(layer.forward(x).square().sum());
  optimizer.step();
  expect(layer.gain.value.dataSync()).not.toEqual(gain);
});

it('spectralNorm comes to a weight whose largest singular value is 1, plain and compiled', () => {
  for (const compiled of [false, true]) {
    manualSeed(3);
    const layer = nn.spectralNorm(nn.linear(5, 4));
    const plain = (x: Tensor): Tensor => layer.forward(x);
    const step = compiled ? compile(plain) : plain;
    for (let i = 0; i < 20; i++) step(normal([2, 5])).dataSync();
    layer.eval();
    expect(svd(layer.made()).s.dataSync()[0]).toBeCloseTo(1, 4);
    const left = layer.left.value.dataSync().slice();
    layer.forward(normal([2, 5])).dataSync();
    expect(layer.left.value.dataSync()).toEqual(left);
  }
});

it('says what does not fit', () => {
  expect(() => nn.weightNorm(nn.linear(2, 3), { name: 'weigth' })).toThrow(
    "no variable 'weigth'; it has 'weight'",
  );
  expect(() => nn.weightNorm(nn.linear(2, 3), { axis: 2 })).toThrow("'weight' has no axis 2, only 2");
  expect(() => nn.spectralNorm(nn.linear(2, 3), { name: 'bias' })).toThrow("'bias' is no matrix, [3]");
  expect(() => nn.spectralNorm(nn.linear(2, 3), { iterations: 0 })).toThrow(/iterations/);
  expect(String(nn.weightNorm(nn.linear(2, 3)))).toBe(
    'weightNorm(name: weight, axis: 0\n  body: linear(2, 3)\n)',
  );
});
