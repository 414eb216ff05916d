/**
 * Byte-pair encoding: a word begins as its characters, and the pair learned first is merged.
 *
 * That is done again and again, until no pair is left (Sennrich et al. 2016).
 */
import { valueError } from '@ag/tensor/engine';

export interface BytePairsOptions {
  /** Stands for what has no token; without it that is an error, or with `dropUnknown` left out. */
  readonly unknown?: number | undefined;
  /** Neighbors without a token become one unknown one. */
  readonly fuseUnknown?: boolean;
  /** Tokens `<0x00>` … `<0xFF>` stand for the bytes of characters without a token. */
  readonly byteFallback?: boolean;
  /** A word that is a token as a whole is taken as it is. */
  readonly ignoreMerges?: boolean;
  /** Begins all parts of a word but the first. */
  readonly continuingPrefix?: string;
  /** Ends the last part of a word. */
  readonly endSuffix?: string;
}

interface Merge {
  readonly rank: number;
  readonly id: number;
}

/** Words as far as they have been met are remembered, this many. */
const remembered = 10_000;
/** Longer words are not. */
const longest = 64;

/** Breaks words into tokens. */
export class BytePairs {
  readonly #vocabulary: ReadonlyMap<string, number>;
  readonly #merges = new Map<number, Map<number, Merge>>();
  readonly #options: BytePairsOptions;
  readonly #known = new Map<string, readonly number[]>();

  constructor(
    vocabulary: ReadonlyMap<string, number>,
    merges: readonly (readonly [string, string])[],
    options: BytePairsOptions = {},
  ) {
    this.#vocabulary = vocabulary;
    this.#options = options;
    const prefix = options.continuingPrefix?.length ?? 0;
    merges.forEach(([a, b], rank) => {
      const ids = [a, b, a + b.slice(prefix)].map((token) => {
        const id = vocabulary.get(token);
        if (id !== undefined) return id;
        throw valueError(
          `byte-pair encoding: merge ${rank + 1}, '${a} ${b}', needs the token '${token}', which the vocabulary does not have`,
        );
      });
      const [left, right, id] = ids;
      let row = this.#merges.get(left);
      if (!row) {
        row = new Map();
        this.#merges.set(left, row);
      }
      if (!row.has(right)) row.set(right, { rank, id });
    });
  }

  /** The tokens of one word. */
  encode(word: string): readonly number[] {
    if (word === '') return [];
    const known = this.#known.get(word);
    if (known) return known;
    const whole = this.#options.ignoreMerges ? this.#vocabulary.get(word) : undefined;
    const ids = whole === undefined ? this.#merge(this.#begin(word)) : [whole];
    if (word.length <= longest) {
      if (this.#known.size >= remembered) this.#known.clear();
      this.#known.set(word, ids);
    }
    return ids;
  }

  /** Tokens of single characters. */
  #begin(word: string): number[] {
    const {
      unknown,
      fuseUnknown = false,
      byteFallback = false,
      continuingPrefix = '',
      endSuffix = '',
    } = this.#options;
    const ids: number[] = [];
    let afterUnknown = false;
    const characters = [...word];
    characters.forEach((character, i) => {
      const spelled =
        (i > 0 ? continuingPrefix : '') + character + (i === characters.length - 1 ? endSuffix : '');
      const id = this.#vocabulary.get(spelled);
      if (id !== undefined) {
        ids.push(id);
        afterUnknown = false;
        return;
      }
      const bytes = byteFallback
        ? Array.from(new TextEncoder().encode(spelled), (byte) => this.#vocabulary.get(byteToken(byte)))
        : [];
      if (bytes.length > 0 && bytes.every((byte) => byte !== undefined)) {
        ids.push(...bytes);
        afterUnknown = false;
        return;
      }
      // Without a token for the unknown such characters are left out, as Hugging Face's library does.
      if (unknown !== undefined && !(fuseUnknown && afterUnknown)) ids.push(unknown);
      afterUnknown = unknown !== undefined;
    });
    return ids;
  }

  /** Merges pairs in the order of their ranks, the first of equal ones first. A queue of pairs keeps long words fast. */
  #merge(ids: number[]): number[] {
    const next = ids.map((_, i) => i + 1);
    const previous = ids.map((_, i) => i - 1);
    const gone = new Uint8Array(ids.length);
    const queue = new Queue();
    const look = (at: number): void => {
      const other = next[at];
      const merge = other < ids.length ? this.#merges.get(ids[at])?.get(ids[other]) : undefined;
      if (merge) queue.push({ rank: merge.rank, at, left: ids[at], right: ids[other], id: merge.id });
    };
    for (let i = 0; i + 1 < ids.length; i++) look(i);
    for (let pair = queue.pop(); pair; pair = queue.pop()) {
      const { at, left, right, id } = pair;
      const other = next[at];
      // What was merged since is no longer this pair.
      if (gone[at] || other >= ids.length || ids[at] !== left || ids[other] !== right) continue;
      ids[at] = id;
      gone[other] = 1;
      next[at] = next[other];
      if (next[at] < ids.length) previous[next[at]] = at;
      if (previous[at] >= 0) look(previous[at]);
      look(at);
    }
    return ids.filter((_, i) => !gone[i]);
  }
}

interface Pair {
  readonly rank: number;
  readonly at: number;
  readonly left: number;
  readonly right: number;
  readonly id: number;
}

/** A binary heap: the lowest rank first, of equal ones the first in the word. */
class Queue {
  readonly #pairs: Pair[] = [];

  push(pair: Pair): void {
    const heap = this.#pairs;
    let at = heap.push(pair) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(pair, heap[parent])) break;
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = pair;
  }

  pop(): Pair | undefined {
    const heap = this.#pairs;
    const first = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1], heap[child])) child++;
      if (!before(heap[child], last)) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

function before(a: Pair, b: Pair): boolean {
  return a.rank < b.rank || (a.rank === b.rank && a.at < b.at);
}

/** How a vocabulary spells a byte where characters fall back to bytes. */
export function byteToken(byte: number): string {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`;
}
