/**
 * Reads JSON Lines: a JSON value on each line (https://jsonlines.org).
 */
import { checkOptions } from '@ag/tensor/engine';
import { DataError } from '../errors.ts';

/** A value and the line of the text, from 1, that it stands on. */
export interface JsonLine {
  readonly value: unknown;
  readonly line: number;
}

/**
 * The values of a text, one from each line; blank lines are skipped.
 *
 * @throws DataError `format` for a line that is no JSON, with its number
 *
 * @example
 * parseJsonl('{"a":1}\n{"a":2}\n').map(({ value }) => value); // [{ a: 1 }, { a: 2 }]
 */
export function parseJsonl(text: string, options: { readonly file?: string } = {}): JsonLine[] {
  checkOptions('parseJsonl', options, 'file');
  const { file = 'JSON lines' } = options;
  return text
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .flatMap((content, i): JsonLine[] => {
      if (content.trim() === '') return [];
      try {
        return [{ value: JSON.parse(content) as unknown, line: i + 1 }];
      } catch (cause) {
        throw new DataError(`line ${i + 1} is no JSON (${(cause as Error).message})`, {
          code: 'format',
          file,
          cause,
        });
      }
    });
}
