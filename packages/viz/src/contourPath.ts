/** A loss landscape as contour lines, with the paths that optimizers took. */

import { quantileSorted } from 'd3-array';
import { extentOf } from './axes.ts';
import { type ChartOptions, chart, type Frame } from './frame.ts';
import { checkGrid, contourPaths, type Grid, type GridPlot, gridPlot } from './grid.ts';
import { createLegend } from './legend.ts';
import { checkOptions } from './options.ts';
import { element, type Markup, polyline } from './svg.ts';
import { formatNumber } from './text.ts';
import { dash } from './theme.ts';

/** The points that an optimizer visited, first to last. */
export interface OptimizerPath {
  name: string;
  points: readonly (readonly [x: number, y: number])[];
}

/** Options of `contourPath`. */
export interface ContourPathOptions extends ChartOptions {
  /** Heights of the lines, or how many. Default 14 lines that divide the plane into equal areas. */
  levels?: number | readonly number[];
  /** Places to mark with a star, such as known minima. */
  minima?: readonly (readonly [x: number, y: number])[];
  xLabel?: string;
  yLabel?: string;
}

/**
 * Draws contours of `z` and paths over it: a ring where a path starts, a dot where it ends. Higher ground is more
 * strongly colored. Parts outside the grid are cut off; steps that are not finite break a path.
 *
 * @throws RangeError when the grid contradicts itself.
 * @example
 * contourPath({ x: [-1, 1], y: [-1, 1], columns: 3, rows: 3, values: [2, 1, 2, 1, 0, 1, 2, 1, 2] }, [{ name: 'sgd', points: [[1, 1], [0, 0]] }])
 */
export function contourPath(
  grid: Grid,
  paths: readonly OptimizerPath[] = [],
  options: ContourPathOptions = {},
): string {
  checkOptions(
    'contourPath',
    options,
    'levels minima xLabel yLabel width height title description theme id background',
  );
  checkGrid('contourPath', grid);
  const ends = paths.slice(0, 10).map((path) => {
    const last = path.points[path.points.length - 1];
    const where =
      last === undefined ? 'has no points' : `ends at (${formatNumber(last[0])}, ${formatNumber(last[1])})`;
    return `${path.name} ${where} after ${Math.max(0, path.points.length - 1)} steps`;
  });
  const extent = extentOf([grid.values]);
  const range =
    extent === undefined ? '' : `, heights from ${formatNumber(extent[0])} to ${formatNumber(extent[1])}`;
  return chart(options, {
    kind: 'Contour plot',
    width: 560,
    height: 400,
    summary: `${[`Contours over a plane${range}`, ...ends].join('; ')}.`,
    draw: (frame) => draw(frame, grid, paths, options),
  });
}

function draw(
  frame: Frame,
  grid: Grid,
  paths: readonly OptimizerPath[],
  options: ContourPathOptions,
): Markup[] {
  const { paint } = frame;
  const entries = paths.map((path, i) => ({ name: path.name, color: paint.series(i), dash: dash(i) }));
  const legend = createLegend(entries, frame.left, frame.right, frame.top);
  const plot = gridPlot(frame, grid, frame.top + legend.height, frame.right - 8, options);
  const clip = `${frame.id}-plot`;
  const lines = contourPaths(grid, levelsOf(grid, options.levels ?? 14), plot.box).filter((d) => d !== '');
  const opacity = Math.min(0.2, 0.9 / Math.max(1, lines.length));
  const ground = lines.map((d) =>
    element('path', {
      d,
      fill: '#5b7fb5',
      'fill-opacity': opacity,
      stroke: paint.role('axis'),
      'stroke-opacity': 0.55,
    }),
  );
  const stars = (options.minima ?? []).map(([x, y]) => {
    const [cx, cy] = [plot.x.position(x), plot.y.position(y)].map((v) => Math.round(v * 10) / 10);
    const d = `M${cx},${cy - 7}l1.7,5.1l5.3,0l-4.3,3.2l1.6,5.2l-4.3,-3.2l-4.3,3.2l1.6,-5.2l-4.3,-3.2l5.3,0Z`;
    return element('path', {
      class: 'ag-minimum',
      d,
      fill: paint.role('ink'),
      stroke: paint.role('surface'),
    });
  });
  return [
    ...legend.draw(paint),
    element('clipPath', { id: clip }, element('rect', { ...plot.box })),
    element('rect', { ...plot.box, fill: paint.role('panel') }),
    element(
      'g',
      { 'clip-path': `url(#${clip})` },
      element('g', { class: 'ag-contours' }, ground),
      paths.map((path, i) => drawPath(frame, plot, path, i)),
      stars,
    ),
    ...plot.axes,
  ];
}

function drawPath({ paint }: Frame, plot: GridPlot, path: OptimizerPath, index: number): Markup {
  const color = paint.series(index);
  const surface = paint.role('surface');
  const parts: [number, number][][] = [[]];
  for (const [x, y] of path.points) {
    if (plot.x.shows(x) && plot.y.shows(y))
      parts[parts.length - 1].push([pixel(plot.x.position(x)), pixel(plot.y.position(y))]);
    else if (parts[parts.length - 1].length > 0) parts.push([]);
  }
  const placed = parts.flat();
  const d = parts
    .filter((part) => part.length > 1)
    .map((part) => polyline(part))
    .join('');
  const line = { d, fill: 'none', 'stroke-linejoin': 'round' };
  const out: Markup[] = [];
  if (d !== '') {
    out.push(element('path', { ...line, stroke: surface, 'stroke-width': 4.5, 'stroke-opacity': 0.8 }));
    out.push(element('path', { ...line, stroke: color, 'stroke-width': 2, 'stroke-dasharray': dash(index) }));
  }
  if (placed.length <= 60) {
    for (const [cx, cy] of placed.slice(1, -1)) out.push(element('circle', { cx, cy, r: 2, fill: color }));
  }
  const first = placed[0];
  const last = placed[placed.length - 1];
  if (first !== undefined) {
    out.push(
      element('circle', {
        cx: first[0],
        cy: first[1],
        r: 5,
        fill: surface,
        stroke: color,
        'stroke-width': 2,
      }),
    );
  }
  if (placed.length > 1)
    out.push(element('circle', { cx: last[0], cy: last[1], r: 5, fill: color, stroke: surface }));
  return element('g', { class: 'ag-path', 'data-series': path.name }, out);
}

/** A diverging path may be anywhere; drawing programs only know numbers of a sensible size. */
function pixel(value: number): number {
  return Math.max(-1e5, Math.min(1e5, value));
}

/** Levels at equal shares of the area, so that valleys and cliffs both get lines. */
function levelsOf(grid: Grid, levels: number | readonly number[]): readonly number[] {
  if (typeof levels !== 'number') return [...levels].sort((a, b) => a - b);
  const sorted = Array.from(grid.values)
    .filter(Number.isFinite)
    .sort((a, b) => a - b);
  if (sorted.length === 0) return [];
  const values = Array.from({ length: levels }, (_, i) => quantileSorted(sorted, (i + 0.5) / levels) ?? 0);
  return [...new Set(values)].filter((value) => value > sorted[0]);
}
