/**
 * Texts and JSON from files of a run, which are in UTF-8 (JSON by definition: RFC 8259, section 8.1). Bytes that are not are
 * an error, since a mark in their place could make two names one; a byte-order mark, which editors leave, is passed over.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { Failure } from './failure.ts';

/** @throws Error saying what is wrong with the content; a system error where the file cannot be read */
export function readJson(path: string): unknown {
  return JSON.parse(readText(path));
}

/**
 * The text of a file. A pipe or a device that lies in its place is not waited for.
 * @throws Failure `incompatible` for what is no file, not in UTF-8, or far too large
 */
export function readText(path: string): string {
  const file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  let bytes: Uint8Array;
  try {
    if (!fstatSync(file).isFile()) throw new Failure('incompatible', `${path} is not a file`);
    bytes = readFileSync(file);
  } finally {
    closeSync(file);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_ENCODING_INVALID_ENCODED_DATA')
      throw new Failure('incompatible', `${path} is not in UTF-8; save it in UTF-8`, undefined, cause);
    throw new Failure('incompatible', `${path} is larger than any file of its kind`, undefined, cause);
  }
}
