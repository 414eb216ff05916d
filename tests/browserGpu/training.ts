/** Training on WebGPU in a page and in a worker of it, as the tests ask for it. */
import { backward } from '@ag/graph';
import * as nn from '@ag/nn';
import { adam } from '@ag/optim';
import { manualSeed, moveTo, reference, tensor, use } from '@ag/tensor';
import {
  decodeCheckpoint,
  encodeCheckpoint,
  runInWorker,
  fit as stepByStep,
  takeCheckpoint,
} from '@ag/train';
import { webgpu } from '@ag/webgpu';

/** How much is trained. */
export interface Wanted {
  readonly epochs: number;
  readonly batches: number;
  readonly batchSize: number;
}

export interface FirstSteps {
  /** Of the first step, from tensors to its loss: kernels are made in it. */
  readonly first: number;
  /** Of the third. */
  readonly later: number;
  readonly pipelines: number;
  /** Pipelines made for another batch size. */
  readonly pipelinesOfOther: number;
}

export interface Trained {
  readonly losses: readonly number[];
  readonly backend: string;
  /** Steps during which the page could not be seen. */
  readonly hidden: number;
}

export interface Lost {
  /** What went wrong, and the code of it. */
  readonly message: string;
  readonly code: string;
  /** Losses before, and from the last saved state on. */
  readonly losses: readonly number[];
}

/** Numbers between −1 and 1 that look like noise and are the same everywhere. */
const noise = (length: number, seed: number): Float32Array =>
  Float32Array.from({ length }, (_, i) => (Math.imul(i + 1 + 7919 * seed, 0x9e3779b1) >>> 8) / 2 ** 23 - 1);

/** 784-50-100-10, as the benchmarks train it. */
const perceptron = (): nn.Module =>
  nn.sequential(nn.linear(784, 50), nn.sigmoid(), nn.linear(50, 100), nn.sigmoid(), nn.linear(100, 10));

/** A run of it on batches that are the same everywhere. */
export function runOf({ epochs, batches, batchSize }: Wanted, first = 0) {
  manualSeed(3);
  const model = perceptron();
  const optimizer = adam(model.parameters(), { learningRate: 1e-3 });
  const train = {
    length: batches - first,
    async *[Symbol.asyncIterator]() {
      for (let i = first; i < batches; i++)
        yield {
          x: tensor(noise(batchSize * 784, i), { shape: [batchSize, 784] }),
          y: tensor(Int32Array.from({ length: batchSize }, (_, j) => (i + j * 7) % 10)),
        };
    },
  };
  return { model, optimizer, loss: nn.crossEntropy, train, epochs };
}

async function firstSteps(): Promise<FirstSteps> {
  const backend = await webgpu();
  use(backend);
  const { model, optimizer } = runOf({ epochs: 1, batches: 1, batchSize: 1 });
  const step = async (batch: number): Promise<number> => {
    const began = performance.now();
    const x = tensor(noise(batch * 784, 1), { shape: [batch, 784] });
    const y = tensor(Int32Array.from({ length: batch }, (_, j) => j % 10));
    const loss = nn.crossEntropy(model.forward(x), y);
    backward(loss);
    optimizer.step();
    await loss.item();
    return (performance.now() - began) / 1000;
  };
  const first = await step(100);
  await step(100);
  const later = await step(100);
  const { pipelines } = backend.counters;
  await step(60);
  const pipelinesOfOther = backend.counters.pipelines - pipelines;
  use(reference());
  backend.close();
  return { first, later, pipelines, pipelinesOfOther };
}

/** Trains where `place` says. `atHalf` of the page is called in the middle of a run on its device, and awaited. */
async function train(place: 'webgpu' | 'reference' | 'worker', wanted: Wanted): Promise<Trained> {
  const losses: number[] = [];
  let hidden = 0;
  let name = '';
  const half = Math.floor((wanted.epochs * wanted.batches) / 2);
  const worker =
    place === 'worker' ? new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' }) : null;
  const backend = place === 'webgpu' ? await webgpu() : reference();
  use(backend);
  const events = worker ? runInWorker(worker, { settings: wanted }) : stepByStep(runOf(wanted));
  for await (const event of events) {
    if (event.type === 'start') name = event.backend;
    if (event.type !== 'step') continue;
    losses.push(event.loss);
    if (document.hidden) hidden++;
    if (place === 'webgpu' && losses.length === half)
      await (window as { atHalf?: () => Promise<void> }).atHalf?.();
  }
  worker?.terminate();
  use(reference());
  if ('close' in backend && typeof backend.close === 'function') backend.close();
  return { losses, backend: name, hidden };
}

/** Trains, destroys the device after step `at`, and goes on with another one from the checkpoint that was taken after step `saved`. */
async function trainOverLoss(wanted: Wanted, saved: number, at: number): Promise<Lost> {
  const adapter = await navigator.gpu.requestAdapter();
  if (adapter === null) throw new Error('no adapter');
  const device = await adapter.requestDevice();
  use(await webgpu({ device }));
  const run = runOf(wanted);
  const losses: number[] = [];
  let bytes: Uint8Array = new Uint8Array();
  let caught: { message?: unknown; code?: unknown } = {};
  try {
    for await (const event of stepByStep(run)) {
      if (event.type !== 'step') continue;
      losses.push(event.loss);
      if (losses.length === saved) bytes = await encodeCheckpoint(takeCheckpoint(run));
      if (losses.length === at) device.destroy();
    }
  } catch (error) {
    caught = error as Error;
  }
  const next = await webgpu();
  await moveTo(next, run.model, run.optimizer);
  const { train } = runOf(wanted, saved);
  for await (const event of stepByStep({ ...run, train, resume: decodeCheckpoint(bytes) }))
    if (event.type === 'step') losses.push(event.loss);
  use(reference());
  next.close();
  return { message: String(caught.message), code: String(caught.code), losses };
}

export const training = { firstSteps, train, trainOverLoss };
