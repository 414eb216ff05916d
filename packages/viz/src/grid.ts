/**
 * Samples a function of two variables on a grid. Decision boundaries, loss landscapes and fitted surfaces are drawn
 * from it.
 */

import { contours } from 'd3-contour';
import { type Axis, createAxis, drawXAxis, drawYAxis, labelRoom } from './axes.ts';
import type { Box } from './colorScale.ts';
import { valueError } from './errors.ts';
import type { Frame } from './frame.ts';
import { type Markup, polyline } from './svg.ts';
import { label } from './text.ts';

/** Samples at equally spaced points, both ends included. */
export interface Grid {
  /** First and last position along each direction. */
  x: readonly [number, number];
  y: readonly [number, number];
  /** Samples along x and along y; at least 2 each. */
  columns: number;
  rows: number;
  /** `[rows, columns]`: the first row lies at `y[0]`, the first column at `x[0]`. */
  values: ArrayLike<number>;
}

/** Throws a RangeError that names the chart when a grid contradicts itself. */
export function checkGrid(chart: string, grid: Grid): void {
  const { columns, rows, values, x, y } = grid;
  if (!(Number.isInteger(columns) && Number.isInteger(rows) && columns >= 2 && rows >= 2)) {
    throw valueError(`${chart}: the grid needs at least 2 columns and 2 rows, got ${columns} and ${rows}`);
  }
  if (values.length !== columns * rows) {
    throw valueError(
      `${chart}: a grid of ${rows} rows and ${columns} columns needs ${rows * columns} values, got ${values.length}`,
    );
  }
  for (const [name, ends] of [['x', x] as const, ['y', y] as const]) {
    if (!(Number.isFinite(ends[0]) && Number.isFinite(ends[1]) && ends[0] < ends[1])) {
      throw valueError(
        `${chart}: the grid's ${name} goes from ${ends[0]} to ${ends[1]}; give increasing, finite ends`,
      );
    }
  }
}

/** A plot whose area is exactly the grid. */
export interface GridPlot {
  x: Axis;
  y: Axis;
  box: Box;
  axes: Markup[];
}

/** Axes around a grid. */
export function gridPlot(
  frame: Frame,
  grid: Grid,
  top: number,
  right: number,
  names: { xLabel?: string; yLabel?: string },
): GridPlot {
  const start = top + (names.yLabel ? 26 : 4);
  const bottom = frame.bottom - (names.xLabel ? 36 : 20);
  const y = createAxis(grid.y, [bottom, start], {
    count: Math.max(2, Math.round((bottom - start) / 50)),
    nice: false,
  });
  const left = frame.left + labelRoom(y);
  const x = createAxis(grid.x, [left, right], {
    count: Math.max(2, Math.round((right - left) / 70)),
    nice: false,
  });
  const axes = [
    ...drawYAxis(y, left, left, frame.paint),
    ...drawXAxis(x, left, right, bottom, frame.paint, names.xLabel),
  ];
  if (names.yLabel)
    axes.push(label(names.yLabel, frame.left, start - 15, { fill: frame.paint.role('muted') }));
  return { x, y, box: { x: left, y: start, width: right - left, height: bottom - start }, axes };
}

/** Rows from the top down, as images have them. */
export function topDown(grid: Grid): Float64Array {
  const out = new Float64Array(grid.values.length);
  for (let i = 0; i < grid.rows; i++) {
    const from = (grid.rows - 1 - i) * grid.columns;
    for (let j = 0; j < grid.columns; j++) out[i * grid.columns + j] = grid.values[from + j];
  }
  return out;
}

/** The box of an image whose pixels are centered on the samples: half a cell wider than the plot on every side. */
export function rasterBox(grid: Grid, box: Box): Box {
  const dx = box.width / (grid.columns - 1);
  const dy = box.height / (grid.rows - 1);
  return { x: box.x - dx / 2, y: box.y - dy / 2, width: box.width + dx, height: box.height + dy };
}

/** For each level the outline, as path data, of the area where the value is at least that level. */
export function contourPaths(grid: Grid, levels: readonly number[], box: Box): string[] {
  const values = Array.from(grid.values, (value) => (Number.isFinite(value) ? value : -Infinity));
  const make = contours().size([grid.columns, grid.rows]);
  // d3 puts sample i at i + ½.
  const place = ([x, y]: number[]): [number, number] => [
    box.x + ((x - 0.5) / (grid.columns - 1)) * box.width,
    box.y + box.height - ((y - 0.5) / (grid.rows - 1)) * box.height,
  ];
  return levels.map((level) =>
    make
      .contour(values, level)
      .coordinates.flatMap((polygon) => polygon.map((ring) => polyline(ring.map(place), true)))
      .join(''),
  );
}
