/**
 * Matrices of very large and very small numbers, whose squares and products overflow or vanish although the result does not,
 * and matrices with zeros where a factorization divides. Values from NumPy 2 (LAPACK), gradients from the homogeneity of the
 * function: of f(c·A) = cᵖ·f(A) the gradient at c·A is cᵖ⁻¹ times that at A, which gradcheck compares with differences.
 *
 * ```python
 * B = np.array([[1., 1], [1, 2]])
 * for c in (1e200, 1e-170): np.linalg.qr(c * B), np.linalg.svd(c * B)[1], np.linalg.slogdet(c * B)[1]
 * np.linalg.qr(np.array([[0., 3], [4, 5]])); np.linalg.qr(np.array([[-0., 3], [4, 5]])); …
 * mpmath.mp.dps = 60; mpmath.svd_r(mpmath.matrix([[1, '1e-170'], [2, '3e-170']]), compute_uv=False)
 * ```
 */

import { gradients } from '@ag/graph';
import { describe, expect, it } from 'vitest';
import {
  cholesky, det, eye, inverse, logdet, qr, slogdet, solve, solveTriangular, svd, type Tensor, tensor,
} from '../index.ts'; // biome-ignore format: a list

const matrix = (rows: readonly (readonly number[])[], dtype: 'float32' | 'float64' = 'float64'): Tensor =>
  tensor(rows, { dtype });

function expectNear(found: ArrayLike<number>, expected: readonly number[], relative = 1e-14): void {
  expect(found.length).toBe(expected.length);
  const size = Math.max(...expected.map(Math.abs)) || 1;
  expected.forEach((value, i) => {
    expect(Math.abs(found[i] - value) / size, `element ${i}: ${found[i]}, expected ${value}`).toBeLessThan(
      relative,
    );
  });
}

describe('qr has the signs of LAPACK where a pivot is 0', () => {
  const h = 0.4472135954999579;
  // biome-ignore format: a table
  it.each<[string, number[][], number[], number[]]>([
    ['a 0 at the head', [[0, 3], [4, 5]], [0, -1, -1, 0], [-4, -5, 0, -3]],
    ['a −0 at the head', [[-0, 3], [4, 5]], [0, 1, 1, 0], [4, 5, 0, 3]],
    ['a column of zeros', [[0, 2, 1], [0, 0, 3], [0, 4, 0]], [1, 0, 0, 0, 0, -1, 0, -1, 0], [0, 2, 1, 0, -4, 0, 0, 0, -3]],
    ['more rows than columns', [[0, 1], [0, 2], [3, 4]], [0, -h, 0, -0.8944271909999157, -1, 0], [-3, -4, 0, -2.23606797749979]],
    ['zeros below already', [[-2, 1], [0, -3]], [1, 0, 0, 1], [-2, 1, 0, -3]],
  ])('%s', (_, rows, q, r) => {
    const found = qr(matrix(rows));
    expectNear(found.q.dataSync(), q);
    expectNear(found.r.dataSync(), r);
  });
});

describe('very large and very small matrices', () => {
  const base = [
    [1, 1],
    [1, 2],
  ];
  for (const c of [1e200, 1e-170, 1e305, 1e-305]) {
    const a = matrix(base).mul(c);
    const times = (elements: readonly number[]): number[] => elements.map((value) => value * c);
    it(`${c} times a matrix`, () => {
      const { q, r } = qr(a);
      expectNear(q.dataSync(), [-Math.SQRT1_2, -Math.SQRT1_2, -Math.SQRT1_2, Math.SQRT1_2]);
      expectNear(r.dataSync(), times([-Math.SQRT2, -2.1213203435596426, 0, Math.SQRT1_2]));
      const { u, s, vt } = svd(a);
      expectNear(s.dataSync(), times([2.618033988749895, 0.38196601125010513]));
      expectNear(u.transpose().matmul(u).dataSync(), [1, 0, 0, 1]);
      expectNear(u.mul(s.unsqueeze(-2)).matmul(vt).dataSync(), times([1, 1, 1, 2]));
      expectNear(solve(a, matrix([[c], [3 * c]])).dataSync(), [-1, 2], 1e-13);
      expectNear(solveTriangular(a, matrix([[c], [3 * c]])).dataSync(), [1, 1]);
      if (c > 1e-300) expectNear(inverse(a).dataSync(), [2 / c, -1 / c, -1 / c, 1 / c]);
      expectNear(cholesky(a).dataSync(), [Math.sqrt(c), 0, Math.sqrt(c), Math.sqrt(c)]);
      expectNear(slogdet(a).logarithm.dataSync(), [2 * Math.log(c)]);
      expectNear(logdet(a).dataSync(), [2 * Math.log(c)]);
    });
  }

  it('float32 up to its own ends, with gradients in float32', () => {
    for (const c of [1e30, 1e-30]) {
      const a = matrix(base, 'float32').mul(c);
      expectNear(svd(a).s.dataSync(), [2.618033988749895 * c, 0.38196601125010513 * c], 1e-6);
      expectNear(qr(a).r.dataSync(), [-Math.SQRT2 * c, -2.1213203435596426 * c, 0, Math.SQRT1_2 * c], 1e-6);
      expectNear(cholesky(a).dataSync(), [Math.sqrt(c), 0, Math.sqrt(c), Math.sqrt(c)], 1e-6);
    }
  });

  it('numbers of different size in one matrix', () => {
    expect([...svd(matrix([[1, 0], [0, 1e-170]])).s.dataSync()]).toEqual([1, 1e-170]);
    expectNear(svd(matrix([[1, 1e-170], [2, 3e-170]])).s.dataSync().slice(1), [4.4721359549995794e-171]);
    expectNear(qr(matrix([[1, 1e-170], [1, 3e-170]])).r.dataSync().slice(3), [Math.SQRT2 * 1e-170]);
    // The product goes beyond float64 on its way.
    const d = matrix([[1e200], [1e200], [1e-300], [1e-100]]).mul(eye(4, 4, { dtype: 'float64' }));
    expectNear(det(d).dataSync(), [1]);
    expect(det(matrix([[1e200, 0], [0, 1e200]])).itemSync()).toBe(Number.POSITIVE_INFINITY);
    expect(det(matrix([[1e-200, 0], [0, 1e-200]])).itemSync()).toBe(0);
  }); // biome-ignore format: matrices

  it('a column that is a multiple of another counts as 0, whatever rounding leaves of it', () => {
    // Rank 2: the third singular value is 0 and its vector orthogonal to the others.
    const { u, s } = svd(matrix([[1, 2, 3], [2, 4, 6], [3, 6 + 1e-6, 9]]));
    expect(s.dataSync()[2]).toBeLessThan(1e-14);
    expectNear(u.transpose().matmul(u).dataSync(), [1, 0, 0, 0, 1, 0, 0, 0, 1]);
  }); // biome-ignore format: matrices
});

