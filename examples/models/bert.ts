/**
 * BERT (Devlin et al. 2019) with the names that Hugging Face's files have: `BertForMaskedLM`, which says what stands where a word is
 * masked. Fields are those names in camel case: `bert.encoder.layer.0.attention.self.query.weight`.
 */
import * as nn from '@ag/nn';
import { arange, type Tensor, Variable, zeros } from '@ag/tensor';

export interface BertConfig {
  readonly vocabulary: number;
  readonly positions: number;
  readonly features: number;
  readonly heads: number;
  readonly layers: number;
  /** Width of the networks. Default 4 · features. */
  readonly feedForward?: number;
  /** Kinds of sentences. Default 2. */
  readonly types?: number;
  /** Default 0.1, in training. */
  readonly dropout?: number;
}

/** The published sizes. */
export const sizes = {
  'bert-base-uncased': { vocabulary: 30522, positions: 512, features: 768, heads: 12, layers: 12 },
  'bert-large-uncased': { vocabulary: 30522, positions: 512, features: 1024, heads: 16, layers: 24 },
} as const satisfies Record<string, BertConfig>;

export interface BertInputs {
  /** 0 for the first sentence, 1 for the second, `[batch, time]`. Default 0. */
  readonly types?: Tensor;
  /** True where a token counts, `[batch, time]`. */
  readonly mask?: Tensor;
}

const epsilon = 1e-12;

/** This one name of the files begins with a capital letter. */
const names = { 'LayerNorm.weight': 'LayerNorm.weight', 'LayerNorm.bias': 'LayerNorm.bias' };

class Embeddings extends nn.Module<[Tensor, Tensor?]> {
  readonly wordEmbeddings: nn.Embedding;
  readonly positionEmbeddings: nn.Embedding;
  readonly tokenTypeEmbeddings: nn.Embedding;
  readonly LayerNorm: nn.LayerNorm;
  readonly drop: nn.Dropout;

  constructor({ vocabulary, positions, features, types = 2, dropout = 0.1 }: BertConfig) {
    super();
    const weightInit: nn.Initializer = (shape, options) => nn.init.normal(shape, { ...options, std: 0.02 });
    this.wordEmbeddings = nn.embedding(vocabulary, features, { weightInit });
    this.positionEmbeddings = nn.embedding(positions, features, { weightInit });
    this.tokenTypeEmbeddings = nn.embedding(types, features, { weightInit });
    this.LayerNorm = nn.layerNorm(features, { epsilon });
    this.drop = nn.dropout(dropout);
  }

  override forward(tokens: Tensor, types?: Tensor): Tensor {
    const positions = arange(0, tokens.shape[1], 1, { dtype: 'int32' });
    const kinds = this.tokenTypeEmbeddings.forward(types ?? tokens.mul(0));
    const sum = this.wordEmbeddings
      .forward(tokens)
      .add(kinds)
      .add(this.positionEmbeddings.forward(positions));
    return this.drop.forward(this.LayerNorm.forward(sum));
  }

  override foreignNames() {
    return names;
  }
}

/** A linear layer, then a shortcut around what came before it, normalized. */
class Output extends nn.Module<[Tensor, Tensor]> {
  readonly dense: nn.Linear;
  readonly LayerNorm: nn.LayerNorm;
  readonly drop: nn.Dropout;

  constructor(inputs: number, { features, dropout = 0.1 }: BertConfig) {
    super();
    this.dense = nn.linear(inputs, features);
    this.LayerNorm = nn.layerNorm(features, { epsilon });
    this.drop = nn.dropout(dropout);
  }

  override forward(x: Tensor, around: Tensor): Tensor {
    return this.LayerNorm.forward(around.add(this.drop.forward(this.dense.forward(x))));
  }

  override foreignNames() {
    return names;
  }
}

class SelfAttention extends nn.Module<[Tensor, Tensor?]> {
  readonly heads: number;
  readonly query: nn.Linear;
  readonly key: nn.Linear;
  readonly value: nn.Linear;

  constructor({ features, heads }: BertConfig) {
    super();
    this.heads = heads;
    [this.query, this.key, this.value] = [0, 1, 2].map(() => nn.linear(features, features)) as [
      nn.Linear,
      nn.Linear,
      nn.Linear,
    ];
  }

  override forward(x: Tensor, mask?: Tensor): Tensor {
    const [batch, time, features] = x.shape as [number, number, number];
    const [q, k, v] = [this.query, this.key, this.value].map((layer) =>
      layer
        .forward(x)
        .reshape([batch, time, this.heads, features / this.heads])
        .transpose(1, 2),
    ) as [Tensor, Tensor, Tensor];
    const seen = mask ? { mask: mask.cast('bool').reshape([batch, 1, 1, time]) } : {};
    return nn.scaledDotProductAttention(q, k, v, seen).transpose(1, 2).reshape([batch, time, features]);
  }
}

