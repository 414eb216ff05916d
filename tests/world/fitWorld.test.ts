/** `fit({ world })`: the bits of one process that adds up the same parts, and what all ranks agree on. */
import { dataLoader } from '@ag/datasets';
import { backward } from '@ag/graph';
import { randomState, restoreRandomState, type Tensor } from '@ag/tensor';
import { foldingKeys } from '@ag/tensor/engine';
import { joinWorld, memoryWorld, fit as run } from '@ag/train';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { data, loss, network, optimizerOf, parametersOf } from './networks.ts';
import { type Ranks, ranksOf } from './ranks.ts';
import type { Trained, Training } from './scenarios.ts';

let ranks: Ranks;
beforeAll(async () => {
  ranks = await ranksOf(new URL('./scenarios.ts', import.meta.url));
});
afterAll(() => ranks.remove());

const full = process.env.AG_TEST === 'full';

/** One process that adds up the gradients of the parts, in the order of ranks, written out by hand. */
async function byHand(
  size: number,
  { network: name, optimizer: kind, epochs = 2 }: Training,
): Promise<number[]> {
  const model = network(name);
  const optimizer = optimizerOf(kind, model);
  // Weights are drawn when they are first used; here they shall be before any other number is.
  await parametersOf(model);
  const whole = dataLoader(data(29), { batchSize: 10, shuffle: true, seed: 5 });
  for (let epoch = 0; epoch < epochs; epoch++) {
    for await (const { x, y } of whole) {
      const total = x.shape[0];
      const random = randomState();
      for (let rank = 0; rank < size; rank++) {
        const [from, to] = [rank, rank + 1].map((r) => Math.floor((r * total) / size));
        restoreRandomState(random);
        const part = (t: Tensor): Tensor => t.slice(from, to);
        const own = foldingKeys(
          () => rank,
          () => loss(model.forward(part(x)), part(y)),
        );
        backward(own.mul((to - from) / total));
      }
      optimizer.step();
    }
  }
  return parametersOf(model);
}

const cases: (readonly [number, Training])[] = [
  [2, { network: 'mlp', optimizer: 'sgd' }],
  [2, { network: 'cnn', optimizer: 'adamW', compile: true }],
  [4, { network: 'transformer', optimizer: 'adamW' }],
  [2, { network: 'wide', optimizer: 'sgd', epochs: 1 }],
];
const more: (readonly [number, Training])[] = [
  [4, { network: 'cnn', optimizer: 'sgd' }],
  [2, { network: 'transformer', optimizer: 'sgd', compile: true }],
  [4, { network: 'mlp', optimizer: 'adamW', compile: true }],
];

