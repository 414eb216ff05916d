import { backward } from '@ag/graph';
import { tensor, Variable } from '@ag/tensor';
import { expect, it, vi } from 'vitest';
import { sgd } from './index.ts';

it('a trainable variable that no optimizer has is named once, where others have one', () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  const free = new Variable(tensor([1]), { name: 'free' });
  backward(free.value.sum());
  expect(warn).not.toHaveBeenCalled();
  const kept = new Variable(tensor([1]), { name: 'kept' });
  const optimizer = sgd([kept], { learningRate: 0.1 });
  for (let step = 0; step < 2; step++) {
    backward(kept.value.mul(free.value).sum());
    optimizer.step();
  }
  expect(warn).toHaveBeenCalledTimes(1);
  expect(warn.mock.calls[0][0]).toContain("'free'");
  warn.mockRestore();
});
