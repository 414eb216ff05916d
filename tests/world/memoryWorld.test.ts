/** The world in memory: sums in the order of ranks, and what is said when ranks differ, fail or do not come. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { joinWorld, memoryWorld } from '../../packages/train/src/world/memoryWorld.ts';
import { singleWorld } from '../../packages/train/src/world/world.ts';
import { type Ranks, ranksOf } from './ranks.ts';
import { type meetings, partOf } from './scenarios.ts';

let ranks: Ranks;
beforeAll(async () => {
  ranks = await ranksOf(new URL('./scenarios.ts', import.meta.url));
});
afterAll(() => ranks.remove());

describe('the world in memory', () => {
  it('adds up in the order of ranks, gives to all, and brings to rank 0', async () => {
    const lengths = [1, 5, 0, 65_536, 150_001];
    const given = await ranks.values<ReturnType<typeof meetings>>(3, 'meetings', lengths);
    lengths.forEach((length, k) => {
      const expected = partOf(0, length, length);
      for (const rank of [1, 2]) {
        const part = partOf(rank, length, length);
        for (let i = 0; i < length; i++) expected[i] = Math.fround(expected[i] + part[i]);
      }
      for (const { sums } of given) expect(sums[k]).toEqual(expected);
    });
    for (const { doubles, given: received } of given) {
      expect([...doubles]).toEqual([0.1 + 1.1 + 2.1, 3]);
      expect(received).toBe(true);
    }
    expect(given.map(({ gathered }) => gathered?.map(({ length }) => length) ?? null)).toEqual([
      [0, 200_010, 20],
      null,
      null,
    ]);
    expect(given[0].gathered?.[1].every((x) => x === 1)).toBe(true);
  });

  it('tells apart ranks that do different things', async () => {
    const outcomes = await ranks.run(2, 'differ');
    for (const outcome of outcomes)
      expect(outcome).toMatchObject({
        code: expect.stringMatching(/AG_RANKS_DIFFER|AG_RANK_FAILED/),
        error: expect.stringMatching(/sum of 4 float32.*sum of 3 float32|sum of 3 float32.*sum of 4 float32/),
      });
  });

  it('ends those who wait for a rank that has left, failed or does not come, and says which', async () => {
    const [left, failed, late] = await Promise.all([
      ranks.run(2, 'leaves'),
      ranks.run(2, 'fails'),
      ranks.run(2, 'sleeps', null, { deadline: 0.5 }),
    ]);
    expect(left[0]).toEqual({
      code: 'AG_RANK_FAILED',
      error: "rank 1 has finished, while rank 0 waits for it at 'sum of 3 float32, what only one rank does'",
    });
    expect(failed[0]).toEqual({
      code: 'AG_RANK_FAILED',
      error: 'rank 1 ended the run at step 3: no more disk',
    });
    expect(late[0]).toMatchObject({
      code: 'AG_RANK_FAILED',
      error: expect.stringMatching(/rank 1 did not come to 'sum of 3 float32, numbers' within 0.5 s/),
    });
    expect(late[1]).toMatchObject({ code: 'AG_RANK_FAILED', error: expect.stringContaining('did not come') });
  });

  it('refuses sizes and ranks that there are not', () => {
    expect(() => memoryWorld(0)).toThrow(/size must be a whole number from 1/);
    expect(() => memoryWorld(2, { deadline: 0 })).toThrow(/deadline/);
    expect(() => joinWorld(memoryWorld(2), 2)).toThrow(/from 0 to 1, got 2/);
  });

  it('is one of one where nobody started several', async () => {
    const world = singleWorld();
    const values = Float32Array.of(1, 2);
    world.allReduce(values, 'x');
    world.startReduce(values, 'x').finish();
    world.broadcast(new Uint8Array(2), 'x');
    expect([...values]).toEqual([1, 2]);
    expect(world.gather(Uint8Array.of(5), 'x')).toEqual([Uint8Array.of(5)]);
    await world.finish();
  });
});
