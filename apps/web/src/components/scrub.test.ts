/** Where a number is after it was dragged, counted by hand. */
import { expect, it } from 'vitest';
import { dragged, stepped } from './scrub.ts';

it('moves by its step, four pixels each, within its limits', () => {
  const units = { value: 5, min: 1, max: 8, step: 1 };
  expect(dragged(units, 8)).toBe(7);
  expect(dragged(units, 400)).toBe(8);
  expect(dragged(units, -400)).toBe(1);
  expect(stepped(units, 2)).toBe(7);
});

it('moves by its second digit where it has no step, and passes zero', () => {
  expect(dragged({ value: 2.5 }, 12)).toBe(2.8);
  expect(dragged({ value: -0.3 }, 4)).toBe(-0.29);
  expect(dragged({ value: 0.1 }, -80)).toBe(-0.1);
  expect(stepped({ value: 0 }, 1)).toBe(0.1);
});

it('grows by a share of itself where it is a positive size', () => {
  const rate = { value: 0.03, min: 0, step: 'any' as const };
  expect(dragged(rate, 160)).toBe(0.3);
  expect(dragged(rate, -320)).toBe(0.0003);
  expect(dragged({ ...rate, max: 0.1 }, 1000)).toBe(0.1);
  // Keys go on to zero, which no share reaches.
  expect(stepped({ ...rate, value: 0.001 }, -20)).toBe(0);
});
