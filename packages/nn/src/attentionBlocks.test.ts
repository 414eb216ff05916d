/** Attention in blocks of queries: what the plain form gives, to the second derivative, whatever the sizes. */
import { readFileSync } from 'node:fs';
import { gradients, jvp, vmap } from '@ag/graph';
import { backend, einsum, eye, manualSeed, normal, sizeOf, type Tensor, tensor, use } from '@ag/tensor';
import { nullBackend } from '@ag/tensor/testing';
import { describe, expect, it } from 'vitest';
import { attend } from './attend.ts';
import { scaledDotProductAttention } from './attention.ts';
import { areMany, attendInBlocks, rowsOfBlock } from './attentionBlocks.ts';

const float64 = { dtype: 'float64' } as const;

function operands(time: number, keys = time): [Tensor, Tensor, Tensor] {
  manualSeed(5);
  const q = tensor(normal([2, time, 3, 4], float64).dataSync(), { shape: [2, time, 3, 4], ...float64 });
  const k = tensor(normal([2, keys, 3, 4], float64).dataSync(), { shape: [2, keys, 3, 4], ...float64 });
  const v = tensor(normal([2, keys, 3, 5], float64).dataSync(), { shape: [2, keys, 3, 5], ...float64 });
  return [q, k, v];
}

type Options = { causal?: boolean; mask?: Tensor };

const plain = (q: Tensor, k: Tensor, v: Tensor, options: Options): Tensor => {
  const [a, b, c] = [q, k, v].map((x) => x.transpose(-3, -2)) as [Tensor, Tensor, Tensor];
  return scaledDotProductAttention(a, b, c, options).transpose(-3, -2);
};

const blocks =
  (rows: number) =>
  (q: Tensor, k: Tensor, v: Tensor, { causal = false, mask }: Options): Tensor =>
    attendInBlocks(q, k, v, { causal, dropout: 0, ...(mask && { mask }) }, rows);

const bool = (shape: number[], at: (i: number) => boolean): Tensor =>
  tensor(
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => at(i)),
    { dtype: 'bool' },
  ).reshape(shape);

const cases: [string, number, number, Options][] = [
  ['even blocks', 6, 6, {}],
  ['a block that is filled up', 7, 7, {}],
  ['other keys', 5, 8, {}],
  ['causal', 7, 7, { causal: true }],
  ['causal with more keys', 4, 7, { causal: true }],
  ['a mask for all queries', 7, 7, { mask: bool([2, 1, 1, 7], (i) => i % 3 !== 0) }],
  ['a mask for each query', 7, 7, { mask: bool([7, 7], (i) => (i * i) % 5 !== 1) }],
  ['a mask for each head, causal', 5, 5, { causal: true, mask: bool([2, 3, 5, 5], (i) => i % 4 !== 1) }],
  ['rows that see nothing', 5, 5, { mask: bool([5, 5], (i) => i >= 10) }],
];

const same = (a: Tensor, b: Tensor): void => {
  expect(a.shape).toEqual(b.shape);
  const [x, y] = [a.dataSync(), b.dataSync()];
  for (let i = 0; i < x.length; i++) expect(Math.abs(Number(x[i]) - Number(y[i]))).toBeLessThan(1e-12);
};

describe.each(cases)('attention in blocks: %s', (_name, time, keys, options) => {
  const weights = (y: Tensor): Tensor =>
    tensor(
      Array.from({ length: y.size }, (_, i) => Math.sin(i)),
      { shape: y.shape, ...float64 },
    );

  it.each([1, 2, 3])('%i queries at a time', (rows) => {
    const given = operands(time, keys);
    const found = [blocks(rows), plain].map((f) => {
      const y = f(...given, options);
      const first = gradients(y.mul(weights(y)).sum(), given);
      const total = first.map((g) => g.mul(weights(g)).sum()).reduce((a, b) => a.add(b));
      return [y, ...first, ...gradients(total, given)];
    });
    found[0].forEach((x, i) => same(x, found[1][i]));
  });

  it('forward mode and vmap', () => {
    const [q, k, v] = operands(time, keys);
    const along = (f: typeof plain): Tensor =>
      jvp((x: Tensor) => f(x, k, v, options), [q], [q.sin()])[1] as Tensor;
    same(along(blocks(2)), along(plain));
    const many = (f: typeof plain): Tensor[] => {
      const all = q.unsqueeze(0).mul(tensor([1, 2], { shape: [2, 1, 1, 1, 1], ...float64 }));
      const y = vmap((x: Tensor) => f(x, k, v, options))(all) as Tensor;
      return [y, ...gradients(y.sin().sum(), [all, k, v])];
    };
    const [a, b] = [many(blocks(2)), many(plain)];
    a.forEach((x, i) => same(x, b[i]));
  });
});

