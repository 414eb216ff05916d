/**
 * Convolution and pooling: values and first gradients against PyTorch, higher orders against central differences.
 *
 * The tables are the output of this program (PyTorch 2, float64; integers where all terms are):
 *
 * ```python
 * def seq(shape, a, m):  # whole numbers around 0
 *     return torch.tensor([(i * a + 3) % m - m // 2 for i in range(math.prod(shape))], dtype=torch.float64).reshape(shape)
 * xs, ws = seq(x, 7, 11).requires_grad_(), seq(w, 5, 7).requires_grad_()
 * y = F.conv2d(xs, ws, **options)          # conv1d, conv_transpose2d; max_pool2d(xs, window, **options), avg_pool2d
 * dx, dw = torch.autograd.grad(y, (xs, ws), seq(y.shape, 3, 5))
 * ```
 */
import {
  avgPool2d,
  conv1d,
  conv2d,
  convTranspose2d,
  evaluate,
  key,
  type Launch,
  maxPool2d,
  normal,
  type PerAxis,
  reference,
  type Tensor,
  tensor,
  use,
  Variable,
} from '@ag/tensor';
import { commitUpdates } from '@ag/tensor/engine';
import { seededRandom } from '@ag/tensor/testing';
import { describe, expect, it } from 'vitest';
import { checkGradients, Graph, grad, gradients, placeholder, vmap } from './index.ts';

function sequence(shape: readonly number[], factor: number, modulus: number): Tensor {
  const size = shape.reduce((product, n) => product * n, 1);
  const values = Float64Array.from(
    { length: size },
    (_, i) => ((i * factor + 3) % modulus) - Math.floor(modulus / 2),
  );
  return tensor(values, { shape });
}

const close = (actual: Tensor, expected: readonly number[]): void => {
  const found = actual.dataSync();
  expect(found.length).toBe(expected.length);
  expected.forEach((value, i) => {
    expect(found[i], `element ${i}`).toBeCloseTo(value, 5);
  });
};

interface ConvolutionCase {
  readonly of: typeof conv2d;
  readonly x: readonly number[];
  readonly w: readonly number[];
  readonly options: Parameters<typeof convTranspose2d>[2];
  readonly shape: readonly number[];
  readonly y: readonly number[];
  readonly dx: readonly number[];
  readonly dw: readonly number[];
}

