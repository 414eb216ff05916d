/** Metrics that are streams add up over batches: in fit, in mid-epoch across a checkpoint, in validate, by blocks, over ranks. */
import { dataLoader, memoryDataset } from '@ag/datasets';
import { auc, aucStream, bceWithLogits, linear, type MetricStream, perplexityStream } from '@ag/nn';
import { sgd } from '@ag/optim';
import { manualSeed, type Tensor, tensor } from '@ag/tensor';
import { expect, it } from 'vitest';
import { decodeCheckpoint, encodeCheckpoint } from './checkpoint.ts';
import { fit } from './fit.ts';
import type { FitOptions } from './options.ts';
import { collect } from './testTools.ts';
import { validate } from './validate.ts';

const count = 24;
const inputs = Float32Array.from({ length: 2 * count }, (_, i) => Math.sin(1.7 * i));
const labels = Float32Array.from({ length: count }, (_, i) => Number(Math.sin(2.3 * i) > 0.2));
const data = memoryDataset({ x: { data: inputs, shape: [2] }, y: { data: labels, shape: [1] } });
const range = [-4, 4] as const;
const metrics = { auc: aucStream({ bins: 20_000, range }) };

const model = () => {
  manualSeed(5);
  return linear(2, 1);
};
const run = (more: Partial<FitOptions> = {}): FitOptions => {
  const own = model();
  return {
    model: own,
    // Nothing moves, so that all batches meet the same weights.
    optimizer: sgd(own.parameters(), { learningRate: 0 }),
    loss: bceWithLogits,
    metrics,
    train: dataLoader(data, { batchSize: 7 }),
    epochs: 1,
    ...more,
  };
};
const whole = auc(
  model().forward(tensor(inputs, { shape: [count, 2] })),
  tensor(labels, { shape: [count, 1] }),
).itemSync();

it.each<[string, Partial<FitOptions>]>([
  ['plain', {}],
  ['compiled', { compile: true }],
  ['in blocks', { blocks: 3 }],
])('fit: %s', async (_, more) => {
  const events = await collect(run(more));
  const epoch = events.find(({ type }) => type === 'epoch');
  expect(epoch).toMatchObject({ type: 'epoch' });
  expect((epoch as unknown as { metrics: { auc: number } }).metrics.auc).toBeCloseTo(whole, 5);
  const steps = events.filter(({ type }) => type === 'step') as unknown as { metrics: { auc: number } }[];
  expect(steps.every((step) => step.metrics.auc >= 0 && step.metrics.auc <= 1)).toBe(true);
});

it('goes on in mid-epoch', async () => {
  let bytes: Uint8Array | null = null;
  const saver: NonNullable<FitOptions['callbacks']>[number] = {
    name: 'saver',
    async on(event, { checkpoint }) {
      if (event.type === 'step' && event.step === 2) bytes = await encodeCheckpoint(await checkpoint());
    },
  };
  for await (const event of fit(run({ callbacks: [saver] })))
    if (event.type === 'step' && event.step === 2) break;
  const events = await collect(run({ resume: decodeCheckpoint(bytes!) }));
  const epoch = events.find(({ type }) => type === 'epoch') as unknown as { metrics: { auc: number } };
  expect(epoch.metrics.auc).toBeCloseTo(whole, 5);
});

it('validate', async () => {
  const found = await validate(model(), dataLoader(data, { batchSize: 5 }), { loss: bceWithLogits, metrics });
  expect(found.metrics.auc).toBeCloseTo(whole, 5);
});

it('says what is wrong with a stream of your own', async () => {
  const short: MetricStream = { ...perplexityStream(), sums: (x: Tensor) => x.sum() };
  await expect(
    validate(model(), dataLoader(data, { batchSize: 5 }), { loss: bceWithLogits, metrics: { short } }),
  ).rejects.toThrow(/the metric short gave .*not the 2 sums/);
});
