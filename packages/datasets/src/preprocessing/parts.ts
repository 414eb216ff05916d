/** Parts of a table: rows to train on and rows to judge by, and the rows whose cells are all there. */
import { checkOptions } from '@ag/tensor/engine';
import { DataError } from '../errors.ts';
import type { CsvTable } from '../formats/csv.ts';
import { permutationOf } from '../random.ts';
import { partLengths } from '../split.ts';
import { isGap, usualMissingTexts } from './cells.ts';
import { noColumn } from './infer.ts';

/** The purpose of random numbers here. */
const stream = 113;

/**
 * Cuts a table into parts that share no row, each row's part drawn by the seed; the lines of the file stay known.
 *
 * @param parts fractions that add up to 1, or numbers of rows that add up to the table's
 * @throws DataError when the parts do not add up, or one would be empty
 *
 * @example
 * const table = await parseCsv('a,b\n1,2\n3,4\n5,6\n7,8\n');
 * const [train, test] = splitTable(table, [0.75, 0.25], { seed: 1 }); // three rows and one
 */
export function splitTable(
  table: CsvTable,
  parts: readonly number[],
  options: { seed?: number } = {},
): CsvTable[] {
  checkOptions('splitTable', options, 'seed');
  const lengths = partLengths(parts, table.rows.length, 'splitTable');
  const order = permutationOf(table.rows.length, options.seed ?? 0, stream);
  let start = 0;
  return lengths.map((length) => {
    start += length;
    // In the order of the file within a part: that is how people look for a row.
    return rowsOf(
      table,
      [...order.subarray(start - length, start)].sort((a, b) => a - b),
    );
  });
}

/**
 * The rows of a table that have no gap in some columns, such as the target.
 *
 * @param columns default: all
 * @throws DataError `column` for a name that is not in the header
 */
export function dropMissing(
  table: CsvTable,
  columns: readonly string[] = table.header,
  options: { missingValues?: readonly string[] } = {},
): CsvTable {
  checkOptions('dropMissing', options, 'missingValues');
  const missing = new Set(options.missingValues ?? usualMissingTexts);
  const positions = new Map(table.header.map((name, column) => [name, column]));
  const wanted = columns.map((name) => {
    const column = positions.get(name);
    if (column === undefined) throw noColumn('dropMissing', name, table.header);
    return column;
  });
  const complete = table.rows.flatMap((row, i) =>
    wanted.some((column) => isGap(row[column], missing)) ? [] : [i],
  );
  if (complete.length === 0) {
    throw new DataError('dropMissing: no row is left', {
      code: 'value',
      found: `a gap in each of ${table.rows.length} rows`,
    });
  }
  return rowsOf(table, complete);
}

function rowsOf({ header, rows, lines }: CsvTable, positions: readonly number[]): CsvTable {
  return { header, rows: positions.map((row) => rows[row]), lines: positions.map((row) => lines[row]) };
}
