/**
 * Logarithms of densities against SciPy, their gradients against PyTorch (`packages/tensor/fixtures/distributions.py`), and draws against the
 * moments that their distributions have.
 */
import { readFileSync } from 'node:fs';
import * as ag from '@ag/tensor';
import { evaluate, key, type Tensor, tensor } from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import { gradients } from './gradients.ts';

type Nested = Parameters<typeof tensor>[0];
type Case = readonly [
  name: string,
  x: Nested,
  parameters: Readonly<Record<string, Nested>>,
  values: readonly number[],
  slopes: readonly Nested[],
];
const { cases }: { cases: readonly Case[] } = JSON.parse(
  readFileSync(new URL('../../tensor/fixtures/distributions.json', import.meta.url), 'utf8'),
);
const discrete = new Set(['poisson', 'bernoulli', 'multinomial', 'categorical']);

function expectNear(actual: ArrayLike<number>, expected: ArrayLike<number>, what: string): void {
  expect(actual.length, what).toBe(expected.length);
  for (let i = 0; i < expected.length; i++)
    expect(Math.abs(actual[i] - expected[i]), `${what}, element ${i}`).toBeLessThanOrEqual(
      1e-9 * (10 + Math.abs(expected[i])),
    );
}

describe('logarithms of densities', () => {
  const f64 = (data: Nested): Tensor => tensor(data, { dtype: 'float64' });
  for (const name of new Set(cases.map(([own]) => own))) {
    it(`${name}: values and gradients`, () => {
      for (const [own, x, parameters, values, slopes] of cases) {
        if (own !== name) continue;
        const at = name === 'categorical' ? tensor(x, { dtype: 'int32' }) : f64(x);
        const given = Object.fromEntries(Object.entries(parameters).map(([k, v]) => [k, f64(v)]));
        const f = (ag as unknown as Record<string, (x: Tensor, o: object) => Tensor>)[`${name}LogProb`];
        const y = f(at, given);
        const wrt = [...(discrete.has(name) ? [] : [at]), ...Object.values(given)];
        const g = gradients(y.sum(), wrt);
        evaluate([y, ...g]);
        const what = JSON.stringify([name, x, parameters]);
        expectNear(y.dataSync(), values, what);
        g.forEach((slope, i) => {
          expectNear(slope.dataSync(), f64(slopes[i]).dataSync(), `gradient ${i} of ${what}`);
        });
      }
    });
  }

  it('are −∞ outside, whatever stands there, and gradients stay finite', () => {
    const x = tensor([-1, 2], { dtype: 'float64' });
    for (const y of [
      ag.betaLogProb(x, { alpha: 2, beta: 3 }),
      ag.uniformLogProb(x),
      ag.bernoulliLogProb(x, { p: 0.5 }),
      ag.truncatedNormalLogProb(x, { low: 0, high: 1 }),
      ag.gammaLogProb(tensor([-1, -2], { dtype: 'float64' })),
      ag.exponentialLogProb(tensor([-1, -2], { dtype: 'float64' })),
      ag.poissonLogProb(tensor([-1, 0.5], { dtype: 'float64' })),
    ]) {
      expect([...y.dataSync()]).toEqual([-Infinity, -Infinity]);
      const leaf = x.mul(1);
      expect(gradients(ag.gammaLogProb(leaf).sum(), [leaf])[0].dataSync().every(Number.isFinite)).toBe(true);
    }
    // There is no such distribution.
    expect(ag.gammaLogProb(tensor([1]), { concentration: tensor([-1.5]) }).itemSync()).toBeNaN();
    expect(ag.betaLogProb(tensor([0.5]), { alpha: tensor([-0.5]), beta: 1 }).itemSync()).toBeNaN();
    // Limits belong to the distribution: SciPy gives 0, log 3 and 0.
    expect(ag.gammaLogProb(tensor([0])).itemSync()).toBe(0);
    expect(ag.exponentialLogProb(tensor([0]), { rate: 3 }).itemSync()).toBeCloseTo(Math.log(3), 6);
    expect(ag.poissonLogProb(tensor([0]), { rate: 0 }).itemSync()).toBe(0);
  });
});

