import { describe, expect, it } from 'vitest';
import {
  channels,
  contrast,
  createPaint,
  inkOn,
  inkOnTint,
  orderedColor,
  seriesColors,
  themes,
  tints,
} from './theme.ts';

const both = ['light', 'dark'] as const;

describe('contrast', () => {
  it('is 21 for black on white and 1 for a color on itself', () => {
    expect(contrast('#000000', '#ffffff')).toBeCloseTo(21, 10);
    expect(contrast('#3e9868', '#3e9868')).toBe(1);
  });

  it('agrees with published ratios', () => {
    // WCAG technique G18 and its checkers: #767676 is the lightest gray that passes on white, with 4.54.
    expect(contrast('#767676', '#ffffff')).toBeCloseTo(4.54, 2);
    expect(contrast('#777777', '#ffffff')).toBeCloseTo(4.48, 2);
    expect(contrast('#0000ff', '#ffffff')).toBeCloseTo(8.59, 2);
  });
});

describe.each(both)('%s theme', (name) => {
  const theme = themes[name];

  it.each(['ink', 'muted', 'accent', 'gradientInk'] as const)(
    '%s reads as text: 4.5:1 on surface and panel',
    (role) => {
      expect(contrast(theme[role], theme.surface)).toBeGreaterThanOrEqual(4.5);
      expect(contrast(theme[role], theme.panel)).toBeGreaterThanOrEqual(4.5);
    },
  );

  it('axes and series stand out: 3:1', () => {
    for (const color of [theme.axis, ...seriesColors[name]]) {
      expect(contrast(color, theme.surface), color).toBeGreaterThanOrEqual(3);
    }
  });

  it('every step of the ordered ramp stands out: 3:1', () => {
    for (let t = 0; t <= 1; t += 0.05) {
      expect(contrast(orderedColor(name, t), theme.surface), String(t)).toBeGreaterThanOrEqual(3);
    }
  });

  it('text on tints of any strength reads: 4.5:1', () => {
    const paint = createPaint(name);
    for (const tint of ['positive', 'negative'] as const) {
      for (let opacity = 0; opacity <= 1; opacity += 0.01) {
        for (const below of [theme.surface, theme.panel]) {
          const mixed = mix(tints[tint], below, opacity);
          expect(
            contrast(inkOnTint(paint, tint, opacity), mixed),
            `${tint} ${opacity}`,
          ).toBeGreaterThanOrEqual(4.5);
        }
      }
    }
  });

  it.each(Object.keys(visions))('series differ for %s vision', (vision) => {
    const seen = seriesColors[name].map((color) => oklab(simulate(color, visions[vision])));
    for (let i = 0; i < seen.length; i++) {
      for (let j = 0; j < i; j++) {
        const distance = Math.hypot(...seen[i].map((value, k) => value - seen[j][k]));
        // 0.02 is about one just noticeable difference in Oklab.
        expect(distance, `${seriesColors[name][i]} and ${seriesColors[name][j]}`).toBeGreaterThan(0.07);
      }
    }
  });
});

describe('createPaint', () => {
  it('writes literal colors for an explicit theme, and no style sheet', () => {
    const paint = createPaint('dark');
    expect(paint.role('ink')).toBe(themes.dark.ink);
    expect(paint.series(9)).toBe(seriesColors.dark[1]);
    expect(paint.style('a')).toEqual([]);
  });

  it('writes custom properties for auto, with one value for each preference', () => {
    const paint = createPaint('auto');
    expect(paint.role('ink')).toBe('var(--ag-ink)');
    expect(paint.series(0)).toBe('var(--ag-series-1)');
    expect(paint.style('c')).toEqual([
      '<style>#c{--ag-ink:#1b1f24;--ag-series-1:#2161b7}@media(prefers-color-scheme:dark){#c{--ag-ink:#e8ebef;--ag-series-1:#06beff}}</style>',
    ]);
  });
});

describe('inkOn', () => {
  it('reads on every gray', () => {
    for (let value = 0; value < 256; value++) {
      const gray = `#${value.toString(16).padStart(2, '0').repeat(3)}`;
      expect(contrast(inkOn(gray), gray)).toBeGreaterThan(4.5);
    }
  });
});

/**
 * Complete dichromacy in linear RGB: Machado, Oliveira and Fernandes, "A Physiologically-based Model for Simulation
 * of Color Vision Deficiency" (2009), tables for severity 1.0.
 */
const visions: Record<string, number[][]> = {
  normal: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protan: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deutan: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritan: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

function simulate(color: string, matrix: number[][]): number[] {
  const linear = channels(color).map((value) => {
    const c = value / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return matrix.map((row) => Math.max(0, row[0] * linear[0] + row[1] * linear[1] + row[2] * linear[2]));
}

/** Björn Ottosson, "A perceptual color space for image processing" (2020): linear sRGB to Oklab. */
function oklab([r, g, b]: number[]): number[] {
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

function mix(over: string, below: string, opacity: number): string {
  const under = channels(below);
  return `#${channels(over)
    .map((value, i) => Math.round(value * opacity + under[i] * (1 - opacity)))
    .map((value) => value.toString(16).padStart(2, '0'))
    .join('')}`;
}
