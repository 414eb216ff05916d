/**
 * Comparing tensors with numbers from elsewhere: which element differs, by how much, and from what.
 */
import { threefry } from '../run/randomKeys.ts';
import { formatShape, type Shape, sizeOf } from '../shape.ts';
import type { Tensor } from '../tensor.ts';

/** How far a value may be from the expected one. */
export interface Closeness {
  /** Relative to the expected value. Default 1e-5 for float32, 1e-12 for float64, 0 for other dtypes. */
  readonly relative?: number;
  /** Default: as `relative`. */
  readonly absolute?: number;
  /** Whether 0 and −0 differ. Default false. */
  readonly signedZero?: boolean;
}

/**
 * Checks shape and elements of a tensor, NaN equal to NaN.
 *
 * ```ts
 * await expectClose(x.matmul(w), { shape: [2, 1], data: [3, 7] });
 * ```
 *
 * @throws Error naming the first element that is off, its position, both values and what was allowed
 */
export async function expectClose(
  actual: Tensor,
  expected: { readonly shape: Shape; readonly data: ArrayLike<number> },
  closeness: Closeness = {},
  what = 'tensor',
): Promise<void> {
  if (
    actual.shape.length !== expected.shape.length ||
    actual.shape.some((size, i) => size !== expected.shape[i])
  ) {
    throw new Error(`${what}: shape ${formatShape(actual.shape)}, expected ${formatShape(expected.shape)}`);
  }
  if (sizeOf(expected.shape) !== expected.data.length) {
    throw new Error(
      `${what}: ${expected.data.length} expected numbers for shape ${formatShape(expected.shape)}`,
    );
  }
  const standard = actual.dtype === 'float32' ? 1e-5 : actual.dtype === 'float64' ? 1e-12 : 0;
  expectCloseData(await actual.data(), expected.data, { relative: standard, ...closeness }, what);
}

/** The same for arrays of elements. */
export function expectCloseData(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  closeness: Closeness,
  what: string,
): void {
  const { relative = 0, absolute = relative, signedZero = false } = closeness;
  if (actual.length !== expected.length)
    throw new Error(`${what}: ${actual.length} elements, expected ${expected.length}`);
  for (let i = 0; i < expected.length; i++) {
    const a = actual[i];
    const b = expected[i];
    const same = signedZero ? Object.is(a, b) : a === b || (Number.isNaN(a) && Number.isNaN(b));
    if (same || Math.abs(a - b) <= absolute + relative * Math.abs(b)) {
      if (!signedZero || b !== 0 || same) continue;
    }
    throw new Error(
      `${what}: element ${i} is ${Object.is(a, -0) ? '-0' : a}, expected ${Object.is(b, -0) ? '-0' : b} (allowed: ${relative} relative, ${absolute} absolute)`,
    );
  }
}

/** Numbers in [0, 1) that a seed decides: test data that is the same for every backend. */
export function seededRandom(seed: number): () => number {
  let count = 0;
  return () => threefry([seed >>> 0, 0x7e57], [count++, 0])[0] / 2 ** 32;
}
