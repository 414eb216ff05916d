import {
  type Backend,
  backend,
  evaluate,
  normal,
  reference,
  type Tensor,
  tensor,
  use,
  Variable,
  zeros,
} from '@ag/tensor';
import { commitUpdates } from '@ag/tensor/engine';
import { afterEach, describe, expect, it } from 'vitest';
import {
  backward,
  compile,
  Graph,
  grad,
  gradients,
  hvp,
  jacobian,
  jvp,
  placeholder,
  vjp,
  vmap,
} from './index.ts';

/** What another copy of the library would make: the same brand, another class. */
const foreign = { [Symbol.for('@ag/tensor')]: {}, shape: [2], dtype: 'float32' } as unknown as Tensor;
const foreignVariable = { value: foreign, trainable: true } as unknown as Variable;

describe('misuse is named, with the remedy', () => {
  it('differentiating what is no scalar', () => {
    const x = tensor([1, 2]);
    expect(() => gradients(x.mul(2), [x])).toThrow(
      /the result has shape \[2\], not that of a scalar. Reduce it \(y.sum\(\), y.mean\(\)\) or give a seed/,
    );
    expect(() => grad((a: Tensor) => a.mul(2))(x)).toThrow(/not that of a scalar/);
    const w = new Variable(x);
    expect(() => backward(w.value.mul(2))).toThrow(
      /backward: the loss has shape \[2\].*loss.mean\(\) or loss.sum\(\)/,
    );
    expect(() => gradients(x.mul(2), [x], tensor([1]))).toThrow(/the seed has shape \[1\], the result \[2\]/);
  });

  it('one tensor where a list belongs, and options where a seed does', () => {
    const x = tensor([1, 2]);
    expect(() => gradients(x.sum(), x as unknown as Tensor[])).toThrow(
      'gradients: wrt must be an array, got a tensor',
    );
    expect(() => gradients(x.sum(), [x], { seed: x } as unknown as Tensor)).toThrow(
      'gradients: expected a tensor as seed, got an object',
    );
    // What was refused leaves nothing behind.
    expect(gradients(x.sum(), [x])).toHaveLength(1);
  });

  it('differentiating by or through whole numbers', () => {
    const x = tensor([1, 2], { dtype: 'int32' });
    expect(() => gradients(x.cast('float32').sum(), [x])).toThrow(
      /a tensor of dtype int32, shape \[2\], has no gradient.*x.cast\('float32'\)/,
    );
    expect(() => gradients(x.sum(), [tensor([1])])).toThrow(
      /the result has dtype int32; only float results can be differentiated/,
    );
    expect(() => grad((a: Tensor) => a.cast('float32').sum())(x)).toThrow(/dtype int32/);
    expect(() => backward(x.sum())).toThrow(/int32/);
  });

  it('vectors of another form', () => {
    const x = tensor([1, 2]);
    expect(() => jvp((a: Tensor) => a, [x], [tensor([1, 2, 3])])).toThrow(
      /jvp: the vector must have the form \[2\], got \[3\]/,
    );
    expect(() => vjp((a: Tensor) => a.sum(), x)[1](x)).toThrow(
      /vjp: the vector must have the form \[\], got \[2\]/,
    );
    expect(() => hvp((a: { x: Tensor }) => a.x.square().sum(), { x }, { x: tensor([1]) })).toThrow(
      /hvp: the vector must have the form \[2\], got \[1\]/,
    );
    expect(() => grad((a: Tensor) => a.sum(), 1 as 0)(x)).toThrow(/there is no argument 1/);
    expect(() => grad(() => tensor(1) as Tensor)(...([5] as unknown as []))).toThrow(
      /^grad: argument 0 must be a tensor, or nested arrays and objects of tensors, got 5$/,
    );
    const nested = { a: [x, null] } as unknown as { a: Tensor[] };
    expect(() => jvp((t: { a: Tensor[] }) => t.a[0], [nested], [nested])).toThrow(
      /^jvp: arguments\[0\]\.a\[1\] must be/,
    );
    expect(() => vmap((t: { a: Tensor[] }) => t.a[0])(nested)).toThrow(
      /^vmap: argument 0\.a\[1\] must be .* got null$/,
    );
    expect(() => compile((t: { a: Tensor[] }) => t.a[0])(nested)).toThrow(
      /^compile: arguments\[0\]\.a\[1\] must be/,
    );
  });

  it('a function that returns no tensor', () => {
    expect(() => jacobian((() => 3) as unknown as (x: Tensor) => Tensor)(tensor([1]))).toThrow(
      /^jacobian: the result of the function must be a tensor, .* got 3$/,
    );
  });

  it('values of variables that are gone', () => {
    const w = new Variable(tensor([1, 2]), { name: 'w' });
    const old = w.value.square().sum();
    for (let i = 0; i < 2; i++) commitUpdates(new Map([[w, w.value.mul(0.5)]]));
    expect(() => old.itemSync()).toThrow(
      /built on version 0 of 'w', which has since been updated to version 2.*Evaluate the tensor before the update/s,
    );
    const [g] = gradients(old, [w]);
    expect(() => g.dataSync()).toThrow(/version 0 of 'w'/);
  });

  it('writing into a shape', () => {
    const x = tensor([
      [1, 2],
      [3, 4],
    ]);
    const w = new Variable(x);
    const shapes = [
      x,
      x.add(1),
      x.sum(0),
      x.matmul(x),
      x.reshape([4]),
      zeros([2, 3]),
      normal([2]),
      w,
      placeholder([3]),
      tensor(1),
    ].map(({ shape }) => shape as number[]);
    for (const shape of shapes) {
      const before = [...shape];
      expect(() => shape.push(5)).toThrow(
        /shape.push: the shape \[.*\] of a tensor cannot be changed. Make another tensor with reshape.*\[...x.shape\].push/,
      );
      expect(() => shape.reverse()).toThrow(/shape.reverse/);
      expect(() => {
        shape[0] = 7;
      }).toThrow(TypeError);
      expect(() => {
        shape.length = 0;
        shape.length = 1;
      }).toThrow(TypeError);
      expect(shape).toEqual(before);
    }
    // Apart from that it is an array like any other.
    expect(structuredClone(x.shape)).toStrictEqual([2, 2]);
    expect([...x.shape, 1].sort()).toEqual([1, 2, 2]);
    expect(Object.keys(x.shape)).toEqual(['0', '1']);
  });

  it('writing into an array that gave a shape changes no tensor', async () => {
    const sizes = [2, 2];
    const data = tensor([1, 2, 3, 4]);
    const made = [
      tensor([1, 2, 3, 4], { shape: sizes }),
      data.reshape(sizes),
      tensor([1, 2]).broadcastTo(sizes),
      zeros(sizes),
      normal(sizes),
    ];
    sizes[0] = 9;
    for (const x of made) {
      expect(x.shape).toEqual([2, 2]);
      expect(await x.toArray()).toHaveLength(2);
    }
  });

  it('what is no tensor and what is no backend', () => {
    const w = new Variable(tensor([1]), { name: 'w' });
    expect(() => tensor([1]).add(w as unknown as Tensor)).toThrow(/got Variable 'w' .*variable.value/);
    expect(() => tensor([1]).add([1] as unknown as Tensor)).toThrow(/got an array; make one with tensor/);
    expect(() => use(Promise.resolve(reference()) as never)).toThrow(
      /got a promise; .*use\(await wasm\(\)\)/,
    );
    expect(() => use({} as never)).toThrow(/expected a backend, got object/);
    expect(() => use(undefined as never)).toThrow(/expected a backend, got undefined/);
  });

  it('feeds that are missing, unknown or of another shape', () => {
    const x = placeholder([null, 2], { name: 'x' });
    const graph = new Graph({ inputs: [x], outputs: { y: x.sum(1) } });
    expect(() => graph.run({})).toThrow(/placeholder 'x' was not fed; it needs \[any, 2\] float32/);
    expect(() => graph.run({ x: [[1, 2, 3]] })).toThrow(
      /placeholder 'x' needs \[any, 2\] float32, was fed \[1, 3\] float32/,
    );
    expect(() => graph.run({ x: [[1, 2]], z: 1 })).toThrow(/there is no input 'z'; the inputs are 'x'/);
    expect(() => x.sum().itemSync()).toThrow(/placeholder|'x'/);
    expect(() => new Graph({ inputs: [], outputs: { y: x.sum(1) } })).toThrow(/'x'/);
  });

  it('reading while a function is compiled', () => {
    const f = compile((x: Tensor) => (x.sum().itemSync() > 0 ? x : x.neg()));
    expect(() => f(tensor([1]))).toThrow(/read while the function was traced.*where\(condition, x, y\)/s);
  });

  it('tensors and variables of another copy of the library', () => {
    const x = tensor([1, 2]);
    expect(() => x.add(foreign)).toThrow(/two copies of @ag\/tensor are loaded/);
    expect(() => gradients(x.sum(), [foreign])).toThrow(/two copies of @ag\/tensor/);
    expect(() => gradients(x.sum(), [foreignVariable])).toThrow(/two copies of @ag\/tensor/);
    expect(() => backward(foreign)).toThrow(/two copies of @ag\/tensor/);
  });

  it('a loss that reaches no variable', () => {
    expect(() => backward(tensor([1]).sum())).toThrow(/depends on no trainable variable/);
    const frozen = new Variable(tensor([1]), { trainable: false, name: 'w' });
    expect(() => backward(frozen.value.square().sum())).toThrow(
      /all variables that the loss depends on are frozen: 'w'\. .*variable\.trainable = true/,
    );
  });
});

