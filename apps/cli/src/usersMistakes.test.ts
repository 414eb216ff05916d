/** A mistake in a module of the user's own is told as one, with its line; one of the program's own is still told as that. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as datasets from '@ag/datasets';
import * as nn from '@ag/nn';
import { describe, expect, it } from 'vitest';
import { describeFailure, forgetCode, usesCode } from './failure.ts';
import { blameOf, placeOfFunction, usersLine } from './recipes/blame.ts';
import { inProcess, lastEvent, scratchFolder } from './testTools.ts';

const scratch = scratchFolder();
// A module in a temporary folder finds no packages; these are the ones that the command runs with.
Object.assign(globalThis, { forUsers: { ...nn, ...datasets } });

const model = 'sequential(linear(2, width), tanh(), linear(width, 2))';
let modules = 0;

/** Trains a recipe with one part of it as given. Its lines: loss 10, metrics 11, model 12 and after. */
async function train(part: {
  loss?: string;
  metric?: string;
  model?: string;
  rest?: string;
  whole?: string;
}) {
  const file = join(scratch, `mine-${modules++}.ts`);
  const text = `const { accuracy, crossEntropy, linear, moons, sequential, tanh } = (globalThis as any).forUsers;

export default {
  name: 'moons', summary: 'two half circles', kind: 'classification',
  parameters: { width: 8 },
  async prepare({ parameters }: any) {
    const { width } = parameters;
    return {
      train: moons({ count: 64, seed: 1 }), test: moons({ count: 32, seed: 2 }), ${part.rest ?? ''}
      loss: ${part.loss ?? 'crossEntropy'},
      metrics: { accuracy${part.metric ? `, mine: ${part.metric}` : ''} },
      model: () => ${part.model ?? model},
    };
  },
};
`;
  writeFileSync(file, part.whole ?? text);
  const out = join(scratch, `run-${modules}`);
  const outcome = await inProcess('train', file, '--epochs', '1', '--backend', 'reference', '--out', out);
  return { ...outcome, file, out };
}

