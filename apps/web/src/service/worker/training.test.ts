/** Playing, pausing and rewinding a run, and sending snapshots of it. */
import { dataLoader, xor } from '@ag/datasets';
import { bceWithLogits, dropout, linear, sequential, tanh } from '@ag/nn';
import { adam } from '@ag/optim';
import { manualSeed } from '@ag/tensor';
import { type Checkpoint, fit, type TrainingEvent } from '@ag/train';
import { describe, expect, it } from 'vitest';
import { Curve, History } from './history.ts';
import { publisher } from './publisher.ts';
import { Runner } from './runner.ts';

function makeRun() {
  manualSeed(3);
  const model = sequential(linear(2, 4), tanh(), dropout(0.2), linear(4, 1));
  const optimizer = adam(model.parameters(), { learningRate: 0.05 });
  const train = dataLoader(xor(), { batchSize: 2, shuffle: true, seed: 1 });
  const history = new History(4, 4);
  const losses: number[] = [];
  const onEvent = (event: TrainingEvent) => {
    if (event.type === 'step') losses[event.step] = event.loss;
  };
  const start = (resume?: Checkpoint) =>
    new Runner(
      (gate) =>
        fit({
          model,
          optimizer,
          loss: bceWithLogits,
          train,
          validation: gate(dataLoader(xor(), { batchSize: 1 })),
          validateEvery: 4,
          epochs: 1000,
          compile: true,
          callbacks: [history],
          ...(resume && { resume }),
        }),
      onEvent,
    );
  return { start, history, losses };
}

const at = (step: number) => (event: TrainingEvent) => event.type === 'step' && event.step === step;

describe('training plumbing', () => {
  it('goes back to earlier steps and makes the same losses again, dropout included', async () => {
    const { start, history, losses } = makeRun();
    let runner = start();
    await runner.play(at(60));
    const before = [...losses];
    expect(before).toHaveLength(61);
    for (const step of [37, 5, 0]) {
      await runner.close();
      losses.length = step + 1;
      const checkpoint = history.backTo(step);
      expect(checkpoint.progress.step).toBeLessThanOrEqual(step);
      runner = start(checkpoint);
      await runner.play(at(60));
      expect(losses).toEqual(before);
    }
    await runner.close();
  });

  it('pauses, steps and ends', async () => {
    const { start, losses } = makeRun();
    const runner = start();
    await runner.play((event) => event.type === 'step');
    expect(losses).toHaveLength(2);
    const playing = runner.play();
    await new Promise((resolve) => setTimeout(resolve, 20));
    await runner.pause();
    const { length } = losses;
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(losses).toHaveLength(length);
    expect(runner.playing).toBe(false);
    await runner.play((event) => event.type === 'step');
    expect(losses).toHaveLength(length + 1);
    await runner.close();
    await playing;
    await runner.play();
    expect(losses).toHaveLength(length + 1);
  });

  it('keeps curves short, and the same after going back', () => {
    const curve = new Curve(8);
    const add = (from: number, to: number) => {
      for (let x = from; x <= to; x++) curve.add(x, 10 * x);
    };
    add(1, 30);
    expect(curve.points().x).toEqual([4, 8, 12, 16, 20, 24, 28]);
    curve.cut(14);
    expect(curve.points().y).toEqual([40, 80, 120]);
    add(15, 22);
    expect(curve.points().x).toEqual([4, 8, 12, 16, 20]);
  });

  it('sends snapshots one at a time, the last one always', async () => {
    const taken: number[] = [];
    let state = 0;
    let take: () => void = () => undefined;
    const { offer, flush } = publisher(
      () => state,
      (snapshot) => {
        taken.push(snapshot);
        return new Promise<void>((resolve) => {
          take = resolve;
        });
      },
      0,
    );
    for (state = 1; state <= 5; state++) await offer();
    expect(taken).toEqual([1]);
    take();
    await Promise.resolve();
    await new Promise((resolve) => setTimeout(resolve, 1));
    await offer();
    expect(taken).toEqual([1, 6]);
    state = 7;
    const flushed = flush();
    await new Promise((resolve) => setTimeout(resolve, 1));
    take();
    await flushed;
    expect(taken).toEqual([1, 6, 7]);
  });
});
