/**
 * Reads comma-separated text (RFC 4180): quoted fields with doubled quotes, separators and line breaks inside; any
 * line ending; a byte-order mark. Every field keeps its line, so that later errors can point at it.
 */
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
 * parseCsv('name,size\n"Smith, J.",3\n').rows; // [['Smith, J.', '3']]
 */
export function parseCsv(text: string, options: CsvOptions = {}): CsvTable {
  const { file = 'CSV text', delimiter = ',', header: hasHeader = true } = options;
  if (delimiter.length !== 1 || delimiter === '"' || delimiter === '\n' || delimiter === '\r') {
    throw new DataError('delimiter', {
      code: 'option',
      file,
      expected: 'one character other than a quote or a line break',
      found: JSON.stringify(delimiter),
    });
  }
  const { records, lines } = splitRecords(text, delimiter, file);
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
  const twice = header.find((name, i) => header.indexOf(name) !== i);
  if (twice !== undefined) {
    throw new DataError(`the column ${JSON.stringify(twice)} appears twice`, { code: 'column', file });
  }
  return { header, rows: records.slice(1), lines: lines.slice(1) };
}

function splitRecords(text: string, delimiter: string, file: string) {
  const records: string[][] = [];
  const lines: number[] = [];
  let line = 1;
  let at = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  while (at < text.length) {
    const record: string[] = [];
    const firstLine = line;
    let more = true;
    while (more) {
      let field: string;
      if (text[at] === '"') {
        const opened = line;
        const end = closingQuote(text, at, () => line++);
        if (end < 0) {
          throw new DataError(`line ${opened}, column ${record.length + 1}: a quote is never closed`, {
            code: 'format',
            file,
          });
        }
        field = text.slice(at + 1, end).replaceAll('""', '"');
        at = end + 1;
        if (at < text.length && text[at] !== delimiter && text[at] !== '\n' && text[at] !== '\r') {
          throw new DataError(`line ${line}, column ${record.length + 1}: text after a closing quote`, {
            code: 'format',
            file,
            expected: 'a separator or the end of the line',
            found: JSON.stringify(text[at]),
          });
        }
      } else {
        const start = at;
        while (at < text.length && text[at] !== delimiter && text[at] !== '\n' && text[at] !== '\r') {
          if (text[at] === '"') {
            throw new DataError(
              `line ${line}, column ${record.length + 1}: a quote inside an unquoted field`,
              {
                code: 'format',
                file,
                hint: 'Enclose the field in quotes and double the quotes inside it',
              },
            );
          }
          at++;
        }
        field = text.slice(start, at);
      }
      record.push(field);
      more = at < text.length && text[at] === delimiter;
      if (more) at++;
    }
    if (at < text.length) {
      at += text[at] === '\r' && text[at + 1] === '\n' ? 2 : 1;
      line++;
    }
    const blank = record.length === 1 && record[0].trim() === '';
    if (!blank) {
      records.push(record);
      lines.push(firstLine);
    }
  }
  return { records, lines };
}

/** The place of the quote that closes the one at `open`, or −1. */
function closingQuote(text: string, open: number, onLine: () => void): number {
  for (let at = open + 1; at < text.length; at++) {
    if (text[at] === '"') {
      if (text[at + 1] !== '"') return at;
      at++;
    } else if (text[at] === '\n' || (text[at] === '\r' && text[at + 1] !== '\n')) {
      onLine();
    }
  }
  return -1;
}
