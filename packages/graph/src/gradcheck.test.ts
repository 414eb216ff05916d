import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { gradientDocument } from './testing/document.ts';
import { gradientCase, gradientCases, runGradientCase, withoutGradient } from './testing/index.ts';

// The cases themselves run on every backend, as the derivatives of the conformance suite.

describe('runGradientCase', () => {
  it('reports the errors of a case that passes', () => {
    const { passed, errors, order } = runGradientCase(gradientCase('sin', 'two', (x) => x.sin(), [[2]], 3));
    expect({ passed, order, orders: errors.length }).toEqual({ passed: true, order: 3, orders: 3 });
    expect(Math.max(...errors)).toBeLessThan(1e-6);
  });

  it('reports what is wrong instead of throwing', () => {
    const report = runGradientCase(gradientCase('sin', 'detached', (x) => x.detach().sin(), [[2]]));
    expect(report).toMatchObject({ operation: 'sin', variant: 'detached', passed: false, errors: [] });
    expect(report.message).toContain('the rule gives 0');
  });
});

describe('the table', () => {
  const operations = new Set(gradientCases.map(({ operation }) => operation));

  it('gives a reason only where there are no cases', () => {
    expect(Object.keys(withoutGradient).filter((name) => operations.has(name))).toEqual([]);
  });

  it('checks every operation to order 2 or 3', () => {
    const deep = new Set(
      gradientCases.filter((one) => !one.expected && one.order >= 2).map(({ operation }) => operation),
    );
    expect([...operations].filter((name) => !deep.has(name))).toEqual([]);
  });

  it('names no two cases of an operation alike', () => {
    const titles = gradientCases.map(({ operation, variant }) => `${operation}: ${variant}`);
    expect(titles.filter((title, i) => titles.indexOf(title) !== i)).toEqual([]);
  });

  it('stands in docs/gradients.md as it is', () => {
    const written = readFileSync(new URL('../../../docs/gradients.md', import.meta.url), 'utf8');
    expect(written, 'stale: npm run generate').toBe(gradientDocument());
  });
});
