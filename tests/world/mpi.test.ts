/** Training by MPI: the bits of ranks in memory, which are those of one process (`fitWorld.test.ts`). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launcher, type Program, programOf } from '../../packages/mpi/src/testing/launch.ts';
import { type Ranks, ranksOf } from './ranks.ts';
import type { Trained, Training } from './scenarios.ts';

const full = process.env.AG_TEST === 'full';

describe.skipIf(launcher === null)('fit({ world: await mpi() })', () => {
  let program: Program;
  let ranks: Ranks;
  beforeAll(async () => {
    program = await programOf(new URL('./mpiRank.ts', import.meta.url));
    ranks = await ranksOf(new URL('./scenarios.ts', import.meta.url));
  });
  afterAll(() => {
    program.remove();
    ranks.remove();
  });

  const trainings: Training[] = [
    { network: 'mlp', optimizer: 'sgd' },
    { network: 'cnn', optimizer: 'adamW', compile: true },
    { network: 'transformer', optimizer: 'adamW' },
    // Several buckets of gradients, on their way while others are computed.
    { network: 'wide', optimizer: 'sgd', epochs: 1 },
  ];

  it.each(full ? [2, 4] : [2])('gives the same bits on %i ranks', async (size) => {
    const byRank = await program.values<number[][]>(size, [JSON.stringify(trainings)]);
    expect(byRank).toHaveLength(size);
    for (const [i, training] of trainings.entries()) {
      const [{ parameters }] = await ranks.values<Trained>(size, 'trains', training);
      for (const trained of byRank) expect(trained[i]).toEqual(parameters);
    }
  });
});
