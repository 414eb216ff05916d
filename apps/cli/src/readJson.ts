/**
 * JSON files, which are in UTF-8 by definition (RFC 8259, section 8.1). Bytes that are not are an error, since a mark in
 * their place could make two names one; a byte-order mark, which editors leave, is passed over.
 */
import { readFileSync } from 'node:fs';

/** @throws Error saying what is wrong with the content; a system error where the file cannot be read */
export function readJson(path: string): unknown {
  const bytes = readFileSync(path);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new Error('it is not in UTF-8; save it in UTF-8', { cause });
  }
  return JSON.parse(text);
}
