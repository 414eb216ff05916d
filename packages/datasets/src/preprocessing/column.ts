/**
 * One column of a table, fitted: how gaps are filled, how values become numbers and are scaled.
 * Terms and rules are those of scikit-learn (SimpleImputer, StandardScaler, MinMaxScaler, OneHotEncoder, OrdinalEncoder,
 * CountVectorizer).
 */
import { DataError } from '../errors.ts';
import { meanOf, medianOf, momentsOf, mostFrequentOf, rangeOf, sortedTexts } from '../statistics.ts';
import { categoryOf, daysOf, isGap, listed, numberOf, shown, tokensOf, truthOf } from './cells.ts';
import type { Cell, TableRows } from './rows.ts';

/** What is put into the gaps of a column. */
export type Imputation =
  | 'mean'
  | 'median'
  | 'mostFrequent'
  | 'error'
  | { readonly constant: number | string | boolean };
/** `standard`: mean 0 and standard deviation 1 (of the population). `minMax`: from 0 to 1. */
export type Scaler = 'standard' | 'minMax' | 'none';
/** `oneHot`: a column of 0 and 1 for each category. `ordinal`: one column with the category's number. */
export type Encoder = 'oneHot' | 'ordinal';

/** How the values of a column become inputs. */
export interface ColumnOptions {
  /**
   * What is put into gaps. `mean` and `median` are of numbers; `mostFrequent` is the smallest of the most frequent; `error`
   * refuses gaps. Default: `mean` for numbers and dates, `mostFrequent` for categories and truth values.
   */
  impute?: Imputation;
  /** Whether a column of 0 and 1 says where the gaps were, if there were any in the training data. Default false. */
  addIndicator?: boolean;
  /** How numbers and dates are scaled. Default `standard`. */
  scaler?: Scaler;
  /** How categories become numbers. Default `oneHot`. */
  encoder?: Encoder;
  /** How many words of a text are counted: the most frequent ones. Default 100. */
  maxTokens?: number;
}

/** `(value − shift) / divisor` */
export interface FittedScale {
  readonly scaler: 'standard' | 'minMax';
  readonly shift: number;
  /** Never 0: a constant column has 1. */
  readonly divisor: number;
}

interface FittedBase {
  readonly name: string;
  /** What is put into a gap; a gap is an error where this is absent. */
  readonly fill?: number | string | boolean;
  /** What `fill` is, for people: `mean`, `median`, `mostFrequent`, `constant`. */
  readonly strategy?: string;
  /** Whether a column of 0 and 1 follows that says where gaps were. */
  readonly indicator?: boolean;
}

/** A fitted column, as plain data. */
export type FittedColumn =
  | (FittedBase & { readonly type: 'number' | 'date'; readonly scale?: FittedScale })
  | (FittedBase & { readonly type: 'boolean' })
  | (FittedBase & {
      readonly type: 'category';
      readonly encoder: Encoder;
      readonly categories: readonly string[];
    })
  | (FittedBase & { readonly type: 'text'; readonly tokens: readonly string[] });

/** Something about the cells of a table that whoever asked for predictions should know. */
export interface TableIssue {
  /**
   * `unknown`: a value that the training data did not have. `missing`: a gap that was filled. `extra`: a column that is not
   * used.
   */
  readonly kind: 'unknown' | 'missing' | 'extra';
  readonly column: string;
  /** The value, as text; null for gaps and columns. */
  readonly value: string | null;
  /** The rows, counted from 0: the first twenty. */
  readonly rows: readonly number[];
  /** How many rows there are. */
  readonly count: number;
  /** All of it in words. */
  readonly message: string;
}

/** A cell that cannot be used, found while a column is read. */
export interface CellProblem {
  readonly row: number;
  readonly column: string;
  readonly cell: Cell;
  readonly problem: string;
  readonly expected: string;
  readonly hint: string;
}

export const dayHint = 'Write it as 2026-11-29 or 2026-11-29T12:30, or give the column another type';

