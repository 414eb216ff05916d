/**
 * What a failed evaluation leaves behind: nothing that fails again. The whole matrix of entry points and failures is in
 * tests/failures; here are the rules, one by one, with values by hand.
 */
import { wasm } from '@ag/native-wasm';
import { embedding } from '@ag/nn';
import { adam, clipGradNorm, sgd } from '@ag/optim';
import {
  arange,
  type Backend,
  backend,
  gather,
  ones,
  randomState,
  reference,
  type Tensor,
  tensor,
  uniform,
  use,
  Variable,
  zeros,
} from '@ag/tensor';
import { commitUpdates } from '@ag/tensor/engine';
import { afterEach, beforeEach, describe, expect, it, type MockInstance, vi } from 'vitest';
import { backward, compile, detectAnomaly } from './index.ts';

const positions = (...list: number[]): Tensor => tensor(list, { dtype: 'int32' });
/** A tensor of one element that cannot be computed. */
const bad = (): Tensor => arange(3).cast('float32').take(positions(9));
const counterOf = (name: string): Variable => new Variable(zeros([1]), { name, trainable: false });

let warn: MockInstance<typeof console.warn>;
beforeEach(() => {
  warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
});
afterEach(() => warn.mockRestore());

describe('an assignment that cannot be computed', () => {
  it('stops no step that has nothing to do with it, and is reported once', async () => {
    const counter = counterOf('counter');
    counter.assign(bad());
    const w = new Variable(ones([1]));
    const optimizer = sgd([w], { learningRate: 0.1 });
    for (let i = 0; i < 2; i++) {
      backward(w.value.square().sum());
      optimizer.step();
    }
    // 1 · 0.8 · 0.8
    expect(await w.value.item()).toBeCloseTo(0.64, 6);
    expect(await counter.value.item()).toBe(0);
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn.mock.calls[0][0]).toMatch(/assignment to variable 'counter'.*dropped.*index 9/s);
  });

  it('is reported to whoever reads it first, and is gone then', async () => {
    const counter = counterOf('counter');
    counter.assign(bad());
    await expect(counter.value.item()).rejects.toThrow(/9/);
    expect(await counter.value.item()).toBe(0);
    expect(warn).not.toHaveBeenCalled();
  });

  it('takes none of those before it along', async () => {
    const [read, unread] = [counterOf('read'), counterOf('unread')];
    for (const counter of [read, unread]) {
      counter.assign(counter.value.add(1));
      counter.assign(counter.value.add(1));
      counter.assign(counter.value.add(bad()));
      counter.assign(counter.value.add(1));
    }
    const w = new Variable(ones([1]));
    await expect(read.value.item()).rejects.toThrow(/9/);
    expect(await read.value.item()).toBe(2);
    w.assign(w.value.add(1));
    expect(await unread.value.item()).toBe(2);
  });

  it('stops no compiled function', async () => {
    const counter = counterOf('counter');
    const double = compile((x: Tensor) => x.mul(2));
    for (let i = 1; i < 4; i++) {
      counter.assign(bad());
      expect(await double(tensor([i])).toArray()).toEqual([2 * i]);
      expect(warn).toHaveBeenCalledTimes(i);
    }
  });

  it('does not keep its forward pass from being computed, whatever was assigned since', async () => {
    const counter = counterOf('counter');
    const hidden = tensor([3]).mul(2);
    counter.assign(counter.value.add(hidden).add(bad()));
    counter.assign(counter.value.add(1));
    expect(await hidden.add(1).toArray()).toEqual([7]);
    expect(await counter.value.item()).toBe(0);
    expect(warn).toHaveBeenCalledTimes(1);
  });

  it('does not keep others from being computed that share its forward pass', async () => {
    const [good, failing] = [counterOf('good'), counterOf('failing')];
    const hidden = tensor([3]).mul(2);
    good.assign(good.value.add(hidden));
    failing.assign(failing.value.add(hidden).add(bad()));
    expect(await hidden.add(1).toArray()).toEqual([7]);
    expect(await good.value.toArray()).toEqual([6]);
    expect(await failing.value.toArray()).toEqual([0]);
    expect(warn).toHaveBeenCalledTimes(1);
  });
});

