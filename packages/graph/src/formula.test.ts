import { type Tensor, tensor } from '@ag/tensor';
import { elementwiseRows, reductionRows } from '@ag/tensor/testing';
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
  it('knows every elementwise operation and reduction that is a method', () => {
    const x = tensor([[0.3, 0.6]], { dtype: 'float64' });
    const names = 'abc';
    for (const { name, ranges, variant } of elementwiseRows) {
      if (variant !== undefined || name === 'cast' || !(name in x)) continue;
      const operands = [...names].slice(0, ranges.length);
      const given = Object.fromEntries(operands.map((operand) => [operand, x]));
      expect(formula(`${name}(${operands.join(', ')})`).evaluate(given).shape, name).toEqual([1, 2]);
    }
    for (const { name } of reductionRows) {
      if (!(name in x)) continue;
      expect(formula(`${name}(x)`).evaluate({ x }).shape, name).toEqual([]);
    }
  });
  it('knows the elementwise functions that are no methods, from the table that defines them', async () => {
    const x = tensor([[0.3, 0.6]], { dtype: 'float64' });
    const free = elementwiseRows.filter(({ name, variant }) => variant === undefined && !(name in x));
    let known = 0;
    for (const { name, ranges } of free) {
      const operands = [...'abc'].slice(0, ranges.length);
      const given = Object.fromEntries(operands.map((operand) => [operand, x]));
      // Of bits they take whole numbers, which a formula does not have, and these take plain numbers.
      if (/^bitwise|Shift$|^threshold$|^polygamma$/.test(name)) {
        expect(() => formula(`${name}(${operands.join()})`), name).toThrow('no function');
        continue;
      }
      expect(formula(`${name}(${operands.join()})`).evaluate(given).shape, name).toEqual([1, 2]);
      known++;
    }
    expect(known).toBeGreaterThan(25);
    expect(await at('asinh(x) + cbrt(8y) + x * log10(y)', { x: 0, y: 1 })).toBeCloseTo(2, 12);
    expect(await at('hypot(3x, 4)', { x: 1 })).toBe(5);
    expect(await at('hypot(4, 3x)', { x: 1 })).toBe(5);
    expect(() => formula('asinh(x, y)')).toThrow('asinh takes 1 operand, got 2');
    const at2 = tensor(2, { dtype: 'float64' });
    const [slope] = gradients(formula('log10(x)').evaluate({ x: at2 }), [at2]);
    expect(await slope.item()).toBeCloseTo(1 / (2 * Math.LN10), 14);
  });
  it('calls nothing that is no operation', () => {
    for (const name of ['data', 'itemSync', 'print', 'toString', 'cast', 'dispose', 'shape', 'where1'])
      expect(() => formula(`${name}(x)`), name).toThrow(`no function '${name}'`);
  });
  it('takes the larger and the smaller of several operands, and of one its extreme element', async () => {
    expect(await at('max(x, y)', { x: 1, y: 2 })).toBe(2);
    expect(await at('min(x, y) + max(x, y, 5)', { x: 1, y: 2 })).toBe(6);
    expect(await at('max(3, x)', { x: 1 })).toBe(3);
    expect(await at('max(x) - min(x)', { x: [1, 5, 2] })).toBe(4);
    const x = tensor(3, { dtype: 'float64' });
    const [slope] = gradients(formula('max(2x, x^2)').evaluate({ x }), [x]);
    expect(await slope.item()).toBe(6);
  });
  it('multiplies where a number or a parenthesis stands before a name', async () => {
    expect(await at('2x', { x: 3 })).toBe(6);
    expect(await at('2x^2', { x: 3 })).toBe(18);
    expect(await at('1/2x', { x: 3 })).toBe(1.5);
    expect(await at('x^2y', { x: 3, y: 5 })).toBe(45);
    expect(await at('-2x + 3(x + 1)', { x: 3 })).toBe(6);
    expect(await at('(x + 1)(x - 1)', { x: 3 })).toBe(8);
    expect(await at('2 sin(x) cos(x)', { x: 1 })).toBeCloseTo(Math.sin(2), 12);
    expect(await at('2e1x', { x: 3 })).toBe(60);
    expect(await at('2e x', { x: 3 })).toBeCloseTo(6 * Math.E, 12);
  });
  it('understands printed signs', async () => {
    expect(await at('2·x × y ÷ 4 − 1', { x: 3, y: 5 })).toBe(6.5);
    expect(await at('cos(πx)', { x: 3 })).toBe(-1);
    expect(await at('2πr', { r: 0.5 })).toBeCloseTo(Math.PI, 12);
    expect(await at('x²/20 + y³', { x: -7, y: 2 })).toBeCloseTo(10.45, 12);
    expect(await at('−x²', { x: 3 })).toBe(-9);
    expect(() => formula('x + × y')).toThrow("'×' was not expected, at position 5 of 'x + × y'");
    expect(() => formula('x # y')).toThrow("'#' was not expected");
  });
  it('takes bars for an absolute value, one within another too', async () => {
    expect(await at('|x|', { x: -3 })).toBe(3);
    expect(await at('2|x - 5| + 1', { x: 3 })).toBe(5);
    expect(await at('|x||y|', { x: -3, y: -5 })).toBe(15);
    expect(await at('|(|x| - 4)y|^2', { x: -3, y: 2 })).toBe(4);
    expect(await at('-|max(|x|, 2)|', { x: -3 })).toBe(-3);
    expect(await at('|−2|x', { x: 3 })).toBe(6);
    expect(() => formula('|x + 1')).toThrow("'|' is missing, at position 7");
    expect(() => formula('x|')).toThrow("'|' was not expected");
  });
  it('takes any name for a name, also those that objects have', async () => {
    const values = (names: readonly string[]) =>
      Object.fromEntries(names.map((name, i) => [name, tensor(i + 2, { dtype: 'float64' })]));
    const names = ['constructor', '__proto__', 'toString', 'hasOwnProperty'];
    const f = formula(names.join(' + '));
    expect(f.names).toEqual(names);
    expect(await f.evaluate(values(names)).item()).toBe(2 + 3 + 4 + 5);
    for (const name of names) {
      expect(() => formula(name).evaluate({})).toThrow(`'${name}' has no value`);
      expect(() => formula(`${name}(x)`)).toThrow(`no function '${name}'`);
    }
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
