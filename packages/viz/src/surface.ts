/**
 * A function of two variables as a surface in space, seen from any direction. It shows a fitted regression over its data, or a loss landscape. Parallel projection, so that equal steps stay equal; nearer parts are painted over
 * farther ones.
 */

import { type Axis, createAxis, extentOf } from './axes.ts';
import { createColorScale } from './colorScale.ts';
import { type ChartOptions, chart, emptyNotice, type Frame } from './frame.ts';
import { checkGrid, type Grid } from './grid.ts';
import { checkOptions } from './options.ts';
import { element, type Markup, polyline } from './svg.ts';
import { formatNumber, label, textWidth } from './text.ts';

/** Options of `surface`. */
export interface SurfaceOptions extends ChartOptions {
  /** Degrees by which the scene is turned about the vertical. Default 40. */
  azimuth?: number;
  /** Degrees by which the viewer stands above the floor, 0 … 90. Default 28. */
  elevation?: number;
  /** Points of the data, each with a line to the surface: its residual. */
  points?: readonly (readonly [x: number, y: number, z: number])[];
  xLabel?: string;
  yLabel?: string;
  zLabel?: string;
  /** Ends of the vertical axis. Default: the extent of surface and points. */
  zDomain?: readonly [number, number];
  /** Most cells along each direction; finer grids are thinned. Default 32. */
  resolution?: number;
}

/**
 * Draws a surface over a plane.
 *
 * @throws RangeError when the grid contradicts itself.
 * @example
 * surface({ x: [4, 9], y: [2, 38], columns: 2, rows: 2, values: [15, 40, 5, 20] }, { xLabel: 'rooms', azimuth: 60 })
 */
export function surface(grid: Grid, options: SurfaceOptions = {}): string {
  checkOptions(
    'surface',
    options,
    'azimuth elevation points xLabel yLabel zLabel zDomain resolution width height title description theme id background',
  );
  checkGrid('surface', grid);
  const points = (options.points ?? []).filter((point) => point.every(Number.isFinite));
  const extent = options.zDomain ?? extentOf([grid.values, points.map((point) => point[2])]);
  return chart(options, {
    kind: 'Surface',
    width: 560,
    height: 440,
    summary:
      extent === undefined
        ? 'A surface without values.'
        : `Surface over ${formatNumber(grid.x[0])} to ${formatNumber(grid.x[1])} by ${formatNumber(grid.y[0])} to ${formatNumber(grid.y[1])}, heights from ${formatNumber(extent[0])} to ${formatNumber(extent[1])}${points.length > 0 ? `, with ${points.length} points` : ''}.`,
    draw: (frame) => (extent === undefined ? emptyNotice(frame) : draw(frame, grid, points, extent, options)),
  });
}

type Place = readonly [x: number, y: number, z: number];

/** From the unit cube (each side −½ … ½) to the page; `depth` grows away from the viewer. */
interface View {
  project(place: Place): [x: number, y: number];
  depth(place: Place): number;
}

/** Height of the box beside its width and depth. */
const stretch = 0.68;

function draw(
  frame: Frame,
  grid: Grid,
  points: readonly Place[],
  extent: readonly [number, number],
  options: SurfaceOptions,
): Markup[] {
  const { paint } = frame;
  const unit = [-0.5, 0.5] as const;
  const axes = {
    x: createAxis(grid.x, unit, { count: 5, nice: false }),
    y: createAxis(grid.y, unit, { count: 5, nice: false }),
    z: createAxis(extent, unit, { count: 5, nice: options.zDomain === undefined }),
  };
  const view = createView(frame, options.azimuth ?? 40, options.elevation ?? 28);
  const scale = createColorScale('sequential', axes.z.domain);
  const place = (x: number, y: number, z: number): Place => [
    axes.x.position(x),
    axes.y.position(y),
    Math.max(-0.5, Math.min(0.5, axes.z.position(z))),
  ];
  const pieces: { depth: number; markup: Markup }[] = [];
  for (const { corners, height } of cells(grid, options.resolution ?? 32)) {
    const placed = corners.map(([x, y, z]) => place(x, y, z));
    const depth = placed.reduce((sum, corner) => sum + view.depth(corner), 0) / 4;
    const d = polyline(placed.map(view.project), true);
    pieces.push({ depth, markup: element('path', { d, fill: scale.fill(height).fill }) });
  }
  for (const [x, y, z] of points) {
    if (x < grid.x[0] || x > grid.x[1] || y < grid.y[0] || y > grid.y[1]) continue;
    const at = place(x, y, z);
    const [cx, cy] = view.project(at);
    const foot = view.project(place(x, y, sampleAt(grid, x, y)));
    const markup = element(
      'g',
      { class: 'ag-point' },
      element('line', {
        x1: cx,
        y1: cy,
        x2: foot[0],
        y2: foot[1],
        stroke: paint.role('ink'),
        'stroke-opacity': 0.5,
      }),
      element('circle', { cx, cy, r: 2.6, fill: paint.role('accent'), stroke: paint.role('surface') }),
    );
    pieces.push({ depth: view.depth(at) - 0.01, markup });
  }
  pieces.sort((a, b) => b.depth - a.depth);
  return [
    ...drawBox(frame, view, axes, options),
    element(
      'g',
      {
        class: 'ag-surface',
        stroke: '#000000',
        'stroke-opacity': 0.18,
        'stroke-width': 0.6,
        'stroke-linejoin': 'round',
      },
      pieces.map((piece) => piece.markup),
    ),
  ];
}

