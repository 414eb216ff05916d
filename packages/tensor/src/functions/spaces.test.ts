/**
 * Pictures, spectra and matrices: shapes without elements, other dtypes, special values, inverses of each other, and what wrong arguments are told.
 * Values and gradients against PyTorch are in `packages/graph/src/spaces.test.ts`.
 */
import { describe, expect, it } from 'vitest';
import {
  adaptiveAvgPool,
  adaptiveMaxPool,
  affineGrid,
  avgPool3d,
  conv1d,
  conv3d,
  convTranspose1d,
  crop,
  eigh,
  eigvals,
  expm,
  eye,
  fft,
  fft2,
  fold,
  gridSample,
  hannWindow,
  ifft,
  ifft2,
  irfft,
  istft,
  kron,
  lstsq,
  lu,
  matrixNorm,
  matrixRank,
  maxPool1d,
  maxPoolIndices,
  maxUnpool,
  normal,
  ones,
  pinv,
  pixelShuffle,
  pixelUnshuffle,
  resize,
  rfft,
  stft,
  type Tensor,
  tensor,
  unfold,
  zeros,
} from '../index.ts';

const none = (...shape: number[]): Tensor => tensor([], { shape });
const random = (...shape: number[]): Tensor =>
  tensor(normal(shape, { dtype: 'float64' }).dataSync(), { shape });

function expectSame(a: Tensor, b: Tensor, tolerance = 1e-12): void {
  expect(a.shape).toEqual(b.shape);
  expect(a.sub(b).abs().max().itemSync()).toBeLessThan(tolerance);
}

describe('no elements', () => {
  it('have the shapes that rules say', () => {
    expect(conv3d(none(0, 2, 3, 3, 3), ones([4, 2, 2, 2, 2])).shape).toEqual([0, 4, 2, 2, 2]);
    expect(maxPool1d(none(0, 2, 4), 2).dataSync()).toHaveLength(0);
    expect(adaptiveAvgPool(none(0, 2, 5), 3).shape).toEqual([0, 2, 3]);
    expect(resize(none(0, 1, 4), 8, { mode: 'bilinear' }).dataSync()).toHaveLength(0);
    expect(fft(none(0, 12, 2)).dataSync()).toHaveLength(0);
    expect(unfold(none(0, 2, 4, 4), 2).shape).toEqual([0, 8, 9]);
    expect(kron(none(0), ones([3])).shape).toEqual([0]);
    expect([...pinv(zeros([2, 0])).shape]).toEqual([0, 2]);
    expect(eigh(zeros([0, 0])).values.dataSync()).toHaveLength(0);
    expect(expm(none(0, 2, 2)).dataSync()).toHaveLength(0);
    expect(matrixRank(none(2, 0)).itemSync()).toBe(0);
  });
});

describe('dtypes', () => {
  it('of whole numbers stay where elements only move, else become float32', () => {
    const x = tensor([[[[1, 2], [3, 4]]]], { dtype: 'int32' }); // biome-ignore format: short
    expect(resize(x, 4).dtype).toBe('int32');
    expect(resize(x, 4, { mode: 'bilinear' }).dtype).toBe('float32');
    expect(pixelUnshuffle(x, 2).dtype).toBe('int32');
    expect(crop(x, [0], [1]).dtype).toBe('int32');
    expect(rfft(x).dtype).toBe('float32');
    expect(matrixRank(x).dtype).toBe('int32');
    expect(maxPoolIndices(x, 2).indices.dtype).toBe('int32');
    expect(lu(x.cast('float64')).l.dtype).toBe('float64');
    expect(fft(tensor([[1, 2]], { dtype: 'float16' })).dtype).toBe('float32');
  });
});

