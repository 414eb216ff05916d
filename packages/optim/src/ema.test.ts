import { compile } from '@ag/graph';
import { type Tensor, tensor, Variable } from '@ag/tensor';
import { commitUpdates } from '@ag/tensor/engine';
import { expect, it } from 'vitest';
import { ema } from './index.ts';

it('follows the parameters: 0.9 · 1 + 0.1 · 2 = 1.1, then 0.9 · 1.1 + 0.1 · 4 = 1.39', () => {
  const w = new Variable(tensor([1], { dtype: 'float64' }));
  const average = ema([w], { decay: 0.9 });
  w.assign(tensor([2], { dtype: 'float64' }));
  average.update();
  expect(average.averages()[0].itemSync()).toBeCloseTo(1.1, 12);
  w.assign(tensor([4], { dtype: 'float64' }));
  average.update();
  expect(average.averages()[0].itemSync()).toBeCloseTo(1.39, 12);
});

it('puts averages in place of the parameters and back, also when the work fails', async () => {
  const w = new Variable(tensor([1]));
  const average = ema([w], { decay: 0.5 });
  w.assign(tensor([3]));
  average.update();
  expect(await average.using(() => w.value.item())).toBe(2);
  expect(w.value.itemSync()).toBe(3);
  await expect(
    average.using(() => {
      average.update();
    }),
  ).rejects.toThrow(/while the averages are in place/);
  expect(w.value.itemSync()).toBe(3);
  expect(() => average.restore()).toThrow(/without apply/);
});

it('goes on from a saved state', () => {
  const w = new Variable(tensor([1]));
  const average = ema([w], { decay: 0.99, warmup: true });
  w.assign(tensor([5]));
  average.update();
  average.update();
  const resumed = ema([w], { decay: 0.99, warmup: true });
  resumed.loadState(average.state());
  average.update();
  resumed.update();
  expect(resumed.averages()[0].itemSync()).toBe(average.averages()[0].itemSync());
  // Shares of the old average: 2/11, 3/12, 4/13.
  expect(resumed.averages()[0].itemSync()).toBeCloseTo(5 - 4 * (2 / 11) * (3 / 12) * (4 / 13), 5);
  expect(() => resumed.loadState({ type: 'ema', numbers: {}, tensors: {} })).toThrow(
    /average 0 should be \[1\]/,
  );
});

it('follows a compiled step, its shares counted anew at each run', () => {
  const w = new Variable(tensor([1], { dtype: 'float64' }));
  const average = ema([w], { decay: 0.99, warmup: true });
  const step = compile((x: Tensor) => {
    commitUpdates(new Map([[w, w.value.add(x)]]));
    average.update();
    return x.sum();
  });
  for (let i = 0; i < 4; i++) step(tensor([1], { dtype: 'float64' })).itemSync();
  // w is 2, 3, 4, 5; the shares of the old average are 2/11, 3/12, 4/13, 5/14.
  let expected = 1;
  for (let n = 1; n <= 4; n++) {
    const keep = (1 + n) / (10 + n);
    expected = keep * expected + (1 - keep) * (1 + n);
  }
  expect(average.updates).toBe(4);
  expect(average.averages()[0].itemSync()).toBeCloseTo(expected, 12);
});
