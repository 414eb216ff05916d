/** Augmentation of images: what each change does, by hand and by Python's colorsys; that it depends on the place in the epoch alone. */
import { describe, expect, it } from 'vitest';
import { memoryDataset, type Rows } from '../dataset.ts';
import { DataError } from '../errors.ts';
import { dataLoader } from '../loader.ts';
import { transforms } from './index.ts';
import { blendWithGray, blendWithMean, brighten, turnHue } from './pictures.ts';
import type { SerializableTransform, TransformContext } from './transform.ts';

const context: TransformContext = { seed: 1, epoch: 0, start: 0, indices: [0] };
const images = (count: number, shape: number[], value: (i: number) => number = (i) => i % 251): Rows => ({
  x: { data: Uint8Array.from({ length: count * shape.reduce((a, b) => a * b) }, (_, i) => value(i)), shape },
  y: { data: Int32Array.from({ length: count }, (_, i) => i % 3), shape: [] },
});

describe('randomFlip', () => {
  it('mirrors left and right, top and bottom', () => {
    const flip = (horizontal: number, vertical: number): number[] => [
      ...transforms.randomFlip({ horizontal, vertical })(images(1, [2, 2, 3]), context).x.data,
    ];
    expect(flip(0, 0)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect(flip(1, 0)).toEqual([2, 1, 0, 5, 4, 3, 8, 7, 6, 11, 10, 9]);
    expect(flip(0, 1)).toEqual([3, 4, 5, 0, 1, 2, 9, 10, 11, 6, 7, 8]);
    expect(flip(1, 1)).toEqual([5, 4, 3, 2, 1, 0, 11, 10, 9, 8, 7, 6]);
  });

  it('flips about as many as it should', () => {
    const { data } = transforms.randomFlip({ horizontal: 0.3 })(
      images(2000, [1, 2], (i) => i % 2),
      context,
    ).x;
    const flipped = data.filter((value, i) => i % 2 === 0 && value === 1).length;
    // Five standard deviations of √(2000 · 0.3 · 0.7).
    expect(Math.abs(flipped - 600)).toBeLessThan(5 * 20.5);
  });
});

describe('randomCrop', () => {
  it('cuts every piece of the padded image, and nothing else', () => {
    const seen = new Set<string>();
    for (let start = 0; start < 200; start++) {
      const { data, shape } = transforms.randomCrop([2, 3], { padding: 1, fill: 99 })(
        images(1, [1, 2, 3], (i) => i + 1),
        { ...context, start },
      ).x;
      expect(shape).toEqual([1, 2, 3]);
      seen.add([...data].join());
    }
    // 3 × 3 places of the piece in the 4 × 5 image.
    const padded = [99, 99, 99, 99, 99, 99, 1, 2, 3, 99, 99, 4, 5, 6, 99, 99, 99, 99, 99, 99];
    const expected = new Set<string>();
    for (let top = 0; top < 3; top++)
      for (let left = 0; left < 3; left++)
        expected.add(
          [0, 1].flatMap((row) => padded.slice((top + row) * 5 + left, (top + row) * 5 + left + 3)).join(),
        );
    expect(seen).toEqual(expected);
  });

  it('changes the size, and says when images are too small', () => {
    const { data, shape } = transforms.randomCrop(2)(images(3, [2, 5, 4]), context).x;
    expect(shape).toEqual([2, 2, 2]);
    expect(data.length).toBe(3 * 8);
    expect(() => transforms.randomCrop(6)(images(1, [5, 5]), context)).toThrow(
      'at least 6×6 with a padding of 0, found 5×5',
    );
    expect(() => transforms.randomCrop(0)).toThrow(DataError);
  });
});

describe('colorJitter', () => {
  // colorsys.hsv_to_rgb((h + turn) % 1, s, v) of Python 3.11
  const hues: [number[], number, number[]][] = [
    [[0.2, 0.5, 0.9], 0.1, [0.32, 0.2, 0.9]],
    [[0.2, 0.5, 0.9], -0.3, [0.36, 0.9, 0.2]],
    [[0.2, 0.5, 0.9], 0.5, [0.9, 0.6, 0.2]],
    [[0.9, 0.1, 0.1], 0.1, [0.9, 0.58, 0.1]],
    [[0.9, 0.1, 0.1], -0.3, [0.26, 0.1, 0.9]],
    [[0.9, 0.1, 0.1], 0.5, [0.1, 0.9, 0.9]],
    [[0.3, 0.3, 0.3], 0.1, [0.3, 0.3, 0.3]],
    [[0.3, 0.3, 0.3], -0.3, [0.3, 0.3, 0.3]],
    [[0.3, 0.3, 0.3], 0.5, [0.3, 0.3, 0.3]],
    [[0.0, 1.0, 0.25], 0.1, [0.0, 1.0, 0.85]],
    [[0.0, 1.0, 0.25], -0.3, [1.0, 0.45, 0.0]],
    [[0.0, 1.0, 0.25], 0.5, [1.0, 0.0, 0.75]],
    [[0.8, 0.7, 0.1], 0.1, [0.48, 0.8, 0.1]],
    [[0.8, 0.7, 0.1], -0.3, [0.8, 0.1, 0.76]],
    [[0.8, 0.7, 0.1], 0.5, [0.1, 0.2, 0.8]],
  ];

  it('turns hues as colorsys does', () => {
    for (const [rgb, turn, expected] of hues) {
      const values = Float64Array.from(rgb);
      turnHue(values, 1, turn);
      expected.forEach((value, i) => expect(values[i], `${rgb} by ${turn}`).toBeCloseTo(value, 9));
    }
  });

  it('brightens, and blends with grays', () => {
    const values = Float64Array.of(0.2, 0.8, 0.5, 0.5, 1, 0);
    const gray = [0.2989 * 0.2 + 0.587 * 0.5 + 0.114, 0.2989 * 0.8 + 0.587 * 0.5];
    const by = (change: (values: Float64Array) => void): number[] => {
      const copy = values.slice();
      change(copy);
      return [...copy];
    };
    const close = (found: number[], expected: number[]): void =>
      found.forEach((value, i) => expect(value).toBeCloseTo(expected[i], 9));
    close(
      by((v) => brighten(v, 1.5)),
      [0.3, 1, 0.75, 0.75, 1, 0],
    );
    close(
      by((v) => blendWithGray(v, 2, 0)),
      [...gray, ...gray, ...gray],
    );
    const mean = (gray[0] + gray[1]) / 2;
    close(
      by((v) => blendWithMean(v, 2, 0.5)),
      [...values].map((v) => mean + (v - mean) / 2),
    );
  });

  it('leaves what it is not asked for, and bytes bytes', () => {
    const given = images(2, [3, 4, 4]);
    const same = transforms.colorJitter({})(images(2, [3, 4, 4]), context).x;
    expect(same.data).toEqual(given.x.data);
    const { data } = transforms.colorJitter({ brightness: 0.5, contrast: 0.4, saturation: 0.3, hue: 0.2 })(
      images(2, [3, 4, 4]),
      context,
    ).x;
    expect(data).toBeInstanceOf(Uint8Array);
    expect(data).not.toEqual(given.x.data);
    expect(() => transforms.colorJitter({ hue: 0.1 })(images(1, [1, 2, 2]), context)).toThrow(
      'three channels',
    );
    expect(() => transforms.colorJitter({ hue: 0.6 })).toThrow('a number from 0 to 0.5');
  });
});

describe('randomErasing', () => {
  it('makes one hole of an area within the range, in all channels', () => {
    let holes = 0;
    for (let start = 0; start < 60; start++) {
      const { data } = transforms.randomErasing({ probability: 0.5, area: [0.1, 0.3], fill: 7 })(
        images(1, [2, 20, 20], () => 1),
        { ...context, start },
      ).x;
      const at = [...data.subarray(0, 400)].flatMap((value, i) => (value === 7 ? [i] : []));
      expect([...data.subarray(400)]).toEqual([...data.subarray(0, 400)]);
      if (at.length === 0) continue;
      holes++;
      const rows = at.map((i) => Math.floor(i / 20));
      const columns = at.map((i) => i % 20);
      const size = (list: number[]): number => Math.max(...list) - Math.min(...list) + 1;
      expect(size(rows) * size(columns)).toBe(at.length);
      // Rounded sides: at most half a row and half a column off.
      expect(at.length).toBeGreaterThan(400 * 0.1 - 20);
      expect(at.length).toBeLessThan(400 * 0.3 + 20);
    }
    expect(holes).toBeGreaterThan(15);
    expect(holes).toBeLessThan(45);
  });
});

describe('mixup and cutmix', () => {
  const set = memoryDataset({
    x: {
      data: Uint8Array.from({ length: 6 * 64 }, (_, i) => 40 * Math.floor(i / 64)),
      shape: [1, 8, 8],
      scale: 1 / 255,
    },
    y: { data: Int32Array.of(0, 1, 2, 0, 1, 2), shape: [] },
  });

  it('mix inputs and classes by the same share', () => {
    const seen = new Set<number>();
    for (let start = 0; start < 40; start++) {
      const { x, y } = transforms.mixup(3, { alpha: 1 })(set.rows([0, 1, 2]), { ...context, start });
      expect(y.shape).toEqual([3]);
      for (let n = 0; n < 3; n++) {
        const row = y.data.subarray(3 * n, 3 * n + 3);
        expect(row[0] + row[1] + row[2]).toBeCloseTo(1, 6);
        // Image k is 40 k everywhere: its mix says how much of each class there is.
        expect(x.data[64 * n] * 255).toBeCloseTo(40 * (row[1] + 2 * row[2]), 3);
        seen.add(Math.round(row[n] * 100));
      }
    }
    expect(seen.size).toBeGreaterThan(20);
  });

  it('cutmix puts in a rectangle, and as much of the class', () => {
    for (let start = 0; start < 40; start++) {
      const { x, y } = transforms.cutmix(3)(set.rows([0, 1, 2]), { ...context, start });
      expect(x.data).toBeInstanceOf(Uint8Array);
      for (let n = 0; n < 3; n++) {
        const share = [0, 1, 2].map(
          (k) => x.data.subarray(64 * n, 64 * n + 64).filter((v) => v === 40 * k).length / 64,
        );
        share.forEach((value, k) => expect(y.data[3 * n + k]).toBeCloseTo(value, 6));
      }
    }
  });

  it('draw shares from Beta(α, α)', () => {
    for (const alpha of [0.2, 1, 4]) {
      const pair = memoryDataset({
        x: { data: Float32Array.of(0, 1), shape: [] },
        y: { data: Int32Array.of(0, 1), shape: [] },
      });
      const shares: number[] = [];
      for (let start = 0; shares.length < 400; start++) {
        const { y } = transforms.mixup(2, { alpha })(pair.rows([0, 1]), { ...context, start });
        // With itself it stays whole, whatever the share is.
        if (y.data[0] !== 1 || y.data[3] !== 1) shares.push(y.data[0]);
      }
      const mean = shares.reduce((a, b) => a + b) / 400;
      const variance = shares.reduce((sum, s) => sum + (s - mean) ** 2, 0) / 400;
      // Mean ½ and variance 1 / (4 (2α + 1)).
      const expected = 1 / (4 * (2 * alpha + 1));
      expect(Math.abs(mean - 0.5)).toBeLessThan(5 * Math.sqrt(expected / 400));
      expect(Math.abs(variance / expected - 1)).toBeLessThan(0.3);
    }
  });

  it('take what has a number for each class already', () => {
    const soft = { ...set.rows([0, 1]), y: { data: Float32Array.of(0.5, 0.5, 0, 0, 0, 1), shape: [3] } };
    const { y } = transforms.mixup(3)(soft, context);
    expect(y.data.length).toBe(6);
    expect(() => transforms.mixup(2)(set.rows([0, 2]), context)).toThrow('a class from 0 to 1');
    expect(() => transforms.mixup(3, { alpha: 0 })).toThrow(DataError);
  });
});

const all: SerializableTransform[] = [
  transforms.randomFlip({ vertical: 0.5 }),
  transforms.randomCrop([6, 7], { padding: 2, fill: 3 }),
  transforms.colorJitter({ brightness: 0.2, contrast: 0.1 }),
  transforms.randomErasing({ fill: 1 }),
];

it('all of them depend on seed, epoch and place, not on the batch size', async () => {
  const { x, y } = images(8, [2, 8, 8]);
  const set = memoryDataset({ x, y } as never);
  const epoch = async (batchSize: number, seed: number): Promise<number[]> => {
    const loader = dataLoader(set, { batchSize, seed, shuffle: true, transform: transforms.compose(...all) });
    const values: number[] = [];
    for await (const batch of loader)
      values.push(
        ...(await (batch.x as { data(): Promise<ArrayLike<number>> }).data().then(Array.from<number>)),
      );
    return values;
  };
  const first = await epoch(2, 1);
  expect(await epoch(3, 1)).toEqual(first);
  expect(await epoch(2, 2)).not.toEqual(first);
});

it('all of them come back from JSON', () => {
  for (const one of [
    ...all,
    transforms.mixup(10, { targets: 'y/class' as never }),
    transforms.cutmix(3, { alpha: 0.5 }),
  ]) {
    const text = JSON.stringify(one);
    expect(JSON.stringify(transforms.fromJSON(text))).toBe(text);
  }
  expect(() => transforms.fromJSON('{"transform":"randomCrop","size":[1],"padding":0}')).toThrow(
    'size: two numbers',
  );
});