// biome-ignore format: a table
const convolutions: readonly ConvolutionCase[] = [
  {
    of: conv2d, x: [1, 1, 3, 4], w: [1, 1, 2, 2], options: {}, shape: [1, 1, 2, 3],
    y: [2, -6, -3, -8, -5, -2],
    dx: [0, -2, 2, -4, 3, -2, 9, 0, 0, -6, 1, 1],
    dw: [-9, 9, 8, 4]
  },
  {
    of: conv2d, x: [2, 2, 3, 3], w: [2, 2, 2, 2], options: {padding: 1}, shape: [2, 2, 4, 4],
    y: [-2, -11, 20, -1, 16, -6, 16, -4, -13, -17, 16, -8, -4, -10, 14, 4, 12, -11, 8, 1, -23, 29, -7, 4, -3, -2, -5, 8, -4, 5, -17, 14, 3, 8, -16, -9, -4, 16, -6, 16, 0, 16, -6, 12, 4, -7, -16, -1, -3, 12, -2, -5, 9, -3, -6, 6, 7, -23, 29, -12, -1, 5, 5, -11],
    dx: [10, -6, 8, -9, 10, -6, -3, -9, 10, 10, -10, 5, -5, 10, -10, 0, -5, 10, 8, -3, -9, -6, 8, -3, 10, -6, 8, 5, 0, -5, -10, 5, 0, 10, -10, 5],
    dw: [20, -6, 1, 20, -41, 33, 20, -41, 1, 20, -3, 1, 20, -41, -14, 20]
  },
  {
    of: conv2d, x: [1, 1, 5, 6], w: [2, 1, 3, 2], options: {stride: [2, 3], padding: [1, 0]
  }, shape: [1, 2, 3, 2],
    y: [-6, -6, 10, 12, 2, 0, 12, 11, -11, -14, -5, -8],
    dx: [5, -2, 0, -7, 5, 0, -2, -6, 0, -1, 1, 0, 6, 2, 0, 4, -6, 0, 0, -2, 0, -4, 0, 0, -8, 1, 0, 5, -2, 0],
    dw: [-12, 6, 9, 5, 7, -1, 11, -3, -11, 4, -10, 5]
  },
  {
    of: conv2d, x: [1, 1, 5, 5], w: [1, 1, 2, 3], options: {dilation: 2, padding: [0, 1]
  }, shape: [1, 1, 3, 3],
    y: [-20, 16, 3, -4, -10, -1, -10, -25, -5],
    dx: [0, -2, 2, -1, -3, 0, 0, 4, -2, -6, -1, 3, -3, -8, 9, -2, 1, 2, -1, 6, 2, 1, -2, 3, -6],
    dw: [12, 3, -4, -24, 0, 3]
  },
  {
    of: conv2d, x: [1, 4, 3, 3], w: [2, 2, 2, 2], options: {groups: 2}, shape: [1, 2, 2, 2],
    y: [-6, 16, -17, 16, -3, -6, -23, 29],
    dx: [0, -2, 2, 3, -6, -1, 6, 2, 0, -1, -2, 3, 0, -8, 0, 4, 0, 0, 4, -8, 3, 0, -4, 5, -1, 3, -2, 6, -7, 2, 3, -4, 2, 0, 2, -4],
    dw: [-13, 12, -15, 10, 3, 6, 12, 4, -13, 9, -13, 20, -13, 20, 9, 9]
  },
  {
    of: conv2d, x: [1, 2, 2, 3], w: [1, 2, 1, 1], options: {stride: 2}, shape: [1, 1, 1, 2],
    y: [8, 2],
    dx: [0, 0, 0, 0, 0, 0, -2, 0, 2, 0, 0, 0],
    dw: [-3, -3]
  },
  {
    of: conv2d, x: [1, 1, 4, 4], w: [1, 1, 3, 3], options: {stride: 2, padding: 1, dilation: 1}, shape: [1, 1, 2, 2],
    y: [-13, 7, 6, 10],
    dx: [-1, -4, 1, 3, -4, 2, 0, 2, -2, -6, 0, 0, 0, -4, 0, 0],
    dw: [0, 8, 0, -5, -5, -2, 0, 18, -1]
  },
  {
    of: conv1d, x: [2, 2, 7], w: [2, 2, 3], options: {stride: 2, padding: 2}, shape: [2, 2, 5],
    y: [-15, 12, 17, -22, 1, 1, 7, -17, 14, -5, -15, -19, 30, -20, 0, 4, -7, 13, 11, -10],
    dx: [-1, 2, 3, -4, 2, 0, -4, -8, 0, 12, 0, -8, 0, -8, -1, 2, 3, -4, 2, 0, -4, -8, 0, 12, 0, -8, 0, -8],
    dw: [25, -23, 8, -7, 9, -5, 25, -23, 8, -7, 9, -5]
  },
  {
    of: convTranspose2d, x: [1, 2, 2, 2], w: [2, 1, 3, 3], options: {stride: 2, padding: 1, outputPadding: 1}, shape: [1, 1, 4, 4],
    y: [10, 11, -5, -15, 6, 34, 9, -22, -9, -15, 9, 9, -12, -18, 9, 9],
    dx: [0, -5, 13, 6, -3, 4, 3, 3],
    dw: [-3, 1, -5, 1, 5, 3, 5, 7, 5, 3, 5, 2, -6, 7, 1, 0, -22, 7]
  },
  {
    of: convTranspose2d, x: [1, 2, 2, 3], w: [2, 2, 2, 2], options: {}, shape: [1, 2, 3, 4],
    y: [8, -14, 1, -5, 0, 7, 6, -4, -14, 16, 0, 2, 14, -16, -7, -5, 14, 7, -6, -2, -6, 18, -4, 4],
    dx: [-7, 8, -2, -7, -7, 8, -18, 6, 5, 18, -18, 6],
    dw: [5, 5, 0, 5, 5, -15, 5, 5, 5, -1, 6, 5, 3, -13, -1, 3]
  },
  {
    of: convTranspose2d, x: [1, 4, 2, 2], w: [4, 1, 2, 2], options: {groups: 2, dilation: 2, stride: 2}, shape: [1, 2, 5, 5],
    y: [-4, 0, -8, 0, -10, 0, 0, 0, 0, 0, 6, 0, 20, 0, 2, 0, 0, 0, 0, 0, -5, 0, -2, 0, -3, -13, 0, 14, 0, -13, 0, 0, 0, 0, 0, 4, 0, -22, 0, 5, 0, 0, 0, 0, 0, 2, 0, 2, 0, -6],
    dx: [1, 8, 1, 8, -5, 8, -5, 8, 3, -6, 3, -6, -3, -6, -3, -6],
    dw: [3, -6, 3, -6, 6, -6, 6, -6, -13, 16, -13, 16, 12, -6, 12, -6]
  },
];

