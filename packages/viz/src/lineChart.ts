/**
 * Curves over steps or epochs: losses, accuracies, norms. Made for training logs as they are: very long, sometimes
 * not finite, often better on a logarithmic axis.
 */

import { type Axis, createAxis, drawXAxis, drawYAxis, extentOf, labelRoom, type ScaleKind } from './axes.ts';
import { valueError } from './errors.ts';
import { type ChartOptions, chart, emptyNotice, type Frame } from './frame.ts';
import { createLegend } from './legend.ts';
import { checkOptions } from './options.ts';
import { cross, element, type Markup, polyline } from './svg.ts';
import { formatNumber, formatPercent, label } from './text.ts';
import { dash } from './theme.ts';

/** One curve. */
export interface LineSeries {
  name: string;
  y: ArrayLike<number>;
  /** Positions of the values, in any unit. Default 0, 1, 2, … */
  x?: ArrayLike<number>;
}

/** A horizontal line that the data are to be read against. */
export interface ReferenceLine {
  y: number;
  label: string;
}

/** Options of `lineChart`. */
export interface LineChartOptions extends ChartOptions {
  xLabel?: string;
  yLabel?: string;
  /** Default `linear`. On a logarithmic axis values ≤ 0 break the line, as non-finite values do. */
  xScale?: ScaleKind;
  yScale?: ScaleKind;
  /** Ends of the axes; default: the extent of the data, rounded outwards. */
  xDomain?: readonly [number, number];
  yDomain?: readonly [number, number];
  /** How numbers on the y axis are written; `percent` takes 1 as 100 %. Default `number`. */
  yFormat?: 'number' | 'percent';
  /** Show the key. Default: when there is more than one series. */
  legend?: boolean;
  /**
   * Weight of the past in an exponential moving average, 0 (default, none) to below 1; the curve itself stays
   * visible, faintly. Corrected for its start, as Adam's moments are (Kingma and Ba 2015, section 3).
   */
  smoothing?: number;
  /** Mark each value with a dot. Default: when no series has more than 30 values. */
  points?: boolean;
  /** Colors say which series (default), or their order, first to last. */
  colors?: 'distinct' | 'ordered';
  referenceLines?: readonly ReferenceLine[];
}

/**
 * Draws curves.
 *
 * @returns an SVG document as a string.
 * @throws RangeError when `smoothing` is not in [0, 1), or a series has `x` and `y` of different lengths.
 * @example
 * lineChart([{ name: 'loss', y: [2.3, 1.1, 0.6] }], { title: 'Training', xLabel: 'epoch', yScale: 'log' })
 */
export function lineChart(series: readonly LineSeries[], options: LineChartOptions = {}): string {
  checkOptions(
    'lineChart',
    options,
    'xLabel yLabel xScale yScale xDomain yDomain yFormat legend smoothing points colors referenceLines width height title description theme id background',
  );
  const smoothing = options.smoothing ?? 0;
  if (!(smoothing >= 0 && smoothing < 1)) {
    throw valueError(`lineChart: smoothing is ${smoothing}, but must be at least 0 and below 1`);
  }
  const curves = series.map((one) => ({ name: one.name, x: positions(one), y: one.y }));
  const xExtent =
    options.xDomain ??
    extentOf(
      curves.map((curve) => curve.x),
      options.xScale,
    );
  const references = (options.referenceLines ?? []).map((line) => line.y);
  const yExtent =
    options.yDomain ?? extentOf([...curves.map((curve) => curve.y), references], options.yScale);
  const hasData = curves.some((curve) => extentOf([curve.y], options.yScale) !== undefined);
  return chart(options, {
    kind: 'Line chart',
    width: 640,
    height: 360,
    summary: summarize(series, options),
    draw: (frame) =>
      hasData && xExtent !== undefined && yExtent !== undefined
        ? draw(frame, curves, xExtent, yExtent, smoothing, options)
        : emptyNotice(frame),
  });
}

interface Curve {
  name: string;
  x: ArrayLike<number>;
  y: ArrayLike<number>;
}

