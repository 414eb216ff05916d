/** The columns of a table at a glance: ranges, means, and how the values of each are spread. */
import { formatNumber } from '../numbers.ts';
import { table } from '../table.ts';

/** A column of numbers. */
export interface NumberColumn {
  readonly name: string;
  readonly values: ArrayLike<number>;
}

const bars = '▁▂▃▄▅▆▇█';
/** Parts into which the range of a column is cut. */
const parts = 12;

/** A line for each column, with its first few values. */
export function drawColumns(columns: readonly NumberColumn[], examples: number): string[] {
  const rows = columns.map(({ name, values }) => {
    const all = Array.from(values);
    const [low, high] = [Math.min(...all), Math.max(...all)];
    const mean = all.reduce((sum, value) => sum + value, 0) / all.length;
    const first = all.slice(0, examples).map(formatNumber);
    return [
      name,
      formatNumber(low),
      formatNumber(mean),
      formatNumber(high),
      spread(all, low, high),
      ...first,
    ];
  });
  const numbers = Array.from(
    { length: Math.min(examples, columns[0]?.values.length ?? 0) },
    (_, i) => `#${i + 1}`,
  );
  return table(['column', 'least', 'mean', 'most', 'spread', ...numbers], rows);
}

/** A bar for each part of the range, as high as the share of values in it. */
function spread(values: readonly number[], low: number, high: number): string {
  const counts = new Array<number>(parts).fill(0);
  for (const value of values) {
    const part = high > low ? Math.floor(((value - low) / (high - low)) * parts) : 0;
    counts[Math.min(parts - 1, part)]++;
  }
  const most = Math.max(...counts);
  return counts
    .map((count) => (count === 0 ? ' ' : bars[Math.ceil((count / most) * bars.length) - 1]))
    .join('');
}
