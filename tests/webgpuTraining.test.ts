/**
 * Networks of the kinds that the benchmarks train, on WebGPU: their losses follow those of WebAssembly to four digits. Runs
 * through Dawn on a software device; where there is none a line says why.
 */
import { Worker } from 'node:worker_threads';
import { backward, compile } from '@ag/graph';
import { wasm } from '@ag/native-wasm';
import * as nn from '@ag/nn';
import { adam, type Optimizer, sgd } from '@ag/optim';
import { manualSeed, moveTo, reference, type Tensor, tensor, use, type Variable } from '@ag/tensor';
import { runInWorker, serveTraining, fit as stepByStep } from '@ag/train';
import { type WebGpuBackend, webgpu } from '@ag/webgpu';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
// @ts-expect-error: scripts of this repository have no declarations
import { dawn } from '../scripts/dawn.mjs';
import { runOf } from './browserGpu/training.ts';
import { bundled } from './world/ranks.ts';

const full = process.env.AG_TEST === 'full';
const found: { gpu?: GPU; reason?: string } = await dawn();
if (found.reason) console.log(`training on WebGPU in Node is not tested: ${found.reason}`);

/** A network, its optimizer, and one of its batches. */
interface Task {
  readonly loss: (step: number) => Tensor;
  readonly optimizer: Optimizer;
  readonly parts: readonly [nn.Module | Variable[], Optimizer];
}

/** Numbers between −1 and 1 that look like noise and are the same everywhere. */
const noise = (length: number, seed: number): Float32Array =>
  Float32Array.from({ length }, (_, i) => {
    const x = Math.imul(i + 1 + 7919 * seed, 0x9e3779b1) >>> 8;
    return x / 2 ** 23 - 1;
  });
const classes = (length: number, count: number): Int32Array =>
  Int32Array.from({ length }, (_, i) => (i * 7 + (i >> 3)) % count);

function classifier(model: nn.Module, optimizer: Optimizer, shape: readonly number[]): Task {
  const size = shape.reduce((product, n) => product * n, 1);
  return {
    loss: (step) =>
      nn.crossEntropy(model.forward(tensor(noise(size, step), { shape })), tensor(classes(shape[0], 10))),
    optimizer,
    parts: [model, optimizer],
  };
}

const tasks: Readonly<Record<string, { readonly steps: number; readonly make: () => Task }>> = {
  // W4: 784-50-100-10.
  'a perceptron': {
    steps: 6,
    make: () => {
      const model = nn.sequential(
        nn.linear(784, 50),
        nn.sigmoid(),
        nn.linear(50, 100),
        nn.sigmoid(),
        nn.linear(100, 10),
      );
      return classifier(model, sgd(model.parameters(), { learningRate: 0.1 }), [100, 784]);
    },
  },
  // W5: 784-512-256-10.
  'a large perceptron': {
    steps: full ? 10 : 3,
    make: () => {
      const model = nn.sequential(
        nn.linear(784, 512),
        nn.relu(),
        nn.linear(512, 256),
        nn.relu(),
        nn.linear(256, 10),
      );
      return classifier(model, adam(model.parameters(), { learningRate: 1e-3 }), [full ? 128 : 32, 784]);
    },
  },
  // W6: two 5×5 convolutions with pooling.
  'a convolutional network': {
    steps: full ? 10 : 3,
    make: () => {
      const model = nn.sequential(
        nn.conv2d(1, full ? 16 : 4, 5, { padding: 2 }),
        nn.relu(),
        nn.maxPool2d(2),
        nn.conv2d(full ? 16 : 4, full ? 32 : 8, 5, { padding: 2 }),
        nn.relu(),
        nn.maxPool2d(2),
        nn.flatten(),
        nn.linear((full ? 32 : 8) * 49, 10),
      );
      return classifier(model, adam(model.parameters(), { learningRate: 1e-3 }), [full ? 64 : 8, 1, 28, 28]);
    },
  },
  // W9: a transformer that predicts the next token.
  'a transformer': {
    steps: full ? 10 : 3,
    make: () => {
      const [width, length, layers, words] = full ? [128, 64, 4, 256] : [32, 16, 2, 64];
      const model = nn.sequential(
        nn.embedding(words, width),
        ...Array.from({ length: layers }, () =>
          nn.transformerEncoderLayer(width, 4, { causal: true, normFirst: true, dropout: 0 }),
        ),
        nn.layerNorm(width),
        nn.linear(width, words),
      );
      const optimizer = adam(model.parameters(), { learningRate: 1e-3 });
      const next = (step: number) =>
        Int32Array.from({ length: 8 * (length + 1) }, (_, i) => (i * 3 + step) % words);
      return {
        loss: (step) => {
          const tokens = tensor(next(step), { shape: [8, length + 1] });
          const scores = model.forward(tokens.slice(0, length, { axis: 1 }));
          return nn.crossEntropy(
            scores.reshape([-1, words]),
            tokens.slice(1, length + 1, { axis: 1 }).reshape([-1]),
          );
        },
        optimizer,
        parts: [model, optimizer],
      };
    },
  },
};

