/** The decision boundary: a model's answers all over the plane, and the training points. */

import {
  type SymbolType,
  symbol,
  symbolCircle,
  symbolCross,
  symbolDiamond,
  symbolSquare,
  symbolTriangle,
} from 'd3-shape';
import { extentOf } from './axes.ts';
import { type ColorScale, colorBarRoom, createColorScale, drawColorBar, raster } from './colorScale.ts';
import { valueError } from './errors.ts';
import { type ChartOptions, chart, type Frame } from './frame.ts';
import { checkGrid, contourPaths, type Grid, gridPlot, rasterBox, topDown } from './grid.ts';
import { createLegend } from './legend.ts';
import { checkOptions } from './options.ts';
import { pngDataUri } from './png.ts';
import { element, type Markup } from './svg.ts';
import { formatNumber } from './text.ts';
import { channels, seriesColors } from './theme.ts';

/** A point of the data set. */
export interface DataPoint {
  x: number;
  y: number;
  /** Its class (0, 1, 2, …), or for `kind: 'value'` the value that should be predicted. */
  target?: number;
}

/** Options of `decisionBoundary`. */
export interface DecisionBoundaryOptions extends ChartOptions {
  /**
   * What the grid holds: `probability` of class 1 (default), the index of the class (`class`), or a number that is
   * not a class (`value`).
   */
  kind?: 'probability' | 'class' | 'value';
  /** For `class`: how sure the model is, 0 … 1, `[rows, columns]`; sure areas are stronger. */
  confidence?: ArrayLike<number>;
  /** Names of the classes, shown in the key. */
  labels?: readonly string[];
  /** For `value`: the values of the first and last color. Default: the extent of grid and targets. */
  domain?: readonly [number, number];
  xLabel?: string;
  yLabel?: string;
}

/**
 * Draws predictions over a plane with the data on top. Classes differ in color and in shape; with probabilities a
 * line marks one half.
 *
 * @throws RangeError when the grid or `confidence` does not match its size.
 * @example
 * decisionBoundary({ x: [-1, 1], y: [-1, 1], columns: 2, rows: 2, values: [0, 1, 1, 0] }, [{ x: 0.5, y: 0.5, target: 0 }])
 */
export function decisionBoundary(
  grid: Grid,
  points: readonly DataPoint[] = [],
  options: DecisionBoundaryOptions = {},
): string {
  checkOptions(
    'decisionBoundary',
    options,
    'kind confidence labels domain xLabel yLabel width height title description theme id background',
  );
  checkGrid('decisionBoundary', grid);
  if (options.confidence !== undefined && options.confidence.length !== grid.values.length) {
    throw valueError(
      `decisionBoundary: ${options.confidence.length} confidences for ${grid.values.length} values of the grid`,
    );
  }
  const extent = extentOf([grid.values]);
  return chart(options, {
    kind: 'Decision boundary',
    width: 440,
    height: 420,
    summary: `Predictions over ${formatNumber(grid.x[0])} to ${formatNumber(grid.x[1])} by ${formatNumber(grid.y[0])} to ${formatNumber(grid.y[1])}${
      extent === undefined ? '' : `, from ${formatNumber(extent[0])} to ${formatNumber(extent[1])}`
    }, with ${points.length} points.`,
    draw: (frame) => draw(frame, grid, points, options),
  });
}

