/**
 * Decodes the bytes of a text file. A byte that does not belong to the encoding is an error: replaced by a mark, as
 * decoders do by default, two names would become one without a word. What is recognized by its first bytes is read
 * (UTF-8, UTF-16, both gzipped) or named with what to do (archives, workbooks, UTF-32).
 */
import { checkOptions } from '@ag/tensor/engine';
import { DataError } from '../errors.ts';
import { defaultLimit, gunzip, isGzip } from './gzip.ts';

/** How to read a text file. */
export interface TextOptions {
  /** The name to use in errors. */
  file?: string;
  /**
   * The encoding, by its name in the Encoding standard: `windows-1252` (old files of Windows, Latin-1), `shift_jis`, …
   * Default: UTF-8, or UTF-16 where a byte-order mark says so.
   */
  encoding?: string;
  /** The most bytes that a gzipped file may unpack to. Default 2 GiB (2147483648). */
  maxBytes?: number;
}

/** JavaScript's texts have at most 2²⁹ − 24 characters in the engine of Node and Chromium. */
const longestText = 2 ** 29 - 24;

/**
 * The text of a file, without a byte-order mark; unpacked if it is gzipped.
 *
 * @throws DataError `format` for bytes that are not in the encoding, with their place, and for files that are no text;
 * `option` for an unknown encoding; as {@link gunzip} for a damaged gzip file
 *
 * @example
 * const text = await decodeText(bytes, { file: 'towns.csv', encoding: 'windows-1252' });
 */
export async function decodeText(bytes: Uint8Array, options: TextOptions = {}): Promise<string> {
  checkOptions('decodeText', options, 'file encoding maxBytes');
  const { file = 'text', encoding, maxBytes } = options;
  if (isGzip(bytes)) {
    const content = await gunzip(bytes, file, Math.min(maxBytes ?? defaultLimit, 4 * longestText));
    return decodeText(content, { ...options, file: `${file} (unpacked)` });
  }
  const kind = otherKind(bytes);
  if (kind !== undefined) {
    throw new DataError('not a text file', {
      code: 'format',
      file,
      expected: 'text',
      found: kind[0],
      hint: kind[1],
    });
  }
  const { label, units } = chooseEncoding(bytes, encoding, file);
  if (bytes.length / units > longestText) {
    throw new DataError('more text than JavaScript can hold', {
      code: 'format',
      file,
      expected: `at most ${longestText} characters`,
      found: `${bytes.length} bytes`,
      hint: 'Split the file',
    });
  }
  const text = decoded(bytes, label, file, encoding === undefined);
  if (encoding === undefined && label === 'utf-8') checkZeros(bytes, file);
  return text;
}

/** What a file is by its first bytes, and what to do with it, where it is no text. */
function otherKind(bytes: Uint8Array): readonly [string, string] | undefined {
  const begins = (...start: number[]) => start.every((byte, i) => bytes[i] === byte);
  if (begins(0x50, 0x4b, 3, 4))
    return ['a zip archive, or a workbook (.xlsx, .ods)', 'Unpack it, or save the sheet as CSV'];
  if (begins(0xd0, 0xcf, 0x11, 0xe0)) return ['a workbook (.xls)', 'Save the sheet as CSV'];
  if (begins(0x50, 0x41, 0x52, 0x31)) return ['a Parquet file', 'Export the table as CSV'];
  if (begins(0x28, 0xb5, 0x2f, 0xfd)) return ['a file compressed by zstd', 'Unpack it first'];
  if (begins(0x42, 0x5a, 0x68)) return ['a file compressed by bzip2', 'Unpack it first'];
  if (begins(0xfd, 0x37, 0x7a, 0x58, 0x5a)) return ['a file compressed by xz', 'Unpack it first'];
  if (begins(0xff, 0xfe, 0, 0) || begins(0, 0, 0xfe, 0xff)) return ['text in UTF-32', 'Save it in UTF-8'];
  return undefined;
}

/** The decoder's name for the encoding, and the least bytes of a character. */
function chooseEncoding(
  bytes: Uint8Array,
  encoding: string | undefined,
  file: string,
): { label: string; units: 1 | 2 } {
  if (encoding === undefined) {
    if (bytes[0] === 0xff && bytes[1] === 0xfe) return { label: 'utf-16le', units: 2 };
    return bytes[0] === 0xfe && bytes[1] === 0xff
      ? { label: 'utf-16be', units: 2 }
      : { label: 'utf-8', units: 1 };
  }
  try {
    const label = new TextDecoder(encoding).encoding;
    return { label, units: label.startsWith('utf-16') ? 2 : 1 };
  } catch (cause) {
    throw new DataError('encoding', {
      code: 'option',
      file,
      expected: `the name of an encoding, such as 'utf-8', 'windows-1252' or 'utf-16le'`,
      found: JSON.stringify(encoding),
      cause,
    });
  }
}

function decoded(bytes: Uint8Array, label: string, file: string, assumed: boolean): string {
  try {
    return new TextDecoder(label, { fatal: true }).decode(bytes);
  } catch (cause) {
    const at = validLength(bytes, label);
    throw new DataError(`line ${lineOf(bytes, at)}: bytes that are not ${label.toUpperCase()}`, {
      code: 'format',
      file,
      expected: assumed ? 'text in UTF-8, or in UTF-16 with a byte-order mark' : `text in ${label}`,
      found: `${Array.from(bytes.subarray(at, at + 4), (byte) => byte.toString(16).padStart(2, '0')).join(' ')} at byte ${at}`,
      hint: assumed
        ? `Save the file in UTF-8, or name its encoding by the option encoding: 'windows-1252' for many older files`
        : 'Name the encoding that the file has',
      cause,
    });
  }
}

/** How many of the first bytes are right, found by halves: decoders say only that something is wrong. */
function validLength(bytes: Uint8Array, label: string): number {
  const accepts = (length: number, stream: boolean): boolean => {
    try {
      new TextDecoder(label, { fatal: true }).decode(bytes.subarray(0, length), { stream });
      return true;
    } catch {
      return false;
    }
  };
  let [good, bad] = [0, bytes.length + 1];
  while (good + 1 < bad) {
    const middle = (good + bad) >> 1;
    // With more to come, a character that is cut in two is no error.
    if (accepts(middle, true)) good = middle;
    else bad = middle;
  }
  while (good > 0 && !accepts(good, false)) good--;
  return good;
}

function lineOf(bytes: Uint8Array, at: number): number {
  let line = 1;
  for (let i = 0; i < at; i++) if (bytes[i] === 10) line++;
  return line;
}

/** No table has characters of the value 0; UTF-16 without a mark, read as UTF-8, has one in every second place. */
function checkZeros(bytes: Uint8Array, file: string): void {
  const at = bytes.indexOf(0);
  if (at < 0) return;
  const utf16 = bytes[at ^ 1] !== 0 && bytes[(at + 2) % bytes.length] === 0;
  throw new DataError(`line ${lineOf(bytes, at)}: a byte of the value 0`, {
    code: 'format',
    file,
    expected: 'text',
    found: utf16 ? 'what looks like UTF-16 without a byte-order mark' : `00 at byte ${at}`,
    hint: utf16
      ? `Save the file in UTF-8, or name its encoding: 'utf-16${at % 2 === 1 ? 'le' : 'be'}'`
      : 'Is it a text file, and whole?',
  });
}
