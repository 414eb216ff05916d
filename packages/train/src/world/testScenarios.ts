/** What the ranks of the tests do, each function on every rank. */
import { serveRank } from './testRank.ts';
import type { World } from './world.ts';

/** Numbers whose sums depend on their order. */
export function partOf(rank: number, length: number, seed: number): Float32Array {
  return Float32Array.from(
    { length },
    (_, i) => Math.fround(Math.sin(12.9898 * (i + 1) + 78.233 * (rank + seed)) * 43758.5453) % 1,
  );
}

/** Sums of arrays of several lengths, a broadcast and a gather. */
export function meetings(world: World, lengths: readonly number[]) {
  const sums = lengths.map((length) => {
    const own = partOf(world.rank, length, length);
    world.allReduce(own, 'numbers');
    return own;
  });
  const doubles = Float64Array.of(world.rank + 0.1, 1);
  world.allReduce(doubles, 'doubles');
  const given = new Uint8Array(300_000).fill(world.rank === 0 ? 7 : 0);
  world.broadcast(given, 'bytes');
  const gathered = world.gather(
    new Uint8Array(10 * world.rank + 200_000 * (world.rank % 2)).fill(world.rank),
    'bytes',
  );
  return { sums, doubles, given: given.every((x) => x === 7), gathered };
}

export function differ(world: World): void {
  world.allReduce(new Float32Array(world.rank === 1 ? 3 : 4), 'numbers');
}

export function leaves(world: World): void {
  if (world.rank === 0) world.allReduce(new Float32Array(3), 'what only one rank does');
}

export function fails(world: World): void {
  world.at?.('step 3');
  if (world.rank === 1) throw new Error('no more disk');
  world.allReduce(new Float32Array(3), 'numbers');
}

export async function sleeps(world: World): Promise<void> {
  if (world.rank === 1) await new Promise((resolve) => setTimeout(resolve, 4000));
  world.allReduce(new Float32Array(3), 'numbers');
}

await serveRank({ meetings, differ, leaves, fails, sleeps });
