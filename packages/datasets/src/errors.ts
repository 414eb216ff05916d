/**
 * The one error class of this package. A program that loads data wants to tell a person which file is wrong,
 * what was expected, what was found and how to put it right, so those are fields and not only words.
 */

/** What went wrong, for programs that act on it, as those who throw say it. */
export type DataErrorKind =
  | 'missing' // no file or folder where one was expected, and no download allowed
  | 'format' // the bytes are not the format they should be
  | 'truncated' // the file ends too early
  | 'mismatch' // two things that belong together differ, such as the number of images and labels
  | 'checksum' // a downloaded file is not the published one
  | 'download' // every mirror failed
  | 'column' // a CSV column is absent or appears twice
  | 'value' // a cell or an element is not what its column holds
  | 'option' // an argument makes no sense for this data
  | 'unsupported'; // this platform cannot do it

/** The kinds of a `DataError`. @deprecated It is {@link DataErrorKind}; the code of an error is `'AG_DATA_…'`. */
export type DataErrorCode = DataErrorKind;

/** The fields of a {@link DataError}. */
export interface DataErrorDetails {
  /** The kind; the error's own `code` is made of it: `'missing'` gives `'AG_DATA_MISSING'`. */
  code: DataErrorKind;
  /** The file (path, URL or name) the error is about. */
  file?: string;
  /** What the rule asks for, in words. */
  expected?: string;
  /** What was there instead, in words. */
  found?: string;
  /** What the reader can do about it, one sentence. */
  hint?: string;
  /** The error underneath, if there is one. */
  cause?: unknown;
}

/**
 * Something is wrong with data: a file, a download, a CSV cell, or an option that does not fit the data.
 *
 * The message reads `what went wrong: file: expected …, found …. hint`.
 *
 * @example
 * try {
 *   await mnist({ dataDir: '/no/such/folder' });
 * } catch (error) {
 *   if (error instanceof DataError) console.error(error.code, error.file, error.hint);
 * }
 */
export class DataError extends Error {
  /** Stays the same, whatever the message comes to say: see docs/errors.md. */
  readonly code: `AG_DATA_${Uppercase<DataErrorKind>}`;
  readonly kind: DataErrorKind;
  readonly file: string | undefined;
  readonly expected: string | undefined;
  readonly found: string | undefined;
  readonly hint: string | undefined;

  constructor(problem: string, details: DataErrorDetails) {
    super(describe(problem, details), details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'DataError';
    this.code = `AG_DATA_${details.code.toUpperCase() as Uppercase<DataErrorKind>}`;
    this.kind = details.code;
    this.file = details.file;
    this.expected = details.expected;
    this.found = details.found;
    this.hint = details.hint;
  }
}

function describe(problem: string, { file, expected, found, hint }: DataErrorDetails): string {
  let text = file === undefined ? problem : `${file}: ${problem}`;
  if (expected !== undefined) text += `: expected ${expected}`;
  if (found !== undefined) text += `${expected === undefined ? ':' : ','} found ${found}`;
  return hint === undefined ? text : `${text}. ${hint}`;
}