describe('several backends', () => {
  const initial = backend();
  afterEach(() => use(initial));

  it('may be used one after the other: values and variables follow', async () => {
    const w = new Variable(tensor([1, 2]), { name: 'w' });
    const kept = await w.value.mul(2).keep();
    const before = w.value.mul(10);
    const step = compile((x: Tensor) => x.add(w.value));
    expect(await step(kept).toArray()).toEqual([3, 6]);
    w.assign(tensor([3, 4]));
    use(reference());
    expect(await kept.add(w.value).toArray()).toEqual([5, 8]);
    expect(await step(kept).toArray()).toEqual([5, 8]);
    // Built on the version before the update, which is still good.
    expect(await before.toArray()).toEqual([10, 20]);
    w.assign(tensor([5, 6]));
    use(initial);
    expect(await step(kept).toArray()).toEqual([7, 10]);
  });

  it('that cannot be read at once are named, with the remedy', () => {
    use(Object.assign(reference(), { name: 'slow', readSync: undefined }) as unknown as Backend);
    const w = new Variable(tensor([1, 2]), { name: 'w' });
    const x = tensor([1, 2]).mul(2);
    evaluate([x, w.value.add(1)], { keep: true });
    use(initial);
    expect(() => x.add(1).dataSync()).toThrow(
      /computed on 'slow' and is used on 'reference'.*await moveTo\(backend, tensor\)/s,
    );
    expect(() => w.value.add(1).dataSync()).toThrow(
      /variable 'w' lies on 'slow'.*await moveTo\(backend, model/s,
    );
  });
});

describe('what is no mistake', () => {
  it('gives zeros for inputs that the result does not depend on', async () => {
    const [a, b, w] = [tensor([1, 2]), tensor([[3], [4]]), new Variable(tensor([5]))];
    const [, gb, gw] = gradients(a.square().sum(), [a, b, w]);
    expect(await gb.toArray()).toEqual([[0], [0]]);
    expect(await gw.toArray()).toEqual([0]);
    // Only by way of something without a gradient.
    const [g] = gradients(a.greater(1).cast('float32').sum(), [a]);
    expect(await g.toArray()).toEqual([0, 0]);
    expect(await jacobian((x: Tensor) => x.mul(0).add(1))(a).toArray()).toEqual([
      [0, 0],
      [0, 0],
    ]);
    expect(await jacobian(() => tensor([1, 2, 3]))(a).toArray()).toEqual([
      [0, 0],
      [0, 0],
      [0, 0],
    ]);
  });

  it('counts a tensor given twice twice', async () => {
    const x = tensor([1, 2]);
    const [first, second] = grad((a: Tensor, b: Tensor) => a.mul(b).mul(3).sum(), [0, 1])(x, x);
    expect(await first.toArray()).toEqual([3, 6]);
    expect(await second.toArray()).toEqual([3, 6]);
    const [g] = gradients(x.mul(x).sum(), [x, x]);
    expect(await g.toArray()).toEqual([2, 4]);
  });

  it('differentiates scalars of shape [1] and [1, 1]', async () => {
    const x = tensor([[3]]);
    expect(await gradients(x.square(), [x])[0].toArray()).toEqual([[6]]);
  });

  it('takes zero-size tensors', async () => {
    const x = tensor([], { shape: [0, 3] });
    expect(gradients(x.square().sum(), [x])[0].shape).toEqual([0, 3]);
    expect(jacobian((a: Tensor) => a.exp())(x).shape).toEqual([0, 3, 0, 3]);
  });
});
