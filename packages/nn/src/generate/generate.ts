/** Text by a language model: token after token, each read again to choose the next one. */
import { key } from '@ag/tensor';
import { checkInteger, checkNumber, checkOptions, valueError } from '@ag/tensor/engine';
import { searchBeams } from './beams.ts';
import { checkPrompt, type LanguageModel, maxLengthOf, Reader } from './reader.ts';
import { checkSampling, chooseToken, type SamplingOptions } from './sampling.ts';

/** Options of {@link generate}. */
export interface GenerateOptions extends SamplingOptions {
  /** Most tokens to write. Default 64. */
  readonly maxTokens?: number;
  /** Tokens that end the text; they are not given. */
  readonly stop?: number | readonly number[];
  /** Of the random numbers: the same seed gives the same text. Default 0. */
  readonly seed?: number;
  /** Follows so many texts at a time and gives the most probable one, when all has been written. Default 1. */
  readonly beams?: number;
  /** With beams, log-probabilities are divided by length^lengthPenalty: above 0 favors longer texts. Default 1. */
  readonly lengthPenalty?: number;
  /** Remember keys and values of what was read, rather than read everything again for each token. Default true. */
  readonly useCache?: boolean;
  /** Ends the text early, by an error. */
  readonly signal?: AbortSignal;
}

/** A text that is written as it is read: `for await (const token of generation)`, or `await generation.all()`. Each time from the start. */
export class Generation implements AsyncIterable<number> {
  readonly #write: () => AsyncGenerator<number, void>;

  /** Use {@link generate}. @internal */
  constructor(write: () => AsyncGenerator<number, void>) {
    this.#write = write;
  }

  [Symbol.asyncIterator](): AsyncGenerator<number, void> {
    return this.#write();
  }

  /** All tokens, once they are written. */
  async all(): Promise<number[]> {
    const tokens: number[] = [];
    for await (const token of this) tokens.push(token);
    return tokens;
  }
}

/** Room is made in steps of so many tokens, so that texts of about the same length have the same plans. */
const room = 64;

/**
 * Continues a text: the best token each time (greedy), drawn ones (`temperature`, `topK`, `topP`), or the best text of several
 * (`beams`). Tokens come as they are written. Modules compute as in evaluation mode.
 *
 * ```ts
 * const tokenizer = nn.byteTokenizer();
 * let text = '';
 * for await (const token of nn.generate(gpt, tokenizer.encode('Once'), { temperature: 0.8, topP: 0.95, seed: 1 }))
 *   text += tokenizer.decode([token]);
 * ```
 *
 * Writing ends with a token of `stop`, after `maxTokens`, or where the model's `maxLength` is reached.
 *
 * @param prompt what the text begins with, not empty
 * @throws RangeError for a prompt without room behind it, and options outside of what they may be
 */
export function generate(
  model: LanguageModel,
  prompt: readonly number[],
  options: GenerateOptions = {},
): Generation {
  checkOptions(
    'generate',
    options,
    'temperature topK topP maxTokens stop seed beams lengthPenalty useCache signal',
  );
  const {
    maxTokens = 64,
    stop = [],
    seed = 0,
    beams = 1,
    lengthPenalty = 1,
    useCache = true,
    signal,
  } = options;
  const sampling = checkSampling(options, 'generate');
  const maxLength = maxLengthOf(model);
  checkInteger(maxTokens, 'generate', 'maxTokens', 1);
  checkInteger(beams, 'generate', 'beams', 1);
  checkNumber(lengthPenalty, 'generate', 'lengthPenalty');
  checkPrompt(prompt, maxLength);
  if (beams > 1 && sampling.temperature > 0)
    throw valueError(
      'generate: beams follow the most probable texts and draw nothing; leave the temperature out',
    );
  const own = key(seed);
  const stops = new Set(typeof stop === 'number' ? [stop] : stop);
  const needed = prompt.length + maxTokens;
  const capacity = Math.min(maxLength, Math.ceil(needed / room) * room);
  const most = Math.min(needed, maxLength) - prompt.length;

  return new Generation(async function* write(): AsyncGenerator<number, void> {
    const reader = new Reader(model, capacity, useCache);
    if (beams > 1) {
      yield* await searchBeams(reader, prompt, { beams, lengthPenalty, stops, most, signal });
      return;
    }
    let scores = reader.prompt(prompt);
    for (let step = 0; step < most; step++) {
      signal?.throwIfAborted();
      const chosen = chooseToken(scores, sampling, own, step);
      reader.settle([chosen]);
      const [token] = await chosen.data();
      if (stops.has(token)) return;
      yield token;
      if (step + 1 < most) scores = reader.next([token]);
    }
  });
}
