/** Tables to predict: files of CSV, TSV or JSON, gzipped or not, or standard input; the columns are found by their names. */
import { existsSync, readFileSync } from 'node:fs';
import { type CsvTable, decodeText, type Preprocessing, parseCsv, type TableRecord } from '@ag/datasets';
import { Failure } from '../failure.ts';
import { delimiterOf, withPoints } from '../tables/readTable.ts';

/** Rows to predict, and how they are called. */
export interface Table {
  /** The file, for messages. */
  readonly file: string;
  readonly rows: CsvTable | readonly TableRecord[];
  readonly names: readonly string[];
  /** What was decided about the file. */
  readonly notes: readonly string[];
}

/** The name of standard input. */
export const standardInput = '-';

/**
 * @param path a file, or `-` for standard input
 * @throws Failure `data` when it cannot be read, `usage` for an image
 */
export async function readTable(path: string, preprocessing: Preprocessing): Promise<Table> {
  const input = path === standardInput;
  if (!input && !existsSync(path)) throw new Failure('data', `${path}: there is no such file`);
  if (/\.(png|jpe?g|gif|webp)$/i.test(path)) {
    throw new Failure(
      'usage',
      `${path}: the model takes rows of a table, not images`,
      `Its columns: ${preprocessing.inputs.map(({ name }) => name).join(', ')}.`,
    );
  }
  const file = input ? 'standard input' : path;
  const text = await decodeText(new Uint8Array(readFileSync(input ? 0 : path)), { file });
  const notes: string[] = [];
  const isJson = /\.(jsonl?|ndjson)(\.gz)?$/i.test(path) || (input && /^\s*[[{]/.test(text));
  const rows = isJson ? readRecords(text, file) : await readCsv(text, file, path, preprocessing, notes);
  const count = 'header' in rows ? rows.rows.length : rows.length;
  const names = Array.from({ length: count }, (_, i) => (input ? `row ${i + 1}` : `${path} row ${i + 1}`));
  return { file, rows, names, notes };
}

/** A list of records, or a record on each line. */
function readRecords(text: string, file: string): readonly TableRecord[] {
  let found: unknown[];
  try {
    const whole: unknown = JSON.parse(text);
    found = Array.isArray(whole) ? whole : [whole];
  } catch {
    found = text.split(/\r?\n/).flatMap((line, i) => {
      if (line.trim() === '') return [];
      try {
        return [JSON.parse(line)];
      } catch (error) {
        throw new Failure('data', `${file}: line ${i + 1} is not JSON: ${(error as Error).message}`);
      }
    });
  }
  const odd = found.findIndex((one) => typeof one !== 'object' || one === null || Array.isArray(one));
  if (odd >= 0) {
    throw new Failure(
      'data',
      `${file}: row ${odd + 1}: expected a record such as {"column": value}, got ${JSON.stringify(found[odd])}`,
    );
  }
  return found as TableRecord[];
}

async function readCsv(
  text: string,
  file: string,
  path: string,
  preprocessing: Preprocessing,
  notes: string[],
): Promise<CsvTable> {
  const first = text.slice(0, text.search(/[\r\n]|$/));
  const delimiter = /\.tsv(\.gz)?$/i.test(path) ? '\t' : delimiterOf(text);
  const names = preprocessing.inputs.map(({ name }) => name);
  // Without a header the columns stand in the order of the training data; with one they are found by name.
  const fields = first.split(delimiter).map((field) => field.replaceAll('"', '').trim().toLowerCase());
  const known = new Set(names.map((name) => name.trim().toLowerCase()));
  const hasHeader =
    fields.some((field) => known.has(field)) || !fields.some((field) => /^[+-]?[.\d]/.test(field));
  const table = await parseCsv(text, { file, delimiter, header: hasHeader });
  // As the training read it: decimal commas as points.
  if (hasHeader) return withPoints(table, delimiter, notes);
  if (fields.length !== names.length) {
    throw new Failure(
      'data',
      `${file}: there is no header, and ${fields.length} column${fields.length === 1 ? '' : 's'} instead of ${names.length}`,
      `Name the columns in the first line: ${names.join(',')}`,
    );
  }
  return withPoints({ ...table, header: names }, delimiter, notes);
}