function draw(
  frame: Frame,
  grid: Grid,
  points: readonly DataPoint[],
  options: DecisionBoundaryOptions,
): Markup[] {
  const { paint } = frame;
  const kind = options.kind ?? 'probability';
  const names = kind === 'value' ? [] : (options.labels ?? []);
  const entries = names.map((name, i) => ({ name, color: paint.series(i), symbol: mark(i) }));
  const legend = createLegend(entries, frame.left, frame.right, frame.top);
  const right = kind === 'value' ? frame.right - colorBarRoom : frame.right - 8;
  const plot = gridPlot(frame, grid, frame.top + legend.height, right, options);
  const clip = `${frame.id}-plot`;
  const inside: Markup[] = [];
  const after: Markup[] = [];
  const wide = rasterBox(grid, plot.box);
  let scale: ColorScale | undefined;
  if (kind === 'value') {
    const targets = points.map((point) => point.target ?? Number.NaN);
    const extent = options.domain ?? extentOf([grid.values, targets]) ?? [0, 1];
    scale = createColorScale(extent[0] < 0 && extent[1] > 0 ? 'diverging' : 'sequential', extent);
    inside.push(raster(topDown(grid), grid.columns, grid.rows, scale, wide, { smooth: true, opacity: 0.85 }));
    after.push(drawColorBar(frame, scale, right + 14, plot.box.y + 8, Math.min(200, plot.box.height - 16)));
  } else {
    inside.push(classRaster(grid, kind, options.confidence, wide));
    for (const d of kind === 'probability' ? contourPaths(grid, [0.5], plot.box) : []) {
      if (d === '') continue;
      inside.push(
        element('path', {
          class: 'ag-boundary',
          d,
          fill: 'none',
          stroke: paint.role('ink'),
          'stroke-width': 1.5,
        }),
      );
    }
  }
  for (const point of points) {
    if (!(plot.x.shows(point.x) && plot.y.shows(point.y))) continue;
    const [x, y] = [plot.x.position(point.x), plot.y.position(point.y)];
    const target = point.target ?? Number.NaN;
    const group = Number.isInteger(target) && target >= 0 && kind !== 'value' ? target : 0;
    const color =
      scale === undefined ? { fill: paint.series(group) } : Number.isFinite(target) ? scale.fill(target) : {};
    const at = {
      d: mark(group),
      transform: `translate(${Math.round(x * 10) / 10} ${Math.round(y * 10) / 10})`,
    };
    // A diverging fill may be transparent: give it the surface to stand on.
    if (scale !== undefined)
      inside.push(element('path', { ...at, fill: paint.role('surface'), stroke: paint.role('ink') }));
    inside.push(
      element('path', {
        class: 'ag-point',
        ...at,
        ...color,
        stroke: scale ? undefined : paint.role('surface'),
      }),
    );
  }
  return [
    ...legend.draw(paint),
    element('clipPath', { id: clip }, element('rect', { ...plot.box })),
    element('rect', { ...plot.box, fill: paint.role('panel') }),
    element('g', { 'clip-path': `url(#${clip})` }, inside),
    ...plot.axes,
    ...after,
  ];
}

/** Each class's color, stronger where the model is surer. */
function classRaster(
  grid: Grid,
  kind: 'probability' | 'class',
  confidence: ArrayLike<number> | undefined,
  box: { x: number; y: number; width: number; height: number },
): Markup {
  const data = new Uint8Array(grid.columns * grid.rows * 4);
  const colors = seriesColors.light.map(channels);
  const values = topDown(grid);
  const sure = confidence === undefined ? undefined : topDown({ ...grid, values: confidence });
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (!(value >= 0)) continue; // not a number: nothing is drawn
    const group = kind === 'probability' ? (value >= 0.5 ? 1 : 0) : Math.round(value);
    const strength = kind === 'probability' ? Math.min(1, Math.abs(value - 0.5) * 2) : (sure?.[i] ?? 0.7);
    data.set(
      [...colors[group % colors.length], Math.round(255 * 0.45 * Math.min(1, Math.max(0, strength)))],
      i * 4,
    );
  }
  return element('image', {
    ...box,
    href: pngDataUri({ width: grid.columns, height: grid.rows, channels: 4, data }),
    preserveAspectRatio: 'none',
  });
}

const shapes: SymbolType[] = [symbolCircle, symbolSquare, symbolTriangle, symbolDiamond, symbolCross];

/** Path data of the mark of a class, about 7 pixels across. */
export function mark(group: number): string {
  const d = symbol(shapes[group % shapes.length], 44).digits(2)();
  return d ?? '';
}
