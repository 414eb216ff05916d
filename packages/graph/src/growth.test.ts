/**
 * Graphs that nobody reads do not grow for ever, and one deep computation is not taken for such a graph.
 */
import { stats, type Tensor, tensor, Variable } from '@ag/tensor';
import { setChainBound } from '@ag/tensor/engine';
import { afterEach, describe, expect, it } from 'vitest';
import { compile, gradients, placeholder, vmap } from './index.ts';

const usual = setChainBound(1);
setChainBound(usual);
afterEach(() => {
  setChainBound(usual);
});

/** How many tensors wait behind `x`. */
function waiting(x: Tensor): number {
  const behind = new Set([x]);
  for (const { op, inputs } of behind) if (op !== null) for (const input of inputs) behind.add(input);
  return [...behind].filter(({ op }) => op !== null).length;
}

describe('a total that is never read', () => {
  it('stays short over the steps of a loop that computes other things', async () => {
    let total: Tensor = tensor(0, { dtype: 'float64' });
    let longest = 0;
    let plans = 0;
    for (let i = 1; i <= 5_000; i++) {
      const loss = tensor(i, { dtype: 'float64' }).mul(2);
      loss.dataSync();
      total = total.add(loss);
      if (i % 100 === 0) longest = Math.max(longest, waiting(total));
      if (i === 2_500) plans = stats().plansMade;
    }
    expect(longest).toBeGreaterThan(500);
    expect(longest).toBeLessThanOrEqual(1_025);
    expect(stats().plansMade).toBe(plans);
    // 2 · (1 + … + 5000)
    expect(await total.item()).toBe(25_005_000);
  });

  it('stays short in a loop that computes nothing else', async () => {
    setChainBound(1_000);
    const x = tensor([1, 2]);
    let total: Tensor = tensor([0, 0]);
    for (let i = 0; i < 10_500; i++) total = total.add(x);
    expect(waiting(total)).toBeLessThanOrEqual(1_001);
    expect(await total.toArray()).toEqual([10_500, 21_000]);
  });
});

describe('what is computed on its own', () => {
  it('is an error, not zero, for gradients that would have to pass through it', () => {
    setChainBound(100);
    const w = new Variable(tensor([2]), { name: 'w' });
    const x = tensor([3]);
    let [ofVariable, ofTensor] = [w.value.mul(1), x.mul(1)];
    for (let i = 0; i < 300; i++) {
      ofVariable = ofVariable.add(1);
      ofTensor = ofTensor.add(1);
    }
    expect(() => gradients(ofVariable.sum(), [w])).toThrow(/what it was computed from is gone.*detach/s);
    expect(() => gradients(ofTensor.sum(), [x])).toThrow(/what it was computed from is gone.*detach/s);
    // As a constant it is as good as any.
    const y = tensor([5]);
    expect(gradients(ofTensor.mul(y).sum(), [y])[0].itemSync()).toBe(303);
  });
});

describe('what is no growth', () => {
  it('one deep computation, whose gradients go all the way', () => {
    const x = tensor([1], { dtype: 'float64' });
    let y: Tensor = x;
    for (let i = 0; i < 5_000; i++) y = y.mul(1.0001);
    const [g] = gradients(y.sum(), [x]);
    expect(waiting(y)).toBe(5_000);
    expect(g.itemSync() / 1.0001 ** 5_000).toBeCloseTo(1, 9);
  });

  it('gradients of gradients of something deep', () => {
    setChainBound(150);
    const x = tensor([0.5], { dtype: 'float64' });
    let y: Tensor = x;
    for (let i = 0; i < 100; i++) y = y.mul(x);
    const [first] = gradients(y.sum(), [x]);
    const [second] = gradients(first.sum(), [x]);
    // x¹⁰¹
    expect(second.itemSync() / (101 * 100 * 0.5 ** 99)).toBeCloseTo(1, 9);
  });

  it('chains that have been computed on the way', () => {
    setChainBound(1_000);
    let hidden: Tensor = tensor([1]);
    let ahead: Tensor = hidden.mul(1);
    for (let i = 0; i < 5_000; i++) {
      hidden = ahead.add(0);
      ahead = hidden.mul(1);
      hidden.dataSync();
    }
    // Read at each step, so it never has much behind it, and it stays lazy until then.
    expect(waiting(ahead)).toBe(1);
    expect(ahead.toString()).toMatch(/lazy/);
  });

  it('what waits for a feed', () => {
    setChainBound(50);
    const chain = (x: Tensor): Tensor => {
      let y = x;
      for (let i = 0; i < 200; i++) y = y.add(1);
      return y;
    };
    expect(waiting(chain(placeholder([2], { name: 'x' })))).toBe(200);
    expect(compile(chain)(tensor([1])).itemSync()).toBe(201);
    expect([...vmap(chain)(tensor([1, 2])).dataSync()]).toEqual([201, 202]);
  });

  it('what cannot be computed, which is said when it is read', () => {
    setChainBound(50);
    const w = new Variable(tensor([1]), { name: 'w' });
    let stale: Tensor = w.value.mul(1);
    w.assign(tensor([2]));
    w.assign(tensor([3]));
    for (let i = 0; i < 200; i++) stale = stale.add(1);
    expect(() => stale.dataSync()).toThrow(/version 0 of 'w'/);
  });
});
