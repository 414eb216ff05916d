/**
 * Random tensors: reproducible, independent, and with the moments of their distributions. Keys are fixed, so nothing
 * here is left to chance; limits are five standard errors.
 */
import { describe, expect, it } from 'vitest';
import {
  arange,
  bernoulli,
  categorical,
  exponential,
  key,
  manualSeed,
  normal,
  permutation,
  randint,
  splitKey,
  stats,
  type Tensor,
  tensor,
  truncatedNormal,
  uniform,
} from '../index.ts';
import { threefry } from '../run/randomKeys.ts';
import { bits } from './random.ts';

const n = 40000;
const own = { key: key(2024) };

/** Mean and variance of the sample lie within five standard errors of the distribution's. */
function expectMoments(sample: Tensor, mean: number, variance: number, fourth: number): void {
  const x = sample.cast('float64');
  const found = x.mean().itemSync();
  expect(Math.abs(found - mean)).toBeLessThan(5 * Math.sqrt(variance / n));
  const spread = x.sub(mean).square().mean().itemSync();
  expect(Math.abs(spread - variance)).toBeLessThan(5 * Math.sqrt((fourth - variance ** 2) / n));
}

describe('generator', () => {
  it('gives the published numbers', () => {
    // Known-answer tests of Random123 (Salmon et al.) for threefry2x32 with 20 rounds.
    const hex = (words: readonly number[]): string[] => words.map((word) => word.toString(16));
    expect(hex(threefry([0, 0], [0, 0]))).toEqual(['6b200159', '99ba4efe']);
    expect(hex(threefry([0xffffffff, 0xffffffff], [0xffffffff, 0xffffffff]))).toEqual([
      '1cb996fc',
      'bb002be7',
    ]);
    expect(hex(threefry([0x13198a2e, 0x03707344], [0x243f6a88, 0x85a308d3]))).toEqual([
      'c4923a9c',
      '483df7a0',
    ]);
  });
  it('gives the same on the device', () => {
    const { words } = key(5);
    expect([...bits([3], key(5)).dataSync()]).toEqual([0, 1, 2].map((i) => threefry(words, [i, 0])[0]));
  });
  it('repeats with a key or a seed, differs between keys, and needs no new plan', async () => {
    const first = await normal([4], own).toArray();
    const { plansMade } = stats();
    expect(await normal([4], own).toArray()).toEqual(first);
    const [a, b] = splitKey(own.key);
    expect(await normal([4], { key: a }).toArray()).not.toEqual(await normal([4], { key: b }).toArray());
    expect(stats().plansMade).toBe(plansMade);
    manualSeed(3);
    const seeded = await uniform([3]).toArray();
    expect(await uniform([3]).toArray()).not.toEqual(seeded);
    manualSeed(3);
    expect(await uniform([3]).toArray()).toEqual(seeded);
  });
  it('wants whole numbers as seeds', () => {
    expect(() => key(0.5)).toThrow('key: the seed must be a whole number');
  });
});

