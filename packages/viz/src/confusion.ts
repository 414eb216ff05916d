/** The confusion matrix of a classifier, with counts and the share of each true class. */

import { valueError } from './errors.ts';
import { type ChartOptions, chart, emptyNotice, type Frame, margin } from './frame.ts';
import { checkOptions } from './options.ts';
import { element, type Markup } from './svg.ts';
import { fit, formatNumber, formatPercent, label, textWidth } from './text.ts';
import { inkOnTint, tints } from './theme.ts';

/** Options of `confusion`. */
export interface ConfusionOptions extends ChartOptions {
  /** Names of the classes. Default 0, 1, 2, … */
  labels?: readonly string[];
  /** Name of the rows. Default `true class`. */
  rowLabel?: string;
  /** Name of the columns. Default `predicted class`. */
  columnLabel?: string;
  /** Small print under the title. Default: how many are right. */
  subtitle?: string;
}

/**
 * Draws a confusion matrix: rows are true classes, columns predicted ones. A cell shows its count and its share of
 * the row; the diagonal is blue, mistakes are orange, both as strong as the share.
 *
 * @param counts `[classes][classes]`, true class first.
 * @throws RangeError when the matrix is not square, a count is negative or not finite, or the labels do not match.
 * @example
 * confusion([[50, 2], [3, 45]], { labels: ['cat', 'dog'], title: 'Test set' })
 */
export function confusion(counts: ArrayLike<ArrayLike<number>>, options: ConfusionOptions = {}): string {
  checkOptions(
    'confusion',
    options,
    'labels rowLabel columnLabel subtitle width height title description theme id background',
  );
  const rows = Array.from(counts, (row) => Array.from(row));
  const names = options.labels ?? rows.map((_, i) => String(i));
  check(rows, names);
  const total = sum(rows.map(sum));
  const right = sum(rows.map((row, i) => row[i]));
  const share = total === 0 ? Number.NaN : right / total;
  const { width, cell, edges } = measure(names, options);
  return chart(options, {
    kind: 'Confusion matrix',
    width,
    height: { content: rows.length === 0 ? 80 : rows.length * cell + headRoom },
    subtitle:
      options.subtitle ??
      (total === 0
        ? undefined
        : `${formatNumber(right)} of ${formatNumber(total)} right, ${formatPercent(share)}`),
    summary: summarize(rows, names, right, total),
    draw: (frame) =>
      rows.length === 0 ? emptyNotice(frame) : draw(frame, rows, names, cell, edges, options),
  });
}

/** Room above the cells for the names of the columns. */
const headRoom = 46;

function draw(
  frame: Frame,
  rows: number[][],
  names: readonly string[],
  cell: number,
  edges: number,
  options: ConfusionOptions,
): Markup[] {
  const { paint } = frame;
  const left = frame.left + edges;
  const top = frame.top + headRoom;
  const side = rows.length * cell;
  const muted = paint.role('muted');
  const ink = paint.role('ink');
  const out: Markup[] = [
    label(fit(options.columnLabel ?? 'predicted class', frame.right - left), left + side / 2, frame.top + 9, {
      fill: muted,
      anchor: 'middle',
    }),
    label(fit(options.rowLabel ?? 'true class', side), frame.left + 6, top + side / 2, {
      fill: muted,
      anchor: 'middle',
      rotate: -90,
    }),
  ];
  const every = Math.max(1, Math.ceil(13 / cell));
  const cells = [
    element('rect', { x: left, y: top, width: side, height: side, rx: 3, fill: paint.role('panel') }),
  ];
  for (const [i, row] of rows.entries()) {
    const middle = top + (i + 0.5) * cell;
    if (i % every === 0) {
      out.push(label(fit(names[i], edges - 31), left - 8, middle, { fill: ink, anchor: 'end' }));
      const shown = fit(names[i], every * cell - 2);
      out.push(label(shown, left + (i + 0.5) * cell, top - 11, { fill: ink, anchor: 'middle' }));
    }
    const rowTotal = sum(row);
    for (const [j, count] of row.entries()) {
      const share = rowTotal === 0 ? 0 : count / rowTotal;
      cells.push(...drawCell(frame, left + j * cell, top + i * cell, cell, count, share, i === j));
    }
  }
  out.push(element('g', { class: 'ag-cells' }, cells));
  return out;
}

