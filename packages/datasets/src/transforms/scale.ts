/**
 * Brings columns to a common scale. The numbers come from one data set, the training set, and are then applied to
 * every other: a test set scaled by its own mean would answer another question.
 */
import { type Column, type MemoryDataset, sizeOf } from '../dataset.ts';
import { DataError } from '../errors.ts';
import { isConstant } from '../statistics.ts';
import { type ColumnPath, columnAt } from '../structure.ts';
import { changing, type PartOptions, toFloat } from './column.ts';
import type { SerializableTransform, TransformJSON } from './transform.ts';

/** Which column a scaling is about: the inputs or the targets, or one part of them. Default `x`. */
export type ScaleOptions = PartOptions;

/** A data set in memory of any form. */
// biome-ignore lint/suspicious/noExplicitAny: the column says which part is meant
type AnyDataset = MemoryDataset<any, any>;

/** A transform `(value − shift) / divisor` per feature, and its way back. */
export interface Scaling extends SerializableTransform {
  /** Which column it scales: inputs, targets, or a part of them. */
  readonly column: ColumnPath;
  /** What is subtracted, one number per feature (per channel for images). */
  readonly shift: Float64Array;
  /** What is divided by, one number per feature (per channel for images); never 0. */
  readonly divisor: Float64Array;
  /** Scaled values back to the data's own units: `[n × features]` numbers, row-major. */
  inverse(values: ArrayLike<number>): Float32Array;
}

/**
 * Subtracts the mean and divides by the standard deviation (that of the population, as scikit-learn's
 * StandardScaler). Features of shape `[n]` are scaled one by one, images `[channels, height, width]` by channel.
 * A constant feature becomes 0.
 *
 * @param from the training set, or numbers known from elsewhere
 *
 * @example
 * const scale = transforms.standardize(train);
 * const loader = dataLoader(test, { transform: scale });
 */
export function standardize(
  from: AnyDataset | { mean: readonly number[]; deviation: readonly number[] },
  options: ScaleOptions = {},
): Scaling {
  const { column = 'x' } = options;
  if (!('columns' in from)) return scaling('standardize', column, from.mean, from.deviation);
  const groups = grouped(columnAt(from.columns, column, 'transforms.standardize'));
  const means = new Float64Array(groups.count);
  const deviations = new Float64Array(groups.count);
  groups.each((group, value) => {
    means[group] += value;
  });
  for (let g = 0; g < groups.count; g++) means[g] /= groups.size;
  // A second pass over the differences loses no digits where the mean is large.
  groups.each((group, value) => {
    deviations[group] += (value - means[group]) ** 2;
  });
  for (let g = 0; g < groups.count; g++) {
    const variance = deviations[g] / groups.size;
    deviations[g] = isConstant(variance, means[g], groups.size) ? 0 : Math.sqrt(variance);
  }
  return scaling('standardize', column, means, deviations);
}

/**
 * Maps the smallest value of each feature to 0 and the largest to 1. A constant feature becomes 0.
 *
 * @param from the training set, or numbers known from elsewhere
 */
export function minMax(
  from: AnyDataset | { min: readonly number[]; max: readonly number[] },
  options: ScaleOptions = {},
): Scaling {
  const { column = 'x' } = options;
  const lowest: number[] = [];
  const highest: number[] = [];
  if ('columns' in from) {
    const groups = grouped(columnAt(from.columns, column, 'transforms.minMax'));
    for (let g = 0; g < groups.count; g++) {
      lowest.push(Number.POSITIVE_INFINITY);
      highest.push(Number.NEGATIVE_INFINITY);
    }
    groups.each((group, value) => {
      if (value < lowest[group]) lowest[group] = value;
      if (value > highest[group]) highest[group] = value;
    });
  } else {
    lowest.push(...from.min);
    highest.push(...from.max);
  }
  return scaling(
    'minMax',
    column,
    lowest,
    highest.map((most, i) => most - lowest[i]),
  );
}

export function scaling(
  name: 'standardize' | 'minMax',
  column: ColumnPath,
  shifts: ArrayLike<number>,
  divisors: ArrayLike<number>,
): Scaling {
  if (shifts.length !== divisors.length || shifts.length === 0) {
    throw new DataError(`transforms.${name}`, {
      code: 'option',
      expected: 'two numbers for each feature',
      found: `${shifts.length} and ${divisors.length}`,
    });
  }
  const shift = Float64Array.from(shifts);
  const divisor = Float64Array.from(divisors, (value) => (value > 0 ? value : 1));
  const apply = changing(name, column, (given) => {
    const { data, shape } = toFloat(given);
    const { count, inner } = layout(shape);
    if (count !== shift.length) {
      throw new DataError(`transforms.${name}: ${column}`, {
        code: 'mismatch',
        expected: `${shift.length} features as in the data it was made from`,
        found: `${count} in shape [${shape.join(', ')}]`,
      });
    }
    walk(data.length, count, inner, (group, i) => {
      data[i] = (data[i] - shift[group]) / divisor[group];
    });
    return { data, shape };
  });
  return Object.assign(apply, {
    column,
    shift,
    divisor,
    toJSON: (): TransformJSON => ({ transform: name, column, shift: [...shift], divisor: [...divisor] }),
    inverse: (values: ArrayLike<number>) =>
      Float32Array.from(values, (value, i) => value * divisor[i % divisor.length] + shift[i % shift.length]),
  });
}

/** How many numbers share each mean: features by themselves, the pixels of a channel together. */
function layout(shape: readonly number[]): { count: number; inner: number } {
  if (shape.length <= 1) return { count: sizeOf(shape), inner: 1 };
  return shape.length === 2
    ? { count: 1, inner: sizeOf(shape) }
    : { count: shape[0], inner: sizeOf(shape.slice(1)) };
}

function grouped(column: Column) {
  const { count, inner } = layout(column.shape);
  const { data, scale = 1 } = column;
  return {
    count,
    /** How many values each group has. */
    size: data.length / count,
    each: (visit: (group: number, value: number) => void) =>
      walk(data.length, count, inner, (group, i) => visit(group, data[i] * scale)),
  };
}

function walk(length: number, count: number, inner: number, visit: (group: number, i: number) => void): void {
  for (let i = 0; i < length; ) {
    for (let group = 0; group < count; group++) {
      for (let k = 0; k < inner; k++) visit(group, i++);
    }
  }
}
