/**
 * Factors, functions and norms of matrices over the last two axes, leading axes being batches: functions only, so that bundles without them
 * leave them out. `linearAlgebra.ts` has the others, and says how they are computed.
 */
import { checkNumber, describeValue } from '../check.ts';
import { floatOf } from '../dtype.ts';
import { shapeError, valueError } from '../errors.ts';
import * as operations from '../ops/matrixFunctions.ts';
import { checkOptions } from '../options.ts';
import { formatShape } from '../shape.ts';
import { apply, checkTensor, type Tensor } from '../tensor.ts';
import { svd } from './linearAlgebra.ts';

/**
 * p·l·u = x with a permutation p, l with ones on its diagonal and zeros above it, and u with zeros below its: `[..., m, n]` → `[..., m, m]`,
 * `[..., m, k]`, `[..., k, n]`, k = min(m, n). Pivots are the largest of their columns, as in LAPACK.
 *
 * ```ts
 * const { p, l, u } = lu(x);
 * p.matmul(l).matmul(u); // x again
 * ```
 *
 * Differentiable where the leading k × k part of u is regular.
 */
export function lu(x: Tensor): { readonly p: Tensor; readonly l: Tensor; readonly u: Tensor } {
  const packed = apply(operations.lu, [checkTensor(x, 'lu')]);
  const [m, n] = x.shape.slice(-2);
  const { l, u, order } = operations.unpackLu(packed, m, n);
  return { p: operations.permutation(order, m, true), l, u };
}

/**
 * Eigenvalues, ascending, and orthonormal eigenvectors as columns of a symmetric matrix: `[..., n, n]` → `[..., n]` and `[..., n, n]`. Of a matrix
 * that is not symmetric the mean with its transpose is taken. Of each vector the largest element is positive. Equal eigenvalues have no
 * vectors of their own: there the gradient counts nothing through them.
 *
 * ```ts
 * const { values, vectors } = eigh(x);
 * vectors.mul(values.unsqueeze(-2)).matmul(vectors.transpose()); // x again
 * ```
 */
export function eigh(x: Tensor): { readonly values: Tensor; readonly vectors: Tensor } {
  const { shape } = checkTensor(x, 'eigh');
  const n = shape[shape.length - 1];
  // The operation's type rule says what is wrong with other shapes.
  const square = shape.length >= 2 && n === shape[shape.length - 2];
  const packed = apply(operations.eigh, [square ? x.mul(0.5).add(x.transpose().mul(0.5)) : x]);
  return { values: operations.piece(packed, 0, [n]), vectors: operations.piece(packed, n, [n, n]) };
}

/**
 * The eigenvalues of any square matrix, as complex numbers: `[..., n, n]` → `[..., n, 2]`, by ascending real, then imaginary part. Not
 * differentiable, since the gradient needs left and right eigenvectors, which are complex; those of symmetric matrices are: `eigh`.
 */
export function eigvals(x: Tensor): Tensor {
  return apply(operations.eigenvalues, [checkTensor(x, 'eigvals')]);
}

/**
 * The pseudoinverse of Moore and Penrose: `[..., m, n]` → `[..., n, m]`.
 *
 * @param options `cutoff`: singular values up to this times the largest count as 0. Default: max(m, n) times the distance from 1 to the next
 * number of the dtype, as in PyTorch
 */
export function pinv(x: Tensor, options: { readonly cutoff?: number } = {}): Tensor {
  checkOptions('pinv', options, 'cutoff');
  return apply(operations.pseudoinverse, [checkTensor(x, 'pinv')], {
    cutoff: cutoffOf('pinv', x, options.cutoff),
  });
}

function matrices(name: string, x: Tensor): Tensor {
  if (checkTensor(x, name).shape.length >= 2) return x;
  throw shapeError(`${name}: needs matrices in the last two axes, got ${formatShape(x.shape)}`);
}

function cutoffOf(name: string, x: Tensor, cutoff: number | undefined): number {
  if (cutoff !== undefined) return checkNumber(cutoff, name, 'the cutoff');
  const step = floatOf(x.dtype) === 'float64' ? 2 ** -52 : 2 ** -23;
  return Math.max(...x.shape.slice(-2), 0) * step;
}

