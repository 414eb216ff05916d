/**
 * Singular values on the host, and what is made of them: the cofactors, which are the derivative of the determinant.
 */
import { scaleByPowerOfTwo } from '../math/bits.ts';
import { dot, eachMatrix, largestExponent, lengthOf, longest, productOf, shortest } from './hostMatrices.ts';
import { determinant } from './linearAlgebraHost.ts';

/**
 * U, then the singular values in descending order, then Vᵀ, by one-sided Jacobi rotations (Hestenes 1958), which find small
 * singular values to high relative accuracy. In each column of V (of U for wide matrices) the entry largest in size is positive.
 */
export const svdRun = eachMatrix(([a], [[m, n]]) => svdOf(a, m, n));

export function svdOf(a: Float64Array, m: number, n: number): Float64Array {
  const k = Math.min(m, n);
  const wide = n > m;
  // Columns of a tall matrix are made orthogonal; a wide one is transposed first.
  const [rows, columns] = wide ? [n, m] : [m, n];
  const work = Array.from({ length: columns }, (_, j) =>
    Float64Array.from({ length: rows }, (_, i) => (wide ? a[j * n + i] : a[i * n + j])),
  );
  const turned = Array.from({ length: columns }, (_, j) =>
    Float64Array.from({ length: columns }, (_, i) => (i === j ? 1 : 0)),
  );
  // Room for rotations above, and for quotients of lengths below.
  const exponent = Math.abs(largestExponent(a)) > 500 ? largestExponent(a) : 0;
  for (const column of work)
    for (let i = 0; i < rows; i++) column[i] = scaleByPowerOfTwo(column[i], -exponent);
  rotateUntilOrthogonal(work, turned);
  const lengths = work.map(lengthOf);
  const order = lengths.map((_, j) => j).sort((x, y) => lengths[y] - lengths[x]);
  const values = order.map((j) => lengths[j]);
  const right = order.map((j) => turned[j]);
  const left = completeBasis(
    order.map((j) => work[j]),
    values,
  );
  for (let j = 0; j < k; j++) {
    if (largestEntry(right[j]) < 0) {
      negate(right[j]);
      negate(left[j]);
    }
  }
  const packed = new Float64Array(m * k + k + k * n);
  const [u, v] = wide ? [right, left] : [left, right];
  for (let i = 0; i < m; i++) for (let j = 0; j < k; j++) packed[i * k + j] = u[j][i];
  for (let j = 0; j < k; j++) packed[m * k + j] = scaleByPowerOfTwo(values[j], exponent);
  for (let j = 0; j < k; j++) for (let i = 0; i < n; i++) packed[m * k + k + j * n + i] = v[j][i];
  return packed;
}

/**
 * The matrix of cofactors, which is the derivative of the determinant: with A = U·S·Vᵀ it is ±U·C·Vᵀ, where C is diagonal
 * and holds the products of the other singular values, so it exists for singular matrices too. The sign is that of det U·det V.
 */
export const cofactorRun = eachMatrix(([a], [[n]]) => {
  const frame = frameOf(a, n);
  const middle = new Float64Array(n * n);
  for (let i = 0; i < n; i++) middle[i * n + i] = frame.sign * productWithout(frame.values, i, i);
  return fromFrame(frame, middle, n);
});

/**
 * The derivative of the cofactors of A in direction H, by the same decomposition: for a diagonal matrix with entries s, the
 * cofactor at (i, i) changes by Σⱼ Hⱼⱼ·pᵢⱼ and the one at (i, j) by −Hⱼᵢ·pᵢⱼ, where pᵢⱼ is the product of all s but sᵢ and sⱼ.
 */
export const cofactorDerivativeRun = eachMatrix(([a, h], [[n]]) => {
  const frame = frameOf(a, n);
  const turned = toFrame(frame, h, n);
  const middle = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      if (i === j) continue;
      const product = frame.sign * productWithout(frame.values, i, j);
      middle[i * n + i] = middle[i * n + i] + product * turned[j * n + j];
      middle[i * n + j] = -product * turned[j * n + i];
    }
  }
  return fromFrame(frame, middle, n);
});

interface Frame {
  readonly u: Float64Array;
  readonly values: Float64Array;
  readonly vt: Float64Array;
  readonly sign: number;
}

function frameOf(a: Float64Array, n: number): Frame {
  const packed = svdOf(a, n, n);
  const [u, values, vt] = [
    packed.subarray(0, n * n),
    packed.subarray(n * n, n * n + n),
    packed.subarray(n * n + n),
  ];
  return { u, values, vt, sign: determinant(u.slice(), n) * determinant(vt.slice(), n) > 0 ? 1 : -1 };
}

