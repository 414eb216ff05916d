/**
 * The WebAssembly backend compiles structures, not sizes: another batch size, a ragged last batch or another learning rate
 * compile nothing. Caches stay bounded, and what is evicted gives its memory back.
 */
import { backward } from '@ag/graph';
import { type WasmBackend, wasm } from '@ag/native-wasm';
import * as nn from '@ag/nn';
import { adam, sgd } from '@ag/optim';
import { manualSeed, normal, randint, stats, type Tensor, tensor, use, zeros } from '@ag/tensor';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let backend: WasmBackend;
let rate = 1e-3;
const learningRate = (): number => rate;
beforeEach(async () => {
  backend = await wasm({ threads: 2 });
  use(backend);
  manualSeed(1);
});
afterEach(() => backend.close());

/** One step on a batch of `size`, and the loss before it. */
type Step = (size: number) => Promise<number>;

const networks: Record<string, () => Step> = {
  'digits, sigmoid, SGD': () => {
    const model = nn.sequential(nn.linear(784, 50), nn.sigmoid(), nn.linear(50, 10));
    const optimizer = sgd(model.parameters(), { learningRate });
    return trainer(model, optimizer, (size) => normal([size, 784]));
  },
  'digits, relu and dropout, Adam': () => {
    const model = nn.sequential(nn.linear(784, 64), nn.relu(), nn.dropout(0.1), nn.linear(64, 10));
    const optimizer = adam(model.parameters(), { learningRate });
    return trainer(model, optimizer, (size) => normal([size, 784]));
  },
  'convolutions, batch norm, Adam': () => {
    const model = nn.sequential(
      nn.conv2d(1, 4, 3, { padding: 1 }),
      nn.batchNorm2d(4),
      nn.relu(),
      nn.maxPool2d(2),
      nn.conv2d(4, 8, 3, { padding: 1 }),
      nn.relu(),
      nn.maxPool2d(2),
      (x: Tensor) => x.flatten(1),
      nn.linear(8 * 7 * 7, 10),
    );
    const optimizer = adam(model.parameters(), { learningRate });
    return trainer(model, optimizer, (size) => normal([size, 1, 28, 28]));
  },
  'transformer, Adam': () => {
    const model = nn.sequential(
      nn.embedding(20, 16),
      nn.transformerEncoderLayer(16, 2, { causal: true, normFirst: true, dropout: 0 }),
      (x: Tensor) => x.mean(1),
      nn.linear(16, 10),
    );
    const optimizer = adam(model.parameters(), { learningRate });
    return trainer(model, optimizer, (size) => randint([size, 12], 0, 20));
  },
};

interface Optimizer {
  step(): unknown;
}

function trainer(
  model: { forward(x: Tensor): Tensor },
  optimizer: Optimizer,
  input: (size: number) => Tensor,
): Step {
  return async (size) => {
    const loss = nn.crossEntropy(model.forward(input(size)), randint([size], 0, 10));
    backward(loss);
    optimizer.step();
    return loss.item();
  };
}

describe('structure, not size', () => {
  it.each(Object.keys(networks))('%s', async (name) => {
    const step = networks[name]();
    // Products come in a few forms, for tall, wide and small matrices: each is compiled once.
    for (const size of [32, 7, 17, 64, 100, 128]) await step(size);
    const { kernels, plansMade } = stats();
    // Another rate finds the same plan.
    rate = 0.0123;
    expect(Number.isFinite(await step(32))).toBe(true);
    expect(stats().plansMade).toBe(plansMade);
    // Another batch needs a plan, and no code.
    for (const size of [40, 9, 23, 72, 90, 120]) expect(Number.isFinite(await step(size))).toBe(true);
    expect(stats().plansMade).toBeGreaterThanOrEqual(plansMade + 6);
    expect(stats().kernels).toBe(kernels);
    expect(stats().interpreted).toEqual([]);
  });
});

describe('caches', () => {
  it('of plans are bounded; those evicted give their memory back', async () => {
    const most = 256;
    const once = async (i: number): Promise<void> => {
      // A kilobyte of records and a host array of 40 kB are held by each plan.
      const x = tensor(new Float32Array(10_000 + i).fill(1));
      expect(await x.mul(2).sum().item()).toBe(2 * (10_000 + i));
    };
    for (let i = 0; i < most; i++) await once(i);
    const { bytes } = stats();
    for (let i = most; i < 3 * most; i++) await once(i);
    expect(stats().plans).toBe(most);
    expect(stats().bytes).toBeLessThan(1.1 * bytes);
  });

  it('of kernels are bounded: the code of what is no longer used is dropped', async () => {
    const make = async (i: number): Promise<void> => {
      // Another row of operations each time: bits of i decide which.
      let y = tensor([0.5, 0.25]);
      for (let bit = 0; bit < 12; bit++) y = (i >> bit) & 1 ? y.tanh() : y.sin();
      await y.sum().item();
    };
    for (let i = 0; i < 1300; i++) await make(i);
    const { bytes, kernels, plans } = stats();
    expect(plans).toBe(256);
    for (let i = 1300; i < 1600; i++) await make(i);
    expect(stats().kernels).toBeGreaterThanOrEqual(kernels + 300);
    expect(stats().bytes).toBeLessThan(1.1 * bytes);
    // What was dropped is compiled again.
    await make(0);
    expect(await zeros([3]).add(1).sum().item()).toBe(3);
  });
});
