/** Each planted mistake ends with a message or a warning that names the user's line, what is wrong, and the cure. */
import { expect, it } from 'vitest';
import { outcomeOf, programs } from './run.ts';

it('are at least fifty', () => {
  expect(programs.length).toBeGreaterThanOrEqual(50);
});

it.each(programs)('%s', async (file) => {
  const { codes, code, phrase, message, line } = await outcomeOf(file);
  expect(codes, message).toContain(code);
  expect(
    phrase.split('|').some((one) => message.includes(one)),
    `${message}\nsays: ${phrase}`,
  ).toBe(true);
  expect(line, message).toContain(`${file}:`);
});
