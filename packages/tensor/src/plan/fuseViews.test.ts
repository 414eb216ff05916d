/** Fusion must not forget views between nodes that one kernel computes. */
import { describe, expect, it } from 'vitest';
import { tensor } from '../index.ts';

describe('fusion', () => {
  it('reads one node as it is and another of the same kernel transposed', async () => {
    const x = tensor([
      [1, 2],
      [3, 4],
    ]);
    // Both halves of the sum come from one kernel over x; the second is turned.
    const sum = x.mul(10).add(x.neg().transpose());
    expect(await sum.toArray()).toEqual([
      [9, 17],
      [28, 36],
    ]);
    const scaled = x.sub(1);
    const both = scaled.mul(2).add(scaled.square().flip([0]));
    expect(await both.toArray()).toEqual([
      [4, 11],
      [4, 7],
    ]);
  });
});