describe('special values', () => {
  it('stay where they are', () => {
    const x = tensor([[[1, Infinity, 2, Number.NaN, 3, -Infinity]]]);
    expect([...resize(x, 3).dataSync()]).toEqual([1, 2, 3]);
    expect([...maxPool1d(x, 2).dataSync()]).toEqual([Infinity, Number.NaN, 3]);
    expect([...adaptiveMaxPool(x, 2).dataSync()]).toEqual([Infinity, Number.NaN]);
    const grid = tensor([[[[0, 0], [5, 5]]]]); // biome-ignore format: short
    expect([...gridSample(tensor([[[[1, 2, 1], [3, 7, 3], [1, 2, 1]]]]), grid).dataSync()]).toEqual([7, 0]); // biome-ignore format: short
    // A place that is no number is the upper left corner, as PyTorch says.
    const lost = tensor([[[[Number.NaN, Number.NaN]]]]);
    expect(gridSample(tensor([[[[5, 2], [3, 7]]]]), lost, { alignCorners: true }).itemSync()).toBe(5); // biome-ignore format: short
    expect(() => eigvals(tensor([[Number.NaN]])).dataSync()).toThrow(/eigvals: matrix 0 holds NaN/);
    expect(expm(tensor([[Infinity]])).itemSync()).toBeNaN();
  });
});

describe('inverses', () => {
  it('of transforms give what there was', () => {
    for (const n of [1, 5, 32, 60, 131]) {
      const x = random(2, n, 2);
      expectSame(ifft(fft(x)), x, 1e-11);
      const real = random(2, n);
      expectSame(irfft(rfft(real), { n }), real, 1e-11);
    }
    const picture = random(6, 5, 2);
    expectSame(ifft2(fft2(picture)), picture);
    const signal = random(2, 50);
    const window = hannWindow(8, { dtype: 'float64' });
    expectSame(istft(stft(signal, 8, { window }), 8, { window, length: 50 }), signal);
  });

  it('of moves, too', () => {
    const x = random(2, 8, 3, 2);
    expectSame(pixelUnshuffle(pixelShuffle(x, 2), 2), x);
    const { values, indices } = maxPoolIndices(random(2, 3, 4, 6), 2);
    expectSame(maxPoolIndices(maxUnpool(values.abs(), indices, [4, 6]), 2).values, values.abs());
    const y = random(1, 2, 4, 6);
    expectSame(fold(unfold(y, 2, { stride: 2 }), [4, 6], 2, { stride: 2 }), y);
    const identity = tensor([[[1, 0, 0], [0, 1, 0]]], { dtype: 'float64' }); // biome-ignore format: short
    expectSame(gridSample(y, affineGrid(identity, [1, 2, 4, 6])), y);
    expectSame(resize(y, [4, 6], { mode: 'bicubic' }), y);
  });

  it('of matrices', () => {
    const x = random(2, 5, 5);
    const { p, l, u } = lu(x);
    expectSame(p.matmul(l).matmul(u), x);
    const symmetric = x.add(x.transpose());
    const { values, vectors } = eigh(symmetric);
    expectSame(vectors.mul(values.unsqueeze(-2)).matmul(vectors.transpose()), symmetric, 1e-11);
    expectSame(expm(x).matmul(expm(x.neg())), eye(5).cast('float64').broadcastTo([2, 5, 5]), 1e-8);
    const tall = random(6, 3);
    expectSame(pinv(tall).matmul(tall), eye(3).cast('float64'), 1e-11);
    const { solution, rank } = lstsq(tall, tall.matmul(ones([3], { dtype: 'float64' })));
    expectSame(solution, ones([3], { dtype: 'float64' }), 1e-11);
    expect(rank.itemSync()).toBe(3);
    // Of rank 1: the shortest solution.
    expectSame(lstsq(ones([2, 2], { dtype: 'float64' }), tensor([2, 2], { dtype: 'float64' })).solution, ones([2], { dtype: 'float64' })); // biome-ignore format: short
    // Companion matrix of (x − 1)(x − 2)(x² + 1).
    const roots = eigvals(tensor([[3, -3, 3, -2], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]], { dtype: 'float64' })); // biome-ignore format: short
    expectSame(roots, tensor([[0, -1], [0, 1], [1, 0], [2, 0]], { dtype: 'float64' }), 1e-10); // biome-ignore format: short
  });
});

