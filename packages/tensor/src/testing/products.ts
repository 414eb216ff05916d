/**
 * Products, convolution and pooling: sums of products over shared axes, and windows.
 */
import { avgPool2d, conv1d, conv2d, convTranspose2d, einsum, maxPool2d, outer, tensordot } from '../index.ts';
import { convention, type GradientCase, gradientCase } from './gradientCase.ts';
import { row, type StructuralRow, sumOver } from './structural.ts';

export const productRows: readonly StructuralRow[] = [
  row('matmul', 'matrices', [[5, 7], [7, 3]], (x, y) => x.matmul(y), [5, 3], ([i, j], x, y) => sumOver(7, (k) => x(i, k) * y(k, j)), { order: 3 }),
  row('matmul', 'batches', [[2, 3, 4], [2, 4, 5]], (x, y) => x.matmul(y), [2, 3, 5], ([b, i, j], x, y) => sumOver(4, (k) => x(b, i, k) * y(b, k, j))),
  row('matmul', 'batches, broadcast', [[2, 1, 3, 4], [3, 4, 2]], (x, y) => x.matmul(y), [2, 3, 3, 2], ([a, b, i, j], x, y) => sumOver(4, (k) => x(a, 0, i, k) * y(b, k, j))),
  row('matmul', 'vector and matrix', [[4], [4, 3]], (x, y) => x.matmul(y), [3], ([j], x, y) => sumOver(4, (k) => x(k) * y(k, j))),
  row('matmul', 'zero-size', [[2, 0], [0, 3]], (x, y) => x.matmul(y), [2, 3], () => 0),
  row('dot', 'elements of vectors', [[5], [5]], (x, y) => x.dot(y), [], (_, x, y) => sumOver(5, (k) => x(k) * y(k)), { dtypes: ['float32', 'float64', 'int32'] }),
  row(
    'matmul', 'bias and activation', [[6, 5], [5, 4], [4]], (x, w, b) => x.matmul(w).add(b).relu(),
    [6, 4], ([i, j], x, w, b) => Math.max(0, sumOver(5, (k) => x(i, k) * w(k, j)) + b(j)), { dtypes: ['float32', 'float64', 'int32'] },
  ),
  // Its gradient is no other than that of a small one.
  row('matmul', 'larger than a tile', [[70, 33], [33, 65]], (x, y) => x.matmul(y), [70, 65], ([i, j], x, y) => sumOver(33, (k) => x(i, k) * y(k, j)), { order: 0, dtypes: ['float64', 'int32'] }),
]; // biome-ignore format: a table

/** What no row says. */
export const furtherProductCases: readonly GradientCase[] = [
  gradientCase(
    'matmul',
    'nonlinear around',
    (a, b) => a.matmul(b).tanh(),
    [
      [2, 3],
      [3, 2],
    ],
    3,
  ),
  gradientCase(
    'matmul',
    'shared right factor',
    (a, b) => a.matmul(b).sin(),
    [
      [2, 3, 3],
      [3, 2],
    ],
    2,
  ),
  gradientCase('matmul', 'vectors', (a, b) => a.matmul(b).add(b.matmul(a).square()), [[3], [3]], 2),
  gradientCase(
    'matmul',
    'transposed operands',
    (a, b) => a.transpose().matmul(b.transpose()).square(),
    [
      [3, 2],
      [2, 3],
    ],
    2,
  ),
  gradientCase('matmul', 'repeated input', (a) => a.matmul(a).matmul(a.transpose()), [[2, 2]], 3),
  gradientCase('dot', 'vectors', (a, b) => a.dot(b), [[3], [3]], 3),
  gradientCase('outer', 'vectors', (a, b) => outer(a, b).square(), [[2], [3]], 2),
  gradientCase(
    'einsum',
    'attention',
    (q, k) => einsum('bqhd,bkhd->bhqk', q, k),
    [
      [1, 2, 2, 2],
      [1, 3, 2, 2],
    ],
    3,
  ),
  gradientCase('einsum', 'three operands', (x, a, y) => einsum('i,ij,j', x, a, y), [[2], [2, 3], [3]], 3),
  gradientCase(
    'einsum',
    'diagonal and ellipsis',
    (a, b) => einsum('...ii,...j->...ij', a, b).square(),
    [
      [2, 3, 3],
      [2, 2],
    ],
    2,
  ),
  gradientCase('einsum', 'repeated input', (a) => einsum('ij,jk,kl->il', a, a, a), [[2, 2]], 3),
  gradientCase(
    'tensordot',
    'two axes',
    (a, b) => tensordot(a, b, 2),
    [
      [2, 3, 2],
      [3, 2, 2],
    ],
    3,
  ),
  gradientCase(
    'conv1d',
    'stride, dilation, padding',
    (x, w) => conv1d(x, w, { stride: 2, dilation: 2, padding: 2 }),
    [
      [1, 2, 7],
      [2, 2, 3],
    ],
    3,
  ),
  gradientCase(
    'conv2d',
    'valid',
    (x, w) => conv2d(x, w),
    [
      [1, 2, 4, 4],
      [2, 2, 3, 3],
    ],
    3,
  ),
  gradientCase(
    'conv2d',
    'same, nonlinear around',
    (x, w) => conv2d(x, w, { padding: 'same' }).tanh(),
    [
      [1, 1, 3, 3],
      [2, 1, 2, 2],
    ],
    2,
  ),
  gradientCase(
    'conv2d',
    'groups, stride',
    (x, w) => conv2d(x, w, { groups: 2, stride: 2, padding: 1 }).square(),
    [
      [2, 2, 4, 3],
      [2, 1, 2, 2],
    ],
    2,
  ),
  gradientCase(
    'convTranspose2d',
    'stride',
    (x, w) => convTranspose2d(x, w, { stride: 2, padding: 1 }).square(),
    [
      [1, 2, 2, 3],
      [2, 1, 3, 3],
    ],
    2,
  ),
  gradientCase('maxPool2d', 'windows side by side', (x) => maxPool2d(x, 2).square(), [[1, 2, 4, 4]], 2),
  gradientCase(
    'maxPool2d',
    'overlapping, padded',
    (x) => maxPool2d(x, 3, { stride: 2, padding: 1 }).square(),
    [[1, 1, 5, 4]],
    2,
  ),
  gradientCase('avgPool2d', 'windows side by side', (x) => avgPool2d(x, 2).square(), [[1, 1, 4, 4]], 2),
  gradientCase(
    'avgPool2d',
    'overlapping, padded',
    (x) => avgPool2d(x, 3, { stride: 2, padding: 1 }).square(),
    [[1, 1, 5, 4]],
    2,
  ),

  convention(
    'maxPool2d',
    'tie: the first of the window',
    (x) => maxPool2d(x, 2),
    [
      [
        [
          [
            [1, 1],
            [1, 1],
          ],
        ],
      ],
    ],
    [[1, 0, 0, 0]],
  ),
];
