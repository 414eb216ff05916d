/**
 * The transformer encoder layer: attention, then a small network, each with a shortcut.
 */

import type { DType, Tensor } from '@ag/tensor';
import { checkOptions } from '@ag/tensor/engine';
import { type AttentionInputs, MultiHeadAttention } from './attention.ts';
import { checkProbability } from './check.ts';
import { dropped } from './dropout.ts';
import { Linear } from './linear.ts';
import { Module } from './module.ts';
import { LayerNorm } from './norm.ts';

/** Options of {@link transformerEncoderLayer}. */
export interface TransformerEncoderLayerOptions {
  /** Width of the feed-forward network. Default 4 · features. */
  readonly feedForward?: number;
  /** Probability of leaving out activations in training mode. Default 0.1. */
  readonly dropout?: number;
  /** Default 'relu'. */
  readonly activation?: 'relu' | 'gelu';
  /** Normalize before attention and network (Xiong et al. 2020, easier to train) or after. Default false. */
  readonly normFirst?: boolean;
  /** Causal mask: each position attends to itself and to earlier ones, as in language models. Default false. */
  readonly causal?: boolean;
  /** Added to the variance in normalization. Default 1e-5. */
  readonly epsilon?: number;
  /** Default float32. */
  readonly dtype?: DType;
}

/** See {@link transformerEncoderLayer}. */
export class TransformerEncoderLayer extends Module<[Tensor, AttentionInputs?]> {
  readonly attention: MultiHeadAttention;
  readonly linear1: Linear;
  readonly linear2: Linear;
  readonly norm1: LayerNorm;
  readonly norm2: LayerNorm;
  readonly dropout: number;
  readonly activation: 'relu' | 'gelu';
  readonly normFirst: boolean;
  readonly causal: boolean;

  /** Use {@link transformerEncoderLayer}. */
  constructor(features: number, heads: number, options: TransformerEncoderLayerOptions = {}) {
    super();
    checkOptions(
      'transformerEncoderLayer',
      options,
      'feedForward dropout activation normFirst causal epsilon dtype',
    );
    const {
      feedForward = 4 * features,
      dropout = 0.1,
      activation = 'relu',
      dtype = 'float32',
      epsilon = 1e-5,
    } = options;
    this.attention = new MultiHeadAttention(features, heads, { dropout, dtype });
    this.linear1 = new Linear(features, feedForward, { dtype });
    this.linear2 = new Linear(feedForward, features, { dtype });
    this.norm1 = new LayerNorm(features, { epsilon, dtype });
    this.norm2 = new LayerNorm(features, { epsilon, dtype });
    this.dropout = checkProbability(dropout, 'transformerEncoderLayer');
    this.activation = activation;
    this.normFirst = options.normFirst ?? false;
    this.causal = options.causal ?? false;
  }

  /** @param x `[batch, time, features]` */
  override forward(x: Tensor, mask: AttentionInputs = {}): Tensor {
    const inputs = { causal: this.causal, ...mask };
    if (this.normFirst) {
      const y = x.add(thinned(this, this.attention.forward(this.norm1.forward(x), inputs)));
      return y.add(feedForward(this, this.norm2.forward(y)));
    }
    const y = this.norm1.forward(x.add(thinned(this, this.attention.forward(x, inputs))));
    return this.norm2.forward(y.add(feedForward(this, y)));
  }

  override describe() {
    const { dropout, activation, normFirst, causal } = this;
    const { epsilon } = this.norm1;
    const options = {
      feedForward: this.linear1.outFeatures,
      dropout,
      activation,
      normFirst,
      causal,
      epsilon,
      dtype: this.linear1.weight.dtype,
    };
    return ['transformerEncoderLayer', this.attention.features, this.attention.heads, options] as const;
  }

  override foreignNames() {
    return {
      'self_attn.in_proj_weight': 'attention.inputWeight',
      'self_attn.in_proj_bias': 'attention.inputBias',
      'self_attn.out_proj.weight': 'attention.output.weight',
      'self_attn.out_proj.bias': 'attention.output.bias',
    };
  }
}

/** The network of a layer of encoder or decoder. */
interface FeedForward {
  readonly linear1: Linear;
  readonly linear2: Linear;
  readonly activation: 'relu' | 'gelu';
  readonly dropout: number;
  readonly training: boolean;
}

export function feedForward(layer: FeedForward, x: Tensor): Tensor {
  const wide = layer.linear1.forward(x);
  const active = layer.activation === 'gelu' ? wide.gelu() : wide.relu();
  return thinned(layer, layer.linear2.forward(thinned(layer, active)));
}

/** Dropout where a layer is in training mode. */
export function thinned({ training, dropout }: Pick<FeedForward, 'training' | 'dropout'>, x: Tensor): Tensor {
  return training ? dropped(x, dropout) : x;
}

/**
 * Self-attention and a two-layer feed-forward network, each with a residual connection, dropout and layer normalization (Vaswani
 * et al. 2017): `[batch, time, features] → [batch, time, features]`.
 */
export function transformerEncoderLayer(
  features: number,
  heads: number,
  options: TransformerEncoderLayerOptions = {},
): TransformerEncoderLayer {
  return new TransformerEncoderLayer(features, heads, options);
}
