/** Helpers of the transforms. They give a column as float32, and check that a random transform is given images. */
import { type Column, sizeOf } from '../dataset.ts';
import { DataError } from '../errors.ts';
import { type ColumnPath, columnAt, withColumn } from '../structure.ts';
import type { ColumnTransform, TransformContext } from './transform.ts';

/** Which column a transform changes. */
export interface PartOptions {
  /** `x` or `y`; of several inputs or targets one by its path: `x/image`, `y/0`. */
  column?: ColumnPath;
}

/** A transform of one column; `change` gets it with the words by which messages call it. */
export function changing(
  name: string,
  column: ColumnPath,
  change: (column: Column, context: TransformContext, called: string) => Column,
): ColumnTransform {
  const called = `transforms.${name}`;
  return (rows, context) =>
    withColumn(rows, column, change(columnAt(rows, column, called), context, `${called}: ${column}`));
}

/** The column as float32 with its scale multiplied in. A column that is float32 without scale is returned as it is. */
export function toFloat(column: Column): Column & { data: Float32Array } {
  const { data, shape, scale } = column;
  if (data instanceof Float32Array && scale === undefined) return { data, shape };
  const values = Float32Array.from(data);
  if (scale !== undefined) for (let i = 0; i < values.length; i++) values[i] *= scale;
  return { data: values, shape };
}

/** Channels, height, width and number of the images in a column of shape `[height, width]` or `[channels, height, width]`. */
export function imageSizes(column: Column, transform: string) {
  const { shape, data } = column;
  if (shape.length !== 2 && shape.length !== 3) {
    throw new DataError(`transforms.${transform}`, {
      code: 'option',
      expected: 'images of shape [height, width] or [channels, height, width]',
      found: `[${shape.join(', ')}]`,
      hint: 'Apply it before flatten',
    });
  }
  const [channels, height, width] = shape.length === 3 ? shape : [1, ...shape];
  return { channels, height, width, count: data.length / sizeOf(shape) };
}
