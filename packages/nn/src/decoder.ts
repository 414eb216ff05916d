/**
 * The transformer's decoder: attention to its own text, attention to a memory, then a small network.
 */
import type { DType, Tensor } from '@ag/tensor';
import { checkOptions, describeValue, typeError } from '@ag/tensor/engine';
import { type AttentionMask, MultiHeadAttention, type MultiHeadAttentionOptions } from './attention.ts';
import type { KeyValueCache } from './cache.ts';
import { checkCount, checkProbability } from './check.ts';
import { Linear } from './linear.ts';
import { Module } from './module.ts';
import { LayerNorm } from './norm.ts';
import { feedForward, thinned } from './transformer.ts';

/** Options of {@link crossAttention}. */
export interface CrossAttentionOptions
  extends Omit<MultiHeadAttentionOptions, 'keyFeatures' | 'valueFeatures'> {
  /** Features of the memory. Default: those of the queries. */
  readonly memoryFeatures?: number;
}

/** See {@link crossAttention}. */
export class CrossAttention extends Module<
  [Tensor, Tensor, (AttentionMask & { readonly keyMask?: Tensor })?]
> {
  readonly attention: MultiHeadAttention;

  /** Use {@link crossAttention}. */
  constructor(features: number, heads: number, options: CrossAttentionOptions = {}) {
    super();
    checkOptions('crossAttention', options, 'bias dropout kvHeads memoryFeatures rotary dtype');
    const { memoryFeatures = features, ...others } = options;
    const widths = { keyFeatures: memoryFeatures, valueFeatures: memoryFeatures };
    this.attention = new MultiHeadAttention(features, heads, { ...others, ...widths });
  }

  /**
   * @param x `[batch, time, features]`
   * @param memory `[batch, keys, memoryFeatures]`
   * @param inputs.keyMask true where the memory counts, `[batch, keys]`
   */
  override forward(
    x: Tensor,
    memory: Tensor,
    inputs: AttentionMask & { readonly keyMask?: Tensor } = {},
  ): Tensor {
    checkMemory(memory, 'crossAttention');
    return this.attention.forward(x, { ...inputs, key: memory });
  }

  override describe() {
    const [, features, heads, options] = this.attention.describe();
    const { keyFeatures, valueFeatures: _, ...others } = options as MultiHeadAttentionOptions;
    const own = { ...others, ...(keyFeatures !== undefined && { memoryFeatures: keyFeatures }) };
    return ['crossAttention', features, heads, own] as const;
  }

  override foreignNames(): Readonly<Record<string, string>> {
    return within('', 'attention', this.attention);
  }
}

/**
 * Attention of one sequence to another, `[batch, time, features]` and `[batch, keys, memoryFeatures] → [batch, time, features]`.
 *
 * ```ts
 * const attention = crossAttention(64, 4, { memoryFeatures: 32 });
 * const seen = attention.forward(x, y);
 * ```
 *
 * @throws RangeError when `features` is no multiple of `heads`
 */
export function crossAttention(
  features: number,
  heads: number,
  options: CrossAttentionOptions = {},
): CrossAttention {
  return new CrossAttention(features, heads, options);
}

/** Options of {@link transformerDecoderLayer}. */
export interface TransformerDecoderLayerOptions {
  /** Width of the feed-forward network. Default 4 · features. */
  readonly feedForward?: number;
  /** Probability of leaving out activations in training mode. Default 0.1. */
  readonly dropout?: number;
  /** Default 'relu'. */
  readonly activation?: 'relu' | 'gelu';
  /** Normalize before attentions and network (Xiong et al. 2020, easier to train) or after. Default false. */
  readonly normFirst?: boolean;
  /** Each position looks at itself and at earlier ones of its own sequence. Default true. */
  readonly causal?: boolean;
  /** Added to the variance in normalization. Default 1e-5. */
  readonly epsilon?: number;
  /** Default float32. */
  readonly dtype?: DType;
}