/** How many singular values are larger than `cutoff` (as for `pinv`) times the largest: `[..., m, n]` → `[...]`, int32. */
export function matrixRank(x: Tensor, options: { readonly cutoff?: number } = {}): Tensor {
  const name = 'matrixRank';
  checkOptions(name, options, 'cutoff');
  const cutoff = cutoffOf(name, matrices(name, x), options.cutoff);
  const { s } = svd(x.detach());
  const largest = s.shape[s.shape.length - 1] === 0 ? s : s.max(-1, { keepDims: true });
  return s.greater(largest.mul(cutoff)).sum(-1);
}

/**
 * The x for which ‖a·x − b‖ is smallest, and of several such x the shortest: `a` [..., m, n], `b` [m] or [..., m, k] → [n] or [..., n, k].
 *
 * @param options `cutoff`: as for `pinv`
 * @returns the solution, and the rank of `a` that it was found with, int32
 */
export function lstsq(
  a: Tensor,
  b: Tensor,
  options: { readonly cutoff?: number } = {},
): { readonly solution: Tensor; readonly rank: Tensor } {
  const name = 'lstsq';
  checkOptions(name, options, 'cutoff');
  const rows = checkTensor(a, name, 'a').shape.at(-2);
  const vector = checkTensor(b, name, 'b').shape.length === 1;
  if (rows === undefined || b.shape.length === 0 || b.shape[vector ? 0 : b.shape.length - 2] !== rows) {
    throw shapeError(
      `${name}: the right-hand side ${formatShape(b.shape)} does not fit matrices ${formatShape(a.shape)}`,
    );
  }
  const inverse = pinv(a, options);
  const dtype = floatOf(b.dtype);
  const solution = vector
    ? inverse.matmul(b.cast(dtype).unsqueeze(-1)).squeeze(-1)
    : inverse.matmul(b.cast(dtype));
  return { solution, rank: matrixRank(a, options) };
}

/**
 * A norm of matrices: `[..., m, n]` → `[...]`.
 *
 * @param order `'fro'`: √Σx², the default; `'nuc'`: the sum of the singular values; 2 and −2: the largest and the smallest of them; 1 and −1: the
 * largest and smallest sum of sizes in a column; Infinity and −Infinity: those in a row
 */
export function matrixNorm(x: Tensor, order: 'fro' | 'nuc' | 1 | -1 | 2 | -2 | number = 'fro'): Tensor {
  const name = 'matrixNorm';
  matrices(name, x);
  const real = x.cast(floatOf(x.dtype));
  const extreme = (t: Tensor): Tensor => ((order as number) > 0 ? t.max(-1) : t.min(-1));
  switch (order) {
    case 'fro':
      return real.norm([-2, -1]);
    case 'nuc':
      return svd(real).s.sum(-1);
    case 2:
    case -2:
      return extreme(svd(real).s);
    case 1:
    case -1:
      return extreme(real.abs().sum(-2));
    case Number.POSITIVE_INFINITY:
    case Number.NEGATIVE_INFINITY:
      return extreme(real.abs().sum(-1));
    default:
      throw valueError(
        `${name}: the order must be 'fro', 'nuc', ±1, ±2 or ±Infinity, got ${describeValue(order)}`,
      );
  }
}

/** The exponential Σ xᵏ / k! of square matrices: `[..., n, n]` → `[..., n, n]`, differentiable to any order. */
export function expm(x: Tensor): Tensor {
  return apply(operations.expm, [checkTensor(x, 'expm')]);
}

/**
 * Each element of `a` times the whole of `b`, blocks side by side: axis i of the result is as long as those of both multiplied; the shorter
 * shape counts as 1 in front (NumPy's `kron`).
 *
 * ```ts
 * kron(tensor([1, 10]), tensor([1, 2])); // [1, 2, 10, 20]
 * ```
 */
export function kron(a: Tensor, b: Tensor): Tensor {
  const rank = Math.max(checkTensor(a, 'kron', 'a').shape.length, checkTensor(b, 'kron', 'b').shape.length);
  const shapeOf = (t: Tensor): number[] => [...new Array<number>(rank - t.shape.length).fill(1), ...t.shape];
  const [first, second] = [shapeOf(a), shapeOf(b)];
  const apart = a.reshape(first.flatMap((n) => [n, 1])).mul(b.reshape(second.flatMap((n) => [1, n])));
  return apart.reshape(first.map((n, i) => n * second[i]));
}
