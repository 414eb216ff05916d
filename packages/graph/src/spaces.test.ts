/**
 * What PyTorch and SciPy say of some 1,200 cases of convolution, pooling, resizing, sampling, spectra and linear algebra, values and gradients:
 * `packages/tensor/fixtures/spaces.py` made them, with the lines that they ran.
 */
import { readFileSync } from 'node:fs';
import * as ag from '@ag/tensor';
import { evaluate, sizeOf, type Tensor, tensor } from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import { gradients } from './gradients.ts';

type Summary = readonly [sum: number, weighted: number, first: readonly number[]];
type Options = Readonly<Record<string, never>>;
type Case = readonly [
  name: string,
  operands: readonly (readonly [shape: readonly number[], seed: number])[],
  options: Options,
  shape: readonly number[],
  value: Summary,
  gradients?: readonly Summary[],
];

const { cases }: { cases: readonly Case[] } = JSON.parse(
  readFileSync(new URL('../../tensor/fixtures/spaces.json', import.meta.url), 'utf8'),
);

/** The formula of `elements` in spaces.py. */
function elements(shape: readonly number[], seed: number): Float64Array {
  return Float64Array.from({ length: sizeOf(shape) }, (_, i) => {
    const r = ((i * 7919 + seed * 104729 + i * i * 31) % 1009) - 504;
    return r / 256 + i * 1e-4;
  });
}

function summary(t: Tensor): Summary {
  const x = t.dataSync();
  const weights = elements(t.shape, 999);
  let sum = 0;
  let weighted = 0;
  x.forEach((value, i) => {
    sum += value;
    weighted += value * weights[i];
  });
  return [sum, weighted, [...x.slice(0, 3)]];
}

/** Functions whose operands and options differ from the cases'. Others are called with the operands, then the options. */
const special: Record<string, (x: readonly Tensor[], o: Options) => Tensor> = {
  ...Object.fromEntries(
    ['maxPool1d', 'maxPool2d', 'maxPool3d', 'avgPool1d', 'avgPool2d', 'avgPool3d', 'unfold'].map((name) => [
      name,
      ([x]: readonly Tensor[], { size, ...rest }: Options) =>
        (ag as unknown as Record<string, (...all: unknown[]) => Tensor>)[name](x, size, rest),
    ]),
  ),
  maxPoolIndices: ([x], { size, ...rest }) => ag.maxPoolIndices(x, size, rest).indices,
  adaptiveAvgPool: ([x], { size }) => ag.adaptiveAvgPool(x, size),
  adaptiveMaxPool: ([x], { size, indices }) =>
    indices ? ag.adaptiveMaxPool(x, size, { indices: true }).indices : ag.adaptiveMaxPool(x, size),
  fold: ([x], { outputSize, size, ...rest }) => ag.fold(x, outputSize, size, rest),
  pixelShuffle: ([x], { factor }) => ag.pixelShuffle(x, factor),
  pixelUnshuffle: ([x], { factor }) => ag.pixelUnshuffle(x, factor),
  resize: ([x], { size, ...rest }) => ag.resize(x, size, rest),
  affineGrid: ([x], { size, ...rest }) => ag.affineGrid(x, size, rest),
  stft: ([x], { fftSize, window, ...rest }) =>
    ag.stft(x, fftSize, { ...rest, window: ag.hammingWindow(fftSize, { dtype: 'float64' }) }),
  istft: ([x], { fftSize, window, ...rest }) =>
    ag.istft(x, fftSize, { ...rest, window: ag.hammingWindow(fftSize, { dtype: 'float64' }) }),
  ...Object.fromEntries(
    ['hann', 'hamming', 'blackman', 'bartlett', 'kaiser'].map((kind) => [
      `${kind}Window`,
      (_x: readonly Tensor[], { length, periodic }: Options) =>
        (ag as unknown as Record<string, (...all: unknown[]) => Tensor>)[`${kind}Window`](length, {
          periodic,
          dtype: 'float64',
        }),
    ]),
  ),
  lu: ([x], { part }) => ag.lu(x)[part],
  eigh: ([x], { part }) => {
    const { values, vectors } = ag.eigh(x);
    return part === 'values' ? values : vectors.square();
  },
  lstsq: ([a, b]) => ag.lstsq(a, b).solution,
  slogdet: ([x]) => ag.slogdet(x).logarithm,
  matrixNorm: ([x], { order }) =>
    ag.matrixNorm(x, ({ inf: Infinity, '-inf': -Infinity } as Record<string, number>)[order] ?? order),
};

function differs(actual: Summary, expected: Summary, scale: number): boolean {
  const off = (a: number, b: number): boolean => !(Math.abs(a - b) <= 1e-9 * (Math.abs(b) + scale));
  return (
    off(actual[0], expected[0]) ||
    off(actual[1], expected[1]) ||
    actual[2].some((x, i) => off(x, expected[2][i]))
  );
}

describe('what PyTorch and SciPy say', () => {
  const names = [...new Set(cases.map(([name]) => name))];
  for (const name of names) {
    it(name, () => {
      const wrong: string[] = [];
      const all = cases.filter(([own]) => own === name);
      // Every day some of each, spread over all.
      const step = process.env.AG_TEST === 'full' ? 1 : Math.ceil(all.length / 20);
      for (const [, operands, options, shape, value, slopes] of all.filter((_, i) => i % step === 0)) {
        const x = operands.map(([size, seed]) => tensor(elements(size, seed), { shape: size }));
        const f = special[name];
        const y = f
          ? f(x, options)
          : (ag as unknown as Record<string, (...all: unknown[]) => Tensor>)[name](
              ...x,
              ...(Object.keys(options).length > 0 ? [options] : []),
            );
        const say = (what: string, actual: unknown, expected: unknown): void => {
          wrong.push(
            `${what} of ${JSON.stringify([operands, options])}: ${JSON.stringify(actual)}, expected ${JSON.stringify(expected)}`,
          );
        };
        if (y.shape.join() !== shape.join()) {
          say('shape', y.shape, shape);
          continue;
        }
        const loss = slopes && y.mul(tensor(elements(shape, 999), { shape })).sum();
        const g = loss ? gradients(loss, x) : [];
        // One plan for all.
        evaluate([y, ...g]);
        const found = summary(y);
        if (differs(found, value, 1 + sizeOf(shape))) say('value', found, value);
        if (slopes === undefined) continue;
        g.forEach((own, i) => {
          const slope = summary(own);
          if (differs(slope, slopes[i], (1 + sizeOf(own.shape)) * 10)) say(`gradient ${i}`, slope, slopes[i]);
        });
      }
      expect(wrong.slice(0, 3)).toEqual([]);
    });
  }
  it('is about a thousand cases', () => expect(cases.length).toBeGreaterThan(1000));
});
