/**
 * Factors and functions of matrices on the host, in float64: LU, the pseudoinverse, the exponential.
 */
import type { HostKernel } from '../kernel/kernel.ts';
import { eachMatrix } from './hostMatrices.ts';
import { svdOf } from './singularValuesHost.ts';

/**
 * L\U [m, n], the unit diagonal of L left out, then for each row of P·A the row of A it was: Gaussian elimination with row pivoting (Golub & Van
 * Loan, algorithm 3.4.1).
 */
export const luRun = eachMatrix(([a], [[m, n]]) => {
  const order = Array.from({ length: m }, (_, i) => i);
  for (let j = 0; j < Math.min(m, n); j++) {
    let pivot = j;
    for (let i = j + 1; i < m; i++) if (Math.abs(a[i * n + j]) > Math.abs(a[pivot * n + j])) pivot = i;
    if (pivot !== j) {
      for (let c = 0; c < n; c++) [a[j * n + c], a[pivot * n + c]] = [a[pivot * n + c], a[j * n + c]];
      [order[j], order[pivot]] = [order[pivot], order[j]];
    }
    const top = a[j * n + j];
    if (top === 0) continue;
    for (let i = j + 1; i < m; i++) {
      const share = a[i * n + j] / top;
      a[i * n + j] = share;
      for (let c = j + 1; c < n; c++) a[i * n + c] -= share * a[j * n + c];
    }
  }
  const packed = new Float64Array(m * n + m);
  packed.set(a);
  packed.set(order, m * n);
  return packed;
});

/** The pseudoinverse [n, m]; singular values up to `cutoff` times the largest count as 0. */
export function pseudoinverseRun(cutoff: number): HostKernel['run'] {
  return eachMatrix(([a], [[m, n]]) => {
    const k = Math.min(m, n);
    const result = new Float64Array(n * m);
    if (k === 0) return result;
    const packed = svdOf(a, m, n);
    const s = packed.subarray(m * k, m * k + k);
    const vt = packed.subarray(m * k + k);
    for (let r = 0; r < k; r++) {
      if (!(s[r] > cutoff * s[0])) continue;
      for (let j = 0; j < n; j++) {
        const share = vt[r * n + j] / s[r];
        for (let i = 0; i < m; i++) result[j * m + i] += share * packed[i * k + r];
      }
    }
    return result;
  });
}

/** Coefficients of the Padé approximant of degree 13: N. Higham, "The scaling and squaring method for the matrix exponential revisited" (2005). */
const pade = [
  64764752532480000, 32382376266240000, 7771770303897600, 1187353796428800, 129060195264000, 10559470521600, 670442572800,
  33522128640, 1323241920, 40840800, 960960, 16380, 182, 1,
]; // biome-ignore format: a table

/** Norms up to this need no scaling: table 2.3, there. */
const largestNorm = 5.371920351148152;

/** The exponential of a square matrix. */
export const expmRun = eachMatrix(([a], [[n]]) => {
  let norm = 0;
  for (let j = 0; j < n; j++) {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += Math.abs(a[i * n + j]);
    norm = Math.max(norm, sum);
  }
  if (n === 0 || !Number.isFinite(norm) || a.some(Number.isNaN))
    return new Float64Array(n * n).fill(Number.NaN);
  let squarings = 0;
  let scale = 1;
  while (norm * scale > largestNorm) {
    scale /= 2;
    squarings++;
  }
  const x = a.map((value) => value * scale);
  const x2 = product(x, x, n);
  const x4 = product(x2, x2, n);
  const x6 = product(x4, x2, n);
  const mix = (...terms: readonly (readonly [number, Float64Array | null])[]): Float64Array => {
    const sum = new Float64Array(n * n);
    for (const [factor, matrix] of terms) {
      if (matrix === null) for (let i = 0; i < n; i++) sum[i * n + i] += factor;
      else for (let i = 0; i < sum.length; i++) sum[i] += factor * matrix[i];
    }
    return sum;
  };
  const high = mix([pade[13], x6], [pade[11], x4], [pade[9], x2]);
  const odd = mix([1, product(x6, high, n)], [pade[7], x6], [pade[5], x4], [pade[3], x2], [pade[1], null]);
  const u = product(x, odd, n);
  const even = mix([pade[12], x6], [pade[10], x4], [pade[8], x2]);
  const v = mix([1, product(x6, even, n)], [pade[6], x6], [pade[4], x4], [pade[2], x2], [pade[0], null]);
  let result = solved(mix([1, v], [-1, u]), mix([1, v], [1, u]), n);
  for (let i = 0; i < squarings; i++) result = product(result, result, n);
  return result;
});

function product(a: Float64Array, b: Float64Array, n: number): Float64Array {
  const c = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let k = 0; k < n; k++) {
      const x = a[i * n + k];
      if (x !== 0) for (let j = 0; j < n; j++) c[i * n + j] += x * b[k * n + j];
    }
  return c;
}

/** X of A·X = B, by elimination with row pivoting; writes over both. */
function solved(a: Float64Array, b: Float64Array, n: number): Float64Array {
  for (let j = 0; j < n; j++) {
    let pivot = j;
    for (let i = j + 1; i < n; i++) if (Math.abs(a[i * n + j]) > Math.abs(a[pivot * n + j])) pivot = i;
    for (const matrix of pivot === j ? [] : [a, b])
      for (let c = 0; c < n; c++)
        [matrix[j * n + c], matrix[pivot * n + c]] = [matrix[pivot * n + c], matrix[j * n + c]];
    for (let i = j + 1; i < n; i++) {
      const share = a[i * n + j] / a[j * n + j];
      for (let c = j; c < n; c++) a[i * n + c] -= share * a[j * n + c];
      for (let c = 0; c < n; c++) b[i * n + c] -= share * b[j * n + c];
    }
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let c = 0; c < n; c++) {
      let sum = b[i * n + c];
      for (let k = i + 1; k < n; k++) sum -= a[i * n + k] * b[k * n + c];
      b[i * n + c] = sum / a[i * n + i];
    }
  }
  return b;
}
