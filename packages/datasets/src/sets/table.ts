/**
 * Turns the text of a table into a data set. Numbers are checked cell by cell, missing values dealt with, categories
 * turned into columns of 0 and 1 (inputs) or class indices (target).
 */
import { checkOptions, describeValue } from '@ag/tensor/engine';
import { type Column, type DatasetInfo, type MemoryDataset, memoryDataset } from '../dataset.ts';
import { DataError } from '../errors.ts';
import type { CsvTable } from '../formats/csv.ts';

/** Which columns of a table are what. */
export interface TableOptions {
  /** The column to predict, or several columns of numbers. */
  target: string | readonly string[];
  /** The input columns, in this order. Default: every column but the target. */
  features?: readonly string[];
  /**
   * Columns that hold names instead of numbers. An input becomes one column of 0 and 1 per category, called
   * `column=category`; a target becomes class indices. Categories are those found, sorted by code point; tables that
   * belong together (one to train, one to test) should be given them: `{ color: ['red', 'green', 'blue'] }`.
   */
  categorical?: readonly string[] | Readonly<Record<string, readonly string[]>>;
  /**
   * What to do with a missing number or category: `error` (default), `drop` the row, `mean` of the column's other
   * numbers, or a number to put in its place. Categories know only `error` and `drop`.
   */
  missing?: 'error' | 'drop' | 'mean' | number;
  /** The texts that mean a missing value. Default: empty, `NA`, `N/A`, `NaN`, `nan`, `null`, `?`. */
  missingValues?: readonly string[];
  /** The name to use in errors. */
  file?: string;
}

const usualMissingValues = ['', 'NA', 'N/A', 'NaN', 'nan', 'null', '?'];

/**
 * The data set of a table: x `[n, features]` float32, y `[n, 1]` float32 (`[n, k]` for k targets) or, for a
 * categorical target, `[n]` int32.
 *
 * @throws DataError `column` for a name that is not in the header, `value` for a cell that is not a number or is
 * missing, with line and column
 */
export function tableDataset(table: CsvTable, options: TableOptions, info: DatasetInfo = {}): MemoryDataset {
  checkOptions('tableDataset', options, 'target features categorical missing missingValues file');
  checkTarget(options);
  const reader = tableReader(table, options);
  const targets = typeof options.target === 'string' ? [options.target] : options.target;
  const wanted = new Set(targets);
  const features = options.features ?? table.header.filter((name) => !wanted.has(name));
  if (targets.length === 0 || features.length === 0) {
    throw new DataError('a table needs input columns and a target', {
      code: 'option',
      file: reader.file,
      found: `features: [${listed(features)}], target: [${listed(targets)}]`,
    });
  }
  const rows = reader.completeRows([...features, ...targets]);
  if (rows.length === 0) {
    throw new DataError('no rows', {
      code: 'format',
      file: reader.file,
      found: 'only a header, or incomplete rows',
    });
  }
  const inputs = features.flatMap((name) => reader.inputColumns(name, rows));
  const target = reader.target(targets, rows);
  return memoryDataset(
    { x: interleave(inputs.map((input) => input.values)), y: target.column },
    {
      ...info,
      featureNames: inputs.map((input) => input.name),
      targetName: targets.join(', '),
      ...(target.classes === undefined ? {} : { classes: target.classes }),
    },
  );
}

/** @throws DataError `option` unless a column, or a list of columns, is named as the target */
export function checkTarget(options: Partial<TableOptions> | undefined, file?: string): void {
  const target: unknown = options?.target;
  if (
    typeof target === 'string' ||
    (Array.isArray(target) && target.every((name) => typeof name === 'string'))
  )
    return;
  throw new DataError('which column is to be predicted is not said', {
    code: 'option',
    ...(file === undefined ? {} : { file }),
    expected: 'target: a column name, or a list of them',
    found: `target: ${describeValue(target)}`,
    hint: "Give { target: 'price' }, by the name in the header.",
  });
}

interface NamedValues {
  name: string;
  values: Float32Array;
}