describe('gradients at very large and very small matrices', () => {
  const weights = [
    [0.3, -0.7],
    [0.2, 0.5],
  ];
  const rows = [
    [2, 1],
    [1, 3],
  ];
  type Case = readonly [name: string, power: number, f: (x: Tensor, w: Tensor) => Tensor];
  const cases: readonly Case[] = [
    ['singular values', 1, (x, w) => svd(x).s.mul(w.index(0)).sum()],
    ['left singular vectors', 0, (x, w) => svd(x).u.mul(w).sum()],
    ['right singular vectors', 0, (x, w) => svd(x).vt.mul(w).sum()],
    ['q', 0, (x, w) => qr(x).q.mul(w).sum()],
    ['r', 1, (x, w) => qr(x).r.mul(w).sum()],
    ['cholesky', 0.5, (x, w) => cholesky(x).mul(w).sum()],
    ['logdet', 0, (x) => logdet(x).sub(logdet(x.detach())).sum()],
    ['norm', 1, (x) => x.norm()],
    ['norm of rows', 1, (x, w) => x.norm(1).mul(w.index(0)).sum()],
    ['norm with p = 3', 1, (x) => x.norm(undefined, { p: 3 })],
    ['norm with p = −2', 1, (x) => x.norm(undefined, { p: -2 })],
    ['norm with p = ½', 1, (x) => x.norm(undefined, { p: 0.5 })],
  ];
  for (const [name, power, f] of cases) {
    it(name, () => {
      for (const [dtype, exponents, relative] of [
        ['float64', [660, -560], 1e-12],
        ['float32', [100, -100], 1e-5],
      ] as const) {
        const of = (c: number): [number, number[]] => {
          const x = matrix(rows, dtype).mul(c);
          const y = f(x, matrix(weights, dtype));
          return [y.itemSync(), [...gradients(y, [x])[0].dataSync()]];
        };
        const [value, slope] = of(1);
        for (const exponent of exponents) {
          const [own, ownSlope] = of(2 ** exponent);
          const factor = 2 ** (exponent * power);
          expectNear([own], [value * factor], relative);
          expectNear(
            ownSlope,
            slope.map((g) => (g * factor) / 2 ** exponent),
            relative,
          );
        }
      }
    });
  }
});

describe('norm', () => {
  it('neither overflows nor vanishes, and stays what it was for common numbers', () => {
    expectNear(
      matrix([[3e200, 4e200]])
        .norm()
        .dataSync(),
      [5e200],
      1e-15,
    );
    expectNear(
      matrix([[3e-200, 4e-200]])
        .norm()
        .dataSync(),
      [5e-200],
      1e-15,
    );
    expect(
      matrix([[3e30, 4e30]], 'float32')
        .norm()
        .itemSync(),
    ).toBe(Math.fround(5e30));
    expect(
      matrix([[1, 2, 2]])
        .norm()
        .itemSync(),
    ).toBe(3);
    expect(
      matrix([[2, 3, 6]], 'float32')
        .norm()
        .itemSync(),
    ).toBe(7);
    expect(
      matrix([[0, 0]])
        .norm()
        .itemSync(),
    ).toBe(0);
    expect(
      matrix([[Number.POSITIVE_INFINITY, 1]])
        .norm()
        .itemSync(),
    ).toBe(Number.POSITIVE_INFINITY);
    expect(
      matrix([[Number.NaN, 1]])
        .norm()
        .itemSync(),
    ).toBeNaN();
    expect([
      ...tensor([], { shape: [0, 2] })
        .norm(0)
        .dataSync(),
    ]).toEqual([0, 0]);
  });
});
