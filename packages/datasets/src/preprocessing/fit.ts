/**
 * Fits preprocessing to a table. What columns hold is guessed where it is not said, then each column and the target are
 * fitted.
 */
import { checkOptions } from '@ag/tensor/engine';
import type { MemoryDataset } from '../dataset.ts';
import { DataError } from '../errors.ts';
import { listed, usualMissingTexts } from './cells.ts';
import { type CellProblem, type ColumnOptions, type FittedColumn, fitColumn, type Scaler } from './column.ts';
import { type ColumnType, type InferredColumn, inferRows, isInput, noColumn, targetNames } from './infer.ts';
import { type Preprocessing, preprocessingOf } from './preprocessing.ts';
import { cellError } from './problems.ts';
import { positionsOf, type TableLike, type TableRows, tableRows } from './rows.ts';
import { fitTarget } from './target.ts';

/** How a column is to be treated: what it holds, or that with more. */
export type ColumnChoice =
  | ColumnType
  | (ColumnOptions & {
      /** What it holds. Default: as guessed. */
      type?: ColumnType;
      /** All categories, in their order. Default: those found, sorted. */
      categories?: readonly string[];
    });

/** Options of {@link fitPreprocessing}. The options of columns, given here, are those of all columns. */
export interface FitPreprocessingOptions extends ColumnOptions {
  /** The column to predict, or several columns of numbers. Without one there are inputs only. */
  target?: string | readonly string[];
  /** The input columns, in this order. Default: all but the target that are of use, in the table's order. */
  features?: readonly string[];
  /** What single columns hold and how they are treated, by name; or what `inferColumns` gave. The others are guessed. */
  columns?: Readonly<Record<string, ColumnChoice>> | readonly InferredColumn[];
  /** Whether the target is a number or a class. Default: a class if it is text, or has two whole numbers only. */
  targetType?: 'number' | 'category';
  /** How the target's numbers are scaled. Default `standard`; `inverseTarget` is the way back. */
  targetScaler?: Scaler;
  /** The target's classes in their order. Default: those found, sorted. */
  classes?: readonly string[];
  /** What the target counts, to be shown beside its numbers: `1000 dollars`. */
  unit?: string;
  /** What a value that the training data did not have is: an error (default), or nothing, in a list of `issues`. */
  handleUnknown?: 'error' | 'ignore';
  /** The texts that mean a gap. Default: empty, `NA`, `N/A`, `NaN`, `NULL`, `null`, `None`, `?` and their like. */
  missingValues?: readonly string[];
  /** The name to use in errors. */
  file?: string;
}

/**
 * Fits preprocessing to training data: what fills gaps, how columns are scaled, which categories there are. What columns hold
 * is guessed where it is not said. Fit it to the training part only: a test set must not decide how it is judged.
 *
 * @throws DataError `column` for names that are not in the table, `value` for cells that do not fit their column, with line
 * and column, `option` when no input is left
 *
 * @example
 * const rows = [
 *   { rooms: 3, town: 'north', price: 310 },
 *   { rooms: 5, town: 'south', price: 420 },
 *   { rooms: null, town: 'north', price: 280 },
 * ];
 * const preprocessing = fitPreprocessing(rows, { target: 'price' });
 * preprocessing.featureNames; // ['rooms', 'town=north', 'town=south']
 * const { x } = preprocessing.transform({ town: 'south', rooms: 4 }); // [[0, 0, 1]]
 * preprocessing.inverseTarget([0]); // [336.666…], the mean price
 */
