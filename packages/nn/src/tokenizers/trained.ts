/** A byte-pair tokenizer of bytes that is made here: merges are learned from texts. */
import { checkInteger, checkOptions, valueError } from '@ag/tensor/engine';
import { byteCharacters, spellBytes } from './byteAlphabet.ts';
import { loadTokenizer } from './huggingFace.ts';
import { gpt2Pattern, pattern } from './patterns.ts';
import { checkText, type Tokenizer } from './tokenizer.ts';

/** Options of {@link bytePairTokenizer}. */
export interface BytePairOptions {
  /** Number of tokens, 256 bytes and the special ones among them. Default 512. */
  readonly size?: number;
  /** Marks that texts are not cut in, such as `<|endoftext|>`; their ids are the first. */
  readonly special?: readonly string[];
}

/**
 * Learns byte-pair encoding from texts (Sennrich et al. 2016; of bytes, Radford et al. 2019): the most frequent pair of neighbors
 * becomes a token, of equally frequent ones the one with the lower ids, until there are `size` tokens or no pair occurs twice. For small
 * texts; files of others are read by `loadTokenizer`.
 *
 * ```ts
 * const tokenizer = nn.bytePairTokenizer(['low lower lowest', 'new newer newest'], { size: 270 });
 * tokenizer.encode('lowest newer');
 * ```
 *
 * @throws RangeError for a size without room for all bytes
 */
export function bytePairTokenizer(texts: Iterable<string>, options: BytePairOptions = {}): Tokenizer {
  checkOptions('bytePairTokenizer', options, 'size special');
  const { size = 512, special = [] } = options;
  const least = 256 + special.length;
  if (checkInteger(size, 'bytePairTokenizer', 'size') < least)
    throw valueError(
      `bytePairTokenizer: size must be at least ${least}, for all bytes and special tokens, got ${size}`,
    );
  const tokens = [...special, ...byteCharacters];
  const ids = new Map(tokens.map((token, i) => [token, i]));
  const merges: [string, string][] = [];
  const words = [...frequencies(texts)].map(([word, count]) => ({
    ids: Array.from(spellBytes(word), (character) => ids.get(character)!),
    count,
  }));
  while (tokens.length < size) {
    const pair = mostFrequent(words);
    if (!pair) break;
    const [a, b] = pair;
    const id = tokens.push(tokens[a] + tokens[b]) - 1;
    ids.set(tokens[id], id);
    merges.push([tokens[a], tokens[b]]);
    for (const word of words) word.ids = merged(word.ids, a, b, id);
  }
  return loadTokenizer({
    added_tokens: special.map((content, id) => ({ id, content, special: true })),
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false },
    decoder: { type: 'ByteLevel' },
    model: { type: 'BPE', vocab: Object.fromEntries(ids), merges },
  });
}

/** How often each word occurs. */
function frequencies(texts: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>();
  const words = pattern(gpt2Pattern);
  for (const text of texts) {
    for (const [word] of checkText(text, 'bytePairTokenizer').matchAll(words))
      counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return counts;
}

function mostFrequent(
  words: readonly { readonly ids: readonly number[]; readonly count: number }[],
): [number, number] | null {
  const counts = new Map<string, number>();
  for (const { ids, count } of words) {
    for (let i = 0; i + 1 < ids.length; i++) {
      const pair = `${ids[i]} ${ids[i + 1]}`;
      counts.set(pair, (counts.get(pair) ?? 0) + count);
    }
  }
  let best: { a: number; b: number; count: number } | null = null;
  for (const [pair, count] of counts) {
    const [a, b] = pair.split(' ').map(Number);
    const better =
      best === null
        ? count > 1
        : count > best.count || (count === best.count && (a < best.a || (a === best.a && b < best.b)));
    if (better) best = { a, b, count };
  }
  return best && [best.a, best.b];
}

function merged(ids: readonly number[], a: number, b: number, id: number): number[] {
  const result: number[] = [];
  for (let i = 0; i < ids.length; i++) {
    const joins = ids[i] === a && ids[i + 1] === b;
    result.push(joins ? id : ids[i]);
    if (joins) i++;
  }
  return result;
}
