// biome-ignore-all format: a table
/**
 * Convolution, pooling and pictures over any number of axes, spectra, further linear algebra and densities. Values against PyTorch and SciPy are
 * in `fixtures/spaces.json` and `fixtures/distributions.json`; the rows here state definitions, for every backend.
 */

import type { Tensor } from '../index.ts';
import * as ag from '../index.ts';
import { type GradientCase, gradientCase, numbers } from './gradientCase.ts';
import { floats, line, row, type StructuralRow, sumOver } from './structural.ts';

const largest = (n: number, f: (k: number) => number): number => Math.max(...line(n, f));
const of1 = { dtypes: floats } as const;
/** Two turns of 2π·j·k / n: 0 the cosine, 1 the sine. */
const turn = (j: number, k: number, n: number, part: number): number => {
  const angle = (2 * Math.PI * ((j * k) % n)) / n;
  return part === 0 ? Math.cos(angle) : Math.sin(angle);
};

export const spaceRows: readonly StructuralRow[] = [
  row('conv3d', 'small', [[1, 2, 2, 4, 3], [2, 2, 2, 2, 2]], (x, w) => ag.conv3d(x, w), [1, 2, 1, 3, 2], ([, m, , i, j], x, w) =>
    sumOver(2, (c) => sumOver(2, (a) => sumOver(2, (b) => sumOver(2, (d) => x(0, c, a, i + b, j + d) * w(m, c, a, b, d)))))),
  row('conv1d', 'circular padding', [[1, 1, 5], [1, 1, 3]], (x, w) => ag.conv1d(x, w, { padding: 1, paddingMode: 'circular' }), [1, 1, 5], ([, , o], x, w) =>
    sumOver(3, (k) => x(0, 0, (o + k + 4) % 5) * w(0, 0, k))),
  row('convTranspose1d', 'stride', [[1, 2, 3], [2, 1, 3]], (x, w) => ag.convTranspose1d(x, w, { stride: 2 }), [1, 1, 7], ([, , j], x, w) =>
    sumOver(2, (c) => sumOver(3, (o) => (j - 2 * o >= 0 && j - 2 * o < 3 ? x(0, c, o) * w(c, 0, j - 2 * o) : 0)))),
  row('convTranspose3d', 'single element', [[1, 1, 1, 1, 1], [1, 1, 2, 2, 2]], (x, w) => ag.convTranspose3d(x, w), [1, 1, 2, 2, 2], ([, , a, b, c], x, w) =>
    x(0, 0, 0, 0, 0) * w(0, 0, a, b, c)),
  row('maxPool1d', 'overlapping', [[2, 1, 6]], (x) => ag.maxPool1d(x, 3, { stride: 1 }), [2, 1, 4], ([n, , o], x) => largest(3, (k) => x(n, 0, o + k))),
  row('avgPool1d', 'ceiling', [[2, 1, 6]], (x) => ag.avgPool1d(x, 3, { stride: 2, ceilMode: true }), [2, 1, 3], ([n, , o], x) => {
    const seen = Math.min(3, 6 - 2 * o);
    return sumOver(seen, (k) => x(n, 0, 2 * o + k)) / seen;
  }, of1),
  row('maxPool3d', 'blocks', [[1, 1, 2, 2, 4]], (x) => ag.maxPool3d(x, 2), [1, 1, 1, 1, 2], ([, , , , o], x) =>
    largest(8, (k) => x(0, 0, k >> 2, (k >> 1) & 1, 2 * o + (k & 1)))),
  row('avgPool3d', 'blocks', [[1, 1, 2, 2, 4]], (x) => ag.avgPool3d(x, 2), [1, 1, 1, 1, 2], ([, , , , o], x) =>
    sumOver(8, (k) => x(0, 0, k >> 2, (k >> 1) & 1, 2 * o + (k & 1))) / 8, of1),
  row('adaptiveAvgPool', 'windows that overlap', [[1, 2, 5]], (x) => ag.adaptiveAvgPool(x, 3), [1, 2, 3], ([, c, o], x) => {
    const [from, to] = [Math.floor((o * 5) / 3), Math.ceil(((o + 1) * 5) / 3)];
    return sumOver(to - from, (k) => x(0, c, from + k)) / (to - from);
  }, of1),
  row('adaptiveMaxPool', 'windows that overlap', [[1, 1, 5, 3]], (x) => ag.adaptiveMaxPool(x, [3, 1]), [1, 1, 3, 1], ([, , o], x) => {
    const [from, to] = [Math.floor((o * 5) / 3), Math.ceil(((o + 1) * 5) / 3)];
    return largest(to - from, (k) => largest(3, (j) => x(0, 0, from + k, j)));
  }),
  row('maxPoolIndices', 'and back', [[1, 1, 6]], (x) => { const { values, indices } = ag.maxPoolIndices(x, 2); return ag.maxUnpool(values, indices, [6]); }, [1, 1, 6], ([, , j], x) => {
    const [a, b] = [x(0, 0, j - (j % 2)), x(0, 0, j - (j % 2) + 1)];
    return (j % 2 === 0) === a >= b ? Math.max(a, b) : 0;
  }),
  row('unfold', 'patches', [[1, 2, 3, 4]], (x) => ag.unfold(x, 2), [1, 8, 6], ([, r, l], x) => x(0, r >> 2, Math.floor(l / 3) + ((r >> 1) & 1), (l % 3) + (r & 1))),
  row('fold', 'sums where patches overlap', [[1, 2, 3]], (x) => ag.fold(x, [1, 4], [1, 2]), [1, 1, 1, 4], ([, , , j], x) =>
    (j < 3 ? x(0, 0, j) : 0) + (j > 0 ? x(0, 1, j - 1) : 0)),
  row('pixelShuffle', 'factor 2', [[1, 4, 2, 3]], (x) => ag.pixelShuffle(x, 2), [1, 1, 4, 6], ([, , i, j], x) => x(0, 2 * (i % 2) + (j % 2), i >> 1, j >> 1)),
  row('pixelUnshuffle', 'factor 2', [[1, 4, 6]], (x) => ag.pixelUnshuffle(x, 2), [4, 2, 3], ([c, i, j], x) => x(0, 2 * i + (c >> 1), 2 * j + (c % 2))),
  row('crop', 'beyond an edge', [[3, 4]], (x) => ag.crop(x, [-1, 2], [3, 3]), [3, 3], ([i, j], x) => (i >= 1 && j < 2 ? x(i - 1, j + 2) : 0)),
  row('resize', 'nearest', [[1, 1, 2, 3]], (x) => ag.resize(x, [4, 6]), [1, 1, 4, 6], ([, , i, j], x) => x(0, 0, i >> 1, j >> 1)),
  row('resize', 'linear, corners aligned', [[1, 1, 3]], (x) => ag.resize(x, 5, { mode: 'bilinear', alignCorners: true }), [1, 1, 5], ([, , j], x) =>
    (x(0, 0, Math.floor(j / 2)) + x(0, 0, Math.ceil(j / 2))) / 2, of1),
  row('fft', 'length 6', [[2, 6, 2]], (x) => ag.fft(x), [2, 6, 2], ([n, k, p], x) =>
    sumOver(6, (j) => x(n, j, p) * turn(j, k, 6, 0) + (p === 0 ? 1 : -1) * x(n, j, 1 - p) * turn(j, k, 6, 1)), of1),
  row('fft', 'in two steps', [[60, 2]], (x) => ag.fft(x), [60, 2], ([k, p], x) =>
    sumOver(60, (j) => x(j, p) * turn(j, k, 60, 0) + (p === 0 ? 1 : -1) * x(j, 1 - p) * turn(j, k, 60, 1)), { ...of1, order: 0 }),
  row('fft', 'a prime length', [[131, 2]], (x) => ag.fft(x), [131, 2], ([k, p], x) =>
    sumOver(131, (j) => x(j, p) * turn(j, k, 131, 0) + (p === 0 ? 1 : -1) * x(j, 1 - p) * turn(j, k, 131, 1)), { dtypes: ['float64'], order: 0 }),
  row('rfft', 'length 5', [[2, 5]], (x) => ag.rfft(x), [2, 3, 2], ([n, k, p], x) => sumOver(5, (j) => (p === 0 ? 1 : -1) * x(n, j) * turn(j, k, 5, p)), of1),
  row('kron', 'matrices', [[2, 3], [3, 2]], (a, b) => ag.kron(a, b), [6, 6], ([i, j], a, b) => a(Math.floor(i / 3), j >> 1) * b(i % 3, j & 1)),
];

