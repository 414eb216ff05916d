import { describe, expect, it } from 'vitest';
import { type MemoryDataset, memoryDataset, type Rows } from '../dataset.ts';
import { DataError } from '../errors.ts';
import { dataLoader } from '../loader.ts';
import { transforms } from './index.ts';
import type { Transform, TransformContext } from './transform.ts';

const context: TransformContext = { seed: 1, epoch: 0, start: 0, indices: [0] };
const table = (values: number[][]): MemoryDataset =>
  memoryDataset({
    x: { data: Float32Array.from(values.flat()), shape: [values[0].length] },
    y: { data: Int32Array.from(values, (_, i) => i % 3), shape: [] },
  });
const image = (values: number[], shape: number[], scale?: number): Rows => ({
  x: { data: Uint8Array.from(values), shape, ...(scale === undefined ? {} : { scale }) },
  y: { data: Int32Array.of(0), shape: [] },
});

describe('standardize', () => {
  it('subtracts the mean and divides by the population’s deviation', () => {
    // By hand: mean 2, deviation √(2/3); mean 10, deviation 0.
    const set = table([
      [1, 10],
      [2, 10],
      [3, 10],
    ]);
    const scale = transforms.standardize(set);
    expect([...scale.shift]).toEqual([2, 10]);
    const { x } = scale(set.rows([0, 1, 2]), context);
    const expected = [-Math.sqrt(1.5), 0, 0, 0, Math.sqrt(1.5), 0];
    expected.forEach((value, i) => {
      expect(x.data[i]).toBeCloseTo(value, 6);
    });
    [1, 10, 2, 10, 3, 10].forEach((value, i) => {
      expect(scale.inverse(x.data)[i]).toBeCloseTo(value, 6);
    });
    expect([...set.columns.x.data]).toEqual([1, 10, 2, 10, 3, 10]);
  });

  it('treats the pixels of a channel alike, with the scale of bytes', () => {
    const set = memoryDataset({
      x: { data: Uint8Array.of(0, 255, 51, 51), shape: [2, 1, 2], scale: 1 / 255 },
      y: { data: Int32Array.of(0), shape: [] },
    });
    const scale = transforms.standardize(set);
    expect(scale.shift[0]).toBeCloseTo(0.5, 9);
    expect(scale.shift[1]).toBeCloseTo(0.2, 9);
    const { x } = scale(set.rows([0]), context);
    expect(x.scale).toBeUndefined();
    expect(x.data[0]).toBeCloseTo(-1, 5);
    expect(x.data[1]).toBeCloseTo(1, 5);
    expect(x.data[2]).toBeCloseTo(0, 5);
  });

  it('takes numbers known from elsewhere, and targets', () => {
    const scale = transforms.standardize({ mean: [1], deviation: [2] }, { column: 'y' });
    const rows = { x: { data: Float32Array.of(5), shape: [] }, y: { data: Float32Array.of(5), shape: [1] } };
    expect(scale(rows, context).y.data[0]).toBe(2);
    expect(scale(rows, context).x.data[0]).toBe(5);
  });

  it('keeps its digits far from zero', () => {
    const set = table([[1_000_000], [1_000_001], [1_000_002]]);
    expect(transforms.standardize(set).divisor[0]).toBeCloseTo(Math.sqrt(2 / 3), 9);
  });

  it('refuses rows of another width', () => {
    const scale = transforms.standardize(table([[1, 2]]));
    expect(() => scale(table([[1, 2, 3]]).rows([0]), context)).toThrow(DataError);
    expect(() => transforms.standardize({ mean: [1], deviation: [] })).toThrow(DataError);
  });
});

describe('minMax', () => {
  it('maps the range of each feature to 0 … 1', () => {
    const set = table([
      [5, -1],
      [10, -1],
      [7, -1],
    ]);
    const scale = transforms.minMax(set);
    const { x } = scale(set.rows([0, 1, 2]), context);
    [0, 0, 1, 0, 0.4, 0].forEach((value, i) => {
      expect(x.data[i]).toBeCloseTo(value, 6);
    });
    expect([...transforms.minMax({ min: [0], max: [4] })(table([[1]]).rows([0]), context).x.data]).toEqual([
      0.25,
    ]);
  });
});

