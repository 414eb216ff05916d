/**
 * Attention: each position takes a weighted mean of the values at all others. See Vaswani et al. 2017.
 */

import { type DType, isFloat, type Tensor, Variable, zeros } from '@ag/tensor';
import { checkOptions, dtypeError, shapeError, valueError } from '@ag/tensor/engine';
import { attend, attendWithWeights } from './attend.ts';
import type { SeenOptions } from './attentionBlocks.ts';
import type { KeyValueCache } from './cache.ts';
import { checkCount, checkProbability } from './check.ts';
import { xavierUniform } from './init.ts';
import { Linear } from './linear.ts';
import { Module } from './module.ts';
import { type RotaryOptions, rotaryEmbedding, rotaryOptions } from './positions.ts';

/** Who may look at whom in attention. */
export interface AttentionMask {
  /** Causal mask: each position attends to itself and to earlier ones. Default false. */
  readonly causal?: boolean;
  /**
   * Bool: true where a query (row) may look at a key (column). Floats are added to the scores (see `alibi`), −Infinity where looking is
   * not allowed. `[time, keys]`, or anything that broadcasts to the scores.
   */
  readonly mask?: Tensor;
}

/**
 * softmax(q kᵀ / √d) v over the last two axes; leading axes are batches and heads.
 *
 * @param query `[..., time, d]`
 * @param key `[..., keys, d]`
 * @param value `[..., keys, e]`
 * @param options.dropout probability of leaving out each weight, default 0
 * @returns `[..., time, e]`; a position whose keys are all masked takes the mean of all values
 */
export function scaledDotProductAttention(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  options: AttentionMask & { readonly dropout?: number } = {},
): Tensor {
  checkOptions('scaledDotProductAttention', options, 'causal mask dropout');
  const { causal = false, mask, dropout = 0 } = options;
  const [q, k, v] = [query, key, value].map((x) => x.unsqueeze(-2)) as [Tensor, Tensor, Tensor];
  const seen = mask && (mask.shape.length > 1 ? mask.unsqueeze(-3) : mask);
  return attend(q, k, v, { causal, dropout, ...byKind(seen) }).squeeze(-2);
}

/** A mask of truths hides, one of floats is added. @throws TypeError for whole numbers, which could mean either */
function byKind(mask: Tensor | undefined): { readonly mask?: Tensor; readonly bias?: Tensor } {
  if (mask === undefined) return {};
  if (isFloat(mask.dtype)) return { bias: mask };
  if (mask.dtype === 'bool') return { mask };
  throw dtypeError(
    `attention: the mask must be bool, true where looking is allowed, or floats that are added to the scores, got ${mask.dtype}`,
  );
}

/** Options of {@link multiHeadAttention}. */
export interface MultiHeadAttentionOptions {
  /** Default true. */
  readonly bias?: boolean;
  /** Probability of leaving out each attention weight in training mode. Default 0. */
  readonly dropout?: number;
  /** Heads of keys and values, each for as many heads of queries (Ainslie et al. 2023). Default: as many as heads. */
  readonly kvHeads?: number;
  /** Features of the keys that come in. Default: those of the queries. */
  readonly keyFeatures?: number;
  /** Features of the values that come in. Default: those of the queries. */
  readonly valueFeatures?: number;
  /** Turns queries and keys by their positions: see `rotaryEmbedding`. Default false. */
  readonly rotary?: boolean | RotaryOptions;
  /** Default float32. */
  readonly dtype?: DType;
}

/** What `MultiHeadAttention.forward` takes beside the queries. */
export interface AttentionInputs extends AttentionMask {
  /** `[batch, keys, keyFeatures]`, default: the queries (self-attention). */
  readonly key?: Tensor;
  /** `[batch, keys, valueFeatures]`, default: the keys. */
  readonly value?: Tensor;
  /** True where a key counts: `[batch, keys]`, for sequences filled up to one length. */
  readonly keyMask?: Tensor;
  /**
   * Self-attention that goes on behind what the cache holds, looking at earlier positions and never at later ones. Keys are then all
   * places of the cache: masks have its capacity as their last size.
   */
  readonly cache?: KeyValueCache;
}

/** See {@link multiHeadAttention}. */
export class MultiHeadAttention extends Module<[Tensor, AttentionInputs?]> {
  readonly features: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly dropout: number;
  readonly rotary: RotaryOptions | null;
  /** [features + 2 · features · kvHeads / heads, features]: for queries, keys and values; or [features, features], for queries. */
  readonly inputWeight: Variable;
  /** [features · kvHeads / heads, keyFeatures] where keys or values have other features than queries, else null. */
  readonly keyWeight: Variable | null;
  /** [features · kvHeads / heads, valueFeatures] where keys or values have other features than queries, else null. */
  readonly valueWeight: Variable | null;
  /** [features + 2 · features · kvHeads / heads], or null */
  readonly inputBias: Variable | null;
  readonly output: Linear;

