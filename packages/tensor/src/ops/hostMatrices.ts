/**
 * What the routines on matrices share: going through a batch, and lengths and products of numbers as large or small as float64 has
 * them. Those that would overflow or vanish although the result does not are taken of numbers scaled by powers of two, which
 * round nothing.
 */
import type { TypedArray } from '../dtype.ts';
import type { HostKernel } from '../kernel/kernel.ts';
import { exponentOf, powerOfTwo, scaleByPowerOfTwo } from '../math/bits.ts';

/** Rows and columns of the matrices in an operand. */
type Size = readonly [rows: number, columns: number];

/** Runs `work` on each matrix of a batch; inputs come as float64 copies, results are rounded to the outputs' dtype. */
/* @__NO_SIDE_EFFECTS__ */
export function eachMatrix(
  work: (inputs: readonly Float64Array[], sizes: readonly Size[], batch: number) => Float64Array,
): HostKernel['run'] {
  return (inputs, outputs, shapes) => {
    const output = outputs[0];
    const sizes = inputs.map((_, i): Size => [shapes[i].at(-2)!, shapes[i].at(-1)!]);
    const batches = shapes[0].slice(0, -2).reduce((product, n) => product * n, 1);
    const length = batches === 0 ? 0 : output.length / batches;
    for (let batch = 0; batch < batches; batch++) {
      const own = inputs.map((input, i) => Float64Array.from(matrix(input, sizes[i], batch)));
      output.set(work(own, sizes, batch), batch * length);
    }
  };
}

function matrix(data: TypedArray, [rows, columns]: Size, batch: number): TypedArray {
  const size = rows * columns;
  return data.subarray(batch * size, (batch + 1) * size);
}

export function dot(x: Float64Array, y: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i] * y[i];
  return sum;
}

/** Lengths between these have squares that neither overflow nor vanish. */
export const shortest = 1e-140;
export const longest = 1e140;

/** √Σx²; 0 only for zeros. */
export function lengthOf(x: Float64Array): number {
  const length = Math.sqrt(dot(x, x));
  if (length > shortest && length < longest) return length;
  const exponent = largestExponent(x);
  if (exponent === Number.NEGATIVE_INFINITY || !Number.isFinite(exponent)) return length;
  const scaled = x.map((value) => scaleByPowerOfTwo(value, -exponent));
  return scaleByPowerOfTwo(Math.sqrt(dot(scaled, scaled)), exponent);
}

/** The exponent of the largest number in size: −∞ of zeros, NaN where one is not finite. */
export function largestExponent(x: Float64Array): number {
  let largest = 0;
  for (const value of x) {
    if (!Number.isFinite(value)) return Number.NaN;
    largest = Math.max(largest, Math.abs(value));
  }
  return largest === 0 ? Number.NEGATIVE_INFINITY : exponentOf(largest);
}

/** The product, whose parts may overflow or vanish where the whole does not. */
export function productOf(values: ArrayLike<number>): number {
  let product = 1;
  let exponent = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (value === 0 || !Number.isFinite(value)) return Array.from(values).reduce((all, own) => all * own, 1);
    const own = exponentOf(value);
    product *= scaleByPowerOfTwo(value, -own);
    const carry = exponentOf(product);
    product *= powerOfTwo(-carry);
    exponent += own + carry;
  }
  return scaleByPowerOfTwo(product, exponent);
}
