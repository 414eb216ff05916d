/** Data sets of several inputs and targets: batches, parts and transforms of structures of any form. */
import { Tensor, tensor, zeros } from '@ag/tensor';
import { atSeed, testSeeds } from '@ag/tensor/testing';
import { describe, expect, it } from 'vitest';
import { type Column, memoryDataset } from './dataset.ts';
import { DataError } from './errors.ts';
import { dataLoader } from './loader.ts';
import { randomStream } from './random.ts';
import { tensorDataset } from './sets/arrays.ts';
import { kFold, randomSplit, subset } from './split.ts';
import type { ColumnTree } from './structure.ts';
import { transforms } from './transforms/index.ts';
import type { TransformContext } from './transforms/transform.ts';

const context: TransformContext = { seed: 1, epoch: 0, start: 0, indices: [0] };

/** Numbers by which each part of each example is known: 100 · part + example. */
function numbered(count: number, part: number, shape: readonly number[]): Column {
  const size = shape.reduce((product, axis) => product * axis, 1);
  return {
    data: Float32Array.from({ length: count * size }, (_, i) => 100 * part + Math.floor(i / size)),
    shape,
  };
}

const cars = memoryDataset({
  x: { image: numbered(7, 1, [1, 2, 2]), meta: numbered(7, 2, [3]) },
  y: [numbered(7, 3, []), numbered(7, 4, [4])],
});

/** What a structure holds, read: an array of numbers for each tensor. */
async function read(structure: unknown): Promise<unknown> {
  if (structure instanceof Tensor)
    return { shape: structure.shape, values: Array.from(await structure.data()) };
  if (Array.isArray(structure)) return Promise.all(structure.map(read));
  const entries = Object.entries(structure as object).map(async ([key, part]) => [key, await read(part)]);
  return Object.fromEntries(await Promise.all(entries));
}

describe('a data set of structures', () => {
  it('gives batches of the same form', async () => {
    const { x, y } = cars.batch([2, 5]);
    const image: Tensor = x.image;
    const [kind, box]: [Tensor, Tensor] = y;
    expect([image.shape, x.meta.shape, kind.shape, box.shape]).toEqual([[2, 1, 2, 2], [2, 3], [2], [2, 4]]);
    expect(Array.from(await x.meta.data())).toEqual([202, 202, 202, 205, 205, 205]);
    expect(Array.from(await kind.data())).toEqual([302, 305]);
    expect(cars.features).toBe(7);
  });

  it('is made of tensors and numbers alike; arrays of numbers stay one tensor', async () => {
    const named = tensorDataset(
      { a: [[1], [2]], b: Float32Array.of(3, 4), c: { d: tensor([5, 6]) } },
      [7, 8],
    );
    const { x, y } = named.batch([1]);
    expect([await x.a.item(), await x.b.item(), await x.c.d.item(), await y.item()]).toEqual([2, 4, 6, 8]);
    const pair = tensorDataset([tensor([1, 2]), tensor([3, 4])], { y: tensor([5, 6]) }).batch([1]);
    const [first, second]: [Tensor, Tensor] = pair.x;
    expect([await first.item(), await second.item(), await pair.y.y.item()]).toEqual([2, 4, 6]);
    expect(tensorDataset([[1], [2], [3]], [1, 2, 3]).batch([0]).x.shape).toEqual([1, 1]);
  });

  it('says which part is shorter, and what is no column', () => {
    expect(() => tensorDataset({ image: zeros([3, 2]), meta: zeros([2, 2]) }, [1, 2, 3])).toThrow(
      /x\/image and x\/meta hold different numbers of examples: expected 3 rows in x\/meta, found 2/,
    );
    expect(() => tensorDataset([[1], [2]], { class: [1, 2], box: [1, 2, 3] })).toThrow(
      /x and y\/box hold different/,
    );
    expect(() => memoryDataset({ x: { a: 1 as never }, y: numbered(1, 1, []) })).toThrow(/x\/a is no column/);
    expect(() => memoryDataset({ x: {}, y: numbered(1, 1, []) })).toThrow(/x is no column/);
    expect(() => tensorDataset({ a: tensor(1) }, [1])).toThrow(/x\/a: expected at least one axis/);
  });

  it('is cut into parts and folds whose rows belong together', async () => {
    for (const part of [
      ...randomSplit(cars, [4, 3], { seed: 2 }),
      ...kFold(cars, 3).map((fold) => fold.validation),
    ]) {
      const all = part.batch(Array.from({ length: part.length }, (_, i) => i));
      const examples = Array.from(await all.y[0].data(), (value) => value - 300);
      expect(Array.from(await all.x.meta.data()).filter((_, i) => i % 3 === 0)).toEqual(
        examples.map((example) => 200 + example),
      );
      expect(Array.from(part.columns.x.image.data).filter((_, i) => i % 4 === 0)).toEqual(
        examples.map((example) => 100 + example),
      );
    }
  });
});

