import { describe, expect, it } from 'vitest';
import { parse, pathPoints } from '../test/parse.ts';
import { lineChart } from './lineChart.ts';

const fixed = { width: 400, height: 300, theme: 'light', id: 'chart' } as const;

/** Pixel of each labeled tick, read from the picture. */
function ticks(svg: string, axis: 'ag-x-axis' | 'ag-y-axis'): Record<string, number> {
  const group = parse(svg).one('g', { class: axis });
  const key = axis === 'ag-x-axis' ? 'x' : 'y';
  // A label's baseline is 0.35 em below its middle.
  const shift = key === 'y' ? 11 * 0.35 : 0;
  return Object.fromEntries(group.all('text').map((text) => [text.text, text.number(key) - shift]));
}

describe('lineChart', () => {
  it('places values linearly between the ticks', () => {
    const svg = lineChart([{ name: 'loss', y: [0, 5, 10] }], fixed);
    const x = ticks(svg, 'ag-x-axis');
    const y = ticks(svg, 'ag-y-axis');
    const points = pathPoints(parse(svg).one('g', { class: 'ag-series' }).one('path').attributes.d);
    expect(points.map(([at]) => at)).toEqual([x['0'], x['1'], x['2']].map((at) => expect.closeTo(at, 0)));
    expect(points[0][1]).toBeCloseTo(y['0'], 0);
    expect(points[2][1]).toBeCloseTo(y['10'], 0);
    expect(points[1][1]).toBeCloseTo((y['0'] + y['10']) / 2, 0);
  });

  it('knows its exact frame: no title, so the plot begins at 14 + 8 and ends 14 + 20 above the bottom', () => {
    const svg = lineChart([{ name: 'loss', y: [0, 10] }], { ...fixed, yDomain: [0, 10] });
    // Labels 0 … 10 are narrower than 24, so the plot begins at 14 + 24 + 10 and ends at 400 − 14 − 6.
    expect(pathPoints(parse(svg).one('g', { class: 'ag-series' }).one('path').attributes.d)).toEqual([
      [48, 266],
      [380, 22],
    ]);
  });

  it('places equal ratios at equal distances on a logarithmic axis', () => {
    const svg = lineChart([{ name: 'loss', y: [100, 10, 1] }], { ...fixed, yScale: 'log' });
    const [a, b, c] = pathPoints(parse(svg).one('g', { class: 'ag-series' }).one('path').attributes.d);
    expect(b[1] - a[1]).toBeCloseTo(c[1] - b[1], 0);
    expect([a[1], c[1]]).toEqual([22, 266]);
  });

  it('breaks the line at values that are not finite and marks each gap once', () => {
    const svg = lineChart([{ name: 'loss', y: [1, 2, Number.NaN, Infinity, 3, 4, 5, Number.NaN] }], fixed);
    const series = parse(svg).one('g', { class: 'ag-series' });
    expect(series.all('path')[0].attributes.d.match(/M/g)).toHaveLength(2);
    expect(series.all('path', { class: 'ag-break' })).toHaveLength(2);
    expect(svg).not.toMatch(/NaN|Infinity/);
    expect(parse(svg).one('desc').text).toBe(
      'loss: 8 values (3 that cannot be shown are marked with a cross) from 1 to 5, last 5.',
    );
  });

  it('treats values that are not positive as gaps on a logarithmic axis', () => {
    const svg = lineChart([{ name: 'loss', y: [1, 0, -2, 10] }], { ...fixed, yScale: 'log' });
    expect(parse(svg).all('circle')).toHaveLength(2);
    expect(parse(svg).all('path', { class: 'ag-break' })).toHaveLength(1);
  });

  it('draws a single value as a dot', () => {
    const svg = lineChart([{ name: 'loss', y: [5] }], fixed);
    expect(parse(svg).all('circle')).toHaveLength(1);
    expect(svg).not.toContain('NaN');
  });

  it.each([[[]], [[{ name: 'a', y: [] }]], [[{ name: 'a', y: [Number.NaN] }]]])(
    'says that there is no data: %j',
    (data) => {
      const svg = lineChart(data, fixed);
      expect(parse(svg).text).toContain('No data');
    },
  );

  it('copes with values at the ends of what a double holds', () => {
    const svg = lineChart([{ name: 'a', y: [-1e307, 1e307, 1.7e308, 1e-320] }], fixed);
    expect(svg).not.toMatch(/NaN|Infinity|e\+/);
    expect(parse(svg).all('path', { class: 'ag-break' })).toHaveLength(1);
  });

  it('keeps the spike of a long curve while thinning it', () => {
    const y = new Float32Array(200_000).fill(1);
    y[123_456] = 50;
    const svg = lineChart([{ name: 'loss', y }], { ...fixed, yDomain: [0, 50] });
    const points = pathPoints(parse(svg).one('g', { class: 'ag-series' }).one('path').attributes.d);
    expect(points.length).toBeLessThan(1600);
    const top = points.reduce((best, point) => (point[1] < best[1] ? point : best));
    expect(top[1]).toBe(22);
    const left = points[0][0];
    expect(top[0]).toBeCloseTo(left + (380 - left) * (123_456 / 199_999), 0);
  });

  it('smooths with a bias-corrected moving average', () => {
    // Weight ½: s₁ = ½·4 / ½ = 4, s₂ = (½·2 + ½·0) / ¾ = 4/3, by hand.
    const svg = lineChart([{ name: 'a', y: [4, 0] }], { ...fixed, smoothing: 0.5, yDomain: [0, 4] });
    const [raw, smooth] = parse(svg).one('g', { class: 'ag-series' }).all('path');
    expect(pathPoints(raw.attributes.d).map(([, y]) => y)).toEqual([22, 266]);
    expect(pathPoints(smooth.attributes.d).map(([, y]) => y)).toEqual([22, expect.closeTo(266 - 244 / 3, 0)]);
  });

  it('names each series once, and dashes those that repeat a color', () => {
    const data = Array.from({ length: 10 }, (_, i) => ({ name: `s${i}`, y: [i, i + 1] }));
    const legend = parse(lineChart(data, fixed)).one('g', { class: 'ag-legend' });
    expect(legend.all('text').map((text) => text.text)).toEqual(data.map((series) => series.name));
    const [first, ninth] = [legend.all('line')[0], legend.all('line')[8]];
    expect(ninth.attributes.stroke).toBe(first.attributes.stroke);
    expect(ninth.attributes['stroke-dasharray']).not.toBe(first.attributes['stroke-dasharray']);
  });

  it('rejects series whose x and y differ in length, and a smoothing of 1', () => {
    expect(() => lineChart([{ name: 'a', x: [1], y: [1, 2] }])).toThrow(
      'series "a" has 1 x values but 2 y values',
    );
    expect(() => lineChart([], { smoothing: 1 })).toThrow(
      'smoothing is 1, but must be at least 0 and below 1',
    );
  });
});
