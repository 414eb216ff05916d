import { tensor } from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import * as nn from './index.ts';

// Eight examples of three classes; every figure below is counted by hand.
const targets = tensor([0, 0, 0, 1, 1, 2, 2, 2], { dtype: 'uint8' });
const answers = [0, 0, 1, 1, 2, 2, 2, 0];
const scores = tensor(answers.map((answer) => [0, 1, 2].map((k) => (k === answer ? 0.9 : 0.3 - k / 10))));
const indices = tensor(answers, { dtype: 'int32' });

describe('accuracy', () => {
  it('of scores, and of class indices', () => {
    expect(nn.accuracy(scores, targets).itemSync()).toBe(5 / 8);
    expect(nn.accuracy(indices, targets).itemSync()).toBe(5 / 8);
  });

  it('takes targets given as one number for each class', () => {
    const hot = tensor([
      [1, 0],
      [0, 1],
    ]);
    expect(
      nn
        .accuracy(
          tensor([
            [3, 2],
            [5, 1],
          ]),
          hot,
        )
        .itemSync(),
    ).toBe(0.5);
  });

  it('counts the k best', () => {
    const list = tensor([
      [4, 3, 2, 1],
      [1, 2, 3, 4],
      [1, 4, 2, 3],
    ]);
    const right = tensor([1, 1, 1], { dtype: 'int32' });
    expect([1, 2, 3].map((k) => nn.topKAccuracy(list, right, k).itemSync())).toEqual(
      [1 / 3, 2 / 3, 1].map(Math.fround),
    );
  });

  it('refuses shapes that do not fit', () => {
    expect(() => nn.accuracy(scores, tensor([1, 2]))).toThrow(
      /scores \[8, 3\] do not fit targets \[2\]; class indices should be \[8\]/,
    );
  });
});

it('confusionMatrix has a row for each class and a column for each answer', async () => {
  const expected = [
    [2, 1, 0],
    [0, 1, 1],
    [1, 0, 2],
  ];
  expect(await nn.confusionMatrix(scores, targets).toArray()).toEqual(expected);
  expect(await nn.confusionMatrix(indices, targets, { classes: 3 }).toArray()).toEqual(expected);
  expect(nn.confusionMatrix(scores, targets).dtype).toBe('int32');
  expect(() => nn.confusionMatrix(indices, targets)).toThrow(/\{ classes: … \}/);
});

describe('precision, recall, f1', () => {
  const figures = (f: typeof nn.precision, average: 'none' | 'macro' | 'weighted' | 'micro'): number[] => [
    ...f(scores, targets, { average }).dataSync(),
  ];
  const close = (found: number[], expected: number[]): void => {
    expect(found).toHaveLength(expected.length);
    found.forEach((v, i) => expect(v).toBeCloseTo(expected[i], 6));
  };
  const p = [2 / 3, 1 / 2, 2 / 3];
  const r = [2 / 3, 1 / 2, 2 / 3];
  it('for each class and on average', () => {
    close(figures(nn.precision, 'none'), p);
    close(figures(nn.recall, 'none'), r);
    close(figures(nn.f1, 'none'), [2 / 3, 1 / 2, 2 / 3]);
    close(figures(nn.precision, 'macro'), [(2 / 3 + 1 / 2 + 2 / 3) / 3]);
    close(figures(nn.recall, 'weighted'), [(3 * (2 / 3) + 2 * (1 / 2) + 3 * (2 / 3)) / 8]);
    close(figures(nn.f1, 'micro'), [5 / 8]);
  });

  it('are 0 where a class was never answered or never occurs', () => {
    const few = tensor([0, 0], { dtype: 'int32' });
    const options = { classes: 3, average: 'none' } as const;
    expect([...nn.precision(few, tensor([0, 1]), options).dataSync()]).toEqual([0.5, 0, 0]);
    expect([...nn.recall(few, tensor([0, 1]), options).dataSync()]).toEqual([1, 0, 0]);
    expect(nn.f1(few, tensor([0, 1]), options).dataSync()[0]).toBeCloseTo(2 / 3, 6);
    expect(() => nn.f1(few, few, { classes: 3, average: 'other' as never })).toThrow(/'macro', 'weighted'/);
  });
});

it('r2 and meanAbsoluteError', () => {
  const y = tensor([3, -0.5, 2, 7]);
  const found = tensor([2.5, 0, 2, 8]);
  // Σ(y − ŷ)² = 1.5, Σ(y − ȳ)² = 29.1875.
  expect(nn.r2(found, y).itemSync()).toBeCloseTo(1 - 1.5 / 29.1875, 6);
  expect(nn.meanAbsoluteError(found, y).itemSync()).toBe(0.5);
  expect(() => nn.r2(found, tensor([1]))).toThrow(/do not fit/);
});

it('r2 stays finite where all targets are equal', () => {
  // sklearn.metrics.r2_score([3, 3, 3], [3, 3, 3]) is 1.0, of [3, 3, 4] it is 0.0; of one target it is nan with a warning.
  const of = (found: number[], y: number[]): number => nn.r2(tensor(found), tensor(y)).itemSync();
  expect(of([3, 3, 3], [3, 3, 3])).toBe(1);
  expect(of([3, 3, 4], [3, 3, 3])).toBe(0);
  // The mean of these is rounded.
  expect(of([0.1, 0.1, 0.2], [0.1, 0.1, 0.1])).toBe(0);
  expect([of([2], [2]), of([1], [2])]).toEqual([1, 0]);
  expect(of([1, Number.NaN], [1, 2])).toBeNaN();
  expect(of([1, 2], [1, Number.NaN])).toBeNaN();
});
