/**
 * Compiled functions: what is drawn, read and committed at each run.
 */
import { bernoulli, gather, manualSeed, stats, type Tensor, tensor, uniform, Variable } from '@ag/tensor';
import { beforeEachRun, commitUpdates, dynamicScalar } from '@ag/tensor/engine';
import { describe, expect, it } from 'vitest';
import { backward, compile } from './index.ts';

/** Gradient descent by hand: what an optimizer's step does. */
function descend(variables: readonly Variable[], rate: number | Tensor): void {
  const updates = new Map<Variable, Tensor>();
  for (const v of variables) if (v.gradPending && v.grad) updates.set(v, v.value.sub(v.grad.mul(rate)));
  commitUpdates(updates);
}

function _plansMadeBy(work: () => void): number {
  const before = stats().plansMade;
  work();
  return stats().plansMade - before;
}

describe('compile', () => {
  it('draws in the order in which the function asks, whatever the order in which a plan reads', () => {
    const f = (x: Tensor): Tensor[] => {
      const first = uniform([3]);
      const second = uniform([3]);
      uniform([3]); // which nothing reads
      return [x.add(second).sub(first), first];
    };
    const compiled = compile(f);
    const x = tensor([1, 2, 3]);
    const drawn = (g: (x: Tensor) => Tensor[]): number[][] => {
      manualSeed(5);
      return [1, 2, 3].flatMap(() => g(x).map((y) => Array.from(y.dataSync())));
    };
    expect(drawn(compiled)).toEqual(drawn(f));
  });

  it('draws new numbers at each run, the same as uncompiled, and restarts with the seed', async () => {
    const f = (x: Tensor): Tensor => x.add(uniform([4])).mul(bernoulli([4], 0.5));
    const fast = compile(f);
    const x = tensor([1, 2, 3, 4]);
    const run = async (g: (x: Tensor) => Tensor): Promise<unknown[]> => {
      manualSeed(11);
      const all: unknown[] = [];
      for (let i = 0; i < 4; i++) all.push(await g(x).toArray());
      return all;
    };
    const expected = await run(f);
    expect(new Set(expected.map((v) => JSON.stringify(v))).size).toBe(4);
    expect(await run(fast)).toEqual(expected);
    expect(await run(fast)).toEqual(expected);
  });

  it('reads a schedule and variables at each run, and follows assignments from outside', async () => {
    const w = new Variable(tensor([8]), { name: 'w' });
    let count = 0;
    const step = compile((x: Tensor) => {
      const loss = w.value.sub(x).square().sum();
      backward(loss);
      descend(
        [w],
        dynamicScalar(() => 0.5 / 2 ** count),
      );
      return loss;
    });
    // w ← w − rate · 2(w − x)
    expect(await step(tensor([0])).item()).toBe(64);
    expect(await w.value.toArray()).toEqual([0]);
    w.assign(tensor([8]));
    count = 1;
    expect(await step(tensor([0])).item()).toBe(64);
    expect(await w.value.toArray()).toEqual([4]);
    count = 2;
    expect(await step(tensor([0])).item()).toBe(16);
    expect(await w.value.toArray()).toEqual([3]);
  });

  it('says what varies, and what cannot be read', () => {
    let factor = 1;
    const varying = compile((x: Tensor) => x.mul(factor++));
    varying(tensor([1]));
    expect(() => varying(tensor([1]))).toThrow(/the number 1 becomes 2/);
    let deep = false;
    const branching = compile((x: Tensor) => {
      deep = !deep;
      return deep ? x.exp() : x.sin();
    });
    branching(tensor([1]));
    expect(() => branching(tensor([1]))).toThrow(/exp.*sin/);
    const reading = compile((x: Tensor) => (x.sum().itemSync() > 0 ? x : x.neg()));
    expect(() => reading(tensor([1]))).toThrow(/where/);
  });

  it('traces once for each shape and leaves argument and result alone', async () => {
    let traces = 0;
    const f = compile(
      ({ a, b }: { a: Tensor; b: Tensor }) => {
        traces++;
        return { sum: a.add(b), same: a };
      },
      { check: false },
    );
    const args = { a: tensor([1, 2]), b: tensor([3, 4]) };
    for (let i = 0; i < 5; i++) {
      const { sum, same } = f(args);
      expect(await sum.toArray()).toEqual([4, 6]);
      expect(await same.toArray()).toEqual([1, 2]);
    }
    f({ a: tensor([1]), b: tensor([2]) });
    expect(traces).toBe(2);
  });

  it('takes trees of tensors by their names, in whatever order they come', async () => {
    const f = compile(({ a, b }: { a: Tensor; b: Tensor }) => ({ difference: a.sub(b) }));
    const [one, two] = [tensor([1]), tensor([2])];
    for (let i = 0; i < 3; i++) {
      expect(await f({ a: one, b: two }).difference.item()).toBe(-1);
      expect(await f({ b: one, a: two }).difference.item()).toBe(1);
    }
    const nested = compile(([a, b]: [Tensor[], Tensor[]]) => a.concat(b)[0].mul(a.length));
    expect(await nested([[two], [one, one]]).item()).toBe(2);
    expect(await nested([[two, one], [one]]).item()).toBe(4);
  });

  it('does not overwrite a previous value that it is given', async () => {
    const w = new Variable(tensor([1]), { name: 'w' });
    const step = compile((x: Tensor) => {
      commitUpdates(new Map([[w, w.value.mul(10).add(x)]]));
      return x.mul(1);
    });
    const before = w.value;
    step(tensor([2]));
    expect(await w.value.toArray()).toEqual([12]);
    // The memory of the value before is where the next one would go.
    expect(await step(before).toArray()).toEqual([1]);
    expect(await w.value.toArray()).toEqual([121]);
  });

  it('adds the gradients of several losses, and leaves none of its own behind', async () => {
    const w = new Variable(tensor([2]), { name: 'w' });
    const step = compile((x: Tensor) => {
      backward(w.value.mul(x).sum());
      backward(w.value.mul(10).sum());
      const g = w.grad!;
      descend([w], 0.5);
      return g;
    });
    // d(w·x + 10·w) = x + 10
    expect(await step(tensor([2])).toArray()).toEqual([12]);
    expect(await step(tensor([4])).toArray()).toEqual([14]);
    expect(await w.value.toArray()).toEqual([-11]);
    expect(w.grad).toBeUndefined();
    backward(w.value.mul(3).sum());
    expect(await w.grad!.toArray()).toEqual([3]);
    // That one would be added at every call.
    expect(() => step(tensor([[1]]))).toThrow(/'w' from outside.*step/s);
    w.gradPending = false;
    expect(await step(tensor([[1]])).toArray()).toEqual([11]);
  });

  it('returns gradients that no step uses', async () => {
    const w = new Variable(tensor([3]), { name: 'w' });
    const gradientOf = compile((x: Tensor) => {
      backward(w.value.square().mul(x).sum());
      return w.grad!;
    });
    for (const x of [1, 2, 3]) expect(await gradientOf(tensor([x])).toArray()).toEqual([6 * x]);
    backward(w.value.sum());
    expect(await w.grad!.toArray()).toEqual([1]);
  });

  it('takes host work back when a run fails', () => {
    const w = new Variable(
      tensor([
        [1, 2],
        [3, 4],
      ]),
      { name: 'w' },
    );
    let count = 0;
    const step = compile((i: Tensor) => {
      backward(gather(w.value, i, 0).square().sum());
      beforeEachRun(() => {
        count++;
        return () => {
          count--;
        };
      });
      descend([w], 0.1);
      return w.value;
    });
    const index = (i: number): Tensor => tensor([[i, i]], { dtype: 'int32' });
    step(index(0));
    expect([count, w.version]).toEqual([1, 1]);
    expect(() => step(index(5))).toThrow(/5/);
    expect([count, w.version]).toEqual([1, 1]);
    step(index(1));
    expect([count, w.version]).toEqual([2, 2]);
  });

  it('counts what was assigned before it', async () => {
    const mean = new Variable(tensor([0]), { name: 'mean', trainable: false });
    mean.assign(mean.value.add(tensor([4]).mul(1)));
    const f = compile((x: Tensor) => x.add(mean.value));
    expect(await f(tensor([1])).toArray()).toEqual([5]);
    mean.assign(mean.value.mul(2));
    expect(await f(tensor([1])).toArray()).toEqual([9]);
  });
});
