/**
 * Inputs and targets that are more than one column: tuples and named structures. A part is named by its path: `x/image`,
 * `y/0`, `x/left/color`.
 */
import type { Tensor } from '@ag/tensor';
import { nearestName } from '@ag/tensor/engine';
import { DataError } from './errors.ts';

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

/** A column, or tuples and objects of them. */
export type ColumnTree = Column | readonly ColumnTree[] | { readonly [name: string]: ColumnTree };

/** The columns that become a structure of tensors. */
export type Columns<X> = X extends Tensor ? Column : { readonly [Name in keyof X]: Columns<X[Name]> };

/** The tensors that a structure of columns becomes. */
export type TensorsOf<C> = [ColumnTree] extends [C]
  ? unknown
  : C extends Column
    ? Tensor
    : { -readonly [Name in keyof C]: TensorsOf<C[Name]> };

/** The columns of examples by path: `x` or `y`, or a part of either such as `x/image`. */
export type ColumnPath = 'x' | 'y' | `x/${string}` | `y/${string}`;

/** Whether this is one column, and no structure of them. */
export function isColumn(tree: unknown): tree is Column {
  const { data, shape } = (tree ?? {}) as Partial<Column>;
  return ArrayBuffer.isView(data) && Array.isArray(shape);
}

/** The columns of a structure with their paths, in the order of its keys. @throws DataError for what is neither */
export function columnsOf(tree: unknown, path: string, name: string): (readonly [string, Column])[] {
  if (isColumn(tree)) return [[path, tree]];
  if (typeof tree === 'object' && tree !== null && Object.keys(tree).length > 0) {
    return Object.entries(tree).flatMap(([key, part]) => columnsOf(part, `${path}/${key}`, name));
  }
  throw new DataError(`${name}: ${path} is no column`, {
    code: 'option',
    expected: '{ data, shape }, or an object or tuple of such',
    found: tree === null ? 'null' : typeof tree === 'object' ? 'nothing in it' : typeof tree,
  });
}

/** The same structure with something else for each column. */
export function mapColumns<T>(tree: unknown, change: (column: Column) => T): unknown {
  if (isColumn(tree)) return change(tree);
  if (Array.isArray(tree)) return tree.map((part) => mapColumns(part, change));
  return Object.fromEntries(
    Object.entries(tree as object).map(([key, part]) => [key, mapColumns(part, change)]),
  );
}

/**
 * The column at a path.
 *
 * @param asker the function that needs it, for messages
 * @throws DataError `option` naming the nearest part where there is none, and the parts where several are meant
 */
export function columnAt(rows: object, path: string, asker: string): Column {
  let part: unknown = rows;
  for (const [depth, key] of path.split('/').entries()) {
    const names = isColumn(part) || typeof part !== 'object' ? [] : Object.keys(part as object);
    if (!names.includes(key)) {
      const place = path.split('/').slice(0, depth).join('/') || 'the data';
      const near = nearestName(key, names);
      throw new DataError(`${asker}: there is no column '${path}'`, {
        code: 'option',
        found: names.length === 0 ? `${place}, which is one column` : `${names.join(', ')} in ${place}`,
        ...(near !== undefined && {
          hint: `Did you mean '${[...path.split('/').slice(0, depth), near].join('/')}'?`,
        }),
      });
    }
    part = (part as Record<string, unknown>)[key];
  }
  if (isColumn(part)) return part;
  const parts = columnsOf(part, path, asker).map(([name]) => name);
  throw new DataError(`${asker}: ${path} has several columns`, {
    code: 'option',
    found: parts.join(', '),
    hint: `Say which: column: '${parts[0]}'`,
  });
}

/** The same rows with another column at a path, which there is. */
export function withColumn<R extends object>(rows: R, path: string, column: Column): R {
  const put = (tree: unknown, keys: readonly string[]): unknown => {
    const [key, ...rest] = keys;
    if (key === undefined) return column;
    const inner = put((tree as Record<string, unknown>)[key], rest);
    if (!Array.isArray(tree)) return { ...(tree as object), [key]: inner };
    return tree.map((part, i) => (String(i) === key ? inner : part));
  };
  return put(rows, path.split('/')) as R;
}
