/** Which rows train, validate and test: drawn by a seed, each class in its share of each part. */
import type { CsvTable } from '@ag/datasets';
import { uniformNumbers } from '../numbers.ts';

/** The parts of a table. */
export interface TableParts {
  readonly train: CsvTable;
  readonly validation: CsvTable;
  readonly test: CsvTable;
}

/**
 * Splits the rows of a table.
 *
 * @param shares of validation and test rows, each part gets one at least
 * @param classes the class of each row, or null where the target is a number
 */
export function splitRows(
  table: CsvTable,
  shares: { readonly validation: number; readonly test: number },
  classes: readonly string[] | null,
  seed: number,
): TableParts {
  const next = uniformNumbers(seed);
  const groups = new Map<string, number[]>();
  for (let row = 0; row < table.rows.length; row++) {
    const name = classes?.[row] ?? '';
    const group = groups.get(name);
    if (group) group.push(row);
    else groups.set(name, [row]);
  }
  const parts = { train: [] as number[], validation: [] as number[], test: [] as number[] };
  // What rounding leaves over in one class is made up for in the next, so that the parts have their size.
  let [validationLeft, testLeft] = [0, 0];
  for (const rows of [...groups.values()].sort((a, b) => b.length - a.length)) {
    shuffle(rows, next);
    const wantedTest = rows.length * shares.test + testLeft;
    const wantedValidation = rows.length * shares.validation + validationLeft;
    // A class of one row is learned from.
    const test = Math.min(Math.max(0, Math.round(wantedTest)), rows.length - 1);
    const validation = Math.min(Math.max(0, Math.round(wantedValidation)), rows.length - 1 - test);
    testLeft = wantedTest - test;
    validationLeft = wantedValidation - validation;
    parts.test.push(...rows.slice(0, test));
    parts.validation.push(...rows.slice(test, test + validation));
    parts.train.push(...rows.slice(test + validation));
  }
  for (const part of ['test', 'validation'] as const) {
    // The most frequent class, which comes first, can spare one.
    if (parts[part].length === 0) parts[part].push(...parts.train.splice(0, 1));
  }
  const rowsOf = (positions: readonly number[]): CsvTable => {
    // In the order of the file: that is how people look for a row.
    const sorted = [...positions].sort((a, b) => a - b);
    return {
      header: table.header,
      rows: sorted.map((row) => table.rows[row]),
      lines: sorted.map((row) => table.lines[row]),
    };
  };
  return { train: rowsOf(parts.train), validation: rowsOf(parts.validation), test: rowsOf(parts.test) };
}

/** Fisher and Yates. */
function shuffle(rows: number[], next: () => number): void {
  for (let i = rows.length - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1));
    [rows[i], rows[j]] = [rows[j], rows[i]];
  }
}
