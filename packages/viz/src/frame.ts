/**
 * The frame of every chart: the `svg` element with its size, accessible name, colors and heading. A chart gives its
 * default size, one sentence that says what the data show, and a function that draws the inside.
 */
import { valueError } from './errors.ts';
import { element, type Markup, text } from './svg.ts';
import { fit, label } from './text.ts';
import { createPaint, type Paint, type Theme } from './theme.ts';

/** Options of every chart. */
export interface ChartOptions {
  /** Pixels of the drawing's own coordinates; the picture shrinks with its container. Defaults depend on the chart. */
  width?: number;
  height?: number;
  /** Heading, and the accessible name. Without it there is no heading and the name is the kind of chart. */
  title?: string;
  /** Accessible description. Default: a sentence about the data. */
  description?: string;
  /** Default `auto`: light or dark by the reader's preference. */
  theme?: Theme;
  /** Prefix of every id in the picture; must be unique on a page. Default: derived from kind, title and data. */
  id?: string;
  /** Fill the background. Default true; the contrast that the tests check holds on that background. */
  background?: boolean;
}

/** Where and with what a chart draws its inside. */
export interface Frame {
  id: string;
  paint: Paint;
  width: number;
  height: number;
  /** The area below the heading, inside the outer margin. */
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/** What makes one kind of chart. */
export interface ChartParts {
  kind: string;
  width: number;
  /** A number, or what the content needs below the heading. */
  height: number | { content: number };
  summary: string;
  /** A line of small print under the title. */
  subtitle?: string;
  draw(frame: Frame): Markup[];
}

/** Space around the content. */
export const margin = 14;

/** The whole picture. */
export function chart(options: ChartOptions, parts: ChartParts): string {
  const width = size('width', options.width, parts.width);
  const title = options.title ?? '';
  const headings = (title === '' ? 0 : 24) + (parts.subtitle === undefined ? 0 : 18);
  const top = margin + headings + (headings === 0 ? 0 : 4);
  const needed = typeof parts.height === 'number' ? parts.height : top + parts.height.content + margin;
  const height = size('height', options.height, needed);
  const theme = options.theme ?? 'auto';
  const description = options.description ?? parts.summary;
  const id = identifier(
    options.id,
    [parts.kind, title, description, theme, width, height].join('|'),
    parts.kind,
  );
  const paint = createPaint(theme);
  const surface = paint.role('surface');

  const inside = parts.draw({
    id,
    paint,
    width,
    height,
    left: margin,
    right: width - margin,
    top,
    bottom: height - margin,
  });
  const heading: Markup[] = [];
  if (title !== '') {
    const shown = fit(title, width - 2 * margin, 16);
    heading.push(label(shown, margin, margin + 9, { fill: paint.role('ink'), size: 16, weight: 600 }));
  }
  if (parts.subtitle !== undefined) {
    const y = margin + (title === '' ? 7 : 31);
    heading.push(label(fit(parts.subtitle, width - 2 * margin), margin, y, { fill: paint.role('muted') }));
  }
  return element(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      id,
      viewBox: `0 0 ${width} ${height}`,
      width,
      height,
      style: 'max-width:100%;height:auto',
      role: 'img',
      'aria-labelledby': `${id}-title ${id}-description`,
      'font-family': "system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans','Noto Sans CJK SC',sans-serif",
      'font-size': 12,
    },
    element('title', { id: `${id}-title` }, text(title === '' ? parts.kind : title)),
    element('desc', { id: `${id}-description` }, text(description)),
    paint.style(id),
    options.background === false ? [] : element('rect', { width, height, rx: 6, fill: surface }),
    heading,
    inside,
  );
}

/** The words in the middle of a chart that has nothing to show. */
export function emptyNotice(frame: Frame, content = 'No data'): Markup[] {
  const { left, right, top, bottom, paint } = frame;
  const middle = { fill: paint.role('muted'), anchor: 'middle', size: 14 } as const;
  return [label(content, (left + right) / 2, (top + bottom) / 2, middle)];
}

function size(name: string, given: number | undefined, fallback: number): number {
  const value = given ?? fallback;
  if (!(value >= 40 && value <= 20_000)) {
    throw valueError(`chart: ${name} is ${value}, but must be between 40 and 20000 pixels`);
  }
  return Math.round(value);
}

/** Ids are used in CSS selectors and in url(#…), where only plain characters are safe. */
function identifier(given: string | undefined, content: string, kind: string): string {
  if (given === undefined) return `ag-${kind.toLowerCase().replace(/[^a-z]+/g, '-')}-${fingerprint(content)}`;
  const plain = given.replace(/[^A-Za-z0-9_-]/g, '-');
  return /^[A-Za-z_]/.test(plain) ? plain : `ag-${plain}`;
}

/** FNV-1a, 32 bits: equal content gives equal ids, so output is the same run after run. */
function fingerprint(content: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < content.length; i++) hash = Math.imul(hash ^ content.charCodeAt(i), 0x01000193);
  return (hash >>> 0).toString(36);
}
