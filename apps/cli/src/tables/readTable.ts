/**
 * Tables as people have them: separated by commas, semicolons or tabs, with decimal commas, packed or not. What is decided
 * about a file is told, since a separator that is guessed wrongly makes another table.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { type CsvTable, DataError, decodeText, parseCsv } from '@ag/datasets';
import { Failure } from '../failure.ts';
import { bytes } from '../numbers.ts';
import { quote } from '../quote.ts';

/** The largest file that is read, in bytes: a table lies in memory several times over. */
export const maxTableBytes = 200e6;

/** A table with what was decided about its file. */
export interface ReadTable {
  readonly table: CsvTable;
  /** Sentences for the person at the terminal. */
  readonly notes: readonly string[];
}

/**
 * Reads a table with a header.
 *
 * @throws Failure `data` when there is no such file, it is too large, or it is no table
 */
export async function readTable(path: string): Promise<ReadTable> {
  if (!existsSync(path)) throw new Failure('data', `${path}: there is no such file`);
  const { size } = statSync(path);
  if (size === 0) throw new Failure('data', `${path} is empty`);
  if (size > maxTableBytes) throw tooLarge(path, `is ${bytes(size)}`);
  let text: string;
  try {
    text = await decodeText(readFileSync(path), { file: path, maxBytes: maxTableBytes });
  } catch (error) {
    if (error instanceof DataError && /unpack/.test(error.message) && /limit|at most/.test(error.message))
      throw tooLarge(path, 'unpacks to more');
    if (error instanceof DataError && /not UTF-8/.test(error.message)) {
      throw new Failure(
        'data',
        error.message.replace(/ Save the file.*$/s, ''),
        `Save it in UTF-8; many older files are in windows-1252: iconv -f windows-1252 -t utf-8 ${quote(path)} > utf8.csv`,
        error,
      );
    }
    throw error;
  }
  return parseTable(text, path);
}

function tooLarge(path: string, what: string): Failure {
  return new Failure(
    'data',
    `${path} ${what}; tables of up to ${bytes(maxTableBytes)} are read`,
    `Take a part of its rows: head -n 200000 ${quote(path)} > part.csv. A sample drawn at random is better than the first rows.`,
  );
}

/** The table of a text. @throws Failure, DataError when it is none */
export async function parseTable(text: string, path: string): Promise<ReadTable> {
  if (text.trim() === '') throw new Failure('data', `${path} is empty`);
  const delimiter = /\.tsv(\.gz)?$/i.test(path) ? '\t' : delimiterOf(text);
  const table = await parseCsv(text, { file: path, delimiter });
  const notes: string[] = [];
  if (delimiter !== ',' && !/\.tsv/i.test(path)) {
    notes.push(`columns are separated by ${delimiter === '\t' ? 'tabs' : `'${delimiter}'`}`);
  }
  if (table.header.length < 2) {
    throw new Failure(
      'data',
      `${path} has one column only: ${JSON.stringify(table.header[0])}`,
      'Columns are separated by a comma, a semicolon, a tab or a bar.',
    );
  }
  if (table.rows.length === 0) {
    throw new Failure('data', `${path} has a header and no rows`, `Columns: ${table.header.join(', ')}.`);
  }
  if (table.header.every((name) => /^[+-]?[\d.,]+(e[+-]?\d+)?$/i.test(name))) {
    throw new Failure(
      'data',
      `${path} has no header: its first line is ${table.header.slice(0, 5).join(delimiter)}${table.header.length > 5 ? '…' : ''}`,
      'Write the names of the columns into the first line; the target is named by them.',
    );
  }
  return { table: withPoints(table, delimiter, notes), notes };
}

/** The separator that stands outside of quotes in the first line most often. */
export function delimiterOf(text: string): string {
  const line = /^(?:"(?:[^"]|"")*"|[^"\r\n])*/.exec(text)![0].replace(/"(?:[^"]|"")*"/g, '');
  const counts = [',', ';', '\t', '|'].map((sign) => [sign, line.split(sign).length - 1] as const);
  const [most] = counts.sort(([, a], [, b]) => b - a);
  return most[1] === 0 ? ',' : most[0];
}

/** 1.234,5 and 0,5; of a group of three digits alone one cannot tell. */
const commaNumber = /^[+-]?(?:\d{1,3}(?:\.\d{3})+|\d+),\d+$/;
/** 1,234 and 1,234,567.8 */
const groupedNumber = /^[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?$/;
const plainNumber = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
/** What may stand for a gap among numbers; whatever else is a text, and its column stays as it is. */
const gap = /^(?:|\?|-|n\/?a|#n\/a|<na>|nan|null|none)$/i;

/** Decimal commas and groups of digits as points, in columns whose cells are all numbers of one of these forms. */
export function withPoints(table: CsvTable, delimiter: string, notes: string[]): CsvTable {
  const changed = new Map<number, (cell: string) => string>();
  const forms = { decimal: [] as string[], grouped: [] as string[] };
  for (const [column, name] of table.header.entries()) {
    const cells = table.rows.map((row) => row[column].trim()).filter((cell) => !gap.test(cell));
    const withComma = cells.filter((cell) => cell.includes(','));
    if (withComma.length === 0) continue;
    const rest = cells.filter((cell) => !cell.includes(','));
    // Where commas separate columns, 1,234 in quotes is a group of digits; elsewhere a comma is decimal.
    if (
      delimiter === ',' &&
      withComma.every((cell) => groupedNumber.test(cell)) &&
      rest.every((cell) => plainNumber.test(cell))
    ) {
      changed.set(column, (cell) => cell.replaceAll(',', ''));
      forms.grouped.push(name);
    } else if (
      withComma.every((cell) => commaNumber.test(cell)) &&
      rest.every((cell) => /^[+-]?(?:\d{1,3}(?:\.\d{3})+|\d+)$/.test(cell))
    ) {
      changed.set(column, (cell) => cell.replaceAll('.', '').replace(',', '.'));
      forms.decimal.push(name);
    }
  }
  if (changed.size === 0) return table;
  const named = (names: readonly string[]): string =>
    names.slice(0, 5).join(', ') + (names.length > 5 ? ', …' : '');
  if (forms.decimal.length > 0) notes.push(`decimal commas are read as points in ${named(forms.decimal)}`);
  if (forms.grouped.length > 0)
    notes.push(`commas between groups of digits are left out in ${named(forms.grouped)}`);
  const rows = table.rows.map((row) =>
    row.map((cell, column) => {
      const change = changed.get(column);
      return change === undefined || gap.test(cell.trim()) ? cell : change(cell.trim());
    }),
  );
  return { ...table, rows };
}
