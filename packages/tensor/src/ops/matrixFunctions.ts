/**
 * Factors and functions of matrices over the last two axes: values on the host, rules in tensor methods. `linearAlgebra.ts` has the others.
 *
 * Rules: S. Axen, "Differentiating the LU decomposition" (2021) for lu; M. Giles (2008) for eigh; G. Golub, V. Pereyra (1973) for the
 * pseudoinverse; I. Najfeld, T. Havel (1995) for the exponential, whose derivative is a block of the exponential of a larger matrix. A bar
 * over a letter in the comments is the gradient at it.
 */
import { floatOf } from '../dtype.ts';
import { codedError, shapeError } from '../errors.ts';
import { formatShape, type Shape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { eigenvaluesRun, eighRun } from './eigenHost.ts';
import { coordinates } from './indexing.ts';
import { solveTriangular } from './linearAlgebra.ts';
import { expmRun, luRun, pseudoinverseRun } from './matrixFunctionsHost.ts';
import { place, section } from './movement.ts';
import { defineOp, type Op, type TensorType } from './op.ts';

function matrixOf(name: string, { shape }: TensorType): [rows: number, columns: number, batch: Shape] {
  if (shape.length < 2)
    throw shapeError(`${name}: needs matrices in the last two axes, got ${formatShape(shape)}`);
  return [shape[shape.length - 2], shape[shape.length - 1], shape.slice(0, -2)];
}

function squareOf(name: string, t: TensorType): [size: number, batch: Shape] {
  const [rows, columns, batch] = matrixOf(name, t);
  if (rows !== columns)
    throw shapeError(`${name}: needs square matrices in the last two axes, got ${formatShape(t.shape)}`);
  return [rows, batch];
}

/** L\U and, as numbers, the order of rows, one after the other: see `luRun`. */
export const lu: Op<undefined> = /* @__PURE__ */ defineOp({
  name: 'lu',
  type: ([a]) => {
    const [m, n, batch] = matrixOf('lu', a);
    return { shape: [...batch, m * n + m], dtype: floatOf(a.dtype) };
  },
  lower: { form: 'host', run: () => luRun },
  batch: 'leading',
  vjp: (g, [a], packed) => {
    const [m, n] = matrixOf('lu', a);
    const k = Math.min(m, n);
    const { l, u, order } = unpackLu(packed, m, n);
    const both = piece(g, 0, [m, n]);
    let gl = columns(triangle(both, 'below'), 0, k);
    let gu = rows(triangle(both, 'upper'), 0, k);
    const [l1, u1] = [rows(l, 0, k), columns(u, 0, k)];
    const solve = (t: Tensor, b: Tensor, lower: boolean): Tensor =>
      g.apply(solveTriangular, [t, b], { lower });
    // X·U⁻ᵀ, and L⁻ᵀ·X
    const byU = (x: Tensor): Tensor => solve(u1, x.transpose(), false).transpose();
    const byL = (x: Tensor): Tensor => solve(l1.transpose(), x, false);
    let beside: Tensor | null = null;
    if (m > n) {
      // Rows below: L₂ = A₂·U⁻¹.
      beside = byU(rows(gl, k, m - k));
      gu = gu.sub(
        rows(l, k, m - k)
          .transpose()
          .matmul(beside),
      );
      gl = rows(gl, 0, k);
    } else if (n > m) {
      // Columns beside: U₂ = L⁻¹·A₂.
      beside = byL(columns(gu, k, n - k));
      gl = gl.sub(beside.matmul(columns(u, k, n - k).transpose()));
      gu = columns(gu, 0, k);
    }
    const middle = triangle(l1.transpose().matmul(gl), 'below').add(
      triangle(gu.matmul(u1.transpose()), 'upper'),
    );
    const square = byU(byL(middle));
    const whole = beside === null ? square : joined(square, beside, m > n ? -2 : -1);
    return [permutation(order, m, true).matmul(whole)];
  },
});

/** L [..., m, k], U [..., k, n] and the order of rows [..., m] from what `lu` gives. */
export function unpackLu(
  packed: Tensor,
  m: number,
  n: number,
): { readonly l: Tensor; readonly u: Tensor; readonly order: Tensor } {
  const k = Math.min(m, n);
  const both = piece(packed, 0, [m, n]);
  const l = columns(triangle(both, 'below'), 0, k).add(identity(both, m, k));
  return { l, u: rows(triangle(both, 'upper'), 0, k), order: piece(packed, m * n, [m]).detach() };
}

/** P with A = P·L·U (`back`), or its transpose, from the order of rows. */
export function permutation(order: Tensor, m: number, back: boolean): Tensor {
  const numbers = order.apply(coordinates, [], { shape: [m] });
  // P[order[i], i] = 1
  return back
    ? numbers.unsqueeze(-1).equal(order.unsqueeze(-2)).cast(order.dtype)
    : order.unsqueeze(-1).equal(numbers).cast(order.dtype);
}

/** Eigenvalues [..., n], then eigenvectors [..., n, n] as columns, of symmetric matrices; reads the lower triangle. */
export const eigh: Op<undefined> = /* @__PURE__ */ defineOp({
  name: 'eigh',
  type: ([a]) => {
    const [n, batch] = squareOf('eigh', a);
    return { shape: [...batch, n + n * n], dtype: floatOf(a.dtype) };
  },
  lower: { form: 'host', run: () => eighRun },
  batch: 'leading',
  // Ā = V·(diag λ̄ + (Vᵀ·V̄) / (λⱼ − λᵢ))·Vᵀ, folded onto the lower triangle by who symmetrizes before.
  vjp: (g, [a], packed) => {
    const [n] = squareOf('eigh', a);
    const [values, vectors] = [piece(packed, 0, [n]), piece(packed, n, [n, n])];
    const [gValues, gVectors] = [piece(g, 0, [n]), piece(g, n, [n, n])];
    const gaps = values.unsqueeze(-2).sub(values.unsqueeze(-1));
    // Equal eigenvalues count as far apart: what depends on them alone has no gradient through their vectors.
    const zero = gaps.equal(0);
    const apart = zero.where(0, zero.where(1, gaps).reciprocal());
    const turn = vectors.transpose().matmul(gVectors).mul(apart);
    const middle = turn.add(identity(values, n, n).mul(gValues.unsqueeze(-2)));
    const whole = vectors.matmul(middle).matmul(vectors.transpose());
    return [whole.add(whole.transpose()).mul(0.5)];
  },
});

/** Eigenvalues of any square matrix as pairs: [..., n, 2]. */
export const eigenvalues: Op<undefined> = /* @__PURE__ */ defineOp({
  name: 'eigvals',
  type: ([a]) => {
    const [n, batch] = squareOf('eigvals', a);
    return { shape: [...batch, n, 2], dtype: floatOf(a.dtype) };
  },
  lower: { form: 'host', run: () => eigenvaluesRun },
  batch: 'leading',
  vjp: () => {
    throw codedError(
      TypeError,
      'AG_NOT_DIFFERENTIABLE',
      'eigvals: eigenvalues of a general matrix have no gradient here; those of a symmetric one have: eigh',
    );
  },
});

/** A⁺ [..., n, m]. Ā = −Pᵀ·P̄·Pᵀ + (I − A·P)·P̄ᵀ·P·Pᵀ + Pᵀ·P·P̄ᵀ·(I − P·A), with P = A⁺, where the rank stays as it is. */
export const pseudoinverse: Op<{ readonly cutoff: number }> = /* @__PURE__ */ defineOp<{
  readonly cutoff: number;
}>({
  name: 'pinv',
  type: ([a]) => {
    const [m, n, batch] = matrixOf('pinv', a);
    return { shape: [...batch, n, m], dtype: floatOf(a.dtype) };
  },
  lower: { form: 'host', run: ({ cutoff }) => pseudoinverseRun(cutoff) },
  batch: 'leading',
  vjp: (g, [a], p) => {
    const x = a.cast(p.dtype);
    const [pt, gt] = [p.transpose(), g.transpose()];
    const inner = pt.matmul(g).matmul(pt).neg();
    const left = gt.matmul(p).matmul(pt);
    const right = pt.matmul(p).matmul(gt);
    return [inner.add(left.sub(x.matmul(p).matmul(left))).add(right.sub(right.matmul(p).matmul(x)))];
  },
});

/** exp A. Ā is the upper right block of exp [[Aᵀ, Ȳ], [0, Aᵀ]]. */
export const expm: Op<undefined> = /* @__PURE__ */ defineOp({
  name: 'expm',
  type: ([a]) => {
    squareOf('expm', a);
    return { shape: a.shape, dtype: floatOf(a.dtype) };
  },
  lower: { form: 'host', run: () => expmRun },
  batch: 'leading',
  vjp: (g, [a]) => {
    const [n] = squareOf('expm', a);
    const at = a.cast(g.dtype).transpose();
    const upper = joined(at, g, -1);
    const before = at.shape.map((_, axis): [number, number] => [axis === at.shape.length - 1 ? n : 0, 0]);
    const lower = at.pad(before);
    const whole = g.apply(expm, [joined(upper, lower, -2)]);
    return [columns(rows(whole, 0, n), n, n)];
  },
});

function identity(like: Tensor, m: number, n: number): Tensor {
  const [row, column] = positions(like, m, n);
  return row.equal(column).cast(like.dtype);
}

/** The elements below the diagonal, or on and above it. */
function triangle(x: Tensor, part: 'below' | 'upper'): Tensor {
  const [row, column] = positions(x, x.shape[x.shape.length - 2], x.shape[x.shape.length - 1]);
  return (part === 'below' ? row.greater(column) : row.lessEqual(column)).where(x, 0);
}

function positions(x: Tensor, rows: number, columns: number): [Tensor, Tensor] {
  return [x.apply(coordinates, [], { shape: [rows, 1] }), x.apply(coordinates, [], { shape: [1, columns] })];
}

/** Elements from `start` of the last axis in the shape of a matrix or vector. */
export function piece(packed: Tensor, start: number, shape: Shape): Tensor {
  const size = shape.reduce((product, n) => product * n, 1);
  return columns(packed, start, size).reshape([...packed.shape.slice(0, -1), ...shape]);
}

function columns(x: Tensor, start: number, size: number): Tensor {
  return x.apply(section, [x], { axis: x.shape.length - 1, start, size, step: 1 });
}

function rows(x: Tensor, start: number, size: number): Tensor {
  return x.apply(section, [x], { axis: x.shape.length - 2, start, size, step: 1 });
}

/** Two matrices side by side (−1), or one above the other (−2). */
function joined(first: Tensor, second: Tensor, axis: -1 | -2): Tensor {
  const at = first.shape.length + axis;
  const shape = first.shape.map((size, i) => (i === at ? size + second.shape[i] : size));
  const steps = shape.map(() => 1);
  const starts = shape.map(() => 0);
  const parts = [
    { starts, steps, moving: [] },
    { starts: starts.map((_, i) => (i === at ? first.shape[at] : 0)), steps, moving: [] },
  ];
  return first.apply(place, [first, second], { shape, parts, fill: 0, accumulate: false });
}
