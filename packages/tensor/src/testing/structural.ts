/**
 * Gradient cases of operations on whole tensors: reductions, movement, indexing, products, convolution.
 */
import {
  avgPool2d,
  cholesky,
  chunk,
  concat,
  conv1d,
  conv2d,
  convTranspose2d,
  cumprod,
  cumsum,
  det,
  diag,
  diagonal,
  einsum,
  expand,
  gather,
  indexSelect,
  inverse,
  logdet,
  maxPool2d,
  outer,
  pad,
  qr,
  repeat,
  roll,
  scatterAdd,
  slogdet,
  solve,
  solveTriangular,
  sort,
  split,
  stack,
  svd,
  type Tensor,
  take,
  tensor,
  tensordot,
  tile,
  topK,
  trace,
  tril,
  triu,
} from '../index.ts';
import { convention, type GradientCase, gradientCase, numbers, positions } from './gradientCase.ts';

const withZero = (): ReturnType<typeof numbers> =>
  numbers([
    [1, 0, 3],
    [2, 4, 5],
    [0, 0, 2],
  ]);

export const reductionCases: readonly GradientCase[] = [
  gradientCase('sum', 'all', (x) => x.square().sum(), [[2, 3]], 3),
  gradientCase('sum', 'axes', (x) => x.sum([0, 2]).square(), [[2, 3, 2]], 3),
  gradientCase('sum', 'kept axis', (x) => x.sum(-1, { keepDims: true }).mul(x), [[2, 3]], 2),
  gradientCase('sum', 'no axes', (x) => x.sum([]).square(), [[2, 3]], 2),
  gradientCase('sum', 'zero-size', (x) => x.sum(0).add(x.sum()), [[0, 3]], 2),
  gradientCase('sum', 'scalar', (x) => x.sum().square(), [[]], 2),
  gradientCase('mean', 'all', (x) => x.mean().square(), [[2, 3]], 3),
  gradientCase('mean', 'axes', (x) => x.mean([0, 2]).square(), [[2, 3, 2]], 2),
  gradientCase('mean', 'kept axis', (x) => x.sub(x.mean(0, { keepDims: true })).square(), [[3, 2]], 2),
  gradientCase('mean', 'zero-size beside', (x) => x.mean(1), [[0, 3]], 2),
  gradientCase('prod', 'axis', (x) => x.prod(1), [[2, 3]], 3),
  gradientCase('prod', 'all, repeated', (x) => x.prod().mul(x), [[4]], 2),
  gradientCase('prod', 'zeros', (x) => x.prod(1), [withZero()], 3),
  gradientCase('prod', 'several axes', (x) => x.prod([0, 2]), [[2, 2, 2]], 2),
  gradientCase('prod', 'zero-size', (x) => x.prod(0), [[0, 3]], 2),
  gradientCase('max', 'axis', (x) => x.max(1).square(), [[3, 4]], 2),
  gradientCase('max', 'all', (x) => x.max().square(), [[3, 4]], 2),
  gradientCase('min', 'kept axis', (x) => x.min(0, { keepDims: true }).mul(x), [[3, 4]], 2),
  gradientCase('variance', 'axis', (x) => x.variance(1), [[2, 4]], 2),
  gradientCase('variance', 'with correction', (x) => x.variance(undefined, { correction: 1 }), [[2, 3]], 2),
  gradientCase('std', 'axis', (x) => x.std(0), [[4, 2]], 2),
  gradientCase('norm', 'all', (x) => x.norm(), [[2, 3]], 2),
  gradientCase('norm', 'axis', (x) => x.norm(1), [[2, 3]], 2),
  gradientCase('logSumExp', 'axis', (x) => x.logSumExp(0), [[3, 2]], 3),
  gradientCase('logSumExp', 'all', (x) => x.logSumExp(), [[2, 3]], 3),
  gradientCase('logSumExp', 'far out', (x) => x.logSumExp(), [numbers([1000, 1001, -1000])], 2),
  gradientCase('softmax', 'last axis', (x) => x.softmax(), [[2, 4]], 3),
  gradientCase('softmax', 'first axis', (x) => x.softmax(0), [[3, 2]], 3),
  gradientCase('softmax', 'one class', (x) => x.softmax(), [[3, 1]], 2),
  gradientCase('logSoftmax', 'last axis', (x) => x.logSoftmax(), [[2, 4]], 3),
  gradientCase('cumsum', 'first axis', (x) => cumsum(x, 0).square(), [[4, 2]], 3),
  gradientCase('cumsum', 'reverse', (x) => cumsum(x, -1, { reverse: true }).square(), [[2, 4]], 2),
  gradientCase('cumprod', 'last axis', (x) => cumprod(x), [[2, 4]], 3),
  gradientCase('cumprod', 'zeros', (x) => cumprod(x, 1), [withZero()], 2),
  gradientCase('cumprod', 'reverse, first axis', (x) => cumprod(x, 0, { reverse: true }), [[3, 2]], 2),

  convention('max', 'tie', (x) => x.max(), [[2, 2, 1]], [[0.5, 0.5, 0]]),
  convention('min', 'tie', (x) => x.min(1), [[[1, 1, 2, 1]]], [[1 / 3, 1 / 3, 0, 1 / 3]]),
  convention('norm', 'at 0', (x) => x.norm(), [[0, 0]], [[0, 0]]),
  convention('std', 'of equal numbers', (x) => x.std(), [[2, 2, 2]], [[0, 0, 0]]),
];