describe('oneHot, flatten and compose', () => {
  it('change the form only', () => {
    const both = transforms.compose(transforms.flatten(), transforms.oneHot(3));
    const rows = both(
      { ...image([1, 2, 3, 4], [1, 2, 2]), y: { data: Int32Array.of(2), shape: [] } },
      context,
    );
    expect(rows.x).toEqual({ data: Uint8Array.of(1, 2, 3, 4), shape: [4] });
    expect(rows.y).toEqual({ data: Float32Array.of(0, 0, 1), shape: [3] });
  });

  it('compose applies the first first', () => {
    const add: Transform = ({ x, y }) => ({ x, y: { ...y, data: y.data.map((v) => v + 1) } });
    const double: Transform = ({ x, y }) => ({ x, y: { ...y, data: y.data.map((v) => v * 2) } });
    expect(transforms.compose(add, double)(table([[0]]).rows([0]), context).y.data[0]).toBe(2);
  });

  it('oneHot refuses what is no class', () => {
    for (const [classes, label] of [
      [2, 2],
      [2, -1],
    ]) {
      const rows = { ...image([0], [1]), y: { data: Int32Array.of(label), shape: [] } };
      expect(() => transforms.oneHot(classes)(rows, context)).toThrow(`found ${label}`);
    }
    expect(() => transforms.oneHot(0)).toThrow(DataError);
  });
});

describe('randomShift', () => {
  it('moves the image as a whole and fills the edge', () => {
    const source = Array.from({ length: 50 }, (_, i) => i + 1);
    const seen = new Set<string>();
    for (let start = 0; start < 60; start++) {
      const { data } = transforms.randomShift(1, { fill: 99 })(image(source, [2, 5, 5]), {
        ...context,
        start,
      }).x;
      // Pixel (2, 2) of the first plane is 13; where it went gives the shift.
      const at = data.indexOf(13);
      const [down, right] = [Math.floor(at / 5) - 2, (at % 5) - 2];
      seen.add(`${down},${right}`);
      for (let i = 0; i < 50; i++) {
        const [plane, row, column] = [Math.floor(i / 25), Math.floor((i % 25) / 5) - down, (i % 5) - right];
        const inside = row >= 0 && row < 5 && column >= 0 && column < 5;
        expect(data[i]).toBe(inside ? source[plane * 25 + row * 5 + column] : 99);
      }
    }
    expect(seen.size).toBe(9);
  });

  it('may move everything out and needs images', () => {
    const { data } = transforms.randomShift(50)(image([1, 1, 1, 1], [2, 2]), { ...context, start: 5 }).x;
    expect([...data]).toEqual([0, 0, 0, 0]);
    expect(() => transforms.randomShift(1)(image([1], [1]), context)).toThrow('images of shape');
    expect(() => transforms.randomShift(-1)).toThrow(DataError);
  });
});

describe('randomRotate', () => {
  it('leaves the image alone for 0 degrees and a disc for any', () => {
    const source = Array.from({ length: 9 }, (_, i) => 10 * i);
    expect([...transforms.randomRotate(0)(image(source, [3, 3]), context).x.data]).toEqual(source);
    const size = 21;
    const disc = Array.from({ length: size * size }, (_, i) =>
      Math.hypot(Math.floor(i / size) - 10, (i % size) - 10) < 7 ? 200 : 0,
    );
    const { data } = transforms.randomRotate(180)(image(disc, [size, size]), context).x;
    for (let i = 0; i < data.length; i++) {
      const radius = Math.hypot(Math.floor(i / size) - 10, (i % size) - 10);
      if (radius < 5) expect(data[i]).toBe(200);
      if (radius > 9) expect(data[i]).toBe(0);
    }
  });

  it('turns by angles within the range, in both directions', () => {
    const size = 41;
    const mark = new Array(size * size).fill(0);
    // A spot 15 pixels above the center.
    for (let y = 4; y <= 6; y++) for (let x = 19; x <= 21; x++) mark[y * size + x] = 255;
    const angles: number[] = [];
    for (let start = 0; start < 100; start++) {
      const { data } = transforms.randomRotate(30)(image(mark, [1, size, size]), { ...context, start }).x;
      let [sum, dx, dy] = [0, 0, 0];
      data.forEach((value, i) => {
        sum += value;
        dx += value * ((i % size) - 20);
        dy += value * (Math.floor(i / size) - 20);
      });
      expect(Math.hypot(dx, dy) / sum).toBeCloseTo(15, 0);
      angles.push((Math.atan2(dx, -dy) * 180) / Math.PI);
    }
    expect(Math.max(...angles)).toBeGreaterThan(20);
    expect(Math.max(...angles)).toBeLessThan(30.5);
    expect(Math.min(...angles)).toBeLessThan(-20);
    expect(Math.min(...angles)).toBeGreaterThan(-30.5);
  });
});