describe('batches of random structures', () => {
  /** A tree of one to three levels. */
  function randomTree(draw: (most: number) => number, count: number, depth: number): ColumnTree {
    if (depth === 0 || draw(3) === 0) {
      const shape = Array.from({ length: draw(3) }, () => 1 + draw(3));
      return numbered(count, draw(50), shape);
    }
    const parts = Array.from({ length: 1 + draw(3) }, () => randomTree(draw, count, depth - 1));
    return draw(2) === 0 ? parts : Object.fromEntries(parts.map((part, i) => [`part${i}`, part]));
  }

  it('are the rows of each column alone, in the same order, the last one shorter', async () => {
    for (const seed of testSeeds(40, 1000)) {
      await atSeed(seed, async () => {
        const random = randomStream(seed, 901, 0, 0);
        const draw = (most: number): number => random.integer(most);
        const count = 1 + draw(12);
        const columns = { x: randomTree(draw, count, 2), y: randomTree(draw, count, 2) };
        const options = { batchSize: 1 + draw(count), shuffle: draw(2) === 0, seed };
        const loader = dataLoader(memoryDataset(columns), options);
        const found: unknown[] = [];
        for await (const batch of loader) found.push(await read(batch));

        /** The batches of the tree, each column by a loader of its own. */
        const wanted = async (tree: unknown): Promise<unknown[]> => {
          if (typeof tree === 'object' && tree !== null && 'data' in tree) {
            const column = tree as Column;
            const alone = dataLoader(memoryDataset({ x: column, y: column }), options);
            const batches: unknown[] = [];
            for await (const { x } of alone) batches.push(await read(x));
            return batches;
          }
          const entries = await Promise.all(
            Object.entries(tree as object).map(async ([key, part]) => [key, await wanted(part)] as const),
          );
          return Array.from({ length: loader.length }, (_, i) => {
            const parts = entries.map(([key, batches]) => [key, batches[i]] as const);
            return Array.isArray(tree) ? parts.map(([, part]) => part) : Object.fromEntries(parts);
          });
        };
        expect(found).toEqual(await wanted(columns));
      });
    }
  });
});

describe('transforms of one part', () => {
  const set = memoryDataset({
    x: {
      image: { data: Uint8Array.from({ length: 3 * 9 }, (_, i) => i), shape: [3, 3] },
      meta: { data: Float32Array.of(1, 10, 2, 10, 3, 10), shape: [2] },
    },
    y: {
      class: { data: Int32Array.of(0, 2, 1), shape: [] },
      mask: { data: Uint8Array.from({ length: 3 * 9 }, (_, i) => i), shape: [3, 3] },
    },
  });

  it('leave the others alone', async () => {
    const loader = dataLoader(set, {
      batchSize: 3,
      transform: transforms.compose(
        transforms.standardize(set, { column: 'x/meta' }),
        transforms.flatten({ column: 'x/image' }),
        transforms.oneHot(3, { column: 'y/class' }),
      ),
    });
    for await (const { x, y } of loader) {
      expect(x.image.shape).toEqual([3, 9]);
      expect(x.image.dtype).toBe('uint8');
      // By hand: mean 2, deviation √(2/3); the second feature is constant.
      const scaled = Array.from(await x.meta.data());
      [-Math.sqrt(1.5), 0, 0, 0, Math.sqrt(1.5), 0].forEach((value, i) => {
        expect(scaled[i]).toBeCloseTo(value, 6);
      });
      expect(await y.class.toArray()).toEqual([
        [1, 0, 0],
        [0, 0, 1],
        [0, 1, 0],
      ]);
      expect(y.mask.shape).toEqual([3, 3, 3]);
    }
    const range = transforms.minMax(set, { column: 'x/meta' });
    expect(Array.from(range(set.rows([0, 1, 2]), context).x.meta.data)).toEqual([0, 0, 0.5, 0, 1, 0]);
    expect(Array.from(set.columns.x.meta.data)).toEqual([1, 10, 2, 10, 3, 10]);
  });

  it('say what they are, parts included', () => {
    const both = transforms.compose(
      transforms.standardize({ mean: [2, 10], deviation: [1, 1] }, { column: 'x/meta' }),
      transforms.randomShift(1, { column: 'x/image', fill: 3 }),
      transforms.oneHot(3, { column: 'y/class' }),
      transforms.flatten({ column: 'x/image' }),
    );
    const again = transforms.fromJSON(JSON.stringify(both));
    const [first, second] = [both, again].map((transform) => transform(set.rows([0, 2]) as never, context));
    expect(second).toEqual(first);
    expect(() => transforms.fromJSON({ transform: 'flatten', column: 'z' })).toThrow(/column 'x' or 'y'/);
  });

  it('move an image and its mask alike', () => {
    const both = transforms.compose(
      transforms.randomShift(1, { column: 'x/image' }),
      transforms.randomShift(1, { column: 'y/mask' }),
    );
    for (let start = 0; start < 20; start += 3) {
      const { x, y } = both(set.rows([0, 1, 2]) as never, {
        ...context,
        start,
      }) as unknown as typeof set.columns;
      expect(x.image.data).toEqual(y.mask.data);
    }
  });

  it('may be functions of one’s own', async () => {
    const part = subset(set, [1, 2]);
    const loader = dataLoader(part, {
      transform: ({ x, y }) => ({ x: { ...x, meta: { ...x.meta, data: x.meta.data.map((v) => v * 2) } }, y }),
    });
    for await (const { x } of loader) expect(Array.from(await x.meta.data())).toEqual([4, 20, 6, 20]);
  });

  it('say which parts there are', () => {
    expect(() => transforms.standardize(set)).toThrow(
      /x has several columns: found x\/image, x\/meta\. Say which/,
    );
    expect(() => transforms.standardize(set, { column: 'x/mta' })).toThrow(
      /no column 'x\/mta': found image, meta in x\. Did you mean 'x\/meta'\?/,
    );
    expect(() =>
      transforms.flatten({ column: 'x/image' })({ x: numbered(1, 1, [2]), y: numbered(1, 1, []) }, context),
    ).toThrow(/no column 'x\/image': found x, which is one column/);
    expect(() => transforms.oneHot(2, { column: 'y/class' })(set.rows([1]), context)).toThrow(DataError);
    expect(() => transforms.oneHot(2, { column: 'y/class' })(set.rows([1]), context)).toThrow(
      /y\/class: .*found 2/,
    );
    expect(() => transforms.flatten({ colum: 'x' } as never)).toThrow(/did you mean 'column'/);
  });
});
