/** Snippets of networks. */
import { type Group, snippet } from './snippet.ts';

export const networks: Group = {
  title: { en: 'Networks', zh: '网络' },
  snippets: [
    snippet(
      'perceptron',
      'A network and its weights',
      '网络与权重',
      `
import { linear, relu, sequential } from '@ag/nn';
import { manualSeed, normal } from '@ag/tensor';

manualSeed(0);
const model = sequential(linear(4, 8), relu(), linear(8, 3));
model;
model.forward(normal([2, 4])).softmax(1);
`,
    ),
    snippet(
      'summary',
      'Shapes, parameters, operations',
      '形状、参数与运算量',
      `
import * as nn from '@ag/nn';

const model = nn.sequential(
  nn.conv2d(1, 8, 3, { padding: 1 }),
  nn.relu(),
  nn.maxPool2d(2),
  nn.flatten(),
  nn.linear(8 * 14 * 14, 10),
);
String(nn.summary(model, [1, 1, 28, 28]));
`,
    ),
    snippet(
      'own-module',
      'A module of your own',
      '自定义模块',
      `
import { Linear, Module } from '@ag/nn';
import { manualSeed, ones, type Tensor } from '@ag/tensor';

class Residual extends Module {
  readonly inner = new Linear(6, 6);
  override forward(x: Tensor): Tensor {
    return x.add(this.inner.forward(x).tanh());
  }
}
manualSeed(2);
const block = new Residual();
block;
block.forward(ones([1, 6]));
`,
    ),
    snippet(
      'xor',
      'Exclusive or',
      '异或',
      `
import { xor } from '@ag/datasets';
import { backward } from '@ag/graph';
import { bceWithLogits, linear, sequential, tanh } from '@ag/nn';
import { adam } from '@ag/optim';
import { manualSeed } from '@ag/tensor';

manualSeed(5);
const { x, y } = await xor().batch([0, 1, 2, 3]);
const model = sequential(linear(2, 4), tanh(), linear(4, 1));
const optimizer = adam(model.parameters(), { learningRate: 0.1 });
for (let step = 0; step < 150; step++) {
  backward(bceWithLogits(model.forward(x), y));
  optimizer.step();
}
model.forward(x).sigmoid(); // 0, 1, 1, 0
`,
    ),
    snippet(
      'activations',
      'Activation functions',
      '激活函数',
      `
import { linspace, type Tensor } from '@ag/tensor';
import { lineChart } from '@ag/viz';

const x = linspace(-4, 4, 161);
const curves: Record<string, Tensor> = {
  relu: x.relu(),
  gelu: x.gelu(),
  tanh: x.tanh(),
  softplus: x.softplus(),
};
const series = [];
for (const [name, y] of Object.entries(curves)) series.push({ name, x: await x.data(), y: await y.data() });
lineChart(series);
`,
    ),
    snippet(
      'initializers',
      'Why initial weights matter',
      '初始权重为何重要',
      `
import { type Initializer, init, linear } from '@ag/nn';
import { manualSeed, normal, type Tensor } from '@ag/tensor';
import { lineChart } from '@ag/viz';

manualSeed(1);
const spread = async (weight: Initializer) => {
  let x: Tensor = normal([64, 100]);
  const sizes = [];
  for (let layer = 0; layer < 20; layer++) {
    x = linear(100, 100, { weightInit: weight }).forward(x).relu();
    sizes.push(await x.std().item());
  }
  return sizes;
};
lineChart(
  [
    { name: 'deviation 0.01', y: await spread((shape) => init.normal(shape, { std: 0.01 })) },
    { name: 'He', y: await spread(init.heNormal) },
  ],
  { yScale: 'log', xLabel: 'layer', yLabel: 'deviation of activations' },
);
`,
    ),
    snippet(
      'convolution',
      'What a convolution sees',
      '卷积看到什么',
      `
import { digits } from '@ag/datasets';
import { conv2d, tensor } from '@ag/tensor';

const { x } = await digits({ count: 1 }).batch([0]);
const kernels = tensor([[-1, 0, 1, -2, 0, 2, -1, 0, 1], [-1, -2, -1, 0, 0, 0, 1, 2, 1]]).reshape([2, 1, 3, 3]);
const seen = conv2d(x, kernels, { padding: 1 }).abs();
x;
seen.index(0); // vertical edges, horizontal edges
`,
    ),
    snippet(
      'attention',
      'Attention by hand',
      '手写注意力',
      `
import { scaledDotProductAttention } from '@ag/nn';
import { manualSeed, matmul, normal } from '@ag/tensor';

manualSeed(4);
const [q, k, v] = [normal([1, 6, 8]), normal([1, 6, 8]), normal([1, 6, 8])];
const weights = matmul(q, k.transpose()).div(Math.sqrt(8)).softmax(-1);
weights.index(0); // who looks at whom
scaledDotProductAttention(q, k, v).sub(matmul(weights, v)).abs().max(); // 0, but for rounding
`,
    ),
    snippet(
      'dropout',
      'Training and evaluation',
      '训练模式与评估模式',
      `
import { dropout } from '@ag/nn';
import { manualSeed, ones } from '@ag/tensor';

manualSeed(7);
const layer = dropout(0.5);
layer.forward(ones([2, 6])); // half of them, twice as large
layer.eval();
layer.forward(ones([2, 6]));
`,
    ),
    snippet(
      'save',
      'Weights as a file',
      '把权重存成文件',
      `
import { writeFileSync } from 'node:fs';
import { linear, loadSafetensors, saveSafetensors } from '@ag/nn';

const layer = linear(3, 2);
const bytes = await saveSafetensors(layer.stateDict());
writeFileSync('layer.safetensors', bytes);
const { tensors } = loadSafetensors(bytes);
tensors.weight;
`,
    ),
  ],
};