interface PoolCase {
  readonly of: typeof avgPool2d;
  readonly x: readonly number[];
  readonly window: PerAxis;
  readonly options: Parameters<typeof avgPool2d>[2];
  readonly shape: readonly number[];
  readonly y: readonly number[];
  readonly dx: readonly number[];
}

// biome-ignore format: a table
const pools: readonly PoolCase[] = [
  {
    of: maxPool2d, x: [1, 2, 4, 4], window: 2, options: {}, shape: [1, 2, 2, 2],
    y: [5, 3, 5, 4, 2, 5, 3, 4],
    dx: [0, 1, 0, 0, 0, 0, 0, -1, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, -2, 0, 1, 0, 0, 2, 0, 0, -1, 0, 0]
  },
  {
    of: maxPool2d, x: [1, 1, 5, 5], window: 3, options: {stride: 2, padding: 1}, shape: [1, 1, 3, 3],
    y: [5, 5, 4, 4, 5, 3, 4, 5, 5],
    dx: [0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, -2, 0, 0, -1, 0, 0, 1, 0, 0, 0, 0, 2, 0]
  },
  {
    of: maxPool2d, x: [1, 1, 5, 6], window: 2, options: {stride: 1}, shape: [1, 1, 4, 5],
    y: [5, 5, 1, 4, 4, 5, 3, 4, 4, 2, 5, 1, 4, 4, 5, 3, 4, 4, 2, 5],
    dx: [0, 0, 2, 0, -2, 0, 0, -1, 0, 0, -2, 0, 2, -1, 0, 4, 0, 0, 1, 0, 0, 0, 0, -4, 0, 0, 1, 0, 0, 0]
  },
  {
    of: maxPool2d, x: [1, 1, 6, 5], window: [2, 3], options: {stride: [3, 1], dilation: [2, 1]
  }, shape: [1, 1, 2, 3],
    y: [5, 5, 5, 4, 4, 3],
    dx: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, -2, 0, 0, 0]
  },
  {
    of: avgPool2d, x: [1, 2, 4, 4], window: 2, options: {}, shape: [1, 2, 2, 2],
    y: [1.75, -0.75, 0, 0.25, -1.75, 1.25, -0.75, -0.5],
    dx: [0.25, 0.25, -0.25, -0.25, 0.25, 0.25, -0.25, -0.25, 0.5, 0.5, 0, 0, 0.5, 0.5, 0, 0, -0.5, -0.5, 0.25, 0.25, -0.5, -0.5, 0.25, 0.25, -0.25, -0.25, 0.5, 0.5, -0.25, -0.25, 0.5, 0.5]
  },
  {
    of: avgPool2d, x: [1, 1, 5, 5], window: 3, options: {stride: 2, padding: 1}, shape: [1, 1, 3, 3],
    y: [-0.111111, 0.111111, -0.555556, 0, 0.111111, -0.666667, 0.111111, 0.444444, 0.888889],
    dx: [0.111111, 0, -0.111111, 0.111111, 0.222222, 0.111111, -0.222222, -0.333333, 0, 0.333333, 0, -0.222222, -0.222222, -0.111111, 0.111111, -0.111111, -0.111111, 0, 0.111111, 0.111111, -0.111111, 0.111111, 0.222222, 0.222222, 0]
  },
  {
    of: avgPool2d, x: [1, 1, 5, 5], window: 3, options: {stride: 2, padding: 1, countPadding: false}, shape: [1, 1, 3, 3],
    y: [-0.25, 0.166667, -1.25, 0, 0.111111, -1, 0.25, 0.666667, 2],
    dx: [0.25, 0.083333, -0.166667, 0.333333, 0.5, 0.25, -0.138889, -0.388889, 0.277778, 0.666667, 0, -0.222222, -0.222222, -0.055556, 0.166667, -0.25, -0.138889, 0.111111, 0.277778, 0.166667, -0.25, 0.083333, 0.333333, 0.333333, 0]
  },
  {
    of: avgPool2d, x: [1, 1, 5, 3], window: 2, options: {stride: 1}, shape: [1, 1, 4, 2],
    y: [1, 2.5, 0, 1.5, -1, 0.5, 0.75, -0.5],
    dx: [0.25, 0, -0.25, 0.75, 0.5, -0.25, 0, 0.25, 0.25, -0.75, 0, 0.75, -0.25, 0.25, 0.5]
  },
];

