import { type Tensor, tensor } from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import { formula } from './formula.ts';
import { gradients } from './gradients.ts';

const at = (text: string, values: Record<string, Parameters<typeof tensor>[0]>): Promise<number> =>
  formula(text)
    .evaluate(
      Object.fromEntries(
        Object.entries(values).map(([name, value]) => [name, tensor(value, { dtype: 'float64' })]),
      ),
    )
    .item();

describe('formula', () => {
  it('computes what it says, with the usual precedence', async () => {
    expect(await at('(x + y) * z', { x: -2, y: 5, z: -4 })).toBe(-12);
    expect(await at('x + y * z', { x: 1, y: 2, z: 3 })).toBe(7);
    expect(await at('-x^2', { x: 3 })).toBe(-9);
    expect(await at('2^x', { x: 3 })).toBeCloseTo(8, 12);
    expect(await at('x^2^3', { x: 2 })).toBe(256);
    expect(await at('x - y - z', { x: 1, y: 2, z: 3 })).toBe(-4);
    expect(await at('6 / x / 2', { x: 3 })).toBe(1);
    expect(await at('2 - x', { x: 3 })).toBe(-1);
    expect(await at('maximum(x, 2*y) + 1e1', { x: 1, y: 2 })).toBe(14);
    expect(
      await at('sum((W @ x)^2)', {
        W: [
          [0.1, 0.5],
          [-0.3, 0.8],
        ],
        x: [0.2, 0.4],
      }),
    ).toBeCloseTo(0.116, 12);
  });
  it('gives the gradients of the classic example', async () => {
    const f = formula('(x + y) * z');
    expect(f.names).toEqual(['x', 'y', 'z']);
    const values: Record<string, Tensor> = { x: tensor(-2), y: tensor(5), z: tensor(-4) };
    const g = gradients(f.evaluate(values), Object.values(values));
    expect(await Promise.all(g.map((t) => t.item()))).toEqual([-4, -4, 3]);
  });
  it('points at mistakes', () => {
    expect(() => formula('(x + y')).toThrow("')' is missing, at position 7");
    expect(() => formula('x + * y')).toThrow("'*' was not expected, at position 5");
    expect(() => formula('sgmoid(x)')).toThrow("no function 'sgmoid'");
    expect(() => formula('x y')).toThrow("'y' was not expected");
    expect(() => formula('')).toThrow('missing at the end');
    expect(() => formula('atan2(x)')).toThrow('takes 2 operands, got 1');
    expect(() => formula('constructor(x)')).toThrow("no function 'constructor'");
    expect(() => formula('x').evaluate({})).toThrow("'x' has no value");
  });
});