function drawCell(
  { paint }: Frame,
  x: number,
  y: number,
  size: number,
  count: number,
  share: number,
  diagonal: boolean,
): Markup[] {
  // Mistakes are rare: their tint grows with the square root, so that one in a hundred can be seen.
  const opacity = 0.08 + 0.92 * (diagonal ? share : Math.sqrt(share));
  const tint = diagonal ? 'positive' : 'negative';
  const gap = size > 12 ? 1 : 0;
  const square = { x: x + gap, y: y + gap, width: size - 2 * gap, height: size - 2 * gap, rx: gap * 2 };
  const out: Markup[] = [];
  if (count > 0) {
    out.push(
      element('rect', {
        ...square,
        fill: tints[tint],
        'fill-opacity': opacity,
      }),
    );
  }
  const written = formatNumber(count);
  const font = Math.min(14, size * 0.34);
  if (size < 18 || textWidth(written, font) > size - 2) return out;
  const fill = count === 0 ? paint.role('muted') : inkOnTint(paint, tint, opacity);
  const both = size >= 36 && count > 0;
  const middle = { x: x + size / 2, y: y + size / 2 };
  out.push(
    label(written, middle.x, middle.y - (both ? size * 0.13 : 0), {
      fill,
      size: font,
      anchor: 'middle',
      weight: count === 0 ? undefined : 600,
    }),
  );
  if (both)
    out.push(
      label(formatPercent(share), middle.x, middle.y + size * 0.2, { fill, size: 10, anchor: 'middle' }),
    );
  return out;
}

/** Cells are square; without a given size they are as large as the names of the columns ask for. */
function measure(
  names: readonly string[],
  options: ConfusionOptions,
): { width: number; cell: number; edges: number } {
  const longest = Math.max(8, ...names.map((name) => textWidth(name)));
  const ideal = Math.min(names.length > 12 ? 34 : 84, Math.max(names.length > 12 ? 28 : 54, longest + 8));
  const desired = 2 * margin + 32 + longest + names.length * ideal;
  const width = options.width ?? Math.ceil(Math.min(760, Math.max(280, desired)));
  const edges = 32 + Math.min(longest, width * 0.3);
  const headings = (options.title ? 24 : 0) + 22 + headRoom;
  const across = (width - 2 * margin - edges) / names.length;
  const down = options.height === undefined ? ideal : (options.height - 2 * margin - headings) / names.length;
  return { width, edges, cell: Math.max(1, Math.floor(Math.min(across, down))) };
}

function check(rows: number[][], names: readonly string[]): void {
  if (names.length !== rows.length) {
    throw valueError(`confusion: ${names.length} labels for ${rows.length} classes`);
  }
  for (const [i, row] of rows.entries()) {
    if (row.length !== rows.length) {
      throw valueError(
        `confusion: the matrix must be square, but row ${i} of ${rows.length} has ${row.length} columns`,
      );
    }
    for (const count of row) {
      if (!(count >= 0 && Number.isFinite(count))) {
        throw valueError(`confusion: row ${i} holds ${count}; counts are finite and not negative`);
      }
    }
  }
}

function summarize(rows: number[][], names: readonly string[], right: number, total: number): string {
  if (total === 0) return 'A confusion matrix without examples.';
  const mistakes = rows
    .flatMap((row, i) => row.map((count, j) => ({ i, j, count })))
    .filter(({ i, j, count }) => i !== j && count > 0)
    .sort((a, b) => b.count - a.count)
    .slice(0, 3)
    .map(({ i, j, count }) => `${names[i]} taken for ${names[j]} ${formatNumber(count)} times`);
  const worst = mistakes.length === 0 ? 'No mistakes' : `Most frequent mistakes: ${mistakes.join('; ')}`;
  return `Confusion matrix of ${rows.length} classes, ${formatNumber(right)} of ${formatNumber(total)} right. ${worst}.`;
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}
