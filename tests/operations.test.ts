/** Every operation of @ag/tensor, found by its type, stands in the tables that are kept by hand. */
import { gradientCases, withoutGradient } from '@ag/tensor/testing';
import { expect, it } from 'vitest';
import { operationEntries } from '../scripts/operationsPage.ts';
import { argumentRows } from './argumentRows.ts';
import { tensorFunctions } from './exports.ts';

/** What takes and gives tensors, and is there to define operations with. */
const building = ['apply', 'checkTensor', 'sumGradients', 'sumToShape', 'liveScalar'];

const { operations, makers } = tensorFunctions();

it('finds the operations', () => {
  expect(operations).toEqual(expect.arrayContaining(['add', 'conv2d', 'einsum', 'nonzero', 'svd', 'where']));
  expect(makers).toEqual(expect.arrayContaining(['tensor', 'uniform', 'zeros']));
  expect([...operations, ...makers]).toEqual(expect.arrayContaining(building));
});

it('has gradient cases for every operation, or the reason why it has no gradient', () => {
  const known = new Set([
    ...gradientCases.map(({ operation }) => operation),
    ...Object.keys(withoutGradient),
    ...building,
  ]);
  expect(
    operations.filter((name) => !known.has(name)),
    'add a row in packages/tensor/src/testing, or a reason to withoutGradient',
  ).toEqual([]);
});

it('has a source of expected values for every operation', () => {
  const entries = operationEntries();
  expect(operations.filter((name) => !building.includes(name) && !entries.has(name))).toEqual([]);
  expect([...entries].filter(([, { sources }]) => sources.size === 0).map(([name]) => name)).toEqual([]);
});

it('tries wrong arguments on every function that gives tensors', () => {
  const known = new Set([...argumentRows.map(([name]) => name), ...building]);
  expect([...operations, ...makers].filter((name) => !known.has(name))).toEqual([]);
});
