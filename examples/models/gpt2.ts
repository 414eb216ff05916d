/**
 * GPT-2 (Radford et al. 2019) with the names that Hugging Face's files have, so that `model.safetensors` of `gpt2` and its sisters
 * loads as it is. Fields are those names in camel case: `transformer.h.0.ln_1.weight` is `transformer.h[0].ln1.weight`.
 */
import * as nn from '@ag/nn';
import { arange, type Tensor, Variable, zeros } from '@ag/tensor';

export interface GPT2Config {
  readonly vocabulary: number;
  /** Most tokens of a text. */
  readonly positions: number;
  readonly features: number;
  readonly heads: number;
  readonly layers: number;
  /** Default 0.1, in training. */
  readonly dropout?: number;
}

/** The published sizes. */
export const sizes = {
  gpt2: { vocabulary: 50257, positions: 1024, features: 768, heads: 12, layers: 12 },
  'gpt2-medium': { vocabulary: 50257, positions: 1024, features: 1024, heads: 16, layers: 24 },
  'gpt2-large': { vocabulary: 50257, positions: 1024, features: 1280, heads: 20, layers: 36 },
  'gpt2-xl': { vocabulary: 50257, positions: 1024, features: 1600, heads: 25, layers: 48 },
} as const satisfies Record<string, GPT2Config>;

type Inputs = { readonly cache?: nn.KeyValueCache };

/** A linear layer whose weight is [inputs, outputs], as GPT-2's files have it. */
class Conv1D extends nn.Module {
  readonly weight: Variable;
  readonly bias: Variable;

  constructor(inputs: number, outputs: number) {
    super();
    this.weight = new Variable(nn.init.normal([inputs, outputs], { std: 0.02 }), { name: 'weight' });
    this.bias = new Variable(zeros([outputs]), { name: 'bias' });
  }

  override forward(x: Tensor): Tensor {
    return x.matmul(this.weight.value).add(this.bias.value);
  }

  override matrices() {
    return { weight: 'inputsFirst' } as const;
  }
}

class Attention extends nn.Module<[Tensor, Inputs?]> {
  readonly heads: number;
  readonly cAttn: Conv1D;
  readonly cProj: Conv1D;

  constructor({ features, heads }: GPT2Config) {
    super();
    this.heads = heads;
    this.cAttn = new Conv1D(features, 3 * features);
    this.cProj = new Conv1D(features, features);
  }

  override forward(x: Tensor, { cache }: Inputs = {}): Tensor {
    const [batch, time, features] = x.shape as [number, number, number];
    const split = (part: Tensor): Tensor => part.reshape([batch, time, this.heads, features / this.heads]);
    const all = this.cAttn.forward(x);
    const [q, k, v] = [0, 1, 2].map((i) =>
      split(all.slice(i * features, (i + 1) * features, { axis: 2 })),
    ) as [Tensor, Tensor, Tensor];
    const known = cache ? cache.write(this, k, v) : { keys: k, values: v };
    const heads = [q, known.keys, known.values].map((part) => part.transpose(1, 2)) as [
      Tensor,
      Tensor,
      Tensor,
    ];
    const seen = cache ? { mask: cache.seen(time) } : { causal: true };
    return this.cProj.forward(
      nn
        .scaledDotProductAttention(...heads, seen)
        .transpose(1, 2)
        .reshape([batch, time, features]),
    );
  }
}

class Network extends nn.Module {
  readonly cFc: Conv1D;
  readonly cProj: Conv1D;

  constructor({ features }: GPT2Config) {
    super();
    this.cFc = new Conv1D(features, 4 * features);
    this.cProj = new Conv1D(4 * features, features);
  }

  override forward(x: Tensor): Tensor {
    return this.cProj.forward(this.cFc.forward(x).gelu('tanh'));
  }
}

class Block extends nn.Module<[Tensor, Inputs?]> {
  readonly ln1: nn.LayerNorm;
  readonly attn: Attention;
  readonly ln2: nn.LayerNorm;
  readonly mlp: Network;
  readonly drop: nn.Dropout;

