/** Early stopping, schedules, alarms and loggers. */
import { reduceOnPlateau, sgd } from '@ag/optim';
import { describe, expect, it } from 'vitest';
import { collect, line, weightsOf } from '../testTools.ts';
import type { Callback } from './callback.ts';
import { earlyStopping } from './earlyStopping.ts';
import { gradientAlarms } from './gradientAlarms.ts';
import { learningRateSchedule } from './learningRateSchedule.ts';
import { csvLogger, jsonlLogger, progress } from './loggers.ts';
import { saveCheckpoints } from './saveCheckpoints.ts';

describe('earlyStopping', () => {
  // On the whole set w − 3 is multiplied by 1 − 15 · rate at each epoch; with 0.2 that is −2: the loss grows fourfold,
  // so epoch 1 (loss 30 before its step) has the best training loss. Its step gives w = 3 + 4 = 7.
  const growing = () => line({ batchSize: 4, learningRate: 0.2 });

  it('ends a run that gets worse and puts the best weights back', async () => {
    const options = growing();
    const events = await collect({
      ...options,
      epochs: 20,
      callbacks: [earlyStopping({ monitor: 'loss', patience: 2 })],
    });
    expect(events[events.length - 1]).toMatchObject({ type: 'end', reason: 'earlyStopping', epoch: 4 });
    expect(await weightsOf(options.model)).toEqual([7]);
  });

  it('leaves the last weights when told to', async () => {
    const options = growing();
    const callbacks = [earlyStopping({ monitor: 'loss', patience: 0, restoreBest: false })];
    await collect({ ...options, epochs: 20, callbacks });
    // Two epochs: −2 → 4 → −8.
    expect((await weightsOf(options.model))[0]).toBeCloseTo(-5, 4);
  });

  it('watches the validation data by default, and larger figures where they are better', async () => {
    const options = line({ batchSize: 4, learningRate: 0 });
    const metrics = { accuracy: (output: { mean(): never }) => output.mean() } as never;
    const callbacks = [earlyStopping({ monitor: 'validation.accuracy', patience: 1 })];
    const events = await collect({ ...options, metrics, validation: options.train, epochs: 20, callbacks });
    expect(events[events.length - 1]).toMatchObject({ reason: 'earlyStopping', epoch: 3 });
  });

  it('says which figures there are', async () => {
    const callbacks = [earlyStopping({ monitor: 'accuracy' })];
    await expect(collect({ ...line(), callbacks })).rejects.toThrow(
      "there is no metric 'accuracy' to watch; there is loss",
    );
  });

  it('refuses options that make no sense', () => {
    expect(() => earlyStopping({ patience: -1 })).toThrow(/patience/);
    expect(() => earlyStopping({ minimumChange: Number.NaN })).toThrow(/minimumChange/);
    expect(() => saveCheckpoints({ folder: 'x', keepLast: 0 })).toThrow(/keepLast/);
  });
});

describe('learningRateSchedule', () => {
  it('tells a schedule the figure it watches', async () => {
    const options = line({ batchSize: 4 });
    const schedule = reduceOnPlateau(0.2, { patience: 0, factor: 0.1 });
    const optimizer = sgd(options.model.parameters(), { learningRate: schedule });
    const callbacks = [learningRateSchedule(schedule, { monitor: 'loss' })];
    const events = await collect({ ...options, optimizer, epochs: 3, callbacks });
    // The loss grows after the first epoch, so the rate falls after the second, and is 0.02 in the third.
    const rates = events.flatMap((event) => (event.type === 'step' ? [event.learningRate] : []));
    expect(rates[0]).toBe(0.2);
    expect(rates[1]).toBe(0.2);
    expect(rates[2]).toBeCloseTo(0.02, 12);
  });
});

describe('gradientAlarms', () => {
  const anomalies = async (learningRate: number, options: Parameters<typeof gradientAlarms>[0]) => {
    const run = { ...line({ batchSize: 4, learningRate }), epochs: 6, gradientNorms: 1 };
    const events = await collect({ ...run, callbacks: [gradientAlarms(options)] });
    return events.flatMap((event) =>
      event.type === 'anomaly' ? [[event.kind, event.parameter, event.step]] : [],
    );
  };

  it('reports what explodes, after it did so several times in a row, once', async () => {
    // The gradient is 15 (w − 3) = −30 at first and is multiplied by −2 at each step: 30, 60, 120, 240, 480, 960.
    expect(await anomalies(0.2, { exploding: 100, patience: 2 })).toEqual([
      ['explodingGradient', 'weight', 4],
    ]);
  });

  it('reports what vanishes', async () => {
    // Multiplied by 1/4: 30, 7.5, 1.875, 0.47, …
    expect(await anomalies(0.05, { vanishing: 8, patience: 1 })).toEqual([
      ['vanishingGradient', 'weight', 2],
    ]);
  });

  it('reports layers that no longer learn, once until they recover, and remembers it', () => {
    const reported: string[] = [];
    const hear = (alarms: Callback, share: number): void => {
      const event = {
        type: 'step',
        step: 9,
        epoch: 1,
        gradientNorms: {},
        deadUnits: { 'hidden.weight': share },
      };
      alarms.on(
        event as never,
        {
          emit: (body: { kind: string; message: string }) => reported.push(`${body.kind}: ${body.message}`),
        } as never,
      );
    };
    const first = gradientAlarms({ deadUnits: 0.5 });
    for (const share of [0.4, 0.6, 0.4, 0.7, 0.2, 0.5]) hear(first, share);
    expect(reported).toHaveLength(2);
    expect(reported[0]).toMatch(
      /^deadUnits: 60 % of the units of 'hidden.weight' get no gradient at step 9.*leakyRelu/,
    );
    const resumed = gradientAlarms({ deadUnits: 0.5 });
    resumed.loadState!(JSON.parse(JSON.stringify(first.state!())));
    hear(resumed, 0.9);
    expect(reported).toHaveLength(2);
    expect(() => gradientAlarms({ deadUnits: 0 })).toThrow(/deadUnits must be a share above 0/);
  });

  it('is silent within bounds, and refuses bounds that make no sense', async () => {
    expect(await anomalies(0.05, {})).toEqual([]);
    expect(() => gradientAlarms({ vanishing: 2, exploding: 1 })).toThrow(/vanishing < exploding/);
  });
});

describe('loggers', () => {
  it('write a row per epoch, and every event as JSON', async () => {
    const rows: string[] = [];
    const lines: string[] = [];
    const seen: string[] = [];
    const options = line({ learningRate: 0 });
    const events = await collect({
      ...options,
      validation: options.train,
      validateEvery: 2,
      metrics: { error: (output, y) => output.sub(y).abs().mean() },
      epochs: 2,
      callbacks: [
        csvLogger((row) => void rows.push(row)),
        jsonlLogger((row) => void lines.push(row)),
        progress((row) => void seen.push(row)),
      ],
    });
    // w stays 1: squared errors 4, 16, 36, 64, absolute errors 2, 4, 6, 8.
    expect(rows[0]).toBe('epoch,step,learningRate,epochSeconds,loss,error,validation.loss,validation.error');
    expect(rows[1]).toMatch(/^1,2,0,[\d.e-]+,30,5,,$/);
    expect(rows[2]).toMatch(/^2,4,0,[\d.e-]+,30,5,30,5$/);
    expect(lines.map((text) => JSON.parse(text))).toEqual(events);
    expect(seen).toEqual([
      'epoch 1/2 loss 30 error 5',
      'epoch 2/2 loss 30 error 5 | validation loss 30 error 5',
    ]);
  });
});
