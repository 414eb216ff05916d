/** What the custom section `ag.plan` of an exported module says, as JSON. */
import type { DType } from '@ag/tensor';

/** Where a tensor lies: row-major, little-endian. */
export interface PlanTensor {
  readonly name: string;
  readonly dtype: DType;
  /** `null` for the size of the batch, which is open up to `maxBatch`. */
  readonly shape: readonly (number | null)[];
  /** Bytes from the start of memory; null for an input of which nothing is read. */
  readonly offset: number | null;
}

/** What an exported plan takes and gives, as plain data. */
export interface PlanDescription {
  readonly version: 1;
  readonly arithmetic: 'separate' | 'fused';
  /** The largest batch, where its size is open: `run` takes it, from 1 on. Null where `run` takes 0. */
  readonly maxBatch: number | null;
  /** How many runs there are learning rates for; null where there is no end. */
  readonly steps: number | null;
  readonly inputs: readonly PlanTensor[];
  readonly outputs: readonly PlanTensor[];
  /** Variables: what was trained, and what a training step keeps. Read or write them between runs. */
  readonly state: readonly PlanTensor[];
  /** Where a file of weights belongs. */
  readonly weights: { readonly offset: number; readonly bytes: number };
  /** Where the number of steps so far lies, an i32. */
  readonly step: number | null;
  /** Where the state of the random sequence lies: two i32 of how many keys were drawn, two of its own key. */
  readonly random: number | null;
  /** Where the index lies that was outside its axis, an i32, after `run` answered 1. */
  readonly fault: number;
}
