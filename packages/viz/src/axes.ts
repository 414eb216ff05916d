/**
 * Position scales and the axes drawn from them. Linear and logarithmic; the domain comes from the data, is widened
 * where it has no extent, and never leaves what a double can subtract.
 */

import { scaleLinear, scaleLog } from 'd3-scale';
import { valueError } from './errors.ts';
import { element, type Markup } from './svg.ts';
import { formatNumber, label, textWidth, tickLabels } from './text.ts';
import type { Paint } from './theme.ts';

/** How values become positions. */
export type ScaleKind = 'linear' | 'log';

/** A scale with its ticks. */
export interface Axis {
  kind: ScaleKind;
  domain: [low: number, high: number];
  /** Pixel of a value; only for values that `shows` accepts. */
  position(value: number): number;
  /** Whether a value has a place on this axis: finite, and above zero on a logarithmic one. */
  shows(value: number): boolean;
  ticks: { value: number; label: string }[];
}

/** Options of `createAxis`. */
export interface AxisOptions {
  kind?: ScaleKind;
  /** Roughly how many ticks. */
  count: number;
  /** End the axis on round numbers. Default true. */
  nice?: boolean;
  format?: (value: number) => string;
  /** Ticks at whole numbers only. */
  integers?: boolean;
}

/** The smallest and largest value that an axis of this kind can show, `undefined` when there is none. */
export function extentOf(
  columns: Iterable<ArrayLike<number>>,
  kind: ScaleKind = 'linear',
): [number, number] | undefined {
  let low = Infinity;
  let high = -Infinity;
  for (const values of columns) {
    for (let i = 0; i < values.length; i++) {
      const value = values[i];
      if (!isShown(value, kind)) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  return low <= high ? [low, high] : undefined;
}

/** An axis over a domain and a range of pixels. */
export function createAxis(
  extent: readonly [number, number],
  range: readonly [number, number],
  options: AxisOptions,
): Axis {
  const kind = options.kind ?? 'linear';
  const [low, high] = widen(extent, kind);
  const scale = (kind === 'log' ? scaleLog() : scaleLinear()).domain([low, high]).range(range);
  if (options.nice !== false && kind === 'linear') scale.nice(options.count);
  const domain = scale.domain() as [number, number];
  const all = kind === 'log' ? logTicks(domain, options.count) : scale.ticks(options.count);
  const whole = options.integers ? all.filter(Number.isInteger) : all;
  const values = whole.length > 0 ? whole : all;
  const labels =
    options.format !== undefined
      ? values.map(options.format)
      : kind === 'log'
        ? values.map((value) => formatNumber(value, 2))
        : tickLabels(values);
  return {
    kind,
    domain,
    position: (value) => scale(value),
    shows: (value) => isShown(value, kind),
    ticks: values.map((value, i) => ({ value, label: labels[i] })),
  };
}

/** Room that the labels of a vertical axis need to its left. */
export function labelRoom(axis: Axis): number {
  return Math.max(24, ...axis.ticks.map((tick) => textWidth(tick.label, 11))) + 10;
}

/** Horizontal axis at height `y`: base line, ticks, labels, and the name of the axis below. */
export function drawXAxis(
  axis: Axis,
  left: number,
  right: number,
  y: number,
  paint: Paint,
  name?: string,
): Markup[] {
  const muted = paint.role('muted');
  const out = [element('line', { x1: left, x2: right, y1: y, y2: y, stroke: paint.role('axis') })];
  let last = -Infinity;
  for (const tick of axis.ticks) {
    const x = axis.position(tick.value);
    out.push(element('line', { x1: x, x2: x, y1: y, y2: y + 4, stroke: paint.role('axis') }));
    const half = textWidth(tick.label, 11) / 2;
    if (x - half < last) continue;
    last = x + half + 4;
    out.push(label(tick.label, x, y + 13, { fill: muted, size: 11, anchor: 'middle' }));
  }
  if (name) out.push(label(name, (left + right) / 2, y + 31, { fill: muted, anchor: 'middle' }));
  return [element('g', { class: 'ag-x-axis' }, out)];
}

/** Vertical axis at `x`: grid lines to `right`, labels to the left. */
export function drawYAxis(axis: Axis, x: number, right: number, paint: Paint): Markup[] {
  const out: Markup[] = [];
  for (const tick of axis.ticks) {
    const y = axis.position(tick.value);
    out.push(element('line', { x1: x, x2: right, y1: y, y2: y, stroke: paint.role('grid') }));
    out.push(label(tick.label, x - 7, y, { fill: paint.role('muted'), size: 11, anchor: 'end' }));
  }
  return [element('g', { class: 'ag-y-axis' }, out)];
}

/** Beyond this the width of a domain, or rounding its ends outwards, would overflow. */
const largest = 1e307;

function isShown(value: number, kind: ScaleKind): boolean {
  return Math.abs(value) <= largest && (kind === 'linear' || value > 0);
}

function widen([low, high]: readonly [number, number], kind: ScaleKind): [number, number] {
  if (!(isShown(low, kind) && isShown(high, kind))) {
    throw valueError(
      `axis: the domain [${low}, ${high}] has no place on a ${kind} axis; give finite${kind === 'log' ? ', positive' : ''} ends`,
    );
  }
  if (low > high) [low, high] = [high, low];
  if (kind === 'log') return high / low > 1.001 ? [low, high] : [low / 2, high * 2];
  const size = Math.max(Math.abs(low), Math.abs(high));
  return high - low > size * 1e-12
    ? [low, high]
    : size === 0
      ? [-1, 1]
      : [low - size * 0.1, high + size * 0.1];
}

/** Powers of ten, thinned to about `count`; within less than two decades also 2 and 5 times them. */
function logTicks([low, high]: [number, number], count: number): number[] {
  const first = Math.floor(Math.log10(low));
  const last = Math.ceil(Math.log10(high));
  const decades = Math.log10(high / low);
  const factors = decades < 0.7 ? [1, 2, 3, 4, 5, 6, 7, 8, 9] : decades < 2.5 ? [1, 2, 5] : [1];
  const stride = factors.length > 1 ? 1 : Math.max(1, Math.ceil((last - first) / count));
  const out: number[] = [];
  for (let power = first; power <= last; power++) {
    if (power % stride !== 0) continue;
    for (const factor of factors) {
      const value = Number(`${factor}e${power}`);
      if (value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9)) out.push(value);
    }
  }
  return out.length > 1 ? out : [low, high];
}
