/** Snippets of tensors. */
import { type Group, snippet } from './snippet.ts';

export const tensors: Group = {
  title: { en: 'Tensors', zh: '张量' },
  snippets: [
    snippet(
      'shapes',
      'Shapes and axes',
      '形状与轴',
      `
import { arange } from '@ag/tensor';

const x = arange(12).reshape([3, 4]);
x;
x.transpose();
x.sum(0); // down the columns
x.mean(1, { keepDims: true });
x.index(':', { start: 1 }); // the second column on
`,
    ),
    snippet(
      'broadcasting',
      'Broadcasting',
      '广播',
      `
import { tensor } from '@ag/tensor';

const column = tensor([[0], [10], [20]]); // [3, 1]
const row = tensor([1, 2, 3, 4]); //            [4]
column.add(row); // [3, 4]: a table of sums
`,
    ),
    snippet(
      'multiplication-table',
      'A multiplication table',
      '乘法表',
      `
import { arange, outer } from '@ag/tensor';

const n = arange(1, 10);
outer(n, n);
`,
    ),
    snippet(
      'einsum',
      'Sums by names of axes',
      'einsum',
      `
import { einsum, tensor } from '@ag/tensor';

const a = tensor([[1, 2], [3, 4]]);
const b = tensor([[5, 6], [7, 8]]);
einsum('ik,kj->ij', a, b); // a product of matrices
einsum('ii->', a); //         the trace
einsum('ij,ij->i', a, b); //  scalar products of rows
`,
    ),
    snippet(
      'masks',
      'Choosing by a condition',
      '按条件选择',
      `
import { linspace, where } from '@ag/tensor';

const x = linspace(-3, 3, 61);
where(x.greater(0), x, x.mul(0.1)); // leaky relu by hand
x.abs().less(1).cast('float32');
`,
    ),
    snippet(
      'game-of-life',
      'Game of life by a convolution',
      '用卷积玩生命游戏',
      `
import { bernoulli, conv2d, logicalAnd, logicalOr, manualSeed, ones } from '@ag/tensor';

manualSeed(3);
let world = bernoulli([1, 1, 40, 40], 0.35).cast('float32');
const around = ones([1, 1, 3, 3]);
for (let step = 0; step < 20; step++) {
  const neighbors = conv2d(world, around, { padding: 1 }).sub(world);
  const born = neighbors.equal(3);
  const stays = logicalAnd(neighbors.equal(2), world.greater(0));
  world = logicalOr(born, stays).cast('float32');
}
world;
`,
    ),
    snippet(
      'solve',
      'Linear equations',
      '线性方程组',
      `
import { inverse, matmul, solve, tensor } from '@ag/tensor';

const a = tensor([[3, 1], [1, 2]], { dtype: 'float64' });
const b = tensor([[9], [8]], { dtype: 'float64' });
solve(a, b); // x = 2, y = 3
matmul(inverse(a), a);
`,
    ),
    snippet(
      'svd',
      'A picture from few numbers',
      '用少量数字近似图像',
      `
import { digits } from '@ag/datasets';
import { matmul, svd } from '@ag/tensor';

const { x } = await digits({ count: 1, size: 28 }).batch([0]);
const picture = x.reshape([28, 28]);
const { u, s, vt } = svd(picture);
show(picture);
for (const rank of [1, 3, 6]) {
  const few = { end: rank };
  show(matmul(u.index(':', few).mul(s.index(few)), vt.index(few)));
}
`,
    ),
    snippet(
      'random-walks',
      'Random walks',
      '随机游走',
      `
import { manualSeed, normal } from '@ag/tensor';
import { lineChart } from '@ag/viz';

manualSeed(1);
const walks = normal([6, 300]).cumsum(1);
const paths = (await walks.toArray()) as number[][];
lineChart(paths.map((y, i) => ({ name: \`walk \${i + 1}\`, y })), { title: 'Six random walks' });
walks.index(':', -1).std(); // about √300
`,
    ),
    snippet(
      'spectrum',
      'The spectrum of a sound',
      '声音的频谱',
      `
import { arange, rfft } from '@ag/tensor';
import { lineChart } from '@ag/viz';

const t = arange(256).div(256);
const sound = t.mul(2 * Math.PI * 12).sin().add(t.mul(2 * Math.PI * 40).sin().mul(0.5));
const parts = rfft(sound); // real and imaginary parts along the last axis
const size = parts.square().sum(-1).sqrt();
lineChart([{ name: 'amplitude', y: await size.data() }], { xLabel: 'frequency' });
`,
    ),
  ],
};
