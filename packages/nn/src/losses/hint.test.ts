/** Alone in its file, because the hint is given once in a process. */
import { tensor } from '@ag/tensor';
import { expect, it, vi } from 'vitest';
import { crossEntropy } from '../index.ts';

it('says once that a target is no class, and how it is left out', () => {
  const said = vi.spyOn(console, 'warn').mockImplementation(() => {});
  const logits = tensor([
    [1, 2, 3],
    [3, 1, 0],
  ]);
  try {
    expect(crossEntropy(logits, tensor([0, -100]), { ignoreIndex: -100 }).itemSync()).toBeGreaterThan(0);
    expect(said).not.toHaveBeenCalled();
    for (let i = 0; i < 2; i++) expect(crossEntropy(logits, tensor([0, -100])).itemSync()).toBeNaN();
    expect(said).toHaveBeenCalledTimes(1);
    expect(said.mock.calls[0][0]).toMatch(
      /crossEntropy: target -100 at position 1 is none of the classes 0 … 2, so the loss is NaN; .*{ ignoreIndex: -100 }/,
    );
  } finally {
    said.mockRestore();
  }
});
