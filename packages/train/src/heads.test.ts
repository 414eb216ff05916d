/**
 * A network with two inputs and two heads: steps, gradients and answers as PyTorch computes them (`fixtures/heads.py`), and the
 * same bits compiled, after resuming, and from a worker.
 */
import { readFileSync } from 'node:fs';
import { MessageChannel } from 'node:worker_threads';
import { dataLoader, kFold, tensorDataset } from '@ag/datasets';
import { accuracy, crossEntropy, linear, loadSafetensors, Module, meanAbsoluteError, mseLoss } from '@ag/nn';
import { adam, sgd } from '@ag/optim';
import { bernoulli, concat, manualSeed, type Tensor, tensor } from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import { earlyStopping } from './callbacks/earlyStopping.ts';
import { csvLogger, progress } from './callbacks/loggers.ts';
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from './checkpoint.ts';
import { crossValidate } from './crossValidate.ts';
import type { TrainingEvent } from './events.ts';
import { findLearningRate } from './findLearningRate.ts';
import { fit } from './fit.ts';
import type { FitOptions } from './options.ts';
import { collect, weightsOf } from './testTools.ts';
import { predict, validate } from './validate.ts';
import { runInWorker, serveTraining } from './worker.ts';

interface Expected {
  readonly steps: readonly (readonly number[])[];
  readonly gradients: Readonly<Record<string, readonly number[]>>;
  readonly weights: Readonly<Record<string, readonly number[]>>;
  readonly kind: readonly number[];
  readonly box: readonly number[];
}
const expected: Expected = JSON.parse(
  readFileSync(new URL('../fixtures/heads.json', import.meta.url), 'utf8'),
);

/** The numbers of the fixture: scale · sin(1 + seed + 12.9898 i). */
function pattern(shape: readonly number[], seed: number, scale = 1): Tensor {
  const size = shape.reduce((product, axis) => product * axis, 1);
  return tensor(
    Array.from({ length: size }, (_, i) => scale * Math.sin(1 + seed + 12.9898 * i)),
    { shape },
  );
}

interface Inputs {
  readonly image: Tensor;
  readonly meta: Tensor;
}
interface Outputs {
  readonly kind: Tensor;
  readonly box: Tensor;
}

class Detector extends Module<[Inputs], Outputs> {
  readonly image = linear(4, 6);
  readonly meta = linear(2, 3);
  readonly kind = linear(9, 3);
  readonly box = linear(9, 2);
  readonly noisy: boolean;

  constructor(noisy = false) {
    super();
    this.noisy = noisy;
  }

  override forward({ image, meta }: Inputs): Outputs {
    const joined = concat([this.image.forward(image).tanh(), this.meta.forward(meta).tanh()], 1);
    const hidden = this.noisy && this.training ? joined.mul(bernoulli(joined.shape, 0.8)) : joined;
    return { kind: this.kind.forward(hidden), box: this.box.forward(hidden) };
  }
}

const inputs = { image: pattern([10, 4], 20), meta: pattern([10, 2], 21) };
const data = tensorDataset(inputs, {
  kind: Array.from({ length: 10 }, (_, i) => (i * 7) % 3),
  box: pattern([10, 2], 22),
});
const metrics = { kind: { accuracy }, box: { meanAbsoluteError } };

function asInFixture(): Detector {
  const model = new Detector();
  const state = [...model.namedParameters()].map(
    ([name, { shape }], seed) => [name, pattern(shape, seed, 0.5)] as const,
  );
  model.loadStateDict(Object.fromEntries(state));
  return model;
}

function expectClose(found: ArrayLike<number>, wanted: readonly number[], digits: number): void {
  expect(found.length).toBe(wanted.length);
  wanted.forEach((value, i) => {
    expect(found[i]).toBeCloseTo(value, digits);
  });
}