export function fitPreprocessing(table: TableLike, options: FitPreprocessingOptions = {}): Preprocessing {
  checkOptions(
    'fitPreprocessing',
    options,
    'target features columns targetType targetScaler classes unit handleUnknown missingValues file impute addIndicator scaler encoder maxTokens',
  );
  const { file, missingValues = usualMissingTexts, handleUnknown = 'error' } = options;
  const rows = tableRows(table, 'fitPreprocessing');
  const missing = new Set(missingValues);
  const positions = positionsOf(rows);
  const position = (name: string): number => {
    const column = positions.get(name);
    if (column === undefined) throw noColumn('fitPreprocessing', name, rows.names, file);
    return column;
  };
  const targets = options.target === undefined ? (rows.targets ?? []) : targetNames(options.target);
  const choices = choicesOf(options.columns);
  for (const name of [...targets, ...(options.features ?? []), ...choices.keys()]) position(name);
  checkChoices(options, choices, handleUnknown);
  const fail = (problem: CellProblem): DataError => cellError([problem], rows, file);

  const unsaid = rows.names.filter((name) => choices.get(name)?.type === undefined);
  // What a data set in memory holds are numbers, whatever they look like.
  const guesses = new Map(
    rows.targets === undefined
      ? inferRows(rows, { target: targets, missingValues }, 'fitPreprocessing', unsaid).map((guess) => [
          guess.name,
          guess,
        ])
      : [],
  );
  const typeOf = (name: string): { type: ColumnType; reason: string } => {
    const type = choices.get(name)?.type;
    return type === undefined
      ? (guesses.get(name) ?? { type: 'number', reason: 'numbers' })
      : { type, reason: choices.get(name)?.reason ?? 'as given' };
  };
  const isTarget = new Set(targets);
  const ignored: { name: string; reason: string }[] = [];
  const inputs: FittedColumn[] = [];
  const wanted = options.features === undefined ? null : new Set(options.features);
  for (const name of options.features ?? rows.names) {
    if (isTarget.has(name)) {
      if (wanted !== null) throw bothRoles(name);
      continue;
    }
    const { type, reason } = typeOf(name);
    const { categories, ...own } = choices.get(name) ?? {};
    if (isInput(type)) {
      const column = { ...options, ...own, ...(categories === undefined ? {} : { categories }) };
      inputs.push(fitColumn(rows, name, position(name), type as FittedColumn['type'], column, missing, fail));
    } else if (wanted === null) ignored.push({ name, reason: `${type}: ${reason}` });
    else {
      // Who names a column as an input wants it, whatever it looks like; one that tells nothing becomes zeros.
      const asked =
        type === 'identifier' || type === 'constant'
          ? numbersOnly(rows, position(name))
            ? 'number'
            : 'category'
          : null;
      if (asked === null) throw notAnInput(name, type, reason);
      inputs.push(fitColumn(rows, name, position(name), asked, { ...options, ...own }, missing, fail));
    }
  }
  if (wanted !== null) {
    for (const name of rows.names) {
      if (!wanted.has(name) && !isTarget.has(name)) ignored.push({ name, reason: 'not among the features' });
    }
  }
  if (inputs.length === 0) {
    throw new DataError('fitPreprocessing: no column is left as an input', {
      code: 'option',
      ...(file === undefined ? {} : { file }),
      ...(ignored.length === 0
        ? {}
        : { found: ignored.map(({ name, reason }) => `${JSON.stringify(name)} (${reason})`).join(', ') }),
      hint: 'Name the inputs in features, or their types in columns',
    });
  }
  const target =
    targets.length === 0
      ? null
      : fitTarget(
          rows,
          targets,
          targets.map(position),
          targetTypeOf(
            targets,
            options,
            rows.targets === undefined ? typeOf : (name) => datasetTarget(rows, position(name)),
          ),
          {
            scaler: options.targetScaler ?? 'standard',
            classes: options.classes ?? datasetClasses(table),
            unit: options.unit,
          },
          missing,
          fail,
        );
  return preprocessingOf({ inputs, ignored, target, handleUnknown, missingValues });
}

interface Choice extends ColumnOptions {
  readonly type?: ColumnType;
  readonly categories?: readonly string[];
  readonly reason?: string;
}

function choicesOf(columns: FitPreprocessingOptions['columns']): Map<string, Choice> {
  if (columns === undefined) return new Map();
  if (isGuesses(columns)) return new Map(columns.map(({ name, type, reason }) => [name, { type, reason }]));
  return new Map(
    Object.entries(columns).map(([name, choice]) => {
      if (typeof choice === 'string') return [name, { type: choice }];
      checkOptions(
        `column ${JSON.stringify(name)}`,
        choice,
        'type categories impute addIndicator scaler encoder maxTokens',
      );
      return [name, choice];
    }),
  );
}