function draw(
  frame: Frame,
  curves: Curve[],
  xExtent: readonly [number, number],
  yExtent: readonly [number, number],
  smoothing: number,
  options: LineChartOptions,
): Markup[] {
  const { paint } = frame;
  const color = (i: number) =>
    options.colors === 'ordered'
      ? paint.ordered(curves.length < 2 ? 0 : i / (curves.length - 1))
      : paint.series(i);
  const dashOf = (i: number) => (options.colors === 'ordered' ? undefined : dash(i));
  const entries = curves.map((curve, i) => ({ name: curve.name, color: color(i), dash: dashOf(i) }));
  const legend = createLegend(
    (options.legend ?? curves.length > 1) ? entries : [],
    frame.left,
    frame.right,
    frame.top,
  );
  const top = frame.top + legend.height + (options.yLabel ? 28 : 8);
  const bottom = frame.bottom - (options.xLabel ? 36 : 20);
  const yAxis = createAxis(yExtent, [bottom, top], {
    kind: options.yScale,
    count: Math.max(2, Math.round((bottom - top) / 50)),
    nice: options.yDomain === undefined,
    format: options.yFormat === 'percent' ? formatPercent : undefined,
  });
  const left = frame.left + labelRoom(yAxis);
  const right = frame.right - 6;
  const xAxis = createAxis(xExtent, [left, right], {
    kind: options.xScale,
    count: Math.max(2, Math.round((right - left) / 80)),
    nice: false,
    integers: curves.every((curve) => Array.from(curve.x).every(Number.isInteger)),
  });
  const showPoints = options.points ?? curves.every((curve) => curve.y.length <= 30);

  const out: Markup[] = [
    ...legend.draw(paint),
    ...drawYAxis(yAxis, left, right, paint),
    ...drawXAxis(xAxis, left, right, bottom, paint, options.xLabel),
  ];
  if (options.yLabel) out.push(label(options.yLabel, frame.left, top - 16, { fill: paint.role('muted') }));

  const clip = `${frame.id}-plot`;
  // The stroke of a value on the border is half outside; leave it room.
  const area = { x: left - 4, y: top - 4, width: right - left + 8, height: bottom - top + 8 };
  out.push(element('clipPath', { id: clip }, element('rect', area)));
  const inside: Markup[] = [];
  for (const [i, curve] of curves.entries()) {
    const style = { color: color(i), dash: dashOf(i) };
    const shapes = [
      ...curvePaths(curve, xAxis, yAxis, { ...style, faint: smoothing > 0, points: showPoints }),
    ];
    if (smoothing > 0) {
      const smooth = { ...curve, y: movingAverage(curve.y, smoothing) };
      shapes.push(...curvePaths(smooth, xAxis, yAxis, { ...style, faint: false, points: false }));
    }
    inside.push(element('g', { class: 'ag-series', 'data-series': curve.name }, shapes));
  }
  out.push(element('g', { 'clip-path': `url(#${clip})` }, inside));
  for (const line of options.referenceLines ?? []) {
    if (!yAxis.shows(line.y)) continue;
    const y = yAxis.position(line.y);
    const stroke = paint.role('accent');
    out.push(
      element('line', { x1: left, x2: right, y1: y, y2: y, stroke, 'stroke-dasharray': '5 4' }),
      label(line.label, left + 4, y < top + 18 ? y + 10 : y - 9, {
        fill: stroke,
        size: 11,
        halo: paint.role('surface'),
      }),
    );
  }
  return out;
}

/** The line in its unbroken parts, dots for values that stand alone, a cross where a value could not be shown. */
function* curvePaths(
  curve: Curve,
  xAxis: Axis,
  yAxis: Axis,
  style: { color: string; dash?: string; faint: boolean; points: boolean },
): Generator<Markup> {
  const opacity = style.faint ? 0.35 : undefined;
  const { parts, breaks } = split(curve, xAxis, yAxis);
  const lines = parts.filter((part) => part.length > 1).map((part) => polyline(thin(part)));
  if (lines.length > 0) {
    yield element('path', {
      d: lines.join(''),
      fill: 'none',
      stroke: style.color,
      'stroke-width': style.faint ? 1 : 2,
      'stroke-linejoin': 'round',
      'stroke-dasharray': style.dash,
      opacity,
    });
  }
  const dots = (style.points ? parts.flat() : parts.filter((part) => part.length === 1).flat()).slice(0, 500);
  for (const [cx, cy] of dots)
    yield element('circle', { cx, cy, r: style.points ? 3 : 1.6, fill: style.color, opacity });
  for (const [x, y] of breaks.slice(0, 20)) {
    yield element('path', {
      class: 'ag-break',
      d: cross(x, y, 4),
      fill: 'none',
      stroke: style.color,
      'stroke-width': 2,
      opacity,
    });
  }
}

