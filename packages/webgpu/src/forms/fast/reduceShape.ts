/** How a reduction is shared among invocations. */
import type { Facts } from '../../device/facts.ts';
import { busyWorkgroups } from './tileShapes.ts';

export interface ReduceShape {
  /** Results of a workgroup. */
  readonly results: number;
  /** Invocations that share a result; both are powers of two. */
  readonly sharing: number;
  /** Whether neighboring invocations share a result, and not neighboring results. */
  readonly termsFirst: boolean;
  /** Workgroups that share a result, each with `partTerms` of its terms. */
  readonly parts: number;
  readonly partTerms: number;
}

/** Terms that one invocation adds up before its sum is added to others: an error stays that of a short chain. */
export const chain = 64;

/** Terms of an invocation below which sharing does not pay. */
const fewestTerms = 4;

/**
 * @param results how many
 * @param terms of each
 * @param termsFirst whether terms lie nearer to one another than results
 */
export function reduceShapeFor(
  facts: Facts,
  results: number,
  terms: number,
  termsFirst: boolean,
): ReduceShape {
  const threads = facts.software ? 64 : Math.min(256, powerBelow(facts.maxInvocations));
  const useful = powerAbove(Math.ceil(terms / fewestTerms));
  let sharing: number;
  if (termsFirst) sharing = Math.min(threads, useful);
  else {
    // Neighbors in memory are other results, of which as many as there are stand side by side.
    const across = Math.min(threads, powerAbove(results));
    const wanted = facts.software
      ? 1
      : powerAbove(Math.ceil((busyWorkgroups * threads) / Math.max(1, results)));
    sharing = Math.max(threads / across, Math.min(wanted, threads / Math.min(32, across)));
    sharing = Math.min(sharing, useful);
  }
  const perGroup = threads / sharing;
  const groups = Math.ceil(results / perGroup);
  const rounds = terms / sharing;
  const most = Math.floor(rounds / 16);
  const parts =
    facts.software || groups >= busyWorkgroups / 2 || rounds < chain
      ? 1
      : Math.max(1, Math.min(most, Math.ceil(busyWorkgroups / Math.max(1, groups))));
  const partTerms = parts === 1 ? terms : Math.ceil(terms / parts / sharing) * sharing;
  return {
    results: perGroup,
    sharing,
    termsFirst,
    parts: parts === 1 ? 1 : Math.ceil(terms / partTerms),
    partTerms,
  };
}

/** The least power of two that is not below x. */
export function powerAbove(x: number): number {
  let power = 1;
  while (power < x) power *= 2;
  return power;
}

/** The greatest power of two that is not above x. */
export function powerBelow(x: number): number {
  let power = 1;
  while (power * 2 <= x) power *= 2;
  return power;
}
