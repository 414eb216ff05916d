import {
  apply,
  concat,
  conv2d,
  defineOp,
  einsum,
  eye,
  gather,
  key,
  map,
  normal,
  oneHot,
  s,
  scatterAdd,
  solve,
  splitKey,
  stack,
  type Tensor,
  take,
  tensor,
  uniform,
  view,
} from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import {
  checkGradients,
  checkpoint,
  customGradient,
  grad,
  gradients,
  hessian,
  jacobian,
  jvp,
  vjp,
  vmap,
} from './index.ts';

const sample = (shape: readonly number[], seed: number): Tensor =>
  tensor(normal(shape, { key: key(seed), dtype: 'float64' }).dataSync(), { shape, dtype: 'float64' });
const whole = (data: readonly unknown[]): Tensor => tensor(data as number[], { dtype: 'int32' });

const examples = (x: Tensor): Tensor[] =>
  Array.from({ length: x.shape[0] }, (_, i) => x.slice(i, i + 1).reshape(x.shape.slice(1)));

/** The function on each example by itself: what vmap must equal. */
function looped(f: (...x: Tensor[]) => Tensor, x: readonly Tensor[], axes: readonly (0 | null)[]): Tensor {
  const n = x[axes.indexOf(0)].shape[0];
  return stack(
    Array.from({ length: n }, (_, i) => f(...x.map((t, j) => (axes[j] === null ? t : examples(t)[i])))),
  );
}

function expectSame(a: Tensor, b: Tensor, digits = 12): void {
  expect(a.shape).toEqual(b.shape);
  expect(a.dtype).toBe(b.dtype);
  const right = b.dataSync();
  a.dataSync().forEach((value, i) => expect(value).toBeCloseTo(right[i], digits));
}

// What the tables of operations do not say (vmapOperations.test.ts maps each of them): operands that are shared, positions, dtypes.
// [name, function of examples, arguments, axes]; 3 examples of sizes that also equal 3, so that mixing axes up shows or fails.
type Case = [string, (...x: Tensor[]) => Tensor, readonly Tensor[], readonly (0 | null)[]];
const cases: Case[] = [
  [
    'elementwise with operands of other ranks',
    (a, b) => a.add(b),
    [sample([3, 3], 1), sample([3, 3, 3], 2)],
    [0, 0],
  ],
  [
    'elementwise with a shared operand of higher rank',
    (a, b) => a.mul(b),
    [sample([3, 3], 1), sample([3, 3], 2)],
    [0, null],
  ],
  ['matmul, left', (a, b) => a.matmul(b), [sample([3, 3, 3], 1), sample([3, 3], 2)], [0, null]],
  ['matmul, right', (a, b) => a.matmul(b), [sample([3, 3], 1), sample([3, 3, 3], 2)], [null, 0]],
  ['matrix times vector', (a, b) => a.matmul(b), [sample([3, 3], 1), sample([3, 3], 2)], [null, 0]],
  ['argmax of all', (a) => a.argmax(), [sample([3, 3, 3], 1)], [0]],
  ['concat with a shared part', (a, b) => concat([a, b]), [sample([3, 3], 1), sample([3], 2)], [0, null]],
  [
    'gather, both',
    (a, i) => gather(a, i, 0),
    [sample([3, 3, 3], 1), whole([[[0, 2, 1]], [[1, 1, 1]], [[2, 0, 0]]])],
    [0, 0],
  ],
  [
    'gather, shared source',
    (a, i) => gather(a, i, 0),
    [sample([3, 3], 1), whole([[[0, 2, 1]], [[1, 1, 1]], [[2, 0, 0]]])],
    [null, 0],
  ],
  ['gather, shared index', (a, i) => gather(a, i, 0), [sample([3, 3, 3], 1), whole([[0, 2, 1]])], [0, null]],
  ['take', (a, i) => take(a, i), [sample([3, 3], 1), whole([0, 2, 2])], [null, 0]],
  [
    'scatterAdd',
    (a, i, u) => scatterAdd(a, i, u, 0),
    [sample([3, 3], 1), whole([[[0, 2, 1]], [[1, 1, 1]], [[2, 0, 0]]]), sample([3, 1, 3], 2)],
    [null, 0, 0],
  ],
  ['where', (a, b) => a.greater(0).where(a, b), [sample([3, 3], 1), sample([3], 2)], [0, null]],
  ['one-hot', (i) => oneHot(i, 3, { dtype: 'float64' }), [whole([0, 2, 1])], [0]],
  [
    'conv2d, images',
    (a, b) => conv2d(a, b),
    [sample([3, 1, 2, 3, 3], 1), sample([3, 2, 2, 2], 2)],
    [0, null],
  ],
  [
    'conv2d, weights',
    (a, b) => conv2d(a, b, { stride: 2 }),
    [sample([1, 2, 3, 3], 1), sample([3, 3, 2, 2, 2], 2)],
    [null, 0],
  ],
  ['einsum', (a, b) => einsum('ij,jk->ki', a, b), [sample([3, 3, 3], 1), sample([3, 3], 2)], [0, null]],
  [
    'solve',
    (a, b) => solve(a.add(eye(3, 3, { dtype: 'float64' }).mul(5)), b),
    [sample([3, 3, 3], 1), sample([3], 2)],
    [0, null],
  ],
  ['cast', (a) => a.cast('float32').cast('float64'), [sample([3, 3], 1)], [0]],
];

