/** Heat maps, histograms, gradient flow and sweeps. */
import { describe, expect, it } from 'vitest';
import { parse, pathPoints } from '../test/parse.ts';
import { gradientFlow } from './gradientFlow.ts';
import { heatmap } from './heatmap.ts';
import { histogram } from './histogram.ts';
import { parallelCoordinates } from './parallelCoordinates.ts';
import { themes, tints } from './theme.ts';

const options = { theme: 'light', id: 'c' } as const;

describe('heatmap', () => {
  it('gives the ends of viridis to the extremes', () => {
    const cells = parse(heatmap([[0, 1]], options))
      .one('g', { class: 'ag-cells' })
      .all('rect');
    // The first and last color of matplotlib's viridis table.
    expect(cells.map((cell) => cell.attributes.fill)).toEqual(['#440154', '#fde725']);
  });

  it('is diverging and symmetric about zero when signs differ', () => {
    const cells = parse(heatmap([[-1, 0, 4]], options))
      .one('g', { class: 'ag-cells' })
      .all('rect');
    expect(cells[0].attributes.fill).toBe(tints.negative);
    expect(cells.map((cell) => cell.number('fill-opacity'))).toEqual([0.25, 0, 1]);
  });

  it('writes values while they are few, and marks what is not finite', () => {
    const svg = parse(
      heatmap(
        [
          [0.5, Number.NaN],
          [1.25, 2],
        ],
        { ...options, rowLabels: ['a', 'b'] },
      ),
    );
    const cells = svg.one('g', { class: 'ag-cells' });
    expect(cells.all('text').map((text) => text.text)).toEqual(['0.50', '1.25', '2']);
    expect(cells.all('path', { class: 'ag-break' })).toHaveLength(1);
    const many = Array.from({ length: 20 }, () => new Float32Array(20));
    expect(parse(heatmap(many, options)).one('g', { class: 'ag-cells' }).all('text')).toHaveLength(0);
  });

  it('turns a large matrix into one image', () => {
    const large = Array.from({ length: 200 }, (_, i) => Float32Array.from({ length: 300 }, (_, j) => i + j));
    const svg = heatmap(large, options);
    expect(parse(svg).all('image')).toHaveLength(1);
    expect(svg.length).toBeLessThan(100_000);
  });

  it('shows one value, none, and names what is wrong', () => {
    expect(parse(heatmap([[3]], options)).one('g', { class: 'ag-cells' }).text).toBe('3');
    expect(parse(heatmap([], options)).text).toContain('No data');
    expect(parse(heatmap([[Number.NaN]], options)).text).toContain('No data');
    expect(() => heatmap([[1, 2], [3]])).toThrow('row 1 has 1 columns, row 0 has 2');
    expect(() => heatmap([[1]], { columnLabels: [] })).toThrow('0 column labels for 1 columns');
  });
});

describe('histogram', () => {
  const heights = (svg: string) =>
    parse(svg)
      .one('g', { class: 'ag-bars' })
      .all('rect')
      .map((bar) => bar.number('height'));

  it('counts into equal bins, the last one closed', () => {
    // Over [0, 4] in four bins: {0, 0.5}, {1}, {2, 2.5}, {3, 4}.
    const bars = heights(histogram([0, 0.5, 1, 2, 2.5, 3, 4], { ...options, bins: 4 }));
    expect(bars.map((bar) => bar / bars[1])).toEqual([2, 1, 2, 2].map((n) => expect.closeTo(n, 5)));
  });

  it('takes ready-made bins', () => {
    const bars = heights(histogram({ edges: [0, 1, 2, 3], counts: [1, 0, 3] }, options));
    expect(bars).toHaveLength(2);
    expect(bars[1] / bars[0]).toBeCloseTo(3, 5);
    expect(() => histogram({ edges: [0, 1], counts: [1, 2] })).toThrow(
      '2 counts need 3 edges, but there are 2',
    );
  });

  it('says how many values are left out', () => {
    const svg = parse(histogram([1, 2, Number.NaN, Infinity, 9], { ...options, domain: [0, 5] }));
    expect(svg.all('text').map((text) => text.text)).toContain('3 values outside or not finite are left out');
  });

  it('shows one value, and none', () => {
    expect(heights(histogram([7], options))).toHaveLength(1);
    expect(parse(histogram([], options)).text).toContain('No data');
    expect(() => histogram([1], { bins: 0 })).toThrow('bins is 0, but must be a positive integer');
  });
});