/** What a decoder takes beside its input and the memory. */
export interface DecoderInputs extends AttentionMask {
  /** True where a position of the input counts: `[batch, time]`. */
  readonly keyMask?: Tensor;
  /** Which places of the memory each position may look at, as {@link AttentionMask}'s: `[time, keys]`, bool or floats to add. */
  readonly memoryMask?: Tensor;
  /** True where the memory counts: `[batch, keys]`. */
  readonly memoryKeyMask?: Tensor;
  /** For writing token after token: see `KeyValueCache`. */
  readonly cache?: KeyValueCache;
}

/** See {@link transformerDecoderLayer}. */
export class TransformerDecoderLayer extends Module<[Tensor, Tensor, DecoderInputs?]> {
  readonly attention: MultiHeadAttention;
  readonly memoryAttention: MultiHeadAttention;
  readonly linear1: Linear;
  readonly linear2: Linear;
  readonly norm1: LayerNorm;
  readonly norm2: LayerNorm;
  readonly norm3: LayerNorm;
  readonly dropout: number;
  readonly activation: 'relu' | 'gelu';
  readonly normFirst: boolean;
  readonly causal: boolean;

  /** Use {@link transformerDecoderLayer}. */
  constructor(features: number, heads: number, options: TransformerDecoderLayerOptions = {}) {
    super();
    checkOptions(
      'transformerDecoderLayer',
      options,
      'feedForward dropout activation normFirst causal epsilon dtype',
    );
    const { feedForward = 4 * features, dropout = 0.1, dtype = 'float32', epsilon = 1e-5 } = options;
    this.attention = new MultiHeadAttention(features, heads, { dropout, dtype });
    this.memoryAttention = new MultiHeadAttention(features, heads, { dropout, dtype });
    this.linear1 = new Linear(features, feedForward, { dtype });
    this.linear2 = new Linear(feedForward, features, { dtype });
    const norm = (): LayerNorm => new LayerNorm(features, { epsilon, dtype });
    [this.norm1, this.norm2, this.norm3] = [norm(), norm(), norm()];
    this.dropout = checkProbability(dropout, 'transformerDecoderLayer');
    this.activation = options.activation ?? 'relu';
    this.normFirst = options.normFirst ?? false;
    this.causal = options.causal ?? true;
  }

  /**
   * @param x `[batch, time, features]`
   * @param memory what the encoder gave, `[batch, keys, features]`
   */
  override forward(x: Tensor, memory: Tensor, inputs: DecoderInputs = {}): Tensor {
    checkMemory(memory, 'transformerDecoderLayer');
    const { causal = this.causal, mask, keyMask, memoryMask, memoryKeyMask, cache } = inputs;
    const own = { causal, ...(mask && { mask }), ...(keyMask && { keyMask }), ...(cache && { cache }) };
    const other = {
      key: memory,
      ...(memoryMask && { mask: memoryMask }),
      ...(memoryKeyMask && { keyMask: memoryKeyMask }),
    };
    const steps = [
      [this.norm1, (y: Tensor) => thinned(this, this.attention.forward(y, own))],
      [this.norm2, (y: Tensor) => thinned(this, this.memoryAttention.forward(y, other))],
      [this.norm3, (y: Tensor) => feedForward(this, y)],
    ] as const;
    return steps.reduce(
      (y, [norm, step]) => (this.normFirst ? y.add(step(norm.forward(y))) : norm.forward(y.add(step(y)))),
      x,
    );
  }

  /** What it was made with. @internal */
  get options(): Required<TransformerDecoderLayerOptions> {
    const { dropout, activation, normFirst, causal, linear1 } = this;
    const dtype = linear1.weight.dtype;
    return {
      feedForward: linear1.outFeatures,
      dropout,
      activation,
      normFirst,
      causal,
      epsilon: this.norm1.epsilon,
      dtype,
    };
  }

