/**
 * A small GPT.
 *
 * Characters and places become vectors, blocks of attention mix them, and scores say which is next.
 */
import {
  type Embedding,
  embedding,
  type Linear,
  linear,
  Module,
  type TransformerEncoderLayer,
  transformerEncoderLayer,
} from '@ag/nn';
import { arange, type Tensor } from '@ag/tensor';

/** The sizes of one. */
export interface GptSizes {
  readonly characters: number;
  /** The most characters it looks back on, the last included. */
  readonly context: number;
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
}

export class Gpt extends Module {
  readonly letters: Embedding;
  readonly places: Embedding;
  readonly blocks: readonly TransformerEncoderLayer[];
  readonly scores: Linear;

  constructor({ characters, context, width, layers, heads }: GptSizes) {
    super();
    this.letters = embedding(characters, width);
    this.places = embedding(context, width);
    const options = { causal: true, normFirst: true, dropout: 0, activation: 'gelu' } as const;
    this.blocks = Array.from({ length: layers }, () => transformerEncoderLayer(width, heads, options));
    this.scores = linear(width, characters);
  }

  /** Scores of the character after each: `[batch, time] → [batch, time, characters]`. */
  override forward(x: Tensor): Tensor {
    return this.scores.forward(this.blocks.reduce((y, block) => block.forward(y), this.#begin(x)));
  }

  /** The same scores, and by block who looked at whom, `[batch, heads, time, time]`. */
  look(x: Tensor): { readonly scores: Tensor; readonly attention: readonly Tensor[] } {
    let y = this.#begin(x);
    const attention = this.blocks.map((block) => {
      const { output, weights } = block.attention.forwardWithWeights(block.norm1.forward(y), {
        causal: true,
      });
      y = y.add(output);
      y = y.add(block.linear2.forward(block.linear1.forward(block.norm2.forward(y)).gelu()));
      return weights;
    });
    return { scores: this.scores.forward(y), attention };
  }

  #begin(x: Tensor): Tensor {
    const places = arange(x.shape[1]).cast('int32');
    return this.letters.forward(x).add(this.places.forward(places));
  }
}
