/** Charts over a plane: contours, boundaries, surfaces. */
import { describe, expect, it } from 'vitest';
import { parse, pathPoints } from '../test/parse.ts';
import { contourPath } from './contourPath.ts';
import { decisionBoundary, mark } from './decisionBoundary.ts';
import { contourPaths, type Grid } from './grid.ts';
import { surface } from './surface.ts';
import { seriesColors } from './theme.ts';

function sample(columns: number, rows: number, f: (x: number, y: number) => number): Grid {
  const values = Array.from({ length: columns * rows }, (_, k) =>
    f((k % columns) / (columns - 1), Math.floor(k / columns) / (rows - 1)),
  );
  return { x: [0, 1], y: [0, 1], columns, rows, values };
}

describe('contourPaths', () => {
  it('finds the line x = 0.3 of the plane z = x where it belongs, over the whole height', () => {
    const [d] = contourPaths(
      sample(11, 5, (x) => x),
      [0.3],
      { x: 100, y: 50, width: 200, height: 80 },
    );
    // The outline closes outside the plot: half a cell beyond the last samples.
    const points = pathPoints(d);
    const border = points.filter(([x, y]) => x < 300 && y > 50 && y < 130);
    expect(border.length).toBeGreaterThan(2);
    expect(border.map(([x]) => x)).toEqual(border.map(() => 160));
    expect(Math.min(...points.map(([, y]) => y))).toBeLessThanOrEqual(50);
    expect(Math.max(...points.map(([, y]) => y))).toBeGreaterThanOrEqual(130);
  });

  it('has the first row at the bottom', () => {
    const [d] = contourPaths(
      sample(5, 11, (_, y) => y),
      [0.75],
      { x: 0, y: 0, width: 100, height: 100 },
    );
    const inside = pathPoints(d).map(([, y]) => y);
    expect(Math.max(...inside)).toBe(25);
  });
});

describe('contourPath', () => {
  const bowl = sample(21, 21, (x, y) => (x - 0.5) ** 2 + (y - 0.5) ** 2);
  const options = { theme: 'light', id: 'c', width: 400, height: 300 } as const;

  it('places the points of a path: the corners of the plane are the corners of the plot', () => {
    const svg = parse(
      contourPath(
        bowl,
        [
          {
            name: 'sgd',
            points: [
              [0, 0],
              [1, 1],
            ],
          },
        ],
        options,
      ),
    );
    const area = svg.one('clipPath').one('rect');
    const [x, y] = [area.number('x'), area.number('y')];
    const [, line] = svg.one('g', { class: 'ag-path' }).all('path');
    expect(pathPoints(line.attributes.d)).toEqual([
      [expect.closeTo(x, 0), expect.closeTo(y + area.number('height'), 0)],
      [expect.closeTo(x + area.number('width'), 0), expect.closeTo(y, 0)],
    ]);
  });

  it('marks start and end, breaks at steps that are not finite, and stays in a sensible range', () => {
    const points = [
      [0.1, 0.1],
      [0.2, 0.2],
      [Number.NaN, 0],
      [0.3, 0.3],
      [1e200, 5],
    ] as [number, number][];
    const svg = parse(contourPath(bowl, [{ name: 'wild', points }], options));
    const path = svg.one('g', { class: 'ag-path', 'data-series': 'wild' });
    expect(path.all('path')[1].attributes.d.match(/M/g)).toHaveLength(2);
    const numbers = pathPoints(path.all('path')[1].attributes.d).flat();
    expect(Math.max(...numbers.map(Math.abs))).toBeLessThanOrEqual(1e5);
  });

  it('draws the levels that are asked for, and minima', () => {
    const svg = parse(contourPath(bowl, [], { ...options, levels: [0.1, 0.2, 99], minima: [[0.5, 0.5]] }));
    expect(svg.one('g', { class: 'ag-contours' }).all('path')).toHaveLength(2);
    expect(svg.all('path', { class: 'ag-minimum' })).toHaveLength(1);
    expect(
      parse(contourPath(bowl, [], options))
        .one('g', { class: 'ag-contours' })
        .all('path'),
    ).toHaveLength(14);
  });

  it('copes with flat ground and with no finite height', () => {
    expect(() =>
      parse(
        contourPath(
          sample(3, 3, () => 1),
          [],
          options,
        ),
      ),
    ).not.toThrow();
    expect(() =>
      parse(
        contourPath(
          sample(3, 3, () => Number.NaN),
          [],
          options,
        ),
      ),
    ).not.toThrow();
  });

  it('names what is wrong with a grid', () => {
    expect(() => contourPath({ ...bowl, values: [1] })).toThrow(
      'a grid of 21 rows and 21 columns needs 441 values, got 1',
    );
    expect(() => contourPath({ ...bowl, columns: 1 })).toThrow('at least 2 columns and 2 rows, got 1 and 21');
    expect(() => contourPath({ ...bowl, x: [1, 1] })).toThrow("the grid's x goes from 1 to 1");
  });
});

