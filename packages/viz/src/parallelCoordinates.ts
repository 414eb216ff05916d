/**
 * Parallel coordinates: each run of a sweep as a line across its hyperparameters and metrics. The outcome decides the color.
 */

import { curveMonotoneX, line } from 'd3-shape';
import { createAxis, extentOf, type ScaleKind } from './axes.ts';
import { valueError } from './errors.ts';
import { type ChartOptions, chart, emptyNotice, type Frame } from './frame.ts';
import { checkOptions } from './options.ts';
import { element, type Markup } from './svg.ts';
import { fit, formatNumber, label, textWidth } from './text.ts';

/** One run: a value for each name. */
export type SweepRun = Readonly<Record<string, number | string | boolean | null | undefined>>;

/** One axis. */
export interface SweepDimension {
  /** Name of the value in each run. */
  key: string;
  /** Default: the key. */
  label?: string;
  /** Default: `category` when a run holds something that is not a number, otherwise `linear`. */
  scale?: ScaleKind | 'category';
}

/** Options of `parallelCoordinates`. */
export interface ParallelCoordinatesOptions extends ChartOptions {
  /** Axes, left to right. Default: every name of the first run. */
  dimensions?: readonly (string | SweepDimension)[];
  /** The numeric dimension that gives the lines their color. Default: the last one. */
  colorBy?: string;
}

/**
 * Draws runs across parallel axes. A value that is missing, or has no place on its axis, breaks the line.
 *
 * @throws RangeError when `colorBy` is not one of the dimensions.
 * @example
 * parallelCoordinates([{ rate: 0.1, units: 32, accuracy: 0.93 }, { rate: 0.01, units: 64, accuracy: 0.97 }],
 *   { dimensions: [{ key: 'rate', scale: 'log' }, 'units', 'accuracy'] })
 */
export function parallelCoordinates(
  runs: readonly SweepRun[],
  options: ParallelCoordinatesOptions = {},
): string {
  checkOptions(
    'parallelCoordinates',
    options,
    'dimensions colorBy width height title description theme id background',
  );
  const dimensions = (options.dimensions ?? Object.keys(runs[0] ?? {})).map((given) =>
    typeof given === 'string' ? { key: given } : given,
  );
  const colorBy = options.colorBy ?? dimensions[dimensions.length - 1]?.key;
  if (dimensions.length > 0 && !dimensions.some((dimension) => dimension.key === colorBy)) {
    throw valueError(
      `parallelCoordinates: colorBy is ${JSON.stringify(colorBy)}, but the dimensions are ${dimensions.map((d) => d.key).join(', ')}`,
    );
  }
  return chart(options, {
    kind: 'Parallel coordinates',
    width: Math.max(480, 130 * dimensions.length),
    height: 340,
    summary:
      runs.length === 0
        ? 'Parallel coordinates without runs.'
        : `${runs.length} runs over ${dimensions.map((dimension) => dimension.label ?? dimension.key).join(', ')}, colored by ${colorBy}.`,
    draw: (frame) =>
      runs.length === 0 || dimensions.length === 0
        ? emptyNotice(frame)
        : draw(frame, runs, dimensions, colorBy),
  });
}

interface Ladder {
  x: number;
  name: string;
  /** Height of a value, `undefined` when it has none. */
  position(value: SweepRun[string]): number | undefined;
  marks: { y: number; label: string }[];
}

