/** Cross-validation: against its definition, and how it ends. */
import { dataLoader, kFold, tensorDataset } from '@ag/datasets';
import type { Tensor } from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import { crossValidate } from './crossValidate.ts';
import { line } from './testTools.ts';

/** With a rate of 0 w stays 1, so the squared error of the example x is 4 x², the absolute one 2 x. */
const still = (validation: readonly number[]) => ({
  ...line({ learningRate: 0 }),
  metrics: { error: (output: Tensor, y: Tensor) => output.sub(y).abs().mean() },
  validation: dataLoader(
    tensorDataset(
      validation.map((x) => [x]),
      validation.map((x) => [3 * x]),
    ),
    { batchSize: validation.length },
  ),
});

describe('crossValidate', () => {
  it('gives mean and standard deviation over the folds, as by hand', async () => {
    const heard: string[] = [];
    const result = await crossValidate([[1], [2], [1, 3]], (numbers) => still(numbers), {
      onEvent: (event, fold) => void (event.type === 'start' && heard.push(`start ${fold}`)),
      onFold: ({ fold, loss }) => void heard.push(`fold ${fold} ${loss}`),
    });
    // Losses 4, 16 and (4 + 36) / 2 = 20: mean 40/3, squares (28² + 8² + 20²) / 9 = 1248/9, by 2: 69.33.
    expect(result.folds.map(({ loss, examples }) => [loss, examples])).toEqual([
      [4, 1],
      [16, 1],
      [20, 2],
    ]);
    expect(result.loss.mean).toBeCloseTo(40 / 3, 10);
    expect(result.loss.standardDeviation).toBeCloseTo(Math.sqrt(1248 / 18), 10);
    // Errors 2, 4 and 4.
    expect(result.metrics.error.mean).toBeCloseTo(10 / 3, 10);
    expect(result.metrics.error.standardDeviation).toBeCloseTo(Math.sqrt(4 / 3), 10);
    expect(heard).toEqual(['start 1', 'fold 1 4', 'start 2', 'fold 2 16', 'start 3', 'fold 3 20']);
  });

  it('trains a new model for each fold of a data set, and judges it by what it left out', async () => {
    const data = tensorDataset([[1], [2], [3], [4], [5]], [[3], [6], [9], [12], [15]]);
    const { folds } = await crossValidate(kFold(data, 5, { seed: 1 }), ({ train, validation }) => {
      const run = line({ learningRate: 0.05 });
      expect([train.length, validation.length]).toEqual([4, 1]);
      return {
        ...run,
        train: dataLoader(train, { batchSize: 4 }),
        validation: dataLoader(validation, { batchSize: 1 }),
        epochs: 60,
      };
    });
    // Each learns w = 3.
    for (const { loss, epoch, reason } of folds) {
      expect(loss).toBeLessThan(1e-6);
      expect([epoch, reason]).toEqual([60, 'completed']);
    }
  });

  it('needs two folds, and ends with the reason of its signal', async () => {
    await expect(crossValidate([[1]], still)).rejects.toThrow('needs at least two folds, got 1');
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(crossValidate([[1], [2]], still, { signal })).rejects.toThrow('enough');
  });
});
