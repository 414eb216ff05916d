import {
  backend,
  evaluate,
  key,
  normal,
  stats,
  type Tensor,
  tensor,
  uniform,
  use,
  Variable,
} from '@ag/tensor';
import { nullBackend } from '@ag/tensor/testing';
import { describe, expect, it } from 'vitest';
import {
  backward,
  checkGradients,
  checkpoint,
  customGradient,
  grad,
  gradients,
  hessian,
  jvp,
  vjp,
} from './index.ts';

const sample = (shape: readonly number[], seed: number): Tensor =>
  tensor(normal(shape, { key: key(seed), dtype: 'float64' }).dataSync(), { shape, dtype: 'float64' });

describe('customGradient', () => {
  it('uses the rule instead of the derivative', async () => {
    // A straight-through step: forward 0 or 1, backward as if it were the identity.
    const step = customGradient(
      (x: Tensor) => x.greater(0).cast('float32'),
      (g) => [g],
    );
    const x = tensor([-1, 0.5, 2]);
    const [g] = gradients(
      step(x)
        .mul(tensor([1, 2, 3]))
        .sum(),
      [x],
    );
    expect(await step(x).toArray()).toEqual([0, 1, 1]);
    expect(await g.toArray()).toEqual([1, 2, 3]);
  });

  it('differentiates the rule for second order, through y as well', async () => {
    // exp with the rule g·y; (eˣ)'' = eˣ only if y inside the rule is the function itself.
    const exp = customGradient(
      (x: Tensor) => x.detach().exp(),
      (g, _x, y) => [g.mul(y)],
    );
    const x = tensor(0.5, { dtype: 'float64' });
    const third = grad(grad(grad((at: Tensor) => exp(at))));
    expect(await third(x).item()).toBeCloseTo(Math.exp(0.5), 12);
    checkGradients(([at]) => exp(at), [sample([3], 1)], { order: 3 });
  });

  it('takes and gives objects, with null for no gradient', async () => {
    const f = customGradient(
      (x: { a: Tensor; b: Tensor }, s: Tensor) => ({ sum: x.a.add(x.b), product: x.a.mul(s) }),
      (g, [x], y) => [{ a: g.sum.mul(10).add(g.product), b: null }, y.product.mul(0).add(x.b)],
    );
    const a = tensor([1, 2]);
    const b = tensor([3, 4]);
    const s = tensor([5, 6]);
    const { sum, product } = f({ a, b }, s);
    const [ga, gb, gs] = gradients(sum.mul(2).sum().add(product.sum()), [a, b, s]);
    expect(await ga.toArray()).toEqual([21, 21]);
    expect(await gb.toArray()).toEqual([0, 0]);
    expect(await gs.toArray()).toEqual([3, 4]);
    expect(await product.toArray()).toEqual([5, 12]);
  });

  it('works with jvp when its rule can be differentiated', async () => {
    const square = customGradient(
      (x: Tensor) => x.mul(x),
      (g, [x]) => [g.mul(x).mul(2)],
    );
    const [, d] = jvp(square, [tensor([3, 4])], [tensor([1, 10])]);
    expect(await d.toArray()).toEqual([6, 80]);
  });

  it('says what is wrong with a rule', () => {
    const x = tensor([1, 2]);
    const none = customGradient(
      (a: Tensor, b: Tensor) => a.add(b),
      (g) => [g] as unknown as [Tensor, Tensor],
    );
    expect(() => gradients(none(x, x).sum(), [x])).toThrow(/must return an array of 2 gradients.*got 1/);
    const shape = customGradient(
      (a: Tensor) => a.mul(1),
      () => [tensor([1, 2, 3])],
    );
    expect(() => gradients(shape(x).sum(), [x])).toThrow(/gradient 0 has shape \[3\], its argument \[2\]/);
  });
});

