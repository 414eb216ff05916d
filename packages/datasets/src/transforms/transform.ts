/**
 * The type of a transform. Transforms work on the rows of a batch while they are still plain arrays: cheap for bytes,
 * before anything goes to the device, and random ones depend on the place in the epoch alone.
 */
import type { Indices, Rows } from '../dataset.ts';
import type { ColumnPath } from '../structure.ts';

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
export type Transform<R = Rows> = (rows: R, context: TransformContext) => R;

/** Changes one column, and takes rows of any form. */
export type ColumnTransform = <R extends RowsOfAnyForm>(rows: R, context: TransformContext) => R;

/** Rows with one column or several, on either side. */
export interface RowsOfAnyForm {
  readonly x: unknown;
  readonly y: unknown;
}

/** What a transform of this package is, as plain data. */
export type TransformJSON =
  | {
      readonly transform: 'standardize' | 'minMax';
      readonly column: ColumnPath;
      readonly shift: readonly number[];
      readonly divisor: readonly number[];
    }
  | { readonly transform: 'oneHot'; readonly classes: number; readonly column?: ColumnPath }
  | { readonly transform: 'flatten'; readonly column?: ColumnPath }
  | {
      readonly transform: 'randomShift';
      readonly pixels: number;
      readonly fill: number;
      readonly column?: ColumnPath;
    }
  | {
      readonly transform: 'randomRotate';
      readonly degrees: number;
      readonly fill: number;
      readonly column?: ColumnPath;
    }
  | {
      readonly transform: 'randomFlip';
      readonly horizontal: number;
      readonly vertical: number;
      readonly column?: ColumnPath;
    }
  | {
      readonly transform: 'randomCrop';
      readonly size: readonly number[];
      readonly padding: number;
      readonly fill: number;
      readonly column?: ColumnPath;
    }
  | {
      readonly transform: 'colorJitter';
      readonly brightness: number;
      readonly contrast: number;
      readonly saturation: number;
      readonly hue: number;
      readonly column?: ColumnPath;
    }
  | {
      readonly transform: 'randomErasing';
      readonly probability: number;
      readonly area: readonly number[];
      readonly aspect: readonly number[];
      readonly fill: number;
      readonly column?: ColumnPath;
    }
  | {
      readonly transform: 'mixup' | 'cutmix';
      readonly classes: number;
      readonly alpha: number;
      readonly inputs?: ColumnPath;
      readonly targets?: ColumnPath;
    }
  | { readonly transform: 'compose'; readonly transforms: readonly TransformJSON[] };

/** A transform that says what it is: `JSON.stringify` takes it, `transforms.fromJSON` makes it again. */
export interface SerializableTransform extends ColumnTransform {
  toJSON(): TransformJSON;
}

/** Transforms one after the other. */
export interface Composition<R = Rows> extends Transform<R> {
  readonly transforms: readonly Transform<R>[];
  toJSON(): TransformJSON;
}

/** A transform with its description. */
export function serializable<T extends object>(
  apply: T,
  json: () => TransformJSON,
): T & { toJSON(): TransformJSON } {
  return Object.assign(apply, { toJSON: json });
}
