/** What the comparison with PyTorch does not cover: bad input, dtypes of targets, second derivatives. */
import { checkGradients } from '@ag/graph';
import { tensor, zeros } from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import * as nn from '../index.ts';

const logits = tensor([
  [1, 2, 3],
  [3, 1, 0],
]);

describe('crossEntropy', () => {
  it('takes class indices of any dtype', () => {
    // log(1 + e⁻¹ + e⁻²) and log(1 + e⁻² + e⁻³)
    const expected =
      (Math.log(1 + Math.exp(-1) + Math.exp(-2)) + Math.log(1 + Math.exp(-2) + Math.exp(-3))) / 2;
    for (const dtype of ['uint8', 'int32', 'uint32', 'float32', 'float64'] as const) {
      expect(nn.crossEntropy(logits, tensor([2, 0], { dtype })).itemSync(), dtype).toBeCloseTo(expected, 6);
    }
  });

  it('is NaN for an index that is no class, unless it is ignored', () => {
    expect(nn.crossEntropy(logits, tensor([3, 0])).itemSync()).toBeNaN();
    expect(nn.crossEntropy(logits, tensor([-1, 0])).itemSync()).toBeNaN();
    const ignored = nn.crossEntropy(logits, tensor([-1, 0]), { ignoreIndex: -1 }).itemSync();
    expect(ignored).toBeCloseTo(Math.log(1 + Math.exp(-2) + Math.exp(-3)), 6);
    expect(nn.crossEntropy(logits, tensor([-1, -1]), { ignoreIndex: -1, reduction: 'sum' }).itemSync()).toBe(
      0,
    );
  });

  it('is NaN for a fraction and for NaN, as for any index that is no class', () => {
    for (const target of [
      tensor([1.5, 0]),
      tensor([Number.NaN, 0]),
      tensor([0, 2 - 1e-9], { dtype: 'float64' }),
    ]) {
      expect(nn.crossEntropy(logits, target).itemSync()).toBeNaN();
      expect(nn.nllLoss(logits.logSoftmax(), target).itemSync()).toBeNaN();
      // Only where it stands.
      const each = nn.crossEntropy(logits, target, { reduction: 'none' }).dataSync();
      expect(each.filter(Number.isNaN).length).toBe(1);
    }
  });

  it('stays finite where a class is impossible', () => {
    const masked = tensor([[0, Number.NEGATIVE_INFINITY]]);
    expect(nn.crossEntropy(masked, tensor([0])).itemSync()).toBe(0);
    expect(nn.crossEntropy(masked, tensor([1])).itemSync()).toBe(Number.POSITIVE_INFINITY);
  });

  it.each([
    [
      'too few targets',
      () => nn.crossEntropy(logits, tensor([1])),
      /scores \[2, 3\] need class indices of the shape \[2\].*got \[1\]/,
    ],
    ['probabilities of another shape', () => nn.crossEntropy(logits, zeros([2, 2])), /differ in shape/],
    [
      'smoothing of 1',
      () => nn.crossEntropy(logits, tensor([0, 1]), { labelSmoothing: 1 }),
      /\[0, 1\), got 1/,
    ],
    [
      'weights of another length',
      () => nn.crossEntropy(logits, tensor([0, 1]), { weight: tensor([1]) }),
      /each of 3 classes, got \[1\]/,
    ],
    ['an axis that is not there', () => nn.crossEntropy(logits, tensor([0, 1]), { axis: 2 }), /no axis 2/],
    [
      'integer scores',
      () => nn.crossEntropy(logits.cast('int32'), tensor([0, 1])),
      /must be floats, got int32/,
    ],
    [
      'an unknown reduction',
      () => nn.mseLoss(logits, logits, { reduction: 'avg' as never }),
      /'mean', 'sum' or 'none', got 'avg'/,
    ],
    [
      'shapes that would broadcast',
      () => nn.mseLoss(zeros([3]), zeros([3, 1])),
      /\[3\] and target \[3, 1\] differ in shape/,
    ],
    ['a delta of 0', () => nn.huberLoss(logits, logits, { delta: 0 }), /delta must be above 0/],
  ])('refuses %s', (_, make, message) => expect(make).toThrow(message));
});

describe('first and second derivatives', () => {
  const a = tensor([
    [0.3, -1.2, 0.7],
    [1.1, 0.2, -0.4],
  ]);
  const b = tensor([
    [0.6, 0.3, 0.1],
    [0.2, 0.3, 0.5],
  ]);
  const classes = tensor([2, 0], { dtype: 'int32' });
  it.each<[string, () => unknown]>([
    [
      'crossEntropy',
      () =>
        checkGradients(
          ([x]) => nn.crossEntropy(x, classes, { labelSmoothing: 0.1, weight: tensor([1, 2, 0.5]) }),
          [a],
        ),
    ],
    ['crossEntropy with probabilities', () => checkGradients(([x, y]) => nn.crossEntropy(x, y), [a, b])],
    ['nllLoss', () => checkGradients(([x]) => nn.nllLoss(x.logSoftmax(), classes), [a])],
    ['mseLoss', () => checkGradients(([x, y]) => nn.mseLoss(x, y), [a, b])],
    ['huberLoss', () => checkGradients(([x, y]) => nn.huberLoss(x, y, { delta: 0.5 }), [a, b])],
    ['bceLoss', () => checkGradients(([x, y]) => nn.bceLoss(x.sigmoid(), y), [a, b])],
    [
      'bceWithLogits',
      () => checkGradients(([x, y]) => nn.bceWithLogits(x, y, { positiveWeight: 3 }), [a, b]),
    ],
    ['klDiv', () => checkGradients(([x, y]) => nn.klDiv(x.logSoftmax(), y), [a, b])],
    [
      'cosineEmbeddingLoss',
      () => checkGradients(([x, y]) => nn.cosineEmbeddingLoss(x, y, tensor([1, -1])), [a, b]),
    ],
    [
      'hingeLoss',
      () =>
        checkGradients(
          ([x]) =>
            nn.hingeLoss(
              x,
              tensor([
                [1, -1, 1],
                [-1, 1, 1],
              ]),
            ),
          [a],
        ),
    ],
  ])('of %s', (_, check) => {
    expect(check).not.toThrow();
  });
});
