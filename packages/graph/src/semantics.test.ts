/**
 * The places where a lazy library goes wrong, one by one: what is read when, which value of a variable counts, what
 * is computed once, what a failure leaves behind.
 */
import {
  bernoulli,
  evaluate,
  gather,
  manualSeed,
  normal,
  stats,
  type Tensor,
  tensor,
  uniform,
  use,
  Variable,
} from '@ag/tensor';
import { beforeEachRun, commitUpdates, dynamicScalar } from '@ag/tensor/engine';
import { nullBackend } from '@ag/tensor/testing';
import { describe, expect, it, vi } from 'vitest';
import { backward, compile, Graph, gradients, placeholder } from './index.ts';

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
      use(fresh);
    }
  });
});

// The reference backend that the other tests use.
const { backend } = await import('@ag/tensor');
const fresh = backend();

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
      use(fresh);
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

describe('compile', () => {
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

describe('assign', () => {
  it('commits exactly once, with the first plan of the same forward pass', async () => {
    const device = nullBackend();
    use(device);
    const mean = new Variable(tensor(new Float32Array(3)), { name: 'mean', trainable: false });
    try {
      const x = tensor(new Float32Array(6), { shape: [2, 3] });
      const batch = x.mean(0);
      mean.assign(mean.value.mul(0.9).add(batch.mul(0.1)));
      const y = x.sub(batch);
      expect(mean.version).toBe(0);
      y.dataSync();
      expect([mean.version, device.total.runs]).toEqual([1, 1]);
      y.sum().dataSync();
      expect(mean.version).toBe(1);
    } finally {
      use(fresh);
    }
  });

  it('is seen by whoever reads it before that, and again not committed twice', async () => {
    const mean = new Variable(tensor([1]), { name: 'mean', trainable: false });
    const x = tensor([3]).mul(1);
    mean.assign(mean.value.add(x));
    expect(await mean.value.toArray()).toEqual([4]);
    expect(mean.version).toBe(1);
    expect(await x.toArray()).toEqual([3]);
    expect(await mean.value.toArray()).toEqual([4]);
    mean.assign(mean.value.add(x));
    mean.assign(mean.value.add(x));
    expect(await mean.value.toArray()).toEqual([10]);
    expect(mean.version).toBe(2);
  });

  it('survives steps that replace what it was computed from', async () => {
    const w = new Variable(tensor([1]), { name: 'w' });
    const mean = new Variable(tensor([0]), { name: 'mean', trainable: false });
    // A forward pass whose result nobody reads.
    mean.assign(mean.value.add(w.value.mul(2)));
    for (let i = 0; i < 5; i++) {
      backward(w.value.square().sum());
      descend([w], 0.25);
    }
    expect(await mean.value.toArray()).toEqual([2]);
  });

  it('does not pile up when nobody evaluates', async () => {
    const count = new Variable(tensor([0]), { name: 'count', trainable: false });
    for (let i = 0; i < 1000; i++) count.assign(count.value.add(1));
    expect(count.version).toBeGreaterThan(5);
    expect(await count.value.toArray()).toEqual([1000]);
  });

  it('refuses another shape or dtype, naming both', () => {
    const w = new Variable(tensor([1, 2]), { name: 'w' });
    expect(() => w.assign(tensor([1, 2, 3]))).toThrow(/'w' is \[2\] float32, the value \[3\] float32/);
    expect(() => w.assign(tensor([1, 2], { dtype: 'int32' }))).toThrow(/int32/);
  });
});

describe('failure', () => {
  it('changes no variable, leaves tensors lazy, and can be mended', async () => {
    const table = new Variable(
      tensor([
        [1, 2],
        [3, 4],
      ]),
      { name: 'table' },
    );
    const state = new Variable(
      tensor([
        [0, 0],
        [0, 0],
      ]),
      { name: 'state', trainable: false, inPlace: true },
    );
    const step = (index: number): Tensor => {
      const rows = gather(table.value, tensor([[index, index]], { dtype: 'int32' }), 0);
      const loss = rows.square().sum();
      backward(loss);
      const moved = state.value.mul(0.9).add(table.grad!);
      commitUpdates(
        new Map([
          [table, table.value.sub(moved.mul(0.1))],
          [state, moved],
        ]),
      );
      return loss;
    };
    let failed: Tensor | undefined;
    expect(() => {
      failed = step(7);
    }).toThrow(/7/);
    expect(failed).toBeUndefined();
    expect([table.version, state.version]).toEqual([0, 0]);
    expect(await table.value.toArray()).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(await state.value.toArray()).toEqual([
      [0, 0],
      [0, 0],
    ]);
    table.gradPending = false;
    // d(x²) = 2x at row 1.
    expect(await step(1).item()).toBe(25);
    expect(await state.value.toArray()).toEqual([
      [0, 0],
      [6, 8],
    ]);
  });

  it('is reported again by the same tensor and holds no memory', async () => {
    const x = tensor([1, 2, 3]);
    const bad = gather(x, tensor([9], { dtype: 'int32' }), 0).mul(2);
    expect(() => bad.dataSync()).toThrow(RangeError);
    const before = stats().bytes;
    for (let i = 0; i < 10; i++) expect(() => bad.dataSync()).toThrow(RangeError);
    expect(stats().bytes).toBe(before);
    expect(bad.toString()).toMatch(/lazy/);
    expect(await x.add(1).toArray()).toEqual([2, 3, 4]);
  });
});

describe('printing', () => {
  it('never evaluates', () => {
    const device = nullBackend();
    use(device);
    try {
      const y = tensor([1, 2]).add(1);
      const w = new Variable(normal([3]), { name: 'w' });
      expect(`${y}`).toBe('[lazy 2 float32]');
      expect(`${w.value}`).toBe('[lazy 3 float32]');
      expect(String(w)).toBe("Variable 'w' [3] float32");
      expect(`${placeholder([null, 3])}`).toBe('[lazy any×3 float32]');
      expect(device.total.runs).toBe(0);
    } finally {
      use(fresh);
    }
  });

  it('shows what has been computed already', async () => {
    const w = new Variable(tensor([1, 2]), { name: 'w' });
    expect(`${w.value}`).toBe('tensor([1., 2.], shape=[2], dtype=float32)');
    const first = w.value;
    const loss = w.value.square().sum();
    backward(loss);
    expect(`${loss}`).toBe('[lazy scalar float32]');
    descend([w], 0.25); // the plan of the step computes the loss too
    expect(`${loss}`).toBe('tensor(5., shape=[], dtype=float32)');
    expect(`${w.value}`).toBe('tensor([0.5, 1. ], shape=[2], dtype=float32)');
    expect(`${first}`).toBe('tensor([1., 2.], shape=[2], dtype=float32)');
    const doubled = await tensor([3]).mul(2).keep();
    expect(`${doubled}`).toBe('tensor([6.], shape=[1], dtype=float32)');
    doubled.dispose();
    expect(`${doubled}`).toBe('[lazy 1 float32]');
  });
});

describe('work done twice', () => {
  it('is told once, with a remedy', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    try {
      const w = new Variable(normal([100, 100]), { name: 'w' });
      const x = normal([100, 100]);
      for (let i = 0; i < 3; i++) {
        const logits = x.matmul(w.value);
        backward(logits.square().mean());
        descend([w], 0.01);
        await logits.data();
      }
      expect(warn).toHaveBeenCalledTimes(1);
      expect(warn.mock.calls[0][0]).toMatch(/second time.*also/s);
    } finally {
      warn.mockRestore();
    }
  });
});

describe('plans', () => {
  it('of graphs fed with ever other sizes stay bounded, as do those of compiled functions', () => {
    const x = placeholder([null], { name: 'x' });
    const graph = new Graph({ inputs: [x], outputs: { y: x.square().mean() } });
    const mean = compile((v: Tensor) => v.square().mean(), { check: false });
    for (let n = 1; n <= 500; n++) {
      const values = new Float32Array(n).fill(2);
      expect(graph.run({ x: values }).y.itemSync()).toBe(4);
      expect(mean(tensor(values)).itemSync()).toBe(4);
    }
    expect(stats().plans).toBeLessThanOrEqual(256);
  });

  it('survive being many at once', () => {
    const all = Array.from({ length: 300 }, (_, i) =>
      compile((x: Tensor) => x.reshape([i + 1, 1]).sum(0), { check: false }),
    );
    const run = (): number[] => all.map((f, i) => f(tensor(new Float32Array(i + 1).fill(1))).itemSync());
    const expected = all.map((_, i) => i + 1);
    expect(run()).toEqual(expected);
    expect(run()).toEqual(expected);
  });
});

describe('groups', () => {
  it('of a loss, its gradients and an earlier evaluation do not compute anything twice', async () => {
    const w = new Variable(tensor([3]), { name: 'w' });
    const loss = w.value.square().sum();
    backward(loss);
    evaluate([w.grad!]);
    expect(loss.op).toBeNull();
    expect(await loss.item()).toBe(9);
    expect(await w.grad!.toArray()).toEqual([6]);
  });
});