function isGuesses(columns: object): columns is readonly InferredColumn[] {
  return Array.isArray(columns);
}

const columnTypes = [
  'number',
  'boolean',
  'category',
  'date',
  'text',
  'identifier',
  'constant',
  'empty',
  'ignore',
];

function checkChoices(
  options: FitPreprocessingOptions,
  choices: ReadonlyMap<string, Choice>,
  handleUnknown: string,
): void {
  const check = (name: string, value: unknown, allowed: readonly string[]): void => {
    if (value === undefined || allowed.includes(value as string)) return;
    throw new DataError(`fitPreprocessing: ${name}`, {
      code: 'option',
      expected: listed(allowed.map((one) => JSON.stringify(one))),
      found: JSON.stringify(value) ?? String(value),
    });
  };
  const checkColumn = (place: string, { scaler, encoder, impute, maxTokens }: ColumnOptions): void => {
    check(`${place}scaler`, scaler, ['standard', 'minMax', 'none']);
    check(`${place}encoder`, encoder, ['oneHot', 'ordinal']);
    const constant = typeof impute === 'object' && impute !== null && 'constant' in impute;
    if (!constant)
      check(`${place}impute`, impute, ['mean', 'median', 'mostFrequent', 'error', '{ constant: … }']);
    if (maxTokens !== undefined && !(Number.isInteger(maxTokens) && maxTokens > 0)) {
      throw new DataError(`fitPreprocessing: ${place}maxTokens`, {
        code: 'option',
        expected: 'a whole number above 0',
        found: String(maxTokens),
      });
    }
  };
  checkColumn('', options);
  check('targetScaler', options.targetScaler, ['standard', 'minMax', 'none']);
  check('targetType', options.targetType, ['number', 'category']);
  check('handleUnknown', handleUnknown, ['error', 'ignore']);
  for (const [name, choice] of choices) {
    check(`type of column ${JSON.stringify(name)}`, choice.type, columnTypes);
    checkColumn(`column ${JSON.stringify(name)}: `, choice);
  }
}

function targetTypeOf(
  targets: readonly string[],
  options: FitPreprocessingOptions,
  typeOf: (name: string) => { type: ColumnType; reason: string },
): 'number' | 'category' {
  const types = targets.map((name) => {
    const { type, reason } = typeOf(name);
    if (type === 'empty' || type === 'constant') {
      throw new DataError(`fitPreprocessing: the target ${JSON.stringify(name)} tells nothing`, {
        code: 'value',
        found: reason,
      });
    }
    return type === 'number' ? 'number' : 'category';
  });
  const type = options.targetType ?? (types.includes('category') ? 'category' : 'number');
  if (type === 'category' && targets.length > 1) {
    throw new DataError('fitPreprocessing: several targets', {
      code: 'option',
      expected: 'columns of numbers',
      found: `${JSON.stringify(targets[types.indexOf('category')] ?? targets[0])}, which holds classes`,
    });
  }
  return type;
}

/** What the target of a data set in memory is: classes come as their names. */
function datasetTarget(rows: TableRows, column: number): { type: ColumnType; reason: string } {
  const text = rows.length > 0 && typeof rows.cell(0, column) === 'string';
  return { type: text ? 'category' : 'number', reason: 'as the data set has it' };
}

function datasetClasses(table: TableLike): readonly string[] | undefined {
  return 'columns' in table && 'batch' in table ? (table as MemoryDataset).classes : undefined;
}

function numbersOnly(rows: TableRows, column: number): boolean {
  return Array.from({ length: rows.length }, (_, row) => rows.cell(row, column)).every(
    (cell) => typeof cell !== 'string' || cell.trim() === '' || !Number.isNaN(Number(cell)),
  );
}

function bothRoles(name: string): DataError {
  return new DataError(`fitPreprocessing: ${JSON.stringify(name)} is both an input and the target`, {
    code: 'option',
    hint: 'Leave it out of features',
  });
}

function notAnInput(name: string, type: ColumnType, reason: string): DataError {
  return new DataError(`fitPreprocessing: the column ${JSON.stringify(name)} cannot be an input`, {
    code: 'option',
    found: `${type}: ${reason}`,
    hint: 'Give its type in columns, or leave it out of features',
  });
}