export const movementCases: readonly GradientCase[] = [
  gradientCase('reshape', 'with −1', (x) => x.reshape([3, -1]).square(), [[2, 3, 2]], 3),
  gradientCase('reshape', 'after a permutation', (x) => x.permute([1, 0]).reshape([6]).square(), [[2, 3]], 2),
  gradientCase('reshape', 'zero-size', (x) => x.reshape([3, 0]).exp(), [[0, 5]], 2),
  gradientCase('flatten', 'inner axes', (x) => x.flatten(1).square(), [[2, 2, 2]], 2),
  gradientCase('squeeze', 'axis', (x) => x.squeeze(1).square(), [[2, 1, 3]], 2),
  gradientCase('unsqueeze', 'axis', (x) => x.unsqueeze(1).mul(x), [[3, 3]], 2),
  gradientCase('permute', 'three axes', (x) => x.permute([2, 0, 1]).square(), [[2, 3, 2]], 3),
  gradientCase('transpose', 'times itself', (x) => x.transpose().mul(x), [[3, 3]], 2),
  gradientCase('broadcastTo', 'new and repeated axes', (x) => x.broadcastTo([2, 3, 4]).square(), [[3, 1]], 2),
  gradientCase('broadcastTo', 'scalar', (x) => x.broadcastTo([3]).square(), [[]], 2),
  gradientCase('broadcastTo', 'to zero-size', (x) => x.broadcastTo([0, 3]).square(), [[3]], 2),
  gradientCase('expand', 'axis of size 1', (x) => expand(x, [2, 3]).square(), [[2, 1]], 2),
  gradientCase('flip', 'one axis', (x) => x.flip(1).mul(x), [[2, 3]], 2),
  gradientCase(
    'slice',
    'parts that overlap',
    (x) => concat([x.slice(0, 2).square(), x.slice(1, 3).exp()]),
    [[3, 2]],
    3,
  ),
  gradientCase('slice', 'negative step', (x) => x.slice(-1, undefined, { step: -2 }).square(), [[5, 2]], 2),
  gradientCase('slice', 'nothing', (x) => x.slice(2, 2).square(), [[3]], 2),
  gradientCase(
    'pad',
    'constant',
    (x) =>
      pad(x, [
        [1, 2],
        [0, 1],
      ]).square(),
    [[3, 2]],
    2,
  ),
  gradientCase(
    'pad',
    'reflect',
    (x) =>
      pad(
        x,
        [
          [1, 2],
          [0, 1],
        ],
        { mode: 'reflect' },
      ).square(),
    [[3, 2]],
    2,
  ),
  gradientCase(
    'pad',
    'edge',
    (x) =>
      pad(
        x,
        [
          [1, 2],
          [2, 1],
        ],
        { mode: 'edge' },
      ).square(),
    [[3, 2]],
    2,
  ),
  gradientCase('roll', 'one axis', (x) => roll(x, 1, 0).mul(x), [[3, 2]], 2),
  gradientCase('repeat', 'axis', (x) => repeat(x, 2, 0).square(), [[3, 2]], 2),
  gradientCase('tile', 'two axes', (x) => tile(x, [2, 3]).square(), [[2, 2]], 2),
  gradientCase('concat', 'the same twice', (x) => concat([x, x.square(), x], 1).square(), [[2, 2]], 3),
  gradientCase(
    'concat',
    'zero-size part',
    (a, b) => concat([a, b]).square(),
    [
      [0, 2],
      [3, 2],
    ],
    2,
  ),
  gradientCase('stack', 'new last axis', (a, b) => stack([a, b.square()], -1).square(), [[3], [3]], 2),
  gradientCase(
    'split',
    'three parts',
    (x) => split(x, [1, 2, 1]).reduce((sum, part) => sum.add(part.square().sum()), x.sum()),
    [[4, 2]],
    2,
  ),
  gradientCase(
    'chunk',
    'uneven',
    (x) => chunk(x, 2, 1).reduce((sum, part) => sum.mul(part.sum()), x.sum()),
    [[2, 3]],
    2,
  ),
  gradientCase('tril', 'square', (x) => tril(x).square(), [[3, 3]], 2),
  gradientCase('triu', 'above the diagonal', (x) => triu(x, 1).matmul(x), [[3, 3]], 2),
  gradientCase('trace', 'of a square', (x) => trace(x.matmul(x)), [[3, 3]], 2),
  gradientCase('diagonal', 'times itself', (x) => diagonal(x).square(), [[3, 3]], 2),
  gradientCase('diag', 'of a vector', (x) => diag(x).matmul(x), [[3]], 2),
];

