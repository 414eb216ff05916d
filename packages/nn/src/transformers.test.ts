/**
 * Attention with other heads, keys and masks, and the decoder, against PyTorch: weights under its names, outputs, weights of each
 * head, gradients; and with a cache, step by step, the same as at once.
 */
import { readFileSync } from 'node:fs';
import { gradients } from '@ag/graph';
import { evaluate, manualSeed, normal, sizeOf, stats, type Tensor, tensor } from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import { torchNames } from './files/torchWrite.ts';
import * as nn from './index.ts';

const float64 = { dtype: 'float64' } as const;

interface Case {
  readonly name: string;
  readonly call: readonly [string, ...unknown[]];
  readonly inputs: readonly (readonly number[])[];
  readonly parameters: readonly { readonly name: string; readonly shape: number[]; readonly seed: number }[];
  readonly option: {
    readonly causal?: boolean;
    readonly alibi?: number;
    readonly mask?: (number | '-inf')[][];
    readonly memoryKeyMask?: boolean[][];
  };
  readonly shape: readonly number[];
  readonly output: readonly number[];
  readonly weights?: readonly number[];
  readonly inputGradients: readonly (readonly number[])[];
  readonly parameterGradients: Readonly<Record<string, readonly number[]>>;
}

const { cases } = JSON.parse(
  readFileSync(new URL('../fixtures/transformers.json', import.meta.url), 'utf8'),
) as { cases: Case[] };

const pattern = (shape: readonly number[], seed: number, scale = 1): Tensor =>
  tensor(
    Float64Array.from({ length: sizeOf(shape) }, (_, i) => scale * Math.sin(1 + seed + 12.9898 * i)),
    { shape: [...shape], ...float64 },
  );

const close = (x: Tensor, expected: readonly number[], what: string): void => {
  const data = x.dataSync();
  expect(data.length, what).toBe(expected.length);
  expected.forEach((value, i) => expect(Number(data[i]), `${what}[${i}]`).toBeCloseTo(value, 9));
};

const made = ([factory, ...given]: Case['call']): nn.AnyModule => {
  const last = given.at(-1);
  const options = typeof last === 'object' ? (given.pop() as object) : {};
  const make = (nn as unknown as Record<string, (...parameters: unknown[]) => nn.AnyModule>)[factory];
  return make(...given, { ...options, ...float64 }).eval();
};

describe('against PyTorch', () => {
  it.each(cases)('$name', ({ call, inputs, parameters, option, ...expected }) => {
    const model = made([...call]);
    model.loadStateDict(Object.fromEntries(parameters.map((p) => [p.name, pattern(p.shape, p.seed, 0.5)])));
    const given = inputs.map((shape, i) => pattern(shape, i, 1.5));
    const [x, second, third] = given;
    const time = x.shape[1];
    const floats =
      option.mask &&
      tensor(
        option.mask.map((row) => row.map((v) => (v === '-inf' ? -Infinity : v))),
        float64,
      );
    const mask = option.alibi !== undefined ? nn.alibi(option.alibi, time, time, float64) : floats;
    const seen = option.memoryKeyMask && tensor(option.memoryKeyMask, { dtype: 'bool' });
    const options = {
      ...(option.causal && { causal: true }),
      ...(mask && { mask }),
      ...(seen && { memoryKeyMask: seen }),
    };
    let output: Tensor;
    if (model instanceof nn.MultiHeadAttention) {
      const all = { ...options, ...(second && { key: second }), ...(third && { value: third }) };
      output = model.forward(x, all);
      const apart = model.forwardWithWeights(x, all);
      close(apart.output, expected.output, 'the output with weights');
      if (expected.weights) close(apart.weights, expected.weights, 'the weights');
    } else {
      output = (model as nn.TransformerDecoder | nn.CrossAttention).forward(x, second, options);
    }
    expect(output.shape).toEqual(expected.shape);
    close(output, expected.output, 'the output');
    const variables = model.namedParameters();
    const { names } = torchNames(model, new Set(variables.keys()));
    const found = gradients(output.mul(pattern(output.shape, 99)).sum(), [
      ...given,
      ...[...variables.values()].map((variable) => variable.value),
    ]);
    given.forEach((_, i) => close(found[i], expected.inputGradients[i], `gradient of input ${i}`));
    expect([...variables.keys()].map((path) => names.get(path) ?? path).sort()).toEqual(
      Object.keys(expected.parameterGradients).sort(),
    );
    [...variables.keys()].forEach((path, i) => {
      const theirs = expected.parameterGradients[names.get(path) ?? path];
      close(found[given.length + i], theirs, `gradient of ${path}`);
    });
  });
});

