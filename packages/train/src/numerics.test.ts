/** Steps that are watched for lost digits: told once, and the same weights as without. */
import { dataLoader } from '@ag/datasets';
import { batchNorm1d, mseLoss, sequential } from '@ag/nn';
import { adam } from '@ag/optim';
import { manualSeed, type Tensor } from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import { collect, Noisy, saddle, weightsOf } from './testTools.ts';

describe('fit({ checkNumerics })', () => {
  const run = async (checkNumerics: number, compile = false) => {
    manualSeed(3);
    const model = sequential(batchNorm1d(2), new Noisy());
    const optimizer = adam(model.parameters(), { learningRate: 0.01 });
    const train = dataLoader(saddle(), { batchSize: 8, shuffle: true, seed: 1 });
    // log(1 + e) of a small e, which log1p would keep.
    const loss = (output: Tensor, y: Tensor) =>
      mseLoss(output, y).add(output.square().mul(1e-6).add(1).log().mean());
    const events = await collect({ model, optimizer, loss, train, epochs: 3, checkNumerics, compile });
    return { warnings: events.filter((event) => event.type === 'warning'), weights: await weightsOf(model) };
  };

  it.each([false, true])(
    'warns once of a line that loses digits, and trains the same (compiled: %s)',
    async (compile) => {
      const watched = await run(2, compile);
      expect(watched.warnings).toHaveLength(1);
      expect(watched.warnings[0]).toMatchObject({ code: 'lostDigits', step: 2 });
      expect(watched.warnings[0].message).toMatch(
        /^log loses .* at .*numerics\.test\.ts:\d+:\d+.*: log\(1 \+ x\) of small x is x\.log1p\(\)$/,
      );
      const plain = await run(0, compile);
      expect(plain.warnings).toEqual([]);
      expect(watched.weights).toEqual(plain.weights);
    },
  );
});
