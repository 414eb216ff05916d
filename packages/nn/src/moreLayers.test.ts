/** Dropout of channels and for selu, cells as steps of layers, lengths of sequences, and what layers of positions refuse. */
import { manualSeed, normal, ones, tensor } from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import * as nn from './index.ts';

it('dropout2d leaves out whole channels and keeps the mean', () => {
  manualSeed(1);
  const layer = nn.dropout2d(0.25);
  const y = layer.forward(ones([40, 50, 2, 3])).dataSync();
  let kept = 0;
  for (let i = 0; i < 2000; i++) {
    const channel = new Set(y.slice(6 * i, 6 * i + 6));
    expect(channel.size).toBe(1);
    if (y[6 * i] !== 0) kept++;
  }
  expect(new Set(y)).toEqual(new Set([0, Math.fround(1 / 0.75)]));
  // Within five standard deviations of 1500, √(2000 · 0.25 · 0.75) each.
  expect(Math.abs(kept - 1500)).toBeLessThan(5 * 19.4);
  expect([
    ...layer
      .eval()
      .forward(ones([1, 1, 2]))
      .dataSync(),
  ]).toEqual([1, 1]);
  expect(() => nn.dropout2d().forward(ones([2, 3]))).toThrow('[batch, channels, …positions], got [2, 3]');
});

it('alphaDropout keeps mean 0 and variance 1', () => {
  manualSeed(2);
  const x = normal([200, 200]);
  const y = nn.alphaDropout(0.2).forward(x);
  expect(Math.abs(y.mean().itemSync())).toBeLessThan(0.03);
  expect(Math.abs(y.variance().itemSync() - 1)).toBeLessThan(0.03);
  // By hand, with α′ = −1.7580993408473766 and p = 0.2: a = ((1 − p) · (1 + p α′²))^−½ = 0.878944…, b = −a α′ p = 0.309055…;
  // what is left out becomes a α′ + b.
  const a = 1 / Math.sqrt(0.8 * (1 + 0.2 * 1.7580993408473766 ** 2));
  const low = -a * 1.7580993408473766 + a * 1.7580993408473766 * 0.2;
  const found = y.dataSync();
  const given = x.dataSync();
  const out = found.filter((value) => Math.abs(value - low) < 1e-6).length;
  expect(Math.abs(out / 40_000 - 0.2)).toBeLessThan(0.02);
  found.forEach((value, i) => {
    if (Math.abs(value - low) < 1e-6) return;
    expect(value).toBeCloseTo(a * given[i] + a * 1.7580993408473766 * 0.2, 5);
  });
  expect([
    ...nn
      .alphaDropout(1)
      .forward(ones([2]))
      .dataSync(),
  ]).toEqual([0, 0]);
});

describe.each([
  ['rnn', nn.rnn(3, 4), nn.rnnCell(3, 4)],
  ['gru', nn.gru(3, 4), nn.gruCell(3, 4)],
  ['lstm', nn.lstm(3, 4), nn.lstmCell(3, 4)],
] as const)('%sCell', (_, layer, cell) => {
  it('is a step of the layer', () => {
    const state = layer.stateDict();
    cell.loadStateDict(state, { rename: (name) => name.replace('layers.0.0', 'weights') });
    const x = normal([2, 3, 3]);
    const { output } = layer.forwardWithState(x);
    let hidden: nn.LstmCellState | undefined;
    for (let t = 0; t < 3; t++) {
      const row = x.index(':', t);
      if (cell instanceof nn.LstmCell) hidden = cell.forward(row, hidden);
      else hidden = { hidden: cell.forward(row, hidden?.hidden), cell: row };
      const expected = output.index(':', t).dataSync();
      hidden.hidden.dataSync().forEach((value, i) => expect(value).toBeCloseTo(expected[i], 5));
    }
  });

  it('says what does not fit', () => {
    expect(() => cell.forward(ones([2, 5]))).toThrow(/expects 3 features/);
    const wrong = ones([2, 5]);
    const forward = (): unknown =>
      cell instanceof nn.LstmCell
        ? cell.forward(ones([2, 3]), { hidden: wrong, cell: wrong })
        : cell.forward(ones([2, 3]), wrong);
    expect(forward).toThrow("the state's hidden should be [2, 4], got [2, 5]");
  });
});

describe('lengths of sequences', () => {
  it('make the padding count nothing, short or long', () => {
    for (const time of [4, 30]) {
      const layer = nn.gru(2, 3, { bidirectional: true });
      const x = normal([2, time, 2]);
      const padded = layer.forwardWithState(x, undefined, { lengths: [time, 3] });
      const alone = layer.forwardWithState(x.index({ start: 1 }, { end: 3 }));
      const [found, expected] = [padded.output.index(1), alone.output.index(0)].map((t) => t.dataSync());
      expected.forEach((value, i) => expect(found[i]).toBeCloseTo(value, 5));
      expect(found.slice(expected.length).every((value) => value === 0)).toBe(true);
      const [last, own] = [padded.state.hidden.index(':', 1), alone.state.hidden.index(':', 0)].map((t) =>
        t.dataSync(),
      );
      own.forEach((value, i) => expect(last[i]).toBeCloseTo(value, 5));
      expect(layer.forward(x, { lengths: tensor([time, 3], { dtype: 'int32' }) }).dataSync()).toEqual(
        padded.output.dataSync(),
      );
    }
  });

  it('are checked', () => {
    const x = normal([2, 4, 2]);
    expect(() => nn.lstm(2, 3).forward(x, { lengths: [4, 0] })).toThrow(/each length/);
    expect(() => nn.lstm(2, 3).forward(x, { lengths: [4] })).toThrow(
      'lengths should be [batch] = [2], got [1]',
    );
    expect(() => nn.lstm(2, 3, { projection: 3 })).toThrow('a projection has fewer than 3 outputs, got 3');
  });
});

it('layers of positions say what does not fit', () => {
  expect(() => nn.upsample({})).toThrow('say either size or scale');
  expect(() => nn.upsample({ scale: [2, 2] }).forward(ones([1, 1, 3]))).toThrow(
    'has 1 axes of positions, but there are 2 sizes',
  );
  expect(() => nn.upsample({ size: 2, alignCorners: true })).toThrow("alignCorners is of the mode 'linear'");
  expect(() => nn.pixelShuffle(2).forward(ones([1, 3, 2, 2]))).toThrow(
    '3 channels do not divide into squares of 2²',
  );
  expect(() => nn.instanceNorm(2).forward(ones([1, 3, 2]))).toThrow('[batch, 2, …positions], got [1, 3, 2]');
  expect(() => nn.instanceNorm(2, { trackStatistics: true }).forward(ones([2, 2, 1]))).toThrow(
    'has no variance',
  );
});
