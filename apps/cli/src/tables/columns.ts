/** What the columns of a table hold and whether its target is a class or a number; all of it guessed and shown, or given. */
import {
  type ColumnChoice,
  type CsvTable,
  dropMissing,
  type InferredColumn,
  inferColumns,
} from '@ag/datasets';
import { Failure } from '../failure.ts';
import { count } from '../numbers.ts';
import { nearest } from '../suggest.ts';
import { readColumnTypes } from './parameters.ts';

/** Fewer rows than these cannot be learned from and judged by. */
const fewestRows = 10;
/** More classes than these are texts. */
const mostClasses = 1000;
/** A column with gaps in a larger share of the rows gets one that says where they are. */
const manyGaps = 0.05;

/** What is known of a table before anything is fitted. */
export interface TableColumns {
  /** The rows whose target is there. */
  readonly table: CsvTable;
  readonly columns: readonly InferredColumn[];
  readonly target: InferredColumn;
  readonly task: 'classification' | 'regression';
  /** Why it is that, in words. */
  readonly reason: string;
  /** Classes, sorted; null where the target is a number. */
  readonly classes: readonly string[] | null;
  readonly notes: readonly string[];
}

/** What was asked for. */
export interface Asked {
  readonly target: string;
  readonly columns: string;
  readonly task: string;
}

/** @throws Failure where there is nothing to learn: no target, one class, too few rows */
export function planColumns(whole: CsvTable, path: string, asked: Asked): TableColumns {
  const { header } = whole;
  const name = targetOf(header, path, asked.target);
  const notes: string[] = [];
  const given = readColumnTypes(asked.columns, header, path);
  const table = withTarget(whole, name, path, notes);
  const types = Object.fromEntries(given);
  const columns = inferColumns(table, { target: name, types: { ...types } });
  const target = columns.find((column) => column.name === name)!;
  expectRows(table, whole, path);
  if (target.distinct < 2) {
    throw new Failure(
      'data',
      `${path}: the target '${name}' is always ${JSON.stringify(target.examples[0])}: there is nothing to predict`,
      didOther(header, name),
    );
  }
  const { task, reason } = decideTask(target, table, asked.task, types[name], path);
  if (!columns.some(({ role }) => role === 'input')) {
    throw new Failure(
      'data',
      `${path}: no column is left to predict '${name}' from`,
      columns
        .filter((column) => column !== target)
        .map((column) => `'${column.name}' is ${column.type} (${column.reason})`)
        .join('; ')
        .concat(
          columns.some(({ type }) => type === 'identifier')
            ? '. --columns NAME=category uses a column all the same.'
            : '.',
        ),
    );
  }
  const classes = task === 'classification' ? classesOf(table, target, path) : null;
  if (classes !== null) {
    const rare = classes.filter((one) => one.count === 1);
    if (rare.length > 0) {
      notes.push(
        `${rare.length === 1 ? `the class '${rare[0].name}' has` : `${rare.length} classes have`} one row only: learned from, not tested`,
      );
    }
  }
  return { table, columns, target, task, reason, classes: classes?.map((one) => one.name) ?? null, notes };
}

/** How each column is to be fitted. */
export function choicesOf(
  { columns, table }: Pick<TableColumns, 'columns' | 'table'>,
  train: CsvTable,
): Record<string, ColumnChoice> {
  // What the training rows have nothing of cannot be learned from, whatever the other rows have.
  const empty = new Set(
    inferColumns(train)
      .filter(({ type }) => type === 'empty')
      .map(({ name }) => name),
  );
  return Object.fromEntries(
    columns
      .filter(({ role }) => role !== 'target')
      .map(({ name, type, missing }) => {
        if (empty.has(name)) return [name, 'ignore'];
        const gaps = missing > manyGaps * table.rows.length;
        // A few large values move a mean, not a median.
        const impute = type === 'number' || type === 'date' ? { impute: 'median' as const } : {};
        return [name, { type, ...impute, ...(gaps && { addIndicator: true }) }];
      }),
  );
}

function targetOf(header: readonly string[], path: string, target: string): string {
  if (target === '') {
    throw new Failure(
      'usage',
      `${path}: which column is to be predicted?`,
      `Name it: --target COLUMN. Columns: ${listed(header)}.`,
    );
  }
  if (header.includes(target)) return target;
  const same = header.filter((name) => name.toLowerCase() === target.toLowerCase());
  if (same.length === 1) return same[0];
  const near = nearest(target, header);
  throw new Failure(
    'usage',
    `--target ${target}: ${path} has no such column`,
    `${near === undefined ? '' : `Did you mean '${near}'? `}Columns: ${listed(header)}.`,
  );
}

