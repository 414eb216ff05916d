/**
 * Colors, for light and dark surfaces, that people with any kind of color vision can tell apart.
 *
 * A chart asks for a role (`ink`, `grid`, …), never for a color. With an explicit theme the role becomes a literal
 * color, which every SVG reader understands; with `auto` it becomes a CSS custom property, whose two values sit in
 * a style sheet inside the picture, so that one file follows the reader's preference.
 *
 * The series colors start from Okabe and Ito, "Color Universal Design" (2008), moved until each has a contrast of
 * 3:1 or more with its surface (WCAG 2.2, 1.4.11) and stays apart from the others for protan, deutan and tritan
 * vision; theme.test.ts computes both.
 */
import { type Markup, styleSheet } from './svg.ts';
import { viridis } from './viridis.ts';

/** `auto` follows the reader's preference; `light` and `dark` write literal colors. */
export type Theme = 'auto' | 'light' | 'dark';

/** What a color is for. */
export type Role = keyof typeof themes.light;

/** Turns roles into colors and remembers which were used. */
export interface Paint {
  /** The color of a role. */
  role(name: Role): string;
  /** The color of series `index`; beyond the eighth the colors repeat, and dashes tell them apart. */
  series(index: number): string;
  /** Color at `t` (0 … 1) of a ramp that says order (dark to bright) and keeps 3:1 with the surface. */
  ordered(t: number): string;
  /** The style sheet of everything used so far, none when the colors are literal. */
  style(id: string): Markup[];
}

/** Both themes. Text roles have a contrast of at least 4.5:1 with the surface, series colors 3:1. */
export const themes = {
  light: {
    surface: '#ffffff',
    panel: '#f4f6f8',
    ink: '#1b1f24',
    muted: '#57606a',
    axis: '#868e97',
    grid: '#e4e7eb',
    accent: '#cf320a',
    // Text on a cell tinted with `positive` or `negative`: faint tints show the surface through.
    cellInk: '#000000',
    gradientInk: '#a8300b',
  },
  dark: {
    surface: '#11161d',
    panel: '#1b222c',
    ink: '#e8ebef',
    muted: '#a3acb7',
    axis: '#6b7683',
    grid: '#2a323d',
    accent: '#ff8a5c',
    cellInk: '#ffffff',
    gradientInk: '#ff9d73',
  },
} as const;

/** Colors of series, in order of use. */
export const seriesColors = {
  light: ['#2161b7', '#e95b00', '#3e9868', '#ac337b', '#875b00', '#0797f4', '#690f00', '#422d42'],
  dark: ['#06beff', '#faad1e', '#00a96b', '#c997b9', '#ffe358', '#6774de', '#e46a26', '#cac3ba'],
} as const;

/**
 * The two ends of a diverging scale, and the tints of right and wrong. They are laid over the surface with an
 * opacity, so that zero is the surface itself in either theme. White text on either has a contrast above 4.5:1.
 */
export const tints = { positive: '#2166ac', negative: '#a85205' } as const;

/** Text on a tint: at these opacities over a light surface white begins to read better than black. */
const whiteTextFrom = { positive: 0.88, negative: 0.92 } as const;

/** The color of text on a tint of some opacity over the surface. */
export function inkOnTint(paint: Paint, tint: keyof typeof tints, opacity: number): string {
  return opacity >= whiteTextFrom[tint] ? '#ffffff' : paint.role('cellInk');
}

/** The part of viridis that keeps 3:1 with each surface. */
const orderedRange = { light: [0, 0.6], dark: [0.42, 1] } as const;

/** A fresh paint box for one picture. */
export function createPaint(theme: Theme): Paint {
  const used = new Map<string, readonly [light: string, dark: string]>();
  const pair = (name: string, light: string, dark: string): string => {
    if (theme === 'light') return light;
    if (theme === 'dark') return dark;
    used.set(name, [light, dark]);
    return `var(--ag-${name})`;
  };
  return {
    role: (name) => pair(name.toLowerCase(), themes.light[name], themes.dark[name]),
    series: (index) => {
      const i = index % seriesColors.light.length;
      return pair(`series-${i + 1}`, seriesColors.light[i], seriesColors.dark[i]);
    },
    ordered: (t) => {
      const step = Math.round(Math.min(1, Math.max(0, t)) * 100);
      return pair(`order-${step}`, orderedColor('light', step / 100), orderedColor('dark', step / 100));
    },
    style: (id) => {
      if (used.size === 0) return [];
      const rule = (k: 0 | 1) =>
        `#${id}{${[...used].map(([name, colors]) => `--ag-${name}:${colors[k]}`).join(';')}}`;
      return [styleSheet(`${rule(0)}@media(prefers-color-scheme:dark){${rule(1)}}`)];
    },
  };
}

/** The ordered ramp of one theme, as a literal color. */
export function orderedColor(theme: 'light' | 'dark', t: number): string {
  const [low, high] = orderedRange[theme];
  return toHex(viridis(low + (high - low) * t));
}

/** Dash patterns, a second channel beside color: series that share a color differ in dash. */
export function dash(index: number): string | undefined {
  return [undefined, '7 3', '2 3', '9 3 2 3'][Math.floor(index / seriesColors.light.length) % 4];
}

/** Red, green and blue (0 … 255) of `#rrggbb`. */
export function channels(hex: string): [red: number, green: number, blue: number] {
  return [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)) as [number, number, number];
}

/** `#rrggbb` of a color that d3 wrote as hex or as `rgb(r, g, b)`. */
export function toHex(color: string): string {
  if (color.startsWith('#')) return color;
  const parts = color.match(/\d+/g) ?? [];
  return `#${parts
    .slice(0, 3)
    .map((part) => Number(part).toString(16).padStart(2, '0'))
    .join('')}`;
}

/** Contrast of two colors, 1 … 21: WCAG 2.2, "contrast ratio" and "relative luminance". */
export function contrast(a: string, b: string): number {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

/** Black or white, whichever reads better on a literal color (4.58:1 in the worst case). */
export function inkOn(background: string): string {
  return luminance(background) > 0.179 ? '#000000' : '#ffffff';
}

function luminance(hex: string): number {
  const [r, g, b] = channels(hex).map((value) => {
    const c = value / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
