/** Colors of the landscape: those of @ag/viz for paths and heights, as numbers for canvases. */
import { seriesColors, viridis } from '@ag/viz';
import { theme } from '../../shell/theme.ts';

/** The color of the path or basin `index`, as the charts of @ag/viz have it; beyond the eighth they repeat. */
export function seriesColor(index: number): string {
  const colors = seriesColors[theme.value];
  return colors[index % colors.length];
}

/** Of starts that have not arrived, and of those that never will. */
export function basinColor(label: number): string {
  if (label >= 0) return seriesColor(label);
  const dark = theme.value === 'dark';
  if (label === -1) return dark ? '#6b7683' : '#aab2bb';
  return dark ? '#e8ebef' : '#1b1f24';
}

/** Heights from 0 to 1, as red, green and blue from 0 to 1. */
export const heightColors: readonly (readonly [number, number, number])[] = Array.from(
  { length: 257 },
  (_, i) =>
    viridis(i / 256)
      .match(/[\d.]+/g)!
      .map((part) => Number(part) / 255) as never,
);
