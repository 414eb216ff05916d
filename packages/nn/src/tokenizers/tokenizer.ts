/** What every tokenizer can do, and the two simplest: one token for each character, one for each byte. */
import { checkOptions, describeValue, typeError, valueError } from '@ag/tensor/engine';

/** Text as whole numbers, which an embedding looks up, and back. */
export interface Tokenizer {
  /** Number of tokens: ids are 0 … size − 1. */
  readonly size: number;
  /**
   * @param options.special add what the tokenizer puts around a text, such as tokens for its beginning and end. Default true.
   * @throws RangeError for text that has no token, where there is none for the unknown
   */
  encode(text: string, options?: { readonly special?: boolean }): number[];
  /**
   * @param options.special write tokens that stand for no text, too. Default false.
   * @throws RangeError for an id outside
   */
  decode(ids: Iterable<number>, options?: { readonly special?: boolean }): string;
  /** The id of a token, as the vocabulary spells it. */
  tokenToId(token: string): number | undefined;
  /** The token of an id, as the vocabulary spells it. */
  idToToken(id: number): string | undefined;
}

/** @throws TypeError for what is no text */
export function checkText(text: unknown, operation: string): string {
  if (typeof text === 'string') return text;
  throw typeError(`${operation}: expected a text, got ${describeValue(text)}`);
}

/** @throws RangeError for an id that no token has */
export function checkId(id: number, size: number, operation: string): number {
  if (Number.isInteger(id) && id >= 0 && id < size) return id;
  throw valueError(`${operation}: ids are whole numbers in 0 … ${size - 1}, got ${describeValue(id)}`);
}

/**
 * A token for each character (code point) that a text has, in the order of their numbers.
 *
 * ```ts
 * const tokenizer = nn.characterTokenizer('to be or not to be');
 * tokenizer.decode(tokenizer.encode('robot')); // 'robot'
 * ```
 *
 * @param text or characters, of which each counts once
 * @param options.unknown a character that stands for all others; it is added where the text does not have it
 * @throws RangeError when encoding a character that is not there, unless there is one for the unknown
 */
export function characterTokenizer(
  text: string | Iterable<string>,
  options: { readonly unknown?: string } = {},
): Tokenizer {
  checkOptions('characterTokenizer', options, 'unknown');
  const { unknown } = options;
  if (unknown !== undefined && [...checkText(unknown, 'characterTokenizer')].length !== 1)
    throw valueError(`characterTokenizer: unknown must be one character, got ${describeValue(unknown)}`);
  const all = new Set([...text, ...(unknown === undefined ? [] : [unknown])].flatMap((part) => [...part]));
  const characters = [...all].sort((a, b) => a.codePointAt(0)! - b.codePointAt(0)!);
  if (characters.length === 0)
    throw valueError('characterTokenizer: the text is empty, so there are no characters');
  const ids = new Map(characters.map((character, i) => [character, i]));
  const rest = unknown === undefined ? undefined : ids.get(unknown);
  return {
    size: characters.length,
    encode: (given) =>
      Array.from(checkText(given, 'encode'), (character) => {
        const id = ids.get(character) ?? rest;
        if (id !== undefined) return id;
        throw valueError(
          `encode: ${describeValue(character)} is none of the ${characters.length} characters; make the tokenizer with { unknown: '?' }, or of a text that has it`,
        );
      }),
    decode: (given) =>
      Array.from(given, (id) => characters[checkId(id, characters.length, 'decode')]).join(''),
    tokenToId: (token) => ids.get(token),
    idToToken: (id) => characters[id],
  };
}

/**
 * A token for each byte of a text in UTF-8: 256 of them, for any text. What is no UTF-8 is decoded as U+FFFD.
 *
 * ```ts
 * nn.byteTokenizer().encode('é'); // [195, 169]
 * ```
 */
export function byteTokenizer(): Tokenizer {
  const encoder = new TextEncoder();
  return {
    size: 256,
    encode: (text) => [...encoder.encode(checkText(text, 'encode'))],
    decode: (ids) =>
      new TextDecoder('utf-8', { ignoreBOM: true }).decode(
        Uint8Array.from(ids, (id) => checkId(id, 256, 'decode')),
      ),
    tokenToId: (token) => {
      const bytes = encoder.encode(token);
      return bytes.length === 1 ? bytes[0] : undefined;
    },
    idToToken: (id) => (id >= 0 && id < 128 ? String.fromCharCode(id) : undefined),
  };
}
