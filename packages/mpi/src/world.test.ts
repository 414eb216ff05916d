/** The world of a real launcher: sums to the bit, and jobs that end with a message whatever one rank does. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mpi } from './index.ts';
import { launcher, type Program, programOf } from './testing/launch.ts';
import { type Answer, hashOf, lengths, partOf } from './testing/meetings.ts';

describe('a process that nobody started with others', () => {
  it('is a world of one, without a library', async () => {
    const world = await mpi();
    expect(world).toMatchObject({ rank: 0, size: 1, library: '' });
    const numbers = Float32Array.of(1, 2);
    world.allReduce(numbers, 'numbers');
    expect([...numbers]).toEqual([1, 2]);
    expect(world.gather(Uint8Array.of(3), 'bytes')).toEqual([Uint8Array.of(3)]);
    await expect(world.receive()).rejects.toThrow('no other rank');
    await world.finish();
    expect(await mpi()).toBe(world);
  });

  it.each([
    [{ deadline: 0 }, /deadline must be above 0/],
    [{ reduction: 'quick' as 'fastest' }, /'ordered' or 'fastest', got "quick"/],
    [{ dedline: 3 } as object, /dedline.*deadline/],
  ])('refuses %j', (options, message) => {
    expect(() => mpi(options)).toThrow(message);
  });
});

describe.skipIf(launcher === null)('a job', () => {
  let program: Program;
  beforeAll(async () => {
    program = await programOf(new URL('./testing/meetings.ts', import.meta.url));
  });
  afterAll(() => program.remove());

  it('adds up in the order of ranks, gives to all, brings to rank 0, and passes messages', async () => {
    const size = 3;
    const answers = await program.values<Answer>(size, ['all']);
    expect(answers.map(({ rank }) => rank).sort()).toEqual([0, 1, 2]);
    const sumOf = <T extends Float32Array | Float64Array>(make: () => T): number => {
      const sum = partOf(make(), 0);
      for (let rank = 1; rank < size; rank++) {
        const part = partOf(make(), rank);
        // Storing rounds to the type of the array.
        for (let i = 0; i < sum.length; i++) sum[i] += part[i];
      }
      return hashOf(sum);
    };
    for (const { rank, library, sums, doubles, pending, broadcast, gathered, message, times } of answers) {
      expect(library).toMatch(/\d/);
      expect(sums).toEqual(lengths.map((length) => sumOf(() => new Float32Array(length))));
      expect(doubles).toEqual(lengths.map((length) => sumOf(() => new Float64Array(length))));
      expect(pending).toEqual([5000, 7].map((length) => sumOf(() => new Float32Array(length))));
      expect(broadcast).toEqual([true, true, true]);
      expect(gathered.map((parts) => parts?.length ?? null)).toEqual(
        rank === 0 ? [3, 3, 3] : [null, null, null],
      );
      const bytes = [
        20_000,
        28,
        ...lengths.map((length) => 4 * length),
        ...lengths.map((length) => 8 * length),
      ];
      expect(times).toEqual(bytes.map((bytes) => [bytes, true]));
      expect(message).toEqual(rank === 0 ? [] : [0, 1000 * rank, rank + 1]);
    }
  });

  it.each([
    ['throw', /rank 1, step 12: Error: something odd\n +at /],
    ['exit', /rank 1, step 12: the process ended before world\.finish\(\)/],
    ['abort', /rank 1, step 12: no more disk/],
    [
      'stop',
      /rank 0, step 12: rank 1 did not come to 'gradients' \(step 12\) within 6 s, where rank 0 waits/,
    ],
    [
      'finish',
      /ranks run different programs: rank [01] is at '(finish|allReduce of 4 float32, gradients) \(step 12\)'/,
    ],
    [
      'length',
      /is at 'allReduce of [34] float32, gradients \(step 12\)'.*at 'allReduce of [34] float32, gradients'/,
    ],
    ['topic', /is at 'allReduce of 4 float32, .*at 'allReduce of 4 float32, /],
    ['kill', null],
  ])('ends when one rank does this: %s', async (which, message) => {
    const { exitCode, stderr } = await program.run(2, ['fault', which]);
    expect(exitCode).not.toBe(0);
    if (message !== null) expect(stderr).toMatch(message);
  });

  it('says what is wrong with a library that is named and cannot be used', async () => {
    const { exitCode, stderr } = await program.run(2, ['all'], { AG_MPI_LIBRARY: '/nowhere/libmpi.so' });
    expect(exitCode).not.toBe(0);
    expect(stderr).toMatch(/AG_MPI_LIBRARY is \/nowhere\/libmpi\.so, which cannot be used: .*No such file/);
  });
});
