import {
  concat,
  gather,
  key,
  manualSeed,
  normal,
  oneHot,
  stats,
  type Tensor,
  take,
  tensor,
  Variable,
} from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import {
  backward,
  checkGradients,
  compile,
  grad,
  gradients,
  hessian,
  hvp,
  jacobian,
  jvp,
  vjp,
} from './index.ts';

const sample = (shape: readonly number[], seed: number): Tensor =>
  normal(shape, { key: key(seed), dtype: 'float64' });

describe('gradients', () => {
  // Central differences in float64 are the independent truth here, first and second order.
  const cases: [string, (x: readonly Tensor[]) => Tensor, readonly Tensor[]][] = [
    ['matmul', ([a, b]) => a.matmul(b), [sample([3, 4], 1), sample([4, 2], 2)]],
    [
      'batched matmul with broadcasting',
      ([a, b]) => a.matmul(b).tanh(),
      [sample([2, 3, 4], 1), sample([4, 2], 2)],
    ],
    ['broadcast add and mul', ([a, b]) => a.add(b).mul(b), [sample([3, 4], 1), sample([4], 2)]],
    ['division', ([a, b]) => a.div(b.exp()), [sample([3, 1], 1), sample([1, 4], 2)]],
    ['sigmoid', ([a]) => a.sigmoid(), [sample([5], 3)]],
    ['tanh', ([a]) => a.tanh(), [sample([5], 3)]],
    ['softmax', ([a]) => a.softmax(), [sample([2, 5], 3)]],
    ['logSumExp', ([a]) => a.logSumExp(0), [sample([3, 4], 3)]],
    ['variance', ([a]) => a.variance(1), [sample([3, 4], 3)]],
    ['slices', ([a]) => concat([a.slice(0, 2).square(), a.slice(1, 3).exp()], 1), [sample([3, 2], 3)]],
    ['negative step', ([a]) => a.slice(2, undefined, { step: -2 }).square(), [sample([3, 2], 3)]],
    [
      'pad',
      ([a]) =>
        a
          .pad([
            [1, 2],
            [0, 1],
          ])
          .square(),
      [sample([3, 2], 3)],
    ],
    ['permute and reshape', ([a]) => a.permute([2, 0, 1]).reshape([4, 6]).square(), [sample([2, 3, 4], 3)]],
    ['max', ([a]) => a.max(1).square(), [sample([3, 4], 3)]],
    [
      'prod with a zero',
      ([a]) => a.prod(1),
      [
        tensor(
          [
            [1, 0, 3],
            [2, 4, 5],
          ],
          { dtype: 'float64' },
        ),
      ],
    ],
    ['cumsum', ([a]) => a.cumsum(0).square(), [sample([4, 2], 3)]],
    [
      'cumprod',
      ([a]) => a.cumprod(1),
      [
        tensor(
          [
            [1, 0, 3],
            [2, 4, 5],
          ],
          { dtype: 'float64' },
        ),
      ],
    ],
    ['gather', ([a]) => gather(a, tensor([[0, 2, 2]], { dtype: 'int32' }), 1).square(), [sample([2, 3], 3)]],
    ['take', ([a]) => take(a, tensor([1, 0, 1], { dtype: 'int32' })).square(), [sample([3, 2], 3)]],
    ['where', ([a]) => a.greater(0).where(a.square(), a.sin()), [sample([6], 3)]],
    ['pow', ([a, b]) => a.abs().add(0.5).pow(b), [sample([4], 3), sample([4], 4)]],
    ['gelu', ([a]) => a.gelu(), [sample([4], 3)]],
    ['softplus', ([a]) => a.softplus(), [sample([4], 3)]],
    [
      'cross-entropy',
      ([a]) =>
        a
          .logSumExp(-1)
          .sub(a.mul(oneHot(tensor([1, 0], { dtype: 'int32' }), 3, { dtype: 'float64' })).sum(-1))
          .mean(),
      [sample([2, 3], 3)],
    ],
    ['repeated input', ([a]) => a.mul(a).mul(a), [sample([3], 5)]],
    ['mean', ([a]) => a.mean([0, 2]).square(), [sample([2, 3, 2], 5)]],
  ];
  for (const [name, f, x] of cases) {
    it(name, () => {
      checkGradients(f, x, { order: 2 });
    });
  }

  it('gives the textbook second-order value that other libraries miss', async () => {
    // d/dw (d tanh(w·x)/dx)² at w = 1, x = 0.5. By hand: dy/dx = w(1 − t²), t = tanh(w·x), so the derivative of its square is
    // 2w(1−t²)·((1−t²) − 2w·t·(1−t²)·x) = 0.6654 (four digits).
    const x = tensor(0.5, { dtype: 'float64' });
    const slope = (w: Tensor): Tensor => grad((at: Tensor) => w.mul(at).tanh())(x).square();
    const t = Math.tanh(0.5);
    const d = 1 - t * t;
    const value = await grad(slope)(tensor(1, { dtype: 'float64' })).item();
    expect(value).toBeCloseTo(2 * d * (d - 2 * t * d * 0.5), 12);
    expect(value).toBeCloseTo(0.6654, 4);
  });

  it('gives zeros where the result does not depend on an input', async () => {
    const a = tensor([1, 2]);
    const b = tensor([3, 4]);
    const [, g] = gradients(a.sum(), [a, b]);
    expect(await g.toArray()).toEqual([0, 0]);
  });
});

