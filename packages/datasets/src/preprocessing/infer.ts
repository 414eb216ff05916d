/**
 * Guesses what the columns of a table hold: numbers, categories, identifiers, gaps. Each guess has a reason that can be shown
 * to a person, who may know better; nothing is decided by a guess that `fitPreprocessing` could not be told otherwise.
 */
import { checkOptions } from '@ag/tensor/engine';
import { DataError } from '../errors.ts';
import {
  categoryOf,
  daysOf,
  isGap,
  listed,
  numberOf,
  shown,
  tokensOf,
  truthOf,
  usualMissingTexts,
} from './cells.ts';
import { type Cell, type TableLike, type TableRows, tableRows } from './rows.ts';

/**
 * What a column holds. `identifier`, `constant`, `empty` and `ignore` are no inputs; `text` becomes the counts of its most
 * frequent words.
 */
export type ColumnType =
  | 'number'
  | 'boolean'
  | 'category'
  | 'date'
  | 'text'
  | 'identifier'
  | 'constant'
  | 'empty'
  | 'ignore';

/** What is guessed of a column. */
export interface InferredColumn {
  readonly name: string;
  readonly type: ColumnType;
  /** What it is for: the inputs of a model, its target, or nothing. */
  readonly role: 'input' | 'target' | 'ignored';
  /** Why, in words for people. */
  readonly reason: string;
  /** How many cells are gaps. */
  readonly missing: number;
  /** How many different values there are besides. */
  readonly distinct: number;
  /** The first different values as texts, at most five. */
  readonly examples: readonly string[];
}

/** Options of {@link inferColumns}. */
export interface InferOptions {
  /** The column to predict, or several. */
  target?: string | readonly string[];
  /** What columns hold, where that is known better; the others are guessed. */
  types?: Readonly<Record<string, ColumnType>>;
  /** The texts that mean a gap. Default: empty, `NA`, `N/A`, `NaN`, `NULL`, `null`, `None`, `?` and their like. */
  missingValues?: readonly string[];
  /** A column of more different texts than this is no category. Default 50. */
  maxCategories?: number;
}

/** What a column is when this share of its values are numbers; the others are mistakes to be named. */
const mostlyNumbers = 0.9;
/** A text of as many words, on average, is free text. */
const wordsOfText = 3;

/**
 * What the columns of a table hold, with a reason for each guess.
 *
 * @throws DataError `column` when the target or a column of `types` is not in the table, `format` without rows
 *
 * @example
 * const table = await parseCsv('id,rooms,town,price\n1,3,north,310\n2,4.5,south,420\n3,,north,280\n');
 * inferColumns(table, { target: 'price' }).map(({ name, type }) => `${name}: ${type}`);
 * // ['id: identifier', 'rooms: number', 'town: category', 'price: number']
 */
export function inferColumns(table: TableLike, options: InferOptions = {}): InferredColumn[] {
  checkOptions('inferColumns', options, 'target types missingValues maxCategories');
  return inferRows(tableRows(table, 'inferColumns'), options, 'inferColumns');
}

/** @param only the columns to look at; default all */
export function inferRows(
  rows: TableRows,
  options: InferOptions,
  operation: string,
  only?: readonly string[],
): InferredColumn[] {
  const { types = {}, maxCategories = 50 } = options;
  if (!Number.isInteger(maxCategories) || maxCategories < 2) {
    throw new DataError(`${operation}: maxCategories`, {
      code: 'option',
      expected: 'an integer, 2 or more',
      found: String(maxCategories),
    });
  }
  const targets = new Set(targetNames(options.target));
  const wanted = only === undefined ? undefined : new Set(only);
  const names = new Set(rows.names);
  for (const name of [...targets, ...Object.keys(types)]) {
    if (!names.has(name)) throw noColumn(operation, name, rows.names);
  }
  if (rows.length === 0) {
    throw new DataError(`${operation}: no rows`, { code: 'format', found: 'only a header' });
  }
  const missing = new Set(options.missingValues ?? usualMissingTexts);
  const guesses: InferredColumn[] = [];
  for (const [column, name] of rows.names.entries()) {
    if (wanted !== undefined && !wanted.has(name)) continue;
    const facts = factsOf(rows, column, missing);
    const target = targets.has(name);
    const given = Object.hasOwn(types, name) ? types[name] : undefined;
    const guess =
      given !== undefined
        ? { type: given, reason: 'as given' }
        : target
          ? targetGuess(facts)
          : inputGuess(facts, name, maxCategories);
    const { gaps, distinct } = facts;
    guesses.push({
      name,
      type: guess.type,
      role: target ? 'target' : isInput(guess.type) ? 'input' : 'ignored',
      reason: gaps > 0 && guess.type !== 'empty' ? `${guess.reason}; ${counted(gaps, 'gap')}` : guess.reason,
      missing: gaps,
      distinct: distinct.size,
      examples: [...distinct.keys()].slice(0, 5),
    });
  }
  return guesses;
}

export function targetNames(target: string | readonly string[] | undefined): readonly string[] {
  return target === undefined ? [] : typeof target === 'string' ? [target] : target;
}

export function isInput(type: ColumnType): boolean {
  return ['number', 'boolean', 'category', 'date', 'text'].includes(type);
}

export function noColumn(
  operation: string,
  name: string,
  names: readonly string[],
  file?: string,
): DataError {
  return new DataError(`${operation}: no column ${JSON.stringify(name)}`, {
    code: 'column',
    ...(file === undefined ? {} : { file }),
    expected: `${JSON.stringify(name)} in the table`,
    found: listed(names),
  });
}

