/**
 * Eigenvalues on the host, in float64: of symmetric matrices by rotations (C. Jacobi, 1846; Golub & Van Loan, *Matrix Computations*, 8.5), of
 * others by the shifted QR algorithm on a Hessenberg matrix (7.5, there).
 */
import { codedError } from '../errors.ts';
import { eachMatrix, lengthOf } from './hostMatrices.ts';

/** Values, ascending, then vectors as columns, of a symmetric matrix; reads the lower triangle. */
export const eighRun = eachMatrix(([a], [[n]], batch) => {
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) a[j * n + i] = a[i * n + j];
  const v = new Float64Array(n * n);
  for (let i = 0; i < n; i++) v[i * n + i] = 1;
  checkFinite(a, 'eigh', batch);
  const size = lengthOf(a);
  const small = size * 2 ** -53;
  for (let sweep = 0; sweep < 60; sweep++) {
    let largest = 0;
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        const off = Math.abs(a[p * n + q]);
        largest = Math.max(largest, off);
        if (off > small * 2 ** -20) rotate(a, v, n, p, q);
      }
    }
    if (largest <= small * 2 ** -10) break;
  }
  const order = Array.from({ length: n }, (_, i) => i).sort((i, j) => a[i * n + i] - a[j * n + j] || i - j);
  const packed = new Float64Array(n + n * n);
  order.forEach((from, to) => {
    packed[to] = a[from * n + from];
    // Signs are arbitrary: the largest element counts as positive.
    let largest = 0;
    for (let i = 0; i < n; i++)
      if (Math.abs(v[i * n + from]) > Math.abs(largest) * (1 + 1e-10)) largest = v[i * n + from];
    for (let i = 0; i < n; i++) packed[n + i * n + to] = largest < 0 ? -v[i * n + from] : v[i * n + from];
  });
  return packed;
});

/** Turns the plane of axes p and q so that the element between them vanishes. */
function rotate(a: Float64Array, v: Float64Array, n: number, p: number, q: number): void {
  const between = a[p * n + q];
  const theta = (a[q * n + q] - a[p * n + p]) / (2 * between);
  const root = Math.abs(theta) > 1e150 ? 2 * Math.abs(theta) : Math.abs(theta) + Math.sqrt(theta * theta + 1);
  const t = (theta < 0 ? -1 : 1) / root;
  const c = 1 / Math.sqrt(t * t + 1);
  const s = t * c;
  a[p * n + p] -= t * between;
  a[q * n + q] += t * between;
  a[p * n + q] = 0;
  a[q * n + p] = 0;
  for (let i = 0; i < n; i++) {
    if (i !== p && i !== q) {
      const x = a[i * n + p];
      const y = a[i * n + q];
      a[i * n + p] = c * x - s * y;
      a[p * n + i] = a[i * n + p];
      a[i * n + q] = s * x + c * y;
      a[q * n + i] = a[i * n + q];
    }
    const x = v[i * n + p];
    const y = v[i * n + q];
    v[i * n + p] = c * x - s * y;
    v[i * n + q] = s * x + c * y;
  }
}

/** Eigenvalues of any real matrix as pairs of real and imaginary part, by ascending real part, then imaginary part. */
export const eigenvaluesRun = eachMatrix(([a], [[n]], batch) => {
  checkFinite(a, 'eigvals', batch);
  toHessenberg(a, n);
  const values = hessenbergValues(a, n, batch);
  values.sort(([a1, b1], [a2, b2]) => a1 - a2 || b1 - b2);
  return Float64Array.from(values.flat());
});

/** Similar to the matrix, zero below the first subdiagonal: by Householder reflections. */
function toHessenberg(a: Float64Array, n: number): void {
  const v = new Float64Array(n);
  for (let k = 0; k < n - 2; k++) {
    for (let i = k + 1; i < n; i++) v[i] = a[i * n + k];
    const length = lengthOf(v.subarray(k + 1));
    if (length === 0 || lengthOf(v.subarray(k + 2)) === 0) continue;
    const head = v[k + 1];
    const beta = head < 0 ? length : -length;
    const scale = (beta - head) / beta;
    for (let i = k + 2; i < n; i++) v[i] /= head - beta;
    v[k + 1] = 1;
    for (let c = k; c < n; c++) {
      let sum = 0;
      for (let i = k + 1; i < n; i++) sum += v[i] * a[i * n + c];
      for (let i = k + 1; i < n; i++) a[i * n + c] -= scale * sum * v[i];
    }
    for (let r = 0; r < n; r++) {
      let sum = 0;
      for (let i = k + 1; i < n; i++) sum += a[r * n + i] * v[i];
      for (let i = k + 1; i < n; i++) a[r * n + i] -= scale * sum * v[i];
    }
    for (let i = k + 2; i < n; i++) a[i * n + k] = 0;
  }
}

