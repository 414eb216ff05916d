/**
 * Values as colors. Sequential scales are viridis, the same on every surface. Diverging scales are two tints laid
 * over the surface, stronger away from the middle, so that the middle is the surface itself in light and in dark.
 */
import type { Frame } from './frame.ts';
import { pngDataUri } from './png.ts';
import { element, type Markup } from './svg.ts';
import { formatNumber, label } from './text.ts';
import { channels, inkOn, inkOnTint, type Paint, tints, toHex } from './theme.ts';
import { viridis } from './viridis.ts';

/** Which colors: for amounts, or for values on both sides of a middle. */
export type ColorScaleKind = 'sequential' | 'diverging';

/** A color scale over a domain. */
export interface ColorScale {
  kind: ColorScaleKind;
  domain: readonly [number, number];
  /** Fill of a finite value; values outside the domain take the color of its end. */
  fill(value: number): { fill: string; 'fill-opacity'?: number };
  /** Color of text on that fill. */
  ink(value: number, paint: Paint): string;
  /** Position of a value in the domain, 0 … 1. */
  share(value: number): number;
}

/** A color scale. Diverging domains are made symmetric about `middle`. */
export function createColorScale(
  kind: ColorScaleKind,
  extent: readonly [number, number],
  middle = 0,
): ColorScale {
  let [low, high] = extent;
  if (kind === 'diverging') {
    const reach = Math.max(Math.abs(low - middle), Math.abs(high - middle)) || 1;
    [low, high] = [middle - reach, middle + reach];
  }
  const share = (value: number) =>
    high > low ? Math.min(1, Math.max(0, (value - low) / (high - low))) : 0.5;
  const tint = (value: number) => {
    const side = share(value) * 2 - 1;
    return { name: side < 0 ? 'negative' : 'positive', opacity: Math.abs(side) } as const;
  };
  if (kind === 'sequential') {
    const fill = (value: number) => toHex(viridis(share(value)));
    return {
      kind,
      domain: [low, high],
      share,
      fill: (value) => ({ fill: fill(value) }),
      ink: (value) => inkOn(fill(value)),
    };
  }
  return {
    kind,
    domain: [low, high],
    share,
    fill: (value) => ({ fill: tints[tint(value).name], 'fill-opacity': tint(value).opacity }),
    ink: (value, paint) => inkOnTint(paint, tint(value).name, tint(value).opacity),
  };
}

/** A box in the picture. */
export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Many cells as one image: `[rows, columns]` from the top; values that are not finite stay transparent. */
export function raster(
  values: ArrayLike<number>,
  columns: number,
  rows: number,
  scale: ColorScale,
  box: Box,
  options: { smooth?: boolean; opacity?: number } = {},
): Markup {
  const palette = new Uint8Array(256 * 4); // entry 0 is transparent
  const [low, high] = scale.domain;
  for (let i = 1; i < 256; i++) {
    const color = scale.fill(low + ((high - low) * (i - 1)) / 254);
    palette.set([...channels(color.fill), Math.round((color['fill-opacity'] ?? 1) * 255)], i * 4);
  }
  const data = new Uint8Array(columns * rows);
  for (let i = 0; i < data.length; i++) {
    if (Number.isFinite(values[i])) data[i] = 1 + Math.round(scale.share(values[i]) * 254);
  }
  return element('image', {
    ...box,
    href: pngDataUri({ width: columns, height: rows, channels: 1, data, palette }),
    preserveAspectRatio: 'none',
    opacity: options.opacity,
    style: options.smooth ? undefined : 'image-rendering:pixelated',
  });
}

/** Room that a color bar needs to the right of a chart. */
export const colorBarRoom = 66;

/** A vertical key of the colors, low at the bottom. */
export function drawColorBar(frame: Frame, scale: ColorScale, x: number, y: number, height: number): Markup {
  const { paint } = frame;
  const id = `${frame.id}-colors`;
  const [low, high] = scale.domain;
  const steps = scale.kind === 'diverging' ? 2 : 10;
  const stops = Array.from({ length: steps + 1 }, (_, i) => {
    const color = scale.fill(low + ((high - low) * i) / steps);
    return element('stop', {
      offset: i / steps,
      'stop-color': color.fill,
      'stop-opacity': color['fill-opacity'],
    });
  });
  // The middle of a diverging scale has no tint of its own: both sides fade to it.
  if (scale.kind === 'diverging') {
    stops.splice(
      1,
      1,
      ...[tints.negative, tints.positive].map((c) =>
        element('stop', { offset: 0.5, 'stop-color': c, 'stop-opacity': 0 }),
      ),
    );
  }
  const values = low === high ? [low] : [high, (low + high) / 2, low];
  const marks = values.map((value, i) =>
    label(formatNumber(value, 3), x + 18, y + (height * i) / 2, { fill: paint.role('muted'), size: 11 }),
  );
  return element(
    'g',
    { class: 'ag-color-bar' },
    element('linearGradient', { id, x1: 0, x2: 0, y1: 1, y2: 0 }, stops),
    element('rect', { x, y, width: 12, height, fill: `url(#${id})`, stroke: paint.role('grid') }),
    marks,
  );
}