interface Facts {
  readonly gaps: number;
  readonly values: number;
  readonly distinct: ReadonlyMap<string, number>;
  readonly numbers: number;
  /** Whether all numbers are whole, and whether each is one more than the one before. */
  readonly whole: boolean;
  readonly counting: boolean;
  readonly truths: number;
  readonly dates: number;
  readonly words: number;
  /** Some that are no numbers, with their places. */
  readonly odd: readonly string[];
}

function factsOf(rows: TableRows, column: number, missing: ReadonlySet<string>): Facts {
  const distinct = new Map<string, number>();
  const odd: string[] = [];
  let [gaps, numbers, truths, dates, words] = [0, 0, 0, 0, 0];
  let [whole, counting, before] = [true, true, Number.NaN];
  for (let row = 0; row < rows.length; row++) {
    const cell = rows.cell(row, column);
    if (isGap(cell, missing)) {
      gaps++;
      continue;
    }
    const name = categoryOf(cell);
    distinct.set(name, (distinct.get(name) ?? 0) + 1);
    const value = typeof cell === 'boolean' ? undefined : numberOf(cell);
    if (value === undefined) {
      if (odd.length < 3) odd.push(`${shown(cell as Cell)} in ${rows.where(row)}`);
      if (truthOf(cell) !== undefined) truths++;
      if (daysOf(cell) !== undefined) dates++;
      words += tokensOf(cell).filter((token) => /\p{L}/u.test(token)).length;
    } else {
      numbers++;
      whole &&= Number.isInteger(value);
      counting &&= Number.isNaN(before) || value === before + 1;
      before = value;
    }
  }
  return { gaps, values: rows.length - gaps, distinct, numbers, whole, counting, truths, dates, words, odd };
}

interface Guess {
  readonly type: ColumnType;
  readonly reason: string;
}

function inputGuess(facts: Facts, name: string, maxCategories: number): Guess {
  const { values, distinct, numbers, whole, counting } = facts;
  if (values === 0) return { type: 'empty', reason: 'all cells are gaps' };
  if (distinct.size === 1) {
    return {
      type: 'constant',
      reason: `always ${JSON.stringify([...distinct.keys()][0])}, which tells nothing`,
    };
  }
  const unique = distinct.size === values;
  if (numbers === values) {
    // A few numbers in a row may count anything; many that count the rows are their names.
    if (unique && whole && (counting ? values > 2 : isNameOfIdentifier(name) && values > 2)) {
      return {
        type: 'identifier',
        reason: counting ? 'counts the rows' : 'whole numbers, each once, under the name of an identifier',
      };
    }
    return { type: 'number', reason: numbersReason(facts) };
  }
  return otherGuess(facts) ?? textGuess(facts, name, maxCategories);
}

/** Guesses that inputs and targets share; undefined for texts. */
function otherGuess({ values, numbers, truths, dates, odd, distinct }: Facts): Guess | undefined {
  if (truths === values && distinct.size >= 2 && new Set([...distinct.keys()].map(truthOf)).size === 2) {
    return { type: 'boolean', reason: `only ${listed([...distinct.keys()])}` };
  }
  if (dates === values) return { type: 'date', reason: 'all cells are dates (ISO 8601)' };
  if (numbers >= mostlyNumbers * values) {
    const others = values - numbers;
    return {
      type: 'number',
      reason: `numbers but for ${counted(others, 'cell')}: ${odd.join(', ')}${others > odd.length ? ', …' : ''}`,
    };
  }
  return undefined;
}

function textGuess({ values, distinct, words }: Facts, name: string, maxCategories: number): Guess {
  const unique = distinct.size === values;
  const different = `${distinct.size} different texts in ${counted(values, 'row')}`;
  if (words / values >= wordsOfText && distinct.size > values / 2) {
    return { type: 'text', reason: `${different}, of ${Math.round(words / values)} words on average` };
  }
  if (unique && (values > 10 || isNameOfIdentifier(name))) {
    return { type: 'identifier', reason: `${counted(values, 'text')}, each once` };
  }
  if (distinct.size > maxCategories && distinct.size > values / 20) {
    return { type: 'identifier', reason: `${different}: too many to be categories` };
  }
  return { type: 'category', reason: different };
}

function targetGuess(facts: Facts): Guess {
  const { values, distinct, numbers } = facts;
  if (values === 0) return { type: 'empty', reason: 'all cells are gaps' };
  if (distinct.size === 1) {
    return {
      type: 'constant',
      reason: `always ${JSON.stringify([...distinct.keys()][0])}: nothing to predict`,
    };
  }
  // Two whole numbers that come again and again are classes; of one row each nobody can tell.
  const isTwoClasses = facts.whole && distinct.size === 2 && values > 2;
  if (numbers === values && !isTwoClasses) return { type: 'number', reason: numbersReason(facts) };
  const other = numbers === values ? undefined : otherGuess(facts);
  if (other?.type === 'number' || other?.type === 'date') return other;
  return { type: 'category', reason: `${distinct.size} classes: ${listed([...distinct.keys()], 5)}` };
}

function numbersReason({ whole, distinct }: Facts): string {
  return `${whole ? 'whole numbers' : 'numbers'}, ${distinct.size} different`;
}

/** `id`, `ID`, `customer_id`, `PassengerId`, `index`, `key`, `uuid`, `no.` */
function isNameOfIdentifier(name: string): boolean {
  return /^(id|index|idx|key|uuid|guid|nr\.?|no\.?|#|)$/i.test(name) || /([\s_.-]id|[a-z]I[dD])$/.test(name);
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
