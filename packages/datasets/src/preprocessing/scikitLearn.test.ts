/** Fitted values beside scikit-learn's; fixtures/preprocessing.py made them. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fitPreprocessing } from './fit.ts';

interface Fixture {
  readonly numbers: readonly {
    readonly impute: 'mean' | 'median' | 'mostFrequent';
    readonly scaler: 'standard' | 'minMax';
    readonly train: readonly (number | null)[];
    readonly test: readonly (number | null)[];
    readonly expected: readonly number[];
  }[];
  readonly categories: {
    readonly train: readonly string[];
    readonly test: readonly string[];
    readonly names: readonly string[];
    readonly oneHot: readonly number[][];
    readonly ordinal: readonly number[];
  };
  readonly constant: {
    readonly train: readonly number[];
    readonly standard: readonly number[];
    readonly minMax: readonly number[];
  };
  readonly text: {
    readonly train: readonly string[];
    readonly tokens: readonly string[];
    readonly counts: readonly number[][];
  };
  readonly classes: { readonly train: readonly string[]; readonly codes: readonly number[] };
}

const fixture: Fixture = JSON.parse(
  readFileSync(new URL('../../fixtures/preprocessing.json', import.meta.url), 'utf8'),
);

function expectClose(values: ArrayLike<number>, expected: readonly number[]): void {
  expect(values.length).toBe(expected.length);
  // The tensor is float32; in double precision both agree further.
  expected.forEach((value, i) => {
    expect(Math.abs(values[i] - value)).toBeLessThanOrEqual(1e-6 * Math.max(1, Math.abs(value)));
  });
}

describe('as scikit-learn', () => {
  it.each(fixture.numbers)('fills gaps with the $impute and scales ($scaler)', (one) => {
    const { impute, scaler, train, test, expected } = one;
    const columns = { a: 'number' as const };
    const fitted = fitPreprocessing({ a: train }, { impute, scaler, columns });
    expectClose(fitted.transform({ a: test }).values, expected);
  });

  it('encodes categories', () => {
    const { train, test, names, oneHot, ordinal } = fixture.categories;
    const options = { columns: { town: 'category' as const }, handleUnknown: 'ignore' as const };
    const hot = fitPreprocessing({ town: train }, options);
    expect(hot.featureNames).toEqual(names.map((name) => `town=${name}`));
    const { values, issues } = hot.transform({ town: test });
    expect([...values]).toEqual(oneHot.flat());
    expect(issues.map(({ value }) => value)).toEqual(['west']);
    const codes = fitPreprocessing({ town: train }, { ...options, encoder: 'ordinal' });
    expect([...codes.transform({ town: test }).values]).toEqual(ordinal);
  });

  it('numbers classes', () => {
    const { train, codes } = fixture.classes;
    const x = train.map((_, i) => i * 1.5);
    const fitted = fitPreprocessing({ x, town: train }, { target: 'town' });
    expect([...fitted.dataset({ x, town: train }).columns.y.data]).toEqual(codes);
  });

  it('makes 0 of a constant', () => {
    const { train, standard, minMax } = fixture.constant;
    const columns = { a: 'number' as const };
    for (const [scaler, expected] of [
      ['standard', standard],
      ['minMax', minMax],
    ] as const) {
      expectClose(
        fitPreprocessing({ a: train }, { scaler, columns }).transform({ a: train }).values,
        expected,
      );
    }
  });

  it('counts words', () => {
    const { train, tokens, counts } = fixture.text;
    const fitted = fitPreprocessing({ note: train }, { columns: { note: 'text' } });
    expect(fitted.featureNames).toEqual(tokens.map((token) => `note:${token}`));
    expect([...fitted.transform({ note: train }).values]).toEqual(counts.flat());
  });
});
