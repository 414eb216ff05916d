/**
 * Every optimizer and schedule resumes to the bits of a run that was not interrupted. In mid-epoch, with everything
 * active that draws random numbers or keeps statistics.
 */
import { dataLoader, digits, transforms } from '@ag/datasets';
import { wasm, wasmSupport } from '@ag/native-wasm';
import {
  accuracy,
  batchNorm2d,
  conv2d,
  crossEntropy,
  dropout,
  flatten,
  linear,
  relu,
  sequential,
} from '@ag/nn';
import * as optim from '@ag/optim';
import { backend, manualSeed, type Tensor, use, type Variable } from '@ag/tensor';
import { afterAll, describe, expect, it } from 'vitest';
import { learningRateSchedule } from './callbacks/learningRateSchedule.ts';
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from './checkpoint.ts';
import { fit } from './fit.ts';
import type { FitOptimizer } from './optimizer.ts';
import type { FitOptions } from './options.ts';
import { collect } from './testTools.ts';

/** 24 images in batches of 7: an epoch has 4 steps, the last of 3 images; a run has 3 epochs. */
const data = digits({ count: 24, seed: 5 });
const steps = 12;

const optimizers: Record<string, (parameters: Variable[], learningRate: optim.Rate) => FitOptimizer> = {
  sgd: (parameters, learningRate) => optim.sgd(parameters, { learningRate, weightDecay: 1e-3 }),
  'sgd with Nesterov momentum': (parameters, learningRate) =>
    optim.sgd(parameters, { learningRate, momentum: 0.9, nesterov: true }),
  adagrad: (parameters, learningRate) => optim.adagrad(parameters, { learningRate }),
  rmsprop: (parameters, learningRate) =>
    optim.rmsprop(parameters, { learningRate, momentum: 0.5, centered: true }),
  adadelta: (parameters, learningRate) => optim.adadelta(parameters, { learningRate }),
  adam: (parameters, learningRate) => optim.adam(parameters, { learningRate }),
  'adam with amsgrad': (parameters, learningRate) => optim.adam(parameters, { learningRate, amsgrad: true }),
  adamw: (parameters, learningRate) => optim.adamw(parameters, { learningRate, weightDecay: 0.1 }),
  nadam: (parameters, learningRate) => optim.nadam(parameters, { learningRate }),
  radam: (parameters, learningRate) => optim.radam(parameters, { learningRate }),
  lion: (parameters, learningRate) => optim.lion(parameters, { learningRate }),
  adamax: (parameters, learningRate) => optim.adamax(parameters, { learningRate }),
  lamb: (parameters, learningRate) => optim.lamb(parameters, { learningRate, weightDecay: 0.1 }),
  adafactor: (parameters, learningRate) => optim.adafactor(parameters, { learningRate }),
  muon: (parameters, learningRate) => optim.muon(parameters, { learningRate }),
  // Every fourth step: one of the slow weights before the interruption, one right after it.
  lookahead: (parameters, learningRate) =>
    optim.lookahead(optim.adam(parameters, { learningRate }), { every: 4 }),
};

const schedules: Record<string, () => optim.Rate> = {
  constant: () => 0.02,
  stepDecay: () => optim.stepDecay(0.02, { every: 5, factor: 0.5 }),
  exponential: () => optim.exponential(0.02, { factor: 0.9 }),
  cosine: () => optim.cosine(0.02, { steps }),
  cosineWithRestarts: () => optim.cosineWithRestarts(0.02, { period: 4 }),
  polynomial: () => optim.polynomial(0.02, { steps, power: 2 }),
  linearWarmup: () => optim.linearWarmup(optim.cosine(0.02, { steps }), { steps: 8 }),
  oneCycle: () => optim.oneCycle(0.02, { steps }),
  sequence: () => optim.sequence([0.01, 6], optim.exponential(0.02, { factor: 0.8 })),
  multiStep: () => optim.multiStep(0.02, { milestones: [5, 9], factor: 0.5 }),
  linear: () => optim.linear(0.02, { steps: 9 }),
  cyclic: () => optim.cyclic(0.02, { up: 3, down: 2, mode: 'halved' }),
  multiplicative: () => optim.multiplicative(0.02, (step) => (step % 4 === 0 ? 0.5 : 1.1)),
  product: () => optim.product(optim.cosine(0.02, { steps }), optim.multiStep(1, { milestones: [7] })),
  // Reduces after each epoch: no loss is a thousand times better than the one before.
  reduceOnPlateau: () => optim.reduceOnPlateau(0.02, { patience: 0, factor: 0.5, threshold: 0.999 }),
};