describe('a network with two inputs and two heads', () => {
  it.each([false, true])('takes the steps that PyTorch takes, compiled %s', async (compile) => {
    const model = asInFixture();
    const optimizer = sgd(model.parameters(), { learningRate: 0.1, momentum: 0.9 });
    const gradients: Record<string, Promise<ArrayLike<number>>> = {};
    const steps: number[][] = [];
    for await (const event of fit({
      model,
      optimizer,
      loss: { kind: crossEntropy, box: mseLoss },
      weights: { box: 0.5 },
      metrics,
      train: dataLoader(data, { batchSize: 4 }),
      epochs: 3,
      compile,
      gradients() {
        if (compile || steps.length > 0) return;
        for (const [name, { grad }] of model.namedParameters()) gradients[name] = grad!.data();
      },
    })) {
      if (event.type !== 'step') continue;
      const { loss, metrics } = event;
      steps.push([loss, metrics['kind/loss'], metrics['box/loss'], metrics['kind/accuracy']]);
    }
    expect(steps).toHaveLength(9);
    steps.forEach((step, i) => {
      expectClose(step, expected.steps[i], 5);
    });
    if (!compile) {
      expect(Object.keys(gradients)).toEqual(Object.keys(expected.gradients));
      for (const [name, values] of Object.entries(gradients))
        expectClose(await values, expected.gradients[name], 5);
    }
    for (const [name, { value }] of model.namedParameters())
      expectClose(await value.data(), expected.weights[name], 4);
    const answer: Outputs = await predict(model, inputs, { batchSize: 3 });
    expect(answer.kind.shape).toEqual([10, 3]);
    expectClose(await answer.kind.data(), expected.kind, 4);
    expectClose(await answer.box.data(), expected.box, 4);
  });

  it('reports the losses and metrics of each head by name, an epoch as the mean of its examples', async () => {
    const model = asInFixture();
    const options = {
      model,
      optimizer: sgd(model.parameters(), { learningRate: 0 }),
      loss: { kind: crossEntropy, box: { loss: mseLoss, weight: 0.25 } },
      metrics: { ...metrics, largest: (output: Outputs) => output.kind.max() },
      train: dataLoader(data, { batchSize: 4 }),
      validation: dataLoader(data, { batchSize: 10 }),
      epochs: 1,
    };
    const lines: string[] = [];
    const callbacks = [csvLogger((line) => void lines.push(line)), progress((line) => void lines.push(line))];
    const events = await collect({ ...options, callbacks });
    const names = ['kind/loss', 'box/loss', 'kind/accuracy', 'box/meanAbsoluteError', 'largest'];
    expect(events[0]).toMatchObject({ type: 'start', metrics: names });
    const epoch = events.find((event) => event.type === 'epoch')!;
    const validation = events.find((event) => event.type === 'validation')!;
    expect(Object.keys(epoch.metrics)).toEqual(names);
    // Nothing is learned, so the batches of 4, 4 and 2 have the mean of all ten.
    for (const name of names.slice(0, 4))
      expect(epoch.metrics[name]).toBeCloseTo(validation.metrics[name], 5);
    expect(epoch.loss).toBeCloseTo(epoch.metrics['kind/loss'] + 0.25 * epoch.metrics['box/loss'], 5);
    expect(lines.join('\n')).toContain('validation.kind/accuracy');
    expect(lines.join('\n')).toMatch(/epoch 1\/1 loss .* kind\/loss .* box\/meanAbsoluteError/);
    const { loss } = await validate(model, options.validation, {
      loss: ({ kind, box }, y) => crossEntropy(kind, y.kind).add(mseLoss(box, y.box).mul(0.25)),
    });
    expect(loss).toBeCloseTo(validation.loss, 5);
  });

  it('learns nothing from a head with the weight 0 or without a loss', async () => {
    for (const box of [null, { loss: mseLoss, weight: 0 }]) {
      const model = asInFixture();
      const before = await model.box.weight.value.data();
      const optimizer = adam(model.parameters(), { learningRate: 0.01 });
      const train = dataLoader(data, { batchSize: 4 });
      await collect({ model, optimizer, loss: { kind: crossEntropy, box }, train, epochs: 1 });
      expect(await model.box.weight.value.data()).toEqual(before);
      expect(await model.kind.weight.value.data()).not.toEqual(expected.weights['kind.weight']);
    }
  });

  it('adds up batches of structures before a step', async () => {
    // Batches of 5 and 5 weigh the same as one of 10: the gradient of a mean.
    const weights = async (batchSize: number, accumulate: number): Promise<number[]> => {
      const model = asInFixture();
      const optimizer = sgd(model.parameters(), { learningRate: 0.1 });
      const loss = { kind: crossEntropy, box: mseLoss };
      const train = dataLoader(data, { batchSize });
      await collect({ model, optimizer, loss, train, epochs: 2, accumulate });
      return weightsOf(model);
    };
    expectClose(await weights(5, 2), await weights(10, 1), 5);
  });

  it('is watched by the metric of a head', async () => {
    const model = asInFixture();
    const events = await collect({
      model,
      optimizer: sgd(model.parameters(), { learningRate: 0 }),
      loss: { kind: crossEntropy, box: mseLoss },
      metrics,
      train: dataLoader(data, { batchSize: 5 }),
      validation: dataLoader(data, { batchSize: 5 }),
      epochs: 50,
      callbacks: [earlyStopping({ monitor: 'validation.kind/accuracy', patience: 2 })],
    });
    expect(events.at(-1)).toMatchObject({ reason: 'earlyStopping', epoch: 4 });
    const wrong = earlyStopping({ monitor: 'validation.kind/acuracy' });
    const again = collect({
      model,
      optimizer: sgd(model.parameters(), { learningRate: 0 }),
      loss: { kind: crossEntropy, box: mseLoss },
      metrics,
      train: dataLoader(data, { batchSize: 5 }),
      validation: dataLoader(data, { batchSize: 5 }),
      epochs: 1,
      callbacks: [wrong],
    });
    await expect(again).rejects.toThrow(/'validation.kind\/acuracy' to watch; .*kind\/accuracy/);
  });

  it('measures gradients and profiles its modules', async () => {
    const model = asInFixture();
    const events = await collect({
      model,
      optimizer: sgd(model.parameters(), { learningRate: 0.01 }),
      loss: { kind: crossEntropy, box: mseLoss },
      train: dataLoader(data, { batchSize: 5 }),
      epochs: 3,
      gradientNorms: 1,
      profile: { warmUp: 2 },
    });
    const step = events.find((event) => event.type === 'step')!;
    expect(Object.keys(step.gradientNorms!)).toEqual([...model.namedParameters().keys()]);
    const profile = events.find((event) => event.type === 'profile')!;
    const modules = profile.modules.map(({ name }) => name);
    for (const name of ['image', 'meta', 'kind', 'box']) expect(modules).toContain(name);
  });
});

