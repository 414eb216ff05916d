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

describe('initializers that draw nothing, or little', () => {
  // Of PyTorch 2: torch.nn.init.dirac_(torch.empty(4, 3, 3)), and (torch.empty(4, 1, 2, 3), groups=2), where they are 1.
  const ones = (t: Tensor): number[] =>
    [...t.dataSync()].flatMap((x, i) => (x === 1 ? [i] : x === 0 ? [] : [Number.NaN]));
  it('eye and dirac are the identity', () => {
    expect(ones(init.eye([2, 3]))).toEqual([0, 4]);
    expect(init.eye([3, 2], { dtype: 'float64' }).dtype).toBe('float64');
    expect(ones(init.dirac([4, 3, 3]))).toEqual([1, 13, 25]);
    expect(ones(init.dirac([4, 1, 2, 3], { groups: 2 }))).toEqual([4, 16]);
    expect(() => init.dirac([3, 3])).toThrow(/a weight \[out, in, …kernel\] of a convolution, got \[3, 3\]/);
    expect(() => init.dirac([3, 3, 1], { groups: 2 })).toThrow(
      /3 output channels do not divide into 2 groups/,
    );
    expect(() => init.eye([3])).toThrow(/needs a matrix/);
  });

  it('sparse has its zeros in each column', () => {
    const [rows, columns] = [50, 400];
    const drawn = init.sparse([rows, columns], { sparsity: 0.33, std: 2, key: key(3) });
    const data = drawn.dataSync();
    const rowsOfZeros = new Array<number>(rows).fill(0);
    let squares = 0;
    for (let j = 0; j < columns; j++) {
      const column = Array.from({ length: rows }, (_, i) => data[i * columns + j]);
      expect(column.filter((x) => x === 0)).toHaveLength(17); // ⌈0.33 · 50⌉
      column.forEach((x, i) => {
        if (x === 0) rowsOfZeros[i]++;
        squares += x * x;
      });
    }
    // Any row as often: 136 of 400, five standard deviations of 9.5 either way.
    expect(Math.min(...rowsOfZeros)).toBeGreaterThan(89);
    expect(Math.max(...rowsOfZeros)).toBeLessThan(184);
    const kept = 33 * columns;
    expect(Math.abs(Math.sqrt(squares / kept) / 2 - 1)).toBeLessThan(5 / Math.sqrt(2 * kept));
    expect(() => init.sparse([2, 2], { sparsity: 1.5 })).toThrow(/sparsity must lie from 0 to 1, got 1.5/);
  });
});
