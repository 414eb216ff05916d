import { reduceOnPlateau, sgd } from '@ag/optim';
import { describe, expect, it } from 'vitest';
import { collect, line, weightsOf } from '../testTools.ts';
import { earlyStopping } from './earlyStopping.ts';
import { learningRateSchedule } from './learningRateSchedule.ts';
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
      "there is no figure 'accuracy' to watch; there is loss",
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