/** A run that draws random numbers, shuffles, and keeps its best weights. */
function noisyRun(more: Partial<FitOptions<Inputs, Outputs, Outputs>> = {}) {
  manualSeed(7);
  const model = new Detector(true);
  return {
    model,
    optimizer: adam(model.parameters(), { learningRate: 0.05 }),
    loss: { kind: crossEntropy, box: { loss: mseLoss, weight: 0.5 } },
    metrics,
    train: dataLoader(data, { batchSize: 3, shuffle: true, seed: 4 }),
    validation: dataLoader(data, { batchSize: 4 }),
    epochs: 4,
    callbacks: [earlyStopping({ monitor: 'validation.box/loss', patience: 100 })],
    ...more,
  } satisfies FitOptions<Inputs, Outputs, Outputs>;
}

const withoutTime = (events: readonly TrainingEvent[]) =>
  events.map(({ seconds: _, ...event }) => ({ ...event, epochSeconds: 0, examplesPerSecond: 0 }));

describe('a run with structures', () => {
  it.each([false, true])('goes on from a checkpoint to the bit, compiled %s', async (compile) => {
    const whole = noisyRun({ compile });
    const events = await collect(whole);
    // Within an epoch, between epochs.
    for (const at of [6, 8]) {
      let taken: Uint8Array | null = null;
      const saver = {
        name: 'saver',
        last: true,
        async on(event: TrainingEvent, context: { checkpoint(): Promise<Checkpoint> }): Promise<void> {
          if (event.type === 'step' && event.step === at)
            taken = await encodeCheckpoint(await context.checkpoint());
        },
      };
      const first = noisyRun({ compile });
      for await (const event of fit({ ...first, callbacks: [...first.callbacks, saver] }))
        if (event.type === 'step' && event.step > at) break;
      const second = noisyRun({ compile });
      manualSeed(99);
      const rest = await collect({ ...second, resume: decodeCheckpoint(taken!) });
      expect(await weightsOf(second.model)).toEqual(await weightsOf(whole.model));
      const steps = (list: readonly TrainingEvent[]) =>
        withoutTime(list.filter((event) => event.type === 'step' && event.step > at));
      expect(steps(rest)).toEqual(steps(events));
    }
  });

  it('is the same to the bit from a worker', async () => {
    const channel = new MessageChannel();
    await serveTraining<{ epochs: number; weights: { box: number } }>(({ epochs, weights }) => {
      const run = noisyRun();
      return { ...run, loss: { kind: crossEntropy, box: mseLoss }, weights, epochs };
    }, channel.port2);
    const settings = { epochs: 3, weights: { box: 0.5 } };
    const run = runInWorker(channel.port1, { settings });
    const events: TrainingEvent[] = [];
    let next = await run.next();
    for (; !next.done; next = await run.next()) events.push(next.value);
    channel.port1.close();
    const here = noisyRun({ epochs: 3 });
    expect(withoutTime(events)).toEqual(withoutTime(await collect(here)));
    const weights = Object.entries(loadSafetensors(next.value!).tensors);
    const named = here.model.stateDict();
    expect(weights).toHaveLength(8);
    for (const [name, value] of weights) expect(await value.data()).toEqual(await named[name].data());
  });

  it('is cross-validated, and tried with growing rates', async () => {
    const { loss, metrics } = await crossValidate(kFold(data, 2), ({ train, validation }) => ({
      ...noisyRun({ epochs: 1 }),
      train: dataLoader(train, { batchSize: 3 }),
      validation: dataLoader(validation, { batchSize: 3 }),
    }));
    expect(metrics['box/loss'].mean).toBeGreaterThan(0);
    expect(loss.mean).toBeCloseTo(metrics['kind/loss'].mean + 0.5 * metrics['box/loss'].mean, 5);
    const { model, train } = noisyRun();
    const before = await weightsOf(model);
    const test = await findLearningRate({
      model,
      loss: { kind: crossEntropy, box: mseLoss },
      weights: { box: 0.5 },
      train,
      steps: 12,
      optimizer: (learningRate) => sgd(model.parameters(), { learningRate }),
    });
    expect(test.points.length).toBeGreaterThan(9);
    expect(await weightsOf(model)).toEqual(before);
  });
});

