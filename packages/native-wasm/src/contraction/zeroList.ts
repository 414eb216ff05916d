/**
 * How a list of the k worth multiplying lies in memory.
 *
 * `zeros.ts` writes it, `microKernel.ts` walks it. A list is how many entries there are, whether to use it and where the
 * entries of each chain end, then the entries: for each k kept, what is to be added to the addresses of A and of B. On
 * panels, A counts as if they were one row wide.
 */
import { maxChains } from './totals.ts';

/** Where the head of a list holds what, and its bytes. */
export const listHeader = { bytes: 8 + 4 * maxChains, count: 0, used: 4, ends: 8 } as const;

/** Bytes of an entry. */
export const entryBytes = 8;

/** Bytes of a list for so many k. */
export function listBytes(k: number): number {
  return (listHeader.bytes + entryBytes * k + 15) & ~15;
}