class Attention extends nn.Module<[Tensor, Tensor?]> {
  readonly self: SelfAttention;
  readonly output: Output;

  constructor(config: BertConfig) {
    super();
    this.self = new SelfAttention(config);
    this.output = new Output(config.features, config);
  }

  override forward(x: Tensor, mask?: Tensor): Tensor {
    return this.output.forward(this.self.forward(x, mask), x);
  }
}

class Intermediate extends nn.Module {
  readonly dense: nn.Linear;

  constructor({ features, feedForward = 4 * features }: BertConfig) {
    super();
    this.dense = nn.linear(features, feedForward);
  }

  override forward(x: Tensor): Tensor {
    return this.dense.forward(x).gelu();
  }
}

class Layer extends nn.Module<[Tensor, Tensor?]> {
  readonly attention: Attention;
  readonly intermediate: Intermediate;
  readonly output: Output;

  constructor(config: BertConfig) {
    super();
    this.attention = new Attention(config);
    this.intermediate = new Intermediate(config);
    this.output = new Output(config.feedForward ?? 4 * config.features, config);
  }

  override forward(x: Tensor, mask?: Tensor): Tensor {
    const seen = this.attention.forward(x, mask);
    return this.output.forward(this.intermediate.forward(seen), seen);
  }
}

class Encoder extends nn.Module<[Tensor, Tensor?]> {
  readonly layer: readonly Layer[];

  constructor(config: BertConfig) {
    super();
    this.layer = Array.from({ length: config.layers }, () => new Layer(config));
  }

  override forward(x: Tensor, mask?: Tensor): Tensor {
    return this.layer.reduce((y, layer) => layer.forward(y, mask), x);
  }
}

/** `[batch, time] → [batch, time, features]`. */
export class BertModel extends nn.Module<[Tensor, BertInputs?]> {
  readonly embeddings: Embeddings;
  readonly encoder: Encoder;

  constructor(config: BertConfig) {
    super();
    this.embeddings = new Embeddings(config);
    this.encoder = new Encoder(config);
  }

  override forward(tokens: Tensor, { types, mask }: BertInputs = {}): Tensor {
    return this.encoder.forward(this.embeddings.forward(tokens, types), mask);
  }
}

class Transform extends nn.Module {
  readonly dense: nn.Linear;
  readonly LayerNorm: nn.LayerNorm;

  constructor({ features }: BertConfig) {
    super();
    this.dense = nn.linear(features, features);
    this.LayerNorm = nn.layerNorm(features, { epsilon });
  }

  override forward(x: Tensor): Tensor {
    return this.LayerNorm.forward(this.dense.forward(x).gelu());
  }

  override foreignNames() {
    return names;
  }
}

class Predictions extends nn.Module<[Tensor, Tensor]> {
  readonly transform: Transform;
  readonly bias: Variable;

  constructor(config: BertConfig) {
    super();
    this.transform = new Transform(config);
    this.bias = new Variable(zeros([config.vocabulary]), { name: 'bias' });
  }

  /** @param words the embedding of words, whose weight is that of the output layer too */
  override forward(x: Tensor, words: Tensor): Tensor {
    return this.transform.forward(x).matmul(words.transpose()).add(this.bias.value);
  }
}

class Head extends nn.Module<[Tensor, Tensor]> {
  readonly predictions: Predictions;

  constructor(config: BertConfig) {
    super();
    this.predictions = new Predictions(config);
  }

  override forward(x: Tensor, words: Tensor): Tensor {
    return this.predictions.forward(x, words);
  }
}

/** Scores of each word at each place, `[batch, time] → [batch, time, vocabulary]`. */
export class BertForMaskedLM extends nn.Module<[Tensor, BertInputs?]> {
  readonly bert: BertModel;
  readonly cls: Head;

  constructor(config: BertConfig) {
    super();
    this.bert = new BertModel(config);
    this.cls = new Head(config);
  }

  override forward(tokens: Tensor, inputs: BertInputs = {}): Tensor {
    return this.cls.forward(
      this.bert.forward(tokens, inputs),
      this.bert.embeddings.wordEmbeddings.weight.value,
    );
  }

  /** Weights of a file: its pooler, its other head and the copy of the embedding are left out; older files say gamma and beta. */
  load(state: nn.StateDict): this {
    const rename = (name: string): string | null => {
      if (/position_ids$|\.pooler\.|seq_relationship|^cls\.predictions\.decoder\./.test(name)) return null;
      return name.replace(/\.gamma$/, '.weight').replace(/\.beta$/, '.bias');
    };
    return this.loadStateDict(state, { rename });
  }
}