describe('tuples', () => {
  class Pair extends Module<[[Tensor, Tensor]], [Tensor, Tensor]> {
    readonly a = linear(2, 1);
    override forward([x, y]: [Tensor, Tensor]): [Tensor, Tensor] {
      return [this.a.forward(x), this.a.forward(x.add(y))];
    }
  }
  const pairs = tensorDataset(
    [pattern([6, 2], 1), pattern([6, 2], 2)],
    [pattern([6, 1], 3), pattern([6, 1], 4)],
  );

  it('are inputs and heads by place', async () => {
    const model = new Pair();
    const events = await collect({
      model,
      optimizer: sgd(model.parameters(), { learningRate: 0.1 }),
      loss: [mseLoss, { loss: mseLoss, weight: 2 }],
      metrics: { 1: { meanAbsoluteError } },
      train: dataLoader(pairs, { batchSize: 4 }),
      epochs: 1,
    });
    expect(events[0]).toMatchObject({ metrics: ['0/loss', '1/loss', '1/meanAbsoluteError'] });
    const { x } = pairs.batch([0, 1, 2, 3, 4]);
    const [first, second]: [Tensor, Tensor] = await predict(model, x, { batchSize: 2 });
    const [a, b] = model.forward(x);
    expect(await first.data()).toEqual(await a.data());
    expect(await second.data()).toEqual(await b.data());
    // Batches of tuples are no tuple.
    const batches = [pairs.batch([0, 1]), pairs.batch([2, 3, 4])];
    expect(await (await predict(model, batches))[0].data()).toEqual(await first.data());
  });
});
