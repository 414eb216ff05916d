/**
 * What PyTorch says of the functions of the second edition: 1,500 small cases, values and gradients in float64.
 * `packages/tensor/fixtures/pytorch.py` made them, with the lines that PyTorch ran.
 */
import { readFileSync } from 'node:fs';
import * as ag from '@ag/tensor';
import { evaluate, sizeOf, type Tensor, tensor } from '@ag/tensor';
import { expectCloseData } from '@ag/tensor/testing';
import { expect, it } from 'vitest';
import { gradients } from './gradients.ts';

type Domain = readonly [low: number, high: number, whole?: 'i'];
type Operand = readonly [shape: readonly number[], seed: number, domain: Domain];
type Numbers = readonly (number | string)[];
type Case = readonly [
  name: string,
  operands: readonly Operand[],
  options: unknown,
  shape: readonly number[],
  values: Numbers,
  gradients: readonly (Numbers | null)[],
];

const cases: readonly Case[] = JSON.parse(
  readFileSync(new URL('../../tensor/fixtures/pytorch.json', import.meta.url), 'utf8'),
);

const special: Record<string, number> = {
  nan: Number.NaN,
  inf: Number.POSITIVE_INFINITY,
  '-inf': Number.NEGATIVE_INFINITY,
};
const plain = (list: Numbers): number[] => list.map((v) => (typeof v === 'string' ? special[v] : v));

/** The formula of `elements` in pytorch.py. */
function operand([shape, seed, [low, high, whole]]: Operand): Tensor {
  const data = Array.from({ length: sizeOf(shape) }, (_, i) => {
    const x = low + (high - low) * ((((i * 7919 + seed * 104729 + i * i * 31) % 1009) + 0.5) / 1009);
    return whole ? Math.floor(x) : x;
  });
  return tensor(data, { shape: [...shape], dtype: whole ? 'int32' : 'float64' });
}

type Call = (x: readonly Tensor[], options: never) => Tensor;

/** Calls that are not `name(...operands)`. */
const calls: Record<string, Call> = {
  polygamma: ([x], order: number) => ag.polygamma(order, x),
  celu: ([x], alpha?: number | null) => ag.celu(x, alpha ?? undefined),
  softshrink: ([x], size?: number | null) => ag.softshrink(x, size ?? undefined),
  hardshrink: ([x], size?: number | null) => ag.hardshrink(x, size ?? undefined),
  threshold: ([x], [limit, value]: [number, number]) => ag.threshold(x, limit, value),
  glu: ([x], axis: number) => ag.glu(x, axis),
  quantile: ([x], [q, axis, keepDims, interpolation]: [number, number, boolean, 'linear']) =>
    ag.quantile(x, q, axis, { keepDims, interpolation }),
  max: ([x], [axis, keepDims]: [number, boolean]) => ag.max(x, axis, { keepDims, indices: true }).values,
  min: ([x], [axis, keepDims]: [number, boolean]) => ag.min(x, axis, { keepDims, indices: true }).values,
  maxIndices: ([x], [axis, keepDims]: [number, boolean]) =>
    ag.max(x, axis, { keepDims, indices: true }).indices,
  sortIndices: ([x], axis: number) => ag.sort(x, axis).indices,
  scatter: ([x, at, v], [axis, combine]: [number, 'add']) => ag.scatter(x, at, v, axis, { combine }),
  segmentSum: ([x, at], count: number) => ag.segmentSum(x, at, count),
  segmentMean: ([x, at], count: number) => ag.segmentMean(x, at, count),
  searchSorted: ([sorted, v], right: boolean) =>
    ag.searchSorted(ag.sort(sorted), v, { side: right ? 'right' : 'left' }),
  histogram: ([x], bins: number) => ag.histogram(x, { bins, range: [-2, 2] }).counts,
  padCircular: ([x], widths: [number, number]) => ag.pad(x, [[0, 0], widths], { mode: 'circular' }),
  padReplicate: ([x], widths: [number, number]) => ag.pad(x, [[0, 0], widths], { mode: 'edge' }),
};
for (const name of ['nanSum', 'nanMean', 'countNonzero', 'median'] as const)
  calls[name] = ([x], [axis, keepDims]: [number, boolean]) => ag[name](x, axis, { keepDims });
for (const name of ['cummax', 'cummin', 'logCumsumExp', 'sort'] as const)
  calls[name] = ([x], axis: number) => ag[name](x, axis);

/** The result, and Σ wᵢ·yᵢ differentiated by the operands that are no integers. */
async function computed([name, operands, options, , , expected]: Case): Promise<{ y: Tensor; g: Tensor[] }> {
  const x = operands.map(operand);
  const f = ag[name as 'hypot'] as unknown as (...x: Tensor[]) => Tensor | Promise<Tensor>;
  const y = await (calls[name]?.(x, options as never) ?? f(...x));
  if (!expected.some((list) => list !== null)) return { y, g: [] };
  const weights = Array.from({ length: y.size }, (_, i) => 1 + (i % 7) / 8);
  const loss = y.mul(tensor(weights, { shape: [...y.shape], dtype: 'float64' })).sum();
  return {
    y,
    g: gradients(
      loss,
      x.filter((_, i) => expected[i] !== null),
    ),
  };
}

// The values have ten digits.
const closeness = { relative: 2e-9, absolute: 2e-9 };

it('agrees with PyTorch, values and gradients', async () => {
  expect(cases.length).toBeGreaterThan(1_450);
  expect(new Set(cases.map(([name]) => name)).size).toBeGreaterThan(65);
  const wrong: string[] = [];
  for (let start = 0; start < cases.length; start += 50) {
    const part = cases.slice(start, start + 50);
    const results = await Promise.all(part.map(computed));
    // One plan for many cases.
    evaluate(results.flatMap(({ y, g }) => [y, ...g]));
    part.forEach(([name, operands, options, shape, values, expected], i) => {
      const { y, g } = results[i];
      const what = `${name}(${JSON.stringify(operands)}; ${JSON.stringify(options)})`;
      try {
        expect(y.shape, what).toEqual(shape);
        expectCloseData(y.dataSync(), plain(values), closeness, what);
        const wanted = expected.filter((list) => list !== null);
        if (g.length > 0)
          wanted.forEach((list, k) =>
            expectCloseData(g[k].dataSync(), plain(list), closeness, `gradient ${k} of ${what}`),
          );
      } catch (error) {
        wrong.push((error as Error).message.slice(0, 300));
      }
    });
  }
  expect(wrong).toEqual([]);
});
