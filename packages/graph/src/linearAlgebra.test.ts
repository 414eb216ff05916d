/**
 * Gradients of linear algebra, first and second order, against central differences in float64.
 */
import {
  cholesky,
  det,
  eye,
  inverse,
  key,
  logdet,
  normal,
  qr,
  slogdet,
  solve,
  solveTriangular,
  svd,
  type Tensor,
  tensor,
  tril,
} from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import { checkGradients, gradients, hessian } from './index.ts';

const sample = (shape: readonly number[], seed: number): Tensor =>
  normal(shape, { key: key(seed), dtype: 'float64' });
const definite = (x: Tensor): Tensor => x.matmul(x.transpose()).add(eye(x.shape.at(-2)!));
const [a, b] = [sample([3, 3], 1), sample([3, 2], 2)];
const batch = sample([2, 3, 3], 3);

describe('gradients', () => {
  const cases: [string, (x: readonly Tensor[]) => Tensor, readonly Tensor[]][] = [
    ['cholesky', ([x]) => cholesky(definite(x)).square(), [a]],
    ['cholesky, batched', ([x]) => cholesky(definite(x)), [batch]],
    [
      'cholesky of the matrix itself',
      ([x]) => cholesky(x),
      [tensor(definite(a).dataSync(), { shape: [3, 3] })],
    ],
    ['solve', ([x, y]) => solve(x, y).square(), [a, b]],
    ['solve for a vector', ([x, y]) => solve(x, y), [a, sample([3], 4)]],
    ['solve with broadcast batches', ([x, y]) => solve(x, y), [batch, b]],
    ['solveTriangular, lower', ([x, y]) => solveTriangular(x, y).square(), [a, b]],
    [
      'solveTriangular, upper',
      ([x, y]) => solveTriangular(x, y, { lower: false }),
      [batch, sample([2, 3, 2], 5)],
    ],
    ['inverse', ([x]) => inverse(x).square(), [batch]],
    ['det', ([x]) => det(x), [batch]],
    ['slogdet', ([x]) => slogdet(x).logarithm.square(), [batch]],
    ['logdet', ([x]) => logdet(definite(x)), [a]],
    [
      'qr, tall',
      ([x]) => {
        const { q, r } = qr(x);
        return q.add(1).matmul(r.square());
      },
      [sample([4, 2], 6)],
    ],
    [
      'qr, square and batched',
      ([x]) => {
        const { q, r } = qr(x);
        return q.sin().add(r.square());
      },
      [batch],
    ],
    [
      'qr, wide',
      ([x]) => {
        const { q, r } = qr(x);
        return q.exp().matmul(r.square());
      },
      [sample([2, 4], 7)],
    ],
    ['svd, singular values', ([x]) => svd(x).s.square().exp().log1p(), [sample([3, 2], 8)]],
    [
      'svd, tall',
      ([x]) => {
        const { u, s, vt } = svd(x);
        return u.square().mul(s.unsqueeze(-2)).matmul(vt.square());
      },
      [sample([4, 2], 9)],
    ],
    [
      'svd, wide and batched',
      ([x]) => {
        const { u, s, vt } = svd(x);
        return u.square().mul(s.log().unsqueeze(-2)).matmul(vt.square());
      },
      [sample([2, 2, 3], 10)],
    ],
    [
      'low-rank approximation',
      ([x]) => {
        const { u, s, vt } = svd(x);
        return u.slice(0, 1, { axis: 1 }).mul(s.slice(0, 1)).matmul(vt.slice(0, 1));
      },
      [a],
    ],
  ];
  for (const [name, f, at] of cases) {
    it(name, () => {
      expect(checkGradients(f, at, { order: 2, tolerance: 1e-5 }).order).toBe(2);
    });
  }

  it('is the inverse for log-det, symmetric for cholesky', () => {
    // d log det A / dA = A⁻ᵀ; by hand for diag(2, 4).
    const x = tensor(
      [
        [2, 0],
        [0, 4],
      ],
      { dtype: 'float64' },
    );
    expect([...gradients(logdet(x), [x])[0].dataSync()]).toEqual([0.5, 0, 0, 0.25]);
    const s = tensor(
      [
        [4, 2],
        [2, 5],
      ],
      { dtype: 'float64' },
    );
    const [g] = gradients(cholesky(s).sum(), [s]);
    const [, up, down] = g.dataSync();
    expect(up).toBe(down);
  });

  it('of the determinant exists for singular matrices, to second order', () => {
    const matrix = (rows: number[][]): Tensor => tensor(rows, { dtype: 'float64' });
    const cofactors = (x: Tensor): number[] => [...gradients(det(x), [x])[0].dataSync()];
    // By hand: minors with alternating signs.
    const byHand: [Tensor, number[]][] = [
      [
        matrix([
          [1, 2, 3],
          [4, 5, 6],
          [7, 8, 9],
        ]),
        [-3, 6, -3, 6, -12, 6, -3, 6, -3],
      ],
      [
        matrix([
          [0, 0, 0],
          [0, 2, 0],
          [0, 0, -3],
        ]),
        [-6, 0, 0, 0, 0, 0, 0, 0, 0],
      ],
      [
        matrix([
          [1, 2],
          [2, 4],
        ]),
        [4, -2, -2, 1],
      ],
      [matrix([[0]]), [1]],
      [
        matrix([
          [0, 0],
          [0, 0],
        ]),
        [0, 0, 0, 0],
      ],
    ];
    for (const [x, expected] of byHand) {
      cofactors(x).forEach((found, i) => {
        expect(found).toBeCloseTo(expected[i], 12);
      });
    }
    // det = ad − bc: the second derivatives are constant.
    const zero = matrix([
      [0, 0],
      [0, 0],
    ]);
    expect([...hessian(det)(zero).dataSync()].map((value) => value + 0)).toEqual([
      0, 0, 0, 1, 0, 0, -1, 0, 0, -1, 0, 0, 1, 0, 0, 0,
    ]);
    expect(checkGradients(([x]) => det(x), [batch], { order: 3, tolerance: 1e-5 }).order).toBe(3);
  });

  it('is U·Vᵀ for the sum of singular values, also when they are equal', () => {
    const x = tensor(
      [
        [0, 2],
        [2, 0],
      ],
      { dtype: 'float64' },
    );
    const found = gradients(svd(x).s.sum(), [x])[0].dataSync();
    // The polar factor of the matrix: itself over 2.
    [0, 1, 1, 0].forEach((value, i) => {
      expect(found[i]).toBeCloseTo(value, 12);
    });
  });

  it('reads only its triangle', () => {
    const [g] = gradients(solveTriangular(a, b).sum(), [a]);
    expect([...g.dataSync()]).toEqual([...tril(g).dataSync()]);
  });
});