describe('checkpoint', () => {
  it('has the same values and gradients of any order', () => {
    const f = checkpoint((x: Tensor, w: Tensor) => x.matmul(w).tanh().matmul(w).sin());
    const x = sample([2, 3], 1);
    const w = sample([3, 3], 2);
    expect(f(x, w).dataSync()).toEqual(x.matmul(w).tanh().matmul(w).sin().dataSync());
    checkGradients(([a, b]) => f(a, b), [x, w], { order: 3 });
  });

  it('reaches what the function uses from outside, parameters included', async () => {
    const w = new Variable(tensor([2, 3]), { name: 'w' });
    const outside = tensor([5, 7]).mul(w.value);
    const x = tensor([1, 1]);
    const y = checkpoint((at: Tensor) => at.mul(w.value).mul(outside).exp().log())(x);
    // y = 5 w₀² + 7 w₁² at x = 1.
    backward(y.sum());
    expect((await w.grad!.toArray()) as number[]).toEqual([expect.closeTo(20, 3), expect.closeTo(42, 3)]);
  });

  it('gives several outputs, and draws the same random numbers again', async () => {
    const f = (x: { a: Tensor }): { y: Tensor; z: Tensor; chosen: Tensor } => {
      const mask = uniform([4]).less(0.5);
      return { y: mask.where(x.a.exp(), 0), z: x.a.square().mul(mask.cast('float32')), chosen: mask };
    };
    const x = tensor([1, 2, 3, 4]);
    const { y, z, chosen } = checkpoint(f)({ a: x });
    const [g] = gradients(y.sum().add(z.mul(10).sum()), [x]);
    const mask = await chosen.data();
    const expected = [1, 2, 3, 4].map((v, i) => (mask[i] ? Math.exp(v) + 20 * v : 0));
    (await g.data()).forEach((v, i) => expect(v / (expected[i] || 1)).toBeCloseTo(expected[i] ? 1 : 0, 5));
  });

  it('needs less memory for a deep chain, and computes it once more', () => {
    const layers = 64;
    const bytes = 64 * 64 * 4;
    const plan = (cut: number): { slots: number; products: number } => {
      const before = backend();
      const device = nullBackend();
      use(device);
      try {
        const w = Array.from({ length: layers }, (_, i) =>
          tensor(new Float32Array(64 * 64).fill(i), { shape: [64, 64] }),
        );
        const x = tensor(new Float32Array(64 * 64), { shape: [64, 64] });
        const part = (from: number) => (h: Tensor) => {
          let at = h;
          for (let i = from; i < from + (cut || layers); i++) at = at.matmul(w[i]).tanh();
          return at;
        };
        let h = x;
        for (let i = 0; i < layers; i += cut || layers) h = cut ? checkpoint(part(i))(h) : part(i)(h);
        const loss = h.sum();
        const [g] = gradients(loss, [x]);
        const held = stats().peakBytes;
        evaluate([loss, g]);
        return { slots: stats().peakBytes - held, products: device.last.byForm.contract ?? 0 };
      } finally {
        use(before);
      }
    };
    const stored = plan(0);
    const cut = plan(8);
    // Every layer's output is stored: 64. With 8 checkpoints of 8 layers: 8 boundaries, 8 inside, and what a layer needs.
    expect(stored.slots).toBeGreaterThan(64 * bytes);
    expect(cut.slots).toBeLessThan(22 * bytes);
    expect(stored.products).toBe(2 * layers);
    expect(cut.products).toBe(3 * layers);
  });

  it('computes again only after the gradient has arrived', () => {
    const device = nullBackend();
    const before = backend();
    use(device);
    try {
      const x = tensor(new Float32Array(16), { shape: [4, 4] });
      const w = tensor(new Float32Array(16).fill(1), { shape: [4, 4] });
      // The sine stands after the checkpoint, so its derivative is what arrives.
      const y = checkpoint((at: Tensor) => at.matmul(w).tanh())(x)
        .matmul(w)
        .sin();
      gradients(y.sum(), [x])[0].dataSync();
      const { labels } = device.last;
      const tanh = labels.flatMap((label, i) => (label.includes('tanh') ? [i] : []));
      expect(tanh.length).toBe(2);
      expect(tanh[1]).toBeGreaterThan(labels.findIndex((label) => label.includes('cos')));
    } finally {
      use(before);
    }
  });

  it('composes with the other transformations', async () => {
    const f = checkpoint((x: Tensor) => x.square().mul(x).sum());
    expect(await hessian(f)(tensor([1, 2])).toArray()).toEqual([
      [6, 0],
      [0, 12],
    ]);
    const [, pull] = vjp(f, tensor([1, 2]));
    expect(await pull(tensor(2))[0].toArray()).toEqual([6, 24]);
    const [, d] = jvp(f, [tensor([1, 2])], [tensor([1, 1])]);
    expect(await d.item()).toBe(15);
  });
});
