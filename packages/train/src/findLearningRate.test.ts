/** The learning rate range test: what it tries, and when it stops. */
import { dataLoader } from '@ag/datasets';
import { mseLoss } from '@ag/nn';
import { adam, sgd } from '@ag/optim';
import { manualSeed, randomState } from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import { type FindLearningRateOptions, findLearningRate } from './findLearningRate.ts';
import { line, Noisy, saddle, weightsOf } from './testTools.ts';

/** On the whole set the loss is 7.5 (w − 3)², and a step multiplies w − 3 by 1 − 15 · rate. */
function parabola(): FindLearningRateOptions {
  const { model, loss, train } = line({ batchSize: 4 });
  return { model, loss, train, optimizer: (learningRate) => sgd(model.parameters(), { learningRate }) };
}

describe('findLearningRate', () => {
  it('follows the recurrence of gradient descent until the loss runs away', async () => {
    const rates = Array.from({ length: 14 }, (_, i) => 1e-2 * 100 ** (i / 13));
    let distance = -2;
    const losses = rates.map((rate) => {
      const loss = 7.5 * distance ** 2;
      distance *= 1 - 15 * rate;
      return loss;
    });
    const least = Math.min(...losses);
    const stop = losses.findIndex((loss, i) => i >= 9 && loss > 4 * Math.min(...losses.slice(0, i + 1)));
    const options = parabola();
    const { points, lowest, suggestion, diverged } = await findLearningRate({
      ...options,
      from: 1e-2,
      to: 1,
      steps: 14,
      smoothing: 0,
    });
    expect(diverged).toBe(true);
    expect(points).toHaveLength(stop + 1);
    points.forEach((point, i) => {
      expect(point.rate).toBeCloseTo(rates[i], 12);
      expect(point.loss / losses[i]).toBeCloseTo(1, 2);
      expect(point.smoothed).toBe(point.loss);
    });
    expect(lowest).toBeCloseTo(rates[losses.indexOf(least)], 12);
    expect(suggestion).toBeCloseTo(lowest! / 10, 12);
    expect(await weightsOf(options.model)).toEqual([1]);
  });

  it('smooths as by hand', async () => {
    // Rates too small to change anything: each loss is 30, and so is their corrected average.
    const { points, lowest, suggestion, diverged } = await findLearningRate({
      ...parabola(),
      from: 1e-30,
      to: 1e-29,
      steps: 5,
    });
    expect(points.map(({ smoothed }) => Number(smoothed.toFixed(9)))).toEqual([30, 30, 30, 30, 30]);
    expect(diverged).toBe(false);
    expect(lowest === null || suggestion === lowest / 10).toBe(true);
  });

  it('survives losses that are not finite, and says that nothing fell', async () => {
    const { points, lowest, suggestion, diverged } = await findLearningRate({
      ...parabola(),
      from: 1e10,
      to: 1e30,
      steps: 20,
    });
    expect(diverged).toBe(true);
    expect(points.length).toBeLessThan(20);
    expect([lowest, suggestion]).toEqual([null, null]);
  });

  it.each([false, true])('leaves weights and random numbers as they were, compiled %s', async (compile) => {
    manualSeed(4);
    const model = new Noisy();
    const before = await weightsOf(model);
    const random = randomState();
    const train = dataLoader(saddle(), { batchSize: 5, shuffle: true, seed: 1 });
    const { points } = await findLearningRate({
      model,
      loss: mseLoss,
      train,
      compile,
      optimizer: (learningRate) => adam(model.parameters(), { learningRate }),
      steps: 12,
    });
    expect(points.length).toBeGreaterThan(1);
    expect(await weightsOf(model)).toEqual(before);
    expect(randomState()).toEqual(random);
  });

  it.each([
    [{ from: 0 }, /needs 0 < from < to, got 0 and 1/],
    [{ from: 2, to: 1 }, /from < to/],
    [{ steps: 1 }, /steps/],
    [{ smoothing: 1 }, /smoothing/],
    [{ divergence: 1 }, /divergence/],
  ])('refuses %o', async (change, message) => {
    await expect(findLearningRate({ ...parabola(), ...change })).rejects.toThrow(message);
  });

  it('ends with the reason of its signal', async () => {
    await expect(
      findLearningRate({ ...parabola(), signal: AbortSignal.abort(new Error('enough')) }),
    ).rejects.toThrow('enough');
  });
});
