/** How far float32 elements are from what float64 gave: one number for a tensor. */
import type { TypedArray } from '@ag/tensor';

/** Half a unit in the last place of float32, relative: what one rounding may change. */
export const roundoff = 2 ** -24;

/** The smallest normal number of float32: what is smaller has fewer digits by definition. */
const leastNormal = 2 ** -126;
const largest = (2 - 2 ** -23) * 2 ** 127;

/** So many elements are compared at most, spread evenly. */
const sample = 65_536;

/**
 * The relative error that nine of ten elements stay below; infinite, and no less, where an element is not finite or is beyond float32
 * though float64 has it. Elements too small for float32 are left out.
 */
export function errorOf(
  single: TypedArray,
  double: Float64Array,
): { readonly error: number; readonly overflows: boolean } {
  const errors: number[] = [];
  const stride = Math.max(1, Math.ceil(double.length / sample));
  let lost = false;
  for (let i = 0; i < double.length; i += stride) {
    const [is, shouldBe] = [Number(single[i]), double[i]];
    if (!Number.isFinite(shouldBe)) continue;
    if (Math.abs(shouldBe) > largest) return { error: Number.POSITIVE_INFINITY, overflows: true };
    if (!Number.isFinite(is)) lost = true;
    else if (Math.abs(shouldBe) >= leastNormal) errors.push(Math.abs((is - shouldBe) / shouldBe));
    // Where nothing should be, anything is wrong by all of it.
    else if (Math.abs(is) >= leastNormal) errors.push(1);
  }
  if (lost) return { error: Number.POSITIVE_INFINITY, overflows: false };
  if (errors.length === 0) return { error: roundoff, overflows: false };
  errors.sort((a, b) => a - b);
  const error = errors[Math.min(errors.length - 1, Math.floor(0.9 * errors.length))];
  return { error: Math.max(roundoff, error), overflows: false };
}
