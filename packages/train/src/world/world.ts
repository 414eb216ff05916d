/**
 * A world: the processes (or threads) that train one model together, each on its part of every batch. They run the same program
 * and meet in collective calls; what such a call needs from below is said here, once, for whatever carries it: MPI between
 * machines (`@ag/mpi`), shared memory between threads (`memoryWorld`).
 */
import { codedError } from '@ag/tensor/engine';

/** Arrays that ranks add up. */
export type Summable = Float32Array | Float64Array;

/** A sum that goes on while its rank computes. Nobody may touch the array before it has ended. */
export interface PendingSum {
  /** Waits until the array holds the sum. */
  finish(): void;
}

/**
 * One of the processes that train together, seen from inside.
 *
 * Every call that takes `what` is collective: all ranks make the same calls in the same order, and each waits for the others. `what`
 * says what a call is about, for messages, and tells programs apart: an implementation compares it, with the kind and length of
 * the call, before anything is exchanged. Ranks that differ are an `Error` with the code `AG_RANKS_DIFFER`; a rank that failed, or
 * does not come within the deadline, is one with the code `AG_RANK_FAILED`.
 */
export interface World {
  /** This process among all, from 0. */
  readonly rank: number;
  /** How many there are. */
  readonly size: number;
  /**
   * Replaces the array by its sum over all ranks, element by element in the order of ranks, ((x₀ + x₁) + x₂) + …, rounded to the
   * array's type after each: so the sum has the same bits at every rank and in every implementation.
   */
  allReduce(values: Summable, what: string): void;
  /**
   * Begins an `allReduce`. What cannot go on by itself does all of it here, or in `finish`; sums are begun in the same order at
   * all ranks, and ended in that order.
   */
  startReduce(values: Summable, what: string): PendingSum;
  /** Gives the bytes of rank 0 to all, in place. The lengths are equal. */
  broadcast(bytes: Uint8Array, what: string): void;
  /** Brings bytes of all ranks to rank 0, of any length each: there by rank, null elsewhere. */
  gather(bytes: Uint8Array, what: string): readonly Uint8Array[] | null;
  /** Says where the program is, such as `step 12`: messages of what fails from now on name it. */
  at?(where: string): void;
  /**
   * Ends the run of all ranks, since this one cannot go on: the others do not come back from what they wait in, or with an error
   * of the code `AG_RANK_FAILED`. Not collective; may be called more than once.
   */
  abort(reason: unknown): void;
  /** To be called once by every rank, when it has nothing more to say to the others. */
  finish(): Promise<void>;
}

/** A world of one: what there is where nobody started several. */
export function singleWorld(): World {
  return {
    rank: 0,
    size: 1,
    allReduce() {},
    startReduce: () => ({ finish() {} }),
    broadcast() {},
    gather: (bytes) => [bytes.slice()],
    abort() {},
    finish: async () => {},
  };
}

/** Ranks that do different things, in the words of those who found out. */
export function ranksDiffer(rank: number, here: string, other: number, there: string): Error {
  return codedError(
    Error,
    'AG_RANKS_DIFFER',
    `the ranks run different programs: rank ${rank} is at '${here}', rank ${other} at '${there}'. All ranks must build the same ` +
      'model, use the same options and call the same functions in the same order',
  );
}

/** A rank that does not come any more. */
export function rankFailed(message: string, cause?: unknown): Error {
  return codedError(Error, 'AG_RANK_FAILED', message, cause === undefined ? undefined : { cause });
}

/** A number of 32 bits that is equal for equal texts, and rarely for others (FNV-1a). */
export function textHash(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