describe('draws', () => {
  const n = 4_000;
  const moments = (t: Tensor): [number, number] => {
    const x = [...t.cast('float64').dataSync()];
    const mean = x.reduce((a, b) => a + b, 0) / x.length;
    return [mean, x.reduce((a, b) => a + (b - mean) ** 2, 0) / x.length];
  };
  // Mean and variance by the textbook; kurtosis bounds how far those of a sample may be.
  const rows: [string, (k: ag.Key) => Tensor, mean: number, variance: number][] = [
    ['gamma 0.3', (k) => ag.gamma([n], { concentration: 0.3, key: k }), 0.3, 0.3],
    ['gamma 1', (k) => ag.gamma([n], { concentration: 1, rate: 2, key: k }), 0.5, 0.25],
    ['gamma 9', (k) => ag.gamma([n], { concentration: 9, rate: 3, key: k }), 3, 1],
    ['beta', (k) => ag.beta([n], { alpha: 2, beta: 3, key: k }), 0.4, 0.04],
    ['beta of small parameters', (k) => ag.beta([n], { alpha: 0.01, beta: 0.01, key: k }), 0.5, 0.25 / 1.02],
    ['poisson 0.5', (k) => ag.poisson([n], { rate: 0.5, key: k }), 0.5, 0.5],
    ['poisson 29', (k) => ag.poisson([n], { rate: 29, key: k }), 29, 29],
    ['poisson 31', (k) => ag.poisson([n], { rate: 31, key: k }), 31, 31],
    ['poisson 1000', (k) => ag.poisson([n], { rate: 1000, key: k }), 1000, 1000],
    ['laplace', (k) => ag.laplace([n], { location: 1, scale: 2, key: k }), 1, 8],
    ['gumbel', (k) => ag.gumbel([n], { location: 1, scale: 2, key: k }), 1 + 2 * 0.5772156649, (4 * Math.PI ** 2) / 6],
  ]; // biome-ignore format: a table
  for (const [name, draw, mean, variance] of rows) {
    it(`${name}: mean and variance`, () => {
      const [m, v] = moments(draw(key(7)));
      expect(Math.abs(m - mean)).toBeLessThan(5 * Math.sqrt(variance / n));
      expect(Math.abs(v / variance - 1)).toBeLessThan(0.25);
    });
  }

  it('poisson: every count as often as its probability says, below and above the change of method', () => {
    for (const rate of [3, 40]) {
      const x = ag.poisson([n], { rate, key: key(3) }).dataSync();
      const p = ag.poissonLogProb(ag.arange(120), { rate }).exp().dataSync();
      let chi = 0;
      let cells = 0;
      for (let k = 0; k < 120; k++) {
        if (p[k] * n < 10) continue;
        const seen = [...x].filter((y) => y === k).length;
        chi += (seen - p[k] * n) ** 2 / (p[k] * n);
        cells++;
      }
      expect(chi / cells).toBeLessThan(1.8);
    }
  });

  it('of a key are always the same, and those of another key others', () => {
    const draw = (seed: number): number[][] =>
      [
        ag.gamma([5], { key: key(seed) }),
        ag.beta([5], { key: key(seed) }),
        ag.poisson([5], { rate: 100, key: key(seed) }),
        ag.laplace([5], { key: key(seed) }),
        ag.dirichlet(ag.ones([5]), { key: key(seed) }),
      ].map((t) => [...t.dataSync()]);
    expect(draw(1)).toEqual(draw(1));
    draw(1).forEach((numbers, i) => {
      expect(numbers).not.toEqual(draw(2)[i]);
    });
  });

  it('a rate for each element', () => {
    const x = ag.poisson([3, 1000], { rate: tensor([[0], [2], [100]]), key: key(5) });
    expect([...x.mean(1).round().dataSync()]).toEqual([0, 2, 100]);
    expect(x.dtype).toBe('int32');
  });

  it('multinomial counts all draws; dirichlet adds up to 1', () => {
    const counts = ag.multinomial(1000, tensor([[1, 2, 1], [0, 1, 0]]), { key: key(1) }); // biome-ignore format: short
    expect([...counts.sum(-1).dataSync()]).toEqual([1000, 1000]);
    expect([...counts.index(1).dataSync()]).toEqual([0, 1000, 0]);
    expect(Math.abs(counts.index(0, 1).itemSync() - 500)).toBeLessThan(80);
    const parts = ag.dirichlet(tensor([1, 2, 7]), { shape: [2000], key: key(2) });
    expect(parts.shape).toEqual([2000, 3]);
    expect(parts.sum(-1).sub(1).abs().max().itemSync()).toBeLessThan(1e-6);
    parts
      .mean(0)
      .dataSync()
      .forEach((m, i) => expect(Math.abs(m - [0.1, 0.2, 0.7][i])).toBeLessThan(0.02));
  });

  it('multivariateNormal has the covariance, and a gradient in it', () => {
    const covariance = tensor([[2, 1], [1, 3]], { dtype: 'float64' }); // biome-ignore format: short
    const mean = tensor([1, -1], { dtype: 'float64' });
    const x = ag.multivariateNormal(mean, covariance, { shape: [4000], key: key(4), dtype: 'float64' });
    const centered = x.sub(x.mean(0));
    const found = centered.transpose().matmul(centered).div(4000).dataSync();
    [2, 1, 1, 3].forEach((c, i) => expect(Math.abs(found[i] - c)).toBeLessThan(0.2));
    const [gMean, gCovariance] = gradients(x.square().mean(), [mean, covariance]);
    expect(gMean.dataSync()[0]).toBeCloseTo(x.mean(0).dataSync()[0], 10);
    expect(gCovariance.dataSync().every(Number.isFinite)).toBe(true);
  });

  it('say what is wrong', () => {
    expect(() => ag.gamma([2], { concentration: -1 })).toThrow(
      /gamma: the concentration must be positive, got -1/,
    );
    expect(() => ag.poisson([2], { rate: -1 })).toThrow(/poisson: the rate must be ≥ 0, got -1/);
    expect(() => ag.laplace([2], { scale: 0 })).toThrow(/laplace: the scale must be positive, got 0/);
    expect(() => ag.multivariateNormal(tensor([1, 2]), tensor([1, 2]))).toThrow(/needs a mean \[\.\.\., d\]/);
  });
});