/** Symmetric, with eigenvalues far from each other. */
const spread = (x: Tensor): Tensor => x.add(x.transpose()).mul(0.1).add(numbers([[1, 0, 0], [0, 3, 0], [0, 0, 6]]));
/** Pivots that stay where they are. */
const steady = (x: Tensor): Tensor => x.mul(0.1).add(ag.eye(x.shape[0], x.shape[1], { dtype: 'float64' }).mul(2));
const unit = (x: Tensor): Tensor => x.sigmoid().mul(0.8).add(0.1);
const both = (parts: Readonly<Record<string, Tensor>>): Tensor => Object.values(parts).map((t) => t.square().sum()).reduce((a, b) => a.add(b));

export const spaceCases: readonly GradientCase[] = [
  gradientCase('conv2d', 'mirrored padding', (x, w) => ag.conv2d(x, w, { padding: 1, paddingMode: 'reflect' }), [[1, 1, 3, 3], [1, 1, 3, 3]]),
  gradientCase('adaptiveMaxPool', 'with positions', (x) => ag.adaptiveMaxPool(x, 2, { indices: true }).values.square(), [[1, 1, 3, 3]]),
  gradientCase('maxUnpool', 'overlapping', (x) => ag.maxUnpool(x, ag.tensor([[[1, 1]]], { dtype: 'int32' }), [3]).square(), [[1, 1, 2]]),
  gradientCase('ifft', 'length 5', (x) => ag.ifft(x).square(), [[5, 2]]),
  gradientCase('irfft', 'length 5', (x) => ag.irfft(x, { n: 5 }).square(), [[3, 2]]),
  gradientCase('fft2', 'picture', (x) => ag.fft2(x).square(), [[2, 3, 2]]),
  gradientCase('ifft2', 'picture', (x) => ag.ifft2(x, { norm: 'ortho' }).square(), [[2, 3, 2]]),
  gradientCase('stft', 'window', (x) => ag.stft(x, 4, { hop: 2, window: ag.hannWindow(4, { dtype: 'float64' }) }).square(), [[7]]),
  gradientCase('istft', 'window', (x) => ag.istft(x, 4, { hop: 1, window: ag.hammingWindow(4, { dtype: 'float64' }) }).square(), [[3, 4, 2]]),
  gradientCase('resize', 'bicubic', (x) => ag.resize(x, [3, 5], { mode: 'bicubic' }).square(), [[1, 1, 4, 3]]),
  gradientCase('resize', 'antialias', (x) => ag.resize(x, [2, 3], { mode: 'bilinear', antialias: true }).square(), [[1, 1, 5, 4]]),
  gradientCase('resize', 'area', (x) => ag.resize(x, 2, { mode: 'area' }).square(), [[1, 1, 5]]),
  gradientCase('gridSample', 'bilinear', (x, g) => ag.gridSample(x, g.tanh()).square(), [[1, 2, 3, 3], [1, 2, 1, 2]]),
  gradientCase('gridSample', 'bicubic, reflection', (x, g) => ag.gridSample(x, g, { mode: 'bicubic', paddingMode: 'reflection' }).square(), [[1, 1, 3, 4], [1, 1, 2, 2]]),
  gradientCase('gridSample', 'volume, border', (x, g) => ag.gridSample(x, g, { paddingMode: 'border', alignCorners: true }).square(), [[1, 1, 2, 3, 2], [1, 1, 1, 2, 3]]),
  gradientCase('affineGrid', 'picture', (t) => ag.affineGrid(t, [1, 1, 2, 3]).square(), [[1, 2, 3]]),
];

