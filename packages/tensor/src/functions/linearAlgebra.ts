/**
 * Linear algebra over the last two axes, leading axes being batches: functions only, so that bundles without them
 * leave them out. Factorizations run on the host in float64 and are rounded to the tensor's dtype; they suit matrices
 * up to a few hundred rows. Integers give float32.
 */

import { shapeError } from '../errors.ts';
import * as operations from '../ops/linearAlgebra.ts';
import { checkOptions } from '../options.ts';
import { broadcastShapes, formatShape } from '../shape.ts';
import { apply, checkTensor, type Tensor } from '../tensor.ts';

/**
 * The lower triangular L with L·Lᵀ = x: `[..., n, n]` → `[..., n, n]`. Of a matrix that is not symmetric, the mean with its
 * transpose is taken; the gradient is symmetric.
 *
 * ```ts
 * cholesky(tensor([[4, 2], [2, 5]])); // [[2, 0], [1, 2]]
 * ```
 *
 * @throws RangeError when evaluated, for a matrix that is not positive definite
 */
export function cholesky(x: Tensor): Tensor {
  const { shape } = checkTensor(x, 'cholesky');
  // The operation's type rule says what is wrong with other shapes.
  const square = shape.length >= 2 && shape[shape.length - 1] === shape[shape.length - 2];
  return apply(operations.cholesky, [square ? x.mul(0.5).add(x.transpose().mul(0.5)) : x]);
}

/**
 * The x of a·x = b: `a` [..., n, n]; `b` [n] or [..., n, k], whose leading axes broadcast with those of `a`.
 *
 * ```ts
 * solve(tensor([[2, 0], [0, 4]]), tensor([2, 2])); // [1, 0.5]
 * ```
 *
 * @throws RangeError for shapes that do not fit and, when evaluated, for a singular matrix
 */
export function solve(a: Tensor, b: Tensor): Tensor {
  return system('solve', a, b, (x, y) => apply(operations.solve, [x, y]));
}

/**
 * The x of t·x = b for a triangular `t`, of which only that triangle is read; shapes as for `solve`.
 *
 * @param options `lower`: which triangle. Default true
 * @throws RangeError for shapes that do not fit and, when evaluated, for a 0 on the diagonal
 */
export function solveTriangular(t: Tensor, b: Tensor, options: { readonly lower?: boolean } = {}): Tensor {
  checkOptions('solveTriangular', options, 'lower');
  const { lower = true } = options;
  return system('solveTriangular', t, b, (x, y) => apply(operations.solveTriangular, [x, y], { lower }));
}

/** The inverse: `[..., n, n]` → `[..., n, n]`. To solve equations `solve` is faster and more exact. @throws RangeError when evaluated, for a singular matrix */
export function inverse(x: Tensor): Tensor {
  return apply(operations.inverse, [checkTensor(x, 'inverse')]);
}

/**
 * The determinant: `[..., n, n]` → `[...]`. Its gradient is the matrix of cofactors, first and second derivative are right for
 * singular matrices too; the third needs a regular one. Of large matrices the determinant overflows: see `logdet`.
 */
export function det(x: Tensor): Tensor {
  return apply(operations.det, [checkTensor(x, 'det')]);
}

/**
 * Sign and logarithm of the size of the determinant, which do not overflow: `[..., n, n]` → twice `[...]`. A singular matrix has
 * sign 0 and logarithm −∞. Only the logarithm has a gradient.
 */
export function slogdet(x: Tensor): { readonly sign: Tensor; readonly logarithm: Tensor } {
  return parts(apply(operations.slogdet, [checkTensor(x, 'slogdet')]));
}

function parts(both: Tensor): { readonly sign: Tensor; readonly logarithm: Tensor } {
  const last = both.shape.length - 1;
  return {
    sign: both.sliceFrom(0, 1, last, 1).squeeze(last),
    logarithm: both.sliceFrom(1, 1, last, 1).squeeze(last),
  };
}

/** Logarithm of the determinant: `[..., n, n]` → `[...]`; NaN where the determinant is negative. */
export function logdet(x: Tensor): Tensor {
  const { sign, logarithm } = parts(
    apply(operations.slogdet, [operations.checkSquare('logdet', checkTensor(x, 'logdet'))]),
  );
  return sign.detach().less(0).where(Number.NaN, logarithm);
}

/**
 * Orthonormal columns Q and upper triangular R with q·r = x: `[..., m, n]` → `[..., m, k]` and `[..., k, n]`, k = min(m, n).
 * Signs are those of LAPACK. Differentiable where the first k columns are linearly independent; elsewhere there is no gradient: a
 * 0 on the diagonal of r throws when it is evaluated, and one that rounding has left there makes it meaningless.
 *
 * ```ts
 * const { q, r } = qr(x);
 * ```
 */
export function qr(x: Tensor): { readonly q: Tensor; readonly r: Tensor } {
  const packed = apply(operations.qr, [checkTensor(x, 'qr')]);
  const [q, r] = operations.unpackQr(packed, x.shape[x.shape.length - 2], x.shape[x.shape.length - 1]);
  return { q, r };
}

/**
 * The singular value decomposition x = u · diag(s) · vt: `[..., m, n]` → `[..., m, k]`, `[..., k]` in descending order and
 * `[..., k, n]`, k = min(m, n). Singular vectors are determined up to their sign only; for equal singular values they are not
 * determined, so there the gradient counts nothing through them (what depends on `s` alone is right). The same for singular
 * values of 0 of which there are several, or one in a matrix that is not square.
 *
 * ```ts
 * const { u, s, vt } = svd(x);
 * u.mul(s.unsqueeze(-2)).matmul(vt); // x again
 * ```
 */
export function svd(x: Tensor): { readonly u: Tensor; readonly s: Tensor; readonly vt: Tensor } {
  const packed = apply(operations.svd, [checkTensor(x, 'svd')]);
  const [u, s, vt] = operations.unpackSvd(packed, x.shape[x.shape.length - 2], x.shape[x.shape.length - 1]);
  return { u, s, vt };
}

/** Gives both operands the same leading axes and the right-hand side columns. */
function system(name: string, a: Tensor, b: Tensor, work: (a: Tensor, b: Tensor) => Tensor): Tensor {
  const first = checkTensor(a, name, 'a').shape;
  const second = checkTensor(b, name, 'b').shape;
  if (second.length === 1) return system(name, a, b.unsqueeze(-1), work).squeeze(-1);
  if (first.length < 2 || second.length < 1) {
    throw shapeError(
      `${name}: needs matrices and right-hand sides, got ${formatShape(first)} and ${formatShape(second)}`,
    );
  }
  const batch = broadcastShapes(first.slice(0, -2), second.slice(0, -2), name);
  const spread = (t: Tensor): Tensor =>
    t.shape.length - 2 === batch.length && batch.every((n, i) => n === t.shape[i])
      ? t
      : t.broadcastTo([...batch, ...t.shape.slice(-2)]);
  return work(spread(a), spread(b));
}