describe('attention by sizes', () => {
  const direct = (q: Tensor, k: Tensor, v: Tensor, seen: Tensor): Tensor =>
    seen
      .where(einsum('bqhd,bkhd->bhqk', q, k).div(2), -1e30)
      .softmax(-1)
      .matmul(v.permute([0, 2, 1, 3]))
      .permute([0, 2, 1, 3]);
  const earlier = (time: number, keys: number): Tensor =>
    bool([time, keys], (i) => i % keys <= Math.floor(i / keys));

  it.each([
    [130, 130],
    [140, 129],
    [129, 150],
    [128, 1],
  ])('does not compute later keys: %i queries, %i keys', (time, keys) => {
    const given = operands(time, keys);
    const found = attend(...given, { causal: true, dropout: 0 });
    const right = direct(...given, earlier(time, keys));
    const [a, b] = [found, right].map((y) => [y, ...gradients(y.sin().sum(), given)]) as [Tensor[], Tensor[]];
    a.forEach((x, i) => {
      same(x, b[i]);
    });
  });

  it('takes blocks where scores are many, of even length', () => {
    expect(areMany(32, 128, 128)).toBe(false);
    expect(areMany(8, 2048, 2048)).toBe(false);
    expect(areMany(8, 2049, 2048)).toBe(true);
    expect(areMany(1, -1, 8)).toBe(false);
    expect(rowsOfBlock(8, 2048, 2048)).toBe(64);
    expect(rowsOfBlock(1, 10_000, 10_000)).toBe(104);
    expect(rowsOfBlock(1000, 3000, 3000)).toBe(64);
    expect(rowsOfBlock(1, 7, 3000)).toBe(7);
  });

  it('needs memory in proportion to the length', () => {
    const before = backend();
    const peak = (time: number, causal: boolean): number => {
      const device = nullBackend();
      use(device);
      const q = normal([1, time, 2, 16]);
      const y = attend(q, q, q, { causal, dropout: 0.1 });
      for (const g of gradients(y.sum(), [q])) g.dataSync();
      return device.stats().peakBytes;
    };
    try {
      for (const causal of [false, true]) {
        const [short, long] = [8192, 16384].map((time) => peak(time, causal)) as [number, number];
        expect(long).toBeLessThan(2.1 * short);
        expect(long).toBeLessThan(16384 * 16384);
      }
    } finally {
      use(before);
    }
  });

  it('leaves out the same weights forward and backward', () => {
    const [q, k] = operands(9).map((x) => x.slice(0, 1)) as [Tensor, Tensor];
    // With values that tell keys apart the result shows the weights, and so does the gradient at the values.
    const v = eye(9, 9, float64).unsqueeze(1).broadcastTo([1, 9, 3, 9]);
    const y = attendInBlocks(q, k, v, { causal: false, dropout: 0.5 }, 4);
    const again = gradients(y.mul(y.detach()).sum(), [v])[0];
    const weights = y.dataSync();
    const nothing = [...weights].filter((w) => w === 0).length / weights.length;
    expect(nothing).toBeGreaterThan(0.3);
    expect(nothing).toBeLessThan(0.7);
    // Σ over queries of weight · weight, by key and head, on the diagonal.
    const squares = y.square().sum(1).squeeze(0).dataSync();
    const found = again.dataSync();
    for (let head = 0; head < 3; head++)
      for (let key = 0; key < 9; key++)
        expect(found[(key * 3 + head) * 9 + key]).toBeCloseTo(Number(squares[head * 9 + key]), 12);
  });
});

describe('attention in blocks against PyTorch', () => {
  interface Case {
    readonly name: string;
    readonly causal: boolean;
    readonly mask: boolean[][] | null;
    readonly shapes: number[][];
    readonly output: number[];
    readonly first: number[][];
    readonly second: number[][];
  }
  const { cases: numbers } = JSON.parse(
    readFileSync(new URL('../fixtures/attention.json', import.meta.url), 'utf8'),
  ) as { cases: Case[] };
  const pattern = (shape: readonly number[], seed: number, scale = 1): Tensor =>
    tensor(
      Array.from({ length: sizeOf(shape) }, (_, i) => scale * Math.sin(1 + seed + 12.9898 * i)),
      { shape: [...shape], ...float64 },
    );
  const close = (x: Tensor, expected: readonly number[]): void =>
    x.dataSync().forEach((value, i) => expect(Number(value)).toBeCloseTo(expected[i], 10));

  it.each(numbers)('$name', ({ causal, mask, shapes, output, first, second }) => {
    const given = shapes.map((shape, i) => pattern(shape, i, 1.5)) as [Tensor, Tensor, Tensor];
    const seen = mask && tensor(mask, { dtype: 'bool' });
    const y = attendInBlocks(...given, { causal, dropout: 0, ...(seen && { mask: seen }) }, 2);
    close(y, output);
    const once = gradients(y.mul(pattern(y.shape, 99)).sum(), given);
    once.forEach((g, i) => close(g, first[i]));
    const total = once.map((g, i) => g.mul(pattern(g.shape, 50 + i)).sum()).reduce((a, b) => a.add(b));
    gradients(total, given).forEach((g, i) => close(g, second[i]));
  });
});
