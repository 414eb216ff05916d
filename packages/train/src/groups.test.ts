/** Gradients of several batches before a step: it follows the mean of the group's losses. Wherever a group ends. */
import { dataLoader } from '@ag/datasets';
import { linear, mseLoss } from '@ag/nn';
import { adam, clipGradNorm, exponential, sgd } from '@ag/optim';
import { manualSeed, tensor, type Variable } from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import type { CallbackContext } from './callbacks/callback.ts';
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from './checkpoint.ts';
import { fit } from './fit.ts';
import type { FitOptions, TrainingData } from './options.ts';
import { collect, Noisy, saddle, weightsOf } from './testTools.ts';

/** Batches with y = 1; each entry of the list holds the inputs of one. */
function batches(inputs: readonly number[][], length?: number): TrainingData {
  return {
    ...(length !== undefined && { length }),
    async *[Symbol.asyncIterator]() {
      for (const x of inputs) yield { x: tensor(x.map((v) => [v])), y: tensor(x.map(() => [1])) };
    },
  };
}

/** The gradients that steps are taken with, of y = w · x at w = 0 and the mean squared error. */
async function gradientsOf(train: TrainingData, accumulate: number, epochs = 1): Promise<number[]> {
  const model = linear(1, 1, { bias: false, weightInit: () => tensor([[0]]) });
  const found: number[] = [];
  const optimizer = sgd(model.parameters(), { learningRate: 0 });
  const gradients = (parameters: readonly Variable[]): unknown =>
    found.push(parameters[0].grad!.dataSync()[0]);
  await collect({ model, optimizer, loss: mseLoss, train, epochs, accumulate, gradients });
  return found;
}

describe('a group of batches', () => {
  // The gradient of a batch at w = 0 is the mean of −2 x.
  const cases: readonly [string, number[][], number, number[]][] = [
    ['an epoch that ends with half a group', [[1], [1], [1]], 2, [-2, -2]],
    ['groups of one length', [[1], [3], [5], [7]], 2, [-4, -12]],
    // Means of −2 and −6; of −10, −14 and −18; then −22 alone.
    ['a last group of one', [[1], [3], [5], [7], [9], [11]], 5, [-10, -22]],
    ['a group that is longer than the epoch', [[1], [3]], 8, [-4]],
    // A batch counts as one, whatever its size: (−2 · 2 − 2 · 8) / 2, not −2 · 14 / 4.
    ['batches of other sizes', [[1, 2, 3], [8]], 2, [-10]],
  ];
  it.each(cases)('%s', async (_, inputs, accumulate, expected) => {
    expect(await gradientsOf(batches(inputs, inputs.length), accumulate, 2)).toEqual([
      ...expected,
      ...expected,
    ]);
    // The same where the data do not say how many batches they have.
    expect(await gradientsOf(batches(inputs), accumulate, 2)).toEqual([...expected, ...expected]);
  });

  it('says so when the data have another number of batches than they said', async () => {
    await expect(gradientsOf(batches([[1], [1], [1]], 4), 2)).rejects.toThrow(
      /an epoch has 4 batches, but gave 3/,
    );
    await expect(gradientsOf(batches([[1], [1], [1]], 2), 2)).rejects.toThrow(
      /an epoch has 2 batches, but gave more/,
    );
  });

  it('counts steps, not batches, for schedules, reports and clipping', async () => {
    const model = linear(1, 1, { bias: false, weightInit: () => tensor([[0]]) });
    const optimizer = sgd(model.parameters(), { learningRate: exponential(0.5, { factor: 0.5 }) });
    const events = await collect({
      model,
      optimizer,
      loss: mseLoss,
      train: batches([[1], [1], [1]], 3),
      epochs: 1,
      accumulate: 2,
      gradients: (parameters) => clipGradNorm(parameters, 1),
    });
    const steps = events.filter((event) => event.type === 'step');
    expect(steps.map(({ step, batch, learningRate }) => [step, batch, learningRate])).toEqual([
      [1, 2, 0.5],
      [2, 3, 0.25],
    ]);
    // Gradients −2 and −2 (1 − 0.5) = −1 have, clipped, the length 1: w = 0.5 + 0.25.
    expect((await weightsOf(model))[0]).toBeCloseTo(0.75, 6);
  });
});

describe('going on with groups', () => {
  const options = (more: Partial<FitOptions> = {}): FitOptions => {
    manualSeed(4);
    const model = new Noisy();
    return {
      model,
      optimizer: adam(model.parameters(), { learningRate: 0.05 }),
      loss: mseLoss,
      // Six batches an epoch: groups of 4 and 2.
      train: dataLoader(saddle(24), { batchSize: 4, shuffle: true, seed: 2 }),
      epochs: 3,
      accumulate: 4,
      ...more,
    };
  };
  const whole = async (): Promise<number[]> => {
    const run = options();
    await collect(run);
    return weightsOf(run.model);
  };

  it('is byte-equal from a checkpoint between groups, and from one taken while gradients wait', async () => {
    const expected = await whole();
    for (const inside of [false, true]) {
      let context: CallbackContext | undefined;
      let taken: Checkpoint | null = null;
      let batch = 0;
      const first = options();
      const train = first.train;
      const watched: TrainingData = {
        length: train.length!,
        setEpoch: (epoch) => train.setEpoch!(epoch),
        state: () => train.state!(),
        loadState: (state) => train.loadState!(state),
        async *[Symbol.asyncIterator]() {
          for await (const one of train) {
            batch++;
            // When batch 9 is asked for, 7 and 8 of the second epoch wait for their step.
            if (inside && batch === 9) taken = await context!.checkpoint();
            yield one;
          }
        },
      };
      const callback = {
        name: 'watch',
        async on(event: { type: string; step?: number }, given: CallbackContext) {
          context = given;
          if (!inside && event.type === 'step' && event.step === 3) taken = await given.checkpoint();
        },
      };
      for await (const event of fit({ ...first, train: watched, callbacks: [callback] })) {
        if (event.type === 'step' && event.step === 4) break;
      }
      expect(taken!.progress.batch).toBe(inside ? 0 : 4);
      const resume = decodeCheckpoint(await encodeCheckpoint(taken!));
      const second = options({ resume });
      await collect(second);
      expect(await weightsOf(second.model)).toEqual(expected);
    }
  });

  it('begins a group where it goes on, if groups have another size now', async () => {
    let taken: Checkpoint | null = null;
    const first = options();
    for await (const event of fit({
      ...first,
      callbacks: [
        {
          name: 'take',
          async on(event, context) {
            if (event.type === 'step' && event.step === 1) taken = await context.checkpoint();
          },
        },
      ],
    }))
      if (event.type === 'step') break;
    const events = await collect(options({ resume: taken!, accumulate: 3, epochs: 1 }));
    // After batch 4 of 6 there are two left: one group, not batch 5 or 6 alone.
    expect(events.flatMap((event) => (event.type === 'step' ? [event.batch] : []))).toEqual([6]);
  });
});
