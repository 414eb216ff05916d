/** The loop: what it computes, reports and refuses. */
import { dataLoader, tensorDataset } from '@ag/datasets';
import { linear, mseLoss, relu, sequential } from '@ag/nn';
import { adam, cosine, ema, sgd } from '@ag/optim';
import { manualSeed, stats, tensor } from '@ag/tensor';
import { describe, expect, it, vi } from 'vitest';
import type { Callback } from './callbacks/callback.ts';
import { TrainingError } from './errors.ts';
import { fit } from './fit.ts';
import { collect, line, Noisy, saddle, weightsOf } from './testTools.ts';

describe('fit', () => {
  it('takes the steps of gradient descent as computed by hand', async () => {
    // Loss of a batch: mean (w x − 3 x)²; gradient: mean 2 x² (w − 3).
    // Batch {1, 2}: loss 4 · 2.5 = 10, gradient 5 · (1 − 3) = −10, so w = 1 + 0.1 · 10 = 2.
    // Batch {3, 4}: loss 1 · 12.5 = 12.5, gradient 25 · (2 − 3) = −25, so w = 2 + 2.5 = 4.5.
    const options = line();
    const events = await collect(options);
    const steps = events.filter((event) => event.type === 'step');
    expect(
      steps.map(({ step, epoch, batch, batches, loss }) => ({ step, epoch, batch, batches, loss })),
    ).toEqual([
      { step: 1, epoch: 1, batch: 1, batches: 2, loss: 10 },
      { step: 2, epoch: 1, batch: 2, batches: 2, loss: 12.5 },
    ]);
    expect((await weightsOf(options.model))[0]).toBeCloseTo(4.5, 5);
    expect(events.find((event) => event.type === 'epoch')).toMatchObject({ epoch: 1, step: 2, loss: 11.25 });
  });

  it('reports start, steps, validation, epoch and end in this order, each versioned', async () => {
    const options = line();
    const events = await collect({ ...options, validation: options.train, epochs: 2 });
    const epoch = ['step', 'step', 'validation', 'epoch'];
    expect(events.map((event) => event.type)).toEqual(['start', ...epoch, ...epoch, 'end']);
    expect(events.every((event) => event.v === 1 && event.seconds >= 0)).toBe(true);
    expect(events[0]).toMatchObject({ epochs: 2, batches: 2, parameters: 1, step: 0, epoch: 0 });
    expect(events[events.length - 1]).toMatchObject({ reason: 'completed', epoch: 2, step: 4 });
    expect(JSON.parse(JSON.stringify(events))).toEqual(events);
  });

  it('weights a smaller last batch by its examples', async () => {
    // Rate 0: w stays 1. Squared errors 4 · (1, 4, 9, 16): mean of all 30, of the batches {1, 2, 3} and {4} 56/3 and 64.
    const [epoch] = (await collect(line({ batchSize: 3, learningRate: 0 }))).filter(
      (event) => event.type === 'epoch',
    );
    expect(epoch.loss).toBeCloseTo(30, 4);
  });

  it('sums gradients of several batches up to the step that one large batch takes', async () => {
    const large = line({ batchSize: 4, learningRate: 0.01 });
    const small = line({ batchSize: 1, learningRate: 0.01 });
    await collect({ ...large, epochs: 3 });
    const events = await collect({ ...small, epochs: 3, accumulate: 4 });
    expect(events.filter((event) => event.type === 'step')).toHaveLength(3);
    // w − 3 is multiplied by 1 − 0.01 · 15 at each step: −2 · 0.85³ = −1.22825.
    expect((await weightsOf(large.model))[0]).toBeCloseTo(3 - 1.22825, 5);
    expect((await weightsOf(small.model))[0]).toBeCloseTo(3 - 1.22825, 5);
  });

  it('computes the same compiled and not, random numbers and schedules included', async () => {
    const run = async (compiled: boolean): Promise<number[]> => {
      manualSeed(3);
      const model = new Noisy();
      const optimizer = adam(model.parameters(), { learningRate: cosine(0.02, { steps: 20 }) });
      const train = dataLoader(saddle(), { batchSize: 7, shuffle: true, seed: 1 });
      await collect({ model, optimizer, loss: mseLoss, train, epochs: 5, compile: compiled });
      return weightsOf(model);
    };
    expect(await run(true)).toEqual(await run(false));
  });

  it('measures gradient norms where asked for', async () => {
    for (const compile of [false, true]) {
      const steps = (await collect({ ...line(), gradientNorms: 2, compile })).filter(
        (event) => event.type === 'step',
      );
      expect(steps[0].gradientNorms).toBeUndefined();
      expect(steps[1].gradientNorms!.weight).toBeCloseTo(25, 4);
    }
  });

  it('says which share of a layer gets no gradient any more', async () => {
    // Inputs are positive. Unit 0 of the first layer is positive for all of them, the others are negative: dead at once.
    const hidden = linear(1, 4, {
      weightInit: () => tensor([[1], [-1], [-1], [-1]]),
      biasInit: () => tensor([0, 0, 0, 0]),
    });
    const output = linear(4, 1, { bias: false, weightInit: () => tensor([[0.1, 0.1, 0.1, 0.1]]) });
    const model = sequential(hidden, relu(), output);
    const optimizer = sgd(model.parameters(), { learningRate: 1e-4 });
    for (const compile of [false, true]) {
      const events = await collect({ ...line(), model, optimizer, epochs: 6, gradientNorms: 1, compile });
      const shares = events.flatMap((event) => (event.type === 'step' ? [event.deadUnits] : []));
      // Two steps an epoch; a unit counts from the tenth measurement in a row.
      expect(shares.map((share) => share!['0.weight'])).toEqual([
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0.75, 0.75, 0.75,
      ]);
      expect(shares.every((share) => share!['2.weight'] === 0)).toBe(true);
    }
  });

  it('does not call units dead where the loss has nothing left to say', async () => {
    // y = 3 x is met exactly: no parameter has a gradient.
    const model = linear(1, 1, { bias: false, weightInit: () => tensor([[3]]) });
    const optimizer = sgd(model.parameters(), { learningRate: 0.1 });
    const events = await collect({ ...line(), model, optimizer, epochs: 8, gradientNorms: 1 });
    const steps = events.filter((event) => event.type === 'step');
    expect(steps.every((step) => step.gradientNorms!.weight === 0 && step.deadUnits!.weight === 0)).toBe(
      true,
    );
  });

  it('lets the caller change gradients before the step', async () => {
    const options = line({ batchSize: 4 });
    await collect({
      ...options,
      gradients: (parameters) => {
        for (const parameter of parameters) parameter.grad = parameter.grad!.mul(0);
      },
    });
    expect(await weightsOf(options.model)).toEqual([1]);
  });

  it.each([false, true])('validates and leaves the average of the weights, compiled %s', async (compile) => {
    // On the whole set w − 3 is multiplied by −0.5 at each step: w = 1, 4, 2.5, 3.25.
    // With decay 0.5 the averages are (1 + 4) / 2 = 2.5, then 2.5, then 2.875; the loss of w is 7.5 (w − 3)².
    const options = line({ batchSize: 4 });
    const average = ema(options.model.parameters(), { decay: 0.5 });
    const seen: number[] = [];
    const losses: number[] = [];
    for await (const event of fit({ ...options, validation: options.train, epochs: 3, average, compile })) {
      if (event.type === 'validation') {
        losses.push(event.loss);
        seen.push((await weightsOf(options.model))[0]);
      }
      if (event.type === 'epoch') seen.push((await weightsOf(options.model))[0]);
    }
    expect(losses.map((loss) => Number(loss.toFixed(5)))).toEqual([1.875, 1.875, 0.11719]);
    expect(seen).toEqual([2.5, 4, 2.5, 2.5, 2.875, 3.25]);
    expect(await weightsOf(options.model)).toEqual([2.875]);
    average.restore();
    expect(await weightsOf(options.model)).toEqual([3.25]);
  });

  it('leaves the weights of the last step when a run with averages is ended by a signal or left', async () => {
    for (const leave of [true, false]) {
      const options = line({ batchSize: 4 });
      const controller = new AbortController();
      const average = ema(options.model.parameters(), { decay: 0.5 });
      const run = { ...options, validation: options.train, epochs: 3, average, signal: controller.signal };
      for await (const event of fit(run)) {
        if (event.type !== 'validation') continue;
        controller.abort();
        if (leave) break;
      }
      expect(await weightsOf(options.model)).toEqual([4]);
    }
  });

  it('ends after the step under way when the signal is aborted', async () => {
    const controller = new AbortController();
    const events = [];
    for await (const event of fit({ ...line({ batchSize: 1 }), epochs: 5, signal: controller.signal })) {
      events.push(event);
      if (event.type === 'step' && event.step === 6) controller.abort();
    }
    expect(events[events.length - 1]).toMatchObject({ type: 'end', reason: 'aborted', step: 6, epoch: 1 });
  });

  it('ends when the caller breaks out of the loop', async () => {
    const options = line({ batchSize: 1, learningRate: 0.01 });
    for await (const event of fit({ ...options, epochs: 5 })) if (event.type === 'step') break;
    // One step on x = 1: gradient 2 · (1 − 3) = −4.
    expect((await weightsOf(options.model))[0]).toBeCloseTo(1.04, 6);
  });

  it('lets timers run in the middle of an epoch', async () => {
    const x = Array.from({ length: 3000 }, (_, i) => [i % 7]);
    const train = dataLoader(tensorDataset(x, x), { batchSize: 1 });
    let fired = false;
    setTimeout(() => {
      fired = true;
    }, 20);
    let steps = 0;
    for await (const event of fit({ ...line({ learningRate: 1e-4 }), train, epochs: 1000 })) {
      if (event.type === 'step') steps++;
      if (fired || steps === 2_000_000) break;
    }
    expect(fired).toBe(true);
  });

  it('ends with an error that names step, rate and remedies when the loss is not finite', async () => {
    const options = line({ learningRate: 1e30 });
    const events: unknown[] = [];
    const run = async (): Promise<void> => {
      for await (const event of fit({ ...options, epochs: 3 })) events.push(event);
    };
    await expect(run()).rejects.toThrow(
      /the loss is (NaN|Infinity) at step 2 \(epoch 1, learning rate 1e\+30\).*ten times smaller/,
    );
    await expect(run()).rejects.toBeInstanceOf(TrainingError);
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'anomaly', kind: 'nonFiniteLoss', step: 2 }),
    );
  });

  it('lets callbacks hear every step even where the caller hears few', async () => {
    const heard: number[] = [];
    const listener: Callback = {
      name: 'listener',
      on: (event) => {
        if (event.type === 'step') heard.push(event.step);
      },
    };
    const events = await collect({ ...line({ batchSize: 1 }), callbacks: [listener], reportEvery: 3 });
    expect(heard).toEqual([1, 2, 3, 4]);
    expect(events.flatMap((event) => (event.type === 'step' ? [event.step] : []))).toEqual([3]);
  });

  it('hands on what callbacks report, and stops when one asks for it', async () => {
    const nosy: Callback = {
      name: 'nosy',
      on(event, { emit, stop }) {
        if (event.type !== 'epoch') return;
        emit({ type: 'warning', code: 'test', message: 'hello', step: event.step });
        stop();
      },
    };
    const events = await collect({ ...line(), epochs: 9, callbacks: [nosy] });
    expect(events.map((event) => event.type)).toEqual(['start', 'step', 'step', 'epoch', 'warning', 'end']);
    expect(events[events.length - 1]).toMatchObject({ reason: 'stopped', epoch: 1 });
  });

  it('holds no more memory after a thousand steps than after a hundred', async () => {
    const options = line({ batchSize: 1, learningRate: 1e-3 });
    let early = 0;
    let plans = 0;
    for await (const event of fit({ ...options, epochs: 250 })) {
      if (event.type !== 'step') continue;
      if (event.step === 100) {
        early = stats().bytes;
        plans = stats().plans;
      }
    }
    // Less is fine: the collector may free what earlier tests left.
    expect(stats().bytes).toBeLessThanOrEqual(early);
    expect(stats().plans).toBeLessThanOrEqual(plans);
  });

  it.each([
    [{ epochs: -1 }, /epochs must be a whole number from 0, got -1/],
    [{ epochs: 1.5 }, /epochs/],
    [{ accumulate: 0 }, /accumulate must be a whole number from 1, got 0/],
    [{ validateEvery: Number.NaN }, /validateEvery/],
    [{ accumulate: 2, compile: true }, /exclude each other/],
    [
      {
        callbacks: [
          { name: 'a', on() {} },
          { name: 'a', on() {} },
        ],
      },
      /two callbacks are named 'a'/,
    ],
  ])('refuses %o', async (change, message) => {
    await expect(collect({ ...line(), ...change })).rejects.toThrow(message);
  });

  it('says that there is nothing to learn from', async () => {
    const model = linear(1, 1);
    const optimizer = sgd(model.parameters(), { learningRate: 1 });
    const none = { async *[Symbol.asyncIterator]() {} };
    await expect(collect({ model, optimizer, loss: mseLoss, train: none, epochs: 1 })).rejects.toThrow(
      /no batch/,
    );
  });

  it('takes batches from any iterable', async () => {
    const options = line();
    const train = {
      async *[Symbol.asyncIterator]() {
        yield { x: tensor([[1], [2]]), y: tensor([[3], [6]]) };
      },
    };
    const events = await collect({ ...options, train });
    expect(events[0]).toMatchObject({ batches: null });
    expect((await weightsOf(options.model))[0]).toBeCloseTo(2, 6);
  });
});

it('computes nothing twice to measure gradients', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  try {
    const model = linear(400, 40);
    const optimizer = sgd(model.parameters(), { learningRate: 0.01 });
    const data = tensorDataset(
      Array.from({ length: 64 }, (_, i) => Array.from({ length: 400 }, (_, j) => Math.sin(i + j))),
      Array.from({ length: 64 }, () => Array.from({ length: 40 }, () => 1)),
    );
    const train = dataLoader(data, { batchSize: 32 });
    const events = await collect({ model, optimizer, loss: mseLoss, train, epochs: 2, gradientNorms: 1 });
    expect(events.filter((event) => event.type === 'step' && event.gradientNorms)).toHaveLength(4);
    // Large products that are computed again are told once in a process.
    expect(warn).not.toHaveBeenCalled();
  } finally {
    warn.mockRestore();
  }
});