export const matrixCases: readonly GradientCase[] = [
  gradientCase('lu', 'square', (x) => { const { l, u } = ag.lu(steady(x)); return both({ l, u }); }, [[3, 3]]),
  gradientCase('lu', 'tall', (x) => { const { l, u } = ag.lu(steady(x)); return both({ l, u }); }, [[4, 2]]),
  gradientCase('lu', 'wide, batches', (x) => { const { l, u } = ag.lu(x.mul(0.1).add(ag.eye(2, 4, { dtype: 'float64' }).mul(2))); return both({ l, u }); }, [[2, 2, 4]]),
  gradientCase('eigh', 'values and vectors', (x) => { const { values, vectors } = ag.eigh(spread(x)); return both({ values, vectors: vectors.add(1) }); }, [[3, 3]]),
  gradientCase('pinv', 'tall', (x) => ag.pinv(steady(x)), [[3, 2]]),
  gradientCase('pinv', 'wide, batches', (x) => ag.pinv(x.mul(0.1).add(ag.eye(2, 3, { dtype: 'float64' }))), [[2, 2, 3]]),
  gradientCase('lstsq', 'more rows than columns', (a, b) => ag.lstsq(steady(a), b).solution, [[4, 2], [4]]),
  gradientCase('expm', 'matrix', (x) => ag.expm(x.mul(0.5)), [[3, 3]]),
  gradientCase('expm', 'batches', (x) => ag.expm(x), [[2, 2, 2]]),
  gradientCase('triangularSolve', 'lower', (t, b) => ag.triangularSolve(steady(t), b), [[3, 3], [3, 2]]),
  ...(['fro', 'nuc', 1, 2, Number.POSITIVE_INFINITY] as const).map((order) =>
    gradientCase('matrixNorm', String(order), (x) => ag.matrixNorm(x.mul(0.2).add(numbers([[3, 0, 0], [0, 1, 0]])), order), [[2, 3]])),
];

