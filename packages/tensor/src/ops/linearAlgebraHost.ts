/**
 * Factorizations of matrices on the host, in float64 whatever the tensors hold: routines over plain arrays in
 * row-major order, one matrix after the other. Sizes are small where these are used, so they are written to be read.
 */

import { codedError } from '../errors.ts';
import type { HostKernel } from '../kernel/kernel.ts';
import { log } from '../math/index.ts';
import { eachMatrix, lengthOf, productOf } from './hostMatrices.ts';

/** A = L·Lᵀ (Cholesky–Banachiewicz); reads the lower triangle. */
export const choleskyRun = eachMatrix(([a], [[n]], batch) => {
  const l = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = a[i * n + j];
      for (let k = 0; k < j; k++) sum -= l[i * n + k] * l[j * n + k];
      if (i !== j) {
        l[i * n + j] = sum / l[j * n + j];
      } else {
        if (!(sum > 0)) {
          throw codedError(
            RangeError,
            'AG_SINGULAR_MATRIX',
            `cholesky: matrix ${batch} is not positive definite: pivot ${i} is ${sum}. Covariances often need a small multiple of the identity added.`,
          );
        }
        l[i * n + i] = Math.sqrt(sum);
      }
    }
  }
  return l;
});

/** X of A·X = B. */
export const solveRun = eachMatrix(([a, b], [[n], [, columns]], batch) => {
  const { order } = factor(a, n, 'solve', batch);
  return substitute(a, order, b, n, columns);
});

/** A⁻¹. */
export const inverseRun = eachMatrix(([a], [[n]], batch) => {
  const { order } = factor(a, n, 'inverse', batch);
  const identity = new Float64Array(n * n);
  for (let i = 0; i < n; i++) identity[i * n + i] = 1;
  return substitute(a, order, identity, n, n);
});

/** The determinant. */
export const detRun = eachMatrix(([a], [[n]]) => Float64Array.of(determinant(a, n)));

/** Writes over the matrix. */
export function determinant(a: Float64Array, n: number): number {
  const { sign } = factor(a, n, null, 0);
  // Not −0 for singular matrices.
  return sign * productOf(Array.from({ length: n }, (_, i) => a[i * n + i])) + 0;
}

/** The determinant's sign and the logarithm of its size. */
export const slogdetRun = eachMatrix(([a], [[n]]) => {
  let { sign } = factor(a, n, null, 0);
  let logarithm = 0;
  for (let i = 0; i < n; i++) {
    const pivot = a[i * n + i];
    sign *= Math.sign(pivot);
    logarithm += log(Math.abs(pivot));
  }
  return Float64Array.of(sign + 0, logarithm);
});

/** X of T·X = B for a triangular T; reads that triangle only. */
export function solveTriangularRun(lower: boolean): HostKernel['run'] {
  return eachMatrix(([t, b], [[n], [, columns]], batch) => {
    const x = b;
    for (let step = 0; step < n; step++) {
      const i = lower ? step : n - 1 - step;
      const pivot = t[i * n + i];
      if (pivot === 0) throw singular('solveTriangular', batch, i);
      for (let c = 0; c < columns; c++) {
        let sum = x[i * columns + c];
        for (let k = lower ? 0 : i + 1; k < (lower ? i : n); k++) sum -= t[i * n + k] * x[k * columns + c];
        x[i * columns + c] = sum / pivot;
      }
    }
    return x;
  });
}

/** Q, then R, of A = Q·R by Householder reflections; signs as LAPACK has them. */
export const qrRun = eachMatrix(([a], [[m, n]]) => {
  const k = Math.min(m, n);
  const r = a;
  const q = new Float64Array(m * m);
  for (let i = 0; i < m; i++) q[i * m + i] = 1;
  const v = new Float64Array(m);
  for (let j = 0; j < Math.min(m - 1, n); j++) {
    const head = r[j * n + j];
    for (let i = j; i < m; i++) v[i] = r[i * n + j];
    const length = lengthOf(v.subarray(j));
    if (lengthOf(v.subarray(j + 1)) === 0) continue;
    // LAPACK's dlarfg: opposite to the head, so that nothing cancels; a head of 0 counts as positive.
    const beta = head < 0 || Object.is(head, -0) ? length : -length;
    const scale = (beta - head) / beta;
    for (let i = j + 1; i < m; i++) v[i] = v[i] / (head - beta);
    v[j] = 1;
    for (let c = j + 1; c < n; c++) {
      let dot = 0;
      for (let i = j; i < m; i++) dot += v[i] * r[i * n + c];
      for (let i = j; i < m; i++) r[i * n + c] = r[i * n + c] - scale * dot * v[i];
    }
    r[j * n + j] = beta;
    for (let i = j + 1; i < m; i++) r[i * n + j] = 0;
    for (let row = 0; row < m; row++) {
      let dot = 0;
      for (let i = j; i < m; i++) dot += q[row * m + i] * v[i];
      for (let i = j; i < m; i++) q[row * m + i] = q[row * m + i] - scale * dot * v[i];
    }
  }
  const packed = new Float64Array(m * k + k * n);
  for (let i = 0; i < m; i++) for (let j = 0; j < k; j++) packed[i * k + j] = q[i * m + j];
  packed.set(r.subarray(0, k * n), m * k);
  return packed;
});

/** LU with row pivoting in place (Golub & Van Loan, algorithm 3.4.1); a zero pivot throws where `name` is given. */
function factor(
  a: Float64Array,
  n: number,
  name: string | null,
  batch: number,
): { order: number[]; sign: number } {
  const order = Array.from({ length: n }, (_, i) => i);
  let sign = 1;
  for (let j = 0; j < n; j++) {
    let pivot = j;
    for (let i = j + 1; i < n; i++) if (Math.abs(a[i * n + j]) > Math.abs(a[pivot * n + j])) pivot = i;
    if (pivot !== j) {
      for (let c = 0; c < n; c++) [a[j * n + c], a[pivot * n + c]] = [a[pivot * n + c], a[j * n + c]];
      [order[j], order[pivot]] = [order[pivot], order[j]];
      sign = -sign;
    }
    const top = a[j * n + j];
    if (top === 0) {
      if (name !== null) throw singular(name, batch, j);
      continue;
    }
    for (let i = j + 1; i < n; i++) {
      const share = a[i * n + j] / top;
      a[i * n + j] = share;
      for (let c = j + 1; c < n; c++) a[i * n + c] = a[i * n + c] - share * a[j * n + c];
    }
  }
  return { order, sign };
}

/** Forward, then backward substitution with a matrix that `factor` left. */
function substitute(
  lu: Float64Array,
  order: readonly number[],
  b: Float64Array,
  n: number,
  columns: number,
): Float64Array {
  const x = new Float64Array(n * columns);
  for (let i = 0; i < n; i++) {
    for (let c = 0; c < columns; c++) {
      let sum = b[order[i] * columns + c];
      for (let k = 0; k < i; k++) sum -= lu[i * n + k] * x[k * columns + c];
      x[i * columns + c] = sum;
    }
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let c = 0; c < columns; c++) {
      let sum = x[i * columns + c];
      for (let k = i + 1; k < n; k++) sum -= lu[i * n + k] * x[k * columns + c];
      x[i * columns + c] = sum / lu[i * n + i];
    }
  }
  return x;
}

function singular(name: string, batch: number, pivot: number): RangeError {
  return codedError(
    RangeError,
    'AG_SINGULAR_MATRIX',
    `${name}: matrix ${batch} is singular: pivot ${pivot} is 0; its rows are not linearly independent`,
  );
}
