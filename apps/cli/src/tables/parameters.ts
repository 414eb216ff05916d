/** What is asked of a table: its target, what its columns hold, how it is split. Parameters of its recipe, and flags. */
import { Failure } from '../failure.ts';
import { type Flag, oneOf, text } from '../flags.ts';
import { didYouMean, nearest } from '../suggest.ts';

/** Whether a name is the path of a table. */
export function looksLikeTable(name: string): boolean {
  return /\.(csv|tsv)(\.gz)?$/i.test(name);
}

/** What a person may say that a column holds. */
export const columnTypes = ['number', 'category', 'boolean', 'date', 'text', 'ignore'] as const;
export type GivenType = (typeof columnTypes)[number];

/** Flags for tables; each is a parameter of the recipe too, under the same name. */
export const tableFlags = {
  target: { type: text, value: '<column>', help: 'of a table: the column to predict' },
  columns: {
    type: text,
    value: '<name=type,...>',
    help: `of a table: what columns hold, where the guess is wrong (${columnTypes.join(', ')}): age=number,id=ignore`,
  },
  task: {
    type: oneOf('auto', 'classification', 'regression'),
    value: '<name>',
    help: 'of a table: whether the target is a class or a number (default auto)',
  },
  unit: { type: text, value: '<text>', help: 'of a table: what the target counts, shown beside its numbers' },
} as const satisfies Record<string, Flag>;

export type TableFlags = { readonly [Name in keyof typeof tableFlags]?: string | undefined };

export function isTableFlag(name: string): name is keyof typeof tableFlags {
  return Object.hasOwn(tableFlags, name);
}

/** The flags for tables as changes of parameters. */
export function tableChanges(options: TableFlags): [string, string][] {
  return (Object.keys(tableFlags) as (keyof typeof tableFlags)[]).flatMap((name) => {
    const value = options[name];
    return value === undefined ? [] : [[name, value]];
  });
}

/** @throws Failure `usage` when flags for tables are given with another recipe */
export function expectNoTableFlags(options: TableFlags, recipe: string): void {
  const [first] = tableChanges(options);
  if (first === undefined) return;
  throw new Failure(
    'usage',
    `--${first[0]} is for tables, and '${recipe}' is none`,
    'For example: agrad train houses.csv --target price',
  );
}

/**
 * `age=number,id=ignore`, or the same as JSON for names with commas or equals signs, by column.
 *
 * @throws Failure `usage` for columns that the table does not have and for types that do not exist
 */
export function readColumnTypes(
  given: string,
  header: readonly string[],
  path: string,
): Map<string, GivenType> {
  const pairs = given.trim().startsWith('{') ? pairsOfJson(given) : pairsOfText(given);
  return new Map(
    pairs.map(([name, type]) => {
      if (!header.includes(name)) {
        throw new Failure(
          'usage',
          `--columns ${name}: ${path} has no such column`,
          didYouMean(name, header, 'Columns'),
        );
      }
      const found = columnTypes.find((one) => one === type);
      if (found !== undefined) return [name, found];
      const near = nearest(type, columnTypes);
      throw new Failure(
        'usage',
        `--columns ${name}=${type}: expected one of ${columnTypes.join(', ')}`,
        near && `Did you mean '${near}'?`,
      );
    }),
  );
}

function pairsOfText(given: string): [string, string][] {
  return given
    .split(',')
    .filter((part) => part.trim() !== '')
    .map((part) => {
      const at = part.lastIndexOf('=');
      if (at > 0) return [part.slice(0, at).trim(), part.slice(at + 1).trim()];
      throw new Failure(
        'usage',
        `--columns ${part}: expected name=type, such as age=number`,
        `Names with commas are given as JSON: --columns '{"last, first": "ignore"}'`,
      );
    });
}

function pairsOfJson(given: string): [string, string][] {
  try {
    return Object.entries(JSON.parse(given) as object).map(([name, type]) => [name, String(type)]);
  } catch (error) {
    throw new Failure('usage', `--columns is not JSON: ${(error as Error).message}`);
  }
}
