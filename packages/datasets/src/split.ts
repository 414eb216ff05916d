/** Splits a data set, at random or into folds. A part is a list of positions; nothing is copied. */
import { checkOptions } from '@ag/tensor/engine';
import {
  checkIndices,
  type Dataset,
  type Indices,
  type MemoryDataset,
  type Rows,
  takeAllRows,
  toBatch,
} from './dataset.ts';
import { DataError } from './errors.ts';
import { permutationOf } from './random.ts';

/** The purposes of random numbers here. */
const streams = { split: 111, folds: 112 };

/**
 * The examples of `dataset` at `indices`, as a data set of their own.
 *
 * @throws DataError when an index is out of range
 */
export function subset<X, Y>(
  dataset: MemoryDataset<X, Y>,
  indices: Indices,
  split?: string,
): MemoryDataset<X, Y>;
export function subset<B>(dataset: Dataset<B>, indices: Indices, split?: string): Dataset<B>;
export function subset<B>(dataset: Dataset<B>, indices: Indices, split?: string): Dataset<B> {
  const chosen = Int32Array.from(indices);
  checkIndices(chosen, dataset.length, dataset.info?.name ?? 'subset');
  const info = split === undefined ? dataset.info : { ...dataset.info, split };
  const name = info?.name ?? 'subset';
  const map = (positions: Indices): Int32Array => {
    checkIndices(positions, chosen.length, name);
    return Int32Array.from(positions, (position) => chosen[position]);
  };
  const { rows } = dataset;
  const part: Dataset<B> = {
    length: chosen.length,
    batch: (positions) => dataset.batch(map(positions)),
    ...(info === undefined ? {} : { info }),
    ...(rows === undefined ? {} : { rows: (positions: Indices) => rows.call(dataset, map(positions)) }),
  };
  // A data set in memory has no batches but those of tensors.
  return isInMemory(dataset)
    ? (memoryPart(dataset, part, chosen, split) as Dataset<unknown> as Dataset<B>)
    : part;
}

/** A part of a data set in memory is one too; its columns are copied only if someone asks for them. */
function memoryPart(
  whole: MemoryDataset<unknown, unknown>,
  part: Dataset<unknown, unknown>,
  chosen: Int32Array,
  split?: string,
): MemoryDataset<unknown, unknown> {
  let columns: Rows<unknown, unknown> | undefined;
  const rows = part.rows as MemoryDataset<unknown, unknown>['rows'];
  return {
    length: chosen.length,
    info: part.info ?? {},
    features: whole.features,
    classes: whole.classes,
    featureNames: whole.featureNames,
    split: split ?? whole.split,
    rows,
    batch: (positions) => toBatch(rows(positions)),
    get columns() {
      columns ??= takeAllRows(whole.columns, chosen);
      return columns;
    },
  };
}

/** Whether a data set is held in memory, so that its `batch` answers at once. */
export function isInMemory(dataset: Dataset<unknown, unknown>): dataset is MemoryDataset<unknown, unknown> {
  return 'columns' in dataset && 'features' in dataset;
}

/**
 * Cuts a data set into parts that share no example, each example's part drawn by the seed.
 *
 * @param parts fractions that add up to 1, or numbers of examples that add up to the set's length
 *
 * @throws DataError when the parts do not add up, or one would be empty
 *
 * @example
 * const [train, validation] = randomSplit(data, [0.9, 0.1], { seed: 1 });
 */
export function randomSplit<X, Y>(
  dataset: MemoryDataset<X, Y>,
  parts: readonly number[],
  options?: { seed?: number },
): MemoryDataset<X, Y>[];
export function randomSplit<B>(
  dataset: Dataset<B>,
  parts: readonly number[],
  options?: { seed?: number },
): Dataset<B>[];
export function randomSplit<B>(
  dataset: Dataset<B>,
  parts: readonly number[],
  options: { seed?: number } = {},
): Dataset<B>[] {
  checkOptions('randomSplit', options, 'seed');
  const lengths = partLengths(parts, dataset.length);
  const order = permutationOf(dataset.length, options.seed ?? 0, streams.split);
  let start = 0;
  return lengths.map((length) => {
    start += length;
    return subset(dataset, order.subarray(start - length, start));
  });
}

/** Training and validation examples of one fold. */
export interface Fold<D = Dataset> {
  train: D;
  validation: D;
}

/** Options of {@link kFold}. */
export interface KFoldOptions {
  /** Whether examples are assigned to folds at random, else in order. Default true. */
  shuffle?: boolean;
  /** Determines the assignment. Default 0. */
  seed?: number;
}

/**
 * Cross-validation: `folds` pairs of parts, in which every example is once for validation and otherwise for training.
 * Folds differ in size by at most one.
 *
 * @throws DataError unless 2 ≤ folds ≤ length
 *
 * @example
 * for (const { train, validation } of kFold(iris(), 5)) {
 *   // train: 120 flowers, validation: 30
 * }
 */
export function kFold<X, Y>(
  dataset: MemoryDataset<X, Y>,
  folds: number,
  options?: KFoldOptions,
): Fold<MemoryDataset<X, Y>>[];
export function kFold<B>(dataset: Dataset<B>, folds: number, options?: KFoldOptions): Fold<Dataset<B>>[];
export function kFold<B>(dataset: Dataset<B>, folds: number, options: KFoldOptions = {}): Fold<Dataset<B>>[] {
  checkOptions('kFold', options, 'shuffle seed');
  const { length } = dataset;
  if (!Number.isInteger(folds) || folds < 2 || folds > length) {
    throw new DataError('kFold: folds', {
      code: 'option',
      expected: `an integer from 2 to ${length}, the number of examples`,
      found: String(folds),
    });
  }
  const { shuffle = true, seed = 0 } = options;
  const order = shuffle
    ? permutationOf(length, seed, streams.folds)
    : Int32Array.from({ length }, (_, position) => position);
  return Array.from({ length: folds }, (_, fold) => {
    const start = Math.floor((fold * length) / folds);
    const end = Math.floor(((fold + 1) * length) / folds);
    const train = new Int32Array(length - (end - start));
    train.set(order.subarray(0, start));
    train.set(order.subarray(end), start);
    return {
      train: subset(dataset, train, 'train'),
      validation: subset(dataset, order.subarray(start, end), 'validation'),
    };
  });
}

/** How many of `length` each part has. */
export function partLengths(parts: readonly number[], length: number, operation = 'randomSplit'): number[] {
  const sum = parts.reduce((total, part) => total + part, 0);
  const fail = (expected: string) =>
    new DataError(`${operation}: parts`, { code: 'option', expected, found: `[${parts.join(', ')}]` });
  if (parts.length === 0 || parts.some((part) => !(part > 0))) throw fail('positive numbers');
  const lengths =
    parts.every((part) => part <= 1) && Math.abs(sum - 1) < 1e-9 ? fractions(parts, length) : [...parts];
  const total = lengths.reduce((all, part) => all + part, 0);
  if (lengths.some((part) => !Number.isInteger(part) || part < 1) || total !== length) {
    throw fail(`fractions that add up to 1, or at least one example each and ${length} in all`);
  }
  return lengths;
}

/** Rounds where the parts end, so that the lengths add up. */
function fractions(parts: readonly number[], length: number): number[] {
  let end = 0;
  let taken = 0;
  return parts.map((part, i) => {
    end += part;
    const until = i === parts.length - 1 ? length : Math.round(end * length);
    const count = until - taken;
    taken = until;
    return count;
  });
}
