/** How values are distributed: weights, activations, gradients of a layer. */

import { createAxis, drawXAxis, drawYAxis, extentOf, labelRoom, type ScaleKind } from './axes.ts';
import { valueError } from './errors.ts';
import { type ChartOptions, chart, emptyNotice, type Frame } from './frame.ts';
import { checkOptions } from './options.ts';
import { element, type Markup } from './svg.ts';
import { formatNumber, label } from './text.ts';

/** Counts that were already taken: `edges` has one element more than `counts`. */
export interface Bins {
  edges: ArrayLike<number>;
  counts: ArrayLike<number>;
}

/** Options of `histogram`. */
export interface HistogramOptions extends ChartOptions {
  /** Number of equally wide bins. Default 30. */
  bins?: number;
  /** Ends of the first and last bin; values outside are counted in the small print. Default: the extent. */
  domain?: readonly [number, number];
  xLabel?: string;
  /** Default `count`. */
  yLabel?: string;
  /** Default `linear`; `log` makes rare values visible. */
  yScale?: ScaleKind;
}

/**
 * Draws a histogram. Values that are not finite are not drawn, but counted below the title.
 *
 * @throws RangeError when `bins` is not a positive integer, or ready-made bins do not match their edges.
 * @example
 * histogram(await weights.data(), { title: 'Weights of layer 1', bins: 40 })
 */
export function histogram(data: ArrayLike<number> | Bins, options: HistogramOptions = {}): string {
  checkOptions(
    'histogram',
    options,
    'bins domain xLabel yLabel yScale width height title description theme id background',
  );
  const { edges, counts, left } = 'edges' in data ? given(data) : count(data, options);
  const total = counts.reduce((a, b) => a + b, 0);
  const note = left === 0 ? '' : `${formatNumber(left)} values outside or not finite are left out`;
  return chart(options, {
    kind: 'Histogram',
    width: 480,
    height: 260,
    subtitle: note === '' ? undefined : note,
    summary:
      total === 0
        ? `A histogram without values. ${note}`.trim()
        : `Histogram of ${formatNumber(total)} values from ${formatNumber(edges[0])} to ${formatNumber(edges[edges.length - 1])}, most of them (${formatNumber(Math.max(...counts))}) near ${formatNumber(center(edges, counts), 3)}. ${note}`.trim(),
    draw: (frame) => (total === 0 ? emptyNotice(frame) : draw(frame, edges, counts, options)),
  });
}

function draw(frame: Frame, edges: number[], counts: number[], options: HistogramOptions): Markup[] {
  const { paint } = frame;
  const log = options.yScale === 'log';
  const top = frame.top + 26;
  const bottom = frame.bottom - (options.xLabel ? 36 : 20);
  const yAxis = createAxis([log ? 0.5 : 0, Math.max(...counts)], [bottom, top], {
    kind: options.yScale,
    count: Math.max(2, Math.round((bottom - top) / 45)),
    integers: true,
  });
  const left = frame.left + labelRoom(yAxis);
  const right = frame.right - 6;
  const xAxis = createAxis([edges[0], edges[edges.length - 1]], [left, right], {
    count: Math.max(2, Math.round((right - left) / 70)),
    nice: false,
  });
  const bars = counts.flatMap((value, i) => {
    if (value === 0) return [];
    const [x0, x1] = [xAxis.position(edges[i]), xAxis.position(edges[i + 1])];
    const gap = x1 - x0 > 4 ? 0.5 : 0;
    const y = yAxis.position(value);
    return [element('rect', { x: x0 + gap, y, width: Math.max(0.5, x1 - x0 - 2 * gap), height: bottom - y })];
  });
  return [
    label(options.yLabel ?? 'count', frame.left, top - 16, { fill: paint.role('muted') }),
    ...drawYAxis(yAxis, left, right, paint),
    element('g', { class: 'ag-bars', fill: paint.series(0) }, bars),
    ...drawXAxis(xAxis, left, right, bottom, paint, options.xLabel),
  ];
}

/** Bins are closed below and open above, the last closed on both sides. */
function count(
  values: ArrayLike<number>,
  options: HistogramOptions,
): { edges: number[]; counts: number[]; left: number } {
  const bins = options.bins ?? 30;
  if (!(Number.isInteger(bins) && bins > 0)) {
    throw valueError(`histogram: bins is ${bins}, but must be a positive integer`);
  }
  const counts = new Array<number>(bins).fill(0);
  const extent = options.domain ?? extentOf([values]);
  if (extent === undefined) return { edges: [], counts: [], left: values.length };
  let [low, high] = extent;
  if (low === high) [low, high] = low === 0 ? [-1, 1] : [low - Math.abs(low) / 2, high + Math.abs(high) / 2];
  let left = 0;
  for (let i = 0; i < values.length; i++) {
    const at = Math.floor(((values[i] - low) / (high - low)) * bins);
    if (values[i] >= low && values[i] <= high) counts[Math.min(bins - 1, at)]++;
    else left++;
  }
  return { edges: Array.from({ length: bins + 1 }, (_, i) => low + ((high - low) * i) / bins), counts, left };
}

function given({ edges, counts }: Bins): { edges: number[]; counts: number[]; left: number } {
  if (edges.length !== counts.length + 1 && counts.length > 0) {
    throw valueError(
      `histogram: ${counts.length} counts need ${counts.length + 1} edges, but there are ${edges.length}`,
    );
  }
  return { edges: Array.from(edges), counts: Array.from(counts), left: 0 };
}

function center(edges: number[], counts: number[]): number {
  const tallest = counts.indexOf(Math.max(...counts));
  return (edges[tallest] + edges[tallest + 1]) / 2;
}
