/**
 * Reads a formula while it is typed: its study, or what is to be settled before there can be one.
 *
 * A word that is neither a function nor a variable with a value may be a slip of the hand. It is offered as a variable,
 * and beside it the functions that are spelled nearly so; a single letter, with digits or without, is a variable.
 */
import { formula } from '@ag/graph';
import { type Study, study } from './study.ts';

/** What is asked for. */
export interface Question {
  readonly text: string;
  /** What was typed for each variable. */
  readonly values: ReadonlyMap<string, string>;
  readonly showViews?: boolean;
  /** Study the derivative with respect to this variable. */
  readonly of?: string;
}

/** A name of which nothing is known, and functions with nearly the same name. */
export interface Unknown {
  readonly name: string;
  readonly functions: readonly string[];
  /** Whether it may become a variable: not where it is called as a function. */
  readonly mayBeVariable: boolean;
}

export interface Look {
  readonly names: readonly string[];
  readonly unknown: readonly Unknown[];
  /** Null while there are unknown names. */
  readonly study: Study | null;
}

/** @throws SyntaxError for a formula that cannot be read, Error for a value */
export async function look({ text, values, showViews = false, of = '' }: Question): Promise<Look> {
  let names: readonly string[];
  try {
    names = formula(text).names;
  } catch (error) {
    const called = /no function '([^']+)'/.exec((error as Error).message)?.[1];
    const functions = called === undefined ? [] : similar(called);
    if (functions.length === 0) throw error;
    return { names: [], unknown: [{ name: called!, functions, mayBeVariable: false }], study: null };
  }
  const unknown = names
    .filter((name) => !values.has(name) && !isLetter(name))
    .map((name) => ({ name, functions: similar(name), mayBeVariable: true }));
  return { names, unknown, study: unknown.length > 0 ? null : await study(text, values, showViews, of) };
}

/** x, w0, θ, x_1, W12: what formulas call their variables. */
function isLetter(name: string): boolean {
  return /^\p{L}_?[\p{N}₀-₉]*$/u.test(name);
}

const common = [
  ...['abs', 'acos', 'asin', 'atan', 'ceil', 'cos', 'cosh', 'elu', 'erf', 'exp', 'floor', 'gelu', 'log'],
  ...[
    'log10',
    'log1p',
    'log2',
    'logSumExp',
    'max',
    'maximum',
    'mean',
    'min',
    'minimum',
    'neg',
    'prod',
    'relu',
  ],
  ...[
    'round',
    'sigmoid',
    'sign',
    'silu',
    'sin',
    'sinh',
    'softmax',
    'softplus',
    'sqrt',
    'square',
    'std',
    'sum',
  ],
  ...['tan', 'tanh', 'var'],
];

/** Functions that the library has under a name that is nearly this one. */
function similar(name: string): readonly string[] {
  const near = common
    .map((each) => ({ each, apart: distance(name.toLowerCase(), each.toLowerCase()) }))
    .filter(({ each, apart }) => apart <= (each.length > 3 ? 2 : 1))
    .sort((a, b) => a.apart - b.apart)
    .map(({ each }) => each);
  return near.filter(isKnown).slice(0, 3);
}

function isKnown(name: string): boolean {
  try {
    formula(`${name}(x)`);
    return true;
  } catch {
    return false;
  }
}

/** How many letters to insert, remove, replace or (neighbors) exchange: Damerau and Levenshtein. */
function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    rows.push([i]);
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      const crossed = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      rows[i].push(
        Math.min(
          rows[i - 1][j] + 1,
          rows[i][j - 1] + 1,
          rows[i - 1][j - 1] + same,
          crossed ? rows[i - 2][j - 2] + 1 : Number.POSITIVE_INFINITY,
        ),
      );
    }
  }
  return rows[a.length][b.length];
}
