/** A matrix as colored cells: weights, activations, correlations, attention. */

import { extentOf } from './axes.ts';
import {
  type ColorScale,
  type ColorScaleKind,
  colorBarRoom,
  createColorScale,
  drawColorBar,
  raster,
} from './colorScale.ts';
import { valueError } from './errors.ts';
import { type ChartOptions, chart, emptyNotice, type Frame, margin } from './frame.ts';
import { checkOptions } from './options.ts';
import { cross, element, type Markup } from './svg.ts';
import { fit, formatNumber, label, textWidth } from './text.ts';

/** Options of `heatmap`. */
export interface HeatmapOptions extends ChartOptions {
  /** `sequential` for amounts, `diverging` for signed values. Default: `diverging` when signs differ. */
  scale?: ColorScaleKind;
  /** Values of the first and last color. Default: the extent of the data; diverging ones symmetric about 0. */
  domain?: readonly [number, number];
  rowLabels?: readonly string[];
  columnLabels?: readonly string[];
  xLabel?: string;
  yLabel?: string;
  /** Write the value into each cell. Default: when there are at most 150 cells and the numbers fit. */
  showValues?: boolean;
}

/**
 * Draws a heat map; the first row is at the top. Cells that are not finite stay empty, marked with a cross.
 *
 * @param matrix `[rows, columns]`.
 * @throws RangeError when rows differ in length, or labels do not match.
 * @example
 * heatmap([[0.1, -0.5], [0.3, 0.8]], { title: 'Weights', scale: 'diverging' })
 */
export function heatmap(matrix: ArrayLike<ArrayLike<number>>, options: HeatmapOptions = {}): string {
  checkOptions(
    'heatmap',
    options,
    'scale domain rowLabels columnLabels xLabel yLabel showValues width height title description theme id background',
  );
  const rows = matrix.length;
  const columns = rows === 0 ? 0 : matrix[0].length;
  check(matrix, columns, options);
  const width = options.width ?? 560;
  const edges = {
    left: (options.yLabel ? 20 : 0) + (options.rowLabels ? rowRoom(options.rowLabels, width) : 0),
    bottom: (options.xLabel ? 20 : 0) + (options.columnLabels ? 20 : 0),
  };
  const side = Math.min(44, (width - 2 * margin - edges.left - colorBarRoom) / columns);
  const height = Math.max(60, Math.min(480, rows * side));
  const extent = options.domain ?? extentOf(Array.from(matrix));
  return chart(options, {
    kind: 'Heat map',
    width,
    height: { content: rows * columns === 0 ? 80 : height + edges.bottom },
    summary:
      extent === undefined
        ? `A heat map of ${rows} by ${columns} cells without values.`
        : `Heat map of ${rows} rows and ${columns} columns, values from ${formatNumber(extent[0])} to ${formatNumber(extent[1])}.`,
    draw: (frame) =>
      extent === undefined ? emptyNotice(frame) : draw(frame, matrix, extent, edges, options),
  });
}

function draw(
  frame: Frame,
  matrix: ArrayLike<ArrayLike<number>>,
  extent: readonly [number, number],
  edges: { left: number; bottom: number },
  options: HeatmapOptions,
): Markup[] {
  const { paint } = frame;
  const rows = matrix.length;
  const columns = matrix[0].length;
  const scale = createColorScale(
    options.scale ?? (extent[0] < 0 && extent[1] > 0 ? 'diverging' : 'sequential'),
    extent,
  );
  const left = frame.left + edges.left;
  const bottom = frame.bottom - edges.bottom;
  const right = Math.min(
    frame.right - colorBarRoom,
    left + columns * Math.max(64, (bottom - frame.top) / rows),
  );
  const box = { x: left, y: frame.top, width: right - left, height: bottom - frame.top };
  const cell = { width: box.width / columns, height: box.height / rows };
  const out: Markup[] = [element('rect', { ...box, fill: paint.role('panel') })];
  if (rows * columns > 1600) {
    const values = new Float64Array(rows * columns);
    for (let i = 0; i < rows; i++) values.set(Array.from(matrix[i]), i * columns);
    out.push(raster(values, columns, rows, scale, box));
  } else {
    out.push(element('g', { class: 'ag-cells' }, drawCells(frame, matrix, scale, box, cell, options)));
  }
  const ink = paint.role('ink');
  out.push(
    ...edgeLabels(options.rowLabels, cell.height, (name, at) =>
      label(fit(name, edges.left - 9, 11), left - 8, box.y + at, { fill: ink, anchor: 'end', size: 11 }),
    ),
    ...edgeLabels(
      options.columnLabels,
      Math.max(cell.width, 1),
      (name, at, room) =>
        label(fit(name, room - 2, 11), left + at, bottom + 11, { fill: ink, anchor: 'middle', size: 11 }),
      options.columnLabels === undefined
        ? 0
        : Math.min(60, Math.max(...options.columnLabels.map((n) => textWidth(n, 11))) + 6),
    ),
  );
  const muted = { fill: paint.role('muted'), anchor: 'middle' } as const;
  if (options.xLabel) out.push(label(options.xLabel, left + box.width / 2, frame.bottom - 5, muted));
  if (options.yLabel)
    out.push(label(options.yLabel, frame.left + 6, box.y + box.height / 2, { ...muted, rotate: -90 }));
  out.push(drawColorBar(frame, scale, right + 14, box.y + 6, Math.min(200, box.height - 12)));
  return out;
}

