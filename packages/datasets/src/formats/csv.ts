/**
 * Reads comma-separated text (RFC 4180). Quoted fields may hold doubled quotes, separators and line breaks; any line
 * ending and a byte-order mark will do. Papa Parse, loaded when the first table is read, splits it; what it would let
 * pass is an error here, since a quote out of place makes other cells of a table without a word. Every record keeps
 * its line, so that later errors can point at it.
 */
import { checkOptions } from '@ag/tensor/engine';
import { DataError } from '../errors.ts';

/** The records of a CSV text. */
export interface CsvTable {
  /** The names in the first record, or `column 1`, `column 2`, … if there is no header. */
  header: string[];
  /** The other records: each as many fields as the header. */
  rows: string[][];
  /** The line of the text (from 1) on which each row begins. */
  lines: number[];
}

/** How to read a CSV text. */
export interface CsvOptions {
  /** The name to use in errors. */
  file?: string;
  /** The separator, one character. Default `,`. */
  delimiter?: string;
  /** Whether the first record names the columns. Default true. */
  header?: boolean;
}

/**
 * Splits CSV text into records. Blank lines are skipped. Spaces belong to their field, except around a header's name.
 *
 * @throws DataError `format` for an empty text, a quote that is never closed, text after a closing quote, a quote
 * inside an unquoted field, or a record with another number of fields than the first; `column` for a name that
 * appears twice
 *
 * @example
 * (await parseCsv('name,size\n"Smith, J.",3\n')).rows; // [['Smith, J.', '3']]
 */
export async function parseCsv(text: string, options: CsvOptions = {}): Promise<CsvTable> {
  checkOptions('parseCsv', options, 'file delimiter header');
  const { file = 'CSV text', delimiter = ',', header: hasHeader = true } = options;
  if (typeof delimiter !== 'string' || delimiter.length !== 1 || /["\n\r\ufeff]/.test(delimiter)) {
    throw new DataError('delimiter', {
      code: 'option',
      file,
      expected: 'one character other than a quote or a line break',
      found: JSON.stringify(delimiter),
    });
  }
  const { records, lines } = await splitRecords(text, delimiter, file);
  if (records.length === 0) {
    throw new DataError('no records', {
      code: 'format',
      file,
      expected: 'at least one line',
      found: 'an empty text',
    });
  }
  const width = records[0].length;
  for (let i = 1; i < records.length; i++) {
    if (records[i].length !== width) {
      throw new DataError(`line ${lines[i]} has a different number of fields`, {
        code: 'format',
        file,
        expected: `${width} fields as on line ${lines[0]}`,
        found: String(records[i].length),
      });
    }
  }
  if (!hasHeader) {
    return { header: records[0].map((_, i) => `column ${i + 1}`), rows: records, lines };
  }
  const header = records[0].map((name) => name.trim());
  checkNames(header, file);
  return { header, rows: records.slice(1), lines: lines.slice(1) };
}

function checkNames(header: readonly string[], file: string): void {
  const columns = new Map<string, number>();
  for (const [i, name] of header.entries()) {
    const earlier = columns.get(name);
    if (earlier !== undefined) {
      const places = `columns ${earlier + 1} and ${i + 1}`;
      throw new DataError(
        name === '' ? `${places} have no name` : `the column ${JSON.stringify(name)} appears twice`,
        { code: 'column', file, found: places, hint: 'Give each column a name of its own in the first line' },
      );
    }
    columns.set(name, i);
  }
}

async function splitRecords(text: string, delimiter: string, file: string) {
  const { default: papa } = await import('papaparse');
  const split = (part: string) =>
    papa.parse<string[]>(part, { delimiter, newline: '\n', quoteChar: '"', escapeChar: '"' }).data;
  const whole = text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  const plain = /["\r]/.test(whole) ? checkedText(whole, delimiter) : whole;
  if (typeof plain !== 'string') {
    // Where that is: in the last field of what stands before it.
    const before = split(`${whole.slice(0, plain.at).replace(/\r\n?/g, '\n')}`);
    const line = linesIn(whole.slice(0, plain.at)) + 1;
    throw new DataError(`line ${line}, column ${before.at(-1)?.length ?? 1}: ${plain.problem}`, {
      code: 'format',
      file,
      ...plain.details,
    });
  }
  const records: string[][] = [];
  const lines: number[] = [];
  const quoted = plain.includes('"');
  let line = 1;
  for (const record of split(plain)) {
    if (record.length > 1 || record[0].trim() !== '') {
      records.push(record);
      lines.push(line);
    }
    line++;
    if (quoted) for (const field of record) line += linesIn(field);
  }
  return { records, lines };
}

/** The text with `\n` at the end of its lines, those inside quotes kept; or where a quote is out of place. */
function checkedText(
  text: string,
  delimiter: string,
): string | { at: number; problem: string; details: { expected?: string; found?: string; hint?: string } } {
  const ends = new Set<string | undefined>([undefined, delimiter, '\n', '\r', '"']);
  // What stands between two quotes; a doubled quote ends one such part and begins the next.
  const part = /"[^"]*("?)/g;
  const plain = !text.includes('\r');
  const pieces: string[] = [];
  let from = 0;
  for (let found = part.exec(text); found !== null; found = part.exec(text)) {
    const at = found.index;
    const end = at + found[0].length;
    if (!ends.has(at === 0 ? undefined : text[at - 1])) {
      const hint = 'Enclose the field in quotes and double the quotes inside it';
      return { at, problem: 'a quote inside an unquoted field', details: { hint } };
    }
    if (found[1] === '') return { at, problem: 'a quote is never closed', details: {} };
    if (!ends.has(text[end])) {
      const details = { expected: 'a separator or the end of the line', found: JSON.stringify(text[end]) };
      return { at: end - 1, problem: 'text after a closing quote', details };
    }
    if (plain) continue;
    pieces.push(text.slice(from, at).replace(/\r\n?/g, '\n'), found[0]);
    from = end;
  }
  if (plain) return text;
  pieces.push(text.slice(from).replace(/\r\n?/g, '\n'));
  return pieces.join('');
}

/** How often a line ends in a text. */
function linesIn(text: string): number {
  let count = 0;
  for (let at = text.search(/[\r\n]/); at >= 0 && at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 10 || (code === 13 && text.charCodeAt(at + 1) !== 10)) count++;
  }
  return count;
}
