/**
 * A model that reads tokens and says what may come next. The prompt comes in blocks of one size, then one token of each row at a time.
 * However long texts are, there are few shapes and so few plans: the first block, the others, a step.
 */
import { evaluate, type Tensor, tensor } from '@ag/tensor';
import { shapeError, typeError, valueError } from '@ag/tensor/engine';
import { KeyValueCache } from '../cache.ts';
import { type AnyModule, Module } from '../module.ts';

/** A model that gives scores of the next token. */
export interface LanguageModel {
  /**
   * @param tokens `[batch, time]`, int32
   * @param inputs.cache to be handed on to the attention layers, and asked for `positions(time)` by what adds positions to embeddings
   * @returns `[batch, time, vocabulary]`: what may follow each token, by itself and those before it
   */
  forward(tokens: Tensor, inputs?: { readonly cache?: KeyValueCache }): Tensor;
  /** Most tokens that the model can tell apart by their positions. Default: no limit. */
  readonly maxLength?: number;
}

/** Tokens of the prompt that are read at once. */
const blockSize = 32;

export class Reader {
  readonly #model: LanguageModel;
  readonly #capacity: number;
  readonly #cache: KeyValueCache | null;
  /** All tokens of each row: what is read anew at each step where there is no cache. */
  #rows: number[][] = [[]];

  constructor(model: LanguageModel, capacity: number, useCache: boolean) {
    this.#model = model;
    this.#capacity = capacity;
    this.#cache = useCache ? new KeyValueCache(capacity) : null;
  }

  /** How many tokens each row has. */
  get length(): number {
    return this.#rows[0].length;
  }

  /** Reads the prompt. @returns `[1, vocabulary]` */
  prompt(tokens: readonly number[]): Tensor {
    this.#rows = [[...tokens]];
    const { length } = tokens;
    if (!this.#cache) return this.#whole();
    const block = Math.min(blockSize, this.#capacity);
    // The last block ends with the prompt; what it has in common with the one before is computed again, to the same.
    for (let start = 0; ; start += block) {
      const last = start + block >= length;
      const from = last ? Math.max(0, length - block) : start;
      const part = tokens.slice(from, from + block);
      const filled = [...part, ...Array.from({ length: block - part.length }, () => 0)];
      const scores = this.#cached([filled], from, part.length - 1);
      if (last) return scores;
      this.settle([]);
    }
  }

  /** Reads one more token of each row. @returns `[rows, vocabulary]` */
  next(tokens: readonly number[]): Tensor {
    this.#rows.forEach((row, i) => {
      row.push(tokens[i]);
    });
    if (!this.#cache) return this.#whole();
    return this.#cached(
      tokens.map((token) => [token]),
      this.length - 1,
      0,
    );
  }

  /** Goes on with these rows in place of all. */
  select(rows: readonly number[]): void {
    this.#rows = rows.map((row) => [...this.#rows[row]]);
    this.#cache?.select(tensor(Int32Array.from(rows)));
  }

  /** Computes what was chosen together with what the cache has to remember. */
  settle(chosen: readonly Tensor[]): void {
    const held = [...(this.#cache?.entries() ?? [])].flatMap(([, { keys, values }]) => [keys, values]);
    evaluate([...chosen, ...held]);
  }

  #cached(tokens: readonly number[][], position: number, row: number): Tensor {
    const cache = this.#cache!;
    cache.position = integers([position], []);
    const scores = this.#forward(tokens, { cache });
    if (cache.entries().next().done) {
      throw valueError(
        'generate: the model keeps nothing in the cache, so it would see one token only; hand { cache } on to its attention layers, or give { useCache: false }',
      );
    }
    return this.#row(scores, row);
  }

  /** All tokens at once, filled up to the capacity with ones that nobody looks at. */
  #whole(): Tensor {
    const filled = this.#rows.map((row) => [
      ...row,
      ...Array.from({ length: this.#capacity - row.length }, () => 0),
    ]);
    return this.#row(this.#forward(filled, {}), this.length - 1);
  }

  #forward(tokens: readonly number[][], inputs: { readonly cache?: KeyValueCache }): Tensor {
    const shape = [tokens.length, tokens[0].length];
    const scores = inEvaluationMode(this.#model, () =>
      this.#model.forward(integers(tokens.flat(), shape), inputs),
    );
    if (scores?.shape?.length === 3 && scores.shape[0] === shape[0] && scores.shape[1] === shape[1])
      return scores;
    throw shapeError(
      `generate: for tokens [${shape.join(', ')}] the model must give scores [${shape.join(', ')}, vocabulary], got [${scores?.shape?.join(', ')}]`,
    );
  }

  /** The scores of one position, `[batch, time, vocabulary] → [batch, vocabulary]`; which one is data, and no part of the plan. */
  #row(scores: Tensor, row: number): Tensor {
    return scores.shape[1] === 1 ? scores.squeeze(1) : scores.take(integers([row], [1]), 1).squeeze(1);
  }
}

function integers(data: readonly number[], shape: readonly number[]): Tensor {
  return tensor(Int32Array.from(data), { shape: [...shape] });
}

/** Of a model with adapters around it (`lora`) what the model inside says. */
export function maxLengthOf(model: LanguageModel & { readonly model?: object }): number {
  const inner: { readonly maxLength?: unknown } = model.model ?? {};
  return model.maxLength ?? (typeof inner.maxLength === 'number' ? inner.maxLength : Infinity);
}

/** Without dropout, whatever the mode of the modules, which stays. */
function inEvaluationMode<T>(model: LanguageModel, work: () => T): T {
  if (!(model instanceof Module)) return work();
  const training = [...(model as AnyModule).namedModules().values()].filter((module) => module.training);
  for (const module of training) module.training = false;
  try {
    return work();
  } finally {
    for (const module of training) module.training = true;
  }
}

/** @throws TypeError for what has no tokens, RangeError for more than there is room for */
export function checkPrompt(prompt: readonly number[], maxLength: number, vocabulary = Infinity): void {
  if (!Array.isArray(prompt) || prompt.some((id) => !Number.isInteger(id) || id < 0 || id >= vocabulary))
    throw typeError('generate: the prompt must be an array of whole numbers ≥ 0, as tokenizers give them');
  if (prompt.length === 0)
    throw valueError('generate: the prompt is empty; begin with a token that stands for the beginning');
  if (prompt.length >= maxLength) {
    throw valueError(
      `generate: the prompt has ${prompt.length} tokens, and the model can tell ${maxLength} apart; nothing can follow. Give its last part only`,
    );
  }
}
