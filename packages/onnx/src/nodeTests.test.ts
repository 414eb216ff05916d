/**
 * The backend tests of the onnx package and those converted from PyTorch. What is skipped stands in a list with the reason, which
 * may only become shorter.
 */
import { readFileSync } from 'node:fs';
import { silenceWarnings } from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import { nodeTests, runNodeTest } from './testing/nodeTests.node.ts';

/** How many are skipped: this number goes down. */
const mostSkipped = 127;

const tests = nodeTests();
const list: { readonly [reason: string]: readonly string[] } = JSON.parse(
  readFileSync(new URL('../fixtures/skippedNodeTests.json', import.meta.url), 'utf8'),
);
const reasons = new Map(
  Object.entries(list).flatMap(([reason, names]) => names.map((name) => [name, reason])),
);

silenceWarnings('AG_CHANGING_PLANS');

describe('tests of the onnx package', () => {
  it('skips no more than before', () => {
    expect(reasons.size).toBeLessThanOrEqual(mostSkipped);
    const known = new Set(tests.cases.map(({ name }) => name));
    expect([...reasons.keys()].filter((name) => !known.has(name))).toEqual([]);
  });

  it.each(tests.cases.map((test) => [test.name, test] as const))('%s', (name, test) => {
    const reason = reasons.get(name);
    if (reason === undefined) {
      runNodeTest(tests, test);
      return;
    }
    // The numbers may be right by chance.
    if (reason === 'random numbers are drawn otherwise') runNodeTest(tests, test, true);
    else expect(() => runNodeTest(tests, test), `passes: take it off the list (${reason})`).toThrow();
  });
});