type Point = [x: number, y: number];

/** Unbroken runs of positions, and where each run of values that cannot be shown begins. */
function split(curve: Curve, xAxis: Axis, yAxis: Axis): { parts: Point[][]; breaks: Point[] } {
  const parts: Point[][] = [];
  const breaks: Point[] = [];
  let part: Point[] = [];
  let lastY = (yAxis.position(yAxis.domain[0]) + yAxis.position(yAxis.domain[1])) / 2;
  let broken = false;
  for (let i = 0; i < curve.y.length; i++) {
    if (!xAxis.shows(curve.x[i])) continue;
    const x = xAxis.position(curve.x[i]);
    if (yAxis.shows(curve.y[i])) {
      broken = false;
      lastY = yAxis.position(curve.y[i]);
      part.push([x, lastY]);
      continue;
    }
    if (part.length > 0) parts.push(part);
    part = [];
    if (!broken) breaks.push([x, lastY]);
    broken = true;
  }
  if (part.length > 0) parts.push(part);
  return { parts, breaks };
}

/**
 * Of the points in one column of pixels, the first, lowest, highest and last are all that can be seen: a long curve
 * becomes a short path without losing a spike.
 */
function thin(points: Point[]): Point[] {
  const width = Math.abs(points[points.length - 1][0] - points[0][0]);
  if (points.length <= 3 * width + 16) return points;
  const out: Point[] = [];
  for (let start = 0; start < points.length; ) {
    const column = Math.floor(points[start][0]);
    let end = start;
    let low = start;
    let high = start;
    for (; end < points.length && Math.floor(points[end][0]) === column; end++) {
      if (points[end][1] > points[low][1]) low = end;
      if (points[end][1] < points[high][1]) high = end;
    }
    const kept = [...new Set([start, low, high, end - 1])].sort((a, b) => a - b);
    for (const i of kept) out.push(points[i]);
    start = end;
  }
  return out;
}

function movingAverage(values: ArrayLike<number>, weight: number): Float64Array {
  const out = new Float64Array(values.length).fill(Number.NaN);
  let sum = 0;
  let bias = 1;
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) continue;
    sum = weight * sum + (1 - weight) * values[i];
    bias *= weight;
    out[i] = sum / (1 - bias);
  }
  return out;
}

function positions(series: LineSeries): ArrayLike<number> {
  if (series.x === undefined) return Float64Array.from({ length: series.y.length }, (_, i) => i);
  if (series.x.length !== series.y.length) {
    throw valueError(
      `lineChart: series ${JSON.stringify(series.name)} has ${series.x.length} x values but ${series.y.length} y values`,
    );
  }
  return series.x;
}

function summarize(series: readonly LineSeries[], options: LineChartOptions): string {
  const parts = series.slice(0, 12).map((one) => {
    const extent = extentOf([one.y], options.yScale);
    if (extent === undefined) return `${one.name}: no values`;
    let last = one.y.length - 1;
    while (!Number.isFinite(one.y[last])) last--;
    const write = options.yFormat === 'percent' ? formatPercent : formatNumber;
    let hidden = 0;
    for (let i = 0; i < one.y.length; i++) if (!(one.y[i] >= extent[0] && one.y[i] <= extent[1])) hidden++;
    const gaps = hidden === 0 ? '' : ` (${hidden} that cannot be shown are marked with a cross)`;
    return `${one.name}: ${one.y.length} values${gaps} from ${write(extent[0])} to ${write(extent[1])}, last ${write(one.y[last])}`;
  });
  return parts.length === 0 ? 'A line chart without data.' : `${parts.join('; ')}.`;
}
