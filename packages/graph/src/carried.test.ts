/**
 * A state that is carried from step to step while only something made from it is read: each step costs the same, makes no
 * new plan, computes nothing twice and gives what it gives when the state is read as well.
 */
import { wasm } from '@ag/native-wasm';
import {
  backend,
  concat,
  key,
  manualSeed,
  normal,
  ones,
  reference,
  stats,
  type Tensor,
  tensor,
  use,
  Variable,
  zeros,
} from '@ag/tensor';
import { commitUpdates } from '@ag/tensor/engine';
import { afterAll, describe, expect, it } from 'vitest';
import { backward, compile, grad, gradients, hvp } from './index.ts';

const before = backend();
afterAll(() => use(before));

/** A loop: `make` gives a step that moves the state on, returns what is read of it, and whose state can be had. */
interface Loop {
  readonly name: string;
  readonly make: () => { readonly step: (i: number) => Tensor; readonly state: () => readonly Tensor[] };
}

const simulation = (): ReturnType<Loop['make']> => {
  let s = normal([4, 8], { key: key(1) });
  const w = normal([8, 8], { std: 0.3, key: key(2) });
  return {
    step: () => {
      s = s.matmul(w).tanh();
      return s.sum();
    },
    state: () => [s],
  };
};

const recurrent = (): ReturnType<Loop['make']> => {
  const [wi, wh, out] = [
    [6, 32],
    [8, 32],
    [8, 5],
  ].map((shape, i) => new Variable(normal(shape, { std: 0.4, key: key(i) })));
  let [h, c] = [zeros([2, 8]), zeros([2, 8])];
  return {
    step: (i) => {
      const gates = normal([2, 6], { key: key(100 + i) })
        .matmul(wi.value)
        .add(h.matmul(wh.value));
      const gate = (j: number): Tensor => gates.slice(8 * j, 8 * j + 8, { axis: 1 });
      c = gate(0)
        .sigmoid()
        .mul(c)
        .add(gate(1).sigmoid().mul(gate(2).tanh()));
      h = gate(3).sigmoid().mul(c.tanh());
      return h.matmul(out.value).argmax(-1).sum();
    },
    state: () => [h, c],
  };
};

const window = (): ReturnType<Loop['make']> => {
  const table = normal([50, 16], { key: key(1) });
  const w = normal([16, 50], { key: key(2) });
  let tokens = tensor(
    Array.from({ length: 32 }, (_, i) => i),
    { dtype: 'int32' },
  );
  return {
    step: () => {
      const next = table.take(tokens).mean(0, { keepDims: true }).matmul(w).argmax(-1).cast('int32');
      tokens = concat([tokens.slice(1, 32), next.reshape([1])]);
      return next.sum();
    },
    state: () => [tokens],
  };
};

const descent = (): ReturnType<Loop['make']> => {
  const x = normal([100, 20], { key: key(3) });
  const y = normal([100, 1], { key: key(4) });
  const f = (w: Tensor): Tensor => x.matmul(w).sub(y).square().mean();
  let w = normal([20, 1], { key: key(5) });
  return {
    step: () => {
      const loss = f(w);
      w = w.sub(grad(f)(w).mul(0.1));
      return loss;
    },
    state: () => [w],
  };
};

const power = (): ReturnType<Loop['make']> => {
  const a = normal([20, 20], { key: key(3), dtype: 'float64' });
  const m = a.matmul(a.transpose());
  const at = normal([20], { key: key(8), dtype: 'float64' });
  let v = normal([20], { key: key(9), dtype: 'float64' });
  return {
    step: () => {
      const hv = hvp((x: Tensor) => x.matmul(m).mul(x).sum().mul(0.5), at, v);
      const norm = hv.square().sum().sqrt();
      v = hv.div(norm);
      return norm;
    },
    state: () => [v],
  };
};

const loops: readonly Loop[] = [
  { name: 'a simulation', make: simulation },
  { name: 'recurrent inference', make: recurrent },
  { name: 'a window of tokens', make: window },
  { name: 'descent by pure functions', make: descent },
  { name: 'power iteration', make: power },
];

/** How many operations wait behind `x`. */
function waiting(x: Tensor): number {
  const behind = new Set([x]);
  for (const { op, inputs } of behind) if (op !== null) for (const input of inputs) behind.add(input);
  return [...behind].filter(({ op }) => op !== null).length;
}

const backends = [
  ['reference', () => reference()],
  ['wasm', () => wasm({ threads: 1 })],
] as const;

