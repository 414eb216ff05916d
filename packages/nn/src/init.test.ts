import { key, manualSeed, type Shape, type Tensor } from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import { init } from './index.ts';

const shape = [60, 40, 3, 3] as const;
const fanIn = 360;
const fanOut = 540;
const count = 60 * 40 * 9;

function moments(t: Tensor): { mean: number; std: number; least: number; largest: number; kurtosis: number } {
  const data = [...t.dataSync()];
  const mean = data.reduce((sum, x) => sum + x, 0) / data.length;
  const second = data.reduce((sum, x) => sum + (x - mean) ** 2, 0) / data.length;
  const fourth = data.reduce((sum, x) => sum + (x - mean) ** 4, 0) / data.length;
  const [least, largest] = data.reduce(
    ([a, b], x) => [Math.min(a, x), Math.max(b, x)],
    [Infinity, -Infinity],
  );
  return { mean, std: Math.sqrt(second), least: least, largest: largest, kurtosis: fourth / second ** 2 };
}

// Standard deviations and bounds by the published formulas; a normal distribution has kurtosis 3, an even one 1.8.
const cases: [string, (shape: Shape, options: init.InitOptions) => Tensor, number, number][] = [
  ['uniform', (s, o) => init.uniform(s, { ...o, low: -0.2, high: 0.2 }), 0.2 / Math.sqrt(3), 1.8],
  ['normal', (s, o) => init.normal(s, { ...o, std: 0.3 }), 0.3, 3],
  ['xavierUniform', init.xavierUniform, Math.sqrt(2 / (fanIn + fanOut)), 1.8],
  [
    'xavierNormal',
    (s, o) => init.xavierNormal(s, { ...o, gain: 5 / 3 }),
    (5 / 3) * Math.sqrt(2 / (fanIn + fanOut)),
    3,
  ],
  ['heUniform', init.heUniform, Math.sqrt(2 / fanIn), 1.8],
  ['heUniform by fan-out', (s, o) => init.heUniform(s, { ...o, mode: 'fanOut' }), Math.sqrt(2 / fanOut), 1.8],
  ['heNormal', init.heNormal, Math.sqrt(2 / fanIn), 3],
  [
    'heNormal for leaky relu',
    (s, o) => init.heNormal(s, { ...o, gain: init.gain('leakyRelu', 0.2) }),
    Math.sqrt(2 / (1.04 * fanIn)),
    3,
  ],
  ['lecunNormal', init.lecunNormal, Math.sqrt(1 / fanIn), 3],
  ['fanInUniform', init.fanInUniform, Math.sqrt(1 / fanIn / 3), 1.8],
  // Variance of a normal distribution cut off at 2: 1 − 2·2·φ(2) / (2Φ(2) − 1) = 0.7737; fourth moment by the same recursion.
  ['truncatedNormal', (s, o) => init.truncatedNormal(s, { ...o, std: 0.5 }), 0.5 * 0.87962566, 2.3657],
];

describe.each(['float32', 'float64'] as const)('%s', (dtype) => {
  it.each(cases)('%s has its moments', (_, make, std, kurtosis) => {
    const t = make(shape, { dtype, key: key(11) });
    expect([t.dtype, t.shape]).toEqual([dtype, shape]);
    const found = moments(t);
    // Five standard errors.
    expect(Math.abs(found.mean)).toBeLessThan((5 * std) / Math.sqrt(count));
    expect(Math.abs(found.std / std - 1)).toBeLessThan(5 / Math.sqrt(2 * count));
    expect(Math.abs(found.kurtosis - kurtosis)).toBeLessThan(5 * Math.sqrt(24 / count));
    if (kurtosis === 1.8) expect(found.largest).toBeLessThanOrEqual(std * Math.sqrt(3) * (1 + 1e-6));
  });
});

it('truncatedNormal keeps its limits and its mean', () => {
  const found = moments(init.truncatedNormal([20000], { mean: 3, std: 2, limit: 1.5, key: key(1) }));
  expect(found.least).toBeGreaterThanOrEqual(0);
  expect(found.largest).toBeLessThanOrEqual(6);
  expect(found.mean).toBeCloseTo(3, 1);
  expect(() => init.truncatedNormal([2], { limit: 0 })).toThrow(/limit must be above 0/);
});

describe('orthogonal', () => {
  it.each([[[5, 5]], [[3, 7]], [[7, 3]], [[4, 2, 3]]])('%j has orthonormal rows or columns', (size) => {
    const rows = size[0];
    const w = init.orthogonal(size, { gain: 2, dtype: 'float64' }).reshape([rows, -1]);
    const columns = w.shape[1];
    const product = rows <= columns ? w.matmul(w.transpose()) : w.transpose().matmul(w);
    const n = Math.min(rows, columns);
    product.dataSync().forEach((v, i) => {
      expect(v).toBeCloseTo(i % (n + 1) === 0 ? 4 : 0, 10);
    });
  });
});

it('constants are constant', () => {
  expect([...init.constant([2], { value: 0.5 }).dataSync()]).toEqual([0.5, 0.5]);
  expect([...init.ones([2]).dataSync(), ...init.zeros([1]).dataSync()]).toEqual([1, 1, 0]);
});

it('draws by key or from the global sequence', () => {
  const draw = (): number[] => [...init.heNormal([3, 2]).dataSync()];
  manualSeed(5);
  const first = draw();
  expect(draw()).not.toEqual(first);
  manualSeed(5);
  expect(draw()).toEqual(first);
  const own = { key: key(5) };
  expect([...init.heNormal([3, 2], own).dataSync()]).toEqual([...init.heNormal([3, 2], own).dataSync()]);
});

it('needs a weight for fans', () => {
  expect(() => init.heNormal([3])).toThrow(
    /heNormal: fan-in and fan-out need a weight \[out, in, …kernel\], got \[3\]/,
  );
});
