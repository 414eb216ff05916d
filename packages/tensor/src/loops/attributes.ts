/**
 * What a loop is made of, as attributes and inputs of its operation.
 */
import type { TensorType } from '../ops/op.ts';
import type { Body } from './body.ts';

/** Inputs of a loop: carried values, sequences, what the body reads from outside, the number of steps, numbers. */
export interface LoopAttributes {
  /** Of the body's structure. */
  readonly id: number;
  readonly carried: number;
  readonly sequences: number;
  readonly captured: number;
  /** Whether an input says how many steps there are; `length` is then the most. */
  readonly counted: boolean;
  /** Steps; −1 for as many as a sequence has rows, −2 for a loop that only its condition ends. */
  readonly length: number;
  /** From the last row to the first. */
  readonly reverse: boolean;
  /** A gradient computes steps anew from what was carried instead of reading more of them. */
  readonly recompute: boolean;
  /** A function, so that it is no part of a plan's structure. */
  readonly body: () => Body;
}

/** Which result: `at` is the position of a carried value, or of a node of the body. */
export interface LoopResult {
  readonly of: 'final' | 'stack' | 'count';
  readonly at: number;
}

/** Positions of the first input of each kind. */
export function positionsIn({ carried, sequences, captured, counted }: LoopAttributes): {
  readonly sequences: number;
  readonly captured: number;
  readonly count: number;
  readonly scalars: number;
} {
  const count = carried + sequences + captured;
  return { sequences: carried, captured: carried + sequences, count, scalars: count + (counted ? 1 : 0) };
}

/** The body for operands of these shapes. */
export function bodyOf(attributes: LoopAttributes, inputs: readonly TensorType[]): Body {
  const at = positionsIn(attributes);
  const shapes = inputs
    .slice(0, at.count)
    .map(({ shape }, i) => (i >= at.sequences && i < at.captured ? shape.slice(1) : shape));
  return attributes.body().ofShapes(shapes);
}

/** Most steps. */
export function lengthOf({ length, carried }: LoopAttributes, inputs: readonly TensorType[]): number {
  if (length === -2) return Number.POSITIVE_INFINITY;
  return length === -1 ? inputs[carried].shape[0] : length;
}
