/** The figures that a fit takes from a column. Sums are in double precision and in order, so every machine has the same. */

export function meanOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum / values.length;
}

/** The middle value; of an even number the mean of the two in the middle. */
export function medianOf(values: ArrayLike<number>): number {
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The most frequent value; of several the smallest, as scikit-learn's SimpleImputer takes it. */
export function mostFrequentOf<T extends number | string | boolean>(values: readonly T[]): T | undefined {
  const counts = new Map<T, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  let best: T | undefined;
  let most = 0;
  for (const [value, count] of counts) {
    if (count > most || (count === most && value < (best as T))) [best, most] = [value, count];
  }
  return best;
}

/** Mean and standard deviation of the population; a second pass over the differences loses no digits. */
export function momentsOf(values: ArrayLike<number>): { mean: number; deviation: number } {
  const mean = meanOf(values);
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += (values[i] - mean) ** 2;
  const variance = squares / values.length;
  return { mean, deviation: isConstant(variance, mean, values.length) ? 0 : Math.sqrt(variance) };
}

/**
 * Whether a variance is what rounding leaves of none: the mean of equal numbers need not be one of them to the last bit. The
 * bound is that of scikit-learn's StandardScaler.
 */
export function isConstant(variance: number, mean: number, count: number): boolean {
  return variance <= count * Number.EPSILON * variance + (count * mean * Number.EPSILON) ** 2;
}

export function rangeOf(values: ArrayLike<number>): { least: number; most: number } {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < values.length; i++) {
    if (values[i] < least) least = values[i];
    if (values[i] > most) most = values[i];
  }
  return { least, most };
}

/** Texts by code point, which is the same order everywhere. */
export function sortedTexts(texts: Iterable<string>): string[] {
  return [...new Set(texts)].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}
