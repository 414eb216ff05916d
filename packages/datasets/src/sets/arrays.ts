/** A data set from numbers the program already has. */
import { type NestedNumbers, Tensor, tensor } from '@ag/tensor';
import {
  type Column,
  type ColumnData,
  type DatasetInfo,
  type MemoryDataset,
  memoryDataset,
  type Rows,
} from '../dataset.ts';
import { DataError } from '../errors.ts';
import type { ColumnTree } from '../structure.ts';

/** One column as the program has it. */
export type ColumnSource = Tensor | NestedNumbers;

/** Columns as the program has them; an array is a tuple where it holds tensors or objects, else numbers. */
export type ColumnSources =
  | ColumnSource
  | readonly ColumnSources[]
  | { readonly [name: string]: ColumnSources };

/** The tensors that become of them. */
export type TensorsOfSources<S> = [ColumnSources] extends [S]
  ? unknown
  : S extends ColumnSource
    ? Tensor
    : { -readonly [Name in keyof S]: TensorsOfSources<S[Name]> };

/**
 * A data set whose examples are the rows of two tensors or nested arrays: x `[n, …]`, y `[n, …]`. The values are
 * read once, at the call, synchronously, and copied; bool becomes uint8.
 *
 * Where there are several inputs or targets, `x` and `y` are objects or tuples: `{ image, meta }`, `[tensor, tensor]`. What
 * holds no tensor and no object is numbers: the tuple of two nested arrays is written `[tensor(a), tensor(b)]`.
 *
 * @throws DataError when parts have different numbers of rows, or one has no axis to count rows along
 *
 * @example
 * const data = tensorDataset([[0, 0], [0, 1], [1, 0], [1, 1]], [[0], [1], [1], [0]]);
 * data.batch([1]); // x: [[0, 1]], y: [[1]]
 *
 * @example
 * const pairs = tensorDataset({ left: [[1], [2]], right: [[3], [4]] }, [[4], [6]]);
 * pairs.batch([1]); // x: { left: [[2]], right: [[4]] }, y: [[6]]
 */
export function tensorDataset(x: ColumnSource, y: ColumnSource, info?: DatasetInfo): MemoryDataset;
export function tensorDataset<const X extends ColumnSources, const Y extends ColumnSources>(
  x: X,
  y: Y,
  info?: DatasetInfo,
): MemoryDataset<TensorsOfSources<X>, TensorsOfSources<Y>>;
export function tensorDataset(
  x: ColumnSources,
  y: ColumnSources,
  info: DatasetInfo = {},
): MemoryDataset<unknown, unknown> {
  const rows: unknown = { x: columns(x, 'x'), y: columns(y, 'y') };
  return memoryDataset(rows as Rows, { name: 'tensors', ...info }) as MemoryDataset<unknown, unknown>;
}

function columns(source: ColumnSources, name: string): ColumnTree {
  if (isSource(source)) return column(source, name);
  if (Array.isArray(source)) return source.map((part, i) => columns(part, `${name}/${i}`));
  return Object.fromEntries(
    Object.entries(source).map(([key, part]) => [key, columns(part, `${name}/${key}`)]),
  );
}

function isSource(source: ColumnSources): source is ColumnSource {
  if (source instanceof Tensor || typeof source !== 'object' || source === null) return true;
  if (ArrayBuffer.isView(source)) return true;
  return Array.isArray(source) && source.every((part) => isSource(part) && !(part instanceof Tensor));
}

function column(values: ColumnSource, name: string): Column {
  const rows = values instanceof Tensor ? values : tensor(values);
  if (rows.shape.length === 0) {
    throw new DataError(`tensorDataset: ${name}`, {
      code: 'option',
      expected: 'at least one axis, the first counting examples',
      found: 'a single number',
    });
  }
  return { data: rows.dataSync() as ColumnData, shape: rows.shape.slice(1) };
}
