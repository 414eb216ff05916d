/** What varies in a sweep, and values in it as shares from 0 to 1. */
import { log, pow } from '@ag/tensor/math';

/** A list or a range. */
export type Dimension = { readonly name: string; readonly values: readonly (string | number)[] } | Range;

/** All numbers from one to another. */
export interface Range {
  readonly name: string;
  readonly low: number;
  readonly high: number;
  /** Whole numbers alone. */
  readonly whole: boolean;
  /** Evenly by powers. */
  readonly logarithmic: boolean;
}

/** The value at a share of a range, or of a list. */
export function valueAt(dimension: Dimension, share: number): string | number {
  if ('values' in dimension) {
    const { values } = dimension;
    return values[Math.min(values.length - 1, Math.floor(share * values.length))];
  }
  const { low, high, whole, logarithmic } = dimension;
  const value = logarithmic ? low * pow(high / low, share) : low + (high - low) * share;
  return whole ? Math.round(value) : Number(value.toPrecision(4));
}

/** Where in a range a value lies. */
export function shareOf({ low, high, logarithmic }: Range, value: number): number {
  return logarithmic ? log(value / low) / log(high / low) : (value - low) / (high - low);
}
