/** What is wrong with cells, or worth telling about them, in words that name line, column and value. */
import { DataError } from '../errors.ts';
import { shown } from './cells.ts';
import type { CellProblem, FittedColumn, TableIssue } from './column.ts';
import type { Cell, TableRows } from './rows.ts';

/** An error that names what is wrong with cells: the first, and where the others are. */
export function cellError(
  problems: readonly CellProblem[],
  rows: TableRows,
  file: string | undefined,
): DataError {
  const [first] = problems;
  const place = ({ row, column }: CellProblem): string =>
    `${rows.where(row)}, column ${JSON.stringify(column)}`;
  const others = problems.slice(1, 10).map((one) => `${place(one)}: ${shown(one.cell)}`);
  const more = problems.length - 1 - others.length;
  return new DataError(`${place(first)}: ${first.problem}`, {
    code: 'value',
    ...(file === undefined ? {} : { file }),
    expected: first.expected,
    found: shown(first.cell),
    hint:
      others.length === 0
        ? first.hint
        : `${first.hint}. Also: ${others.join('; ')}${more > 0 ? ` and ${more} more` : ''}`,
  });
}

export function unknownProblem(
  { name, type }: FittedColumn,
  row: number,
  cell: Cell,
  expected: string,
): CellProblem {
  return {
    row,
    column: name,
    cell,
    problem: type === 'category' ? 'an unknown category' : 'an unknown value',
    expected,
    hint: "The training data had no such value. Correct it, train with it, or give handleUnknown: 'ignore', which lists it and counts it as none of them",
  };
}

/** Collects issues by column and value, so that a million gaps are one line. */
export function issueList(rows: TableRows) {
  const most = 20;
  const found = new Map<
    string,
    { fitted: FittedColumn; value: string | null; text: string; rows: number[]; count: number }
  >();
  const add = (fitted: FittedColumn, row: number, value: string | null, text: string): void => {
    const key = JSON.stringify([fitted.name, value]);
    let issue = found.get(key);
    if (issue === undefined) {
      issue = { fitted, value, text, rows: [], count: 0 };
      found.set(key, issue);
    }
    issue.count++;
    if (issue.rows.length < most) issue.rows.push(row);
  };
  return {
    gap(fitted: FittedColumn, row: number): void {
      add(fitted, row, null, '');
    },
    unknown(fitted: FittedColumn, row: number, cell: Cell, expected: string): void {
      add(
        fitted,
        row,
        String(cell),
        `unknown value ${shown(cell)}, counted as none of them (expected ${expected})`,
      );
    },
    list: (): TableIssue[] =>
      [...found.values()].map(({ fitted, value, text, rows: where, count }) => {
        const places = where.slice(0, 5).map((row) => rows.where(row));
        const more = count > places.length ? ` and ${count - places.length} more` : '';
        const what =
          value === null
            ? `${count === 1 ? 'a gap' : `${count} gaps`}, filled with ${fillText(fitted)}`
            : text;
        return {
          kind: value === null ? 'missing' : 'unknown',
          column: fitted.name,
          value,
          rows: where,
          count,
          message: `column ${JSON.stringify(fitted.name)}: ${what}: ${places.join(', ')}${more}`,
        };
      }),
  };
}

function fillText({ fill, strategy, type }: FittedColumn): string {
  const names: Readonly<Record<string, string>> = {
    mean: 'the mean',
    median: 'the median',
    mostFrequent: 'the most frequent value',
  };
  const value = type === 'date' ? new Date((fill as number) * 86_400_000).toISOString().slice(0, 10) : fill;
  const text = typeof value === 'number' ? String(Number(value.toPrecision(6))) : JSON.stringify(value);
  return names[strategy ?? ''] === undefined ? text : `${names[strategy as string]} ${text}`;
}

export function extraIssue(name: string): TableIssue {
  const message = `column ${JSON.stringify(name)}: not used, the training data had no such column`;
  return { kind: 'extra', column: name, value: null, rows: [], count: 0, message };
}
