/** Weights in 16 bits: what they take in a fine-tuning, and that nothing else changes. */
import { backward, compile } from '@ag/graph';
import { adam } from '@ag/optim';
import { evaluate, manualSeed, normal, reference, type Tensor, tensor, use, Variable } from '@ag/tensor';
import { nullBackend } from '@ag/tensor/testing';
import { afterEach, describe, expect, it } from 'vitest';
import * as nn from './index.ts';

class Gpt extends nn.Module {
  tokens: nn.Embedding;
  blocks: nn.TransformerEncoderLayer[];
  norm: nn.LayerNorm;
  constructor(vocabulary: number, features: number, layers: number) {
    super();
    this.tokens = nn.embedding(vocabulary, features);
    this.blocks = Array.from({ length: layers }, () =>
      nn.transformerEncoderLayer(features, 4, { normFirst: true, causal: true, dropout: 0 }),
    );
    this.norm = nn.layerNorm(features);
  }
  forward(index: Tensor): Tensor {
    const y = this.blocks.reduce((x, block) => block.forward(x), this.tokens.forward(index));
    return this.norm.forward(y).matmul(this.tokens.weight.value.transpose());
  }
}

const text = tensor([[5, 2, 7, 1, 0, 3, 6, 2, 4]], { dtype: 'int32' });
function lossOf(model: nn.Module): Tensor {
  const scores = model.forward(text.slice(0, -1, { axis: 1 })).flatten(0, 1);
  return nn.crossEntropy(scores, text.slice(1, undefined, { axis: 1 }).flatten());
}
afterEach(() => use(reference()));

describe('memory', () => {
  /** Most bytes that a device held. */
  async function peakOf(dtype: 'float16' | 'float32', run: (model: Gpt) => unknown): Promise<number> {
    const device = nullBackend();
    use(device);
    const model = nn.storeWeights(new Gpt(256, 128, 6), dtype);
    await run(model);
    return device.stats().peakBytes;
  }
  const tuned = (model: Gpt) => {
    const adapted = nn.lora(model, { rank: 8, seed: 1 });
    return { adapted, optimizer: adam(adapted.parameters(), { learningRate: 1e-3 }) };
  };
  const ways: readonly (readonly [string, (model: Gpt) => unknown])[] = [
    [
      'a step of training',
      async (model) => {
        const { adapted, optimizer } = tuned(model);
        for (let step = 0; step < 2; step++) {
          backward(lossOf(adapted));
          optimizer.step();
        }
      },
    ],
    [
      'a compiled step',
      async (model) => {
        const { adapted, optimizer } = tuned(model);
        const step = compile(() => {
          const loss = lossOf(adapted);
          backward(loss);
          optimizer.step();
          return loss;
        });
        for (let i = 0; i < 2; i++) await step().item();
      },
    ],
    [
      'a step whose loss is read first',
      async (model) => {
        const { adapted, optimizer } = tuned(model);
        for (let step = 0; step < 3; step++) {
          const loss = lossOf(adapted);
          await loss.item();
          backward(loss);
          optimizer.step();
        }
      },
    ],
    ['a prediction', (model) => lossOf(model.eval()).item()],
  ];
  it.each(ways)('of %s is at most 0.6 of that with float32', async (_, run) => {
    const [half, whole] = [await peakOf('float16', run), await peakOf('float32', run)];
    // All weights in float32 are 12 · 128² in each of the layers.
    expect(whole).toBeGreaterThan(4 * 6 * 12 * 128 * 128);
    expect(half / whole).toBeLessThanOrEqual(0.6);
  });
});

