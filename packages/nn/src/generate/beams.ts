/**
 * The most probable text of several that are followed at a time. A text that has ended is kept aside with its score; the search
 * ends when no text that goes on can become better than those.
 */
import { type Tensor, tensor, topK } from '@ag/tensor';
import { pow } from '@ag/tensor/math';
import type { Reader } from './reader.ts';

export interface BeamOptions {
  readonly beams: number;
  readonly lengthPenalty: number;
  readonly stops: ReadonlySet<number>;
  /** Most tokens. */
  readonly most: number;
  readonly signal: AbortSignal | undefined;
}

interface Text {
  readonly tokens: readonly number[];
  /** Sum of the log-probabilities of its tokens. */
  readonly sum: number;
}

/** @returns the tokens behind the prompt */
export async function searchBeams(
  reader: Reader,
  prompt: readonly number[],
  { beams, lengthPenalty, stops, most, signal }: BeamOptions,
): Promise<readonly number[]> {
  /** The mean log-probability, for a penalty of 1; the token that ends a text counts. */
  const scoreOf = (sum: number, length: number): number => sum / pow(length, lengthPenalty);
  let going: Text[] = [{ tokens: [], sum: 0 }];
  let ended: { tokens: readonly number[]; score: number }[] = [];
  let scores = reader.prompt(prompt);
  for (let step = 1; step <= most; step++) {
    signal?.throwIfAborted();
    const size = scores.shape[1];
    // As many again may end with this token.
    const found = await bestOf(
      reader,
      scores,
      going,
      Math.min(going.length * size, beams * (1 + Math.max(1, stops.size))),
    );
    const next: (Text & { readonly from: number })[] = [];
    for (const [rank, { at, sum }] of found.entries()) {
      const from = Math.floor(at / size);
      const token = at % size;
      if (stops.has(token)) {
        if (rank < beams) ended.push({ tokens: going[from].tokens, score: scoreOf(sum, step) });
      } else if (next.length < beams) next.push({ tokens: [...going[from].tokens, token], sum, from });
    }
    ended = ended.sort((a, b) => b.score - a.score).slice(0, beams);
    going = next;
    if (going.length === 0 || step === most) break;
    // Sums only fall. The best that may still come has all the length there is, where length helps.
    const best = scoreOf(going[0].sum, lengthPenalty > 0 ? most : step);
    if (ended.length === beams && ended[beams - 1].score >= best) break;
    reader.select(next.map(({ from }) => from));
    scores = reader.next(going.map(({ tokens }) => tokens.at(-1)!));
  }
  const candidates = [
    ...ended,
    ...going.map(({ tokens, sum }) => ({ tokens, score: scoreOf(sum, tokens.length) })),
  ];
  return candidates.reduce((a, b) => (b.score > a.score ? b : a)).tokens;
}

/** The best continuations of all texts, by the sum of log-probabilities. */
async function bestOf(
  reader: Reader,
  scores: Tensor,
  going: readonly Text[],
  count: number,
): Promise<{ at: number; sum: number }[]> {
  const sums = tensor(
    going.map(({ sum }) => [sum]),
    { dtype: scores.dtype },
  );
  const { values, indices } = topK(scores.logSoftmax(-1).add(sums).reshape([-1]), count);
  reader.settle([values, indices]);
  const [at, sum] = await Promise.all([indices.data(), values.data()]);
  return Array.from(at, (position, i) => ({ at: position, sum: sum[i] }));
}