describe('fit({ world })', () => {
  it.each(full ? [...cases, ...more] : cases)(
    'on %i ranks gives the bits of one process that adds up the same parts: %o',
    async (size, training) => {
      const [expected, ...trained] = [
        await byHand(size, training),
        ...(await ranks.values<Trained>(size, 'trains', training)),
      ];
      for (const { parameters } of trained) expect(parameters).toEqual(expected);
      const figures = ({ events }: Trained) =>
        events.map(({ seconds: _, ...event }) => ({ ...event, epochSeconds: 0, examplesPerSecond: 0 }));
      for (const one of trained) expect(figures(one)).toEqual(figures(trained[0]));
      expect(trained[0].events.map(({ type }) => type).join(' ')).toBe(
        training.epochs === 1
          ? 'start step step step epoch end'
          : 'start step step step epoch step step step epoch end',
      );
    },
  );

  it('goes on with other numbers of ranks, each example once an epoch', async () => {
    const training: Training = { network: 'mlp', optimizer: 'adamW', examples: 26, epochs: 3 };
    const seen: number[] = [];
    let resume: Uint8Array | undefined;
    let steps = 0;
    const losses: number[] = [];
    // Of nine steps in three epochs: breaks in the middle and at the end of an epoch.
    for (const [size, abortAt, until] of [
      // A signal is known to all with the step after; alone, and at the end of an epoch, at once.
      [4, 1, 2],
      [2, 4, 5],
      [1, 6, 6],
      [3, 0, 9],
    ]) {
      const trained = await ranks.values<Trained>(size, 'trains', {
        ...training,
        ...(resume && { resume }),
        ...(abortAt > 0 && { abortAt: [0, abortAt] }),
      } satisfies Training);
      const [{ events, checkpoint }] = trained;
      const taken = events.flatMap((event) => (event.type === 'step' ? [event] : []));
      losses.push(...taken.map(({ loss }) => loss));
      expect(taken.map(({ step }) => step)).toEqual(
        Array.from({ length: until - steps }, (_, i) => steps + i + 1),
      );
      expect(events.at(-1)).toMatchObject({ reason: until < 9 ? 'aborted' : 'completed' });
      for (const other of trained) expect(other.parameters).toEqual(trained[0].parameters);
      // What a loader with `prefetch: 0` reads is what is trained on.
      seen.push(...trained.flatMap((one) => one.seen));
      steps = until;
      resume = checkpoint;
    }
    const counts = new Map<number, number>();
    for (const position of seen) counts.set(position, (counts.get(position) ?? 0) + 1);
    expect([...counts.keys()].sort((a, b) => a - b)).toEqual(Array.from({ length: 26 }, (_, i) => i));
    expect(new Set(counts.values())).toEqual(new Set([3]));
    const alone = await ranks.values<Trained>(1, 'trains', training);
    const straight = alone[0].events.flatMap((event) => (event.type === 'step' ? [event.loss] : []));
    losses.forEach((value, i) => {
      expect(Math.abs(value - straight[i])).toBeLessThan(0.6);
    });
  });

  it('averages validation, and groups of batches, over all examples', async () => {
    const training: Training = { network: 'transformer', optimizer: 'sgd', epochs: 1, validate: true };
    const [alone] = await ranks.values<Trained>(1, 'trains', { ...training, accumulate: 2 });
    const together = await ranks.values<Trained>(3, 'trains', { ...training, accumulate: 2 });
    const validation = ({ events }: Trained) => events.find((event) => event.type === 'validation');
    expect(validation(together[0])).toMatchObject({
      loss: expect.closeTo(validation(alone)?.loss ?? Number.NaN, 1),
    });
    expect(validation(together[1])?.loss).toBe(validation(together[0])?.loss);
    const steps = together[2].events.filter(({ type }) => type === 'step');
    expect(steps).toMatchObject([
      { step: 1, batch: 2 },
      { step: 2, batch: 3 },
    ]);
  });

  it('ends on all ranks where one has a loss that is not finite, naming it', async () => {
    const outcomes = await ranks.run<Trained>(3, 'trains', {
      network: 'transformer',
      optimizer: 'sgd',
      spoil: [1, 2],
    } satisfies Training);
    for (const outcome of outcomes)
      expect(outcome).toMatchObject({
        code: 'AG_NON_FINITE_LOSS',
        error: expect.stringMatching(/^the loss is NaN on rank 1 at step 2/),
      });
  });

  it('ends on all ranks where one has no more memory, without waiting for it', async () => {
    const outcomes = await ranks.run<Trained>(3, 'trains', {
      network: 'wide',
      optimizer: 'sgd',
      exhaust: [1, 2],
    } satisfies Training);
    outcomes.forEach((outcome, rank) => {
      expect(outcome).toMatchObject(
        rank === 1
          ? { code: 'AG_OUT_OF_MEMORY' }
          : {
              code: 'AG_COLLECTIVE_FAILED',
              error: expect.stringMatching(/rank 1 ended the run at step 2: .*cannot allocate/),
            },
      );
    });
  });

  it('ends with the step after a signal on any rank', async () => {
    const trained = await ranks.values<Trained>(2, 'trains', {
      network: 'mlp',
      optimizer: 'sgd',
      abortAt: [1, 2],
    } satisfies Training);
    for (const { events } of trained)
      expect(events.at(-1)).toMatchObject({ type: 'end', reason: 'aborted', step: 3 });
    expect(trained[1].parameters).toEqual(trained[0].parameters);
  });

  it('counts nothing twice where a batch is smaller than the world', async () => {
    const training: Training = {
      network: 'transformer',
      optimizer: 'sgd',
      examples: 12,
      batchSize: 10,
      epochs: 1,
    };
    const trained = await ranks.values<Trained>(4, 'trains', training);
    for (const { parameters } of trained) expect(parameters.every(Number.isFinite)).toBe(true);
    const [alone] = await ranks.values<Trained>(1, 'trains', training);
    const first = ({ events }: Trained) => events.find((event) => event.type === 'step')?.loss ?? Number.NaN;
    // Dropout differs; the mean is over the same examples.
    expect(first(trained[3])).toBeCloseTo(first(alone), 0);
  });

  it('says what is wrong with the parts', async () => {
    const world = joinWorld(memoryWorld(2), 1);
    const model = network('mlp');
    const options = { model, optimizer: optimizerOf('sgd', model), loss, epochs: 1 };
    const begin = (part: { rank: number; size: number } | undefined, given: typeof world | undefined) =>
      run({
        ...options,
        train: dataLoader(data(4), { batchSize: 2, ...(part && { part }) }),
        ...(given && { world: given }),
      }).next();
    await expect(begin(undefined, world)).rejects.toThrow(
      /give the loader its part: dataLoader\(data, \{ part: world \}\)/,
    );
    await expect(begin({ rank: 0, size: 2 }, world)).rejects.toThrow(/part 0 of 2.*rank 1 of 2/);
    await expect(begin({ rank: 0, size: 2 }, undefined)).rejects.toThrow(/give fit their world/);
  });
});