describe('numbers', () => {
  it('are to the bit those of float32 weights of the same values, trained too', async () => {
    const states = [true, false].map((stored) => {
      manualSeed(3);
      const model = new Gpt(80, 64, 1);
      nn.storeWeights(model, 'float16');
      if (!stored) nn.storeWeights(model, 'float32');
      const tuned = nn.lora(model, { rank: 2, seed: 1 });
      const optimizer = adam(tuned.parameters(), { learningRate: 1e-2 });
      const losses = [1, 2, 3].map(() => {
        const loss = lossOf(tuned);
        backward(loss);
        optimizer.step();
        return loss.itemSync();
      });
      expect(losses[2]).toBeLessThan(losses[0]);
      return { losses, state: Object.values(tuned.stateDict()).map((t) => [...t.dataSync()]) };
    });
    expect(states[0]).toEqual(states[1]);
  });

  it('merge, rounded to what is stored, and come back', () => {
    manualSeed(4);
    const model = nn.storeWeights(nn.sequential(nn.linear(96, 64)), 'float16');
    const tuned = nn.lora(model, { rank: 2, seed: 1 });
    for (const variable of tuned.parameters()) variable.assign(normal(variable.shape, { std: 0.1 }));
    const x = normal([3, 96]);
    const [apart, weight] = [tuned.forward(x).dataSync(), model.stateDict()['0.weight'].dataSync()];
    expect(model.stateDict()['0.weight'].dtype).toBe('float16');
    const merged = tuned.merge().forward(x).dataSync();
    // 96 terms, each off by at most 2⁻¹² of a weight.
    merged.forEach((y, i) => expect(Math.abs(y - apart[i])).toBeLessThan(5e-3));
    tuned.unmerge();
    expect(model.stateDict()['0.weight'].dataSync()).toEqual(weight);
  });
});

describe('storeWeights', () => {
  it('replaces weights with two axes, shared ones once, and says what trains', () => {
    class Tied extends nn.Module {
      list = [nn.embedding(4, 3), [nn.linear(3, 4)]] as const;
      norm = nn.batchNorm1d(4);
      constructor() {
        super();
        Reflect.set(this.list[1][0], 'weight', this.list[0].weight);
      }
      forward(x: Tensor): Tensor {
        return this.norm.forward(this.list[1][0].forward(this.list[0].forward(x)));
      }
    }
    const model = new Tied();
    const before = model.forward(tensor([0, 3], { dtype: 'int32' })).dataSync();
    expect(nn.storeWeights(model, 'bfloat16')).toBe(model);
    expect(model.list[1][0].weight).toBe(model.list[0].weight);
    expect(
      [...model.namedParameters()].map(([name, { dtype, trainable }]) => [name, dtype, trainable]),
    ).toEqual([
      ['list.0.weight', 'bfloat16', false],
      ['list.1.0.bias', 'float32', true],
      ['norm.weight', 'float32', true],
      ['norm.bias', 'float32', true],
    ]);
    const after = model.forward(tensor([0, 3], { dtype: 'int32' })).dataSync();
    before.forEach((y, i) => expect(after[i]).toBeCloseTo(y, 1));
    nn.storeWeights(model, 'float32');
    expect(model.parameters().every(({ trainable }) => trainable)).toBe(true);
  });

  it('saves and loads what is stored', async () => {
    const model = nn.storeWeights(nn.sequential(nn.linear(3, 2)), 'float16');
    const bytes = await nn.saveSafetensors(model.stateDict());
    const { tensors } = nn.loadSafetensors(bytes, { stored: true });
    expect(tensors['0.weight'].dtype).toBe('float16');
    const other = nn.storeWeights(nn.sequential(nn.linear(3, 2)), 'float16').loadStateDict(tensors);
    expect(other.stateDict()['0.weight'].dataSync()).toEqual(tensors['0.weight'].dataSync());
  });

  it('refuses integers, weights it cannot replace, and models with adapters', () => {
    expect(() => nn.storeWeights(nn.linear(2, 2), 'int8')).toThrow(
      /float16, bfloat16, float32 or float64, got int8/,
    );
    class Hidden extends nn.Module {
      readonly #weight = new Variable(normal([2, 2]));
      override *members() {
        yield ['weight', this.#weight] as const;
      }
      forward(x: Tensor): Tensor {
        return x.matmul(this.#weight.value);
      }
    }
    expect(() => nn.storeWeights(new Hidden(), 'float16')).toThrow(/'weight' is in no public field/);
    const model = nn.sequential(nn.linear(4, 4));
    nn.lora(model);
    expect(() => nn.storeWeights(model, 'float16')).toThrow(/store weights before lora\(model\)/);
    evaluate([model.parameters()[0].value]);
  });
});
