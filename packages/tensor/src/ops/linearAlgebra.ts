/**
 * Linear algebra over the last two axes; leading axes are batches. Values come from routines on the host, rules are
 * written with tensor methods and so hold at any order.
 *
 * Rules: M. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic differentiation" (2008) for
 * solve, inverse and det; I. Murray, "Differentiation of the Cholesky decomposition" (2016); H.-J. Liao et al.,
 * "Differentiable programming tensor networks" (2019) for qr, tall and wide; J. Townsend, "Differentiating the
 * singular value decomposition" (2016). A bar over a letter in the comments is the gradient at it.
 */
import { floatOf, promote } from '../dtype.ts';
import { shapeError } from '../errors.ts';
import type { HostKernel } from '../kernel/kernel.ts';
import { formatShape, type Shape, sameShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { coordinates } from './indexing.ts';
import {
  choleskyRun,
  detRun,
  inverseRun,
  qrRun,
  slogdetRun,
  solveRun,
  solveTriangularRun,
} from './linearAlgebraHost.ts';
import { place, section } from './movement.ts';
import { defineOp, type Lowering, type Op, type TensorType } from './op.ts';
import { cofactorDerivativeRun, cofactorRun, svdRun } from './singularValuesHost.ts';

/* @__NO_SIDE_EFFECTS__ */
function host(run: HostKernel['run']): Lowering<undefined> {
  return { form: 'host', run: () => run };
}

const rowsOf = (t: TensorType): number => t.shape[t.shape.length - 2];
const columnsOf = (t: TensorType): number => t.shape[t.shape.length - 1];
const batchOf = (t: TensorType): Shape => t.shape.slice(0, -2);

/** A = L·Lᵀ; reads the lower triangle of A, so that the gradient at the upper one is 0. */
export const cholesky: Op<undefined> = /* @__PURE__ */ defineOp({
  name: 'cholesky',
  type: ([a]) => ({ shape: square('cholesky', a), dtype: floatOf(a.dtype) }),
  lower: host(choleskyRun),
  batch: 'leading',
  // Ā = L⁻ᵀ·Φ(Lᵀ·L̄)·L⁻¹ folded onto the lower triangle; Φ takes the lower triangle and half of the diagonal.
  vjp: (g, _a, l) => {
    const half = lowerPart(l.transpose().matmul(lowerPart(g)), 'half');
    const right = g.apply(solveTriangular, [l.transpose(), half], { lower: false });
    const whole = g.apply(solveTriangular, [l.transpose(), right.transpose()], { lower: false }).transpose();
    const folded = whole.add(whole.transpose());
    return [lowerPart(folded, 'half')];
  },
});

/** Operands T [..., n, n] and B [..., n, k]: X of T·X = B, reading one triangle of T. */
export const solveTriangular: Op<{ readonly lower: boolean }> = /* @__PURE__ */ defineOp<{
  readonly lower: boolean;
}>({
  name: 'solveTriangular',
  type: (inputs) => systemType('solveTriangular', inputs),
  lower: { form: 'host', run: ({ lower }) => solveTriangularRun(lower) },
  batch: 'leading',
  vjp: (g, [t], x, { lower }) => {
    const right = g.apply(solveTriangular, [t.transpose(), g], { lower: !lower });
    const whole = right.matmul(x.transpose()).neg();
    return [lower ? lowerPart(whole) : lowerPart(whole.transpose()).transpose(), right];
  },
});

/** Operands A [..., n, n] and B [..., n, k]: X of A·X = B. B̄ = A⁻ᵀ·X̄, Ā = −B̄·Xᵀ. */
export const solve: Op<undefined> = /* @__PURE__ */ defineOp({
  name: 'solve',
  type: (inputs) => systemType('solve', inputs),
  lower: host(solveRun),
  batch: 'leading',
  vjp: (g, [a], x) => {
    const right = g.apply(solve, [a.transpose(), g]);
    return [right.matmul(x.transpose()).neg(), right];
  },
});

/** A⁻¹. Ā = −Yᵀ·Ȳ·Yᵀ. */
export const inverse: Op<undefined> = /* @__PURE__ */ defineOp({
  name: 'inverse',
  type: ([a]) => ({ shape: square('inverse', a), dtype: floatOf(a.dtype) }),
  lower: host(inverseRun),
  batch: 'leading',
  vjp: (g, _a, y) => [y.transpose().matmul(g).matmul(y.transpose()).neg()],
});

/** The determinant: [..., n, n] → [...]. Ā = d̄·C with the cofactors C, which singular matrices have too. */
export const det: Op<undefined> = /* @__PURE__ */ defineOp({
  name: 'det',
  type: ([a]) => ({ shape: square('det', a).slice(0, -2), dtype: floatOf(a.dtype) }),
  lower: host(detRun),
  batch: 'leading',
  vjp: (g, [a]) => [g.apply(cofactor, [a]).mul(g.unsqueeze(-1).unsqueeze(-1))],
});

/** The matrix of cofactors C, with A·Cᵀ = det A·I. Its derivative is symmetric: it is the second one of the determinant. */
const cofactor: Op<undefined> = /* @__PURE__ */ defineOp({
  name: 'cofactor',
  type: ([a]) => ({ shape: square('cofactor', a), dtype: floatOf(a.dtype) }),
  lower: host(cofactorRun),
  batch: 'leading',
  vjp: (g, [a]) => [g.apply(cofactorDerivative, [a, g])],
});

/**
 * Operands A and H: the derivative of the cofactors of A in direction H. With Y = A⁻¹ and d = det A,
 * Ā = d·[(t(H)·t(X̄) − tr(YHYX̄))·Y − t(X̄)·YHY − t(H)·YX̄Y + YHYX̄Y + YX̄YHY]ᵀ with t(Z) = tr(YZ), X̄
 * being what arrives: the third derivative of the determinant, for regular matrices.
 */
const cofactorDerivative: Op<undefined> = /* @__PURE__ */ defineOp({
  name: 'cofactorDerivative',
  type: ([a, h]) => ({ shape: square('cofactor', a), dtype: promote(floatOf(a.dtype), floatOf(h.dtype)) }),
  lower: host(cofactorDerivativeRun),
  batch: 'leading',
  vjp: (g, [a, h]) => {
    const y = g.apply(inverse, [a]);
    const [yh, yg] = [y.matmul(h), y.matmul(g)];
    const [th, tg] = [traceOf(yh), traceOf(yg)];
    const both = yh.matmul(yg);
    const sum = th
      .mul(tg)
      .sub(traceOf(both))
      .mul(y)
      .sub(tg.mul(yh.matmul(y)))
      .sub(th.mul(yg.matmul(y)))
      .add(both.matmul(y))
      .add(yg.matmul(yh).matmul(y));
    const d = g.apply(det, [a]).unsqueeze(-1).unsqueeze(-1);
    return [sum.mul(d).transpose(), g.apply(cofactorDerivative, [a, g])];
  },
});

/** The sum of the diagonal, with two axes of size 1 in its place. */
function traceOf(x: Tensor): Tensor {
  return identity(x, columnsOf(x)).mul(x).sum([-2, -1], { keepDims: true });
}

/** Sign and logarithm of the size of the determinant: [..., n, n] → [..., 2]. The sign has no gradient. */
export const slogdet: Op<undefined> = /* @__PURE__ */ defineOp({
  name: 'slogdet',
  type: ([a]) => ({ shape: [...square('slogdet', a).slice(0, -2), 2], dtype: floatOf(a.dtype) }),
  lower: host(slogdetRun),
  batch: 'leading',
  vjp: (g, [a]) => [
    g
      .apply(inverse, [a])
      .transpose()
      .mul(piece(g, 1, [1, 1])),
  ],
});

/** Q [..., m, k] and R [..., k, n] with k = min(m, n), their elements one after the other in one axis. */
export const qr: Op<undefined> = /* @__PURE__ */ defineOp({
  name: 'qr',
  type: ([a]) => {
    const [m, n] = matrixOf('qr', a);
    const k = Math.min(m, n);
    return { shape: [...batchOf(a), m * k + k * n], dtype: floatOf(a.dtype) };
  },
  lower: host(qrRun),
  batch: 'leading',
  vjp: (g, [a], packed) => {
    const [m, n] = [rowsOf(a), columnsOf(a)];
    const [gq, gr] = unpackQr(g, m, n);
    const [q, r] = unpackQr(packed, m, n);
    if (m >= n) return [qrRule(q, r, gq, gr)];
    // A = [X | Y] = Q·[U | V]: X gets what Q owes to both, Y what V says.
    const y = columns(a, m, n - m);
    const u = columns(r, 0, m);
    const [gu, gv] = [columns(gr, 0, m), columns(gr, m, n - m)];
    const gx = qrRule(q, u, gq.add(y.matmul(gv.transpose())), gu);
    return [columnsAside(gx, q.matmul(gv))];
  },
});

/** Ā = (Q̄ + Q·copyltu(M))·R⁻ᵀ with M = R·R̄ᵀ − Q̄ᵀ·Q; copyltu mirrors the lower triangle upwards. */
function qrRule(q: Tensor, r: Tensor, gq: Tensor, gr: Tensor): Tensor {
  const m = r.matmul(gr.transpose()).sub(gq.transpose().matmul(q));
  const lower = lowerPart(m);
  const mirrored = lower.add(lowerPart(m, 'strict').transpose());
  const whole = gq.add(q.matmul(mirrored));
  // X·Rᵀ = whole, so R·Xᵀ = wholeᵀ.
  return q.apply(solveTriangular, [r, whole.transpose()], { lower: false }).transpose();
}

/** Q and R from the elements that `qr` gives. */
export function unpackQr(packed: Tensor, m: number, n: number): [Tensor, Tensor] {
  const k = Math.min(m, n);
  return [piece(packed, 0, [m, k]), piece(packed, m * k, [k, n])];
}

/** U [..., m, k], the singular values [..., k] and Vᵀ [..., k, n] with k = min(m, n), their elements in one axis. */
export const svd: Op<undefined> = /* @__PURE__ */ defineOp({
  name: 'svd',
  type: ([a]) => {
    const [m, n] = matrixOf('svd', a);
    const k = Math.min(m, n);
    return { shape: [...batchOf(a), m * k + k + k * n], dtype: floatOf(a.dtype) };
  },
  lower: host(svdRun),
  batch: 'leading',
  vjp: (g, [a], packed) => {
    const [m, n] = [rowsOf(a), columnsOf(a)];
    const [u, values, vt] = unpackSvd(packed, m, n);
    const [gu, gs, gvt] = unpackSvd(g, m, n);
    const s = values.unsqueeze(-2);
    // 1 / (sⱼ² − sᵢ²) times sⱼ and times sᵢ, in quotients that neither overflow nor vanish where the squares do. Equal singular
    // values count as far apart: what depends on them alone has no gradient through their vectors.
    const across = s.transpose();
    const apart = safeReciprocal(s.sub(across));
    const sum = s.add(across);
    const own = quotient(s, sum).mul(apart);
    const other = quotient(across, sum).mul(apart);
    const inverse = safeReciprocal(s);
    const [v, gv] = [vt.transpose(), gvt.transpose()];
    const turnU = skew(u.transpose().matmul(gu)).mul(own);
    const turnV = skew(vt.matmul(gv)).mul(other);
    const restU = gu.sub(u.matmul(u.transpose().matmul(gu))).mul(inverse);
    const restV = gv
      .sub(v.matmul(vt.matmul(gv)))
      .mul(inverse)
      .transpose();
    const middle = turnU.add(turnV).add(identity(u, Math.min(m, n)).mul(gs.unsqueeze(-2)));
    return [u.matmul(middle).add(restU).matmul(vt).add(u.matmul(restV))];
  },
});

/** U, singular values and Vᵀ from the elements that `svd` gives. */
export function unpackSvd(packed: Tensor, m: number, n: number): [Tensor, Tensor, Tensor] {
  const k = Math.min(m, n);
  return [piece(packed, 0, [m, k]), piece(packed, m * k, [k]), piece(packed, m * k + k, [k, n])];
}

function skew(x: Tensor): Tensor {
  return x.sub(x.transpose());
}

function safeReciprocal(x: Tensor): Tensor {
  const zero = x.equal(0);
  return zero.where(0, zero.where(1, x).reciprocal());
}

/** x ÷ y, 0 where y is 0. */
function quotient(x: Tensor, y: Tensor): Tensor {
  const zero = y.equal(0);
  return zero.where(0, x.div(zero.where(1, y)));
}

function identity(like: Tensor, n: number): Tensor {
  const [row, column] = positions(like, n, n);
  return row.equal(column).cast(like.dtype);
}

/** The lower triangle: with its diagonal, without it, or with half of it. */
function lowerPart(x: Tensor, diagonal: 'whole' | 'strict' | 'half' = 'whole'): Tensor {
  const [row, column] = positions(x, rowsOf(x), columnsOf(x));
  const below = row.greater(column).where(x, 0);
  if (diagonal === 'strict') return below;
  return row.equal(column).where(diagonal === 'half' ? x.mul(0.5) : x, below);
}

function positions(x: Tensor, rows: number, columns: number): [Tensor, Tensor] {
  return [x.apply(coordinates, [], { shape: [rows, 1] }), x.apply(coordinates, [], { shape: [1, columns] })];
}

/** Elements from `start` of the last axis in the shape of a matrix or vector. */
function piece(packed: Tensor, start: number, shape: Shape): Tensor {
  const axis = packed.shape.length - 1;
  const size = shape.reduce((product, n) => product * n, 1);
  return packed
    .apply(section, [packed], { axis, start, size, step: 1 })
    .reshape([...packed.shape.slice(0, -1), ...shape]);
}

function columns(x: Tensor, start: number, size: number): Tensor {
  return x.apply(section, [x], { axis: x.shape.length - 1, start, size, step: 1 });
}

/** Two matrices side by side. */
function columnsAside(left: Tensor, right: Tensor): Tensor {
  const axis = left.shape.length - 1;
  const shape = [...left.shape.slice(0, -1), columnsOf(left) + columnsOf(right)];
  const steps = shape.map(() => 1);
  const starts = shape.map(() => 0);
  const parts = [
    { starts, steps, moving: [] },
    { starts: starts.map((_, i) => (i === axis ? columnsOf(left) : 0)), steps, moving: [] },
  ];
  return left.apply(place, [left, right], { shape, parts, fill: 0, accumulate: false });
}

/** @throws RangeError, in the name of what was called, unless these are square matrices */
export function checkSquare(name: string, a: Tensor): Tensor {
  square(name, a);
  return a;
}

function square(name: string, a: TensorType): Shape {
  const [rows, columns] = matrixOf(name, a);
  if (rows !== columns)
    throw shapeError(`${name}: needs square matrices in the last two axes, got ${formatShape(a.shape)}`);
  return a.shape;
}

function matrixOf(name: string, a: TensorType): [number, number] {
  if (a.shape.length < 2)
    throw shapeError(`${name}: needs matrices in the last two axes, got ${formatShape(a.shape)}`);
  return [rowsOf(a), columnsOf(a)];
}

function systemType(name: string, [a, b]: readonly TensorType[]): TensorType {
  square(name, a);
  if (b.shape.length < 2 || rowsOf(b) !== rowsOf(a) || !sameShape(batchOf(a), batchOf(b))) {
    throw shapeError(
      `${name}: the right-hand side ${formatShape(b.shape)} does not fit matrices ${formatShape(a.shape)}`,
    );
  }
  const dtype = floatOf(a.dtype) === 'float64' || floatOf(b.dtype) === 'float64' ? 'float64' : 'float32';
  return { shape: b.shape, dtype };
}
