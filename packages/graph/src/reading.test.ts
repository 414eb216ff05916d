/**
 * What is read when: after the step and before it, gradients that add up, numbers that change from step to step.
 */
import {
  backend,
  bernoulli,
  manualSeed,
  normal,
  stats,
  type Tensor,
  tensor,
  uniform,
  use,
  Variable,
} from '@ag/tensor';
import { commitUpdates } from '@ag/tensor/engine';
import { nullBackend } from '@ag/tensor/testing';
import { describe, expect, it } from 'vitest';
import { backward, gradients } from './index.ts';

/** Gradient descent by hand: what an optimizer's step does. */
function descend(variables: readonly Variable[], rate: number | Tensor): void {
  const updates = new Map<Variable, Tensor>();
  for (const v of variables) if (v.gradPending && v.grad) updates.set(v, v.value.sub(v.grad.mul(rate)));
  commitUpdates(updates);
}

function plansMadeBy(work: () => void): number {
  const before = stats().plansMade;
  work();
  return stats().plansMade - before;
}

/** The backend that the other tests use. */
const usual = backend();

describe('reading after the step', () => {
  it('gives what was computed with the values before it', async () => {
    const w = new Variable(tensor([2]), { name: 'w' });
    const x = tensor([3]);
    const logits = x.mul(w.value);
    const loss = logits.square().sum();
    backward(loss);
    descend([w], 0.01);
    // d(3w)²/dw = 18w = 36; w = 2 − 0.36.
    expect(await w.value.toArray()).toEqual([Math.fround(1.64)]);
    expect(await logits.toArray()).toEqual([6]);
    expect(await loss.item()).toBe(36);
    expect(await w.grad!.toArray()).toEqual([36]);
  });

  it('of two steps later fails and names the variable, the versions and the remedy', async () => {
    const w = new Variable(tensor([2]), { name: 'first.weight' });
    const old = w.value.mul(3);
    w.assign(tensor([5]));
    expect(await old.toArray()).toEqual([6]);
    const older = old.exp();
    const never = tensor([1]).mul(w.value);
    w.assign(tensor([7]));
    expect(await never.toArray()).toEqual([5]);
    // `old` was evaluated, so what is built on it still is good.
    expect((await older.data())[0]).toBeCloseTo(Math.exp(6), 3);
    const stale = w.value.add(1);
    w.assign(tensor([8]));
    w.assign(tensor([9]));
    await expect(stale.data()).rejects.toThrow(/version 2 of 'first.weight'.*version 4.*also/s);
    expect(await w.value.toArray()).toEqual([9]);
  });

  it('takes several previous values of one variable apart', async () => {
    const w = new Variable(tensor([1]), { name: 'w' });
    const before = w.value;
    w.assign(tensor([10]));
    // One plan reads both versions and writes a third.
    commitUpdates(new Map([[w, w.value.mul(2).add(before)]]));
    expect(await w.value.toArray()).toEqual([21]);
  });

  it('costs no second pass for what `also` names, and computes losses with the step', () => {
    const device = nullBackend();
    use(device);
    try {
      const w = new Variable(tensor(new Float32Array(12), { shape: [4, 3] }), { name: 'w' });
      const x = tensor(new Float32Array(8), { shape: [2, 4] });
      const train = (also: boolean): [Tensor, Tensor] => {
        const logits = x.matmul(w.value);
        const loss = logits.square().sum();
        backward(loss, also ? { also: [logits] } : {});
        descend([w], 0.1);
        return [logits, loss];
      };
      const [logits, loss] = train(true);
      const runs = device.total.runs;
      loss.itemSync();
      logits.dataSync();
      expect(device.total.runs).toBe(runs);
      const [again, other] = train(false);
      other.itemSync();
      expect(device.total.runs).toBe(runs + 1);
      again.dataSync();
      expect(device.total.runs).toBe(runs + 2);
    } finally {
      use(usual);
    }
  });
});

