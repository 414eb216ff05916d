import { tensor } from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import { DataError } from '../errors.ts';
import { tensorDataset } from './arrays.ts';

describe('tensorDataset', () => {
  it('takes rows of tensors and of nested arrays', async () => {
    const set = tensorDataset(
      tensor([
        [1, 2],
        [3, 4],
        [5, 6],
      ]).mul(10),
      tensor([7, 8, 9], { dtype: 'int32' }),
      { classes: ['a'] },
    );
    expect(set.length).toBe(3);
    expect(set.classes).toEqual(['a']);
    const { x, y } = set.batch([2, 0]);
    expect(await x.toArray()).toEqual([
      [50, 60],
      [10, 20],
    ]);
    expect(y.dtype).toBe('int32');
    expect(await y.toArray()).toEqual([9, 7]);
    expect(
      await tensorDataset([[0], [1]], [[1], [0]])
        .batch([1])
        .y.toArray(),
    ).toEqual([[0]]);
  });

  it('refuses rows that do not pair, and numbers without rows', () => {
    expect(() => tensorDataset([1, 2], [1])).toThrow('2 targets for 2 inputs');
    expect(() => tensorDataset(1, [1])).toThrow(DataError);
  });
});
