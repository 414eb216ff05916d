/**
 * Areas under curves, overlaps and perplexity, whole and over batches: by scikit-learn's documented examples, by the definitions over all
 * pairs and thresholds, by hand.
 */
import { tensor } from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import * as nn from './index.ts';

const scores = tensor([0.1, 0.4, 0.35, 0.8]);
const targets = tensor([0, 0, 1, 1], { dtype: 'int32' });

/** Numbers of few digits, so that some are equal. */
function drawn(seed: number, count: number): { scores: number[]; targets: number[] } {
  const next = (i: number): number => Math.abs(Math.sin(seed * 78.233 + i * 12.9898) * 43758.5453) % 1;
  return {
    scores: Array.from({ length: count }, (_, i) => Math.floor(next(i) * 12) / 12),
    targets: Array.from({ length: count }, (_, i) => Number(next(i + 1000) > 0.6)),
  };
}

/** The share of pairs of a positive and a negative in which the positive has the larger score. */
function pairs(s: number[], t: number[]): number {
  let [won, all] = [0, 0];
  s.forEach((a, i) => {
    s.forEach((b, j) => {
      if (t[i] !== 1 || t[j] !== 0) return;
      all++;
      won += a > b ? 1 : a === b ? 0.5 : 0;
    });
  });
  return won / all;
}

/** Σ (recall − recall before) · precision, over each threshold. */
function steps(s: number[], t: number[]): number {
  const positives = t.filter((x) => x === 1).length;
  let [sum, before] = [0, 0];
  for (const threshold of [...new Set(s)].sort((a, b) => b - a)) {
    const chosen = t.filter((_, i) => s[i] >= threshold);
    const found = chosen.filter((x) => x === 1).length;
    sum += ((found - before) / positives) * (found / chosen.length);
    before = found;
  }
  return sum;
}

describe('auc and averagePrecision', () => {
  it('are those of scikit-learn’s documentation', () => {
    // roc_auc_score(y, scores) is 0.75, average_precision_score(y, scores) 0.83….
    expect(nn.auc(scores, targets).itemSync()).toBeCloseTo(0.75, 6);
    expect(nn.averagePrecision(scores, targets).itemSync()).toBeCloseTo(5 / 6, 6);
  });

  it('follow their definitions where scores are equal, whole and over batches', async () => {
    for (let seed = 1; seed <= 12; seed++) {
      const { scores: s, targets: t } = drawn(seed, 30);
      const [x, y] = [tensor(s), tensor(t)];
      expect(nn.auc(x, y).itemSync()).toBeCloseTo(pairs(s, t), 5);
      expect(nn.averagePrecision(x, y).itemSync()).toBeCloseTo(steps(s, t), 5);
      const [area, precision] = [nn.measure(nn.aucStream()), nn.measure(nn.averagePrecisionStream())];
      for (const [from, to] of [
        [0, 7],
        [7, 20],
        [20, 30],
      ]) {
        await area.add(x.slice(from, to), y.slice(from, to));
        await precision.add(x.slice(from, to), y.slice(from, to));
      }
      expect(area.value).toBeCloseTo(pairs(s, t), 9);
      expect(precision.value).toBeCloseTo(steps(s, t), 9);
      area.reset();
      expect(area.value).toBeNaN();
    }
  });

  it('are NaN where nothing can be ranked, and refuse other shapes', () => {
    expect(nn.auc(scores, tensor([1, 1, 1, 1])).itemSync()).toBeNaN();
    expect(nn.averagePrecision(scores, tensor([0, 0, 0, 0])).itemSync()).toBeNaN();
    expect(() => nn.auc(scores, tensor([1, 0]))).toThrow('do not fit targets [2]');
    expect(() => nn.aucStream({ bins: 0 })).toThrow(/bins/);
  });
});

describe('iou', () => {
  // Rows are targets: [[1, 1, 0], [0, 2, 0], [1, 0, 0]]; unions 3, 3, 1.
  const predicted = tensor([0, 1, 1, 1, 0], { dtype: 'int32' });
  const actual = tensor([0, 0, 1, 1, 2], { dtype: 'int32' });

  it('is by hand', () => {
    const each = nn.iou(predicted, actual, { classes: 4, average: 'none' }).dataSync();
    [1 / 3, 2 / 3, 0].forEach((value, i) => expect(each[i]).toBeCloseTo(value, 6));
    expect(each[3]).toBeNaN();
    expect(nn.iou(predicted, actual, { classes: 4 }).itemSync()).toBeCloseTo(1 / 3, 6);
  });

  it('over batches is that of all, and so is f1', async () => {
    const [overlap, f1] = [nn.measure(nn.iouStream(4)), nn.measure(nn.f1Stream(4))];
    const logits = nn.init.zeros([5, 4]).scatterAdd(predicted.unsqueeze(-1), nn.init.ones([5, 1]), 1);
    for (const [from, to] of [
      [0, 2],
      [2, 5],
    ]) {
      await overlap.add(logits.slice(from, to), actual.slice(from, to));
      await f1.add(logits.slice(from, to), actual.slice(from, to));
    }
    expect(overlap.value).toBeCloseTo(1 / 3, 6);
    expect(f1.value).toBeCloseTo(nn.f1(predicted, actual, { classes: 4 }).itemSync(), 6);
  });
});

describe('perplexity', () => {
  it('is the number of classes where all are equally likely, and that of all targets over batches', async () => {
    const logits = tensor([[1, 1, 1, 1]]);
    expect(nn.perplexity(logits, tensor([2], { dtype: 'int32' })).itemSync()).toBeCloseTo(4, 5);
    const some = tensor([
      [2, 0],
      [0, 1],
      [3, -1],
      [0, 0],
    ]);
    const classes = tensor([0, 1, 9, 0], { dtype: 'int32' });
    const stream = nn.measure(nn.perplexityStream({ ignoreIndex: 9 }));
    await stream.add(some.slice(0, 1), classes.slice(0, 1));
    await stream.add(some.slice(1), classes.slice(1));
    // By hand: −log softmax is log(1 + e⁻²), log(1 + e⁻¹) and log 2.
    const mean = (Math.log1p(Math.exp(-2)) + Math.log1p(Math.exp(-1)) + Math.LN2) / 3;
    expect(stream.value).toBeCloseTo(Math.exp(mean), 5);
    expect(nn.perplexity(some, classes, { ignoreIndex: 9 }).itemSync()).toBeCloseTo(Math.exp(mean), 5);
  });
});