export const indexingCases: readonly GradientCase[] = [
  gradientCase(
    'gather',
    'repeated positions',
    (x) =>
      gather(
        x,
        positions([
          [0, 2, 2],
          [1, 1, 0],
        ]),
        1,
      ).square(),
    [[2, 3]],
    2,
  ),
  gradientCase(
    'gather',
    'broadcast index',
    (x) => gather(x, positions([[0, -1, 2]]), 1).square(),
    [[2, 3]],
    2,
  ),
  gradientCase(
    'scatterAdd',
    'repeated positions',
    (x, u) => scatterAdd(x, positions([[0, 0, 2]]), u, 1).square(),
    [
      [2, 3],
      [2, 3],
    ],
    2,
  ),
  gradientCase(
    'take',
    'rows',
    (x) =>
      take(
        x,
        positions([
          [1, 0],
          [1, 1],
        ]),
      ).square(),
    [[3, 2]],
    2,
  ),
  gradientCase('indexSelect', 'columns', (x) => indexSelect(x, 1, positions([2, 0])).square(), [[2, 3]], 2),
  gradientCase(
    'index',
    'position, range, ellipsis',
    (x) => x.index(1, '...', { step: -1 }).square(),
    [[2, 2, 3]],
    2,
  ),
  gradientCase(
    'index',
    'positions',
    (x) =>
      x
        .index(positions([1, 0, 1]))
        .mul(2)
        .exp(),
    [[2, 2]],
    2,
  ),
  gradientCase('index', 'mask', (x) => x.index(tensor([1, 0, 1], { dtype: 'bool' })).square(), [[3, 2]], 2),
  gradientCase(
    'sort',
    'axis',
    (x) =>
      sort(x, 0)
        .mul(numbers([[1], [2], [3]]))
        .square(),
    [[3, 2]],
    2,
  ),
  gradientCase('sort', 'descending', (x) => sort(x, -1, { descending: true }).cumsum().square(), [[2, 3]], 2),
  gradientCase(
    'topK',
    'values',
    (x) =>
      topK(x, 2)
        .values.mul(numbers([1, 2]))
        .square(),
    [[2, 4]],
    2,
  ),

  convention('sort', 'tie keeps its order', (x) => sort(x).mul(numbers([1, 2, 3])), [[5, 1, 5]], [[2, 1, 3]]),
  convention('topK', 'tie: the first', (x) => topK(x, 1).values, [[1, 3, 3]], [[0, 1, 0]]),
];

