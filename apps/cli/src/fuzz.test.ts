/** Random command lines: each ends with a message or does what it says, never with a stack. */
import { seededRandom } from '@ag/tensor/testing';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { exitCodes } from './failure.ts';
import { flagOf } from './flags.ts';
import { buildProgram, isAnswer, usageProblem } from './program.ts';
import { fromEnvironment, resolveSettings, settingNames, settings } from './settings.ts';
import { outcomeOf, scratchFolder, start } from './testTools.ts';

const wordsOf =
  'train eval data list info get preview graph gradcheck doctor runs show compare plot sweep predict convert completion bash help digits xor'.split(
    ' ',
  );
const flags = settingNames.map(flagOf);
const others =
  '--json --quiet --out --resume --recipe --set --config --help -h -V --at --format --grid --ui --by --metric --count -- - --= ---x --seed= --epochs=3'.split(
    ' ',
  );
const values = [
  '',
  '0',
  '-1',
  '1e309',
  'NaN',
  'a=b',
  '=',
  '💥',
  '\u0000',
  '../..',
  '[',
  '{}',
  'x'.repeat(500),
  '--',
  'constructor',
  '__proto__',
  './absent.mjs',
  '\u001b]0;owned\u0007\u001b[2J',
  'a\r\nb\u009b31m\u202e',
];

/** Commands write nothing while they are tried. */
function silence(command: Command): void {
  command.configureOutput({ writeOut: () => {}, writeErr: () => {}, outputError: () => {} });
  for (const inner of command.commands) silence(inner);
}

describe('the parser', () => {
  it('survives 10,000 random command lines', async () => {
    const next = seededRandom(1);
    const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)]!;
    let understood = 0;
    for (let i = 0; i < 10_000; i++) {
      const given = Array.from({ length: Math.floor(next() * 7) }, () =>
        pick([wordsOf, wordsOf, flags, others, values].map(pick)),
      );
      // Nothing is to be run: the first thing an action asks for is its terminal.
      const reached = new Error('an action was reached');
      const program = buildProgram(
        () => {
          throw reached;
        },
        () => {},
      );
      silence(program);
      try {
        await program.parseAsync(given, { from: 'user' });
      } catch (error) {
        if (error === reached) understood++;
        else if (!isAnswer(error)) {
          const problem = usageProblem(error);
          expect(problem, `${JSON.stringify(given)}: ${error}`).not.toBeNull();
          expect(problem!.message).not.toBe('');
        }
      }
    }
    expect(understood).toBeGreaterThan(100);
  });

  it('reads every value of a setting as one that it allows, or refuses it with its name', () => {
    for (const name of settingNames) {
      for (const value of [...values, null, [], {}, 1.5, true, Number.NaN, Number.POSITIVE_INFINITY]) {
        try {
          const { values: read } = resolveSettings({ flag: { [name]: value } });
          expect(settings[name].type.read(read[name])).toEqual(read[name]);
        } catch (error) {
          expect((error as Error).name).toBe('Failure');
          expect((error as Error).message).toContain(flagOf(name));
        }
      }
    }
    expect(fromEnvironment({ AG_EPOCHS: '3', AG_SEED: '', OTHER: '1' })).toEqual({ epochs: '3' });
  });
});

describe('processes', () => {
  // AG_TEST=full starts fifty; a few show that it works.
  const count = process.env.AG_TEST === 'full' ? 50 : 5;
  const scratch = scratchFolder();
  /** What would take long or stay is kept short. */
  const env = {
    AG_EPOCHS: '0',
    AG_BACKEND: 'reference',
    AG_THREADS: '1',
    AG_FAST_DEV_RUN: '1',
    NO_COLOR: '1',
  };
  const slow = ['doctor', 'gradcheck', 'bench', 'web'];

  it(`survive ${count} random command lines: an exit code that is known, a message, no stack`, async () => {
    const next = seededRandom(2);
    const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)]!;
    const known = new Set<number>(Object.values(exitCodes).filter((code) => code !== exitCodes.internal));
    const lists = Array.from({ length: count }, () =>
      Array.from({ length: 1 + Math.floor(next() * 5) }, () =>
        pick([wordsOf, wordsOf, wordsOf, flags, others, values].map(pick)),
      )
        // No process can be given a zero byte.
        .filter((word) => !slow.includes(word) && !word.includes('\u0000')),
    );
    const one = async (given: readonly string[]): Promise<void> => {
      const { exitCode, stdout, stderr, signal } = await outcomeOf(start(given, { cwd: scratch, env }));
      const said = `${JSON.stringify(given)}: ${signal ?? exitCode}\n${stdout}\n${stderr}`;
      expect(known, said).toContain(exitCode);
      expect(stdout + stderr, said).not.toMatch(/\n\s+at .*:\d+/);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: what is looked for
      expect(stdout + stderr, said).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
      if (exitCode !== 0) expect(stderr, said).toMatch(/^error: ./m);
    };
    while (lists.length > 0) await Promise.all(lists.splice(0, 2).map(one));
  });
});