describe('decisionBoundary', () => {
  const options = { theme: 'light', id: 'd' } as const;
  const grid = sample(21, 21, (x) => x);

  it('draws one half as a line', () => {
    const svg = parse(decisionBoundary(grid, [], options));
    const area = svg.one('clipPath').one('rect');
    const middle = area.number('x') + area.number('width') / 2;
    const points = pathPoints(svg.one('path', { class: 'ag-boundary' }).attributes.d);
    expect(points.filter(([x]) => Math.abs(x - middle) < 0.2).length).toBeGreaterThan(10);
  });

  it('gives classes a color and a shape, and leaves out points without a place', () => {
    const data = [0, 1, 2].map((target) => ({ x: 0.5, y: 0.5, target }));
    const points = parse(
      decisionBoundary(grid, [...data, { x: Number.NaN, y: 0 }], { ...options, kind: 'class' }),
    ).all('path', {
      class: 'ag-point',
    });
    expect(points.map((point) => point.attributes.fill)).toEqual(seriesColors.light.slice(0, 3));
    expect(points.map((point) => point.attributes.d)).toEqual([mark(0), mark(1), mark(2)]);
    expect(new Set([0, 1, 2, 3, 4].map(mark)).size).toBe(5);
  });

  it('colors values on one scale for ground and points', () => {
    const svg = parse(decisionBoundary(grid, [{ x: 0, y: 0, target: 0 }], { ...options, kind: 'value' }));
    expect(svg.all('g', { class: 'ag-color-bar' })).toHaveLength(1);
    // The low end of viridis.
    expect(svg.one('path', { class: 'ag-point' }).attributes.fill).toBe('#440154');
  });

  it('rejects a confidence of another size', () => {
    expect(() => decisionBoundary(grid, [], { kind: 'class', confidence: [1] })).toThrow(
      '1 confidences for 441 values',
    );
  });
});

describe('surface', () => {
  const options = { theme: 'light', id: 's', width: 500, height: 500 } as const;
  const tilted = sample(2, 2, (x) => x);

  it('may be turned by any number of degrees', () => {
    const grid = { x: [0, 1], y: [0, 1], columns: 2, rows: 2, values: [0, 1, 2, 3] } as const;
    const picture = (azimuth: number) => surface({ ...grid }, { azimuth, id: 's' });
    expect(picture(400)).toBe(picture(40));
    expect(picture(1e308)).not.toContain('NaN');
  });

  it('draws one piece for each cell, without those that are not finite', () => {
    const grid = sample(5, 4, (x, y) => (x === 0 && y === 0 ? Number.NaN : x));
    expect(parse(surface(grid, options)).one('g', { class: 'ag-surface' }).all('path')).toHaveLength(
      4 * 3 - 1,
    );
  });

  it('seen from straight above is the plane itself: a square with x to the right and y up', () => {
    const svg = parse(surface(tilted, { ...options, azimuth: 0, elevation: 90, zDomain: [0, 1] }));
    const [a, b, c, d] = pathPoints(svg.one('g', { class: 'ag-surface' }).one('path').attributes.d);
    expect([a[1], b[0], c[1]]).toEqual([b[1], c[0], d[1]].map((at) => expect.closeTo(at, 0)));
    expect(b[0]).toBeGreaterThan(a[0]);
    expect(c[1]).toBeLessThan(b[1]);
    expect(b[0] - a[0]).toBeCloseTo(b[1] - c[1], 0);
  });

  it('turned by a quarter shows what was left on the other side', () => {
    const corners = (azimuth: number) =>
      pathPoints(
        parse(surface(tilted, { ...options, azimuth, elevation: 90, zDomain: [0, 1] }))
          .one('g', { class: 'ag-surface' })
          .one('path').attributes.d,
      );
    const [before, after] = [corners(0), corners(90)];
    expect(after[0]).toEqual(before[1].map((at) => expect.closeTo(at, 0)));
    expect(after[1]).toEqual(before[2].map((at) => expect.closeTo(at, 0)));
  });

  it('paints far pieces first', () => {
    // Seen along y from y = 0 (azimuth 0), the farthest row is the last one; its color follows z = y.
    const svg = parse(
      surface(
        sample(2, 4, (_, y) => y),
        { ...options, azimuth: 0, elevation: 0, zDomain: [0, 1] },
      ),
    );
    const heights = svg
      .one('g', { class: 'ag-surface' })
      .all('path')
      .map((piece) => Math.min(...pathPoints(piece.attributes.d).map(([, y]) => y)));
    expect(heights).toEqual([...heights].sort((a, b) => a - b));
  });

  it('connects points with the surface below or above them', () => {
    const svg = parse(
      surface(tilted, {
        ...options,
        elevation: 0,
        zDomain: [0, 1],
        points: [
          [0.5, 0.5, 1],
          [0.5, 0.5, Number.NaN],
        ],
      }),
    );
    const [point] = svg.all('g', { class: 'ag-point' });
    expect(svg.all('g', { class: 'ag-point' })).toHaveLength(1);
    const stem = point.one('line');
    expect(stem.number('x1')).toBeCloseTo(stem.number('x2'), 5);
    // The residual is ½ of the height of the box; the walls show that height.
    const wall = pathPoints(svg.one('g', { class: 'ag-box' }).all('path')[1].attributes.d).map(([, y]) => y);
    expect(stem.number('y2') - stem.number('y1')).toBeCloseTo((Math.max(...wall) - Math.min(...wall)) / 2, 0);
  });

  it('thins fine grids', () => {
    const fine = sample(101, 101, (x, y) => x * y);
    expect(
      parse(surface(fine, { ...options, resolution: 10 }))
        .one('g', { class: 'ag-surface' })
        .all('path'),
    ).toHaveLength(100);
  });
});
