/**
 * GPT-2 and BERT against Hugging Face's own classes: names, scores, what they write; and what is promised of writing with a cache, of
 * drawing, and of tuning by few numbers.
 */
import { readFileSync } from 'node:fs';
import { backward } from '@ag/graph';
import * as nn from '@ag/nn';
import { adam } from '@ag/optim';
import { manualSeed, sizeOf, stats, type Tensor, tensor } from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import { BertForMaskedLM } from './bert.ts';
import { configOf, GPT2, sizes } from './gpt2.ts';

type Names = readonly (readonly [string, number[]])[];
const expected = JSON.parse(readFileSync(new URL('models.json', import.meta.url), 'utf8')) as {
  readonly tokens: number[][];
  readonly gpt2: { names: Names; scores: number[]; prompt: number[]; written: number[]; beams: number[] };
  readonly bert: { names: Names; scores: number[]; mask: number[][]; types: number[][] };
};
const integers = (data: number[][]): Tensor => tensor(data, { dtype: 'int32' });
const tokens = integers(expected.tokens);
const small = { vocabulary: 11, positions: 16, features: 12, heads: 3, layers: 2 };

/** The weights of models.py. */
function weights(names: Names): Record<string, Tensor> {
  const entries = names.map(([name, shape], seed) => {
    const offset = name.endsWith('weight') && /ln_|LayerNorm/.test(name) ? 1 : 0;
    const value = (_: unknown, i: number): number => offset + 0.2 * Math.sin(1 + seed + 12.9898 * i);
    return [name, tensor(Float32Array.from({ length: sizeOf(shape) }, value), { shape })] as const;
  });
  return Object.fromEntries(entries);
}

function expectScores(found: Tensor, scores: readonly number[]): void {
  const data = found.dataSync();
  expect(data.length).toBe(scores.length);
  const off = Math.max(...scores.map((value, i) => Math.abs(value - data[i])));
  expect(off).toBeLessThan(1e-4);
}

const gpt = (): GPT2 => new GPT2(small).load(weights(expected.gpt2.names)).eval();

describe('GPT-2', () => {
  it('has the names and scores of Hugging Face', () => {
    const model = gpt();
    const shapes = Object.entries(nn.torchStateDict(model)).map(([name, { shape }]) => [name, [...shape]]);
    expect(shapes.sort()).toEqual([...expected.gpt2.names].sort());
    expectScores(model.forward(tokens), expected.gpt2.scores);
  });

  it('loads files whose names lack the first part, and reads its sizes there', () => {
    const state = weights(
      expected.gpt2.names.map(([name, shape]) => [name.replace('transformer.', ''), shape]),
    );
    const more = { ...state, 'h.0.attn.bias': tensor([1]), 'lm_head.weight': state['wte.weight'] };
    const config = configOf(more, 3);
    expect(config).toEqual(small);
    expectScores(new GPT2(config).load(more).eval().forward(tokens), expected.gpt2.scores);
  });

  it('writes what Hugging Face writes, with a cache and without, and along beams', async () => {
    const { prompt, written, beams } = expected.gpt2;
    const model = gpt();
    for (const useCache of [true, false]) {
      expect(await model.generate(prompt, { maxTokens: 9, useCache }).all()).toEqual(written);
      expect(await model.generate(prompt, { maxTokens: 6, beams: 4, useCache }).all()).toEqual(beams);
    }
  });
});

/** A model with room for long texts. */
const long = (): GPT2 => {
  manualSeed(2);
  const model = new GPT2({ vocabulary: 40, positions: 200, features: 24, heads: 4, layers: 2 });
  for (const variable of model.parameters()) variable.assign(variable.value.mul(8));
  return model; // in training mode, which writing does not mind
};
const text = (length: number): number[] => Array.from({ length }, (_, i) => (7 * i * i + i) % 40);

