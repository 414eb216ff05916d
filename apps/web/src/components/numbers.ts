/** Numbers as people read them: a few digits, whatever the size. */

/** Four digits; very large and very small ones with an exponent. The minus is as wide as a plus. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  const text =
    size !== 0 && (size < 1e-3 || size >= 1e5)
      ? value.toExponential(2)
      : String(Number(value.toPrecision(4)));
  return text.replaceAll('-', '−');
}

/** A share as a percentage; a dash where none is known. */
export function percent(share: number | null | undefined, digits = 1): string {
  return share === null || share === undefined ? '—' : `${(100 * share).toFixed(digits)} %`;
}

/** The nearest whole number in a range. */
export function clampInteger(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(high, Math.round(value)));
}