function createView(frame: Frame, azimuth: number, elevation: number): View {
  const a = ((azimuth % 360) * Math.PI) / 180;
  const e = (Math.min(90, Math.max(0, elevation)) * Math.PI) / 180;
  const turned = ([x, y]: Place) => ({
    across: x * Math.cos(a) - y * Math.sin(a),
    away: x * Math.sin(a) + y * Math.cos(a),
  });
  // The same size for every azimuth, so that a scene that is turned does not pulse.
  const reach = { across: Math.SQRT2, up: Math.SQRT2 * Math.sin(e) + stretch * Math.cos(e) };
  const width = frame.right - frame.left - 90;
  const height = frame.bottom - frame.top - 56;
  const size = Math.max(10, Math.min(width / reach.across, height / reach.up));
  const middle = { x: (frame.left + frame.right) / 2, y: (frame.top + frame.bottom) / 2 - 8 };
  return {
    project: (place) => {
      const { across, away } = turned(place);
      return [
        middle.x + across * size,
        middle.y - (away * Math.sin(e) + place[2] * stretch * Math.cos(e)) * size,
      ];
    },
    depth: (place) => turned(place).away * Math.cos(e) - place[2] * stretch * Math.sin(e),
  };
}

/** Floor, the two walls behind, grid lines on them, and the numbers along the front edges. */
function drawBox(
  frame: Frame,
  view: View,
  axes: { x: Axis; y: Axis; z: Axis },
  names: { xLabel?: string; yLabel?: string; zLabel?: string },
): Markup[] {
  const { paint } = frame;
  const far = (axis: 0 | 1): number => {
    const at = (side: number): Place => (axis === 0 ? [side, 0, 0] : [0, side, 0]);
    return view.depth(at(0.5)) > view.depth(at(-0.5)) ? 0.5 : -0.5;
  };
  const [backX, backY] = [far(0), far(1)];
  const line = (from: Place, to: Place, role: 'grid' | 'axis') => {
    const [[x1, y1], [x2, y2]] = [view.project(from), view.project(to)];
    return element('line', { x1, y1, x2, y2, stroke: paint.role(role) });
  };
  const face = (corners: Place[]) =>
    element('path', {
      d: polyline(corners.map(view.project), true),
      fill: paint.role('panel'),
      stroke: paint.role('grid'),
    });
  const h = 0.5;
  const out = [
    face([
      [-h, -h, -h],
      [h, -h, -h],
      [h, h, -h],
      [-h, h, -h],
    ]),
    face([
      [backX, -h, -h],
      [backX, h, -h],
      [backX, h, h],
      [backX, -h, h],
    ]),
    face([
      [-h, backY, -h],
      [h, backY, -h],
      [h, backY, h],
      [-h, backY, h],
    ]),
  ];
  // Numbers of different axes meet at the corners: the first one written stays.
  const taken: { x: number; y: number; half: number }[] = [];
  const write = (content: string, x: number, y: number, anchor: 'start' | 'middle' | 'end', size = 11) => {
    const half = textWidth(content, size) / 2 + 2;
    const middle = anchor === 'middle' ? x : anchor === 'end' ? x - half : x + half;
    if (taken.some((other) => Math.abs(other.x - middle) < other.half + half && Math.abs(other.y - y) < 13))
      return;
    taken.push({ x: middle, y, half });
    out.push(label(content, x, y, { fill: paint.role('muted'), size, anchor }));
  };
  /** Beside a front edge, away from the middle of the floor. */
  const beside = (content: string, at: Place, across: number, down: number, size?: number) => {
    const [x, y] = view.project(at);
    const dx = Math.sign(x - view.project([0, 0, -h])[0]);
    const straight = Math.abs(x - view.project([0, 0, -h])[0]) < 20;
    write(
      content,
      x + (straight ? 0 : dx * across),
      y + down,
      straight ? 'middle' : dx > 0 ? 'start' : 'end',
      size,
    );
  };
  // The vertical axis stands at the end of a wall that is seen at the very left.
  const ends: Place[] = [
    [backX, -backY, -h],
    [-backX, backY, -h],
  ];
  const [foot] = ends.sort((a, b) => view.project(a)[0] - view.project(b)[0]);
  for (const tick of axes.z.ticks) {
    const p = axes.z.position(tick.value);
    out.push(line([backX, -h, p], [backX, h, p], 'grid'), line([-h, backY, p], [h, backY, p], 'grid'));
    const [x, y] = view.project([foot[0], foot[1], p]);
    write(tick.label, x - 8, y, 'end');
  }
  for (const tick of axes.x.ticks) {
    const p = axes.x.position(tick.value);
    out.push(line([p, -h, -h], [p, h, -h], 'grid'), line([p, backY, -h], [p, backY, h], 'grid'));
    beside(tick.label, [p, -backY, -h], 5, 11);
  }
  for (const tick of axes.y.ticks) {
    const p = axes.y.position(tick.value);
    out.push(line([-h, p, -h], [h, p, -h], 'grid'), line([backX, p, -h], [backX, p, h], 'grid'));
    beside(tick.label, [-backX, p, -h], 5, 11);
  }
  out.push(line([-h, -backY, -h], [h, -backY, -h], 'axis'), line([-backX, -h, -h], [-backX, h, -h], 'axis'));
  if (names.xLabel) beside(names.xLabel, [0, -backY, -h], 26, 32, 12);
  if (names.yLabel) beside(names.yLabel, [-backX, 0, -h], 26, 32, 12);
  if (names.zLabel) {
    const [x, y] = view.project([foot[0], foot[1], h]);
    write(names.zLabel, Math.max(frame.left, x - 40), y - 18, 'start', 12);
  }
  return [element('g', { class: 'ag-box' }, out)];
}