describe('gradientFlow', () => {
  const layers = [
    { name: 'first', norm: 1e-8 },
    { name: 'second', norm: 0.1, dead: 0.25 },
    { name: 'third', norm: 1e5 },
    { name: 'fourth', norm: 0 },
    { name: 'fifth', norm: Number.NaN },
  ];
  const row = (svg: string, name: string) => parse(svg).one('g', { class: 'ag-layer', 'data-layer': name });

  it('says in words what is wrong with a layer', () => {
    const svg = gradientFlow(layers, options);
    const words = (name: string) =>
      row(svg, name)
        .all('text')
        .map((text) => text.text);
    expect(words('first')).toEqual(['first', 'vanishing']);
    expect(words('second')).toEqual(['second', '25% dead']);
    expect(words('third')).toEqual(['third', 'exploding']);
    expect(words('fourth')).toEqual(['fourth', 'zero']);
    expect(words('fifth')).toEqual(['fifth', 'not finite']);
    expect(parse(gradientFlow(layers, { ...options, words: { zero: '零' } })).text).toContain('零');
  });

  it('places norms on a logarithmic axis', () => {
    const x = [1e-4, 1e-2, 1].map((norm) => {
      const svg = gradientFlow([{ name: 'a', norm }], { ...options, vanishing: 1e-6, exploding: 1e3 });
      return row(svg, 'a').one('circle').number('cx');
    });
    expect(x[2] - x[1]).toBeCloseTo(x[1] - x[0], 0);
  });

  it('draws histories as curves with both thresholds', () => {
    const svg = parse(
      gradientFlow(
        [
          { name: 'a', norm: [1, 0.1] },
          { name: 'b', norm: [1, 10] },
        ],
        options,
      ),
    );
    expect(svg.all('g', { class: 'ag-series' })).toHaveLength(2);
    const thresholds = svg.all('text').filter((text) => text.attributes.fill === themes.light.accent);
    expect(thresholds.map((text) => text.text)).toEqual(['vanishing < 1e−5', 'exploding > 100']);
  });

  it('has nothing to show without layers, and rejects thresholds out of order', () => {
    expect(parse(gradientFlow([], options)).text).toContain('No data');
    expect(() => gradientFlow([], { vanishing: 1, exploding: 0.1 })).toThrow(
      'give 0 < vanishing < exploding',
    );
  });
});

describe('parallelCoordinates', () => {
  const runs = [
    { rate: 0.1, kind: 'relu', accuracy: 0.9 },
    { rate: 0.01, kind: 'tanh', accuracy: 0.95 },
    { rate: 0.001, kind: 'relu', accuracy: 0.8 },
  ];
  const dimensions = [{ key: 'rate', scale: 'log' as const }, 'kind', 'accuracy'];

  it('draws the best run last, from axis to axis', () => {
    const svg = parse(parallelCoordinates(runs, { ...options, dimensions }));
    const lines = svg.one('g', { class: 'ag-runs' }).all('path');
    expect(lines).toHaveLength(3);
    // The best run (0.95) ends at the top, the worst (0.8) at the bottom; rate 0.01 is half-way between 0.1 and 0.001.
    const ends = lines.map((path) => Number(/,(-?[\d.]+)$/.exec(path.attributes.d)?.[1]));
    expect(ends).toEqual([...ends].sort((a, b) => b - a));
    const starts = lines.map((path) => pathPoints(path.attributes.d)[0][1]);
    expect(starts[2]).toBeCloseTo((Math.max(...starts) + Math.min(...starts)) / 2, 0);
  });

  it('breaks a line at what is missing or has no place', () => {
    const svg = parse(
      parallelCoordinates([...runs, { rate: -1, kind: 'relu', accuracy: 0.85 }], { ...options, dimensions }),
    );
    expect(svg.one('g', { class: 'ag-runs' }).all('path')).toHaveLength(4);
    expect(svg.text).not.toContain('NaN');
  });

  it('has nothing to show without runs, and names an unknown color', () => {
    expect(parse(parallelCoordinates([], options)).text).toContain('No data');
  });

  it('shows a setting of any name, and none where a run has none', () => {
    const rows = parse(
      parallelCoordinates([{ constructor: 1, accuracy: 0.5 }, { accuracy: 0.7 }] as never, {
        dimensions: ['constructor', 'accuracy'],
      }),
    );
    expect(rows.text).toContain('constructor');
    expect(rows.text).not.toContain('native code');
    // The second run has one place only: no line.
    expect(rows.one('g', { class: 'ag-runs' }).all('path')[1].attributes.d ?? '').not.toContain('C');
    expect(() => parallelCoordinates(runs, { colorBy: 'loss' })).toThrow(
      'colorBy is "loss", but the dimensions are rate, kind, accuracy',
    );
  });
});
