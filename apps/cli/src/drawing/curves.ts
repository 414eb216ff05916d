/** Line and point plots in the terminal, with axes, several curves in one plot. */
import { ticks } from 'd3-array';
import { formatNumber } from '../numbers.ts';
import type { Colors } from '../terminal.ts';
import { createCanvas, keyOf } from './canvas.ts';

/** One curve; values that are not finite break it. */
export interface Curve {
  readonly name: string;
  readonly x: readonly number[];
  readonly y: readonly number[];
}

/** How curves are drawn. */
export interface CurvesOptions {
  /** Characters of the whole plot across, axes included. */
  readonly width: number;
  /** Lines of the plot without title, key and horizontal axis. */
  readonly height: number;
  readonly colors: Colors;
  readonly title?: string;
  /** What the horizontal axis counts. */
  readonly xLabel?: string;
  /** How values are written. Default: four digits. */
  readonly format?: (value: number) => string;
  /** Whether the curves are named. Default: when there are several. */
  readonly key?: boolean;
  /** Values are dots, not joined by lines; their axis stays linear. */
  readonly dots?: boolean;
}

/** Losses that fall by more than this factor are flat lines on a linear axis. */
const wideSpread = 50;

/** The lines of a plot. */
export function drawCurves(curves: readonly Curve[], options: CurvesOptions): string[] {
  const { colors, height, format = formatNumber } = options;
  const all = curves.flatMap(({ y }) => y.filter(Number.isFinite));
  const [low, high] = extent(all);
  const logarithmic = !options.dots && low > 0 && high / low > wideSpread;
  const title = `${options.title ?? ''}${logarithmic ? ' (logarithmic)' : ''}`.trim();
  const head = [
    ...(title === '' ? [] : [title]),
    ...((options.key ?? curves.length > 1)
      ? curves.map(({ name }, i) => `${keyOf(i, curves.length === 1, colors)} ${name}`)
      : []),
  ];
  if (all.length === 0) return [...head, 'no values yet'];

  const scale = logarithmic ? Math.log10 : (value: number): number => value;
  const [bottom, top] = widen([scale(low), scale(high)]);
  const marks = logarithmic
    ? powers(low, high, height)
    : ticks(bottom, top, Math.max(2, Math.ceil(height / 3)));
  const rowOf = (value: number): number =>
    Math.min(height - 1, Math.floor(((top - scale(value)) / (top - bottom)) * height));
  const labels: string[] = Array(height).fill('');
  for (const mark of marks) labels[rowOf(mark)] = format(mark);
  const gutter = Math.max(...labels.map((label) => label.length));

  const columns = Math.max(4, options.width - gutter - 2);
  const canvas = createCanvas(columns, height, colors, curves.length === 1);
  const [left, right] = widen(extent(curves.flatMap(({ x }) => x)));
  curves.forEach(({ x, y }, thing) => {
    let before: readonly [number, number] | null = null;
    y.forEach((value, i) => {
      const height = scale(value);
      if (!Number.isFinite(height)) {
        before = null;
        return;
      }
      const at = [
        Math.round(((x[i] - left) / (right - left)) * (canvas.width - 1)),
        Math.round(((top - height) / (top - bottom)) * (canvas.height - 1)),
      ] as const;
      canvas.line(...((!options.dots && before) || at), ...at, thing);
      before = at;
    });
  });
  const dim = colors.dim;
  const drawn = canvas
    .rows()
    .map((row, i) =>
      `${dim(labels[i].padStart(gutter))} ${dim(labels[i] === '' ? '│' : '┤')}${row}`.trimEnd(),
    );
  return [...head, ...drawn, ...horizontalAxis(left, right, gutter, columns, options.xLabel ?? '').map(dim)];
}

function horizontalAxis(
  left: number,
  right: number,
  gutter: number,
  columns: number,
  label: string,
): string[] {
  const [first, last] = [formatNumber(left), formatNumber(right)];
  const room = columns - first.length - last.length;
  const middle = label.length + 2 <= room ? label : '';
  const before = Math.max(1, Math.floor((room - middle.length) / 2));
  const after = Math.max(1, room - middle.length - before);
  const indent = ' '.repeat(gutter + 1);
  return [
    `${indent}└${'─'.repeat(columns)}`,
    `${indent} ${first}${' '.repeat(before)}${middle}${' '.repeat(after)}${last}`,
  ];
}

function extent(values: readonly number[]): [number, number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return [low, high];
}

/** A range of some size also where all values are the same. */
function widen([low, high]: readonly [number, number]): [number, number] {
  if (high > low) return [low, high];
  const half = low === 0 ? 0.5 : Math.abs(low) * 0.1;
  return [low - half, high + half];
}

/** Powers of ten between two numbers, of many only every so many. */
function powers(low: number, high: number, height: number): number[] {
  const [first, last] = [Math.ceil(Math.log10(low)), Math.floor(Math.log10(high))];
  const every = Math.max(1, Math.ceil((last - first + 1) / Math.max(2, height / 2)));
  return Array.from({ length: Math.floor((last - first) / every) + 1 }, (_, i) => 10 ** (first + i * every));
}
