/**
 * Gradients of picking, rearranging, notation, norms and softmax: central differences in float64 are the independent
 * truth, first and second order; conventions at ties and kinks by hand.
 */
import {
  argsort,
  concat,
  diag,
  diagonal,
  einsum,
  key,
  logSoftmax,
  normal,
  reference,
  sort,
  split,
  stack,
  type Tensor,
  take,
  tensor,
  tensordot,
  topK,
  trace,
  use,
} from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import { checkGradients, gradients } from './index.ts';

const sample = (shape: readonly number[], seed: number): Tensor =>
  normal(shape, { key: key(seed), dtype: 'float64' });
const positions = (data: readonly number[]): Tensor => tensor(data, { dtype: 'int32' });
const [x, y, m] = [sample([3, 4], 1), sample([2, 3, 4], 2), sample([4, 2], 3)];

describe('gradients', () => {
  const cases: [string, (x: readonly Tensor[]) => Tensor, readonly Tensor[]][] = [
    ['index: ranges', ([a]) => a.index({ step: -1 }, { start: 1 }).square(), [x]],
    ['index: positions', ([a]) => a.index(1, '...', null).exp(), [y]],
    [
      'index: looked up with repeats',
      ([a]) => a.index(positions([0, 2, 2]), positions([1, 1, 1])).square(),
      [x],
    ],
    [
      'index: looked up apart',
      ([a]) => a.index(positions([0, 1, 1]), ':', positions([3, 3, 0])).square(),
      [y],
    ],
    ['index: mask', ([a]) => a.index(x.greater(0)).square(), [x]],
    ['take', ([a]) => take(a, positions([1, 1]), 1).square(), [y]],
    ['roll', ([a]) => a.roll([1, -1], [0, 1]).mul(x), [x]],
    ['repeat and tile', ([a]) => a.repeat(2, 1).tile([2, 1]).square(), [x]],
    [
      'pad: edge',
      ([a]) =>
        a
          .pad(
            [
              [1, 2],
              [0, 1],
            ],
            { mode: 'edge' },
          )
          .square(),
      [x],
    ],
    [
      'pad: reflect',
      ([a]) =>
        a
          .pad(
            [
              [1, 2],
              [3, 0],
            ],
            { mode: 'reflect' },
          )
          .sin(),
      [x],
    ],
    [
      'split and concat',
      ([a]) =>
        concat(
          split(a, [1, 3], 1).map((piece, i) => piece.pow(i + 2)),
          1,
        ),
      [x],
    ],
    [
      'split into overlapping uses',
      ([a]) =>
        split(a, [2, 2], 1)
          .reduce((p, q) => p.mul(q))
          .add(a.slice(1, 3, { axis: 1 })),
      [x],
    ],
    ['stack', ([a, b]) => stack([a, b, a], 1).square(), [x, x.add(1)]],
    ['diag of a vector', ([a]) => diag(a, -1).square(), [sample([3], 4)]],
    ['diagonal', ([a]) => diagonal(a, 1).square(), [y]],
    ['diagonal of a tall matrix', ([a]) => diagonal(a.transpose()).exp(), [x]],
    ['trace', ([a]) => trace(a.matmul(a.transpose())), [x]],
    ['sort', ([a]) => sort(a, 0).mul(x).square(), [x]],
    [
      'argsort through take',
      ([a]) =>
        a
          .take(argsort(a.sum(1)))
          .square()
          .mul(x),
      [x],
    ],
    ['topK', ([a]) => topK(a, 2).values.square(), [y]],
    ['clamp by tensors', ([a, b]) => a.clamp(b, b.add(1)).square(), [x, sample([4], 5)]],
    ['einsum: product', ([a, b]) => einsum('ij,jk->ki', a, b).square(), [x, m]],
    [
      'einsum: three operands',
      ([a, b, c]) => einsum('ij,jk,ik->j', a, b, c).square(),
      [x, m, sample([3, 2], 6)],
    ],
    ['einsum: batches', ([a, b]) => einsum('...ij,jk->...ki', a, b).tanh(), [y, m]],
    ['einsum: diagonal and sum', ([a]) => einsum('iij->j', a).square(), [sample([3, 3, 2], 7)]],
    ['einsum: elementwise', ([a, b]) => einsum('ij,kj->ikj', a, b).square(), [x, sample([2, 4], 8)]],
    ['tensordot', ([a, b]) => tensordot(a, b, [[2], [0]]).square(), [y, m]],
    ['norm', ([a]) => a.norm(1), [x]],
    ['norm, p = 1', ([a]) => a.norm(0, { p: 1 }).square(), [x]],
    ['norm, p = 3', ([a]) => a.norm([0, 2], { p: 3, keepDims: true }), [y]],
    ['norm, p = ∞', ([a]) => a.norm(0, { p: Number.POSITIVE_INFINITY }).square(), [x]],
    ['softmax along a middle axis', ([a]) => a.softmax(1).square(), [y]],
    ['log-softmax', ([a]) => logSoftmax(a, 0).mul(x), [x]],
    ['log-sum-exp over two axes', ([a]) => a.logSumExp([0, 2], { keepDims: true }).square(), [y]],
    ['standard deviation', ([a]) => a.std(0), [x]],
    ['atan2', ([a, b]) => a.atan2(b), [x, sample([3, 4], 9)]],
  ];
  for (const [name, f, at] of cases) {
    it(name, () => {
      expect(checkGradients(f, at, { order: 2 }).order).toBe(2);
    });
  }
});