describe('writing', () => {
  it('draws the same with a cache and without, by the seed', async () => {
    const model = long();
    const options = { temperature: 0.9, topK: 20, topP: 0.9, maxTokens: 12, seed: 5 };
    for (const length of [1, 31, 32, 33, 70]) {
      const first = await model.generate(text(length), options).all();
      expect(first).toHaveLength(12);
      expect(await model.generate(text(length), { ...options, useCache: false }).all()).toEqual(first);
      expect(await model.generate(text(length), { ...options, seed: 6 }).all()).not.toEqual(first);
    }
    expect(model.training && model.transformer.training).toBe(true);
    const greedy = await model.generate(text(5), { maxTokens: 8 }).all();
    expect(await model.generate(text(5), { maxTokens: 8, temperature: 3, topK: 1 }).all()).toEqual(greedy);
    expect(await model.generate(text(5), { maxTokens: 8, temperature: 3, topP: 1e-6 }).all()).toEqual(greedy);
  });

  it('makes no plan anew for longer texts', async () => {
    const model = long();
    const write = async (length: number, maxTokens: number): Promise<void> => {
      for await (const _ of model.generate(text(length), { maxTokens, temperature: 1 }));
    };
    await write(3, 3);
    await write(40, 3);
    const { plans } = stats();
    await write(2, 40);
    await write(58, 6);
    expect(stats().plans).toBe(plans);
  });

  it('ends at a token, at the room there is, and when it is told to', async () => {
    const model = long();
    const whole = await model.generate(text(5), { maxTokens: 10 }).all();
    const at = whole.findIndex((token) => token !== whole[0]);
    expect(await model.generate(text(5), { maxTokens: 10, stop: whole[at] }).all()).toEqual(
      whole.slice(0, at),
    );
    expect(await model.generate(text(195), { maxTokens: 10 }).all()).toHaveLength(5);
    expect(() => model.generate(text(200))).toThrow(
      'the prompt has 200 tokens, and the model can tell 200 apart',
    );
    const control = new AbortController();
    const seen: number[] = [];
    const run = async (): Promise<void> => {
      for await (const token of model.generate(text(5), { maxTokens: 10, signal: control.signal })) {
        seen.push(token);
        if (seen.length === 3) control.abort(new Error('enough'));
      }
    };
    await expect(run()).rejects.toThrow('enough');
    expect(seen).toEqual(whole.slice(0, 3));
  });

  it('follows beams to the most probable text', async () => {
    const model = gpt();
    const [size, length] = [11, 3];
    // All texts of three tokens, by their log-probabilities.
    const all = Array.from({ length: size ** length }, (_, i) => [
      Math.floor(i / size ** 2),
      Math.floor(i / size) % size,
      i % size,
    ]);
    const rows = integers(all.map((tail) => [3, 1, 4, ...tail]));
    const chances = model.forward(rows).logSoftmax(-1).dataSync();
    const sums = all.map((tail, row) =>
      tail.reduce((sum, token, i) => sum + chances[(row * 6 + 2 + i) * size + token], 0),
    );
    const best = all[sums.indexOf(Math.max(...sums))];
    expect(await model.generate([3, 1, 4], { maxTokens: length, beams: size ** 2 }).all()).toEqual(best);
    // With its second token as an end, nothing behind it counts.
    const ended = await model
      .generate([3, 1, 4], { maxTokens: length, beams: size ** 2, stop: best[1] })
      .all();
    expect(ended).not.toContain(best[1]);
  });

  it('refuses what it cannot do', () => {
    const model = long();
    const refused: [() => unknown, string][] = [
      [() => model.generate([]), 'the prompt is empty'],
      [() => model.generate([1.5]), 'the prompt must be an array of whole numbers'],
      [() => model.generate([1], { temperature: -1 }), 'temperature must be 0 (greedy) or above, got -1'],
      [() => model.generate([1], { topP: 0.5 }), 'without a temperature nothing is drawn'],
      [() => model.generate([1], { temperature: 1, topP: 90 }), 'for 90 % give 0.9'],
      [() => model.generate([1], { temperature: 1, beams: 2 }), 'leave the temperature out'],
    ];
    for (const [call, message] of refused) expect(call, message).toThrow(message);
    const deaf = { forward: (x: Tensor) => model.forward(x) };
    return expect(nn.generate(deaf, [1]).all()).rejects.toThrow('the model keeps nothing in the cache');
  });
});

describe('few numbers', () => {
  it('are less than 2 % of GPT-2 with rank 8', () => {
    const model = new GPT2(sizes.gpt2);
    const count = (list: readonly { readonly size: number }[]): number =>
      list.reduce((sum, { size }) => sum + size, 0);
    const all = count(model.parameters());
    expect(all).toBe(124_439_808);
    const tuned = nn.lora(model, { rank: 8, targets: [/cAttn|cProj|cFc/] });
    expect(count(tuned.parameters())).toBe(8 * 12 * (768 * 4 + 768 * 2 + 768 * 5 * 2));
    expect(count(tuned.parameters()) / all).toBeLessThan(0.02);
  });

  it('train, and merge into the weights to the same scores', async () => {
    const model = gpt();
    const tuned = nn.lora(model, { rank: 4, targets: [/cAttn|cProj|cFc/], seed: 1 });
    const optimizer = adam(tuned.parameters(), { learningRate: 0.05 });
    const surprise = (): Tensor =>
      nn.crossEntropy(
        tuned.forward(tokens.slice(0, 6, { axis: 1 })).flatten(0, 1),
        tokens.slice(1, 7, { axis: 1 }).flatten(),
      );
    const before = surprise().itemSync();
    for (let step = 0; step < 40; step++) {
      backward(surprise());
      optimizer.step();
    }
    expect(surprise().itemSync()).toBeLessThan(before - 0.4);
    const scores = tuned.forward(tokens).dataSync();
    const written = await nn.generate(tuned, [3, 1], { maxTokens: 5 }).all();
    const merged = tuned.merge().unload() as GPT2;
    expectScores(merged.forward(tokens), [...scores]);
    expect(await merged.generate([3, 1], { maxTokens: 5 }).all()).toEqual(written);
  });
});

it('BERT has the names and scores of Hugging Face', () => {
  const model = new BertForMaskedLM({ ...small, feedForward: 20 }).load(weights(expected.bert.names)).eval();
  const shapes = Object.entries(nn.torchStateDict(model)).map(([name, { shape }]) => [name, [...shape]]);
  expect(shapes.sort()).toEqual([...expected.bert.names].sort());
  const { mask, types } = expected.bert;
  expectScores(model.forward(tokens, { mask: integers(mask), types: integers(types) }), expected.bert.scores);
});