describe('random transforms in a loader', () => {
  it('depend on seed, epoch and example, not on the batch size', async () => {
    const set = memoryDataset({
      x: { data: Uint8Array.from({ length: 8 * 25 }, (_, i) => i), shape: [5, 5] },
      y: { data: new Int32Array(8), shape: [] },
    });
    const epochs = async (batchSize: number, seed: number) => {
      const transform = transforms.compose(transforms.randomShift(2), transforms.randomRotate(20));
      const loader = dataLoader(set, { batchSize, seed, shuffle: true, transform });
      const result: number[][] = [];
      for (let epoch = 0; epoch < 2; epoch++) {
        const values: number[] = [];
        for await (const { x } of loader) values.push(...(await x.data()));
        result.push(values);
      }
      return result;
    };
    const [first, second] = await epochs(2, 1);
    expect(await epochs(3, 1)).toEqual([first, second]);
    expect(second).not.toEqual(first);
    expect((await epochs(2, 2))[0]).not.toEqual(first);
    expect([...set.columns.x.data]).toEqual(Array.from({ length: 200 }, (_, i) => i));
  });
});

describe('as JSON', () => {
  const data = memoryDataset({
    x: { data: Float32Array.of(1, 10, 3, 30, 8, 20), shape: [2] },
    y: { data: Float32Array.of(5, 6, 10), shape: [1] },
  });
  const context = { seed: 0, epoch: 0, start: 0, indices: [0, 1, 2] };

  it('scalings come back to the bit', () => {
    for (const scale of [
      transforms.standardize(data),
      transforms.minMax(data, { column: 'y' }),
      transforms.compose(transforms.standardize(data), transforms.standardize(data, { column: 'y' })),
    ]) {
      const text = JSON.stringify(scale);
      const again = transforms.fromJSON(text);
      expect(JSON.stringify(again)).toBe(text);
      const rows = () => data.rows([0, 1, 2]);
      expect(again(rows(), context)).toEqual(scale(rows(), context));
    }
    expect(JSON.parse(JSON.stringify(transforms.minMax(data)))).toEqual({
      transform: 'minMax',
      column: 'x',
      shift: [1, 10],
      divisor: [7, 20],
    });
  });

  it('so do the others', () => {
    const all = [
      transforms.randomShift(2, { fill: 1 }),
      transforms.randomRotate(10),
      transforms.flatten(),
      transforms.oneHot(3),
    ];
    for (const one of all)
      expect(JSON.stringify(transforms.fromJSON(JSON.stringify(one)))).toBe(JSON.stringify(one));
    expect(() => JSON.stringify(transforms.compose((rows) => rows))).toThrow('a function of your own');
  });

  it.each([
    ['{', 'not JSON'],
    ['null', 'a transform'],
    ['{"transform":"constructor"}', 'found "constructor"'],
    ['{"transform":"minMax","column":"x","shift":[0],"divisor":[0]}', 'divisors above 0'],
    ['{"transform":"standardize","column":"z","shift":[0],"divisor":[1]}', 'column'],
    ['{"transform":"standardize","column":"x","shift":[0,1],"divisor":[1]}', 'two numbers for each feature'],
    ['{"transform":"standardize","column":"x","shift":["0"],"divisor":[1]}', 'shift: a number'],
    ['{"transform":"oneHot","classes":-1}', 'a positive integer'],
    ['{"transform":"compose","transforms":{}}', 'a list'],
    [`${'{"transform":"compose","transforms":['.repeat(200)}${']}'.repeat(200)}`, 'a transform'],
  ])('refuses %s', (text, message) => {
    expect(() => transforms.fromJSON(text)).toThrow(message);
  });
});

it('standardize makes 0 of a constant whose mean is not exact', () => {
  const tenths = memoryDataset({
    x: { data: new Float64Array(3).fill(0.1), shape: [1] },
    y: { data: new Float32Array(3), shape: [1] },
  });
  // (0.1 + 0.1 + 0.1) / 3 is 0.10000000000000002; scikit-learn 1.9: StandardScaler().fit([[0.1]] * 3).scale_ is [1].
  expect([...transforms.standardize(tenths).divisor]).toEqual([1]);
});
