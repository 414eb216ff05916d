/** Snippets of training, data and pictures. */
import { type Group, snippet } from './snippet.ts';

export const training: Group = {
  title: { en: 'Training and data', zh: '训练与数据' },
  snippets: [
    snippet(
      'regression',
      'A line through points',
      '直线拟合',
      `
import { backward } from '@ag/graph';
import { sgd } from '@ag/optim';
import { manualSeed, normal, tensor, Variable } from '@ag/tensor';

manualSeed(0);
const x = normal([100]);
const y = x.mul(2).add(1).add(normal([100]).mul(0.1));
const [slope, height] = [new Variable(tensor(0)), new Variable(tensor(0))];
const optimizer = sgd([slope, height], { learningRate: 0.1 });
for (let step = 0; step < 100; step++) {
  backward(x.mul(slope.value).add(height.value).sub(y).square().mean());
  optimizer.step();
}
show(slope, height); // about 2 and 1
`,
    ),
    snippet(
      'fit',
      'The training loop as events',
      '训练循环',
      `
import { blobs, dataLoader } from '@ag/datasets';
import { accuracy, crossEntropy, linear, relu, sequential } from '@ag/nn';
import { adam } from '@ag/optim';
import { manualSeed } from '@ag/tensor';
import { fit } from '@ag/train';

manualSeed(1);
const model = sequential(linear(2, 16), relu(), linear(16, 3));
const train = dataLoader(blobs({ count: 300, centers: 3 }), { batchSize: 30, shuffle: true, seed: 1 });
const optimizer = adam(model.parameters(), { learningRate: 0.01 });
for await (const event of fit({ model, optimizer, loss: crossEntropy, metrics: { accuracy }, train, epochs: 5 })) {
  if (event.type === 'epoch') console.log(event.epoch, event.loss.toFixed(4), event.metrics.accuracy);
}
`,
    ),
    snippet(
      'compiled',
      'A compiled training step',
      '编译训练步',
      `
import { spirals } from '@ag/datasets';
import { backward, compile } from '@ag/graph';
import { wasm } from '@ag/native-wasm';
import { crossEntropy, linear, sequential, tanh } from '@ag/nn';
import { adam } from '@ag/optim';
import { manualSeed, use } from '@ag/tensor';

use(await wasm());
manualSeed(4);
const data = spirals({ count: 240, seed: 2 });
const { x, y } = await data.batch(Array.from({ length: data.length }, (_, i) => i));
const model = sequential(linear(2, 32), tanh(), linear(32, 3));
const optimizer = adam(model.parameters(), { learningRate: 0.02 });
const step = compile(() => {
  const loss = crossEntropy(model.forward(x), y);
  backward(loss);
  optimizer.step();
  return loss;
});
for (let i = 0; i <= 200; i++) {
  const loss = step();
  if (i % 50 === 0) console.log(i, (await loss.item()).toFixed(4));
}
`,
    ),
    snippet(
      'boundary',
      'A decision boundary',
      '决策边界',
      `
import { moons } from '@ag/datasets';
import { backward } from '@ag/graph';
import { crossEntropy, linear, sequential, tanh } from '@ag/nn';
import { adam } from '@ag/optim';
import { manualSeed, tensor } from '@ag/tensor';
import { decisionBoundary } from '@ag/viz';

manualSeed(2);
const data = moons({ count: 120, seed: 1, noise: 0.1 });
const { x, y } = await data.batch(Array.from({ length: 120 }, (_, i) => i));
const model = sequential(linear(2, 12), tanh(), linear(12, 2));
const optimizer = adam(model.parameters(), { learningRate: 0.05 });
for (let step = 0; step < 120; step++) {
  backward(crossEntropy(model.forward(x), y));
  optimizer.step();
}
const n = 40;
const at = (i: number) => -2 + (5 * i) / (n - 1);
const plane = Array.from({ length: n * n }, (_, i) => [at(i % n), at(Math.floor(i / n))]);
const values = await model.forward(tensor(plane)).softmax(1).index(':', 1).data();
const [places, classes] = [await x.data(), await y.data()];
const points = Array.from(classes, (target, i) => ({ x: places[2 * i], y: places[2 * i + 1], target }));
decisionBoundary({ x: [-2, 3], y: [-2, 3], columns: n, rows: n, values }, points);
`,
    ),
    snippet(
      'optimizers',
      'Optimizers side by side',
      '优化器对比',
      `
import { backward } from '@ag/graph';
import { adam, type Optimizer, rmsprop, sgd } from '@ag/optim';
import { tensor, Variable } from '@ag/tensor';
import { lineChart } from '@ag/viz';

const makers: Record<string, (p: Variable[]) => Optimizer> = {
  sgd: (p) => sgd(p, { learningRate: 0.02 }),
  momentum: (p) => sgd(p, { learningRate: 0.02, momentum: 0.9 }),
  rmsprop: (p) => rmsprop(p, { learningRate: 0.1 }),
  adam: (p) => adam(p, { learningRate: 0.3 }),
};
const curves = [];
for (const [name, make] of Object.entries(makers)) {
  const p = new Variable(tensor([-7, 2]));
  const optimizer = make([p]);
  const y: number[] = [];
  for (let step = 0; step < 60; step++) {
    const loss = p.value.square().mul(tensor([0.05, 1])).sum(); // x²/20 + y²
    backward(loss);
    y.push(await loss.item());
    optimizer.step();
  }
  curves.push({ name, y });
}
lineChart(curves, { yScale: 'log', xLabel: 'step', yLabel: 'loss' });
`,
    ),
    snippet(
      'schedules',
      'Learning-rate schedules',
      '学习率调度',
      `
import { cosine, oneCycle, stepDecay } from '@ag/optim';
import { lineChart } from '@ag/viz';

const schedules = {
  cosine: cosine(0.1, { steps: 100 }),
  'one cycle': oneCycle(0.1, { steps: 100 }),
  steps: stepDecay(0.1, { every: 30, factor: 0.5 }),
};
lineChart(
  Object.entries(schedules).map(([name, schedule]) => ({
    name,
    y: Array.from({ length: 100 }, (_, step) => schedule(step)),
  })),
  { xLabel: 'step', yLabel: 'learning rate' },
);
`,
    ),
    snippet(
      'digits',
      'Handwritten digits',
      '手写数字',
      `
import { digits } from '@ag/datasets';
import { imageGrid } from '@ag/viz';

const data = digits({ count: 24, seed: 3 });
const { x, y } = await data.batch(Array.from({ length: 24 }, (_, i) => i));
const [pixels, labels] = [await x.data(), await y.data()];
imageGrid(
  Array.from(labels, (label, i) => ({
    pixels: pixels.slice(i * 784, (i + 1) * 784),
    width: 28,
    height: 28,
    caption: String(label),
  })),
);
`,
    ),
    snippet(
      'adversarial',
      'Fooling a network',
      '对抗样本',
      `
import { digits } from '@ag/datasets';
import { backward, grad } from '@ag/graph';
import { crossEntropy, flatten, linear, sequential } from '@ag/nn';
import { adam } from '@ag/optim';
import { manualSeed, type Tensor } from '@ag/tensor';

manualSeed(6);
const data = digits({ count: 400 });
const all = await data.batch(Array.from({ length: 400 }, (_, i) => i));
const model = sequential(flatten(), linear(784, 10));
const optimizer = adam(model.parameters(), { learningRate: 0.01 });
for (let step = 0; step < 60; step++) {
  backward(crossEntropy(model.forward(all.x), all.y));
  optimizer.step();
}
const { x, y } = await data.batch([0]);
const slope = grad((x: Tensor) => crossEntropy(model.forward(x), y));
const fooled = x.add(slope(x).sign().mul(0.25)).clamp(0, 1);
show(model.forward(x).argmax(1), x);
show(model.forward(fooled).argmax(1), fooled);
`,
    ),
    snippet(
      'histogram',
      'A distribution',
      '分布直方图',
      `
import { exponential, manualSeed } from '@ag/tensor';
import { histogram } from '@ag/viz';

manualSeed(8);
const means = exponential([2000, 30]).mean(1); // the central limit theorem
histogram(await means.data(), { title: 'Means of 30 waiting times' });
`,
    ),
    snippet(
      'speed',
      'How fast is this device?',
      '这台设备有多快？',
      `
import { wasm } from '@ag/native-wasm';
import { matmul, normal, use } from '@ag/tensor';

use(await wasm());
const n = 256;
const [a, b] = [normal([n, n]), normal([n, n])];
await matmul(a, b).data(); // kernels are made in the first run
const began = performance.now();
for (let i = 0; i < 10; i++) await matmul(a, b.add(i)).data();
const seconds = (performance.now() - began) / 1000;
console.log(\`\${((10 * 2 * n ** 3) / seconds / 1e9).toFixed(1)} billion operations a second\`);
`,
    ),
  ],
};