describe('convolution against PyTorch', () => {
  for (const { of, x, w, options, shape, y, dx, dw } of convolutions) {
    it(`${of.name} of ${x.join('×')} with ${w.join('×')} ${JSON.stringify(options)}`, () => {
      const xs = sequence(x, 7, 11);
      const ws = sequence(w, 5, 7);
      const result = of(xs, ws, options);
      expect(result.shape).toEqual(shape);
      close(result, y);
      const [gx, gw] = gradients(result, [xs, ws], sequence(shape, 3, 5));
      close(gx, dx);
      close(gw, dw);
    });
  }
});

describe('pooling against PyTorch', () => {
  for (const { of, x, window, options, shape, y, dx } of pools) {
    it(`${of.name} of ${x.join('×')}, window ${JSON.stringify(window)} ${JSON.stringify(options)}`, () => {
      const xs = sequence(x, 7, 11);
      const result = of(xs, window, options);
      expect(result.shape).toEqual(shape);
      close(result, y);
      close(gradients(result, [xs], sequence(shape, 3, 5))[0], dx);
    });
  }
});

const sample = (shape: readonly number[], seed: number): Tensor =>
  normal(shape, { key: key(seed), dtype: 'float64' });

describe('convolutions of random geometry', () => {
  it('agree with the definition in plain loops, gradients too', () => {
    const draw = seededRandom(11);
    const pickFrom = (low: number, high: number): number => low + Math.floor(draw() * (high - low + 1));
    for (let round = 0; round < (process.env.AG_TEST === 'full' ? 2000 : 60); round++) {
      const groups = pickFrom(1, 2);
      const [n, c, m] = [pickFrom(1, 2), groups * pickFrom(1, 2), groups * pickFrom(1, 3)];
      const k = [pickFrom(1, 3), pickFrom(1, 3)];
      const stride = [pickFrom(1, 3), pickFrom(1, 3)];
      const dilation = [pickFrom(1, 2), pickFrom(1, 2)];
      const padding = [0, 1].map((): [number, number] => [pickFrom(0, 2), pickFrom(0, 2)]);
      const size = [0, 1].map(
        (i) => Math.max(1, dilation[i] * (k[i] - 1) + 1 - padding[i][0] - padding[i][1]) + pickFrom(0, 4),
      );
      const x = sequence([n, c, ...size], 7, 11);
      const w = sequence([m, c / groups, ...k], 5, 7);
      const y = conv2d(x, w, { stride, dilation, padding, groups });
      const [, , rows, columns] = y.shape as [number, number, number, number];
      const g = sequence(y.shape, 3, 5);
      const [xs, ws, gs] = [x, w, g].map((t) => t.dataSync()) as [Float64Array, Float64Array, Float64Array];
      const [ys, dx, dw] = [y, x, w].map((t) => new Float64Array(t.size)) as [
        Float64Array,
        Float64Array,
        Float64Array,
      ];
      const [perIn, perOut] = [c / groups, m / groups];
      for (let b = 0; b < n; b++)
        for (let o = 0; o < m; o++)
          for (let r = 0; r < rows; r++)
            for (let q = 0; q < columns; q++)
              for (let i = 0; i < perIn; i++)
                for (let u = 0; u < k[0]; u++)
                  for (let v = 0; v < k[1]; v++) {
                    const row = r * stride[0] + u * dilation[0] - padding[0][0];
                    const column = q * stride[1] + v * dilation[1] - padding[1][0];
                    if (row < 0 || row >= size[0] || column < 0 || column >= size[1]) continue;
                    const channel = Math.floor(o / perOut) * perIn + i;
                    const atX = ((b * c + channel) * size[0] + row) * size[1] + column;
                    const atW = ((o * perIn + i) * k[0] + u) * k[1] + v;
                    const atY = ((b * m + o) * rows + r) * columns + q;
                    ys[atY] = ys[atY] + xs[atX] * ws[atW];
                    dx[atX] = dx[atX] + gs[atY] * ws[atW];
                    dw[atW] = dw[atW] + gs[atY] * xs[atX];
                  }
      const [gx, gw] = gradients(y, [x, w], g);
      const what = JSON.stringify({ x: x.shape, w: w.shape, stride, dilation, padding, groups });
      // Whole numbers: the sums are exact.
      expect([...y.dataSync()], what).toEqual([...ys]);
      expect([...gx.dataSync()], what).toEqual([...dx]);
      expect([...gw.dataSync()], what).toEqual([...dw]);
    }
  }, 120_000);
});