describe('transformations', () => {
  const rosenbrock = (x: Tensor): Tensor => {
    const a = x.slice(0, 1);
    const b = x.slice(1, 2);
    return a.neg().add(1).square().add(b.sub(a.square()).square().mul(100)).sum();
  };
  it('matches the closed form of the Rosenbrock function', async () => {
    // f = (1 − x)² + 100(y − x²)²; ∇f = (−2(1−x) − 400x(y−x²), 200(y−x²)); H = [[2 − 400y + 1200x², −400x], [−400x, 200]].
    const at = tensor([1, 2], { dtype: 'float64' });
    expect(await grad(rosenbrock)(at).toArray()).toEqual([-400, 200]);
    expect(await hessian(rosenbrock)(at).toArray()).toEqual([
      [402, -400],
      [-400, 200],
    ]);
    expect(await hvp(rosenbrock, at, tensor([1, 1], { dtype: 'float64' })).toArray()).toEqual([2, -200]);
  });
  it('forms Jacobians, pullbacks and pushforwards', async () => {
    const f = (x: Tensor): Tensor => x.square();
    const x = tensor([1, 2, 3]);
    expect(await jacobian(f)(x).toArray()).toEqual([
      [2, 0, 0],
      [0, 4, 0],
      [0, 0, 6],
    ]);
    const [, pull] = vjp(f, x);
    expect(await pull(tensor([1, 1, 2]))[0].toArray()).toEqual([2, 4, 12]);
    const [y, dy] = jvp(f, [x], [tensor([1, 0, 2])]);
    expect(await y.toArray()).toEqual([1, 4, 9]);
    expect(await dy.toArray()).toEqual([2, 0, 12]);
  });
});

describe('backward', () => {
  it('trains, keeps the previous version readable, and reuses its plans', async () => {
    manualSeed(1);
    const w = new Variable(tensor([[1], [1]]), { name: 'w' });
    const x = tensor([
      [1, 2],
      [3, 4],
    ]);
    const y = tensor([[1], [2]]);
    const { commitUpdates } = await import('@ag/tensor/engine');
    let plans = 0;
    const losses: Tensor[] = [];
    for (let i = 0; i < 50; i++) {
      const prediction = x.matmul(w.value);
      const loss = prediction.sub(y).square().sum();
      backward(loss);
      commitUpdates(new Map([[w, w.value.sub(w.grad!.mul(0.01))]]));
      losses.push(loss);
      if (i === 0) {
        // 3² + 5² … by hand: predictions 3, 7; errors 2, 5; loss 29.
        expect(await loss.item()).toBe(29);
        expect(await prediction.toArray()).toEqual([[3], [7]]);
      }
      if (i === 5) plans = stats().plansMade;
    }
    expect(stats().plansMade).toBe(plans);
    expect(await losses[49].item()).toBeLessThan(0.2);
  });

  it('accumulates until a step', async () => {
    const w = new Variable(tensor([2]), { name: 'w' });
    backward(w.value.square().sum());
    backward(w.value.mul(3).sum());
    expect(await w.grad!.toArray()).toEqual([7]);
  });

  it('follows a loss that was read before', async () => {
    const w = new Variable(tensor([2]), { name: 'w' });
    const loss = w.value.square().sum();
    expect(await loss.item()).toBe(4);
    backward(loss);
    expect(await w.grad!.toArray()).toEqual([4]);
  });
});

describe('compile', () => {
  it('repeats a training step', async () => {
    const { commitUpdates } = await import('@ag/tensor/engine');
    const w = new Variable(tensor([0]), { name: 'w' });
    const step = compile((x: Tensor) => {
      const loss = w.value.sub(x).square().sum();
      backward(loss);
      commitUpdates(new Map([[w, w.value.sub(w.grad!.mul(0.25))]]));
      return loss;
    });
    // Error halves at each step: losses 16, 4, 1.
    expect(await step(tensor([4])).item()).toBe(16);
    expect(await step(tensor([4])).item()).toBe(4);
    expect(await step(tensor([4])).item()).toBe(1);
    expect(await w.value.toArray()).toEqual([3.5]);
  });
});
