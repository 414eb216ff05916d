/**
 * Factorisations of matrices on the host, in float64 whatever the tensors hold: routines over plain arrays in
 * row-major order, one matrix after the other. Sizes are small where these are used, so they are written to be read.
 */
import type { TypedArray } from '../dtype.ts';
import type { HostKernel } from '../kernel.ts';

/** Rows and columns of the matrices in an operand. */
type Size = readonly [rows: number, columns: number];

/** Runs `work` on each matrix of a batch; inputs come as float64 copies, results are rounded to the outputs' dtype. */
/* @__NO_SIDE_EFFECTS__ */
function eachMatrix(
  work: (inputs: readonly Float64Array[], sizes: readonly Size[], batch: number) => Float64Array,
): HostKernel['run'] {
  return (inputs, outputs, shapes) => {
    const output = outputs[0]!;
    const sizes = inputs.map((_, i): Size => [shapes[i]!.at(-2)!, shapes[i]!.at(-1)!]);
    const batches = shapes[0]!.slice(0, -2).reduce((product, n) => product * n, 1);
    const length = batches === 0 ? 0 : output.length / batches;
    for (let batch = 0; batch < batches; batch++) {
      const own = inputs.map((input, i) => Float64Array.from(matrix(input, sizes[i]!, batch)));
      output.set(work(own, sizes, batch), batch * length);
    }
  };
}

function matrix(data: TypedArray, [rows, columns]: Size, batch: number): TypedArray {
  const size = rows * columns;
  return data.subarray(batch * size, (batch + 1) * size);
}

