/** Models as text. */

import { inspect } from 'node:util';
import type { Tensor } from '@ag/tensor';
import { expect, it } from 'vitest';
import * as nn from './index.ts';

it('is a tree of what the modules were made with', () => {
  const model = nn.sequential(
    nn.conv2d(1, 4, 3, { padding: 1, bias: false }),
    nn.batchNorm2d(4),
    nn.residual(nn.sequential(nn.linear(4, 4), nn.relu())),
    nn.dropout(0.1),
  );
  expect(String(model).split('\n')).toEqual([
    'sequential(',
    '  0: conv2d(1, 4, [3, 3], padding: 1, bias: false)',
    '  1: batchNorm2d(4, epsilon: 0.00001, momentum: 0.1)',
    '  2: residual(',
    '    body: sequential(',
    '      0: linear(4, 4)',
    '      1: relu()',
    '    )',
    '  )',
    '  3: dropout(0.1)',
    ')',
  ]);
});

it("names a class of one's own, and its fields", () => {
  class Classifier extends nn.Module {
    hidden = nn.linear(2, 3);
    blocks = [nn.relu(), nn.lstm(3, 5, { layers: 2 })];
    forward(x: Tensor) {
      return this.hidden.forward(x);
    }
  }
  const lines = String(new Classifier()).split('\n');
  expect(lines[0]).toBe('Classifier(');
  expect(lines).toContain('  hidden: linear(2, 3)');
  expect(lines.find((line) => line.includes('lstm'))).toMatch(/^ {2}blocks\.1: lstm\(3, 5, layers: 2/);
});

it('is what consoles and notebooks show', () => {
  const model = nn.sequential(nn.linear(2, 3), nn.relu());
  const text = 'sequential(\n  0: linear(2, 3)\n  1: relu()\n)';
  expect(inspect(model)).toBe(text);
  expect(inspect({ model })).toContain('linear(2, 3)');
  // What Deno's console and its notebooks call; Node has neither.
  const call = (name: string): unknown => Reflect.apply(Reflect.get(model, Symbol.for(name)), model, []);
  expect(call('Deno.customInspect')).toBe(text);
  expect(call('Jupyter.display')).toEqual({ 'text/plain': text });
});
