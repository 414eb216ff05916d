import { describe, expect, it } from 'vitest';
import { DataError } from '../errors.ts';
import { blobs, circles, linearRegression, moons, spirals, xor } from './generated.ts';
import { iris } from './iris.ts';

const point = (set: { columns: { x: { data: ArrayLike<number> } } }, i: number) => [
  set.columns.x.data[2 * i],
  set.columns.x.data[2 * i + 1],
];

describe('generated sets', () => {
  it('xor is the truth table', () => {
    const { x, y } = xor().columns;
    expect([...x.data]).toEqual([0, 0, 0, 1, 1, 0, 1, 1]);
    expect([...y.data]).toEqual([0, 1, 1, 0]);
    expect(y.shape).toEqual([1]);
  });

  it('spirals lie on r = angle / turns', () => {
    const set = spirals({ count: 90, classes: 3, turns: 2, noise: 0 });
    for (let i = 0; i < 90; i++) {
      const [x, y] = point(set, i);
      const arm = set.columns.y.data[i];
      const radius = Math.hypot(x, y);
      const angle = 2 * Math.PI * (radius * 2 + arm / 3);
      expect(x).toBeCloseTo(radius * Math.cos(angle), 5);
      expect(y).toBeCloseTo(radius * Math.sin(angle), 5);
    }
    expect(Math.hypot(...point(set, 89))).toBeCloseTo(1, 6);
    expect(set.classes).toHaveLength(3);
  });

  it('moons are two half circles', () => {
    const set = moons({ count: 101, noise: 0 });
    for (let i = 0; i < 101; i++) {
      const [x, y] = point(set, i);
      const upper = set.columns.y.data[i] === 0;
      expect(upper ? Math.hypot(x, y) : Math.hypot(x - 1, y - 0.5)).toBeCloseTo(1, 6);
      expect(upper ? y > -1e-6 : y < 0.5 + 1e-6).toBe(true);
    }
  });

  it('circles have radius 1 and factor', () => {
    const set = circles({ count: 60, noise: 0, factor: 0.3 });
    for (let i = 0; i < 60; i++) {
      expect(Math.hypot(...point(set, i))).toBeCloseTo(set.columns.y.data[i] === 0 ? 1 : 0.3, 6);
    }
  });

  it('blobs surround their centers', () => {
    const centers = [
      [0, 0, 9],
      [5, -5, 0],
    ];
    const set = blobs({ count: 4000, centers, deviation: 0.5 });
    expect(set.columns.x.shape).toEqual([3]);
    for (const [label, center] of centers.entries()) {
      const rows = Array.from({ length: 4000 }, (_, i) => i).filter((i) => set.columns.y.data[i] === label);
      expect(rows).toHaveLength(2000);
      for (let f = 0; f < 3; f++) {
        const values = rows.map((i) => set.columns.x.data[3 * i + f]);
        const mean = values.reduce((sum, value) => sum + value, 0) / 2000;
        const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 2000;
        // Four standard errors of mean and variance.
        expect(Math.abs(mean - center[f])).toBeLessThan((4 * 0.5) / Math.sqrt(2000));
        expect(Math.abs(variance - 0.25)).toBeLessThan(4 * 0.25 * Math.sqrt(2 / 2000));
      }
    }
    expect(blobs({ centers: 4, features: 5 }).columns.x.shape).toEqual([5]);
  });

  it('linearRegression keeps its promise', () => {
    const set = linearRegression({ count: 50, features: 3, noise: 0, seed: 4 });
    for (let i = 0; i < 50; i++) {
      const value = set.weights.reduce((sum, w, f) => sum + w * set.columns.x.data[3 * i + f], set.bias);
      expect(set.columns.y.data[i]).toBeCloseTo(value, 4);
    }
    const given = linearRegression({ weights: [2, -1], bias: 0.5 });
    expect(given.features).toBe(2);
    expect(given.weights).toEqual([2, -1]);
    expect(given.bias).toBe(0.5);
  });

  it('are the same for the same seed only', () => {
    for (const make of [spirals, moons, circles, blobs, linearRegression]) {
      expect(make({ seed: 3 }).columns).toEqual(make({ seed: 3 }).columns);
      expect(make({ seed: 3 }).columns.x.data).not.toEqual(make({ seed: 4 }).columns.x.data);
    }
  });

  it('refuse numbers that make no sense', () => {
    const wrong = [
      () => spirals({ count: 1 }),
      () => spirals({ classes: 0 }),
      () => moons({ noise: -1 }),
      () => moons({ noise: Number.NaN }),
      () => circles({ factor: 2 }),
      () => blobs({ centers: [] }),
      () => blobs({ centers: [[1], [1, 2]] }),
      () => linearRegression({ weights: [1], features: 2 }),
      () => linearRegression({ seed: 0.5 }),
    ];
    for (const make of wrong) expect(make).toThrow(DataError);
  });
});

describe('iris', () => {
  it('has the statistics of the published table', () => {
    const { x, y } = iris().columns;
    expect([0, 1, 2].map((k) => y.data.filter((label) => label === k).length)).toEqual([50, 50, 50]);
    // Fisher 1936, table II: the mean lengths of the three species, in centimetres.
    const published = [
      [5.006, 3.428, 1.462, 0.246],
      [5.936, 2.77, 4.26, 1.326],
      [6.588, 2.974, 5.552, 2.026],
    ];
    published.forEach((means, species) => {
      means.forEach((mean, f) => {
        let sum = 0;
        for (let i = species * 50; i < species * 50 + 50; i++) sum += x.data[4 * i + f];
        expect(sum / 50).toBeCloseTo(mean, 5);
      });
    });
    expect([...x.data.slice(0, 4)]).toEqual([5.1, 3.5, 1.4, 0.2].map(Math.fround));
  });
});
