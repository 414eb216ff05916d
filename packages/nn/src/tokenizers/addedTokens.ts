/** Tokens that are found before a text is cut: marks such as `<|endoftext|>`, and words added later. */
import { literally } from './patterns.ts';

/** As `tokenizer.json` has it. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly single_word?: boolean;
  readonly lstrip?: boolean;
  readonly rstrip?: boolean;
  /** Whether it is looked for in the changed text. */
  readonly normalized?: boolean;
  readonly special?: boolean;
}

/** A part of a text: a token, or what is still to be cut. */
export type Piece = { readonly text: string; readonly id: number | null };

/** Finds such tokens, of those that begin at one place the longest. */
export function finder(
  tokens: readonly AddedToken[],
  change: (content: string) => string,
): (text: string) => Piece[] {
  const spelled = tokens
    .map((token) => ({ token, content: change(token.content) }))
    .filter(({ content }) => content !== '');
  if (spelled.length === 0) return (text) => (text === '' ? [] : [{ text, id: null }]);
  spelled.sort((a, b) => b.content.length - a.content.length);
  const found = new Map([...spelled].reverse().map(({ token, content }) => [content, token]));
  const any = new RegExp(spelled.map(({ content }) => literally(content).source).join('|'), 'gu');
  return (text) => {
    const pieces: Piece[] = [];
    let end = 0;
    for (const match of text.matchAll(any)) {
      const token = found.get(match[0])!;
      let [from, to] = [match.index, match.index + match[0].length];
      if (from < end) continue;
      if (token.single_word && (isWord(text.slice(0, from), -1) || isWord(text.slice(to), 0))) continue;
      if (token.lstrip) from = end + text.slice(end, from).trimEnd().length;
      if (token.rstrip) to = text.length - text.slice(to).trimStart().length;
      if (from > end) pieces.push({ text: text.slice(end, from), id: null });
      pieces.push({ text: match[0], id: token.id });
      end = to;
    }
    if (end < text.length) pieces.push({ text: text.slice(end), id: null });
    return pieces;
  };
}

/** Whether a word goes on at the end of a text (−1) or at its start (0). */
function isWord(text: string, at: -1 | 0): boolean {
  const word = /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]/u;
  const character = at === 0 ? [...text.slice(0, 2)][0] : [...text.slice(-2)].at(-1);
  return character !== undefined && word.test(character);
}
