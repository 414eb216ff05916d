/**
 * Builds SVG as text. Finished markup has a type of its own, so that a user's string cannot reach the output
 * without being escaped: `element` escapes every attribute, `text` every piece of content.
 */

declare const brand: unique symbol;

/** Well-formed SVG text. Only the functions of this file make it. */
export type Markup = string & { readonly [brand]: true };

/** Values of attributes; `undefined` leaves the attribute out, numbers are rounded to hundredths. */
export type Attributes = Record<string, string | number | undefined>;

/**
 * One element.
 *
 * @example
 * element('g', { opacity: 0.5 }, element('title', {}, text('a < b'))) // <g opacity="0.5"><title>a &lt; b</title></g>
 */
export function element(name: string, attributes: Attributes, ...children: (Markup | Markup[])[]): Markup {
  let out = `<${name}`;
  for (const key in attributes) {
    const value = attributes[key];
    if (value === undefined) continue;
    out += ` ${key}="${typeof value === 'number' ? coordinate(value) : escapeText(value)}"`;
  }
  const content = children.map((child) => (Array.isArray(child) ? child.join('') : child)).join('');
  return (content === '' ? `${out}/>` : `${out}>${content}</${name}>`) as Markup;
}

/** Character data: a user's string, made harmless. */
export function text(content: string): Markup {
  return escapeText(content) as Markup;
}

/** A rule of the style sheet; only for text this package wrote itself. */
export function styleSheet(rules: string): Markup {
  return `<style>${rules}</style>` as Markup;
}

/** A number in a coordinate: at most two decimals, and no exponent that an SVG reader might not know. */
export function coordinate(value: number): string {
  const rounded = Math.round(value * 100) / 100;
  return Object.is(rounded, -0) ? '0' : String(rounded);
}

/**
 * The data of a `path` through points: tenths of a pixel, each point relative to the one before, because pictures
 * hold thousands of them. Rounding does not add up: differences are taken between rounded positions.
 */
export function polyline(points: readonly (readonly [number, number])[], closed = false): string {
  let out = '';
  let lastX = 0;
  let lastY = 0;
  for (let i = 0; i < points.length; i++) {
    const x = Math.round(points[i][0] * 10);
    const y = Math.round(points[i][1] * 10);
    out += `${i === 0 ? 'M' : 'l'}${(x - lastX) / 10},${(y - lastY) / 10}`;
    lastX = x;
    lastY = y;
  }
  return closed ? `${out}z` : out;
}

/** The data of a diagonal cross, the mark of a value that cannot be shown. */
export function cross(x: number, y: number, reach: number): string {
  return `${polyline([
    [x - reach, y - reach],
    [x + reach, y + reach],
  ])}${polyline([
    [x + reach, y - reach],
    [x - reach, y + reach],
  ])}`;
}

const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Characters that XML 1.0 (section 2.2) forbids even as references are replaced, the rest is escaped. */
function escapeText(content: string): string {
  return content.replace(forbidden, '\uFFFD').replace(/[&<>"']/g, (character) => entities[character]);
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to look for.
const forbidden = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]|\p{Surrogate}/gu;
