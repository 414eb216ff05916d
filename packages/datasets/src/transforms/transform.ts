/**
 * The type of a transform. Transforms work on the rows of a batch while they are still plain arrays: cheap for bytes,
 * before anything goes to the device, and random ones depend on the place in the epoch alone.
 */
import type { Indices, Rows } from '../dataset.ts';

/** Which examples a transform is given, so that random transforms can be repeated. */
export interface TransformContext {
  /** The loader's seed. */
  readonly seed: number;
  /** The epoch. */
  readonly epoch: number;
  /** The place of the first row within the epoch; row r is number `start + r`. */
  readonly start: number;
  /** The rows' positions in the data set. */
  readonly indices: Indices;
}

/** New rows from rows. The given arrays are the transform's own: it may change and return them. */
export type Transform = (rows: Rows, context: TransformContext) => Rows;
