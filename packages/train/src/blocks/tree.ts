/**
 * The order in which blocks are added up: a binary tree over their numbers, the same however many workers there are. Whoever has
 * neighboring blocks adds them up as far as the tree goes and hands on few sums.
 */
import type { TypedArray } from '@ag/tensor';

/** The sum of the blocks from `first` up to `first + count`; `count` is a power of two and divides `first`. */
export interface Subtree {
  readonly first: number;
  readonly count: number;
  readonly arrays: readonly TypedArray[];
}

/** Adds sums of neighbors to one another until nothing more belongs together; the first of two is added to. */
export function addUp(sums: readonly Subtree[], blocks: number): Subtree[] {
  let rest = [...sums].sort((a, b) => a.first - b.first);
  for (let count = 1; count < blocks; count *= 2) {
    const next: Subtree[] = [];
    for (const sum of rest) {
      const before = next.at(-1);
      const partner = Math.floor(sum.first / (2 * count));
      if (
        sum.count === count &&
        before !== undefined &&
        before.count === count &&
        before.first === partner * 2 * count &&
        sum.first === before.first + count
      ) {
        next.pop();
        add(before.arrays, sum.arrays);
        next.push({ first: before.first, count: 2 * count, arrays: before.arrays });
      } else next.push(sum);
    }
    // What has no partner, since blocks end there, goes up by itself.
    rest = next.map((sum) => {
      const alone = sum.count === count && sum.first % (2 * count) === 0 && sum.first + count >= blocks;
      return alone ? { ...sum, count: 2 * count } : sum;
    });
  }
  return rest;
}

function add(to: readonly TypedArray[], what: readonly TypedArray[]): void {
  for (const [i, sum] of to.entries()) {
    const other = what[i];
    for (let j = 0; j < sum.length; j++) sum[j] += other[j];
  }
}
