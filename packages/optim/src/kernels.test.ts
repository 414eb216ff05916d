/**
 * What a step costs beside the gradients, counted by a backend that computes nothing: however many operations a rule
 * has, a parameter and its state are updated by one kernel, or within the kernel that makes the gradient.
 */
import { backward } from '@ag/graph';
import { backend, type Tensor, tensor, use, Variable } from '@ag/tensor';
import { type NullBackend, nullBackend } from '@ag/tensor/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import * as optim from './index.ts';

const before = backend();
let device: NullBackend;
beforeEach(() => {
  device = nullBackend();
  use(device);
});
afterEach(() => use(before));

const [layers, rows, width] = [20, 8, 16];
const blank = (shape: number[]): Tensor =>
  tensor(new Float32Array(shape.reduce((n, x) => n * x, 1)), { shape });

/** Launches of a step for 20 weights and 20 biases. */
function launches(make: (parameters: Variable[]) => { step(): void }): number {
  const weights = Array.from({ length: layers }, () => new Variable(blank([width, width])));
  const biases = weights.map(() => new Variable(blank([width])));
  const optimizer = make([...weights, ...biases]);
  for (let step = 0; step < 2; step++) {
    let y = blank([rows, width]);
    weights.forEach((weight, i) => {
      y = y.matmul(weight.value.transpose()).add(biases[i].value).relu();
    });
    backward(y.square().sum());
    optimizer.step();
  }
  return device.last.launches;
}

const rate = { learningRate: 0.1 };
it.each<[string, (parameters: Variable[]) => { step(): void }]>([
  ['sgd', (p) => optim.sgd(p, rate)],
  ['sgd with momentum', (p) => optim.sgd(p, { ...rate, momentum: 0.9, nesterov: true, weightDecay: 0.1 })],
  ['adagrad', (p) => optim.adagrad(p, rate)],
  ['rmsprop', (p) => optim.rmsprop(p, { momentum: 0.5, centered: true })],
  ['adadelta', (p) => optim.adadelta(p)],
  ['adam', (p) => optim.adam(p, { amsgrad: true })],
  ['adamw', (p) => optim.adamw(p)],
  ['nadam', (p) => optim.nadam(p)],
  ['radam', (p) => optim.radam(p)],
  ['lion', (p) => optim.lion(p, { weightDecay: 0.1 })],
  ['adamax', (p) => optim.adamax(p)],
])('%s', (_, make) => {
  // Products: forward 20, gradients of activations 19, of weights 20. One sum for each bias, the bias's update within it,
  // and one for the loss. One kernel for each weight, as its gradient comes out transposed.
  expect(launches(make), device.last.labels.join('\n')).toBeLessThanOrEqual(20 + 19 + 20 + 20 + 1 + 20);
});