function expectRows({ rows }: CsvTable, whole: CsvTable, path: string): void {
  if (rows.length >= fewestRows) return;
  const what = `${rows.length} row${rows.length === 1 ? '' : 's'}${whole.rows.length > rows.length ? ' with a target' : ''}`;
  throw new Failure('data', `${path} has ${what}; ${fewestRows} are needed to train, validate and test`);
}

function didOther(header: readonly string[], but: string): string {
  return `Another target: ${listed(header.filter((name) => name !== but))}.`;
}

function listed(names: readonly string[]): string {
  return names.length <= 30
    ? names.join(', ')
    : `${names.slice(0, 30).join(', ')} and ${names.length - 30} more`;
}

/** The rows that have a target. */
function withTarget(whole: CsvTable, name: string, path: string, notes: string[]): CsvTable {
  let table: CsvTable;
  try {
    table = dropMissing(whole, [name]);
  } catch (error) {
    throw new Failure(
      'data',
      `${path}: the target '${name}' is missing in all ${count(whole.rows.length)} rows`,
      didOther(whole.header, name),
      error,
    );
  }
  const left = whole.rows.length - table.rows.length;
  if (left > 0) {
    notes.push(
      `${count(left)} row${left === 1 ? '' : 's'} without a target ${left === 1 ? 'is' : 'are'} left out`,
    );
  }
  return table;
}

function decideTask(
  target: InferredColumn,
  table: CsvTable,
  asked: string,
  type: string | undefined,
  path: string,
): { task: TableColumns['task']; reason: string } {
  const isNumber = target.type === 'number';
  if (asked === 'regression' || type === 'number') {
    if (isNumber || isNumeric(table, target.name)) return { task: 'regression', reason: 'as given' };
    throw new Failure(
      'usage',
      `${path}: the target '${target.name}' is no number: ${target.examples
        .slice(0, 3)
        .map((one) => JSON.stringify(one))
        .join(', ')}, …`,
      'Leave out --task regression to predict its classes.',
    );
  }
  if (asked === 'classification' || type === 'category' || type === 'boolean') {
    return { task: 'classification', reason: 'as given' };
  }
  if (!isNumber) {
    return {
      task: 'classification',
      reason: `${count(target.distinct)} different ${target.type === 'date' ? 'dates' : 'values'}`,
    };
  }
  if (looksLikeLabels(table, target)) {
    return {
      task: 'classification',
      reason: `whole numbers from 0 to ${target.distinct - 1}, as classes are numbered (if they count something: --task regression)`,
    };
  }
  const hint = target.distinct <= 20 ? ' (if they are classes: --task classification)' : '';
  return { task: 'regression', reason: `numbers, ${count(target.distinct)} different${hint}` };
}

function isNumeric(table: CsvTable, name: string): boolean {
  const column = table.header.indexOf(name);
  return table.rows.every((row) => row[column].trim() !== '' && Number.isFinite(Number(row[column])));
}

/** 0, 1, …, k − 1 and nothing else, each often. */
function looksLikeLabels(table: CsvTable, { name, distinct }: InferredColumn): boolean {
  if (distinct > 10 || table.rows.length < 10 * distinct) return false;
  const column = table.header.indexOf(name);
  return table.rows.every((row) => /^\d$/.test(row[column].trim()) && Number(row[column]) < distinct);
}

function classesOf(
  table: CsvTable,
  { name }: InferredColumn,
  path: string,
): { readonly name: string; readonly count: number }[] {
  const column = table.header.indexOf(name);
  const counts = new Map<string, number>();
  for (const row of table.rows) {
    const text = row[column].trim();
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  if (counts.size > mostClasses || counts.size > table.rows.length / 2) {
    throw new Failure(
      'data',
      `${path}: the target '${name}' has ${count(counts.size)} different values in ${count(table.rows.length)} rows: too many to be classes`,
      `Is it an identifier, a date or a text? Numbers are predicted with --task regression. ${didOther(table.header, name)}`,
    );
  }
  return [...counts]
    .map(([text, n]) => ({ name: text, count: n }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}