describe.each(backends)('on %s', (_, make) => {
  it.each(loops)('$name makes no plan after five steps, and its graph stays short', async (loop) => {
    use(await make());
    const { step, state } = loop.make();
    let plans = 0;
    let longest = 0;
    let bytes = 0;
    for (let i = 1; i <= 1_000; i++) {
      await step(i).item();
      if (i === 5) plans = stats().plansMade;
      if (i === 10) longest = Math.max(...state().map(waiting));
      if (i === 100) bytes = stats().bytes;
      if (i > 10) for (const x of state()) if (waiting(x) > longest) throw new Error(`longer at step ${i}`);
    }
    expect(stats().plansMade).toBe(plans);
    expect(stats().bytes).toBeLessThanOrEqual(bytes);
  });

  it.each(loops)('$name gives what it gives when the state is read', async (loop) => {
    use(await make());
    const [unread, alsoRead] = [loop.make(), loop.make()];
    for (let i = 1; i <= 40; i++) {
      const [a, b] = [unread.step(i), alsoRead.step(i)];
      for (const x of alsoRead.state()) await x.data();
      expect(Math.abs((await a.item()) - (await b.item()))).toBeLessThanOrEqual(
        1e-4 * Math.abs(await b.item()),
      );
    }
  });

  it('a lazy input is drawn once', async () => {
    use(await make());
    const x = normal([10, 5], { key: key(3) });
    const w = new Variable(zeros([5, 1]));
    const step = (): Promise<number> => {
      backward(x.matmul(w.value).sub(1).square().mean());
      w.assign(w.value.sub(w.grad!.mul(0.1)));
      return w.value.sum().item();
    };
    await step();
    expect(waiting(x)).toBeGreaterThan(0);
    await step();
    expect(waiting(x)).toBe(0);
    const plans = stats().plansMade;
    for (let i = 0; i < 10; i++) await step();
    expect(stats().plansMade - plans).toBeLessThanOrEqual(1);
  });

  it('what a compiled function finds outside is computed once', async () => {
    use(await make());
    const x = normal([10, 5], { key: key(3) }).exp();
    const scale = new Variable(tensor(2));
    const varying = scale.value.mul(3);
    const f = compile((y: Tensor) => y.mul(x).mul(varying).sum());
    const first = f(ones([10, 5])).itemSync();
    expect(waiting(x)).toBe(0);
    expect(waiting(varying)).toBe(1);
    const exact = (x.sum().itemSync() * 6) / first;
    expect(exact).toBeCloseTo(1, 5);
    scale.assign(tensor(4));
    // Variables count with their current values in a compiled function.
    expect(f(ones([10, 5])).itemSync() / first).toBeCloseTo(2, 5);
  });
});

describe('truncated backpropagation', () => {
  /** h' = tanh(x·wi + h·wh), loss = mean(h'²), plain gradient descent, all by hand in float64. */
  function byHand(steps: number, rate: number): number[] {
    let [wi, wh, h] = [0.5, 0.25, 0];
    const losses: number[] = [];
    for (let i = 1; i <= steps; i++) {
      const x = Math.sin(i);
      const next = Math.tanh(x * wi + h * wh);
      const slope = 2 * next * (1 - next * next);
      losses.push(next * next);
      [wi, wh, h] = [wi - rate * slope * x, wh - rate * slope * h, next];
    }
    return losses;
  }

  it.each([
    ['detached where it is used', (h: Tensor) => h.detach(), false],
    ['detached after the step', (h: Tensor) => h, true],
  ])('goes on for as long as one wants: %s', async (_, used, after) => {
    use(await wasm({ threads: 1 }));
    const [wi, wh] = [0.5, 0.25].map((x) => new Variable(tensor([[x]], { dtype: 'float64' })));
    let h: Tensor = zeros([1, 1], { dtype: 'float64' });
    const expected = byHand(200, 0.1);
    let plans = 0;
    for (let i = 1; i <= 200; i++) {
      const x = tensor([[Math.sin(i)]], { dtype: 'float64' });
      h = x.matmul(wi.value).add(used(h).matmul(wh.value)).tanh();
      const loss = h.square().mean();
      backward(loss);
      const next = [wi, wh].map((w) => w.value.sub(w.grad!.mul(0.1)));
      commitUpdates(new Map([wi, wh].map((w, j) => [w, next[j]])), [loss]);
      if (after) h = h.detach();
      expect(await loss.item()).toBeCloseTo(expected[i - 1], 12);
      if (i === 5) plans = stats().plansMade;
    }
    expect(stats().plansMade).toBe(plans);
  });
});

describe('what was carried', () => {
  it('can be differentiated through, as if nothing had been read', () => {
    use(reference());
    manualSeed(1);
    const w = new Variable(normal([3, 3], { std: 0.5, dtype: 'float64' }));
    const run = (steps: number, look: boolean): Float64Array => {
      let s: Tensor = ones([1, 3], { dtype: 'float64' });
      for (let i = 0; i < steps; i++) {
        s = s.matmul(w.value).tanh();
        if (look) s.sum().itemSync();
      }
      return gradients(s.sum(), [w])[0].dataSync() as Float64Array;
    };
    const [unread, looked] = [run(100, false), run(100, true)];
    expect(Math.max(...unread.map(Math.abs))).toBeGreaterThan(0);
    looked.forEach((value, i) => expect(value).toBeCloseTo(unread[i], 12));
  });

  it('is an error, not a part of the gradient, where it is gone', () => {
    use(reference());
    const w = tensor([[0.5]]);
    let s: Tensor = tensor([[1]]);
    for (let i = 0; i < 400; i++) {
      s = s.matmul(w);
      s.sum().itemSync();
    }
    expect(() => gradients(s.sum(), [w])).toThrow(/what it was computed from is gone.*detach/s);
    expect(gradients(s.detach().add(w).sum(), [w])[0].itemSync()).toBe(1);
    // As an argument it is a constant of the function that is differentiated.
    expect(grad((x: Tensor) => x.mul(s.add(1)).sum())(w).itemSync()).toBe(1);
  });
});

describe('what is not kept', () => {
  it('what needs far more memory than what it is made of', () => {
    use(reference());
    const x = normal([1000, 1], { key: key(1) });
    const apart = x.sub(x.transpose()).abs();
    apart.sum().itemSync();
    apart.max().itemSync();
    expect(waiting(apart)).toBeGreaterThan(0);
  });

  it('activations of a step whose loss was read before backward', async () => {
    use(await wasm({ threads: 1 }));
    const w = new Variable(normal([50, 50], { std: 0.1, key: key(1) }));
    const x = normal([20, 50], { key: key(2) });
    for (let i = 0; i < 3; i++) {
      const hidden = x.matmul(w.value).tanh();
      const loss = hidden.square().mean();
      await loss.item();
      backward(loss);
      w.assign(w.value.sub(w.grad!.mul(0.1)));
      expect(waiting(hidden)).toBeGreaterThan(0);
    }
  });
});
