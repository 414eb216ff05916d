/** What holds for every chart, whatever it shows. */
import { describe, expect, it } from 'vitest';
import { type Element, parse } from '../test/parse.ts';
import * as viz from './index.ts';

const grid = { x: [0, 1], y: [0, 1], columns: 3, rows: 3, values: [0, 1, 0, 1, 2, 1, 0, 1, 0] } as const;
const evil = `<script>alert("1")</script> & 'x' ]]> \u0000\uD800`;
const shown = `<script>alert("1")</script> & 'x' ]]> \uFFFD\uFFFD`;

/** Each function with ordinary data; `name` is a string of the user's that the picture shows. */
const charts: Record<string, (options: viz.ChartOptions, name: string) => string> = {
  lineChart: (options, name) =>
    viz.lineChart(
      [
        { name, y: [1, 2, Number.NaN] },
        { name: 'b', y: [2, 1] },
      ],
      { ...options, xLabel: name },
    ),
  confusion: (options, name) =>
    viz.confusion(
      [
        [3, 1],
        [0, 2],
      ],
      { ...options, labels: [name, 'b'] },
    ),
  imageGrid: ({ height: _, ...options }, name) =>
    viz.imageGrid([{ pixels: [0, 1], width: 2, height: 1, caption: name, mark: 'wrong' }], options),
  heatmap: (options, name) =>
    viz.heatmap(
      [
        [1, -2],
        [0, Number.NaN],
      ],
      { ...options, rowLabels: [name, 'b'] },
    ),
  histogram: (options, name) => viz.histogram([1, 2, 2, Number.NaN], { ...options, xLabel: name }),
  gradientFlow: (options, name) =>
    viz.gradientFlow(
      [
        { name, norm: 1e-9 },
        { name: 'b', norm: 1 },
        { name: 'c', norm: Infinity },
      ],
      options,
    ),
  'gradientFlow over time': (options, name) => viz.gradientFlow([{ name, norm: [1, 0.1, 0] }], options),
  decisionBoundary: (options, name) =>
    viz.decisionBoundary(grid, [{ x: 0.5, y: 0.5, target: 1 }], { ...options, labels: [name, 'b'] }),
  contourPath: (options, name) =>
    viz.contourPath(
      grid,
      [
        {
          name,
          points: [
            [0, 0],
            [Number.NaN, 1],
            [1, 1],
          ],
        },
      ],
      options,
    ),
  surface: (options, name) => viz.surface(grid, { ...options, points: [[0.5, 0.5, 3]], xLabel: name }),
  graphView: (options, name) =>
    viz.graphView(
      {
        nodes: [
          { id: name, label: name, value: 1 },
          { id: 'b', label: 'b', op: 'exp' },
        ],
        edges: [{ from: name, to: 'b' }],
      },
      options,
    ),
  parallelCoordinates: (options, name) =>
    viz.parallelCoordinates(
      [
        { a: name, b: 1 },
        { a: 'q', b: 2 },
        { a: null, b: Number.NaN },
      ],
      options,
    ),
};

function everything(element: Element): Element[] {
  return [element, ...element.children.flatMap(everything)];
}

describe.each(Object.entries(charts))('%s', (_, draw) => {
  it('is an image with a name and a description', () => {
    const svg = parse(draw({ title: 'Run 7', description: 'What it shows.', id: 'a' }, 'n'));
    expect(svg.attributes.role).toBe('img');
    expect(svg.attributes['aria-labelledby']).toBe('a-title a-description');
    expect(svg.one('title', { id: 'a-title' }).text).toBe('Run 7');
    expect(svg.one('desc', { id: 'a-description' }).text).toBe('What it shows.');
    expect(parse(draw({}, 'n')).one('desc').text.length).toBeGreaterThan(10);
  });

  it('scales with its container', () => {
    const svg = parse(draw({ width: 500, height: 400 }, 'n'));
    expect(svg.attributes.viewBox).toMatch(/^0 0 500 \d+$/);
    expect(svg.attributes.style).toBe('max-width:100%;height:auto');
  });

  it('shows strings as they are, never as markup', () => {
    const svg = draw({ title: evil, description: evil, id: evil }, evil);
    const tree = parse(svg);
    expect(tree.all('script')).toHaveLength(0);
    expect(tree.one('title').text).toBe(shown);
    expect(tree.attributes.id).toMatch(/^[A-Za-z0-9_-]+$/);
  });

  it('has unique ids that begin with the given one, and refers only to those', () => {
    const svg = draw({ id: 'mine', theme: 'auto' }, 'n');
    const ids = everything(parse(svg)).flatMap((element) => element.attributes.id ?? []);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.every((id) => id === 'mine' || id.startsWith('mine-'))).toBe(true);
    for (const [, id] of svg.matchAll(/url\(#([^)]+)\)/g)) expect(ids).toContain(id);
  });

  it('is the same text for the same data, and has another id for another title', () => {
    expect(draw({ title: 'a' }, 'n')).toBe(draw({ title: 'a' }, 'n'));
    const id = (title: string) => parse(draw({ title }, 'n')).attributes.id;
    expect(id('a')).not.toBe(id('b'));
  });

  it('follows the preference of the reader, or holds literal colors', () => {
    const auto = draw({ theme: 'auto', id: 'x' }, 'n');
    expect(auto).toContain('@media(prefers-color-scheme:dark){#x{');
    const properties = new Set([...auto.matchAll(/var\((--[a-z0-9-]+)\)/g)].map(([, name]) => name));
    for (const name of properties) expect(auto.split(`${name}:`)).toHaveLength(3);
    for (const theme of ['light', 'dark'] as const) {
      expect(draw({ theme }, 'n')).not.toMatch(/var\(|<style/);
    }
    expect(draw({ theme: 'light' }, 'n')).not.toBe(draw({ theme: 'dark' }, 'n'));
  });

  it('holds no number that a drawing program cannot read', () => {
    const tree = parse(draw({ theme: 'light' }, 'n'));
    const numeric = /^(x|y|x1|x2|y1|y2|cx|cy|r|rx|width|height|d|transform|font-size|.*opacity|offset)$/;
    for (const { attributes } of everything(tree)) {
      for (const [name, value] of Object.entries(attributes)) {
        if (numeric.test(name)) expect(value, name).not.toMatch(/NaN|Infinity|undefined|\de[+-]?\d/);
      }
    }
  });

  it('can leave out its background, and rejects impossible sizes', () => {
    const background = (svg: string) => parse(svg).children.filter((child) => child.name === 'rect').length;
    expect(background(draw({ theme: 'light' }, 'n'))).toBeGreaterThan(
      background(draw({ theme: 'light', background: false }, 'n')),
    );
    expect(() => draw({ width: Number.NaN }, 'n')).toThrow();
  });
});
