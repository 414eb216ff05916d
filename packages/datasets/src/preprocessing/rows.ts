/**
 * Rows of a table in any form: a parsed CSV file, records, columns, a data set in memory. The
 * preprocessing asks for cells by column name and row, and names a cell's place in words when something is wrong with it.
 */
import { describeValue } from '@ag/tensor/engine';
import { type MemoryDataset, sizeOf } from '../dataset.ts';
import { DataError } from '../errors.ts';
import type { CsvTable } from '../formats/csv.ts';

/** One value of a table. `null`, `undefined`, NaN and the texts that mean so are gaps. */
export type Cell = string | number | boolean | bigint | Date | null | undefined;

/** One row by column names. */
export type TableRecord = Readonly<Record<string, Cell>>;

/**
 * A table: what `parseCsv` gives; records; columns by name (`{ rooms: [6, 5], town: ['north', 'south'] }`); or a data set in
 * memory whose examples are rows of numbers.
 */
export type TableLike =
  | CsvTable
  | readonly TableRecord[]
  | TableRecord
  | Readonly<Record<string, ArrayLike<Cell>>>
  | MemoryDataset;

/** A table as the preprocessing reads it. */
export interface TableRows {
  readonly names: readonly string[];
  readonly length: number;
  cell(row: number, column: number): Cell;
  /** Where a row is, for people: `line 5` of a file, else `row 3`, counted from 0. */
  where(row: number): string;
  /** The names of target columns, where the source says which they are. */
  readonly targets?: readonly string[];
}

/** @throws DataError `option` for what is no table, `mismatch` for columns of different lengths */
export function tableRows(source: unknown, operation: string): TableRows {
  const fail = (found: string): DataError =>
    new DataError(`${operation}: no table`, {
      code: 'option',
      expected: 'what parseCsv gives, a list of records, columns by name, or a data set in memory',
      found,
    });
  if (typeof source !== 'object' || source === null) throw fail(describeValue(source));
  if (isCsvTable(source)) {
    const { header, rows, lines } = source;
    return {
      names: header,
      length: rows.length,
      cell: (row, column) => rows[row][column],
      where: (row) => (lines === undefined ? `row ${row}` : `line ${lines[row]}`),
    };
  }
  if ('columns' in source && 'batch' in source) return datasetRows(source as MemoryDataset, operation);
  if (Array.isArray(source)) {
    const odd = source.findIndex((row) => typeof row !== 'object' || row === null || Array.isArray(row));
    if (odd >= 0)
      throw fail(`${describeValue(source[odd])} as row ${odd}, where a record { column: value } belongs`);
    return recordRows(source as readonly TableRecord[]);
  }
  const values = Object.values(source);
  const lists = values.filter(isList).length;
  if (lists === 0) return recordRows([source as TableRecord]);
  if (lists < values.length) throw fail('an object of which only some values are lists');
  return columnRows(source as Readonly<Record<string, ArrayLike<Cell>>>, operation);
}

/** The columns by their names. */
export function positionsOf(rows: TableRows): Map<string, number> {
  return new Map(rows.names.map((name, column) => [name, column]));
}

/** Whether this is what `parseCsv` gives: a header and rows of texts. */
export function isCsvTable(source: object): source is CsvTable {
  const { header, rows } = source as Partial<CsvTable>;
  return Array.isArray(header) && Array.isArray(rows) && rows.every(Array.isArray);
}

function isList(value: unknown): boolean {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));
}

function recordRows(records: readonly TableRecord[]): TableRows {
  const names = new Set<string>();
  for (const record of records) for (const name of Object.keys(record)) names.add(name);
  const list = [...names];
  return {
    names: list,
    length: records.length,
    cell: (row, column) =>
      Object.hasOwn(records[row], list[column]) ? records[row][list[column]] : undefined,
    where: (row) => `row ${row}`,
  };
}

function columnRows(columns: Readonly<Record<string, ArrayLike<Cell>>>, operation: string): TableRows {
  const names = Object.keys(columns);
  const lists = Object.values(columns);
  const odd = lists.findIndex((list) => list.length !== lists[0].length);
  if (odd >= 0) {
    throw new DataError(`${operation}: columns of different lengths`, {
      code: 'mismatch',
      expected: `${lists[0].length} values in each, as in ${JSON.stringify(names[0])}`,
      found: `${lists[odd].length} in ${JSON.stringify(names[odd])}`,
    });
  }
  return {
    names,
    length: lists[0].length,
    cell: (row, column) => lists[column][row],
    where: (row) => `row ${row}`,
  };
}

/** The columns of a data set: its features, and what is to be predicted. Classes are read as their names. */
function datasetRows(data: MemoryDataset, operation: string): TableRows {
  const { x, y } = data.columns;
  if (x.shape.length > 1 || y.shape.length > 1) {
    throw new DataError(`${operation}: not a table`, {
      code: 'option',
      expected: 'examples that are rows of numbers',
      found: `inputs of shape [${x.shape.join(', ')}] and targets of shape [${y.shape.join(', ')}]`,
      hint: 'For images use transforms.standardize',
    });
  }
  const [width, outputs] = [sizeOf(x.shape), sizeOf(y.shape)];
  const features = data.featureNames ?? Array.from({ length: width }, (_, i) => `feature ${i + 1}`);
  const named = data.info.targetName?.split(', ') ?? [];
  const targets =
    named.length === outputs && !named.some((name) => features.includes(name))
      ? named
      : Array.from({ length: outputs }, (_, i) => (outputs === 1 ? 'target' : `target ${i + 1}`));
  const scaled = (value: number, scale: number | undefined): number =>
    scale === undefined ? value : value * scale;
  // Whole numbers as targets of their own are class indices, as everywhere in this package.
  const classes = y.shape.length === 0 && y.data instanceof Int32Array ? (data.classes ?? []) : undefined;
  return {
    names: [...features, ...targets],
    targets,
    length: data.length,
    cell: (row, column) => {
      if (column < width) return scaled(x.data[row * width + column], x.scale);
      const value = y.data[row * outputs + column - width];
      return classes === undefined ? scaled(value, y.scale) : (classes[value] ?? String(value));
    },
    where: (row) => `row ${row}`,
  };
}
