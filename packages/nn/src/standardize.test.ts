/** Normalization beside its formula, to the second derivative, and under vmap. */
import { gradients, vmap } from '@ag/graph';
import { manualSeed, normal, stack, type Tensor, tensor } from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import { batchNorm1d, groupNorm, layerNorm } from './norm.ts';

const float64 = { dtype: 'float64' } as const;
const drawn = (shape: number[]): Tensor => tensor(normal(shape, float64).dataSync(), { shape, ...float64 });

/** The shape of an example, the layer, and its input as the formula wants it with the axes of its mean. */
const cases = [
  [
    'batchNorm1d',
    batchNorm1d(4, { trackStatistics: false, ...float64 }),
    [3, 4, 5],
    [3, 4, 5],
    [0, 2],
    [4, 1],
  ],
  ['groupNorm', groupNorm(2, 6, float64), [3, 6, 5], [3, 2, 3, 5], [2, 3], [2, 3, 1]],
  [
    'groupNorm of one channel each',
    groupNorm(3, 3, float64),
    [2, 3, 4, 2],
    [2, 3, 1, 4, 2],
    [2, 3, 4],
    [3, 1, 1, 1],
  ],
  ['layerNorm', layerNorm(4, float64), [2, 3, 4], [2, 3, 4], [2], [4]],
] as const;

describe.each(cases)('%s', (_name, layer, shape, grouped, axes, parameters) => {
  manualSeed(3);
  const [weight, bias] = [layer.weight!, layer.bias!];
  weight.assign(drawn([...weight.value.shape]));
  bias.assign(drawn([...bias.value.shape]));
  const x = drawn([...shape]);

  const formula = (given: Tensor): Tensor => {
    const own = given.reshape([...grouped]);
    const centered = own.sub(own.mean(axes, { keepDims: true }));
    const variance = centered.square().mean(axes, { keepDims: true });
    return centered
      .div(variance.add(1e-5).sqrt())
      .mul(weight.value.reshape([...parameters]))
      .add(bias.value.reshape([...parameters]))
      .reshape([...shape]);
  };
  const same = (a: Tensor, b: Tensor): void => {
    expect(a.shape).toEqual(b.shape);
    expect(a.sub(b).abs().max().itemSync()).toBeLessThan(1e-10);
  };

  it('is its formula, with first and second derivatives', () => {
    const [a, b] = [(t: Tensor) => layer.forward(t), formula].map((f) => {
      const y = f(x);
      const first = gradients(y.sin().sum(), [x, weight, bias]);
      const total = first.map((g) => g.square().sum()).reduce((sum, one) => sum.add(one));
      return [y, ...first, ...gradients(total, [x, weight, bias])];
    }) as [Tensor[], Tensor[]];
    a.forEach((found, i) => same(found, b[i]));
  });

  it('has the same gradients under vmap', () => {
    const many = drawn([2, ...shape]);
    const mapped = vmap((one: Tensor) => layer.forward(one))(many) as Tensor;
    const single = stack([0, 1].map((i) => layer.forward(many.slice(i, i + 1).squeeze(0))));
    const [a, b] = [mapped, single].map((y) => [y, ...gradients(y.sin().sum(), [many, weight, bias])]) as [
      Tensor[],
      Tensor[],
    ];
    a.forEach((found, i) => same(found, b[i]));
  });
});
