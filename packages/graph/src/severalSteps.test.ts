/** Several steps in one compiled function: each is taken from the value that the one before it left. */
import { tensor, Variable } from '@ag/tensor';
import { commitUpdates } from '@ag/tensor/engine';
import { describe, expect, it } from 'vitest';
import { backward, compile, gradients } from './index.ts';

/** Gradient descent on (w − 3)². */
function descend(w: Variable, rate: number): void {
  backward(w.value.sub(3).square().sum());
  commitUpdates(new Map([[w, w.value.sub(w.grad!.mul(rate))]]));
}

const start = (): Variable => new Variable(tensor([1], { dtype: 'float64' }), { name: 'w' });

describe('two steps in one compiled function', () => {
  it('are two steps', () => {
    const w = start();
    const twice = compile(() => {
      descend(w, 0.1);
      descend(w, 0.05);
      return w.value.sum();
    });
    // w − 3 is multiplied by 1 − 2·rate at each step: −2 · 0.8 · 0.9 = −1.44.
    expect(twice().itemSync()).toBeCloseTo(1.56, 12);
    expect(w.value.itemSync()).toBeCloseTo(1.56, 12);
    expect(twice().itemSync()).toBeCloseTo(3 - 1.44 * 0.72, 12);
    expect(w.value.itemSync()).toBeCloseTo(3 - 1.44 * 0.72, 12);
  });

  it('leave gradients with respect to the variable, not to what it was', () => {
    const w = start();
    const slope = compile(() => {
      descend(w, 0.1);
      return gradients(w.value.square().sum(), [w])[0];
    });
    // 2w at 3 − 2 · 0.8 = 1.4
    expect(slope().itemSync()).toBeCloseTo(2.8, 12);
  });

  it('as many as one likes, with several variables', () => {
    const [eager, traced] = [0, 1].map(() => [start(), start()] as const);
    const step = ([a, b]: readonly [Variable, Variable]): void => {
      backward(a.value.mul(b.value).sub(2).square().sum());
      commitUpdates(new Map([a, b].map((v) => [v, v.value.sub(v.grad!.mul(0.05))])));
    };
    const compiled = compile(() => {
      for (let i = 0; i < 5; i++) step(traced);
      return traced[0].value.sum();
    });
    for (let i = 0; i < 10; i++) step(eager);
    compiled();
    compiled();
    for (const i of [0, 1] as const) {
      expect(traced[i].value.itemSync()).toBeCloseTo(eager[i].value.itemSync(), 12);
    }
  });
});
