/**
 * What deep networks taught: ten sigmoid layers lose the gradient on its way back, leaky relu with He's initialization
 * and shortcuts keep it.
 */
import { backward } from '@ag/graph';
import { key, normal, splitKey, type Tensor } from '@ag/tensor';
import { expect, it } from 'vitest';
import { type Initializer, init, linear, type Module, residual, sequential } from './index.ts';

const layers = 10;

/** Norm of the weight gradient of the first layer over that of the last. */
function ratio(
  width: number,
  std: number | 'he',
  activation: (x: Tensor) => Tensor,
  shortcut: boolean,
  seed: number,
): number {
  const keys = splitKey(key(seed), layers + 2);
  const draw =
    (i: number): Initializer =>
    (shape) =>
      std === 'he' ? init.heNormal(shape, { key: keys[i] }) : init.normal(shape, { std, key: keys[i] });
  const linears = Array.from({ length: layers }, (_, i) =>
    linear(width, width, { weightInit: draw(i), biasInit: (shape) => init.zeros(shape) }),
  );
  const blocks: Module[] = linears.map((layer) => {
    const step = sequential(layer, activation);
    return shortcut ? residual(step) : step;
  });
  const x = normal([32, width], { key: keys[layers] });
  const seedOfLoss = normal([32, width], { key: keys[layers + 1] });
  backward(
    sequential(...blocks)
      .forward(x)
      .mul(seedOfLoss)
      .sum(),
  );
  const [first, last] = [0, layers - 1].map((i) => linears[i].weight.grad!.square().sum().sqrt()) as [
    Tensor,
    Tensor,
  ];
  return first.div(last).itemSync();
}

const sigmoid = (x: Tensor): Tensor => x.sigmoid();
const leaky = (x: Tensor): Tensor => x.leakyRelu(0.01);

it.each([1, 2, 3])('ten sigmoid layers lose it (seed %d)', (seed) => {
  expect(ratio(1, 1, sigmoid, false, seed)).toBeLessThan(1e-4);
  expect(ratio(100, 0.01, sigmoid, false, seed)).toBeLessThan(1e-4);
});

it.each([1, 2, 3])('leaky relu with He’s initialization keeps it (seed %d)', (seed) => {
  const found = ratio(100, 'he', leaky, false, seed);
  expect(found).toBeGreaterThan(0.1);
  expect(found).toBeLessThan(10);
});

it.each([1, 2, 3])('shortcuts keep it with sigmoids too (seed %d)', (seed) => {
  expect(ratio(100, 0.01, sigmoid, true, seed)).toBeGreaterThan(0.05);
});