describe('assignments of a pass that fails', () => {
  const mean = (): Variable => counterOf('mean');

  it('are as if the pass had not been', async () => {
    const running = mean();
    const pass = (x: number, position: number): Tensor => {
      const hidden = tensor([x]).mul(2);
      running.assign(running.value.add(hidden));
      return hidden.add(arange(3).cast('float32').take(positions(position)));
    };
    await expect(pass(5, 9).item()).rejects.toThrow(/9/);
    expect(await running.value.item()).toBe(0);
    expect(await pass(3, 1).item()).toBe(7);
    expect(await running.value.item()).toBe(6);
  });

  it('come back with the pass, where it can be computed after all', async () => {
    const running = mean();
    const inner = reference();
    let refuses = true;
    const outer = backend();
    const moody: Backend = Object.create(inner, {
      run: {
        value: (...x: Parameters<Backend['run']>) => {
          if (refuses) throw new Error('not now');
          inner.run(...x);
        },
      },
      stats: { value: () => inner.stats() },
      allocate: { value: (bytes: number) => inner.allocate(bytes) },
      release: { value: inner.release.bind(inner) },
      write: { value: inner.write.bind(inner) },
      read: { value: inner.read.bind(inner) },
      readSync: { value: inner.readSync!.bind(inner) },
      prepare: { value: inner.prepare.bind(inner) },
      dispose: { value: inner.dispose.bind(inner) },
    });
    use(moody);
    try {
      const hidden = tensor([3]).mul(2);
      running.assign(running.value.add(hidden));
      expect(() => hidden.dataSync()).toThrow('not now');
      expect(running.value.op).toBeNull();
      refuses = false;
      expect([...hidden.dataSync()]).toEqual([6]);
      expect(await running.value.item()).toBe(6);
    } finally {
      use(outer);
    }
  });

  it('of several passes are told apart', async () => {
    const running = mean();
    const w = new Variable(ones([1]));
    const pass = (x: number, position: number): Tensor => {
      const hidden = w.value.mul(x);
      running.assign(running.value.add(hidden.detach()));
      return hidden.add(arange(3).cast('float32').take(positions(position))).sum();
    };
    const optimizer = sgd([w], { learningRate: 1 });
    backward(pass(2, 0));
    backward(pass(3, 9));
    expect(() => optimizer.step()).toThrow(/9/);
    // The first was computed for its gradient, before the second.
    expect(await running.value.item()).toBe(2);
    expect(w.grad).toBeUndefined();
  });
});

describe('gradients of a step that failed', () => {
  it('do not come back with the next batch', () => {
    const table = embedding(3, 2);
    const optimizer = sgd(table.parameters(), { learningRate: 0.1 });
    const ends = [
      [0, 1],
      [0, 7],
      [1, 2],
      [2, 0],
    ].map((batch) => {
      try {
        backward(
          table
            .forward(positions(...batch))
            .square()
            .sum(),
        );
        optimizer.step();
        return 'ok';
      } catch {
        return 'error';
      }
    });
    expect(ends).toEqual(['ok', 'error', 'ok', 'ok']);
    expect(optimizer.steps).toBe(3);
  });

  it('go from all variables of the same backward, whoever moves them', async () => {
    const [a, b] = [new Variable(ones([1]), { name: 'a' }), new Variable(ones([1]), { name: 'b' })];
    const [first, second] = [sgd([a], { learningRate: 1 }), sgd([b], { learningRate: 1 })];
    const loss = (position: number): Tensor =>
      a.value
        .mul(b.value)
        .mul(arange(3).cast('float32').take(positions(position)).add(1))
        .sum();
    backward(loss(9));
    expect(() => first.step()).toThrow(/9/);
    expect([a.grad, b.grad]).toEqual([undefined, undefined]);
    backward(loss(0));
    first.step();
    second.step();
    // d(a·b)/da = b = 1, for both.
    expect([await a.value.item(), await b.value.item()]).toEqual([0, 0]);
  });

  it('leave what waited before a micro-batch that failed', async () => {
    const w = new Variable(ones([1]));
    const loss = (x: number, position = 0): Tensor =>
      w.value
        .mul(x)
        .add(w.value.mul(arange(3).cast('float32').take(positions(position))))
        .sum();
    backward(loss(2));
    backward(loss(5, 9));
    // The third finds out.
    expect(() => backward(loss(7))).toThrow(/9/);
    expect(await w.grad!.item()).toBe(2);
    backward(loss(10));
    expect(await w.grad!.item()).toBe(12);
  });

  it('go when the loss is read before the step, and the loss alone can then be read', async () => {
    const w = new Variable(ones([1]));
    const loss = w.value.mul(3).sum();
    backward(loss, { also: [bad()] });
    await expect(loss.item()).rejects.toThrow(/9/);
    expect([w.gradPending, w.grad]).toEqual([false, undefined]);
    expect(await loss.item()).toBe(3);
  });

  it('go as well when they were clipped', async () => {
    const [a, b] = [new Variable(ones([1])), new Variable(ones([1]))];
    backward(
      a.value
        .add(b.value)
        .mul(gather(ones([3]), positions(9), 0))
        .sum(),
    );
    clipGradNorm([a], 1);
    expect(() => sgd([a], { learningRate: 1 }).step()).toThrow(/9/);
    expect([a.gradPending, b.gradPending]).toEqual([false, false]);
  });

  it('stay where something else fails', async () => {
    const w = new Variable(ones([1]));
    backward(w.value.mul(3).sum());
    await expect(bad().item()).rejects.toThrow(/9/);
    expect(await w.grad!.item()).toBe(3);
    expect(w.gradPending).toBe(true);
    w.gradPending = false;
  });
});

