/**
 * The `Dataset` interface, and the data set that lies in memory. Examples are rows of typed arrays; a batch is
 * assembled by copying rows, then becomes tensors. Images stay bytes until the device scales them.
 */
import { type Tensor, tensor } from '@ag/tensor';
import { DataError } from './errors.ts';
import {
  type Column,
  type ColumnData,
  type Columns,
  type ColumnTree,
  columnsOf,
  isColumn,
  mapColumns,
  type TensorsOf,
} from './structure.ts';

export type { Column, ColumnData } from './structure.ts';

/**
 * Inputs `x` and targets `y`, whose first axes count examples: a tensor each, or tuples and objects of tensors where there are
 * several inputs or several targets.
 */
export type Batch<X = Tensor, Y = Tensor> = { x: X; y: Y };

/** The rows that become a batch. */
export type RowsOf<B> = B extends Batch<infer X, infer Y> ? Rows<X, Y> : Rows;

/** Which examples: positions from 0 to `length − 1`, in any order, repeats allowed. */
export type Indices = ArrayLike<number>;

/**
 * A finite set of examples that can be asked for by position.
 *
 * Any object with the first two members works with `dataLoader`, `randomSplit` and `kFold`, whatever its batches
 * hold. `rows` is needed only where transforms are to be applied.
 */
export interface Dataset<B = Batch, R = RowsOf<B>> {
  /** How many examples there are. */
  readonly length: number;
  /** The examples at `indices` as tensors, `[indices.length, …]` each; a promise where they must be read first. */
  batch(indices: Indices): B | Promise<B>;
  /** The same examples as plain arrays, before they become tensors. */
  rows?(indices: Indices): R | Promise<R>;
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
  /** The same of the parts of a structure, by path: `{ 'y/class': { classes: ['cat', 'dog'] } }`. */
  readonly parts?: Readonly<Record<string, PartInfo>>;
  /** Where the data comes from. */
  readonly source?: string;
  /** The files it was read from. */
  readonly files?: readonly string[];
}

/** What is known about one column of several. */
export type PartInfo = Pick<DatasetInfo, 'classes' | 'featureNames' | 'targetName'>;

/**
 * A batch before it becomes tensors: the columns `x` and `y`, or structures of columns, with as many rows as there are examples.
 */
export interface Rows<X = Tensor, Y = Tensor> {
  readonly x: Columns<X>;
  readonly y: Columns<Y>;
}

/**
 * A data set in memory, whose `batch` is synchronous.
 *
 * @typeParam X what a batch holds as `x`: a tensor, or a tuple or object of tensors
 * @typeParam Y the same of `y`
 */
export interface MemoryDataset<X = Tensor, Y = Tensor> extends Dataset<Batch<X, Y>, Rows<X, Y>> {
  batch(indices: Indices): Batch<X, Y>;
  rows(indices: Indices): Rows<X, Y>;
  /** All examples, not copied: treat as read-only. */
  readonly columns: Rows<X, Y>;
  readonly info: DatasetInfo;
  /** How many numbers one input consists of: the product of its shape, added up over the parts of a structure. */
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
 * ```ts
 * const sums = memoryDataset({
 *   x: { left: { data: Float32Array.of(1, 2, 3), shape: [1] }, right: { data: Float32Array.of(4, 5, 6), shape: [1] } },
 *   y: { sum: { data: Float32Array.of(5, 7, 9), shape: [1] } },
 * });
 * sums.batch([0, 2]).x.right; // [[4], [6]]
 * ```
 *
 * @param columns `x` and `y`, a column each, or tuples and objects of columns
 * @throws DataError when a column's length does not fit its shape, or the columns hold different numbers of examples
 */
export function memoryDataset(columns: Rows, info?: DatasetInfo): MemoryDataset;
export function memoryDataset<const X extends ColumnTree, const Y extends ColumnTree>(
  columns: { readonly x: X; readonly y: Y },
  info?: DatasetInfo,
): MemoryDataset<TensorsOf<X>, TensorsOf<Y>>;
export function memoryDataset(
  columns: { readonly x: ColumnTree; readonly y: ColumnTree },
  info: DatasetInfo = {},
): MemoryDataset<unknown, unknown> {
  const name = info.name ?? 'data set';
  const inputs = columnsOf(columns.x, 'x', name);
  const length = checkedLength([...inputs, ...columnsOf(columns.y, 'y', name)], name);
  const rows = (indices: Indices): Rows<unknown, unknown> => {
    checkIndices(indices, length, name);
    return takeAllRows(columns, indices) as Rows<unknown, unknown>;
  };
  return {
    length,
    columns: columns as Rows<unknown, unknown>,
    info,
    rows,
    batch: (indices) => toBatch(rows(indices)),
    features: inputs.reduce((sum, [, { shape }]) => sum + sizeOf(shape), 0),
    classes: info.classes,
    featureNames: info.featureNames,
    split: info.split,
  };
}

/** How many examples all columns hold. @throws DataError naming those that hold other numbers */
function checkedLength(columns: readonly (readonly [string, Column])[], name: string): number {
  const counts = columns.map(([path, column]) => [path, countRows(column, path, name)] as const);
  const [[first, length]] = counts;
  const other = counts.find(([, count]) => count !== length);
  if (other === undefined) return length;
  const plain = columns.length === 2 && first === 'x' && other[0] === 'y';
  throw new DataError(`${name}: ${first} and ${other[0]} hold different numbers of examples`, {
    code: 'mismatch',
    expected: plain ? `${length} targets for ${length} inputs` : `${length} rows in ${other[0]}`,
    found: plain ? `${other[1]} targets` : `${other[1]}`,
  });
}

/** The tensors of a batch of rows: `[count, …shape]` each, scaled on the device where the column says so. */
export function toBatch<X = Tensor, Y = Tensor>({ x, y }: Rows<X, Y>): Batch<X, Y> {
  return {
    x: isColumn(x) ? columnTensor(x) : mapColumns(x, columnTensor),
    y: isColumn(y) ? columnTensor(y) : mapColumns(y, columnTensor),
  } as Batch<X, Y>;
}

/** The rows at `indices` of all columns, copied. */
export function takeAllRows<R extends { readonly x: unknown; readonly y: unknown }>(
  columns: R,
  indices: Indices,
): R {
  const take = (column: Column): Column => takeRows(column, indices);
  return { x: mapColumns(columns.x, take), y: mapColumns(columns.y, take) } as R;
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