  override describe() {
    return ['transformerDecoderLayer', this.attention.features, this.attention.heads, this.options] as const;
  }

  override foreignNames(): Readonly<Record<string, string>> {
    return {
      ...within('self_attn.', 'attention', this.attention),
      ...within('multihead_attn.', 'memoryAttention', this.memoryAttention),
    };
  }
}

/**
 * Self-attention (causal unless said otherwise), attention to a memory and a two-layer feed-forward network, each with a residual
 * connection, dropout and layer normalization (Vaswani et al. 2017): `[batch, time, features]` and `[batch, keys, features] →
 * [batch, time, features]`. PyTorch's layer is causal only where its call says so.
 *
 * ```ts
 * const layer = transformerDecoderLayer(64, 4, { normFirst: true });
 * const written = layer.forward(y, x); // x: what an encoder made of what was read
 * ```
 */
export function transformerDecoderLayer(
  features: number,
  heads: number,
  options: TransformerDecoderLayerOptions = {},
): TransformerDecoderLayer {
  return new TransformerDecoderLayer(features, heads, options);
}

/** Options of {@link transformerDecoder}. */
export interface TransformerDecoderOptions extends TransformerDecoderLayerOptions {
  /** Normalize once more behind the last layer, as models with `normFirst` need it. Default false. */
  readonly norm?: boolean;
}

/** See {@link transformerDecoder}. */
export class TransformerDecoder extends Module<[Tensor, Tensor, DecoderInputs?]> {
  readonly layers: readonly TransformerDecoderLayer[];
  readonly norm: LayerNorm | null;

  /** Use {@link transformerDecoder}. */
  constructor(features: number, heads: number, layers: number, options: TransformerDecoderOptions = {}) {
    super();
    checkOptions(
      'transformerDecoder',
      options,
      'norm feedForward dropout activation normFirst causal epsilon dtype',
    );
    const { norm = false, ...others } = options;
    checkCount(layers, 'transformerDecoder', 'layers');
    this.layers = Array.from({ length: layers }, () => new TransformerDecoderLayer(features, heads, others));
    const { epsilon, dtype } = this.layers[0].options;
    this.norm = norm ? new LayerNorm(features, { epsilon, dtype }) : null;
  }

  /**
   * @param x `[batch, time, features]`
   * @param memory what the encoder gave, `[batch, keys, features]`
   */
  override forward(x: Tensor, memory: Tensor, inputs: DecoderInputs = {}): Tensor {
    const last = this.layers.reduce((y, layer) => layer.forward(y, memory, inputs), x);
    return this.norm ? this.norm.forward(last) : last;
  }

  override describe() {
    const [{ attention, options }] = this.layers;
    const own = { norm: this.norm !== null, ...options };
    return ['transformerDecoder', attention.features, attention.heads, this.layers.length, own] as const;
  }
}

/**
 * Decoder layers one after the other, all of which look at the same memory: see {@link transformerDecoderLayer}.
 *
 * ```ts
 * const decoder = transformerDecoder(64, 4, 6, { normFirst: true, norm: true });
 * const written = decoder.forward(y, x);
 * ```
 */
export function transformerDecoder(
  features: number,
  heads: number,
  layers: number,
  options: TransformerDecoderOptions = {},
): TransformerDecoder {
  return new TransformerDecoder(features, heads, layers, options);
}

/** A layer that gets no memory, as in a `sequential`, says so. */
function checkMemory(memory: Tensor | undefined, layer: string): void {
  if (memory === undefined) {
    throw typeError(
      `${layer}: forward(x, memory) needs what is attended to, [batch, keys, features], as its second argument, got ${describeValue(memory)}`,
    );
  }
}

/** Names of an attention layer inside, with other names around. */
function within(theirs: string, own: string, attention: MultiHeadAttention): Record<string, string> {
  const names = Object.entries(attention.foreignNames());
  return Object.fromEntries(names.map(([name, variable]) => [theirs + name, `${own}.${variable}`]));
}
