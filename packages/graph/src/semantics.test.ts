/**
 * The places where a lazy library goes wrong, one by one: which value of a variable counts, what a failure leaves behind,
 * what is computed once.
 */
import { backend, evaluate, gather, normal, stats, type Tensor, tensor, use, Variable } from '@ag/tensor';
import { commitUpdates } from '@ag/tensor/engine';
import { nullBackend } from '@ag/tensor/testing';
import { describe, expect, it, vi } from 'vitest';
import { backward, compile, Graph, placeholder } from './index.ts';

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

/** The backend that the other tests use. */
const usual = backend();

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
      use(usual);
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
      use(usual);
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
