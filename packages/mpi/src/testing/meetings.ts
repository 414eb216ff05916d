/** What the ranks of `world.test.ts` do. The first argument says which of it. */

import { type MpiWorld, mpi, type SumTimes } from '../index.ts';
import { answer } from './answer.ts';

/** Numbers whose sums depend on their order. */
export function partOf<T extends Float32Array | Float64Array>(data: T, rank: number): T {
  for (let i = 0; i < data.length; i++) {
    const x = Math.imul(i + 1, 2654435761) ^ Math.imul(rank + 1, 40503);
    data[i] = ((x >>> 0) % 1_000_003) / 7919 - 60;
  }
  return data;
}

/** A number for each array, equal where all bits are. */
export function hashOf(data: Float32Array | Float64Array): number {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return bytes.reduce((hash, byte) => Math.imul(hash ^ byte, 0x01000193), 0x811c9dc5);
}

/** Lengths on both sides of what goes with the first exchange, and such that ranks' parts differ in size. */
export const lengths = [0, 1, 89, 90, 91, 1000, 40_001];

/** What each rank answers. */
export interface Answer {
  readonly rank: number;
  readonly library: string;
  readonly sums: readonly number[];
  readonly doubles: readonly number[];
  /** Two sums under way at once, in shared memory. */
  readonly pending: readonly number[];
  readonly broadcast: readonly boolean[];
  readonly gathered: readonly (readonly number[] | null)[];
  readonly message: readonly number[];
  /** What was said of the sums: bytes, and whether the times are in order. */
  readonly times: readonly (readonly [number, boolean])[];
}

const heard: SumTimes[] = [];

async function all(world: MpiWorld): Promise<Answer> {
  const { rank, size } = world;
  const sumOf = <T extends Float32Array | Float64Array>(data: T): number => {
    world.allReduce(partOf(data, rank), `${data.length} numbers`);
    return hashOf(data);
  };
  const shared = [5000, 7].map((length) => partOf(new Float32Array(new SharedArrayBuffer(4 * length)), rank));
  const started = shared.map((data) => world.startReduce(data, 'in shared memory'));
  for (const one of started) one.finish();
  const gathered = [0, 3, 700].map((length) => {
    const parts = world.gather(new Uint8Array(length * rank).fill(rank), 'parts');
    return parts?.map((part) => (part.every((byte) => byte === rank + part[0]) ? part.length : -1)) ?? null;
  });
  const message: number[] = [];
  if (rank === 0) {
    for (let i = 1; i < size; i++) {
      const { from, bytes } = await world.receive();
      await world.send(
        from,
        bytes.map((byte) => byte + 1),
      );
    }
  } else {
    // Sent while one is waited for.
    const received = world.receive();
    await world.send(0, new Uint8Array(1000 * rank).fill(rank));
    const { from, bytes } = await received;
    message.push(from, bytes.length, bytes[bytes.length - 1]);
  }
  return {
    rank,
    library: world.library,
    sums: lengths.map((length) => sumOf(new Float32Array(length))),
    doubles: lengths.map((length) => sumOf(new Float64Array(length))),
    pending: shared.map(hashOf),
    broadcast: [0, 5, 5000].map((length) => {
      const bytes = new Uint8Array(length).fill(rank + 7);
      world.broadcast(bytes, 'bytes');
      return bytes.every((byte) => byte === 7);
    }),
    gathered,
    message,
    times: heard.map(({ bytes, started, met, done, waitedFrom, waitedTo }) => {
      // Clocks of two threads, set by the same one.
      const inOrder = [started, met, done, waitedTo].every(
        (time, i, all) => i === 0 || time > all[i - 1] - 2,
      );
      return [bytes, inOrder && started <= waitedFrom && waitedFrom <= waitedTo] as const;
    }),
  };
}

/** One rank does something that ends the job. */
async function fault(world: MpiWorld, which: string): Promise<void> {
  const numbers = new Float32Array(which === 'length' && world.rank === 1 ? 3 : 4);
  world.allReduce(numbers.subarray(0, 2), 'a good start');
  world.at?.('step 12');
  if (world.rank === 1) {
    if (which === 'throw') throw new Error('something odd');
    if (which === 'kill') process.kill(process.pid, 'SIGKILL');
    if (which === 'exit') process.exit(0);
    if (which === 'stop') process.kill(process.pid, 'SIGSTOP');
    if (which === 'abort') world.abort(new Error('no more disk'));
    if (which === 'finish') await world.finish();
  }
  world.allReduce(numbers, which === 'topic' && world.rank === 1 ? 'the loss' : 'gradients');
}

const [what, which] = process.argv.slice(2);
if (what !== undefined) {
  const world = await mpi({ deadline: what === 'fault' ? 6 : 60, onSum: (times) => heard.push(times) });
  if (what === 'all') answer(await all(world));
  else await fault(world, which);
  await world.finish();
}