describe('distributions', () => {
  it('uniform', () => {
    const x = uniform([n], { low: -1, high: 3, ...own });
    expectMoments(x, 1, 16 / 12, 256 / 80);
    expect(x.min().itemSync()).toBeGreaterThanOrEqual(-1);
    expect(x.max().itemSync()).toBeLessThan(3);
    expectMoments(uniform([n], { ...own, dtype: 'float64' }), 0.5, 1 / 12, 1 / 80);
  });
  it('normal', () => {
    expectMoments(normal([n], { mean: 2, std: 3, ...own }), 2, 9, 3 * 81);
    expectMoments(normal([n], { ...own, dtype: 'float64' }), 0, 1, 3);
    // Share beyond two standard deviations: 2·Φ(−2) = 0.0455.
    const beyond = normal([n], own).abs().greater(2).sum().itemSync() / n;
    expect(Math.abs(beyond - 0.0455)).toBeLessThan(5 * Math.sqrt(0.0455 / n));
  });
  it('normal, neighbors and keys uncorrelated', () => {
    const x = normal([n], own);
    const correlation = (a: Tensor, b: Tensor): number => Math.abs(a.mul(b).mean().itemSync());
    expect(correlation(x.slice(1), x.slice(0, -1))).toBeLessThan(5 / Math.sqrt(n));
    const [a, b] = splitKey(own.key);
    expect(correlation(normal([n], { key: a }), normal([n], { key: b }))).toBeLessThan(5 / Math.sqrt(n));
  });
  it('truncatedNormal', () => {
    // Truncated at ±2 (Johnson, Kotz & Balakrishnan 1994): variance 1 − 4·φ(2) / (2Φ(2) − 1) = 0.773741, fourth moment 1.416189 by
    // the recursion m₄ = 3·m₂ − 2·2³·φ(2) / (2Φ(2) − 1).
    const x = truncatedNormal([n], own);
    expectMoments(x, 0, 0.773741, 1.416189);
    expect(x.abs().max().itemSync()).toBeLessThanOrEqual(2);
    expectMoments(truncatedNormal([n], { mean: 5, std: 0.5, ...own }), 5, 0.773741 / 4, 1.416189 / 16);
    const half = truncatedNormal([n], { low: 0, high: 50, ...own, dtype: 'float64' });
    // The half-normal distribution: mean √(2/π), variance 1 − 2/π.
    expect(Math.abs(half.mean().itemSync() - Math.sqrt(2 / Math.PI))).toBeLessThan(
      5 * Math.sqrt((1 - 2 / Math.PI) / n),
    );
    expect(half.isFinite().all().itemSync()).toBe(1);
    expect(() => truncatedNormal([2], { low: 1, high: 0 })).toThrow('truncatedNormal: needs low < high');
  });
  it('exponential', () => {
    expectMoments(exponential([n], { rate: 2, ...own }), 0.5, 0.25, 9 / 16);
    expect(exponential([n], own).min().itemSync()).toBeGreaterThanOrEqual(0);
    expect(() => exponential([2], { rate: 0 })).toThrow('exponential: the rate must be positive');
  });
  it('bernoulli', () => {
    const p = 0.3;
    expectMoments(bernoulli([n], p, own), p, p * (1 - p), p * (1 - p) * (1 - 3 * p * (1 - p)));
    expect([...bernoulli([2, 3], tensor([0, 1, 0]), own).dataSync()]).toEqual([0, 1, 0, 0, 1, 0]);
    expect(bernoulli([2], 0.5, { dtype: 'bool' }).dtype).toBe('bool');
    expect(() => bernoulli([2], 1.5)).toThrow('bernoulli: the probability must be in [0, 1]');
  });
  it('randint', () => {
    const x = randint([n], -2, 4, own);
    expect(x.dtype).toBe('int32');
    for (let value = -2; value < 4; value++) {
      const share = x.equal(value).sum().itemSync() / n;
      expect(Math.abs(share - 1 / 6)).toBeLessThan(5 * Math.sqrt(5 / 36 / n));
    }
    expect(x.min().itemSync()).toBe(-2);
    expect(x.max().itemSync()).toBe(3);
    expect(() => randint([2], 3, 3)).toThrow('randint: needs whole numbers low < high');
    expect(() => randint([2], 0, 2 ** 32)).toThrow('within int32');
  });
  it('permutation', () => {
    const order = permutation(1000, own);
    expect([...order.index(order.argsort()).dataSync()]).toEqual([...arange(1000).dataSync()]);
    expect([...order.dataSync()]).not.toEqual([...arange(1000).dataSync()]);
    // Each of the six orders of three is as likely: 600 draws, expected 100 each, five standard deviations are 46.
    const seen = new Map<string, number>();
    for (const k of splitKey(own.key, 600)) {
      const text = [...permutation(3, { key: k }).dataSync()].join('');
      seen.set(text, (seen.get(text) ?? 0) + 1);
    }
    expect(seen.size).toBe(6);
    for (const count of seen.values()) expect(Math.abs(count - 100)).toBeLessThan(46);
  });
  it('categorical', () => {
    const probabilities = [0.5, 0.2, 0.3];
    const x = categorical(tensor(probabilities).log().broadcastTo([n, 3]), own);
    expect(x.shape).toEqual([n]);
    probabilities.forEach((p, value) => {
      expect(Math.abs(x.equal(value).sum().itemSync() / n - p)).toBeLessThan(
        5 * Math.sqrt((p * (1 - p)) / n),
      );
    });
  });
});