async function train(
  { loss, optimizer }: Task,
  steps: number,
  first = 0,
  compiled = false,
): Promise<number[]> {
  const losses: number[] = [];
  const step = (i: number): Tensor => {
    const value = loss(i);
    backward(value);
    optimizer.step();
    return value;
  };
  const run = compiled ? compile(() => step(first)) : null;
  for (let i = first; i < first + steps; i++) losses.push(await (run ? run() : step(i)).item());
  return losses;
}

function expectFourDigits(losses: readonly number[], expected: readonly number[]): void {
  expect(losses).toHaveLength(expected.length);
  losses.forEach((loss, i) => {
    expect(Math.abs(loss - expected[i]), `loss ${i}: ${loss}, not ${expected[i]}`).toBeLessThan(
      5e-5 * Math.max(1, Math.abs(expected[i])),
    );
  });
}

describe.skipIf(found.gpu === undefined)('training on WebGPU', { timeout: full ? 900_000 : 180_000 }, () => {
  let device: WebGpuBackend;
  beforeAll(async () => {
    device = await webgpu({ gpu: found.gpu });
  });
  afterEach(() => use(reference()));
  afterAll(() => device?.close());

  it.each(Object.entries(tasks))('%s', async (_, { steps, make }) => {
    use(await wasm({ threads: 1 }));
    manualSeed(5);
    const expected = await train(make(), steps);
    use(device);
    manualSeed(5);
    expectFourDigits(await train(make(), steps), expected);
  });

  it('compiled steps, and a model that moves there and back', async () => {
    const { make } = tasks['a perceptron'];
    const host = await wasm({ threads: 1 });
    use(host);
    manualSeed(5);
    const right = make();
    const expected = [
      ...(await train(right, 2)),
      ...(await train(right, 2, 2, true)),
      ...(await train(right, 2, 4)),
    ];
    use(device);
    manualSeed(5);
    const task = make();
    const losses = await train(task, 2);
    losses.push(...(await train(task, 2, 2, true)));
    await moveTo(host, ...task.parts);
    losses.push(...(await train(task, 2, 4)));
    expectFourDigits(losses, expected);
  });

  it('in a worker thread with a device of its own', async () => {
    const wanted = { epochs: 2, batches: 3, batchSize: 10 };
    const script = await bundled(new URL('./browserGpu/nodeWorker.ts', import.meta.url));
    const dawnFile = new URL('../scripts/dawn.mjs', import.meta.url).href;
    const worker = new Worker(script.file, { workerData: { dawn: dawnFile }, execArgv: [] });
    const losses: number[] = [];
    for await (const event of runInWorker(worker, { settings: wanted })) {
      if (event.type === 'start') expect(event.backend).toBe('webgpu');
      if (event.type === 'step') losses.push(event.loss);
    }
    await worker.terminate();
    script.remove();
    use(reference());
    const expected: number[] = [];
    for await (const event of stepByStep(runOf(wanted))) if (event.type === 'step') expected.push(event.loss);
    expectFourDigits(losses, expected);
  });

  it('runs that are asked for from elsewhere, with all their events', async () => {
    const { port1, port2 } = new MessageChannel();
    const batch = { x: tensor(noise(40, 1), { shape: [20, 2] }), y: tensor(classes(20, 2)) };
    await serveTraining(({ epochs }: { epochs: number }) => {
      manualSeed(2);
      const model = nn.sequential(nn.linear(2, 8), nn.tanh(), nn.linear(8, 2));
      const train = {
        length: 3,
        async *[Symbol.asyncIterator]() {
          for (let i = 0; i < 3; i++) yield batch;
        },
      };
      return { model, optimizer: adam(model.parameters()), loss: nn.crossEntropy, train, epochs };
    }, port2);
    const run = async (): Promise<number[]> => {
      const losses: number[] = [];
      for await (const event of runInWorker(port1, { settings: { epochs: 2 } })) {
        if (event.type === 'start') expect(event.backend).toBe(losses.length === 0 ? current : '');
        if (event.type === 'step') losses.push(event.loss);
      }
      return losses;
    };
    let current = 'webgpu';
    use(device);
    const losses = await run();
    current = 'reference';
    use(reference());
    expectFourDigits(losses, await run());
    port1.close();
    port2.close();
  });
});
