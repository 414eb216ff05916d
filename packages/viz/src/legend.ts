/** The key of a chart: a sample and a name for each series, in as many rows as they need. */
import { element, type Markup } from './svg.ts';
import { fit, label, textWidth } from './text.ts';
import type { Paint } from './theme.ts';

/** One entry. */
export interface LegendEntry {
  name: string;
  color: string;
  dash?: string;
  /** A mark instead of a line: the data of a path around (0, 0). */
  symbol?: string;
}

/** Where entries go; `height` is the room that all rows take. */
export interface Legend {
  height: number;
  draw(paint: Paint): Markup[];
}

const rowHeight = 18;
const sample = 20;

/** Lays out entries between `left` and `right`, first row centered at `y + 9`. */
export function createLegend(
  entries: readonly LegendEntry[],
  left: number,
  right: number,
  y: number,
): Legend {
  const placed: { entry: LegendEntry; name: string; x: number; y: number }[] = [];
  let x = left;
  let row = 0;
  for (const entry of entries) {
    const name = fit(entry.name, Math.min(240, right - left - sample - 8));
    const width = sample + 6 + textWidth(name) + 14;
    if (x > left && x + width - 14 > right) {
      x = left;
      row++;
    }
    placed.push({ entry, name, x, y: y + row * rowHeight + rowHeight / 2 });
    x += width;
  }
  return {
    height: entries.length === 0 ? 0 : (row + 1) * rowHeight,
    draw: (paint) => [
      element(
        'g',
        { class: 'ag-legend' },
        placed.flatMap((item) => [
          item.entry.symbol === undefined
            ? element('line', {
                x1: item.x,
                x2: item.x + sample,
                y1: item.y,
                y2: item.y,
                stroke: item.entry.color,
                'stroke-width': 2.5,
                'stroke-dasharray': item.entry.dash,
              })
            : element('path', {
                d: item.entry.symbol,
                transform: `translate(${item.x + sample / 2} ${item.y})`,
                fill: item.entry.color,
              }),
          label(item.name, item.x + sample + 6, item.y, { fill: paint.role('ink') }),
        ]),
      ),
    ],
  };
}