describe('a cache of keys and values', () => {
  const variants: [string, nn.MultiHeadAttentionOptions, boolean][] = [
    ['plain', {}, false],
    ['grouped', { kvHeads: 2 }, false],
    ['turned', { kvHeads: 1, rotary: { interleaved: true, features: 2, base: 100 } }, false],
    ['with linear biases', {}, true],
  ];
  it.each(variants)('gives step by step what all at once give: %s', (_, options, biased) => {
    manualSeed(3);
    const attention = nn.multiHeadAttention(16, 4, options);
    const x = normal([2, 6, 16]);
    const whole = attention.forward(x, { causal: true, ...(biased && { mask: nn.alibi(4, 6) }) });
    const expected = whole.dataSync();
    const cache = new nn.KeyValueCache(8);
    const penalty = nn.alibi(4, 8);
    let plans = 0;
    for (const [start, end] of [
      [0, 3],
      [3, 4],
      [4, 5],
      [5, 6],
    ] as const) {
      const mask = biased ? { mask: penalty.indexSelect(2, cache.positions(end - start)) } : {};
      const y = attention.forward(x.slice(start, end, { axis: 1 }), { cache, ...mask });
      cache.advance(end - start);
      const own = [...cache.entries()].flatMap(([, { keys, values }]) => [keys, values]);
      evaluate([y, cache.position, ...own]);
      const found = y.reshape([2, end - start, 16]).dataSync();
      for (let row = 0; row < 2; row++)
        for (let i = 0; i < (end - start) * 16; i++)
          expect(found[row * (end - start) * 16 + i]).toBeCloseTo(expected[(row * 6 + start) * 16 + i], 6);
      if (start === 4) plans = stats().plans;
    }
    // The last step has the shapes of the one before it.
    expect(stats().plans).toBe(plans);
  });

  it('refuses more than it has room for, another batch, and keys of others', () => {
    const attention = nn.multiHeadAttention(4, 2);
    const cache = new nn.KeyValueCache(2);
    expect(() => attention.forward(normal([1, 3, 4]), { cache })).toThrow(
      '3 positions at once, but there is room for 2',
    );
    attention.forward(normal([1, 1, 4]), { cache });
    expect(() => attention.forward(normal([2, 1, 4]), { cache })).toThrow('it holds a batch of 1, got 2');
    const key = normal([1, 1, 4]);
    expect(() => attention.forward(normal([1, 1, 4]), { cache, key })).toThrow(
      'a cache is for self-attention',
    );
  });
});

describe('positions', () => {
  it('are turned so that products depend on distances only', () => {
    const [q, k] = [pattern([8], 1), pattern([8], 2)];
    for (const options of [{}, { interleaved: true }, { base: 10 }]) {
      const turned = (x: Tensor, at: number): Tensor =>
        nn.rotaryEmbedding(x.reshape([1, 1, 8]), { ...options, positions: tensor([at], { dtype: 'int32' }) });
      const product = (i: number, j: number): number => turned(q, i).mul(turned(k, j)).sum().itemSync();
      expect(product(7, 3)).toBeCloseTo(product(104, 100), 10);
      expect(product(7, 3)).not.toBeCloseTo(product(8, 3), 3);
    }
    expect(() => nn.rotaryEmbedding(normal([1, 1, 3]))).toThrow('must be even and at most 3, got 3');
    expect(() => nn.multiHeadAttention(6, 2, { rotary: true })).toThrow('must be even and at most 3, got 3');
  });

  it('are waves, by hand', () => {
    const waves = nn.sinusoidalPositions(3, 4).dataSync();
    const expected = [0, 1, 2].flatMap((p) => [
      Math.sin(p),
      Math.cos(p),
      Math.sin(p / 100),
      Math.cos(p / 100),
    ]);
    expected.forEach((value, i) => expect(waves[i]).toBeCloseTo(value, 6));
  });

  it('cost by distance; fewer queries are the last', () => {
    expect([...nn.alibi(2, 1, 3).dataSync()]).toEqual([
      ...nn.alibi(2, 3).slice(2, 3, { axis: 2 }).dataSync(),
    ]);
    expect([...nn.alibi(2, 1, 3).dataSync()]).toEqual(
      [-2 / 16, -1 / 16, 0, -2 / 256, -1 / 256, 0].map((x) => x || -0),
    );
  });
});

it('refuses heads that cannot be shared, masks of whole numbers, decoders without a memory', () => {
  expect(() => nn.multiHeadAttention(8, 4, { kvHeads: 3 })).toThrow('4 heads cannot share 3 heads of keys');
  const attention = nn.multiHeadAttention(4, 2, { keyFeatures: 3 });
  expect(() => attention.forward(normal([1, 2, 4]))).toThrow(
    'expects [batch, time, 3] for keys, got [1, 2, 4]',
  );
  const mask = tensor([[1]], { dtype: 'int32' });
  expect(() => nn.multiHeadAttention(4, 2).forward(normal([1, 1, 4]), { mask })).toThrow('got int32');
  const inSequence = nn.transformerDecoderLayer(4, 2) as unknown as nn.Module;
  expect(() => inSequence.forward(normal([1, 2, 4]))).toThrow('forward(x, memory) needs what is attended to');
});