export const productCases: readonly GradientCase[] = [
  gradientCase(
    'matmul',
    'matrices',
    (a, b) => a.matmul(b),
    [
      [3, 4],
      [4, 2],
    ],
    3,
  ),
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
    'batches, broadcast',
    (a, b) => a.matmul(b).sin(),
    [
      [2, 1, 2, 3],
      [3, 3, 2],
    ],
    2,
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
  gradientCase(
    'matmul',
    'zero-size',
    (a, b) => a.matmul(b),
    [
      [2, 0],
      [0, 3],
    ],
    2,
  ),
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

/** Symmetric and positive definite, far from singular. */
const definite = (x: Tensor): Tensor =>
  x.matmul(x.transpose()).add(
    numbers([
      [2, 0, 0],
      [0, 3, 0],
      [0, 0, 4],
    ]),
  );
/** Far from singular. */
const regular = (x: Tensor): Tensor =>
  x.mul(0.3).add(
    numbers([
      [2, 0, 0],
      [0, -3, 0],
      [0, 0, 4],
    ]),
  );
/** Singular values far from each other. */
const stretched = (x: Tensor): Tensor =>
  x.mul(0.2).add(
    numbers([
      [1, 0, 0],
      [0, 2.5, 0],
      [0, 0, 4],
      [0.5, 0, 0],
    ]).slice(0, x.shape[0]),
  );

export const linearAlgebraCases: readonly GradientCase[] = [
  gradientCase('cholesky', 'positive definite', (x) => cholesky(definite(x)), [[3, 3]], 2),
  gradientCase('cholesky', 'batches', (x) => cholesky(definite(x)), [[2, 3, 3]], 2),
  gradientCase(
    'solve',
    'matrix',
    (a, b) => solve(regular(a), b),
    [
      [3, 3],
      [3, 2],
    ],
    2,
  ),
  gradientCase('solve', 'vector', (a, b) => solve(regular(a), b).square(), [[3, 3], [3]], 2),
  gradientCase(
    'solve',
    'batches, broadcast',
    (a, b) => solve(regular(a), b),
    [
      [2, 3, 3],
      [3, 1],
    ],
    2,
  ),
  gradientCase(
    'solveTriangular',
    'lower',
    (a, b) => solveTriangular(regular(a), b),
    [
      [3, 3],
      [3, 2],
    ],
    2,
  ),
  gradientCase(
    'solveTriangular',
    'upper',
    (a, b) => solveTriangular(regular(a), b, { lower: false }),
    [[3, 3], [3]],
    2,
  ),
  gradientCase('inverse', 'matrix', (x) => inverse(regular(x)), [[3, 3]], 2),
  gradientCase('inverse', 'batches', (x) => inverse(regular(x)), [[2, 3, 3]], 2),
  gradientCase('det', 'matrix', (x) => det(regular(x)), [[3, 3]], 3),
  gradientCase('det', 'batches', (x) => det(regular(x)), [[2, 3, 3]], 2),
  gradientCase(
    'det',
    'singular, of rank 2 and 1',
    (x) => det(x),
    [
      numbers([
        [
          [1, 2, 3],
          [4, 5, 6],
          [7, 8, 9],
        ],
        [
          [1, 2, 3],
          [2, 4, 6],
          [3, 6, 9],
        ],
      ]),
    ],
    2,
  ),
  gradientCase('logdet', 'positive definite', (x) => logdet(definite(x)), [[3, 3]], 2),
  gradientCase('slogdet', 'negative determinant', (x) => slogdet(regular(x)).logarithm, [[3, 3]], 2),
  gradientCase(
    'qr',
    'square',
    (x) =>
      qr(regular(x))
        .q.mul(2)
        .add(qr(regular(x)).r.square()),
    [[3, 3]],
    2,
  ),
  gradientCase(
    'qr',
    'tall',
    (x) =>
      qr(stretched(x))
        .q.sum(0)
        .add(qr(stretched(x)).r),
    [[4, 3]],
    2,
  ),
  gradientCase('qr', 'wide', (x) => qr(stretched(x).transpose()).r, [[4, 3]], 2),
  gradientCase('svd', 'singular values', (x) => svd(stretched(x)).s, [[3, 3]], 2),
  gradientCase(
    'svd',
    'tall, all parts',
    (x) => {
      const { u, s, vt } = svd(stretched(x));
      // Signs of the vectors are not determined: products of pairs of them are.
      return u.sin().square().sum(0).add(s.square()).add(vt.cos().square().sum(-1));
    },
    [[4, 3]],
    2,
  ),
  gradientCase(
    'svd',
    'wide, all parts',
    (x) => {
      const { u, s, vt } = svd(stretched(x).transpose());
      return u.sin().square().sum(0).add(s).add(vt.cos().square().sum(-1));
    },
    [[4, 3]],
    2,
  ),
];
