import { apply, defineOp, key, normal, type Tensor, tensor } from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import { checkGradients, customGradient, numericalGradient } from './index.ts';

const sample = (shape: readonly number[], seed: number): Tensor =>
  tensor(normal(shape, { key: key(seed), dtype: 'float64' }).dataSync(), { shape, dtype: 'float64' });

describe('numericalGradient', () => {
  it('gives differences in both directions', () => {
    const g = numericalGradient((x) => x.mul(x).sum(), tensor([1, -3], { dtype: 'float64' }));
    expect(g.dtype).toBe('float64');
    g.dataSync().forEach((value, i) => expect(value).toBeCloseTo([2, -6][i], 8));
    const single = numericalGradient((x) => x.square().sum(), tensor([3]));
    expect(single.dtype).toBe('float32');
    expect(single.itemSync()).toBeCloseTo(6, 2);
  });
});

describe('checkGradients', () => {
  it('says which derivative is off, where and by how much', () => {
    const wrong = customGradient(
      (x: Tensor) => x.square(),
      (g, [x]) => [g.mul(x)],
    );
    expect(() => checkGradients(([x]) => wrong(x), [tensor([3])], { seed: 1 })).toThrow(
      /order 1, argument 0 of shape \[1\], element 0: the rule gives \S+, central differences \S+ \(error \S+, allowed 0.000001\)/,
    );
  });

  it('finds what is right at order 1 and wrong at order 2', () => {
    // The value of the derivative of tanh, as if it did not depend on x.
    const frozen = customGradient(
      (x: Tensor) => x.tanh(),
      (g, [x]) => [g.mul(x.detach().tanh().square().neg().add(1))],
    );
    expect(checkGradients(([x]) => frozen(x), [tensor([0.3, 1])], { order: 1 }).errors).toHaveLength(1);
    expect(() => checkGradients(([x]) => frozen(x), [tensor([0.3, 1])], { order: 2 })).toThrow(/order 2/);
  });

  it('checks large arguments along random directions, and still notices', () => {
    const x = sample([40, 40], 1);
    expect(checkGradients(([a]) => a.sin().sum(1), [x]).errors.every((error) => error < 1e-6)).toBe(true);
    const wrong = customGradient(
      (a: Tensor) => a.sin(),
      (g, [a]) => [g.mul(a.cos()).mul(1.001)],
    );
    expect(() => checkGradients(([a]) => wrong(a), [x])).toThrow(
      /order 1, argument 0 of shape \[40, 40\], random direction/,
    );
  });

  it('says what it cannot check', () => {
    expect(() => checkGradients(() => tensor(1), [])).toThrow(/at least one/);
    expect(() => checkGradients(([x]) => x.argmax(), [tensor([1, 2])])).not.toThrow();
  });

  it('sees gradients that are lost where the rule is missing', () => {
    const silent = defineOp({ name: 'silent', type: ([x]) => x, lower: { form: 'view', of: (v) => v } });
    expect(() => checkGradients(([x]) => apply(silent, [x]).square(), [tensor([2])])).toThrow(
      /the rule gives 0/,
    );
  });
});