  constructor(config: GPT2Config) {
    super();
    this.ln1 = nn.layerNorm(config.features);
    this.attn = new Attention(config);
    this.ln2 = nn.layerNorm(config.features);
    this.mlp = new Network(config);
    this.drop = nn.dropout(config.dropout ?? 0.1);
  }

  override forward(x: Tensor, inputs: Inputs = {}): Tensor {
    const y = x.add(this.drop.forward(this.attn.forward(this.ln1.forward(x), inputs)));
    return y.add(this.drop.forward(this.mlp.forward(this.ln2.forward(y))));
  }

  /** Numbers behind an underscore, which snake case does not give. */
  override foreignNames() {
    const names = ['1', '2'].flatMap((i) =>
      ['weight', 'bias'].map((part) => [`ln_${i}.${part}`, `ln${i}.${part}`]),
    );
    return Object.fromEntries(names);
  }
}

/** Without the layer that gives scores: what Hugging Face calls `GPT2Model`. */
class Transformer extends nn.Module<[Tensor, Inputs?]> {
  readonly wte: nn.Embedding;
  readonly wpe: nn.Embedding;
  readonly h: readonly Block[];
  readonly lnF: nn.LayerNorm;

  constructor(config: GPT2Config) {
    super();
    const weightInit: nn.Initializer = (shape, options) => nn.init.normal(shape, { ...options, std: 0.02 });
    this.wte = nn.embedding(config.vocabulary, config.features, { weightInit });
    this.wpe = nn.embedding(config.positions, config.features, { weightInit });
    this.h = Array.from({ length: config.layers }, () => new Block(config));
    this.lnF = nn.layerNorm(config.features);
  }

  override forward(tokens: Tensor, { cache }: Inputs = {}): Tensor {
    const time = tokens.shape[1];
    const positions = cache ? cache.positions(time) : arange(0, time, 1, { dtype: 'int32' });
    const x = this.wte.forward(tokens).add(this.wpe.forward(positions));
    return this.lnF.forward(this.h.reduce((y, block) => block.forward(y, cache ? { cache } : {}), x));
  }
}

/** Scores of the next token, `[batch, time] → [batch, time, vocabulary]`: what Hugging Face calls `GPT2LMHeadModel`. */
export class GPT2 extends nn.Module<[Tensor, Inputs?]> implements nn.LanguageModel {
  readonly transformer: Transformer;
  readonly maxLength: number;

  constructor(config: GPT2Config) {
    super();
    this.transformer = new Transformer(config);
    this.maxLength = config.positions;
  }

  override forward(tokens: Tensor, inputs: Inputs = {}): Tensor {
    // The output layer's weight is that of the embedding.
    return this.transformer.forward(tokens, inputs).matmul(this.transformer.wte.weight.value.transpose());
  }

  /** Continues a text of tokens: see `generate` of @ag/nn. */
  generate(prompt: readonly number[], options: nn.GenerateOptions = {}): nn.Generation {
    return nn.generate(this, prompt, options);
  }

  /** Weights of a file, whose names may lack the first part; masks, and the copy of the embedding, are left out. */
  load(state: nn.StateDict): this {
    const rename = (name: string): string | null => {
      if (/\.attn\.(masked_)?bias$|^lm_head\.weight$/.test(name)) return null;
      return name.startsWith('transformer.') ? name : `transformer.${name}`;
    };
    return this.loadStateDict(state, { rename });
  }
}

/** The sizes of the model of a file. @param heads is not to be seen in it; all published models have 64 features in each */
export function configOf(state: nn.StateDict, heads?: number): GPT2Config {
  const shapes = new Map(
    Object.entries(state).map(([name, { shape }]) => [name.replace(/^transformer\./, ''), shape]),
  );
  const [vocabulary, features] = shapes.get('wte.weight')!;
  const layers = new Set([...shapes.keys()].flatMap((name) => /^h\.(\d+)\./.exec(name)?.[1] ?? [])).size;
  return {
    vocabulary,
    positions: shapes.get('wpe.weight')![0],
    features,
    heads: heads ?? features / 64,
    layers,
  };
}