/** A network with dropout and batch normalization, on shifted and turned images, drawn in another order each epoch. */
function run(
  make: (parameters: Variable[], rate: optim.Rate) => FitOptimizer,
  rate: optim.Rate,
  more: Partial<FitOptions> & { averaged?: boolean | 'swa' } = {},
): FitOptions {
  const { averaged, ...options } = more;
  manualSeed(11);
  const model = sequential(
    conv2d(1, 3, 5, { stride: 3, bias: false }),
    batchNorm2d(3),
    relu(),
    dropout(0.3),
    flatten(),
    linear(192, 10),
  );
  const reported = typeof rate === 'function' && 'report' in rate ? (rate as optim.PlateauSchedule) : null;
  return {
    model,
    optimizer: make(model.parameters(), rate),
    loss: crossEntropy,
    metrics: { accuracy },
    train: dataLoader(data, {
      batchSize: 7,
      shuffle: true,
      seed: 3,
      transform: transforms.compose(transforms.randomShift(2), transforms.randomRotate(10)),
    }),
    epochs: 3,
    callbacks: reported ? [learningRateSchedule(reported, { monitor: 'loss' })] : [],
    ...(averaged && {
      average:
        averaged === 'swa'
          ? optim.swa(model.parameters(), { buffers: model.namedBuffers().values() })
          : optim.ema(model.parameters(), { decay: 0.9, warmup: true }),
    }),
    ...options,
  };
}

/** The run up to a step, as what a file of it holds. */
async function interrupted(options: FitOptions, at: number): Promise<Checkpoint> {
  let bytes: Uint8Array | null = null;
  const saver: NonNullable<FitOptions['callbacks']>[number] = {
    name: 'saver',
    last: true,
    async on(event, { checkpoint }) {
      if (event.type === 'step' && event.step === at) bytes = await encodeCheckpoint(await checkpoint());
    },
  };
  for await (const event of fit({ ...options, callbacks: [...(options.callbacks ?? []), saver] })) {
    if (event.type === 'step' && event.step === at) break;
  }
  return decodeCheckpoint(bytes!);
}

const bitsOf = async (state: Readonly<Record<string, Tensor>>): Promise<Buffer[]> =>
  Promise.all(
    Object.values(state).map(async (value) => {
      const { buffer, byteOffset, byteLength } = await value.data();
      return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
    }),
  );

async function expectSame(make: () => FitOptions, at: number): Promise<void> {
  const whole = make();
  await collect(whole);
  const resume = await interrupted(make(), at);
  manualSeed(77); // Another process has drawn other numbers.
  const again = make();
  manualSeed(77);
  await collect({ ...again, resume });
  expect(await bitsOf(again.model.stateDict())).toEqual(await bitsOf(whole.model.stateDict()));
  expect(await bitsOf(again.optimizer.state().tensors)).toEqual(
    await bitsOf(whole.optimizer.state().tensors),
  );
  expect(again.optimizer.learningRate).toBe(whole.optimizer.learningRate);
}

const before = backend();
const fast = wasmSupport().simd.available ? await wasm({ threads: 1 }) : null;
afterAll(() => {
  use(before);
  fast?.close();
});

describe.each([['reference', before], ...(fast ? [['wasm', fast] as const] : [])] as const)(
  'on %s',
  (_, computing) => {
    // Step 6 lies in the middle of the second epoch.
    it.each(Object.keys(optimizers))('%s goes on to the same bits', async (name) => {
      use(computing);
      await expectSame(() => run(optimizers[name], optim.cosine(0.02, { steps })), 6);
    });

    it.each(Object.keys(schedules))('the schedule %s goes on to the same bits', async (name) => {
      use(computing);
      await expectSame(() => run(optimizers.adam, schedules[name]()), 6);
    });

    it.each([1, 4, 7, 11])('at step %i, with averages, clipping and measured gradients', async (at) => {
      use(computing);
      const make = (): FitOptions =>
        run(optimizers.adamw, optim.oneCycle(0.02, { steps }), {
          averaged: true,
          validation: dataLoader(data, { batchSize: 24 }),
          gradients: (parameters) => optim.clipGradNorm(parameters, 1),
          gradientNorms: 2,
        });
      await expectSame(make, at);
    });

    it('with plain averages of weights and running statistics', async () => {
      use(computing);
      await expectSame(() => run(optimizers.sgd, 0.02, { averaged: 'swa' }), 6);
    });

    it('in compiled steps, with averages', async () => {
      use(computing);
      await expectSame(
        () =>
          run(optimizers.adam, optim.cosine(0.02, { steps }), {
            averaged: true,
            compile: true,
            gradientNorms: 3,
          }),
        6,
      );
    });
  },
);

it('the test can fail: without the random keys of the checkpoint the bits differ', async () => {
  use(before);
  const make = (): FitOptions => run(optimizers.adam, 0.02);
  const whole = make();
  await collect(whole);
  const resume = await interrupted(make(), 6);
  const again = make();
  const { random, ...rest } = resume;
  await collect({ ...again, resume: { ...rest, random: { ...random, drawn: random.drawn + 1 } } });
  expect(await bitsOf(again.model.stateDict())).not.toEqual(await bitsOf(whole.model.stateDict()));
});
