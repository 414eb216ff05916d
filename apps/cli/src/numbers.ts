/** Numbers for people: few digits, percentages for shares, minutes and hours for long times. */

/** Four digits that count: `0.01234`, `12.34`, `123400`, `1.234e-7`. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (value === 0) return '0';
  const size = Math.abs(value);
  return size >= 1e9 || size < 1e-4 ? value.toExponential(3) : String(Number(value.toPrecision(4)));
}

/** Whether a metric of this name is a share, shown as a percentage. */
export function isShare(name: string): boolean {
  return /accuracy|precision|recall|f1/i.test(name);
}

/** Shares as percentages, everything else as a number. */
export function formatMetric(name: string, value: number): string {
  return isShare(name) ? `${(100 * value).toFixed(2)} %` : formatNumber(value);
}

/** `loss 0.1234, accuracy 97.00 %` */
export function formatMetrics(metrics: Readonly<Record<string, number>>, separator = ', '): string {
  return Object.entries(metrics)
    .map(([name, value]) => `${words(name)} ${formatMetric(name, value)}`)
    .join(separator);
}

/** `meanAbsoluteError` as words. */
export function words(name: string): string {
  return name.replace(
    /([a-z0-9])([A-Z])/g,
    (_, before: string, letter: string) => `${before} ${letter.toLowerCase()}`,
  );
}

/** `0.4 s`, `12 s`, `3:05`, `1:02:03`. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '–';
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const part = (n: number): string => String(n).padStart(2, '0');
  const minutes = Math.floor(whole / 60);
  return minutes < 60
    ? `${minutes}:${part(whole % 60)}`
    : `${Math.floor(minutes / 60)}:${part(minutes % 60)}:${part(whole % 60)}`;
}

/** `11.2 MB` */
export function bytes(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let unit = 0;
  let value = count;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** `12,345` */
export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** Numbers in [0, 1): the generator of Park and Miller (1988), good enough to scatter trials and to shuffle rows. */
export function uniformNumbers(seed: number): () => number {
  let state = (Math.imul(seed + 1, 2654435761) >>> 0) % 2147483646;
  return () => {
    state = ((state + 1) * 48271) % 2147483647;
    return (state - 1) / 2147483646;
  };
}