describe('conventions where there is no derivative', () => {
  const slope = (f: (x: Tensor) => Tensor, at: number | number[]): number[] => {
    const point = tensor(at, { dtype: 'float64' });
    return [...gradients(f(point).sum(), [point])[0].dataSync()];
  };
  it('counts as 0 at the kink of norms, square roots, absolute values and angles', () => {
    expect(slope((a) => a.norm(), [0, 0])).toEqual([0, 0]);
    expect(slope((a) => a.norm(0, { p: 1 }), [0, 2])).toEqual([0, 1]);
    expect(slope((a) => a.norm(0, { p: 3 }), [0, 0])).toEqual([0, 0]);
    expect(slope((a) => a.norm(0, { p: 1.5 }), [0, 4])[0]).toBe(0);
    expect(slope((a) => a.square().sqrt(), [0, -2])).toEqual([0, -1]);
    expect(slope((a) => a.std(), [3, 3])).toEqual([0, 0]);
    expect(slope((a) => a.abs(), [0])).toEqual([0]);
    expect(slope((a) => a.relu(), [0])).toEqual([0]);
    expect(slope((a) => a.atan2(0), [0])).toEqual([0]);
  });
  it('has no NaN in the second derivative of a norm at 0', () => {
    const point = tensor([0, 0], { dtype: 'float64' });
    const [first] = gradients(point.norm(), [point]);
    expect([...gradients(first.sum(), [point])[0].dataSync()]).toEqual([0, 0]);
  });
  it('passes to x at both ends of clamp and to the limit beyond', () => {
    expect(slope((a) => a.clamp(-1, 1), [-1, 1, 2])).toEqual([1, 1, 0]);
    const limit = tensor([1, 1], { dtype: 'float64' });
    const at = tensor([0, 2], { dtype: 'float64' });
    expect([...gradients(at.clamp(undefined, limit).sum(), [limit])[0].dataSync()]).toEqual([0, 1]);
  });
  it('counts as 0 where log-sum-exp has nothing but −∞', () => {
    const nothing = Number.NEGATIVE_INFINITY;
    expect(slope((a) => a.logSumExp(), [nothing, nothing])).toEqual([0, 0]);
    expect(slope((a) => a.logSumExp(), [nothing, 2])).toEqual([0, 1]);
  });
  it('shares among equal largest elements', () => {
    expect(slope((a) => a.max(), [2, 1, 2])).toEqual([0.5, 0, 0.5]);
    expect(slope((a) => a.maximum(2), [2])).toEqual([0.5]);
  });
});

describe('plans', () => {
  /** Labels of the launches of the largest plan made by `work`. */
  const launches = (work: () => void): string[] => {
    const device = reference();
    const prepare = device.prepare.bind(device);
    let labels: string[] = [];
    device.prepare = (program) => {
      if (program.launches.length > labels.length) labels = program.launches.map(({ label }) => label);
      return prepare(program);
    };
    use(device);
    try {
      work();
    } finally {
      use(reference());
    }
    return labels;
  };
  it('write the gradients of a split once, side by side', () => {
    const labels = launches(() => {
      const [p, q, r] = split(x, [1, 1, 2], 1);
      gradients(p.mul(q).mul(r).sum(), [x])[0].dataSync();
    });
    expect(labels.filter((label) => label.includes('place'))).toHaveLength(3);
  });
  it('contract attention heads without transposing in memory', () => {
    const labels = launches(() => {
      const heads = sample([2, 5, 3, 4], 1);
      heads.dataSync();
      const weights = einsum('bqhd,bkhd->bhqk', heads, heads).softmax();
      einsum('bhqk,bkhd->bqhd', weights, heads).reshape([2, 5, 12]).dataSync();
    });
    expect(labels).toEqual(['contract', 'max', 'sub·exp', 'sum', 'div', 'contract·copy']);
  });
});
