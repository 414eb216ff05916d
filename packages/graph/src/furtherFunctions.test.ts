/**
 * Functions of the second edition for many examples at once, forwards, compiled, and on integers of every dtype.
 */
import * as ag from '@ag/tensor';
import { type Tensor, tensor } from '@ag/tensor';
import { elementwiseRows, expectCloseData, positions, sample } from '@ag/tensor/testing';
import { expect, it } from 'vitest';
import { compile } from './compile.ts';
import { gradients } from './gradients.ts';
import { jvp } from './transforms.ts';
import { vmap } from './vmap.ts';

const at = positions([2, 0, 2]);

/** Of a tensor of shape [3, 4]. */
const functions: Record<string, (x: Tensor) => Tensor> = {
  cummax: (x) => ag.cummax(x, 0),
  cummin: (x) => ag.cummin(x),
  logCumsumExp: (x) => ag.logCumsumExp(x),
  'cumsum, exclusive': (x) => x.cumsum(0, { exclusive: true, reverse: true }),
  median: (x) => ag.median(x, 1),
  quantile: (x) => ag.quantile(x, [0.2, 0.7], 0),
  nanMean: (x) => ag.nanMean(x.less(0).where(Number.NaN, x), 1),
  'max with positions': (x) => x.max(1, { indices: true }).values.mul(x.max(1, { indices: true }).indices),
  'sort with positions': (x) => ag.sort(x, 0).mul(ag.sort(x, 0).indices),
  'scatter, set': (x) => ag.scatter(x, positions([[1], [3], [0]]), x.slice(0, 1, { axis: 1 }).mul(2)),
  'scatter, mul': (x) => ag.scatter(x, at.reshape([3, 1]), x.exp(), 0, { combine: 'mul' }),
  'scatter, max': (x) => ag.scatter(x, at.reshape([3, 1]), x.mul(2), 0, { combine: 'max' }),
  'at, add': (x) => x.at(at).add(x.square()),
  'at, set': (x) => x.at(':', { step: 2 }).set(x.slice(0, 2, { axis: 1 }).exp()),
  'at, min': (x) => x.at(at, positions([1, 1, 3])).min(x.sum()),
  segmentSum: (x) => ag.segmentSum(x, at, 4),
  segmentMean: (x) => ag.segmentMean(x, at, 4),
  segmentMax: (x) => ag.segmentMax(x, at, 3).slice(2),
  searchSorted: (x) => ag.searchSorted(ag.sort(x.flatten()), x).mul(x),
  histogram: (x) => ag.histogram(x, { bins: 3, range: [-1, 1], density: true }).counts.add(x.sum()),
  rearrange: (x) => ag.rearrange(x, 'a (b c) -> c (a b)', { b: 2 }),
  reduce: (x) => ag.reduce(x, '(a 3) (b c) -> b a', 'max', { c: 2 }),
  repeat: (x) => ag.repeat(x, 'a b -> b 2 a'),
  glu: (x) => ag.glu(x),
  'pad, circular': (x) => x.pad([[1, 2], [3, 0]], { mode: 'circular' }),
  lgamma: (x) => ag.lgamma(x),
  polygamma: (x) => ag.polygamma(2, x.square().add(1)),
  prelu: (x) => ag.prelu(x, x.sum()),
}; // biome-ignore format: a table

it.each(Object.entries(functions))('%s: examples, directions, compiled', (_, f) => {
  const x = sample([2, 3, 4], 5);
  const [one, other] = [0, 1].map((i) => f(x.slice(i, i + 1).squeeze(0)));
  const all = vmap(f)(x);
  expect(all.shape).toEqual([2, ...one.shape]);
  const closeness = { relative: 1e-10, absolute: 1e-10 };
  expectCloseData(all.dataSync(), ag.stack([one, other]).dataSync(), closeness, 'vmap');
  expectCloseData(compile(f)(x.slice(0, 1).squeeze(0)).dataSync(), one.dataSync(), closeness, 'compiled');
  // Σ w·(J v) forwards is vᵀ(Jᵀw) backwards.
  const first = x.slice(0, 1).squeeze(0);
  const [v, w] = [sample([3, 4], 6), sample(one.shape, 7)];
  const [, forwards] = jvp(f, [first], [v]);
  const [backwards] = gradients(f(first).mul(w).sum(), [first]);
  const sums = [forwards.mul(w).sum().itemSync(), backwards.mul(v).sum().itemSync()];
  expectCloseData([sums[0]], [sums[1]], { relative: 1e-9, absolute: 1e-9 }, 'jvp');
});