/** Fits a column. @throws DataError `value` for cells that it cannot be made of, `option` for options that do not fit it */
export function fitColumn(
  rows: TableRows,
  name: string,
  column: number,
  type: FittedColumn['type'],
  options: ColumnOptions & { readonly categories?: readonly string[] },
  missing: ReadonlySet<string>,
  fail: (problem: CellProblem) => DataError,
): FittedColumn {
  const gaps: number[] = [];
  const present: number[] = [];
  for (let row = 0; row < rows.length; row++)
    (isGap(rows.cell(row, column), missing) ? gaps : present).push(row);
  const { addIndicator = false } = options;
  const indicator = addIndicator && gaps.length > 0 ? { indicator: true as const } : {};
  const impute =
    options.impute ??
    (type === 'text' ? { constant: '' } : type === 'number' || type === 'date' ? 'mean' : 'mostFrequent');
  if (impute === 'error' && gaps.length > 0)
    throw fail(gapProblem(name, gaps[0], rows.cell(gaps[0], column)));
  const own = { name, ...indicator };
  const bad = (what: string): DataError =>
    new DataError(`column ${JSON.stringify(name)}: impute`, {
      code: 'option',
      expected: what,
      found: typeof impute === 'object' ? shown(impute.constant) : impute,
    });
  const empty = (): DataError =>
    new DataError(`column ${JSON.stringify(name)} holds nothing but gaps`, {
      code: 'value',
      hint: 'Leave the column out, or give impute: { constant: … }',
    });
  const read = <T>(
    parse: (cell: Cell) => T | undefined,
    problem: string,
    expected: string,
    hint: string,
  ): T[] =>
    present.map((row) => {
      const cell = rows.cell(row, column);
      const value = parse(cell);
      if (value !== undefined) return value;
      throw fail({ row, column: name, cell, problem, expected, hint });
    });

  switch (type) {
    case 'number':
    case 'date': {
      const values =
        type === 'number'
          ? read(numberOf, 'not a number', 'a number', numberHint(name))
          : read(daysOf, 'not a date', 'a date of ISO 8601', dayHint);
      const fill = numberFill(impute, values, bad, empty, type);
      const all = fill.fill === undefined ? values : [...values, ...gaps.map(() => fill.fill as number)];
      const { scaler = 'standard' } = options;
      return { type, ...own, ...fill, ...(scaler === 'none' ? {} : { scale: fitScale(all, scaler, name) }) };
    }
    case 'boolean': {
      const values = read(
        truthOf,
        'neither true nor false',
        'true or false, yes or no, 1 or 0',
        typeHint(name),
      );
      if (impute === 'mean' || impute === 'median')
        throw bad('mostFrequent, error, or a constant for truth values');
      const fill =
        impute === 'error'
          ? undefined
          : typeof impute === 'object'
            ? truthOf(impute.constant)
            : mostFrequentOf(values);
      if (fill === undefined && impute !== 'error')
        throw typeof impute === 'object' ? bad('true or false') : empty();
      return { type, ...own, ...filled(fill, impute) };
    }
    case 'category': {
      const values = read(categoryOf, '', '', '');
      if (impute === 'mean' || impute === 'median')
        throw bad('mostFrequent, error, or a constant for categories');
      const fill =
        impute === 'error'
          ? undefined
          : typeof impute === 'object'
            ? String(impute.constant)
            : mostFrequentOf(values);
      const found = sortedTexts(fill === undefined || gaps.length === 0 ? values : [...values, fill]);
      const categories = options.categories ?? found;
      const known = new Set(categories);
      const at = values.findIndex((value) => !known.has(value));
      if (at >= 0) {
        throw fail({
          row: present[at],
          column: name,
          cell: values[at],
          problem: 'an unknown category',
          expected: `one of ${listed(categories)}`,
          hint: 'Add it to the categories given for this column',
        });
      }
      if (categories.length === 0) throw empty();
      if (fill !== undefined && !known.has(fill) && gaps.length > 0)
        throw bad(`one of ${listed(categories)}`);
      const { encoder = 'oneHot' } = options;
      // A constant that the training data never needed is no category of theirs; then a gap is an error.
      return {
        type,
        ...own,
        ...(fill !== undefined && known.has(fill) ? filled(fill, impute) : {}),
        encoder,
        categories,
      };
    }
    case 'text': {
      if (typeof impute !== 'object' && impute !== 'error') throw bad('error or a constant for texts');
      const counts = new Map<string, number>();
      for (const row of present) {
        for (const token of tokensOf(rows.cell(row, column))) counts.set(token, (counts.get(token) ?? 0) + 1);
      }
      const { maxTokens = 100 } = options;
      const frequent = [...counts]
        .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
        .slice(0, maxTokens)
        .map(([token]) => token);
      if (frequent.length === 0) throw empty();
      const fill = typeof impute === 'object' ? { fill: String(impute.constant), strategy: 'constant' } : {};
      return { type, ...own, ...fill, tokens: sortedTexts(frequent) };
    }
  }
}

function filled<T extends string | boolean>(fill: T | undefined, impute: Imputation) {
  return fill === undefined
    ? {}
    : { fill, strategy: typeof impute === 'object' ? 'constant' : (impute as string) };
}

function numberFill(
  impute: Imputation,
  values: readonly number[],
  bad: (what: string) => DataError,
  empty: () => DataError,
  type: 'number' | 'date',
): { fill?: number; strategy?: string } {
  if (impute === 'error') {
    if (values.length === 0) throw empty();
    return {};
  }
  if (typeof impute === 'object') {
    const fill =
      type === 'date' && typeof impute.constant === 'string'
        ? daysOf(impute.constant)
        : numberOf(impute.constant);
    if (fill === undefined) throw bad(type === 'date' ? 'a date' : 'a number');
    return { fill, strategy: 'constant' };
  }
  if (values.length === 0) throw empty();
  const fill =
    impute === 'mean'
      ? meanOf(values)
      : impute === 'median'
        ? medianOf(values)
        : (mostFrequentOf(values) as number);
  return { fill, strategy: impute };
}

/** The scale of some numbers. */
export function fitScale(
  values: readonly number[],
  scaler: 'standard' | 'minMax',
  name: string,
): FittedScale {
  let [shift, divisor] = [0, 0];
  if (scaler === 'standard') {
    const { mean, deviation } = momentsOf(values);
    [shift, divisor] = [mean, deviation];
  } else {
    const { least, most } = rangeOf(values);
    [shift, divisor] = [least, most - least];
  }
  if (!Number.isFinite(shift) || !Number.isFinite(divisor)) {
    throw new DataError(`column ${JSON.stringify(name)}: numbers too large to be scaled`, {
      code: 'value',
      found: `a range beyond ${Number.MAX_VALUE}`,
    });
  }
  return { scaler, shift, divisor: divisor > 0 ? divisor : 1 };
}

export function gapProblem(name: string, row: number, cell: Cell): CellProblem {
  return {
    row,
    column: name,
    cell,
    problem: 'a missing value',
    expected: 'a value',
    hint: 'Fill it in, or train with impute for this column',
  };
}

function numberHint(name: string): string {
  return `Correct it, add it to missingValues, or give the column another type: columns: { ${JSON.stringify(name)}: 'category' }`;
}

function typeHint(name: string): string {
  return `Correct it, or give the column another type: columns: { ${JSON.stringify(name)}: 'category' }`;
}