function drawCells(
  { paint }: Frame,
  matrix: ArrayLike<ArrayLike<number>>,
  scale: ColorScale,
  box: { x: number; y: number },
  cell: { width: number; height: number },
  options: HeatmapOptions,
): Markup[] {
  const out: Markup[] = [];
  const columns = matrix[0].length;
  const gap = Math.min(cell.width, cell.height) > 8 ? 0.5 : 0;
  const write = cellFormat(scale.domain);
  const written = Array.from(matrix, (row) => Array.from(row, write));
  const widest = Math.max(...written.flat().map((number) => textWidth(number, 11)));
  const fits = widest <= cell.width - 4 && cell.height >= 14;
  const showValues = options.showValues ?? (matrix.length * columns <= 150 && fits);
  for (let i = 0; i < matrix.length; i++) {
    for (let j = 0; j < columns; j++) {
      const value = matrix[i][j];
      const x = box.x + j * cell.width;
      const y = box.y + i * cell.height;
      if (!Number.isFinite(value)) {
        const d = cross(x + cell.width / 2, y + cell.height / 2, 3);
        out.push(element('path', { class: 'ag-break', d, stroke: paint.role('muted'), fill: 'none' }));
        continue;
      }
      const square = { x: x + gap, y: y + gap, width: cell.width - 2 * gap, height: cell.height - 2 * gap };
      out.push(element('rect', { ...square, ...scale.fill(value) }));
      if (showValues) {
        const style = { fill: scale.ink(value, paint), size: 11, anchor: 'middle' } as const;
        out.push(label(written[i][j], x + cell.width / 2, y + cell.height / 2, style));
      }
    }
  }
  return out;
}

/** The same number of decimals in every cell: as many as show two digits of the largest value. */
function cellFormat(domain: readonly [number, number]): (value: number) => string {
  const largest = Math.max(Math.abs(domain[0]), Math.abs(domain[1]));
  if (!(largest >= 0.01 && largest < 1e5)) return (value) => formatNumber(value, 3);
  const digits = Math.floor(Math.log10(largest));
  const decimals = digits < 0 ? 1 - digits : Math.max(0, 2 - digits);
  return (value) => {
    if (Number.isInteger(value)) return formatNumber(value);
    const written = value.toFixed(decimals);
    return Number(written) === 0 ? written.replace('-', '') : written.replace('-', '−');
  };
}

/** Labels along an edge, thinned so that they do not touch; `needed` is the pixels one label asks for. */
function edgeLabels(
  names: readonly string[] | undefined,
  step: number,
  write: (name: string, at: number, room: number) => Markup,
  needed = 13,
): Markup[] {
  if (names === undefined) return [];
  const every = Math.max(1, Math.ceil(needed / step));
  return names.flatMap((name, i) => (i % every === 0 ? [write(name, (i + 0.5) * step, every * step)] : []));
}

function rowRoom(names: readonly string[], width: number): number {
  return Math.min(width * 0.35, 12 + Math.max(0, ...names.map((name) => textWidth(name, 11))));
}

function check(matrix: ArrayLike<ArrayLike<number>>, columns: number, options: HeatmapOptions): void {
  for (let i = 0; i < matrix.length; i++) {
    if (matrix[i].length !== columns) {
      throw valueError(`heatmap: row ${i} has ${matrix[i].length} columns, row 0 has ${columns}`);
    }
  }
  const { rowLabels, columnLabels } = options;
  if (rowLabels !== undefined && rowLabels.length !== matrix.length) {
    throw valueError(`heatmap: ${rowLabels.length} row labels for ${matrix.length} rows`);
  }
  if (columnLabels !== undefined && columnLabels.length !== columns) {
    throw valueError(`heatmap: ${columnLabels.length} column labels for ${columns} columns`);
  }
}
