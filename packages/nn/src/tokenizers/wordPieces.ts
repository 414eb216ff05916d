/** WordPiece: the longest token that begins a word, then the longest that continues it (Wu et al. 2016, as in BERT). */
export interface WordPiecesOptions {
  readonly unknown: number;
  /** Begins all parts of a word but the first. Default '##'. */
  readonly continuingPrefix: string;
  /** Longer words are unknown. */
  readonly maxCharacters: number;
}

/** The tokens of one word, the unknown one where some part has none. */
export function wordPieces(
  word: string,
  vocabulary: ReadonlyMap<string, number>,
  { unknown, continuingPrefix, maxCharacters }: WordPiecesOptions,
): readonly number[] {
  const characters = [...word];
  if (characters.length > maxCharacters) return [unknown];
  const ids: number[] = [];
  for (let start = 0; start < characters.length; ) {
    let end = characters.length;
    let id: number | undefined;
    for (; end > start; end--) {
      id = vocabulary.get((start > 0 ? continuingPrefix : '') + characters.slice(start, end).join(''));
      if (id !== undefined) break;
    }
    if (id === undefined) return [unknown];
    ids.push(id);
    start = end;
  }
  return ids;
}
