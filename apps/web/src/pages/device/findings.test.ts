/** Findings in a link: they come back as they were, and whatever else a link says is refused. */
import { describe, expect, it } from 'vitest';
import { asText, type Findings, pack, unpack } from './findings.ts';

const findings: Findings = {
  browser: 'Chromium 140, Linux – ä',
  cores: 8,
  backends: [
    {
      id: 'wasm',
      detail: '2 threads, SIMD',
      groups: [{ name: 'elementwise', passed: 99, run: 100 }],
      failures: [{ group: 'elementwise', operation: 'floor', test: 'floor: values, dtypes' }],
      speeds: { product: 12.34, training: 1500 },
      complete: true,
    },
  ],
};

describe('findings', () => {
  it('come back from a link', () => {
    expect(pack(findings)).toMatch(/^[\w-]+$/);
    expect(unpack(pack(findings))).toEqual(findings);
  });

  const packed = (value: unknown) => btoa(JSON.stringify(value));
  it.each([
    ['nothing', ''],
    ['no base64', '<script>'],
    ['half of one', pack(findings).slice(0, 40)],
    ['no list', packed({ browser: 'x' })],
    ['another version', packed([2, 'x', 1, []])],
    ['an object for a name', packed([1, { toString: 1 }, 1, []])],
    ['a negative count', packed([1, 'x', -1, []])],
    [
      'a backend that there is not',
      packed([1, 'x', 1, [['constructor', 'x', [], [], [null, null, null], 1]]]),
    ],
    ['a text for a speed', packed([1, 'x', 1, [['wasm', 'x', [], [], ['9', null, null], 1]]])],
  ])('are refused: %s', (_, text) => expect(unpack(text)).toBeNull());

  it('are a text for a message', () => {
    expect(asText(findings)).toBe(
      [
        'ag on Chromium 140, Linux – ä, 8 cores',
        'wasm (2 threads, SIMD): 99 of 100 tests passed',
        '  wrong: floor (elementwise: floor: values, dtypes)',
        '  12.3 GFLOP/s in a product of 256 x 256 matrices',
        '  1500 training steps/s of a network 64-128-128-10',
      ].join('\n'),
    );
  });
});
