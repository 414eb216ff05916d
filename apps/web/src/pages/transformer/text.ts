/**
 * What is learned: texts, their characters as numbers, and how well three of them foretell the next.
 */

/** Nouns and verbs of the sentences that are made up, `s` for several. */
const nouns = ['cat', 'dog', 'bird', 'girl'];
const verbs = ['see', 'hear', 'like'];

/** Throws dice with so many sides: Numerical Recipes' generator, whose higher bits are the random ones. */
function dice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (1664525 * state + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * sides);
  };
}

/**
 * Sentences like `the cats near a dog see some birds.`: the verb agrees with a noun that may stand several words before
 * it, of which three characters know nothing.
 *
 * @param seed the same gives the same text
 */
export function madeUpText(sentences: number, seed = 13): string {
  const below = dice(seed);
  const pick = (words: readonly string[]) => words[below(words.length)];
  const noun = (s: string) => `${pick(['the', s ? 'some' : 'a'])} ${pick(nouns)}${s}`;
  const sentence = (s: string) => {
    const aside = pick(['', ` ${pick(['near', 'behind'])} ${noun(pick(['', 's']))}`]);
    return `${noun(s)}${aside} ${pick(verbs)}${s ? '' : 's'} ${noun(pick(['', 's']))}. `;
  };
  return Array.from({ length: sentences }, () => sentence(pick(['', 's']))).join('');
}

/**
 * Brackets that are closed as they were opened, as in `(a[b]c){d}`. To close one, one has to look back at which is open.
 *
 * @param seed the same gives the same text
 */
export function brackets(groups: number, seed = 7): string {
  const below = dice(seed);
  const group = (depth: number): string => {
    const [open, close] = ['()', '[]', '{}'][below(3)];
    const parts = Array.from({ length: 1 + below(3) }, () =>
      depth < 3 && below(3) === 0 ? group(depth + 1) : 'abcd'[below(4)],
    );
    return open + parts.join('') + close;
  };
  return Array.from({ length: groups }, () => group(0)).join('');
}

/** Which text is learned. */
export type TextName = 'sentences' | 'brackets' | 'own';

/** @param own of the reader, for 'own' */
export function textOf({ text, own }: { readonly text: TextName; readonly own: string }): string {
  return text === 'own' ? own : text === 'brackets' ? brackets(4000) : madeUpText(1200);
}

/** A text as numbers, in two parts: what is learned, and its end, which is kept aside. */
export interface Corpus {
  /** The characters, in the order of their code points; a number is a place in it. */
  readonly alphabet: readonly string[];
  readonly known: Int32Array;
  readonly unseen: Int32Array;
}

/** The fewest characters that can be learned, with looks back of so many. */
export function leastText(context: number): number {
  return 12 * (context + 1);
}

/** The last tenth is kept aside, of long texts 2,000 characters. */
export function corpusOf(text: string): Corpus {
  const characters = [...text];
  const alphabet = [...new Set(characters)].sort((a, b) => a.codePointAt(0)! - b.codePointAt(0)!);
  const places = new Map(alphabet.map((character, place) => [character, place]));
  const codes = Int32Array.from(characters, (character) => places.get(character)!);
  const aside = Math.min(2000, Math.floor(codes.length / 10));
  return { alphabet, known: codes.slice(0, codes.length - aside), unseen: codes.slice(codes.length - aside) };
}

/** Parts of one that are added to each count, so that what was never seen is not impossible. */
const smoothings = [1, 0.3, 0.1, 0.03, 0.01];

/**
 * How surprising the unseen text is to counts of three characters in the known one, in nats per character: the mean of
 * −ln((n(abc) + k) / (n(ab) + k·size)), with whichever k serves the unseen text best.
 */
export function trigramLoss({ alphabet, known, unseen }: Corpus): number {
  const size = alphabet.length;
  const triples = new Map<number, number>();
  const pairs = new Map<number, number>();
  const pairAt = (codes: Int32Array, i: number) => codes[i - 2] * size + codes[i - 1];
  const add = (counts: Map<number, number>, key: number) => counts.set(key, (counts.get(key) ?? 0) + 1);
  for (let i = 2; i < known.length; i++) {
    const pair = pairAt(known, i);
    add(pairs, pair);
    add(triples, pair * size + known[i]);
  }
  const losses = smoothings.map((k) => {
    let sum = 0;
    for (let i = 2; i < unseen.length; i++) {
      const pair = pairAt(unseen, i);
      const triple = triples.get(pair * size + unseen[i]) ?? 0;
      sum -= Math.log((triple + k) / ((pairs.get(pair) ?? 0) + k * size));
    }
    return sum / (unseen.length - 2);
  });
  return Math.min(...losses);
}
