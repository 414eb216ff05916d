/**
 * What the microscope says of derivatives, against the analysis of the functions themselves.
 */
import { describe, expect, it } from 'vitest';
import { study } from './study.ts';

/** For each operand of the last node, the elements at which there is no derivative. */
async function undefinedIn(formula: string, values: Readonly<Record<string, string>>) {
  const { graph, links } = await study(formula, new Map(Object.entries(values)));
  const found = links.flatMap((own) => own.filter(({ undefinedAt }) => undefinedAt.length > 0));
  expect(graph.nodes.length).toBeGreaterThan(1);
  return Object.fromEntries(found.map(({ label, undefinedAt }) => [label, undefinedAt]));
}

describe('derivatives that do not exist', () => {
  it.each([
    ['sqrt(x)', { x: '0' }, { x: [0] }],
    ['x^0.5', { x: '0' }, { x: [0] }],
    // For x < 0 the power is a number only where y is whole.
    ['x^y', { x: '-2', y: '2' }, { y: [0] }],
    ['log(x)', { x: '0' }, { x: [0] }],
    ['log(x)', { x: '-1' }, { x: [0] }],
    ['1/x', { x: '0' }, { x: [0] }],
    ['abs(x)', { x: '0' }, { x: [0] }],
    ['relu(x)', { x: '0' }, { x: [0] }],
    ['floor(x)', { x: '3' }, { x: [0] }],
    ['maximum(x, y)', { x: '1', y: '1' }, { x: [0], y: [0] }],
    ['sum(abs(x))', { x: '[1, 0, -2, 0]' }, { x: [1, 3] }],
    ['max(x)', { x: '[1, 2, 2]' }, { x: [1, 2] }],
  ])('%s at %o', async (formula, values, expected) => {
    expect(await undefinedIn(formula, values)).toEqual(expected);
  });

  it.each([
    ['sqrt(x)', { x: '1e-2' }],
    ['x^y', { x: '2', y: '-3' }],
    ['x^2', { x: '0' }],
    ['x^3', { x: '-2' }],
    ['exp(x)', { x: '20' }],
    ['exp(100x)', { x: '1' }],
    ['sin(x) * cos(x)', { x: '1000' }],
    ['abs(x)', { x: '1e-2' }],
    ['log(x)', { x: '1e6' }],
    ['x + y', { x: '1', y: '1e9' }],
    ['maximum(x, y)', { x: '1', y: '1.00001' }],
    ['1/x', { x: '1e-4' }],
    ['sigmoid(w0*x0 + w1*x1 + w2)', { w0: '2', x0: '-1', w1: '-3', x1: '-2', w2: '-3' }],
    ['sum((W @ x)^2)', { W: '[[0.1, 0.5], [-0.3, 0.8]]', x: '[0.2, 0.4]' }],
    ['logSumExp(z) - sum(z * t)', { z: '[1, 2, 0.5]', t: '[0, 1, 0]' }],
    ['2 * (x * y + maximum(z, w))', { x: '3', y: '-4', z: '2', w: '-1' }],
    ['softmax(x)', { x: '[1, 2, 30]' }],
    ['1/(x*x)', { x: '0.01' }],
    ['std(x)', { x: '[1, 2, 4]' }],
  ])('none of them in %s at %o', async (formula, values) => {
    expect(await undefinedIn(formula, values)).toEqual({});
  });

  it('has a matrix product by its name', async () => {
    const { graph } = await study(
      'W @ x',
      new Map([
        ['W', '[[1, 2], [3, 4]]'],
        ['x', '[1, 2]'],
      ]),
    );
    expect(graph.nodes.map(({ label }) => label)).toContain('matmul');
  });
});
