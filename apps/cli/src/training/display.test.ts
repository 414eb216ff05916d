/** The line of progress: what it shows, and that it fits. */
import { stripVTControlCharacters } from 'node:util';
import type { TrainingEvent } from '@ag/train';
import { expect, it } from 'vitest';
import { type Terminal, terminalOn } from '../terminal.ts';
import { openDisplay } from './display.ts';

/** A terminal of a width that keeps what is drawn on stderr. */
function terminalOf(columns: number, colors = true): { terminal: Terminal; drawn: () => string } {
  let text = '';
  const stderr = {
    isTTY: true,
    columns,
    rows: 24,
    write: (part: string) => {
      text += part;
      return true;
    },
    on: () => stderr,
  };
  const terminal = terminalOn({ stdout: { write: () => {} }, stderr, env: colors ? {} : { NO_COLOR: '1' } });
  return { terminal, drawn: () => text };
}

const start = {
  ...{ v: 1, type: 'start', seconds: 0, epochs: 10, batches: 500, parameters: 1, step: 0, epoch: 0 },
  ...{ metrics: ['accuracy'], backend: 'wasm' },
} as TrainingEvent;
const step = {
  ...{ v: 1, type: 'step', seconds: 12.5, step: 1234, epoch: 3, batch: 234, batches: 500, loss: 0.123456 },
  ...{ metrics: { accuracy: 0.97, meanAbsoluteError: 1.23456e-7 }, learningRate: 0.000123456 },
} as TrainingEvent;

it.each([10, 20, 40, 60, 80, 120, 300])('the line that is redrawn fits %i columns', async (columns) => {
  const { terminal, drawn } = terminalOf(columns);
  const display = await openDisplay(terminal, 10);
  display.show(start);
  display.show(step);
  const lines = stripVTControlCharacters(drawn()).split(/[\r\n]+/);
  const longest = Math.max(...lines.map((line) => [...line].length));
  expect(longest).toBeLessThan(columns);
  expect(longest).toBeGreaterThanOrEqual(Math.min(columns - 1, 60));
  expect(lines.some((line) => line.startsWith('epoch 3/'.slice(0, columns - 1)))).toBe(true);
});

it('draws without colors where none are wanted', async () => {
  const { terminal, drawn } = terminalOf(100, false);
  const display = await openDisplay(terminal, 10);
  display.show(start);
  display.show(step);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colors are what is looked for
  expect(drawn()).not.toMatch(/\u001b\[[\d;]*m/);
  expect(drawn()).toContain('loss 0.1235');
});
