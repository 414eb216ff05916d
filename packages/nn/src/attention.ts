/**
 * Attention: each position takes a weighted mean of the values at all others. See Vaswani et al. 2017.
 */

import { type DType, isFloat, type Tensor, Variable, zeros } from '@ag/tensor';
import { checkOptions, dtypeError, shapeError, valueError } from '@ag/tensor/engine';
import { attend } from './attend.ts';
import { checkCount, checkProbability } from './check.ts';
import { xavierUniform } from './init.ts';
import { Linear } from './linear.ts';
import { Module } from './module.ts';

export interface AttentionMask {
  /** Causal mask: each position attends to itself and to earlier ones. Default false. */
  readonly causal?: boolean;
  /** True where a query (row) may look at a key (column): `[time, keys]`, or anything that broadcasts to the scores. */
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
  checkMask(mask);
  const [q, k, v] = [query, key, value].map((x) => x.unsqueeze(-2)) as [Tensor, Tensor, Tensor];
  const seen = mask && (mask.shape.length > 1 ? mask.unsqueeze(-3) : mask);
  return attend(q, k, v, { causal, dropout, ...(seen && { mask: seen }) }).squeeze(-2);
}

function checkMask(mask: Tensor | undefined): void {
  if (mask && isFloat(mask.dtype))
    throw dtypeError('attention: the mask must be bool, true where looking is allowed');
}

export interface MultiHeadAttentionOptions {
  /** Default true. */
  readonly bias?: boolean;
  /** Probability of leaving out each attention weight in training mode. Default 0. */
  readonly dropout?: number;
  /** Default float32. */
  readonly dtype?: DType;
}

/** What `MultiHeadAttention.forward` takes beside the queries. */
export interface AttentionInputs extends AttentionMask {
  /** `[batch, keys, features]`, default: the queries (self-attention). */
  readonly key?: Tensor;
  /** `[batch, keys, features]`, default: the keys. */
  readonly value?: Tensor;
  /** True where a key counts: `[batch, keys]`, for sequences filled up to one length. */
  readonly keyMask?: Tensor;
}

/** See {@link multiHeadAttention}. */
export class MultiHeadAttention extends Module<[Tensor, AttentionInputs?]> {
  readonly features: number;
  readonly heads: number;
  readonly dropout: number;
  /** [3 · features, features]: for queries, keys and values. */
  readonly inputWeight: Variable;
  /** [3 · features], or null */
  readonly inputBias: Variable | null;
  readonly output: Linear;

  /** Use {@link multiHeadAttention}. */
  constructor(features: number, heads: number, options: MultiHeadAttentionOptions = {}) {
    super();
    checkOptions('multiHeadAttention', options, 'bias dropout dtype');
    const { bias = true, dropout = 0, dtype = 'float32' } = options;
    this.features = checkCount(features, 'multiHeadAttention', 'features');
    this.heads = checkCount(heads, 'multiHeadAttention', 'heads');
    if (features % heads !== 0) {
      throw valueError(
        `multiHeadAttention: ${features} features cannot be shared equally by ${heads} heads; the one must divide by the other`,
      );
    }
    this.dropout = checkProbability(dropout, 'multiHeadAttention');
    this.inputWeight = new Variable(xavierUniform([3 * features, features], { dtype }), {
      name: 'inputWeight',
    });
    this.inputBias = bias ? new Variable(zeros([3 * features], { dtype }), { name: 'inputBias' }) : null;
    this.output = new Linear(features, features, {
      bias,
      dtype,
      biasInit: (shape) => zeros(shape, { dtype }),
    });
  }

  /** @param query `[batch, time, features]` */
  override forward(query: Tensor, inputs: AttentionInputs = {}): Tensor {
    const { key = query, value = key, keyMask } = inputs;
    for (const x of [query, key, value]) {
      if (x.shape.length !== 3 || x.shape[2] !== this.features) {
        throw shapeError(
          `multiHeadAttention: expects [batch, time, ${this.features}], got [${x.shape.join(', ')}]`,
        );
      }
    }
    const [q, k, v] = this.#project(query, key, value).map((x) => this.#toHeads(x)) as [
      Tensor,
      Tensor,
      Tensor,
    ];
    let mask = inputs.mask;
    // Without an axis for heads the mask is the same for all of them.
    if (mask?.shape.length === 3) mask = mask.unsqueeze(1);
    if (keyMask) {
      const keys = keyMask.cast('bool').unsqueeze(1).unsqueeze(1);
      mask = mask ? mask.logicalAnd(keys) : keys;
    }
    checkMask(mask);
    const mixed = attend(q, k, v, {
      causal: inputs.causal ?? false,
      ...(mask && { mask }),
      dropout: this.training ? this.dropout : 0,
    });
    return this.output.forward(mixed.reshape(query.shape));
  }

  /** One product where queries, keys and values are the same. */
  #project(query: Tensor, key: Tensor, value: Tensor): Tensor[] {
    const { features } = this;
    const weight = this.inputWeight.value;
    const bias = this.inputBias?.value;
    const project = (x: Tensor, w: Tensor, b: Tensor | undefined): Tensor => {
      const product = x.matmul(w.transpose());
      return b ? product.add(b) : product;
    };
    if (query === key && key === value) {
      const all = project(query, weight, bias);
      return [0, 1, 2].map((i) => all.sliceFrom(i * features, features, 2, 1));
    }
    return [query, key, value].map((x, i) => {
      const part = (t: Tensor): Tensor => t.sliceFrom(i * features, features, 0, 1);
      return project(x, part(weight), bias && part(bias));
    });
  }

  /** [batch, time, features] → [batch, time, heads, features / heads] */
  #toHeads(x: Tensor): Tensor {
    const [batch, time] = x.shape as [number, number, number];
    return x.reshape([batch, time, this.heads, this.features / this.heads]);
  }

  override describe() {
    const { inputBias, inputWeight, dropout } = this;
    const options = { bias: inputBias !== null, dropout, dtype: inputWeight.dtype };
    return ['multiHeadAttention', this.features, this.heads, options] as const;
  }

  override matrices() {
    return { inputWeight: 'outputsFirst' } as const;
  }

  override foreignNames() {
    return {
      in_proj_weight: 'inputWeight',
      in_proj_bias: 'inputBias',
      'out_proj.weight': 'output.weight',
      'out_proj.bias': 'output.bias',
    };
  }
}

/**
 * Multi-head attention: `[batch, time, features] → [batch, time, features]`.
 *
 * ```ts
 * const attention = multiHeadAttention(64, 4);
 * const y = attention.forward(x, { causal: true });
 * ```
 *
 * @throws RangeError when `features` is no multiple of `heads`
 */
export function multiHeadAttention(
  features: number,
  heads: number,
  options: MultiHeadAttentionOptions = {},
): MultiHeadAttention {
  return new MultiHeadAttention(features, heads, options);
}
