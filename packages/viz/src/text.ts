/**
 * Text in a picture: numbers people can read, labels, and an estimate of how wide they are. Nothing here can
 * measure a font (there is no page), so widths come from a small table and err on the wide side.
 */
import { format, precisionFixed, precisionRound } from 'd3-format';
import { element, type Markup, text } from './svg.ts';

/** How a label is set. */
export interface LabelStyle {
  fill: string;
  /** Pixels. Default 12. */
  size?: number;
  anchor?: 'start' | 'middle' | 'end';
  weight?: number;
  /** Degrees, clockwise, about the label's own point. */
  rotate?: number;
  opacity?: number;
  /** Color of an outline that keeps the label readable over lines. */
  halo?: string;
}

/** A line of text whose middle is at height `y`. */
export function label(content: string, x: number, y: number, style: LabelStyle): Markup {
  const size = style.size ?? 12;
  return element(
    'text',
    {
      x,
      y: y + size * 0.35,
      fill: style.fill,
      'font-size': size === 12 ? undefined : size,
      'text-anchor': style.anchor === 'start' ? undefined : style.anchor,
      'font-weight': style.weight,
      opacity: style.opacity,
      transform: style.rotate === undefined ? undefined : `rotate(${style.rotate} ${round(x)} ${round(y)})`,
      ...(style.halo === undefined
        ? {}
        : { stroke: style.halo, 'stroke-width': 3, 'stroke-linejoin': 'round', 'paint-order': 'stroke' }),
    },
    text(content),
  );
}

/**
 * A number for people: integers as they are, others to `digits` significant digits, very large and very small
 * ones with an exponent. The minus is U+2212, as wide as a plus.
 *
 * @example
 * formatNumber(-0.39322386) // '−0.3932'
 */
export function formatNumber(value: number, digits = 4): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '−∞';
  if (value === 0) return '0';
  const size = Math.abs(value);
  const plain = Number.isInteger(value) ? size < 1e6 : size < 1e5 && size >= 1e-4;
  if (!plain) return exponent(format(`.${digits - 1}~e`)(value));
  if (Number.isInteger(value)) return format('d')(value);
  return size >= 10 ** (digits - 1) ? format('.1~f')(value) : format(`.${digits}~r`)(value);
}

/** Labels of equally spaced ticks: as many decimals as the step needs, the same for all. */
export function tickLabels(values: readonly number[]): string[] {
  const largest = Math.max(...values.map(Math.abs));
  // Six digits: subtraction leaves dust in the last ones.
  const step = values.length > 1 ? Number(Math.abs(values[1] - values[0]).toPrecision(6)) : largest;
  if (values.length < 2 || !(step > 0)) return values.map((value) => formatNumber(value));
  const digits = Math.max(1, precisionRound(step, largest));
  const write =
    largest >= 1e15 || step < 1e-4
      ? (value: number) => (value === 0 ? '0' : exponent(format(`.${digits - 1}~e`)(value)))
      : largest >= 1e4
        ? format(`.${digits}~s`)
        : format(`.${precisionFixed(step)}f`);
  // d3 writes a negative zero, which subtraction of decimal steps can leave, as −0.0.
  return values.map((value) => write(Math.abs(value) < step / 1e6 ? 0 : value));
}

/** A share (0 … 1) in per cent; what is not all and not nothing never reads as 100 % or 0 %. */
export function formatPercent(share: number): string {
  if (!Number.isFinite(share)) return '—';
  const percent = share * 100;
  if (percent > 99 && percent < 100) return `${Math.min(99.9, Math.round(percent * 10) / 10)}%`;
  if (percent > 0 && percent < 1) return `${Math.max(0.1, Math.round(percent * 10) / 10)}%`;
  return `${Math.round(percent)}%`;
}

/** Estimated width in pixels. */
export function textWidth(content: string, size = 12): number {
  let units = 0;
  for (const character of content) units += characterWidth(character);
  return units * size;
}

/** The longest beginning that fits, with an ellipsis where something was cut. */
export function fit(content: string, width: number, size = 12): string {
  if (textWidth(content, size) <= width) return content;
  let kept = '';
  for (const character of content) {
    if (textWidth(`${kept}${character}…`, size) > width) break;
    kept += character;
  }
  return kept === '' ? '' : `${kept.trimEnd()}…`;
}

/** Em widths of common sans-serif fonts, by class of character. */
function characterWidth(character: string): number {
  if (character > '\u2E7F') return 1;
  if (/[iljtfrI.,:;'|()[\]!/\s·]/.test(character)) return 0.34;
  if (/[mwMW@%—]/.test(character)) return 0.9;
  if (/[A-Z−+=<>~]/.test(character)) return 0.68;
  return 0.57;
}

function exponent(written: string): string {
  return written.replace('e+', 'e').replace('e-', 'e−');
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
