/**
 * Gradient cases of linear algebra; values are compared with NumPy in ../linearAlgebra.test.ts.
 */
import {
  cholesky,
  det,
  inverse,
  logdet,
  qr,
  slogdet,
  solve,
  solveTriangular,
  svd,
  type Tensor,
} from '../index.ts';
import { type GradientCase, gradientCase, numbers } from './gradientCase.ts';

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
