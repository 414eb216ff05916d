import { describe, expect, it } from 'vitest';
import { fit, formatNumber, formatPercent, textWidth, tickLabels } from './text.ts';

describe('formatNumber', () => {
  it.each([
    [0, '0'],
    [-0, '0'],
    [42, '42'],
    [-12, '−12'],
    [60_000, '60000'],
    [0.73105858, '0.7311'],
    [-0.19661193, '−0.1966'],
    [123.456, '123.5'],
    [12345.67, '12345.7'],
    [1.5e-8, '1.5e−8'],
    [-2.5e12, '−2.5e12'],
    [1e300, '1e300'],
    [Number.NaN, 'NaN'],
    [Infinity, '∞'],
    [-Infinity, '−∞'],
  ])('%d is %s', (value, expected) => {
    expect(formatNumber(value)).toBe(expected);
  });
});

describe('tickLabels', () => {
  it('uses the same decimals for all', () => {
    expect(tickLabels([0, 0.05, 0.1, 0.15])).toEqual(['0.00', '0.05', '0.10', '0.15']);
    expect(tickLabels([-1, 0, 1])).toEqual(['−1', '0', '1']);
  });

  it('shortens thousands, and writes a zero plainly', () => {
    expect(tickLabels([0, 10_000, 20_000])).toEqual(['0', '10k', '20k']);
    expect(tickLabels([0, 5e-7, 1e-6])).toEqual(['0', '5e−7', '1e−6']);
    expect(tickLabels([-0.1, -1e-17, 0.1])).toEqual(['−0.1', '0.0', '0.1']);
  });
});

describe('formatPercent', () => {
  it.each([
    [0, '0%'],
    [1, '100%'],
    [0.5, '50%'],
    [0.0001, '0.1%'],
    [0.9999, '99.9%'],
    [0.9705, '97%'],
    [Number.NaN, '—'],
  ])('%d is %s', (share, expected) => {
    expect(formatPercent(share)).toBe(expected);
  });
});

describe('fit', () => {
  it('keeps what fits and cuts the rest', () => {
    expect(fit('loss', 100)).toBe('loss');
    const cut = fit('a very long name of a layer', 60);
    expect(cut).toMatch(/^a very.*…$/);
    expect(textWidth(cut)).toBeLessThanOrEqual(60);
    expect(fit('anything', 3)).toBe('');
  });

  it('counts a Chinese character as one em', () => {
    expect(textWidth('训练', 10)).toBe(20);
  });
});
