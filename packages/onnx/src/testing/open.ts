/**
 * Models whose batch and length stay open, with inputs of several sizes.
 */
import * as nn from '@ag/nn';
import { type DType, manualSeed, normal, randint, type Tensor } from '@ag/tensor';

export interface OpenExample {
  readonly name: string;
  readonly model: nn.AnyModule;
  /** For a placeholder. */
  readonly sizes: readonly (number | string | null)[];
  readonly dtype: DType;
  readonly inputs: readonly Tensor[];
}

class CausalAttention extends nn.Module {
  attention = nn.multiHeadAttention(8, 2);
  forward(x: Tensor): Tensor {
    return this.attention.forward(x, { causal: true });
  }
}

/** Tokens to the mean of what a transformer makes of them. */
class Encoder extends nn.Module {
  tokens = nn.embedding(11, 8);
  layer = nn.transformerEncoderLayer(8, 2, { activation: 'gelu' });
  head = nn.linear(8, 3);
  forward(x: Tensor): Tensor {
    return this.head.forward(this.layer.forward(this.tokens.forward(x)).mean(1));
  }
}

class Flattened extends nn.Module {
  inner = nn.linear(4, 6);
  forward(x: Tensor): Tensor {
    const rows = this.inner.forward(x.flatten(0, 1));
    return rows.reshape([x.shape[0], x.shape[1], 2, 3]).transpose(1, 2);
  }
}

class Tagger extends nn.Module {
  tokens = nn.embedding(11, 5);
  recurrent = nn.gru(5, 4, { layers: 2, bidirectional: true });
  head = nn.linear(8, 3);
  forward(x: Tensor): Tensor {
    return this.head.forward(this.recurrent.forward(this.tokens.forward(x)));
  }
}

/** The examples, the same at each call. */
export function openExamples(): OpenExample[] {
  manualSeed(8);
  const lengths = [
    [2, 3],
    [1, 1],
    [3, 26],
  ];
  const sequences = (
    name: string,
    model: nn.AnyModule,
    features: number,
    sizes: readonly (string | null)[] = ['batch', 'length'],
  ): OpenExample => ({
    name,
    model,
    sizes: [...sizes, features],
    dtype: 'float32',
    inputs: lengths.map(([batch, length]) => normal([batch, length, features])),
  });
  const tokens = (name: string, model: nn.AnyModule): OpenExample => ({
    name,
    model,
    sizes: ['batch', 'length'],
    dtype: 'int32',
    inputs: lengths.map(([batch, length]) => randint([batch, length], 0, 11)),
  });
  return [
    sequences('linear', nn.linear(3, 4), 3),
    sequences('linear, without names', nn.linear(3, 4), 3, [null, null]),
    sequences('layerNorm', nn.layerNorm(6), 6),
    sequences('rmsNorm', nn.rmsNorm(6), 6),
    sequences('softmax', nn.softmax(), 4),
    sequences('rnn', nn.rnn(3, 4), 3),
    sequences('lstm', nn.lstm(3, 4, { bidirectional: true }), 3),
    sequences('gru', nn.gru(3, 4, { layers: 2 }), 3),
    sequences('multiHeadAttention', nn.multiHeadAttention(8, 2), 8),
    sequences('causal attention', new CausalAttention(), 8),
    sequences(
      'transformerEncoderLayer',
      nn.transformerEncoderLayer(8, 2, { normFirst: true, causal: true, activation: 'gelu' }),
      8,
    ),
    sequences('flattened', new Flattened(), 4),
    tokens('embedding', nn.embedding(11, 3)),
    tokens('encoder', new Encoder()),
    tokens('tagger', new Tagger()),
  ];
}