describe('errors say what, where, and how to mend it', () => {
  // biome-ignore format: a table
  const rows: readonly (readonly [string, () => unknown, RegExp])[] = [
    ['conv3d', () => conv3d(ones([1, 2, 3, 3]), ones([1, 2, 2, 2, 2])), /conv3d: the input must be \[batch, channels, depth, height, width\], got \[1, 2, 3, 3\]; x\.unsqueeze/],
    ['conv1d', () => conv1d(ones([1, 1, 3]), ones([1, 1, 3]), { padding: 3, paddingMode: 'reflect' }), /can add at most 2 elements/],
    ['conv1d', () => conv1d(ones([1, 1, 3]), ones([1, 1, 3]), { padding: 4, paddingMode: 'circular' }), /conv1d: circular padding goes round once at most: 4/],
    ['conv1d', () => conv1d(ones([1, 1, 3]), ones([1, 1, 3]), { paddingMode: 'edge' as never }), /paddingMode must be 'zeros'/],
    ['convTranspose1d', () => convTranspose1d(ones([1, 2, 3]), ones([1, 1, 2])), /convTranspose1d: .*has 2 channels/],
    ['avgPool3d', () => avgPool3d(ones([1, 1, 2, 2, 2]), 3), /avgPool3d: a window of 3 reaches over 3 elements/],
    ['adaptiveAvgPool', () => adaptiveAvgPool(ones([1, 2]), 1), /adaptiveAvgPool: expects \[batch, channels, …\]/],
    ['adaptiveMaxPool', () => adaptiveMaxPool(none(1, 1, 0), 1), /axis 2 .* has no elements/],
    ['maxUnpool', () => maxUnpool(ones([1, 1, 2]), zeros([1, 1, 3]), [4]), /maxUnpool: values are \[1, 1, 2\], their indices \[1, 1, 3\]/],
    ['resize', () => resize(ones([1, 1, 4]), 2, { mode: 'cubic' as never }), /resize: mode must be/],
    ['resize', () => resize(ones([1, 1, 4]), 2, { antialias: true }), /antialias are for 'bilinear'/],
    ['gridSample', () => gridSample(ones([1, 1, 2, 2]), ones([2, 1, 1, 2])), /gridSample: needs pictures/],
    ['affineGrid', () => affineGrid(ones([1, 2, 2]), [1, 1, 2, 2]), /affineGrid: needs theta \[batch, 2, 3\]/],
    ['crop', () => crop(ones([2, 2]), [0, 0], [1]), /crop: start and size need one number/],
    ['fold', () => fold(ones([1, 4, 3]), [3, 3], 2), /fold: \[1, 4, 3\] does not fit: patches of 4 elements and 4 places/],
    ['pixelShuffle', () => pixelShuffle(ones([3, 2, 2]), 2), /3 channels of \[3, 2, 2\] are no multiple of 2²/],
    ['fft', () => fft(ones([4])), /fft: expects complex numbers \[\.\.\., n, 2\].*got \[4\]/],
    ['fft', () => fft(ones([4, 2]), { norm: 'unit' as never }), /norm must be 'backward', 'forward' or 'ortho'/],
    ['stft', () => stft(ones([4]), 8, { center: false }), /stft: the signal has 4 numbers, a window 8/],
    ['istft', () => istft(ones([4, 2]), 8), /istft: expects \[\.\.\., 5 frequencies, windows, 2\]/],
    ['lu', () => lu(ones([3])), /lu: needs matrices in the last two axes, got \[3\]/],
    ['eigh', () => eigh(ones([2, 3])), /eigh: needs square matrices in the last two axes, got \[2, 3\]/],
    ['matrixNorm', () => matrixNorm(ones([2, 2]), 3), /the order must be 'fro', 'nuc', ±1, ±2 or ±Infinity, got 3/],
    ['lstsq', () => lstsq(ones([3, 2]), ones([2])), /lstsq: the right-hand side \[2\] does not fit matrices \[3, 2\]/],
  ];
  for (const [name, wrong, message] of rows) {
    it(`${name}: ${message.source.slice(0, 40)}`, () => expect(wrong).toThrow(message));
  }
});