/** The cells whose four corners are finite, thinned to at most `most` along each side. */
function* cells(grid: Grid, most: number): Generator<{ corners: Place[]; height: number }> {
  const columns = lattice(grid.columns, most);
  const rows = lattice(grid.rows, most);
  const corner = (i: number, j: number): Place => [
    grid.x[0] + ((grid.x[1] - grid.x[0]) * j) / (grid.columns - 1),
    grid.y[0] + ((grid.y[1] - grid.y[0]) * i) / (grid.rows - 1),
    grid.values[i * grid.columns + j],
  ];
  for (let a = 1; a < rows.length; a++) {
    for (let b = 1; b < columns.length; b++) {
      const [i0, i1, j0, j1] = [rows[a - 1], rows[a], columns[b - 1], columns[b]];
      const corners = [corner(i0, j0), corner(i0, j1), corner(i1, j1), corner(i1, j0)];
      if (!corners.every(([, , z]) => Number.isFinite(z))) continue;
      yield { corners, height: corners.reduce((sum, [, , z]) => sum + z / 4, 0) };
    }
  }
}

function lattice(samples: number, most: number): number[] {
  const steps = Math.max(1, Math.min(samples - 1, Math.floor(most)));
  return Array.from({ length: steps + 1 }, (_, i) => Math.round((i * (samples - 1)) / steps));
}

/** Height of the surface at a point: bilinear between the four samples around it. */
function sampleAt(grid: Grid, x: number, y: number): number {
  const u = ((x - grid.x[0]) / (grid.x[1] - grid.x[0])) * (grid.columns - 1);
  const v = ((y - grid.y[0]) / (grid.y[1] - grid.y[0])) * (grid.rows - 1);
  const j = Math.min(grid.columns - 2, Math.floor(u));
  const i = Math.min(grid.rows - 2, Math.floor(v));
  const at = (r: number, c: number) => grid.values[r * grid.columns + c];
  const low = at(i, j) * (1 - (u - j)) + at(i, j + 1) * (u - j);
  const high = at(i + 1, j) * (1 - (u - j)) + at(i + 1, j + 1) * (u - j);
  const height = low * (1 - (v - i)) + high * (v - i);
  return Number.isFinite(height) ? height : grid.values[i * grid.columns + j] || 0;
}