/** A = L·Lᵀ (Cholesky–Banachiewicz); reads the lower triangle. */
export const choleskyRun = eachMatrix(([a], [[n]], batch) => {
  const l = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = a![i * n + j]!;
      for (let k = 0; k < j; k++) sum -= l[i * n + k]! * l[j * n + k]!;
      if (i !== j) {
        l[i * n + j] = sum / l[j * n + j]!;
      } else {
        if (!(sum > 0)) {
          throw new RangeError(
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
  const { order } = factor(a!, n, 'solve', batch);
  return substitute(a!, order, b!, n, columns);
});

/** A⁻¹. */
export const inverseRun = eachMatrix(([a], [[n]], batch) => {
  const { order } = factor(a!, n, 'inverse', batch);
  const identity = new Float64Array(n * n);
  for (let i = 0; i < n; i++) identity[i * n + i] = 1;
  return substitute(a!, order, identity, n, n);
});

/** The determinant. */
export const detRun = eachMatrix(([a], [[n]]) => Float64Array.of(determinant(a!, n)));

/** Writes over the matrix. */
function determinant(a: Float64Array, n: number): number {
  let product = factor(a, n, null, 0).sign;
  for (let i = 0; i < n; i++) product *= a[i * n + i]!;
  // Not −0 for singular matrices.
  return product + 0;
}

/** The determinant's sign and the logarithm of its size. */
export const slogdetRun = eachMatrix(([a], [[n]]) => {
  let { sign } = factor(a!, n, null, 0);
  let logarithm = 0;
  for (let i = 0; i < n; i++) {
    const pivot = a![i * n + i]!;
    sign *= Math.sign(pivot);
    logarithm += Math.log(Math.abs(pivot));
  }
  return Float64Array.of(sign + 0, logarithm);
});

/** X of T·X = B for a triangular T; reads that triangle only. */
export function solveTriangularRun(lower: boolean): HostKernel['run'] {
  return eachMatrix(([t, b], [[n], [, columns]], batch) => {
    const x = b!;
    for (let step = 0; step < n; step++) {
      const i = lower ? step : n - 1 - step;
      const pivot = t![i * n + i]!;
      if (pivot === 0) throw singular('solveTriangular', batch, i);
      for (let c = 0; c < columns; c++) {
        let sum = x[i * columns + c]!;
        for (let k = lower ? 0 : i + 1; k < (lower ? i : n); k++) sum -= t![i * n + k]! * x[k * columns + c]!;
        x[i * columns + c] = sum / pivot;
      }
    }
    return x;
  });
}

/** Q, then R, of A = Q·R by Householder reflections; signs as LAPACK has them. */
export const qrRun = eachMatrix(([a], [[m, n]]) => {
  const k = Math.min(m, n);
  const r = a!;
  const q = new Float64Array(m * m);
  for (let i = 0; i < m; i++) q[i * m + i] = 1;
  for (let j = 0; j < Math.min(m - 1, n); j++) {
    let below = 0;
    for (let i = j + 1; i < m; i++) below += r[i * n + j]! ** 2;
    if (below === 0) continue;
    const head = r[j * n + j]!;
    const length = Math.sqrt(head * head + below);
    const beta = head > 0 ? -length : length;
    const v = new Float64Array(m);
    v[j] = head - beta;
    for (let i = j + 1; i < m; i++) v[i] = r[i * n + j]!;
    const scale = 2 / (v[j]! ** 2 + below);
    for (let c = j; c < n; c++) {
      let dot = 0;
      for (let i = j; i < m; i++) dot += v[i]! * r[i * n + c]!;
      for (let i = j; i < m; i++) r[i * n + c] = r[i * n + c]! - scale * dot * v[i]!;
    }
    for (let i = j + 1; i < m; i++) r[i * n + j] = 0;
    for (let row = 0; row < m; row++) {
      let dot = 0;
      for (let i = j; i < m; i++) dot += q[row * m + i]! * v[i]!;
      for (let i = j; i < m; i++) q[row * m + i] = q[row * m + i]! - scale * dot * v[i]!;
    }
  }
  const packed = new Float64Array(m * k + k * n);
  for (let i = 0; i < m; i++) for (let j = 0; j < k; j++) packed[i * k + j] = q[i * m + j]!;
  packed.set(r.subarray(0, k * n), m * k);
  return packed;
});

/**
 * U, then the singular values in descending order, then Vᵀ, by one-sided Jacobi rotations (Hestenes 1958), which find small
 * singular values to high relative accuracy. In each column of V (of U for wide matrices) the entry largest in size is positive.
 */
export const svdRun = eachMatrix(([a], [[m, n]]) => svdOf(a!, m, n));

function svdOf(a: Float64Array, m: number, n: number): Float64Array {
  const k = Math.min(m, n);
  const wide = n > m;
  // Columns of a tall matrix are made orthogonal; a wide one is transposed first.
  const [rows, columns] = wide ? [n, m] : [m, n];
  const work = Array.from({ length: columns }, (_, j) =>
    Float64Array.from({ length: rows }, (_, i) => (wide ? a[j * n + i]! : a[i * n + j]!)),
  );
  const turned = Array.from({ length: columns }, (_, j) =>
    Float64Array.from({ length: columns }, (_, i) => (i === j ? 1 : 0)),
  );
  rotateUntilOrthogonal(work, turned);
  const lengths = work.map((column) => Math.sqrt(dot(column, column)));
  const order = lengths.map((_, j) => j).sort((x, y) => lengths[y]! - lengths[x]!);
  const values = order.map((j) => lengths[j]!);
  const right = order.map((j) => turned[j]!);
  const left = completeBasis(
    order.map((j) => work[j]!),
    values,
  );
  for (let j = 0; j < k; j++) {
    if (largestEntry(right[j]!) < 0) {
      negate(right[j]!);
      negate(left[j]!);
    }
  }
  const packed = new Float64Array(m * k + k + k * n);
  const [u, v] = wide ? [right, left] : [left, right];
  for (let i = 0; i < m; i++) for (let j = 0; j < k; j++) packed[i * k + j] = u[j]![i]!;
  packed.set(values, m * k);
  for (let j = 0; j < k; j++) for (let i = 0; i < n; i++) packed[m * k + k + j * n + i] = v[j]![i]!;
  return packed;
}

/**
 * The matrix of cofactors, which is the derivative of the determinant: with A = U·S·Vᵀ it is ±U·C·Vᵀ, where C is diagonal
 * and holds the products of the other singular values, so it exists for singular matrices too. The sign is that of det U·det V.
 */
export const cofactorRun = eachMatrix(([a], [[n]]) => {
  const frame = frameOf(a!, n);
  const middle = new Float64Array(n * n);
  for (let i = 0; i < n; i++) middle[i * n + i] = frame.sign * productWithout(frame.values, i, i);
  return fromFrame(frame, middle, n);
});

/**
 * The derivative of the cofactors of A in direction H, by the same decomposition: for a diagonal matrix with entries s, the
 * cofactor at (i, i) changes by Σⱼ Hⱼⱼ·pᵢⱼ and the one at (i, j) by −Hⱼᵢ·pᵢⱼ, where pᵢⱼ is the product of all s but sᵢ and sⱼ.
 */
export const cofactorDerivativeRun = eachMatrix(([a, h], [[n]]) => {
  const frame = frameOf(a!, n);
  const turned = toFrame(frame, h!, n);
  const middle = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      if (i === j) continue;
      const product = frame.sign * productWithout(frame.values, i, j);
      middle[i * n + i] = middle[i * n + i]! + product * turned[j * n + j]!;
      middle[i * n + j] = -product * turned[j * n + i]!;
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
  return values.reduce((product, value, k) => (k === first || k === second ? product : product * value), 1);
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
      for (let j = 0; j < n; j++) result[i * n + j] = result[i * n + j]! + a[i * n + k]! * b[k * n + j]!;
    }
  }
  return result;
}

function flipped(a: Float64Array, n: number): Float64Array {
  return a.map((_, at) => a[(at % n) * n + Math.floor(at / n)]!);
}

function rotateUntilOrthogonal(columns: readonly Float64Array[], turned: readonly Float64Array[]): void {
  for (let sweep = 0; sweep < 60; sweep++) {
    let rotated = false;
    for (let p = 0; p < columns.length; p++) {
      for (let q = p + 1; q < columns.length; q++) {
        const [x, y] = [columns[p]!, columns[q]!];
        const [xx, yy, xy] = [dot(x, x), dot(y, y), dot(x, y)];
        if (xy === 0 || Math.abs(xy) <= 1e-15 * Math.sqrt(xx * yy)) continue;
        rotated = true;
        const zeta = (yy - xx) / (2 * xy);
        const t = Math.sign(zeta || 1) / (Math.abs(zeta) + Math.hypot(1, zeta));
        const cosine = 1 / Math.hypot(1, t);
        rotate(x, y, cosine, cosine * t);
        rotate(turned[p]!, turned[q]!, cosine, cosine * t);
      }
    }
    if (!rotated) return;
  }
}

function rotate(x: Float64Array, y: Float64Array, cosine: number, sine: number): void {
  for (let i = 0; i < x.length; i++) {
    const [a, b] = [x[i]!, y[i]!];
    x[i] = cosine * a - sine * b;
    y[i] = sine * a + cosine * b;
  }
}

/** Columns of length 1; those of singular value 0 are replaced by any that are orthogonal to the others. */
function completeBasis(columns: readonly Float64Array[], lengths: readonly number[]): Float64Array[] {
  const smallest = (lengths[0] ?? 0) * 1e-300;
  const basis = columns.map((column, j) =>
    lengths[j]! > smallest ? column.map((x) => x / lengths[j]!) : null,
  );
  const known = basis.filter((column) => column !== null);
  return basis.map((column) => {
    if (column !== null) return column;
    const rows = columns[0]!.length;
    let best = new Float64Array(rows);
    let size = -1;
    for (let axis = 0; axis < rows; axis++) {
      const candidate = new Float64Array(rows);
      candidate[axis] = 1;
      // Twice, because one pass leaves rounding errors.
      for (let pass = 0; pass < 2; pass++) {
        for (const other of known) {
          const share = dot(candidate, other);
          for (let i = 0; i < rows; i++) candidate[i] = candidate[i]! - share * other[i]!;
        }
      }
      const length = Math.sqrt(dot(candidate, candidate));
      if (length > size) {
        size = length;
        best = candidate.map((x) => x / length);
      }
    }
    known.push(best);
    return best;
  });
}

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
    for (let i = j + 1; i < n; i++) if (Math.abs(a[i * n + j]!) > Math.abs(a[pivot * n + j]!)) pivot = i;
    if (pivot !== j) {
      for (let c = 0; c < n; c++) [a[j * n + c], a[pivot * n + c]] = [a[pivot * n + c]!, a[j * n + c]!];
      [order[j], order[pivot]] = [order[pivot]!, order[j]!];
      sign = -sign;
    }
    const top = a[j * n + j]!;
    if (top === 0) {
      if (name !== null) throw singular(name, batch, j);
      continue;
    }
    for (let i = j + 1; i < n; i++) {
      const share = a[i * n + j]! / top;
      a[i * n + j] = share;
      for (let c = j + 1; c < n; c++) a[i * n + c] = a[i * n + c]! - share * a[j * n + c]!;
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
      let sum = b[order[i]! * columns + c]!;
      for (let k = 0; k < i; k++) sum -= lu[i * n + k]! * x[k * columns + c]!;
      x[i * columns + c] = sum;
    }
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let c = 0; c < columns; c++) {
      let sum = x[i * columns + c]!;
      for (let k = i + 1; k < n; k++) sum -= lu[i * n + k]! * x[k * columns + c]!;
      x[i * columns + c] = sum / lu[i * n + i]!;
    }
  }
  return x;
}

function singular(name: string, batch: number, pivot: number): RangeError {
  return new RangeError(
    `${name}: matrix ${batch} is singular: pivot ${pivot} is 0; its rows are not linearly independent`,
  );
}

function dot(x: Float64Array, y: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i]! * y[i]!;
  return sum;
}

function largestEntry(x: Float64Array): number {
  return x.reduce((best, value) => (Math.abs(value) > Math.abs(best) ? value : best), 0);
}

function negate(x: Float64Array): void {
  for (let i = 0; i < x.length; i++) x[i] = -x[i]!;
}