  /** Use {@link multiHeadAttention}. */
  constructor(features: number, heads: number, options: MultiHeadAttentionOptions = {}) {
    super();
    checkOptions(
      'multiHeadAttention',
      options,
      'bias dropout kvHeads keyFeatures valueFeatures rotary dtype',
    );
    const { bias = true, dropout = 0, dtype = 'float32', kvHeads = heads, rotary = false } = options;
    const { keyFeatures = features, valueFeatures = features } = options;
    this.features = checkCount(features, 'multiHeadAttention', 'features');
    this.heads = checkCount(heads, 'multiHeadAttention', 'heads');
    this.kvHeads = checkCount(kvHeads, 'multiHeadAttention', 'kvHeads');
    checkCount(keyFeatures, 'multiHeadAttention', 'keyFeatures');
    checkCount(valueFeatures, 'multiHeadAttention', 'valueFeatures');
    if (features % heads !== 0) {
      throw valueError(
        `multiHeadAttention: ${features} features cannot be shared equally by ${heads} heads; the one must divide by the other`,
      );
    }
    if (heads % kvHeads !== 0) {
      throw valueError(
        `multiHeadAttention: ${heads} heads cannot share ${kvHeads} heads of keys and values equally; the one must divide by the other`,
      );
    }
    this.dropout = checkProbability(dropout, 'multiHeadAttention');
    this.rotary = rotary === false ? null : rotaryOptions(rotary, features / heads);
    const own = (features / heads) * kvHeads;
    const apart = keyFeatures !== features || valueFeatures !== features;
    const weight = (outputs: number, inputs: number, name: string): Variable =>
      new Variable(xavierUniform([outputs, inputs], { dtype }), { name });
    this.inputWeight = weight(apart ? features : features + 2 * own, features, 'inputWeight');
    this.keyWeight = apart ? weight(own, keyFeatures, 'keyWeight') : null;
    this.valueWeight = apart ? weight(own, valueFeatures, 'valueWeight') : null;
    this.inputBias = bias
      ? new Variable(zeros([features + 2 * own], { dtype }), { name: 'inputBias' })
      : null;
    this.output = new Linear(features, features, {
      bias,
      dtype,
      biasInit: (shape) => zeros(shape, { dtype }),
    });
  }

  /** @param query `[batch, time, features]` */
  override forward(query: Tensor, inputs: AttentionInputs = {}): Tensor {
    const { q, k, v, options } = this.#prepare(query, inputs);
    return this.output.forward(attend(q, k, v, options).reshape(query.shape));
  }

  /**
   * What `forward` gives, and the weights of each head, computed all at once whatever the sizes.
   *
   * @param query `[batch, time, features]`
   * @returns `weights` `[batch, heads, time, keys]`, each row 1 in sum but for dropout
   */
  forwardWithWeights(
    query: Tensor,
    inputs: AttentionInputs = {},
  ): { readonly output: Tensor; readonly weights: Tensor } {
    const { q, k, v, options } = this.#prepare(query, inputs);
    const { output, weights } = attendWithWeights(q, k, v, options);
    return { output: this.output.forward(output.reshape(query.shape)), weights };
  }

