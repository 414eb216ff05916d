/**
 * How the next token is chosen: the best, or one drawn from those left after the tail is cut off.
 */
import { categorical, type Key, topK as largest, type Tensor, tensor } from '@ag/tensor';
import { checkInteger, checkNumber, valueError } from '@ag/tensor/engine';

/** How the next token is drawn from the scores. */
export interface SamplingOptions {
  /** Scores are divided by it: 0 takes the best token (greedy), 1 the model's own probabilities. Default 0. */
  readonly temperature?: number;
  /** Draws from this many best tokens only. Default: all. */
  readonly topK?: number;
  /** Draws from the best tokens that together have this probability (Holtzman et al. 2020). Default 1. */
  readonly topP?: number;
}

/** @throws RangeError for values outside what they may be */
export function checkSampling(options: SamplingOptions, operation: string): Required<SamplingOptions> {
  const { temperature = 0, topK = 0, topP = 1 } = options;
  if (!(checkNumber(temperature, operation, 'temperature') >= 0 && temperature < Infinity))
    throw valueError(`${operation}: temperature must be 0 (greedy) or above, got ${temperature}`);
  if (options.topK !== undefined) checkInteger(topK, operation, 'topK', 1);
  if (!(checkNumber(topP, operation, 'topP') > 0 && topP <= 1)) {
    const percent = topP > 1 && topP <= 100 ? `; for ${topP} % give ${topP / 100}` : '';
    throw valueError(`${operation}: topP must be above 0 and at most 1, got ${topP}${percent}`);
  }
  if (temperature === 0 && (options.topK !== undefined || options.topP !== undefined)) {
    throw valueError(
      `${operation}: topK and topP cut what is drawn from, and without a temperature nothing is drawn; give { temperature: 1 }`,
    );
  }
  return { temperature, topK, topP };
}

/**
 * The next token of each row.
 *
 * @param scores `[batch, vocabulary]`
 * @param step its number, from which and from the seed its random numbers come
 * @returns `[batch]`, int32
 */
export function chooseToken(
  scores: Tensor,
  { temperature, topK, topP }: Required<SamplingOptions>,
  seed: Key,
  step: number,
): Tensor {
  if (temperature === 0) return scores.argmax(-1);
  const key: Key = { words: seed.words, tensors: [word(seed.words[0]), word((seed.words[1] ^ step) >>> 0)] };
  return categorical(withoutTail(scores.div(temperature), topK, topP), { key });
}

/** Scores of which those outside the best `topK`, and outside of the best with the probability `topP` together, are −10³⁰. */
export function withoutTail(scores: Tensor, topK: number, topP: number): Tensor {
  const size = scores.shape.at(-1)!;
  const cut = topK > 0 && topK < size;
  if (!cut && topP === 1) return scores;
  const best = largest(scores.detach(), cut ? topK : size).values;
  if (topP === 1) return scores.less(best.min(-1, { keepDims: true })).where(-1e30, scores);
  // A token stays while those before it have less than topP together; so the best always does.
  const shares = best.softmax(-1);
  const before = shares.cumsum(-1).sub(shares);
  const least = before.less(topP).where(best, Infinity).min(-1, { keepDims: true });
  return scores.less(least).where(-1e30, scores);
}

/** Random words are data of a step, so that all steps have one plan. */
function word(value: number): Tensor {
  return tensor(Uint32Array.of(value), { shape: [] });
}
