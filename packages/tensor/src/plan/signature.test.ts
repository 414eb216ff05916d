import { describe, expect, it } from 'vitest';
import { apply, concat, defineOp, evaluate, map, s, stats, type Tensor, tensor } from '../index.ts';

/** How many plans `work` makes. */
function plansMadeBy(work: () => void): number {
  const before = stats().plansMade;
  work();
  return stats().plansMade - before;
}

describe('structures that differ get plans of their own', () => {
  it('by the names of attributes, not by their values alone', () => {
    const choose = defineOp<{ double?: number; square?: number }>({
      name: 'choose',
      type: ([x]) => x,
      lower: map(([x], a) => (a.double === undefined ? s.mul(x, x) : s.add(x, x))),
    });
    const x = tensor([5]);
    expect(apply(choose, [x], { double: 1 }).itemSync()).toBe(10);
    expect(apply(choose, [x], { square: 1 }).itemSync()).toBe(25);
  });

  it('by the nesting of attributes', () => {
    const nested = defineOp<{ a: { b: number; c?: number }; c?: number }>({
      name: 'nested',
      type: ([x]) => x,
      lower: map(([x], a) => (a.c === undefined ? s.mul(x, x) : s.add(x, x))),
    });
    const x = tensor([5]);
    expect(apply(nested, [x], { a: { b: 1 }, c: 2 }).itemSync()).toBe(10);
    expect(apply(nested, [x], { a: { b: 1, c: 2 } }).itemSync()).toBe(25);
  });

  it('by the sign of zero', () => {
    const x = tensor([1]);
    expect(x.pad([[1, 0]], 0).dataSync()[0]).toBe(0);
    expect(x.pad([[1, 0]], -0).dataSync()[0]).toBe(-0);
  });

  it('by attributes that JSON cannot tell apart, within one plan too', () => {
    const x = tensor([1]);
    const padded = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, -0, 0].map((fill) =>
      x.pad([[1, 0]], fill),
    );
    evaluate(padded);
    expect(padded.map((t) => t.dataSync()[0])).toEqual([Infinity, -Infinity, NaN, -0, 0]);
  });

  it('by which operands are the same tensor', () => {
    const f = (a: Tensor, b: Tensor): number[] => [...a.mul(b).sub(a).dataSync()];
    const [x, y] = [tensor([3]), tensor([3])];
    expect(f(x, x)).toEqual([6]);
    expect(f(x, tensor([5]))).toEqual([12]);
    expect(f(x, y)).toEqual([6]);
  });
});

describe('numbers alone make no new plan', () => {
  it('literals, equal or not, and starts of slices', () => {
    const x = tensor(Float32Array.from({ length: 100 }, (_, i) => i));
    const work = (start: number, scale: number, shift: number): number =>
      x
        .slice(start, start + 10)
        .mul(scale)
        .add(shift)
        .sum()
        .itemSync();
    // Σ (start + i)·scale + shift over i = 0 … 9.
    expect(work(0, 2, 2)).toBe(110);
    expect(plansMadeBy(() => expect(work(30, 2, 3)).toBe(720))).toBe(0);
    expect(plansMadeBy(() => expect(work(90, 0, 0)).toBe(0))).toBe(0);
  });

  it('many shapes of graphs one after another do not make the cache grow without bound', () => {
    // Each length is a structure of its own.
    for (let n = 1; n <= 600; n++) tensor(new Float32Array(n)).add(1).sum().itemSync();
    expect(stats().plans).toBeLessThanOrEqual(256);
  });
});

describe('equal computations in one plan', () => {
  it('are shared only when everything about them is equal', () => {
    const x = tensor([
      [1, 2],
      [3, 4],
    ]);
    const rows = x.sum(1);
    const columns = x.sum(0);
    const kept = x.sum(1, { keepDims: true });
    evaluate([rows, columns, kept, concat([x, x], 0), concat([x, x], 1)]);
    expect([...rows.dataSync()]).toEqual([3, 7]);
    expect([...columns.dataSync()]).toEqual([4, 6]);
    expect(kept.shape).toEqual([2, 1]);
    expect([...kept.dataSync()]).toEqual([3, 7]);
  });
});