describe.each([
  ['reference', async () => reference()],
  ['wasm', () => wasm({ threads: 1 })],
] as const)('state that is written in place, on %s', (_, make) => {
  let before: Backend;
  beforeEach(async () => {
    before = backend();
    use(await make());
  });
  afterEach(() => use(before));

  it('is whole after a step that fails, wherever in it', async () => {
    const table = new Variable(ones([4, 2]), { name: 'table' });
    const other = new Variable(ones([3]), { name: 'other' });
    // Updates are planned last to first: `other` moves before the table's gradient is made.
    const optimizer = adam([table, other], { learningRate: 0.1 });
    const step = (forward: number, back: number): void => {
      const rows = gather(table.value, positions(forward, 1).reshape([2, 1]), 0);
      const weights = gather(ones([3]), positions(back), 0);
      backward(rows.square().sum().mul(weights.sum()).add(other.value.square().sum()));
      optimizer.step();
    };
    step(0, 0);
    const state = async (): Promise<unknown> =>
      Promise.all(Object.values(optimizer.state().tensors).map((slot) => slot.toArray()));
    const whole = await state();
    for (const [forward, back] of [
      [9, 0],
      [0, 9],
    ] as const) {
      expect(() => step(forward, back)).toThrow(/9/);
      expect(await state()).toEqual(whole);
    }
  });

  it('is whole after a step that anomaly detection refuses', async () => {
    const w = new Variable(tensor([1, 2]));
    const optimizer = adam([w], { learningRate: 0.1 });
    const step = (scale: number): void => {
      backward(w.value.mul(scale).sqrt().sum());
      optimizer.step();
    };
    step(1);
    const state = async (): Promise<unknown> =>
      Promise.all(Object.values(optimizer.state().tensors).map((slot) => slot.toArray()));
    const whole = await state();
    expect(() => detectAnomaly(() => step(-1))).toThrow(/not finite/);
    expect(await state()).toEqual(whole);
    detectAnomaly(() => step(1));
    expect(optimizer.steps).toBe(2);
  });
});

it('a compiled call that fails gives back the keys that it drew', () => {
  const f = compile((i: Tensor) => gather(uniform([3]), i, 0));
  f(positions(0));
  const before = randomState();
  for (let call = 0; call < 3; call++) expect(() => f(positions(9)).dataSync()).toThrow(/9/);
  expect(randomState()).toEqual(before);
});

it('a compiled function whose first run fails is ready for the next', async () => {
  const w = new Variable(ones([1]));
  let refuse = true;
  const f = compile((x: Tensor) => {
    if (refuse) throw new Error('not yet');
    commitUpdates(new Map([[w, w.value.add(x)]]));
    return w.value;
  });
  expect(() => f(ones([1]))).toThrow('not yet');
  refuse = false;
  expect(await f(ones([1])).toArray()).toEqual([2]);
  // The second call is compared with a trace of its own.
  refuse = true;
  expect(() => f(ones([1]))).toThrow('not yet');
  refuse = false;
  expect(await f(ones([1])).toArray()).toEqual([3]);
});