describe("a user's mistake", () => {
  const begun = [
    [
      'a wrong layer width',
      { model: 'sequential(linear(2, width), tanh(),\n        linear(width + 1, 2))' },
      /linear.*9 features/s,
      '13:',
      "the layer '2'",
    ],
    [
      'an exception in the loss',
      { loss: "() => { throw new Error('mine is broken'); }" },
      /mine is broken/,
      '10:',
      'in the loss',
    ],
    ['what is no Error', { loss: "() => { throw 'just text'; }" }, /just text/, '10:', 'in the loss'],
    [
      'a method that does not exist',
      { metric: '(output: any) => output.men()' },
      /men is not a function/,
      '11:',
      "the metric 'mine'",
    ],
    [
      'a loss of many numbers',
      { loss: '(output: any) => output.square()' },
      /loss answers a tensor of shape \[32, 2\].*\.mean\(\)/,
      '10:',
      'the loss',
    ],
    ['a loss that is nothing', { loss: '() => undefined' }, /the loss answers undefined/, '10:', 'the loss'],
    ['a metric that is a number', { metric: '() => 3' }, /'mine' answers 3/, '11:', "the metric 'mine'"],
    [
      'a metric of many numbers',
      { metric: '(output: any) => output' },
      /'mine' answers a tensor of shape \[32, 2\]/,
      '11:',
      "the metric 'mine'",
    ],
    [
      'an exception at the end',
      { rest: 'conclude() { return (null as any).x; },' },
      /reading 'x'/,
      '9:',
      'in conclude',
    ],
  ] as const;
  it.each(begun)('%s: names the line, and the run failed', async (_, part, message, line, what) => {
    const { exitCode, stderr, file, out } = await train(part);
    expect(stderr).toMatch(message);
    expect(stderr).toContain(`${file}:${line}`);
    expect(stderr).toContain(what);
    expect(stderr).not.toContain('bug in agrad');
    expect(exitCode).toBe(3);
    const { runs } = lastEvent(await inProcess('runs', 'list', scratch, '--json')) as never as {
      runs: { run: string; status: string }[];
    };
    expect(runs.find(({ run }) => run === out)).toMatchObject({
      status: 'failed',
      message: expect.stringMatching(message),
    });
  });

  it.each([
    ['no model', { model: 'undefined' }, /model\(\) answers undefined, which must be a Module/, ':12:'],
    ['a name that does not exist', { model: 'sequential(linaer(2, 2))' }, /linaer is not defined/, ':12:'],
    [
      'no task',
      { whole: "export default { name: 'x', kind: 'binary', prepare: async () => 7 }" },
      /prepare answers 7/,
      ':1:',
    ],
    [
      'no data',
      { whole: "export default { name: 'x', kind: 'binary', prepare: async () => ({}) }" },
      /answers undefined as 'train'/,
      ':1:',
    ],
    [
      'a module that throws',
      { whole: "\nthrow new RangeError('at once')" },
      /cannot be loaded: at once/,
      ':2:',
    ],
  ])('%s: names the line before a run begins', async (_, part, message, line) => {
    const { exitCode, stderr, file } = await train(part);
    expect(stderr).toMatch(message);
    expect(stderr).toContain(file + line);
    expect(stderr).not.toContain('bug in agrad');
    expect(exitCode).toBe(3);
  });

  it('a metric that is NaN: the training is kept, the reason is told once', async () => {
    const { exitCode, stderr, stdout, file, out } = await train({
      metric: '(output: any) => output.mul(NaN).mean()',
    });
    expect(exitCode).toBe(0);
    expect(stderr.match(/'mine' is NaN on the test data of epoch 1/g)).toHaveLength(1);
    expect(stderr).toContain(`${file}:11:`);
    expect(stdout).toContain('mine NaN');
    expect((await inProcess('runs', 'show', out)).stdout).toContain('mine NaN');
  });
});

describe('a mistake of the program itself', () => {
  it('is told as one, though a module of the user takes part', () => {
    usesCode('/home/me/moons.ts');
    try {
      const error = new TypeError("Cannot read properties of undefined (reading 'x')");
      error.stack = `TypeError: ${error.message}\n    at run (${new URL('./run.ts', import.meta.url).pathname}:3:4)\n    at node:internal/x:1:2`;
      expect(describeFailure(error)).toMatchObject({ kind: 'internal', hint: 'This is a bug in agrad.' });
      // The same with a line of the user's on the way to it is the user's.
      error.stack += '\n    at helper (/home/me/helper.ts:7:9)';
      expect(describeFailure(error)).toMatchObject({
        kind: 'configuration',
        hint: 'at /home/me/helper.ts:7:9',
      });
    } finally {
      forgetCode();
    }
    expect(blameOf(new Error('nobody'))).toBeUndefined();
  });
});

describe('lines of the user', () => {
  it('are found in stacks of all forms', () => {
    const own = new URL('./run.ts', import.meta.url).pathname;
    const stack = (...frames: string[]) => ['Error: at x (y:1:1)', ...frames].join('\n');
    expect(usersLine(stack(`    at run (${own}:1:2)`, '    at file:///home/a%20b/c.mjs:3:4'))).toBe(
      '/home/a b/c.mjs:3:4',
    );
    expect(usersLine(stack('    at async Object.model (/home/me/m.ts:5:6)'))).toBe('/home/me/m.ts:5:6');
    expect(
      usersLine(stack('    at f (/home/me/node_modules/@ag/nn/dist/index.js:1:2)', '    at node:fs:1:2')),
    ).toBeNull();
    expect(usersLine(undefined)).toBeNull();
  });

  it('of functions: those of the program and of the engine are nobody’s', () => {
    expect(placeOfFunction(Math.sin)).toBeNull();
    expect(placeOfFunction(describeFailure)).toBeNull();
    expect(placeOfFunction('text')).toBeNull();
  });
});
