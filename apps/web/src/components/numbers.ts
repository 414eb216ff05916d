/**
 * Numbers as people read them: a few digits, whatever the size.
 */

/** Four digits; very large and very small ones with an exponent. The minus is as wide as a plus. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  const text =
    size !== 0 && (size < 1e-3 || size >= 1e5)
      ? value.toExponential(2)
      : String(Number(value.toPrecision(4)));
  return text.replaceAll('-', '−');
}