function productWithout(values: Float64Array, first: number, second: number): number {
  return productOf(values.filter((_, k) => k !== first && k !== second));
}

/** U·X·Vᵀ. */
function fromFrame({ u, vt }: Frame, x: Float64Array, n: number): Float64Array {
  return product(product(u, x, n), vt, n);
}

/** Uᵀ·X·V. */
function toFrame({ u, vt }: Frame, x: Float64Array, n: number): Float64Array {
  return product(product(flipped(u, n), x, n), flipped(vt, n), n);
}

function product(a: Float64Array, b: Float64Array, n: number): Float64Array {
  const result = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < n; k++) {
      for (let j = 0; j < n; j++) result[i * n + j] = result[i * n + j] + a[i * n + k] * b[k * n + j];
    }
  }
  return result;
}

function flipped(a: Float64Array, n: number): Float64Array {
  return a.map((_, at) => a[(at % n) * n + Math.floor(at / n)]);
}

const epsilon = 2 ** -52;

function rotateUntilOrthogonal(columns: readonly Float64Array[], turned: readonly Float64Array[]): void {
  // How long the rounding errors in a column may be. A column that is not longer counts as 0: it would never become orthogonal.
  const errors = new Float64Array(columns.length);
  for (let sweep = 0; sweep < 60; sweep++) {
    let rotated = false;
    for (let p = 0; p < columns.length; p++) {
      for (let q = p + 1; q < columns.length; q++) {
        const [x, y] = [columns[p], columns[q]];
        const [length, other] = [lengthOf(x), lengthOf(y)];
        if (length === 0 || other === 0) continue;
        const between = cosineOf(x, y, length, other);
        if (Math.abs(between) <= 1e-15) continue;
        rotated = true;
        const ratio = other / length;
        const zeta = (ratio - 1 / ratio) / (2 * between);
        const size = Math.abs(zeta);
        const t = (zeta < 0 ? -1 : 1) / (size + (size < 1e150 ? Math.sqrt(1 + zeta * zeta) : size));
        const cosine = 1 / Math.sqrt(1 + t * t);
        rotate(x, y, cosine, cosine * t);
        const sine = Math.abs(cosine * t);
        const [mine, its] = [errors[p], errors[q]];
        errors[p] = cosine * mine + sine * its + epsilon * (cosine * length + sine * other);
        errors[q] = sine * mine + cosine * its + epsilon * (sine * length + cosine * other);
        if (lengthOf(x) <= errors[p]) x.fill(0);
        if (lengthOf(y) <= errors[q]) y.fill(0);
        rotate(turned[p], turned[q], cosine, cosine * t);
      }
    }
    if (!rotated) return;
  }
}

function rotate(x: Float64Array, y: Float64Array, cosine: number, sine: number): void {
  for (let i = 0; i < x.length; i++) {
    const [a, b] = [x[i], y[i]];
    x[i] = cosine * a - sine * b;
    y[i] = sine * a + cosine * b;
  }
}

/** Columns of length 1; those of singular value 0 are replaced by any that are orthogonal to the others. */
function completeBasis(columns: readonly Float64Array[], lengths: readonly number[]): Float64Array[] {
  const smallest = (lengths[0] ?? 0) * 1e-300;
  const basis = columns.map((column, j) =>
    lengths[j] > smallest ? column.map((x) => x / lengths[j]) : null,
  );
  const known = basis.filter((column) => column !== null);
  return basis.map((column) => {
    if (column !== null) return column;
    const rows = columns[0].length;
    let best = new Float64Array(rows);
    let size = -1;
    for (let axis = 0; axis < rows; axis++) {
      const candidate = new Float64Array(rows);
      candidate[axis] = 1;
      // Twice, because one pass leaves rounding errors.
      for (let pass = 0; pass < 2; pass++) {
        for (const other of known) {
          const share = dot(candidate, other);
          for (let i = 0; i < rows; i++) candidate[i] = candidate[i] - share * other[i];
        }
      }
      const length = lengthOf(candidate);
      if (length > size) {
        size = length;
        best = candidate.map((x) => x / length);
      }
    }
    known.push(best);
    return best;
  });
}

/** The cosine of the angle between two columns of the given lengths. */
function cosineOf(x: Float64Array, y: Float64Array, length: number, other: number): number {
  const safe = Math.min(length, other) > shortest && Math.max(length, other) < longest;
  if (safe) return dot(x, y) / (length * other);
  return x.reduce((sum, value, i) => sum + (value / length) * (y[i] / other), 0);
}

function largestEntry(x: Float64Array): number {
  return x.reduce((best, value) => (Math.abs(value) > Math.abs(best) ? value : best), 0);
}

function negate(x: Float64Array): void {
  for (let i = 0; i < x.length; i++) x[i] = -x[i];
}