  /** Queries, keys and values of each head, and what of the scores counts. */
  #prepare(
    query: Tensor,
    inputs: AttentionInputs,
  ): { q: Tensor; k: Tensor; v: Tensor; options: SeenOptions } {
    const { cache, keyMask } = inputs;
    const { key = query, value = key } = inputs;
    const widths = [
      this.features,
      this.keyWeight?.shape[1] ?? this.features,
      this.valueWeight?.shape[1] ?? this.features,
    ];
    [query, key, value].forEach((x, i) => {
      if (x.shape.length === 3 && x.shape[2] === widths[i]) return;
      const which = widths.every((width) => width === widths[0])
        ? ''
        : ` for ${['queries', 'keys', 'values'][i]}`;
      throw shapeError(
        `multiHeadAttention: expects [batch, time, ${widths[i]}]${which}, got [${x.shape.join(', ')}]`,
      );
    });
    if (cache && (key !== query || value !== query)) {
      throw valueError(
        'multiHeadAttention: a cache is for self-attention; keys and values of a memory are the same at each step, so leave the cache out',
      );
    }
    const heads = [this.heads, this.kvHeads, this.kvHeads];
    let [q, k, v] = this.#project(query, key, value).map((x, i) => toHeads(x, heads[i])) as [
      Tensor,
      Tensor,
      Tensor,
    ];
    if (this.rotary) {
      const turned = (x: Tensor): Tensor =>
        rotaryEmbedding(x, {
          ...this.rotary,
          ...(cache && { positions: cache.positions(x.shape[1]) }),
        });
      [q, k] = [turned(q), turned(k)];
    }
    const hides: Tensor[] = [];
    if (keyMask) hides.push(keyMask.cast('bool').unsqueeze(1).unsqueeze(1));
    if (cache) {
      ({ keys: k, values: v } = cache.write(this, k, v));
      hides.push(cache.seen(query.shape[1]));
    }
    // Without an axis for heads the mask is the same for all of them.
    const { mask: given, bias } = byKind(
      inputs.mask?.shape.length === 3 ? inputs.mask.unsqueeze(1) : inputs.mask,
    );
    if (given) hides.unshift(given);
    const options = {
      causal: cache ? false : (inputs.causal ?? false),
      ...(hides.length > 0 && { mask: hides.reduce((a, b) => a.logicalAnd(b)) }),
      ...(bias && { bias }),
      dropout: this.training ? this.dropout : 0,
    };
    return { q, k, v, options };
  }

  /** One product where queries, keys and values are the same. */
  #project(query: Tensor, key: Tensor, value: Tensor): Tensor[] {
    const { features } = this;
    const own = (features / this.heads) * this.kvHeads;
    const [starts, sizes] = [
      [0, features, features + own],
      [features, own, own],
    ];
    const weight = this.inputWeight.value;
    const bias = this.inputBias?.value;
    const project = (x: Tensor, w: Tensor, b: Tensor | undefined): Tensor => {
      const product = x.matmul(w.transpose());
      return b ? product.add(b) : product;
    };
    if (query === key && key === value && !this.keyWeight) {
      const all = project(query, weight, bias);
      return starts.map((start, i) => all.sliceFrom(start, sizes[i], 2, 1));
    }
    const part = (t: Tensor, i: number): Tensor => t.sliceFrom(starts[i], sizes[i], 0, 1);
    const apart = [weight, this.keyWeight?.value, this.valueWeight?.value];
    return [query, key, value].map((x, i) =>
      project(x, this.keyWeight ? apart[i]! : part(weight, i), bias && part(bias, i)),
    );
  }

  override describe() {
    const { inputBias, inputWeight, dropout, heads, kvHeads, keyWeight, valueWeight, rotary } = this;
    const options = {
      bias: inputBias !== null,
      dropout,
      ...(kvHeads !== heads && { kvHeads }),
      ...(keyWeight && { keyFeatures: keyWeight.shape[1] }),
      ...(valueWeight && { valueFeatures: valueWeight.shape[1] }),
      ...(rotary && { rotary }),
      dtype: inputWeight.dtype,
    };
    return ['multiHeadAttention', this.features, heads, options] as const;
  }

  override matrices(): Readonly<Record<string, 'outputsFirst'>> {
    const apart = this.keyWeight && ({ keyWeight: 'outputsFirst', valueWeight: 'outputsFirst' } as const);
    return { inputWeight: 'outputsFirst', ...apart };
  }

  override foreignNames(): Readonly<Record<string, string>> {
    const weights: Readonly<Record<string, string>> = this.keyWeight
      ? { q_proj_weight: 'inputWeight', k_proj_weight: 'keyWeight', v_proj_weight: 'valueWeight' }
      : { in_proj_weight: 'inputWeight' };
    return {
      ...weights,
      in_proj_bias: 'inputBias',
      'out_proj.weight': 'output.weight',
      'out_proj.bias': 'output.bias',
    };
  }
}

/** [batch, time, features] → [batch, time, heads, features / heads] */
function toHeads(x: Tensor, heads: number): Tensor {
  const [batch, time, features] = x.shape as [number, number, number];
  return x.reshape([batch, time, heads, features / heads]);
}

/**
 * Multi-head attention: `[batch, time, features] → [batch, time, features]`.
 *
 * ```ts
 * const attention = multiHeadAttention(64, 4);
 * const y = attention.forward(x, { causal: true });
 * ```
 *
 * @throws RangeError when `features` is no multiple of `heads`, or `heads` none of `kvHeads`
 */
export function multiHeadAttention(
  features: number,
  heads: number,
  options: MultiHeadAttentionOptions = {},
): MultiHeadAttention {
  return new MultiHeadAttention(features, heads, options);
}
