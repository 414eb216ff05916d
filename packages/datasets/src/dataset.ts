/**
 * The `Dataset` interface, and the data set that lies in memory. Examples are rows of typed arrays; a batch is
 * assembled by copying rows, then becomes tensors. Images stay bytes until the device scales them.
 */
import { type Tensor, tensor } from '@ag/tensor';
import { DataError } from './errors.ts';

/** Named tensors whose first axis counts examples: usually `x` (inputs) and `y` (targets). */
export type Batch = { x: Tensor; y: Tensor };

/** Which examples: positions from 0 to `length − 1`, in any order, repeats allowed. */
export type Indices = ArrayLike<number>;

/**
 * A finite set of examples that can be asked for by position.
 *
 * Any object with the first two members works with `dataLoader`, `randomSplit` and `kFold`, whatever its batches
 * hold. `rows` is needed only where transforms are to be applied.
 */
export interface Dataset<B = Batch> {
  /** How many examples there are. */
  readonly length: number;
  /** The examples at `indices` as tensors, `[indices.length, …]` each; a promise where they must be read first. */
  batch(indices: Indices): B | Promise<B>;
  /** The same examples as plain arrays, before they become tensors. */
  rows?(indices: Indices): Rows | Promise<Rows>;
  /** What the values mean, where known. */
  readonly info?: DatasetInfo;
}

/** What is known about a data set besides its numbers. */
export interface DatasetInfo {
  /** Its name, such as `mnist`. */
  readonly name?: string;
  /** Which part of the data this is, such as `train` or `test`. */
  readonly split?: string;
  /** The classes' names: `classes[y]`. */
  readonly classes?: readonly string[];
  /** The names of the input columns, one per feature. */
  readonly featureNames?: readonly string[];
  /** The name of what is to be predicted. */
  readonly targetName?: string;
  /** Where the data comes from. */
  readonly source?: string;
  /** The files it was read from. */
  readonly files?: readonly string[];
}

/** Arrays whose element type a tensor has too. */
export type ColumnData = Uint8Array | Int32Array | Uint32Array | Float32Array | Float64Array;

/** One column of examples in memory: `data` holds one row of `shape` per example, row-major. */
export interface Column {
  readonly data: ColumnData;
  /** The shape of one example; `[]` for a single number. */
  readonly shape: readonly number[];
  /**
   * If given, the tensor is `data × scale` as float32, computed on the device. Images use uint8 and 1/255, so that
   * a quarter of the bytes is moved.
   */
  readonly scale?: number;
}

/** A batch before it becomes tensors: the columns `x` and `y`, with as many rows as there are examples. */
export interface Rows {
  readonly x: Column;
  readonly y: Column;
}

/** A data set in memory, whose `batch` is synchronous. */
export interface MemoryDataset extends Dataset {
  batch(indices: Indices): Batch;
  rows(indices: Indices): Rows;
  /** All examples, not copied: treat as read-only. */
  readonly columns: Rows;
  readonly info: DatasetInfo;
  /** How many numbers one input consists of: the product of its shape. */
  readonly features: number;
  /** The classes' names, or undefined where the target is not a class. */
  readonly classes: readonly string[] | undefined;
  /** The input columns' names, where they have any. */
  readonly featureNames: readonly string[] | undefined;
  /** The part of the data this is, such as `train` or `test`, where there are parts. */
  readonly split: string | undefined;
}

/**
 * A data set from columns in memory. The arrays are used as they are, not copied.
 *
 * @throws DataError when a column's length does not fit its shape, or the columns hold different numbers of examples
 */
export function memoryDataset(columns: Rows, info: DatasetInfo = {}): MemoryDataset {
  const name = info.name ?? 'data set';
  const length = countRows(columns.x, 'x', name);
  const targets = countRows(columns.y, 'y', name);
  if (targets !== length) {
    throw new DataError(`${name}: x and y hold different numbers of examples`, {
      code: 'mismatch',
      expected: `${length} targets for ${length} inputs`,
      found: `${targets} targets`,
    });
  }
  const rows = (indices: Indices): Rows => {
    checkIndices(indices, length, name);
    return { x: takeRows(columns.x, indices), y: takeRows(columns.y, indices) };
  };
  return {
    length,
    columns,
    info,
    rows,
    batch: (indices) => toBatch(rows(indices)),
    features: sizeOf(columns.x.shape),
    classes: info.classes,
    featureNames: info.featureNames,
    split: info.split,
  };
}

/** The tensors of a batch of rows: `[count, …shape]` each, scaled on the device where the column says so. */
export function toBatch(rows: Rows): Batch {
  return { x: columnTensor(rows.x), y: columnTensor(rows.y) };
}

/** Copies the rows at `indices`, which must be in range, one after the other into a new column. */
export function takeRows(column: Column, indices: Indices): Column {
  const size = sizeOf(column.shape);
  const source = column.data;
  const data = new (source.constructor as new (length: number) => ColumnData)(indices.length * size);
  if (size === 1) {
    for (let i = 0; i < indices.length; i++) data[i] = source[indices[i]];
  } else {
    for (let i = 0; i < indices.length; i++) {
      data.set(source.subarray(indices[i] * size, (indices[i] + 1) * size), i * size);
    }
  }
  return { ...column, data };
}

/** The number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (const axis of shape) size *= axis;
  return size;
}

/** Throws a DataError that names the first index outside 0 … length − 1. */
export function checkIndices(indices: Indices, length: number, name: string): void {
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i];
    if (!(index >= 0 && index < length && Number.isInteger(index))) {
      throw new DataError(`${name}: batch: index ${i} is out of range`, {
        code: 'option',
        expected: length === 0 ? 'no index (the set is empty)' : `an integer from 0 to ${length - 1}`,
        found: String(index),
      });
    }
  }
}

function columnTensor(column: Column): Tensor {
  const { data, shape, scale } = column;
  const count = data.length / Math.max(1, sizeOf(shape));
  const values = tensor(data, { dtype: dtypeOf(data), shape: [count, ...shape], copy: false });
  return scale === undefined ? values : values.cast('float32').mul(scale);
}

function dtypeOf(data: ColumnData) {
  if (data instanceof Uint8Array) return 'uint8';
  if (data instanceof Int32Array) return 'int32';
  if (data instanceof Uint32Array) return 'uint32';
  return data instanceof Float32Array ? 'float32' : 'float64';
}

function countRows(column: Column, columnName: string, name: string): number {
  const size = sizeOf(column.shape);
  const count = size === 0 ? 0 : column.data.length / size;
  if (!Number.isInteger(count) || (size === 0 && column.data.length > 0)) {
    throw new DataError(`${name}: ${columnName} does not divide into examples`, {
      code: 'mismatch',
      expected: `a multiple of ${size} numbers for examples of shape [${column.shape.join(', ')}]`,
      found: `${column.data.length} numbers`,
    });
  }
  return count;
}