describe('higher orders against central differences', () => {
  const cases: [string, (x: readonly Tensor[]) => Tensor, readonly Tensor[], number][] = [
    [
      'conv2d, padded',
      ([x, w]) =>
        conv2d(x, w, {
          padding: [
            [1, 0],
            [0, 2],
          ],
        }).tanh(),
      [sample([2, 2, 3, 3], 1), sample([2, 2, 2, 2], 2)],
      3,
    ],
    [
      'conv2d, strided, dilated, grouped',
      ([x, w]) => conv2d(x, w, { stride: [2, 1], dilation: [1, 2], padding: 1, groups: 2 }).square(),
      [sample([1, 2, 4, 4], 1), sample([2, 1, 2, 2], 2)],
      2,
    ],
    [
      'conv2d of one tensor with itself',
      ([x]) => conv2d(x, x, { padding: 'same' }),
      [sample([2, 2, 2, 2], 1)],
      2,
    ],
    [
      'conv1d',
      ([x, w]) => conv1d(x, w, { stride: 2, padding: 'same' }).sin(),
      [sample([1, 2, 5], 1), sample([1, 2, 3], 2)],
      2,
    ],
    [
      'convTranspose2d',
      ([x, w]) => convTranspose2d(x, w, { stride: 2, padding: 1, outputPadding: 1 }).square(),
      [sample([1, 2, 2, 2], 1), sample([2, 1, 3, 3], 2)],
      2,
    ],
    ['maxPool2d, windows side by side', ([x]) => maxPool2d(x, 2).square(), [sample([1, 2, 4, 4], 3)], 2],
    [
      'maxPool2d, windows that overlap',
      ([x]) => maxPool2d(x, 3, { stride: 2, padding: 1 }).square(),
      [sample([1, 2, 5, 5], 3)],
      2,
    ],
    ['avgPool2d, windows side by side', ([x]) => avgPool2d(x, 2).square(), [sample([1, 2, 4, 4], 3)], 2],
    [
      'avgPool2d, windows that overlap',
      ([x]) => avgPool2d(x, 3, { stride: 2, padding: 1, countPadding: false }).square(),
      [sample([1, 1, 5, 5], 3)],
      2,
    ],
  ];
  for (const [name, f, x, order] of cases) {
    it(name, () => {
      expect(checkGradients(f, x, { order }).order).toBe(order);
    });
  }

  it('gives the gradient of a tie to the first element of the window', () => {
    const x = tensor([
      [
        [
          [1, 1, 2],
          [1, 1, 2],
          [0, 2, 2],
        ],
      ],
    ]);
    const once = gradients(maxPool2d(x.slice(0, 2, { axis: 2 }).slice(0, 2, { axis: 3 }), 2).sum(), [x])[0];
    expect([...once.dataSync()]).toEqual([1, 0, 0, 0, 0, 0, 0, 0, 0]);
    const overlapping = gradients(maxPool2d(x, 2, { stride: 1 }).sum(), [x])[0];
    // Windows in order take (0,0), (0,2), (2,1) and (1,2).
    expect([...overlapping.dataSync()]).toEqual([1, 0, 1, 0, 0, 1, 0, 1, 0]);
  });
});