function tableReader(table: CsvTable, options: TableOptions) {
  const { header, lines } = table;
  const positions = new Map(header.map((name, column) => [name, column]));
  const { missing = 'error', missingValues = usualMissingValues, categorical = [] } = options;
  const file = options.file ?? 'table';
  /** The categorical columns, each with its categories if these were given. */
  const named = new Map<string, readonly string[] | undefined>(
    Array.isArray(categorical)
      ? categorical.map((name) => [name, undefined])
      : Object.entries(categorical as Readonly<Record<string, readonly string[]>>),
  );
  for (const name of named.keys()) columnOf(name);

  function columnOf(name: string): number {
    const column = positions.get(name);
    if (column !== undefined) return column;
    throw new DataError(`no column ${JSON.stringify(name)}`, {
      code: 'column',
      file,
      expected: `${JSON.stringify(name)} in the header`,
      found: listed(header),
    });
  }

  const missingTexts = new Set(missingValues);
  const isMissing = (text: string) => missingTexts.has(text.trim());

  function cellError(
    row: number,
    column: number,
    problem: string,
    expected: string,
    hint: string,
  ): DataError {
    return new DataError(`line ${lines[row]}, column ${JSON.stringify(header[column])}: ${problem}`, {
      code: 'value',
      file,
      expected,
      found: JSON.stringify(table.rows[row][column]),
      hint,
    });
  }

  /** Rows to use: all, or for `drop` those without a missing value in the named columns. */
  function completeRows(names: readonly string[]): number[] {
    const columns = names.map(columnOf);
    const all = table.rows.map((_, row) => row);
    if (missing !== 'drop') return all;
    return all.filter((row) => columns.every((column) => !isMissing(table.rows[row][column])));
  }

  function numbers(name: string, rows: readonly number[]): Float32Array {
    const column = columnOf(name);
    const values = new Float32Array(rows.length);
    const holes: number[] = [];
    let sum = 0;
    for (let i = 0; i < rows.length; i++) {
      const text = table.rows[rows[i]][column].trim();
      if (isMissing(text)) {
        if (missing === 'error' || missing === 'drop') {
          throw cellError(
            rows[i],
            column,
            'a missing value',
            'a number',
            'Choose what to do with the option missing',
          );
        }
        holes.push(i);
      } else {
        const value = number.test(text) ? Number(text) : Number.NaN;
        if (!Number.isFinite(value)) {
          const hint = 'List the column in categorical if it holds names';
          throw cellError(rows[i], column, 'not a number', 'a number', hint);
        }
        values[i] = value;
        sum += value;
      }
    }
    if (holes.length > 0) {
      const filling = typeof missing === 'number' ? missing : sum / (rows.length - holes.length);
      if (!Number.isFinite(filling)) {
        throw new DataError(`column ${JSON.stringify(name)} has no value to take the mean of`, {
          code: 'value',
          file,
        });
      }
      for (const hole of holes) values[hole] = filling;
    }
    return values;
  }

  function categories(
    name: string,
    rows: readonly number[],
  ): { codes: Int32Array; names: readonly string[] } {
    const column = columnOf(name);
    const texts = rows.map((row) => {
      const text = table.rows[row][column].trim();
      if (!isMissing(text)) return text;
      throw cellError(
        row,
        column,
        'a missing category',
        'a category',
        `Use missing: 'drop' to leave the row out`,
      );
    });
    const names = named.get(name) ?? [...new Set(texts)].sort();
    const codes = new Map(names.map((text, code) => [text, code]));
    const codeOf = (text: string, i: number): number => {
      const code = codes.get(text);
      if (code !== undefined) return code;
      throw cellError(
        rows[i],
        column,
        'an unknown category',
        `one of ${listed(names)}`,
        'Add it to the list given in categorical',
      );
    };
    return { names, codes: Int32Array.from(texts, codeOf) };
  }

  function inputColumns(name: string, rows: readonly number[]): NamedValues[] {
    if (!named.has(name)) return [{ name, values: numbers(name, rows) }];
    const { codes, names } = categories(name, rows);
    return names.map((text, code) => ({
      name: `${name}=${text}`,
      values: Float32Array.from(codes, (found) => (found === code ? 1 : 0)),
    }));
  }

  function target(
    names: readonly string[],
    rows: readonly number[],
  ): { column: Column; classes?: readonly string[] } {
    if (names.length === 1 && named.has(names[0])) {
      const { codes, names: classes } = categories(names[0], rows);
      return { column: { data: codes, shape: [] }, classes };
    }
    return { column: interleave(names.map((name) => numbers(name, rows))) };
  }

  return { file, completeRows, inputColumns, target };
}

/** Names for an error; of many the first. */
function listed(names: readonly string[]): string {
  const most = 20;
  return names.length <= most
    ? names.join(', ')
    : `${names.slice(0, most).join(', ')} and ${names.length - most} more`;
}

/** A decimal number as people write it: sign, digits, point, exponent. */
const number = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

function interleave(columns: readonly Float32Array[]): Column {
  const width = columns.length;
  const data = new Float32Array(width * columns[0].length);
  for (let c = 0; c < width; c++) {
    const column = columns[c];
    for (let row = 0; row < column.length; row++) data[row * width + c] = column[row];
  }
  return { data, shape: [width] };
}