/** Francis' double steps: two shifts at once keep the numbers real. Writes over the matrix. */
function hessenbergValues(h: Float64Array, n: number, batch: number): [number, number][] {
  const values: [number, number][] = [];
  const at = (i: number, j: number): number => h[i * n + j];
  let high = n - 1;
  let steps = 0;
  while (high >= 0) {
    // Where the matrix falls apart.
    let low = high;
    while (low > 0) {
      const around = Math.abs(at(low - 1, low - 1)) + Math.abs(at(low, low));
      if (Math.abs(at(low, low - 1)) <= 2 ** -52 * (around === 0 ? 1e-300 : around)) break;
      low--;
    }
    if (low > 0) h[low * n + low - 1] = 0;
    if (low === high) {
      values.push([at(high, high), 0]);
      high--;
      steps = 0;
    } else if (low === high - 1) {
      values.push(...valuesOfTwo(at(low, low), at(low, high), at(high, low), at(high, high)));
      high -= 2;
      steps = 0;
    } else {
      if (++steps > 60 + n) {
        throw codedError(
          RangeError,
          'AG_SINGULAR_MATRIX',
          `eigvals: the eigenvalues of matrix ${batch} were not found in ${steps - 1} steps`,
        );
      }
      francisStep(h, n, low, high, steps);
    }
  }
  return values;
}

function valuesOfTwo(a: number, b: number, c: number, d: number): [number, number][] {
  const half = (a - d) / 2;
  const middle = d + half;
  const square = half * half + b * c;
  if (square < 0) {
    const im = Math.sqrt(-square);
    return [
      [middle, -im],
      [middle, im],
    ];
  }
  // The larger one first: the other is the determinant divided by it, without a difference of near numbers.
  const z = half + (half < 0 ? -Math.sqrt(square) : Math.sqrt(square));
  return [
    [d + z, 0],
    [z === 0 ? d : d - (b * c) / z, 0],
  ];
}

function francisStep(h: Float64Array, n: number, low: number, high: number, steps: number): void {
  const at = (i: number, j: number): number => h[i * n + j];
  let sum = at(high - 1, high - 1) + at(high, high);
  let product = at(high - 1, high - 1) * at(high, high) - at(high - 1, high) * at(high, high - 1);
  if (steps % 10 === 0) {
    // Exceptional shifts where the usual ones go in circles.
    const around = Math.abs(at(high, high - 1)) + Math.abs(at(high - 1, high - 2));
    sum = 1.5 * around;
    product = around * around;
  }
  let x = at(low, low) * at(low, low) + at(low, low + 1) * at(low + 1, low) - sum * at(low, low) + product;
  let y = at(low + 1, low) * (at(low, low) + at(low + 1, low + 1) - sum);
  let z = at(low + 1, low) * at(low + 2, low + 1);
  for (let k = low; k < high; k++) {
    const last = Math.min(k + 2, high);
    const v = last === k + 2 ? [x, y, z] : [x, y];
    const length = lengthOf(Float64Array.from(v));
    if (length !== 0) {
      const beta = v[0] < 0 ? length : -length;
      const scale = (beta - v[0]) / beta;
      const u = v.map((value, i) => (i === 0 ? 1 : value / (v[0] - beta)));
      for (let c = Math.max(low, k - 1); c < n; c++) {
        let dot = 0;
        u.forEach((own, i) => {
          dot += own * h[(k + i) * n + c];
        });
        u.forEach((own, i) => {
          h[(k + i) * n + c] -= scale * dot * own;
        });
      }
      for (let r = 0; r <= Math.min(k + 3, high); r++) {
        let dot = 0;
        u.forEach((own, i) => {
          dot += own * h[r * n + k + i];
        });
        u.forEach((own, i) => {
          h[r * n + k + i] -= scale * dot * own;
        });
      }
      if (k > low) for (let i = 1; i < u.length; i++) h[(k + i) * n + k - 1] = 0;
    }
    x = at(k + 1, k);
    y = k + 2 <= high ? at(k + 2, k) : 0;
    z = k + 3 <= high ? at(k + 3, k) : 0;
  }
}

function checkFinite(a: Float64Array, name: string, batch: number): void {
  if (a.every(Number.isFinite)) return;
  throw codedError(RangeError, 'AG_SINGULAR_MATRIX', `${name}: matrix ${batch} holds NaN or an infinity`);
}
