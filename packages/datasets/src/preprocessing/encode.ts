/** From the cells of a fitted column to numbers, and back. */
import { categoryOf, daysOf, isGap, listed, numberOf, tokensOf, truthOf } from './cells.ts';
import { type CellProblem, dayHint, type FittedColumn, type FittedScale, gapProblem } from './column.ts';
import type { Cell, TableRows } from './rows.ts';

/** How many numbers a column becomes. */
export function widthOf(column: FittedColumn): number {
  const own =
    column.type === 'category' && column.encoder === 'oneHot'
      ? column.categories.length
      : column.type === 'text'
        ? column.tokens.length
        : 1;
  return own + (column.indicator ? 1 : 0);
}

/** The names of these numbers: `rooms`, `town=north`, `text:word`, `rooms=missing`. */
export function featureNamesOf(column: FittedColumn): string[] {
  const { name } = column;
  const own =
    column.type === 'category' && column.encoder === 'oneHot'
      ? column.categories.map((category) => `${name}=${category}`)
      : column.type === 'text'
        ? column.tokens.map((token) => `${name}:${token}`)
        : [name];
  return column.indicator ? [...own, `${name}=missing`] : own;
}

/** What is told of the cells of a column while they are encoded. */
export interface CellReport {
  gap(row: number): void;
  unknown(row: number, cell: Cell, expected: string): void;
  problem(problem: CellProblem): void;
}

/** Writes a column's numbers into the rows of `data`, from `offset` on. A value that is not known leaves zeros, ordinal −1. */
export function encodeColumn(
  fitted: FittedColumn,
  rows: TableRows,
  column: number,
  missing: ReadonlySet<string>,
  data: Float32Array,
  width: number,
  offset: number,
  report: CellReport,
): void {
  const { name } = fitted;
  const write = encoderOf(fitted, data, report);
  const last = offset + widthOf(fitted) - 1;
  for (let row = 0; row < rows.length; row++) {
    let cell = rows.cell(row, column);
    if (isGap(cell, missing)) {
      if (fitted.fill === undefined) {
        report.problem(gapProblem(name, row, cell));
        continue;
      }
      report.gap(row);
      if (fitted.indicator) data[row * width + last] = 1;
      cell = fitted.fill;
    }
    write(row, row * width + offset, cell);
  }
}

function encoderOf(
  fitted: FittedColumn,
  data: Float32Array,
  report: CellReport,
): (row: number, at: number, cell: Cell) => void {
  const { name } = fitted;
  switch (fitted.type) {
    case 'number':
    case 'date': {
      const { shift = 0, divisor = 1 } = fitted.scale ?? {};
      const dated = fitted.type === 'date';
      return (row, at, cell) => {
        // What fills a gap of dates is a number of days.
        const value = dated && typeof cell !== 'number' ? daysOf(cell) : numberOf(cell);
        if (value !== undefined) data[at] = (value - shift) / divisor;
        else if (dated)
          report.problem({
            row,
            column: name,
            cell,
            problem: 'not a date',
            expected: 'a date of ISO 8601',
            hint: dayHint,
          });
        else
          report.problem({
            row,
            column: name,
            cell,
            problem: 'not a number',
            expected: 'a number',
            hint: 'Correct it, or leave the cell empty',
          });
      };
    }
    case 'boolean':
      return (row, at, cell) => {
        const value = truthOf(cell);
        if (value === undefined) report.unknown(row, cell, 'true or false');
        else data[at] = value ? 1 : 0;
      };
    case 'category': {
      const codes = new Map(fitted.categories.map((category, code) => [category, code]));
      const expected = `one of ${listed(fitted.categories)}`;
      return (row, at, cell) => {
        const code = codes.get(categoryOf(cell));
        if (code === undefined) report.unknown(row, cell, expected);
        if (fitted.encoder === 'ordinal') data[at] = code ?? -1;
        else if (code !== undefined) data[at + code] = 1;
      };
    }
    case 'text': {
      const codes = new Map(fitted.tokens.map((token, code) => [token, code]));
      return (_, at, cell) => {
        for (const token of tokensOf(cell)) {
          const code = codes.get(token);
          if (code !== undefined) data[at + code]++;
        }
      };
    }
  }
}

/** The value that these numbers stand for; undefined for words of a text, and for categories that were not known. */
export function decodeColumn(fitted: FittedColumn, values: ArrayLike<number>, at: number): Cell {
  switch (fitted.type) {
    case 'number':
      return unscale(values[at], fitted.scale);
    case 'date':
      return new Date(Math.round(unscale(values[at], fitted.scale) * 86_400_000));
    case 'boolean':
      return values[at] >= 0.5;
    case 'category': {
      if (fitted.encoder === 'ordinal') return fitted.categories[Math.round(values[at])];
      let best = -1;
      for (let code = 0; code < fitted.categories.length; code++) {
        if (values[at + code] > (best < 0 ? 0 : values[at + best])) best = code;
      }
      return fitted.categories[best];
    }
    case 'text':
      return undefined;
  }
}

export function unscale(value: number, scale: FittedScale | undefined): number {
  return scale === undefined ? value : value * scale.divisor + scale.shift;
}
