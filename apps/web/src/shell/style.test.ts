/** The sheet's colors of data are those of the pictures, and its words can be read on its paper. */
import { readFileSync } from 'node:fs';
import { lineChart } from '@ag/viz';
import { describe, expect, it } from 'vitest';

const sheet = readFileSync(new URL('style.css', import.meta.url), 'utf8');

/** Custom properties of the first rule with this selector. */
function colorsOf(selector: string): ReadonlyMap<string, string> {
  const rule = sheet.slice(sheet.indexOf(`${selector} {`)).split('}')[0];
  return new Map([...rule.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map(([, name, color]) => [name, color]));
}

/** WCAG 2.2, "relative luminance" and "contrast ratio". */
function contrast(a: string, b: string): number {
  const luminance = (hex: string) => {
    const [r, g, b] = [1, 3, 5].map((at) => {
      const c = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
      return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

describe.each([
  ['light', ':root'],
  ['dark', ':root[data-theme="dark"]'],
] as const)('the %s sheet', (theme, selector) => {
  const colors = colorsOf(selector);

  it('has the colors of data that pictures have, in their order', () => {
    const series = Array.from({ length: 8 }, (_, i) => ({ name: `s${i}`, y: [i, i + 1] }));
    const picture = lineChart(series, { theme });
    const at = series.map((_, i) => picture.indexOf(colors.get(`data-${i + 1}`)!));
    expect(at.every((place) => place >= 0)).toBe(true);
    expect(at).toEqual([...at].sort((a, b) => a - b));
  });

  it('has words of contrast 4.5 and data of 3 and more', () => {
    const paper = colors.get('paper')!;
    for (const name of ['ink', 'soft', 'accent', 'alarm', 'good', 'gradient'])
      expect(contrast(colors.get(name)!, paper), name).toBeGreaterThan(4.5);
    expect(contrast(colors.get('soft')!, colors.get('raised')!)).toBeGreaterThan(4.5);
    expect(contrast(colors.get('accent-ink')!, colors.get('accent')!)).toBeGreaterThan(4.5);
    expect(contrast(colors.get('alarm')!, colors.get('alarm-paper')!)).toBeGreaterThan(4.5);
    for (let i = 1; i <= 8; i++)
      expect(contrast(colors.get(`data-${i}`)!, paper), `data-${i}`).toBeGreaterThan(3);
  });
});

it('has two weights of type, and no other', () => {
  const weights = [...sheet.matchAll(/font-weight: ([^;]+);/g)].map(([, weight]) => weight);
  expect(new Set(weights)).toEqual(new Set(['var(--regular)', 'var(--strong)']));
});