function draw(
  frame: Frame,
  runs: readonly SweepRun[],
  dimensions: readonly SweepDimension[],
  colorBy: string,
): Markup[] {
  const { paint } = frame;
  const top = frame.top + 30;
  const bottom = frame.bottom - 8;
  const [left, right] = [frame.left + 46, frame.right - 46];
  const step = dimensions.length > 1 ? (right - left) / (dimensions.length - 1) : 0;
  const ladders = dimensions.map((dimension, i) =>
    createLadder(dimension, runs, dimensions.length > 1 ? left + i * step : (left + right) / 2, bottom, top),
  );
  const at = dimensions.findIndex((dimension) => dimension.key === colorBy);
  const order = runs
    .map((run) => ({ run, y: ladders[at].position(settingOf(run, colorBy)) }))
    // The best end of the scale is painted last, on top.
    .sort((a, b) => (b.y ?? Infinity) - (a.y ?? Infinity));
  const path = line<[number, number] | undefined>()
    .defined((point) => point !== undefined)
    .x((point) => point?.[0] ?? 0)
    .y((point) => point?.[1] ?? 0)
    .curve(curveMonotoneX)
    .digits(1);
  const lines = order.map(({ run, y }) => {
    const points = ladders.map((ladder, i): [number, number] | undefined => {
      const height = ladder.position(settingOf(run, dimensions[i].key));
      return height === undefined ? undefined : [ladder.x, height];
    });
    // Twenty shades are as many as one can tell apart.
    const shade = y === undefined ? undefined : Math.round(((bottom - y) / (bottom - top)) * 20) / 20;
    return element('path', {
      d: path(points) ?? '',
      stroke: shade === undefined ? paint.role('muted') : paint.ordered(shade),
      'stroke-dasharray': shade === undefined ? '3 3' : undefined,
    });
  });
  const out = [
    element(
      'g',
      { class: 'ag-runs', fill: 'none', 'stroke-width': 1.6, 'stroke-opacity': runs.length > 60 ? 0.6 : 0.9 },
      lines,
    ),
  ];
  for (const ladder of ladders) {
    out.push(
      element('line', { x1: ladder.x, x2: ladder.x, y1: top, y2: bottom, stroke: paint.role('axis') }),
      label(fit(ladder.name, Math.max(60, step - 8)), ladder.x, top - 18, {
        fill: paint.role('ink'),
        anchor: 'middle',
        weight: 600,
      }),
    );
    for (const mark of ladder.marks) {
      const shown = fit(mark.label, 70, 11);
      const width = textWidth(shown, 11) + 6;
      // Lines pass under the labels: a plate keeps those readable.
      const plate = { x: ladder.x - 6 - width, y: mark.y - 7.5, width, height: 15, rx: 3 };
      out.push(
        element('line', {
          x1: ladder.x - 4,
          x2: ladder.x,
          y1: mark.y,
          y2: mark.y,
          stroke: paint.role('axis'),
        }),
        element('rect', { ...plate, fill: paint.role('surface'), 'fill-opacity': 0.85 }),
        label(shown, ladder.x - 9, mark.y, { fill: paint.role('ink'), size: 11, anchor: 'end' }),
      );
    }
  }
  return out;
}

/** What a run itself says under a name; runs come from files, and a setting may have any name. */
function settingOf(run: SweepRun, key: string): SweepRun[string] {
  return Object.hasOwn(run, key) ? run[key] : undefined;
}

function createLadder(
  dimension: SweepDimension,
  runs: readonly SweepRun[],
  x: number,
  bottom: number,
  top: number,
): Ladder {
  const { key } = dimension;
  const name = dimension.label ?? key;
  const present = runs
    .map((run) => settingOf(run, key))
    .filter((value) => value !== null && value !== undefined);
  const kind =
    dimension.scale ?? (present.some((value) => typeof value !== 'number') ? 'category' : 'linear');
  if (kind === 'category') {
    const values = [...new Set(present.map(String))];
    const place = (i: number) =>
      values.length < 2 ? (bottom + top) / 2 : bottom - ((bottom - top) * i) / (values.length - 1);
    const every = Math.max(1, Math.ceil((values.length * 14) / (bottom - top)));
    return {
      x,
      name,
      position: (value) =>
        value === null || value === undefined ? undefined : place(values.indexOf(String(value))),
      marks: values.map((value, i) => ({ y: place(i), label: value })).filter((_, i) => i % every === 0),
    };
  }
  const numbers = present.map(Number);
  const extent = extentOf([numbers], kind);
  if (extent === undefined) return { x, name, position: () => undefined, marks: [] };
  const axis = createAxis(extent, [bottom, top], { kind, count: 6, nice: false });
  const distinct = new Set(numbers);
  // A parameter tried at a few settings reads best with exactly those marked.
  const settings = [...distinct].filter(axis.shows).sort((a, b) => a - b);
  const marks =
    settings.length <= 6
      ? settings.map((value) => ({ y: axis.position(value), label: formatNumber(value, 3) }))
      : axis.ticks.map((tick) => ({ y: axis.position(tick.value), label: tick.label }));
  return {
    x,
    name,
    position: (value) => (typeof value === 'number' && axis.shows(value) ? axis.position(value) : undefined),
    marks,
  };
}
