/** A formula that learns, and slopes in a direction, against numbers computed elsewhere. */
import { describe, expect, it } from 'vitest';
import { descend, slope } from './descend.ts';
import { look } from './look.ts';
import { study } from './study.ts';

const given = (values: Readonly<Record<string, string>>) => new Map(Object.entries(values));

describe('gradient descent on a formula', () => {
  // Python: z = k·x + b, p = 1/(1 + e^−z), L = (p − y)², dz = 2(p − y)p(1 − p); k −= rate·dz·x, b −= rate·dz.
  it('is that of the scalar lesson', async () => {
    const start = given({ k: '0.5', x: '2', b: '-0.3', y: '0.9' });
    const moments = await descend('(sigmoid(k*x + b) - y)^2', start, ['k', 'b'], 0.5, 10);
    expect(moments).toHaveLength(11);
    expect(moments[0].loss).toBeCloseTo(0.05373690897235805, 12);
    expect(moments[10].loss).toBeCloseTo(0.002797441974100049, 12);
    expect(Number(moments[10].values.k)).toBeCloseTo(0.9048421150879263, 12);
    expect(moments[10].values.x).toBe('2');
  });

  it('moves only what is chosen, elements of vectors too, and ends where it diverges', async () => {
    const [, next] = await descend('sum((x - t)^2)', given({ x: '[1, 2]', t: '[0, 5]' }), ['x'], 0.25, 1);
    expect(next).toEqual({ loss: 2.5, values: { x: '[0.5,3.5]', t: '[0,5]' } });
    const far = await descend('x^4', given({ x: '3' }), ['x'], 10, 10);
    expect(far.length).toBeLessThan(10);
    expect(Number.isFinite(far.at(-1)!.loss)).toBe(false);
  });
});

describe('the derivative in a direction', () => {
  it('of x²y at (1, 2) along (3, 4)/5 is (2·1·2·3 + 1·4)/5 = 3.2', async () => {
    const { partials, along } = await slope('x^2*y', given({ x: '1', y: '2' }), ['x', 'y'], [3, 4]);
    expect(partials).toEqual([4, 1]);
    expect(along).toBeCloseTo(3.2, 14);
  });
});

describe('a derivative as a graph', () => {
  it('has the second derivative of x³ for its gradient', async () => {
    const { graph, checks } = await study('x^3', given({ x: '2' }), false, 'x');
    expect(graph.nodes.at(-1)!.value).toBe(12);
    expect(graph.nodes.find(({ label }) => label === 'x')!.gradient).toBe(12);
    expect(checks).toEqual([{ name: 'x', difference: expect.closeTo(0, 8) }]);
  });
});

describe('finite differences', () => {
  it('agree where there is a derivative, and not at a kink', async () => {
    const { checks } = await study('sin(x) * y', given({ x: '1', y: '[2, 3]' }));
    expect(checks.map(({ name }) => name)).toEqual(['x', 'y']);
    for (const { difference } of checks) expect(difference).toBeLessThan(1e-8);
    const kink = await study('relu(x) * 5', given({ x: '0' }));
    expect(kink.checks[0].difference).toBeGreaterThan(0.1);
  });
});

describe('a formula while it is typed', () => {
  it('offers what an unknown word may be, and makes no variable of it unasked', async () => {
    const found = await look({ text: 'sigmod * x', values: given({}) });
    expect(found.study).toBeNull();
    expect(found.unknown).toEqual([{ name: 'sigmod', functions: ['sigmoid'], mayBeVariable: true }]);
    const called = await look({ text: 'tahn(x)', values: given({}) });
    expect(called.unknown).toEqual([
      { name: 'tahn', functions: ['tan', 'tanh', 'atan'], mayBeVariable: false },
    ]);
    const chosen = await look({ text: 'sigmod * x', values: given({ sigmod: '2' }) });
    expect(chosen.study!.names).toEqual(['sigmod', 'x']);
  });

  it('takes letters for variables, and understands what is written on paper', async () => {
    for (const text of ['2x', 'w0·x', 'max(x, y)', 'π x', '|x|', 'θ₁²', 'x_1'])
      expect((await look({ text, values: given({}) })).study, text).not.toBeNull();
    await expect(look({ text: 'x +', values: given({}) })).rejects.toThrow('missing at the end');
  });
});
