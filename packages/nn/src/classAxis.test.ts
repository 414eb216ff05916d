/** Classes on axis 1, as PyTorch's users write them, or on the last: the shapes tell, and where they do not it is an error. */
import { type Tensor, tensor, zeros } from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import * as nn from './index.ts';

/** Of two places, three classes: p(place 0) = (½, ¼, ¼), p(place 1) = (0.1, 0.2, 0.7). */
const onFirst = tensor([
  [
    [0.5, 0.1],
    [0.25, 0.2],
    [0.25, 0.7],
  ],
]).log();
const onLast = onFirst.transpose();
/** Right at place 1, second best at place 0. */
const targets = tensor([[1, 2]], { dtype: 'int32' });
const loss = -(Math.log(0.25) + Math.log(0.7)) / 2;

const figures: [string, (scores: Tensor, y: Tensor, options?: { axis?: number }) => Tensor, number][] = [
  ['crossEntropy', (x, y, options) => nn.crossEntropy(x, y, options), loss],
  ['nllLoss', (x, y, options) => nn.nllLoss(x, y, options), loss],
  ['accuracy', (x, y, options) => nn.accuracy(x, y, options), 0.5],
  ['topKAccuracy', (x, y, options) => nn.topKAccuracy(x, y, 1, options), 0.5],
  // Class 0 was never right: 0; class 1 never taken: 0; class 2 right: 1.
  ['precision', (x, y, options) => nn.precision(x, y, options), 1 / 3],
  ['confusionMatrix', (x, y, options) => nn.confusionMatrix(x, y, options).max(), 1],
];

describe.each(figures)('%s', (name, figure, expected) => {
  it.each([
    ['axis 1', onFirst],
    ['the last axis', onLast],
  ])('finds classes on %s', (_, scores) => {
    expect(figure(scores, targets).itemSync()).toBeCloseTo(expected, 6);
  });

  it('finds them in images', () => {
    const images = onFirst.reshape([1, 3, 1, 2]);
    expect(figure(images, targets.reshape([1, 1, 2])).itemSync()).toBeCloseTo(expected, 6);
  });

  it('does what it is told', () => {
    expect(figure(onFirst, targets, { axis: 1 }).itemSync()).toBeCloseTo(expected, 6);
    expect(figure(onFirst, targets, { axis: -2 }).itemSync()).toBeCloseTo(expected, 6);
    expect(figure(onLast, targets, { axis: -1 }).itemSync()).toBeCloseTo(expected, 6);
    const square = tensor([
      [
        [0.9, 0.2],
        [0.1, 0.8],
      ],
    ]).log();
    // Along axis 1 both places are sure and right, along axis 2 one of them.
    const y = tensor([[0, 1]], { dtype: 'int32' });
    const [first, last] = [1, -1].map((axis) => figure(square, y, { axis }).itemSync());
    if (name === 'nllLoss') expect(first).toBeCloseTo(last, 6);
    if (name === 'crossEntropy') {
      expect(first).toBeCloseTo(-(Math.log(0.9) + Math.log(0.8)) / 2, 6);
      expect(last).toBeCloseTo(-(Math.log(0.9 / 1.1) + Math.log(0.8 / 0.9)) / 2, 6);
    }
  });

  it('asks where both are possible, naming both', () => {
    const both = /\[2, 3, 3\].*\[2, 3\].*axis 1.*last.*\{ axis: 1 \} or \{ axis: -1 \}/;
    expect(() => figure(zeros([2, 3, 3]), zeros([2, 3]))).toThrow(both);
    expect(() => figure(zeros([1, 2, 2, 2]), zeros([1, 2, 2]))).toThrow(/axis 1.*last/);
    expect(() => figure(zeros([2, 3, 3]), zeros([2, 3]), { axis: 1 })).not.toThrow();
  });

  it('says both shapes where neither fits', () => {
    expect(() => figure(zeros([2, 3, 4]), zeros([2, 5]))).toThrow(/\[2, 3\].*\[2, 4\]/);
    expect(() => figure(zeros([2, 3, 4]), zeros([2, 3]), { axis: 1 })).toThrow(/\[2, 4\]/);
    expect(() => figure(zeros([2, 3]), zeros([2]), { axis: 2 })).toThrow(/no axis 2/);
    expect(() => figure(zeros([2, 3]), zeros([2]), { axis: 0.5 })).toThrow(/axis.* 0.5/);
  });
});

describe('one number for each class', () => {
  it('needs the axis from three axes on', () => {
    const target = onFirst.exp();
    expect(() => nn.crossEntropy(onFirst, target)).toThrow(/axis 1.*last/);
    expect(() => nn.accuracy(onFirst, target)).toThrow(/axis 1 or on the last, or class indices/);
    // The entropy of both distributions.
    const entropy = -(
      0.5 * Math.log(0.5) +
      0.5 * Math.log(0.25) +
      0.1 * Math.log(0.1) +
      0.2 * Math.log(0.2) +
      0.7 * Math.log(0.7)
    );
    expect(nn.crossEntropy(onFirst, target, { axis: 1 }).itemSync()).toBeCloseTo(entropy / 2, 6);
    expect(nn.accuracy(onFirst, target, { axis: 1 }).itemSync()).toBe(1);
  });

  it('does not take class indices of images for scores', () => {
    const map = tensor([[[0, 1, 1]]], { dtype: 'int32' });
    expect(nn.accuracy(map, tensor([[[0, 1, 0]]], { dtype: 'int32' })).itemSync()).toBeCloseTo(2 / 3, 6);
  });
});
