/** What is guessed of columns, with the reason, and what a caller may say instead. */
import { expect, it } from 'vitest';
import { DataError } from '../errors.ts';
import { type InferOptions, inferColumns } from './infer.ts';
import type { Cell } from './rows.ts';

const repeat = <T>(count: number, make: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i));

function guess(values: readonly Cell[], name = 'column', options: InferOptions = {}) {
  const [{ type, role, reason }] = inferColumns({ [name]: values }, options);
  return { type, role, reason };
}

it.each([
  ['numbers', repeat(12, (i) => String(i / 3)), 'number', 'numbers, 12 different'],
  ['whole numbers that repeat', repeat(12, (i) => i % 4), 'number', 'whole numbers, 4 different'],
  [
    'numbers and gaps',
    ['1.5', '', 'NA', '?', null, undefined, Number.NaN, '2'],
    'number',
    'numbers, 2 different; 6 gaps',
  ],
  ['rows counted', repeat(9, (i) => i + 100), 'identifier', 'counts the rows'],
  ['categories', repeat(12, (i) => ['a', 'b', 'c'][i % 3]), 'category', '3 different texts in 12 rows'],
  ['yes and no', ['yes', 'no', 'no', 'yes'], 'boolean', 'only yes, no'],
  ['truth values', [true, false, null, true], 'boolean', 'only true, false; 1 gap'],
  ['a constant', ['x', 'x', ''], 'constant', 'always "x", which tells nothing; 1 gap'],
  ['nothing', ['', 'NA', null], 'empty', 'all cells are gaps'],
  ['dates', ['2024-02-29', '2023-01-01T12:30', '2020-05-05'], 'date', 'all cells are dates (ISO 8601)'],
  ['no date', ['2023-02-29', '2023-01-01', '2023-01-01'], 'category', '2 different texts in 3 rows'],
  ['codes', repeat(40, (i) => `u${i * 7}`), 'identifier', '40 texts, each once'],
  [
    'too many names',
    repeat(200, (i) => `p${i % 90}`),
    'identifier',
    '90 different texts in 200 rows: too many to be categories',
  ],
  [
    'sentences',
    repeat(20, (i) => `a long note number ${i}`),
    'text',
    '20 different texts in 20 rows, of 3 words on average',
  ],
] as const)('%s', (_, values, type, reason) => {
  expect(guess(values as readonly Cell[])).toMatchObject({ type, reason });
});

it('names cells that are no numbers in a column of numbers', () => {
  const values = [...repeat(30, (i) => String(i * 1.5)), '12a', 'none so far'];
  expect(guess(values)).toEqual({
    type: 'number',
    role: 'input',
    reason: 'numbers but for 2 cells: "12a" in row 30, "none so far" in row 31',
  });
});

it('takes unique whole numbers for an identifier by their name', () => {
  const values = [31, 7, 90, 55];
  for (const name of ['id', 'ID', 'customer_id', 'PassengerId', 'index'])
    expect(guess(values, name).type).toBe('identifier');
  for (const name of ['humid', 'width', 'paid', 'price']) expect(guess(values, name).type).toBe('number');
});

it('guesses the target by other rules', () => {
  const target = (values: readonly Cell[]) => guess(values, 'y', { target: 'y' });
  expect(target([0, 1, 1, 0])).toEqual({ type: 'category', role: 'target', reason: '2 classes: 0, 1' });
  expect(target(['yes', 'no', 'no'])).toMatchObject({ type: 'category', role: 'target' });
  expect(target([3, 7])).toMatchObject({ type: 'number' });
  expect(target([0.5, 1.5, 0.5])).toMatchObject({ type: 'number' });
  expect(target([1, 2, 3])).toMatchObject({ type: 'number', role: 'target' });
  expect(target(['a', 'a'])).toMatchObject({ type: 'constant' });
});

it('believes who knows better', () => {
  const [zip, note] = inferColumns(
    { zip: [10115, 20095, 10115], note: ['a', 'a', 'a'] },
    { types: { zip: 'category' } },
  );
  expect(zip).toMatchObject({ type: 'category', role: 'input', reason: 'as given' });
  expect(note).toMatchObject({ role: 'ignored', distinct: 1, missing: 0, examples: ['a'] });
  expect(guess(['-', '1', '2.5'], 'a', { missingValues: ['-'] })).toMatchObject({ type: 'number' });
});

it('refuses what it cannot look at', () => {
  expect(() => inferColumns([], {})).toThrow(DataError);
  expect(() => inferColumns({ a: [1] }, { target: 'b' })).toThrow('inferColumns: no column "b"');
  expect(() => inferColumns({ a: [1] }, { targt: 'b' } as InferOptions)).toThrow("did you mean 'target'?");
  expect(() => inferColumns(3 as never)).toThrow('no table');
});

it('is linear in the number of columns', () => {
  const wide = Object.fromEntries(repeat(20_000, (i) => [`g${i}`, [i / 7, i / 3]]));
  expect(inferColumns(wide)).toHaveLength(20_000);
});