describe('together with', () => {
  const x = sample([2, 2, 5, 5], 1);
  const w = sample([4, 1, 3, 3], 2);
  const f = (a: Tensor, b: Tensor): Tensor =>
    maxPool2d(
      conv2d(a, b, { stride: 2, padding: 1, groups: 2 }).add(
        avgPool2d(a, 3, { stride: 2, padding: 1 }).sum(1, { keepDims: true }),
      ),
      2,
      { stride: 1 },
    );

  it('vmap: each example as it is alone, gradients too', () => {
    const examples = sample([3, 2, 2, 5, 5], 3);
    const together = vmap((one: Tensor) => f(one, w))(examples);
    const slopes = vmap((one: Tensor) => grad((b: Tensor) => f(one, b).square().sum())(w))(examples);
    for (let i = 0; i < 3; i++) {
      const one = examples.index(i);
      close(together.index(i), [...f(one, w).dataSync()]);
      close(slopes.index(i), [...grad((b: Tensor) => f(one, b).square().sum())(w).dataSync()]);
    }
  });

  it('a placeholder whose batch is open', async () => {
    const input = placeholder([null, 2, 5, 5], { name: 'input', dtype: 'float64' });
    const graph = new Graph({
      inputs: [input],
      outputs: { y: f(input, w), slope: gradients(f(input, w).sum(), [w])[0] },
    });
    for (const size of [2, 1]) {
      const fed = x.slice(0, size);
      const { y, slope } = await graph.run({ input: fed });
      close(y, [...f(fed, w).dataSync()]);
      close(slope, [...gradients(f(fed, w).sum(), [w])[0].dataSync()]);
    }
  });
});

describe('the plan of a training step', () => {
  it('has nothing but padding besides the work itself', () => {
    const device = reference();
    const prepare = device.prepare.bind(device);
    let launches: readonly Launch[] = [];
    device.prepare = (program) => {
      // Starting values are made by small plans of their own.
      if (program.launches.length > launches.length) launches = program.launches;
      return prepare(program);
    };
    use(device);
    try {
      const w = new Variable(normal([16, 8, 3, 3], { key: key(1) }), { name: 'w' });
      const b = new Variable(normal([16, 1, 1], { key: key(2) }), { name: 'b' });
      const inner = new Variable(normal([8, 1, 3, 3], { key: key(3) }), { name: 'inner' });
      const x = tensor(new Float32Array(2 * 64), { shape: [2, 1, 8, 8] });
      evaluate([w.value, b.value, inner.value]);
      const hidden = conv2d(x, inner.value, { padding: 1 });
      const y = maxPool2d(conv2d(hidden, w.value, { padding: 1 }).add(b.value).relu(), 2);
      const parameters = [inner, w, b];
      const slopes = gradients(y.square().sum(), parameters);
      commitUpdates(new Map(parameters.map((v, i) => [v, v.value.sub(slopes[i].mul(0.1))])));
      const count = (form: string): number => launches.filter(({ kernel }) => kernel.form === form).length;
      // Contractions: two forward, two for weights, one for the inner activation; none for the gradient at x.
      expect(count('contract')).toBe(5);
      // Reductions: largest of each window, its position, the bias's gradient.
      expect(count('reduce')).toBe(3);
      // Each of the three padded tensors is filled and written; one more kernel brings the gradient to the pooled rows.
      expect(launches.filter(({ label }) => label.includes('place'))).toHaveLength(6);
      expect(count('map')).toBe(7);
      expect(launches).toHaveLength(15);
    } finally {
      use(reference());
    }
  });
});