it('gradients for each of many examples', () => {
  const x = sample([2, 3, 4], 5);
  for (const f of Object.values(functions)) {
    const slope = (y: Tensor): Tensor => gradients(f(y).square().sum(), [y])[0];
    const each = [0, 1].map((i) => slope(x.slice(i, i + 1).squeeze(0)));
    expectCloseData(
      vmap(slope)(x).dataSync(),
      ag.stack(each).dataSync(),
      { relative: 1e-9, absolute: 1e-9 },
      String(f),
    );
  }
});

it('elementwise functions are one kernel with their neighbors', () => {
  const x = sample([6], 1).abs().add(1.5);
  x.dataSync();
  for (const { name, of, ranges } of elementwiseRows) {
    if (name === 'cast') continue;
    const kernels = (g: () => Tensor): number => {
      const before = ag.stats().kernels;
      g().dataSync();
      return ag.stats().kernels - before;
    };
    const whole = /^(bitwise|left|right)/.test(name);
    const operand = whole ? x.cast('int32') : x;
    expect(
      kernels(() =>
        of(ranges.map(() => operand))
          .cast('float64')
          .mul(name.length + 0.5),
      ),
      name,
    ).toBeLessThanOrEqual(1);
  }
});

it('bits of every dtype of integers', () => {
  // np.left_shift, np.right_shift, np.bitwise_not … of NumPy 2.4
  const bytes = tensor([200, 3, 15], { dtype: 'uint8' });
  expect([...ag.leftShift(bytes, 1).dataSync()]).toEqual([144, 6, 30]);
  expect([...ag.bitwiseNot(bytes).dataSync()]).toEqual([55, 252, 240]);
  const words = tensor([4294967295, 5], { dtype: 'uint32' });
  expect([...ag.rightShift(words, 28).dataSync()]).toEqual([15, 0]);
  expect([...ag.bitwiseNot(words).dataSync()]).toEqual([0, 4294967290]);
  expect([...ag.bitwiseXor(words, 6).dataSync()]).toEqual([4294967289, 3]);
  expect([...ag.bitwiseNot(tensor([1, 0], { dtype: 'bool' })).dataSync()]).toEqual([0, 1]);
  expect(() => ag.bitwiseAnd(tensor([1.5]), 1)).toThrow(
    "bitwiseAnd: needs integers or bool, got float32 and float32; cast them first: x.cast('int32')",
  );
});

it('unique, bincount and histogram as NumPy', async () => {
  // np.unique(x, return_index=True, return_inverse=True, return_counts=True); np.bincount; np.histogram
  const x = tensor([3, 1, 2, 3, 1, 3], { dtype: 'int32' });
  const { values, indices, inverse, counts } = await ag.unique(x, { counts: true });
  expect([values, indices, inverse, counts].map((t) => [...t.dataSync()])).toEqual([
    [1, 2, 3], [1, 2, 0], [2, 0, 1, 2, 0, 2], [2, 1, 3],
  ]); // biome-ignore format: a table
  expect([...ag.bincount(x).dataSync()]).toEqual([0, 2, 1, 3]);
  const weights = tensor([0.5, 1, 2, 0.25, 4, 0.25]);
  expect([...ag.bincount(x, { weights, length: 5 }).dataSync()]).toEqual([0, 5, 2, 1, 0]);
  const y = tensor([1, 2.5, 2.5, 3, 4]);
  const found = ag.histogram(y, { bins: 4 });
  expect([...found.counts.dataSync()]).toEqual([1, 0, 3, 1]);
  expect([...found.edges.dataSync()]).toEqual([1, 1.75, 2.5, 3.25, 4]);
  expect([...ag.histogram(y, { bins: [0, 2, 3, 4] }).counts.dataSync()]).toEqual([1, 2, 2]);
  expect([...ag.histogram(tensor([5, 5]), { bins: 2 }).edges.dataSync()]).toEqual([4.5, 5, 5.5]);
});
