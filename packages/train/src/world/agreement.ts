/**
 * What the ranks of a run have to agree on beside gradients: how it begins, sums of figures, when it ends, that their weights are
 * still the same.
 */
import type { AnyModule } from '@ag/nn';
import { codedError } from '@ag/tensor/engine';
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from '../checkpoint.ts';
import type { EndReason } from '../events.ts';
import type { Totals } from '../metrics.ts';
import type { World } from './world.ts';

/** Reasons that a rank may have to end the run early. Of several the first counts. */
export const endReasons: readonly EndReason[] = ['earlyStopping', 'aborted', 'stopped'];

/** The reason that flags of `endReasons`, summed over the ranks, stand for. */
export function agreedReason(flags: ArrayLike<number>): EndReason | null {
  return endReasons.find((_, i) => flags[i] > 0) ?? null;
}

/** Sums over all ranks, in place. */
export function sumTotals(totals: Totals, world: World, what: string): void {
  const names = Object.keys(totals.metrics);
  const streams = Object.entries(totals.sums ?? {});
  const sums = Float64Array.of(
    totals.examples,
    totals.loss,
    ...names.map((name) => totals.metrics[name]),
    ...streams.flatMap(([, list]) => list),
  );
  world.allReduce(sums, `${what}: ${names.join(' ')}`);
  [totals.examples, totals.loss] = sums;
  names.forEach((name, i) => {
    totals.metrics[name] = sums[i + 2];
  });
  let start = names.length + 2;
  for (const [name, list] of streams) {
    totals.sums![name] = Array.from(sums.subarray(start, start + list.length));
    start += list.length;
  }
}

/** The checkpoint that rank 0 starts from, at every rank. */
export async function sharedStart(world: World, own: () => Promise<Checkpoint>): Promise<Checkpoint | null> {
  const bytes = world.rank === 0 ? await encodeCheckpoint(await own()) : null;
  const length = Float64Array.of(bytes?.length ?? 0);
  world.allReduce(length, 'size of the start');
  const shared = bytes ?? new Uint8Array(length[0]);
  world.broadcast(shared, 'start');
  return bytes ? null : decodeCheckpoint(shared, 'the state of rank 0');
}

/**
 * Whether a rank wants to end the run, and whether all still have the same weights.
 *
 * @returns the reason for which the run ends on all ranks, null where it goes on
 * @throws Error when ranks have come to different weights
 */
export async function agree(
  world: World,
  wish: EndReason | null,
  model: AnyModule,
): Promise<EndReason | null> {
  const hash = await weightsHash(model);
  const words = Float64Array.of(...endReasons.map((reason) => Number(reason === wish)), hash);
  world.allReduce(words, 'agreement');
  const sum = words[endReasons.length];
  // Sums of whole numbers below 2⁵³ are exact, so equal hashes give this and nothing else.
  if (sum !== hash * world.size) {
    throw codedError(
      Error,
      'AG_RANKS_DIFFER',
      `the ranks have come to different weights (rank ${world.rank}: ${hash.toString(16)}). Do all use the same backend, and do ` +
        'callbacks that change weights or learning rates do so on all ranks?',
    );
  }
  return agreedReason(words);
}

/** A number of 32 bits that is equal for equal weights, and rarely for others. */
export async function weightsHash(model: AnyModule): Promise<number> {
  let hash = 0x811c9dc5;
  for (const { value } of model.parameters()) {
    const { buffer, byteOffset, byteLength } = await value.data();
    const bytes = new Uint8Array(buffer, byteOffset, byteLength);
    for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ bytes[i], 0x01000193);
  }
  return hash >>> 0;
}

/** The ranks whose own loss is not finite, for messages. */
export function failingRanks(world: World, loss: number): number[] {
  const flags = new Float64Array(world.size);
  flags[world.rank] = Number.isFinite(loss) ? 0 : 1;
  world.allReduce(flags, 'losses that are not finite');
  return [...flags.keys()].filter((rank) => flags[rank] > 0);
}