describe('reading before the step', () => {
  it('computes loss, gradients and what was named at once; the step then only subtracts', () => {
    const device = nullBackend();
    use(device);
    try {
      const w = new Variable(tensor(new Float32Array(12), { shape: [4, 3] }), { name: 'w' });
      const x = tensor(new Float32Array(8), { shape: [2, 4] });
      const logits = x.matmul(w.value);
      const loss = logits.square().sum();
      backward(loss, { also: [logits] });
      device.reset();
      loss.itemSync();
      expect(device.total.runs).toBe(1);
      // Forward product and the weights' gradient.
      expect(device.last.byForm.contract).toBe(2);
      logits.dataSync();
      w.grad!.dataSync();
      expect(device.total.runs).toBe(1);
      descend([w], 0.1);
      expect(device.last.byForm.contract).toBeUndefined();
      expect(device.total.runs).toBe(2);
    } finally {
      use(usual);
    }
  });

  it('lets backward follow a loss whose reading committed running statistics', () => {
    const w = new Variable(tensor(3), { name: 'w' });
    const running = new Variable(tensor(0), { name: 'running', trainable: false });
    for (let step = 0; step < 3; step++) {
      const square = w.value.mul(w.value);
      running.assign(running.value.add(square.detach()));
      const loss = square.mul(2);
      expect(loss.itemSync()).toBe(18);
      expect(running.value.itemSync()).toBe(9 * (step + 1));
      backward(loss);
      expect(w.grad?.itemSync()).toBe(12 * (step + 1));
    }
    expect(running.value.itemSync()).toBe(27);
  });

  it('lets backward follow a loss and activations that were read', async () => {
    const w = new Variable(tensor([2]), { name: 'w' });
    const hidden = w.value.square();
    expect(await hidden.toArray()).toEqual([4]);
    const loss = hidden.mul(3).sum();
    expect(await loss.item()).toBe(12);
    backward(loss);
    expect(await w.grad!.toArray()).toEqual([12]);
  });

  it('of very many tensors never turns a gradient silently into zero', async () => {
    const w = new Variable(tensor([2]), { name: 'w' });
    const terms = Array.from({ length: 100 }, (_, i) => w.value.mul(i));
    for (const term of terms) await term.data();
    const total = terms.reduce((sum, term) => sum.add(term)).sum();
    // What the first ones were made of is gone by now: an error, not a gradient that lacks them.
    expect(() => backward(total)).toThrow(/what it was computed from is gone.*detach/s);
    expect(() => gradients(total, [w])).toThrow(/gone/);
    const constants = terms.reduce((sum, term) => sum.add(term.detach()), w.value).sum();
    backward(constants);
    expect(await w.grad!.toArray()).toEqual([1]);
  });

  it('and then updating does not turn it into zero either', async () => {
    const w = new Variable(tensor([2]), { name: 'w' });
    const v = new Variable(tensor([1]), { name: 'v' });
    const hidden = w.value.mul(3);
    await hidden.data();
    v.assign(tensor([5]));
    expect(() => backward(hidden.mul(v.value).sum())).toThrow(/gone/);
    backward(hidden.detach().mul(v.value).sum());
    expect(await v.grad!.toArray()).toEqual([6]);
  });

  it('leaves constants as they are, however many', async () => {
    const w = new Variable(tensor([2]), { name: 'w' });
    const data = Array.from({ length: 100 }, (_, i) => tensor([i]).mul(2));
    for (const x of data) await x.data();
    backward(data.reduce((sum, x) => sum.add(x.mul(w.value)), tensor([0])).sum());
    // Σ 2i
    expect(await w.grad!.toArray()).toEqual([9900]);
  });
});

describe('accumulation', () => {
  it('adds until the step, stays readable, and starts anew', async () => {
    const w = new Variable(tensor([1]), { name: 'w' });
    backward(w.value.mul(2).sum());
    backward(w.value.mul(3).sum());
    backward(w.value.mul(4).sum());
    expect(await w.grad!.toArray()).toEqual([9]);
    descend([w], 1);
    expect(await w.value.toArray()).toEqual([-8]);
    expect(await w.grad!.toArray()).toEqual([9]);
    backward(w.value.mul(5).sum());
    expect(await w.grad!.toArray()).toEqual([5]);
  });

  it('over micro-batches equals the whole batch and keeps no graph of them', async () => {
    const w = new Variable(tensor([[1], [2]], { dtype: 'float64' }), { name: 'w' });
    const x = normal([8, 2], { dtype: 'float64' });
    await x.data();
    const part = (from: number, to: number): Tensor => x.slice(from, to).matmul(w.value).square().sum();
    backward(part(0, 8));
    const whole = await w.grad!.data();
    w.gradPending = false;
    let plans = 0;
    for (let i = 0; i < 8; i++) {
      backward(part(i, i + 1));
      if (i === 2) plans = stats().plansMade;
    }
    expect(stats().plansMade).toBe(plans);
    const sum = await w.grad!.data();
    sum.forEach((g, i) => expect(g).toBeCloseTo(whole[i], 10));
  });
});

describe('opaque numbers', () => {
  it('a schedule, moving slices and fresh dropout keys reuse one plan', () => {
    manualSeed(3);
    const w = new Variable(tensor([[0.5], [0.25]]), { name: 'w' });
    const data = tensor(
      Float32Array.from({ length: 200 }, (_, i) => Math.sin(i)),
      { shape: [100, 2] },
    );
    const step = (i: number): void => {
      const x = data.slice(i * 10, i * 10 + 10);
      const mask = bernoulli([10, 2], 0.5).div(0.5);
      backward(x.mul(mask).matmul(w.value).square().mean());
      descend([w], 0.1 / (i + 1));
    };
    step(0);
    step(1);
    expect(plansMadeBy(() => [2, 3, 4, 5, 6, 7, 8, 9].forEach(step))).toBe(0);
  });

  it('draws other numbers each time and the same after the same seed', async () => {
    const draw = (): Promise<unknown> => uniform([3]).toArray();
    manualSeed(5);
    const [first, second] = [await draw(), await draw()];
    manualSeed(5);
    expect(await draw()).toEqual(first);
    expect(await draw()).toEqual(second);
    expect(second).not.toEqual(first);
    // A lazy tensor keeps its key: reading it late does not change it.
    manualSeed(5);
    const late = uniform([3]);
    await uniform([3]).data();
    expect(await late.toArray()).toEqual(first);
  });

  it('does not merge equal literals, so a later run may tell them apart', () => {
    const x = tensor([1, 2]);
    const f = (a: number, b: number): number[] => [...x.mul(a).add(x.mul(b)).dataSync()];
    expect(f(3, 3)).toEqual([6, 12]);
    expect(f(3, 4)).toEqual([7, 14]);
  });
});