describe('vmap', () => {
  for (const [name, f, x, axes] of cases) {
    it(`equals a loop: ${name}`, () => {
      expectSame(vmap((...y: Tensor[]) => f(...y), axes)(...x), looped(f, x, axes));
    });
    if (x[0].dtype === 'float64' && name !== 'argmax of all') {
      it(`differentiates like a loop: ${name}`, () => {
        const floats = x.filter((t) => t.dtype === 'float64');
        const all = (g: (...y: Tensor[]) => Tensor): Tensor[] =>
          gradients(
            g(...x)
              .square()
              .sum(),
            floats,
          );
        const mapped = all((...y) => vmap((...z: Tensor[]) => f(...z), axes)(...y));
        const expected = all((...y) => looped(f, y, axes));
        mapped.forEach((g, i) => expectSame(g, expected[i], 10));
      });
      it(`maps the gradient: ${name}`, () => {
        const slope = (...y: Tensor[]): Tensor =>
          gradients(
            f(...y)
              .square()
              .sum(),
            [y[0]],
          )[0];
        expectSame(vmap((...y: Tensor[]) => slope(...y), axes)(...x), looped(slope, x, axes), 10);
      });
    }
  }

  it('takes examples along any axis and puts them there', async () => {
    const x = tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    expect(await vmap((v: Tensor) => v.sum(), 1)(x).toArray()).toEqual([5, 7, 9]);
    expect(vmap((v: Tensor) => v.reshape([2, 1]), -1, 2)(x).shape).toEqual([2, 1, 3]);
    expect(vmap((v: Tensor) => v.reshape([2, 1]), 1, -1)(x).shape).toEqual([2, 1, 3]);
  });

  it('maps objects, and repeats what depends on no example', async () => {
    const f = ({ a, b }: { a: Tensor; b: Tensor }) => ({
      product: a.mul(b),
      constant: tensor([1, 2]),
      more: [a],
    });
    const y = vmap(f)({ a: tensor([1, 2]), b: tensor([3, 4]) });
    expect(await y.product.toArray()).toEqual([3, 8]);
    expect(await y.constant.toArray()).toEqual([
      [1, 2],
      [1, 2],
    ]);
    expect(await y.more[0].toArray()).toEqual([1, 2]);
  });

  it('nests', () => {
    const x = sample([2, 3], 1);
    const y = sample([4, 3], 2);
    const table = vmap((a: Tensor) => vmap((b: Tensor) => a.sub(b).square().sum())(y))(x);
    expectSame(table, x.unsqueeze(1).sub(y).square().sum(-1));
  });

  it('gives a gradient for each example', () => {
    const w = sample([3], 1);
    const x = sample([5, 3], 2);
    const loss = (weights: Tensor, at: Tensor): Tensor => weights.dot(at).tanh().square();
    const each = vmap(grad(loss), [null, 0])(w, x);
    // By hand: 2 tanh(w·x)(1 − tanh²(w·x)) x.
    const t = x.matmul(w).tanh();
    expectSame(each, t.mul(2).mul(t.square().neg().add(1)).unsqueeze(1).mul(x));
  });

  it('composes with jvp, vjp, jacobian and hessian', () => {
    const x = sample([4, 3], 1);
    const v = sample([4, 3], 2);
    const f = (a: Tensor): Tensor => a.sin().mul(a.sum());
    const pushed = vmap((a: Tensor, b: Tensor) => jvp(f, [a], [b])[1])(x, v);
    expectSame(
      pushed,
      looped((a, b) => jvp(f, [a], [b])[1], [x, v], [0, 0]),
    );
    expectSame(jvp((a: Tensor) => vmap(f)(a), [x], [v])[1], pushed);
    const [, pull] = vjp((a: Tensor) => vmap(f)(a), x);
    expectSame(pull(v)[0], vmap((a: Tensor, b: Tensor) => vjp(f, a)[1](b)[0])(x, v));
    expectSame(
      vmap(jacobian(f))(x),
      looped((a) => jacobian(f)(a), [x], [0]),
    );
    const g = (a: Tensor): Tensor => f(a).sum();
    expectSame(
      vmap(hessian(g))(x),
      looped((a) => hessian(g)(a), [x], [0]),
    );
  });

  it('maps custom gradients and checkpoints', () => {
    const x = sample([3, 3], 1);
    const w = sample([3, 3], 2);
    const clipped = customGradient(
      (a: Tensor, b: Tensor) => a.mul(b),
      (g, [a, b]) => [g.clamp(-0.5, 0.5).mul(b), g.mul(a)],
    );
    const two = customGradient(
      (a: Tensor, b: Tensor) => ({ sum: a.add(b), product: a.mul(b) }),
      (g, [a, b]) => [g.sum.mul(3).add(g.product.mul(b)), g.sum.add(g.product.mul(a))],
    );
    const pieces: ((a: Tensor, b: Tensor) => Tensor)[] = [
      (a, b) => clipped(a, b),
      (a, b) => {
        const { sum, product } = two(a, b);
        return sum.sin().mul(product);
      },
      checkpoint((a: Tensor, b: Tensor) => a.matmul(b).tanh().mul(a)),
    ];
    for (const f of pieces) {
      for (const axes of [
        [0, 0],
        [0, null],
        [null, 0],
      ] as const) {
        const loop = (a: Tensor, b: Tensor): Tensor => looped((p, q) => f(p, q), [a, b], axes);
        const second = f === pieces[2] ? sample([3, 3, 3], 3) : w;
        const b = axes[1] === null ? (f === pieces[2] ? w : examples(w)[0]) : second;
        const a = axes[0] === null ? examples(x)[0] : x;
        const mapped = vmap(f, axes);
        expectSame(mapped(a, b), loop(a, b));
        const expected = gradients(loop(a, b).square().sum(), [a, b]);
        gradients(mapped(a, b).square().sum(), [a, b]).forEach((g, i) => expectSame(g, expected[i], 10));
        if (f === pieces[2]) checkGradients(([p, q]) => mapped(p, q), [a, b], { order: 2 });
      }
    }
  });

  it('draws the same for the same key and other numbers for other keys', () => {
    const x = tensor([
      [0, 0],
      [0, 0],
      [0, 0],
    ]);
    const shared = vmap((v: Tensor) => v.add(normal([2], { key: key(5) })))(x);
    const one = normal([2], { key: key(5) });
    expectSame(shared, stack([one, one, one]), 7);
    const keys = splitKey(key(7), 3);
    const own = vmap((v: Tensor, k: ReturnType<typeof key>) => v.add(uniform([2], { key: k })))(x, keys);
    expectSame(own, stack(keys.map((k) => uniform([2], { key: k }))), 7);
  });

  it('does an operation it knows nothing about once for each example', () => {
    // A view that turns the last two axes: its attributes do not say so, and applied to more axes it must not be trusted.
    const corner = defineOp<{ readonly at: number }>({
      name: 'corner',
      type: ([x]) => ({ shape: x.shape.slice(1), dtype: x.dtype }),
      lower: view((v, { at }) => ({
        ...v,
        shape: v.shape.slice(1),
        strides: v.strides.slice(1),
        offset: v.offset + at * v.strides[0],
      })),
    });
    const x = sample([3, 3, 3], 1);
    const f = (a: Tensor): Tensor => apply(corner, [a], { at: 1 });
    expectSame(
      vmap(f)(x),
      looped((a) => f(a), [x], [0]),
    );
    const cube = defineOp({
      name: 'cube',
      type: ([a]) => a,
      lower: map(([a]) => s.mul(s.mul(a, a), a)),
      vjp: (g, [a]) => [g.mul(a.square()).mul(3)],
    });
    expectSame(vmap(grad((a: Tensor) => apply(cube, [a]).sum()))(x), x.square().mul(3));
  });

  it('says what is wrong', () => {
    const x = tensor([
      [1, 2],
      [3, 4],
    ]);
    expect(() => vmap((a: Tensor, b: Tensor) => a.add(b))(x, tensor([1, 2, 3]))).toThrow(
      /argument 0 holds 2 examples, argument 1 of shape \[3\] holds 3/,
    );
    expect(() => vmap((a: Tensor) => a, 2)(x)).toThrow(/argument 0 of shape \[2, 2\] has no axis 2/);
    expect(() => vmap((a: Tensor) => a, null)(x)).toThrow(/no argument is mapped/);
    expect(() => vmap((a: Tensor) => tensor(a.sum().itemSync()))(x)).toThrow(
      /vmap: the function read a value/,
    );
    expect(() =>
      vmap((k: ReturnType<typeof key>) => uniform([1], { key: splitKey(k)[0] }))(splitKey(key(1))),
    ).toThrow(/split it outside/);
  });
});
