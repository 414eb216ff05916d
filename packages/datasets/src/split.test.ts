import { describe, expect, it } from 'vitest';
import type { Dataset, MemoryDataset } from './dataset.ts';
import { memoryDataset } from './dataset.ts';
import { DataError } from './errors.ts';
import { kFold, randomSplit, subset } from './split.ts';

const numbers = (length: number) =>
  memoryDataset(
    {
      x: { data: Float32Array.from({ length: 2 * length }, (_, i) => i), shape: [2] },
      y: { data: Int32Array.from({ length }, (_, i) => i), shape: [] },
    },
    { name: 'numbers', classes: ['a'] },
  );
const targets = (set: MemoryDataset) => [...set.columns.y.data];
const ascending = (values: number[]) => [...values].sort((a, b) => a - b);
const upTo = (length: number) => Array.from({ length }, (_, i) => i);

describe('randomSplit', () => {
  it('gives every example to one part', () => {
    const parts = randomSplit(numbers(103), [0.7, 0.2, 0.1], { seed: 5 });
    expect(parts.map((part) => part.length)).toEqual([72, 21, 10]);
    expect(ascending(parts.flatMap(targets))).toEqual(upTo(103));
    expect(targets(parts[0])).not.toEqual(upTo(72));
    expect(targets(randomSplit(numbers(103), [72, 21, 10], { seed: 5 })[0])).toEqual(targets(parts[0]));
    expect(targets(randomSplit(numbers(103), [72, 31], { seed: 6 })[0])).not.toEqual(targets(parts[0]));
  });

  it.each([
    [[]],
    [[0.5, 0.4]],
    [[5, 4]],
    [[10, 0]],
    [[-1, 11]],
    [[0.999, 0.001]],
    [[Number.NaN]],
    [[4.5, 5.5]],
  ])('refuses %j of ten examples', (parts) => {
    expect(() => randomSplit(numbers(10), parts)).toThrow(DataError);
  });
});

describe('kFold', () => {
  it('validates every example once', () => {
    for (const shuffle of [true, false]) {
      const folds = kFold(numbers(10), 3, { shuffle, seed: 1 });
      expect(folds.map(({ validation }) => validation.length)).toEqual([3, 3, 4]);
      expect(ascending(folds.flatMap(({ validation }) => targets(validation)))).toEqual(upTo(10));
      for (const { train, validation } of folds) {
        expect(ascending([...targets(train), ...targets(validation)])).toEqual(upTo(10));
      }
    }
    expect(targets(kFold(numbers(10), 5, { shuffle: false })[0].validation)).toEqual([0, 1]);
  });

  it.each([1, 11, 2.5])('refuses %s folds of ten examples', (folds) => {
    expect(() => kFold(numbers(10), folds)).toThrow(DataError);
  });
});

describe('subset', () => {
  it('keeps rows, names and parts of parts', () => {
    const part = subset(subset(numbers(10), [9, 7, 5, 3]), [3, 0], 'few');
    expect(part.rows([1, 0]).x.data).toEqual(Float32Array.of(18, 19, 6, 7));
    expect(part.columns.x.data).toEqual(Float32Array.of(6, 7, 18, 19));
    expect(part.classes).toEqual(['a']);
    expect(part.split).toBe('few');
    expect(() => part.rows([2])).toThrow(DataError);
    expect(() => subset(numbers(3), [3])).toThrow(DataError);
  });

  it("works with a data set of the user's own", async () => {
    const own: Dataset<number[]> = { length: 5, batch: (indices) => Array.from(indices) };
    expect(await subset(own, [4, 2]).batch([1, 0, 1])).toEqual([2, 4, 2]);
    expect(randomSplit(own, [2, 3]).map((part) => part.length)).toEqual([2, 3]);
  });
});
