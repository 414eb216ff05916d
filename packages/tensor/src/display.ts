/**
 * Tensors in notebooks: text and, for small ones, a picture whose cells are colored by value. Loaded where a notebook asks for it, and made of
 * nothing that all programs hold, so that bundles stay in one piece.
 */
import type { TypedArray } from './dtype.ts';
import type { Shape } from './shape.ts';

/** What a notebook can show, by MIME type. */
export type MimeBundle = Readonly<Record<string, string>>;

/** Longest axis of a picture, and most pictures of one tensor beside one another. */
const longest = 64;
const most = 8;

/** A tensor shown: `text/plain` as it prints, `text/html` with a picture where rows and columns are few. */
export function notebookDisplay(text: string, data: TypedArray, shape: Shape): MimeBundle {
  return { 'text/plain': text, 'text/html': `${picture(data, shape)}<pre>${text}</pre>` };
}

/** The last two axes as cells, those before as pictures of their own; nothing where there are no cells or too many. */
function picture(data: TypedArray, shape: Shape): string {
  const [rows, columns] = [shape[shape.length - 2] ?? 1, shape[shape.length - 1] ?? 1];
  const count = shape.slice(0, -2).reduce((product, size) => product * size, 1);
  if (data.length === 0 || shape.length === 0 || rows > longest || columns > longest || count > most)
    return '';
  const finite = Array.from(data).filter(Number.isFinite);
  const low = Math.min(...finite);
  const high = Math.max(...finite);
  const size = Math.max(2, Math.min(16, Math.floor(320 / Math.max(rows, columns))));
  const drawn = Array.from({ length: count }, (_, i) => {
    const cells = Array.from({ length: rows * columns }, (_, at) => {
      const value = data[i * rows * columns + at];
      const place = `x="${(at % columns) * size}" y="${Math.floor(at / columns) * size}"`;
      return `<rect ${place} width="${size}" height="${size}" fill="${color(value, low, high)}"><title>${value}</title></rect>`;
    });
    return `<svg width="${columns * size}" height="${rows * size}" role="img" aria-label="tensor [${shape.join(', ')}]" style="margin-right:8px">${cells.join('')}</svg>`;
  });
  return `<div>${drawn.join('')}</div>`;
}

/** From dark blue by way of green to yellow, so that lightness grows with the value; gray for what is no number. */
function color(value: number, low: number, high: number): string {
  if (Number.isNaN(value)) return '#999';
  const part = high > low ? Math.min(1, Math.max(0, (value - low) / (high - low))) : 0.5;
  return `hsl(${Math.round(250 - 190 * part)} 60% ${Math.round(22 + 48 * part)}%)`;
}