/** The same draws at every call. */
const own = (seed: number): { readonly key: ag.Key; readonly dtype: 'float64' } => ({ key: ag.key(seed), dtype: 'float64' });

export const densityCases: readonly GradientCase[] = [
  gradientCase('normalLogProb', 'all', (x, mean, s) => ag.normalLogProb(x, { mean, std: s.exp() }), [[3], [3], [1]]),
  gradientCase('uniformLogProb', 'inside', (x, low, high) => ag.uniformLogProb(unit(x), { low: unit(low).neg(), high: unit(high).add(1) }), [[3], [3], [3]]),
  gradientCase('bernoulliLogProb', 'both', (p) => ag.bernoulliLogProb(ag.tensor([0, 1]), { p: unit(p) }), [[2]]),
  gradientCase('categoricalLogProb', 'batch', (logits) => ag.categoricalLogProb(ag.tensor([2, 0], { dtype: 'int32' }), { logits }), [[2, 3]]),
  gradientCase('exponentialLogProb', 'all', (x, r) => ag.exponentialLogProb(x.exp(), { rate: r.exp() }), [[3], [3]]),
  gradientCase('gammaLogProb', 'all', (x, a, r) => ag.gammaLogProb(x.exp(), { concentration: a.exp(), rate: r.exp() }), [[3], [3], [3]]),
  gradientCase('betaLogProb', 'all', (x, a, b) => ag.betaLogProb(unit(x), { alpha: a.exp(), beta: b.exp() }), [[3], [3], [3]]),
  gradientCase('poissonLogProb', 'rate', (r) => ag.poissonLogProb(ag.tensor([0, 1, 7]), { rate: r.exp() }), [[3]]),
  gradientCase('laplaceLogProb', 'all', (x, m, s) => ag.laplaceLogProb(x, { location: m, scale: s.exp() }), [[3], [3], [3]]),
  gradientCase('gumbelLogProb', 'all', (x, m, s) => ag.gumbelLogProb(x, { location: m, scale: s.exp() }), [[3], [3], [3]]),
  gradientCase('truncatedNormalLogProb', 'all', (x, mean, s) => ag.truncatedNormalLogProb(x.tanh(), { mean: mean.mul(0.1), std: s.exp(), low: -2, high: 3 }), [[3], [3], [3]]),
  gradientCase('dirichletLogProb', 'all', (x, a) => ag.dirichletLogProb(unit(x), { concentration: a.exp() }), [[2, 3], [3]]),
  gradientCase('multinomialLogProb', 'probabilities', (p) => ag.multinomialLogProb(ag.tensor([1, 0, 3]), { probabilities: unit(p) }), [[3]]),
  gradientCase('multivariateNormalLogProb', 'all', (x, mean, c) => ag.multivariateNormalLogProb(x, { mean, covariance: spread(c) }), [[2, 3], [3], [3, 3]]),
  gradientCase('laplace', 'location and scale', (location, scale) => ag.laplace([3], { location, scale, ...own(1) }).square(), [[3], [3]]),
  gradientCase('gumbel', 'location and scale', (location, scale) => ag.gumbel([3], { location, scale, ...own(1) }).square(), [[3], [3]]),
  gradientCase('multivariateNormal', 'mean and covariance', (mean, c) => ag.multivariateNormal(mean, spread(c), { shape: [2], ...own(2) }).square(), [[3], [3, 3]]),
];
