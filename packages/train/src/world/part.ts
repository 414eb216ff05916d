/**
 * The part of a batch that is computed here: whether it counts. Of a batch smaller than the world some ranks have none of the
 * examples; they compute those of another rank, so that all ranks build the same and draw as many random numbers, and count them 0.
 */
import type { Tensor } from '@ag/tensor';
import { dynamicScalar } from '@ag/tensor/engine';

let counts = 1;

/** 1 where the examples at hand count, 0 where they stand in for none; read at each run of what it is built into. */
export function countsHere(): Tensor {
  return dynamicScalar(() => counts);
}

/** Runs work on a part that counts, or does not. */
export function onPart<T>(examples: number, work: () => T): T {
  const outer = counts;
  counts = examples > 0 ? 1 : 0;
  try {
    return work();
  } finally {
    counts = outer;
  }
}
