/** What only a process of its own can show: signals, streams, and the time that help takes. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { inProcess, lastEvent, outcomeOf, scratchFolder, start } from './testTools.ts';

const scratch = scratchFolder();
// Long enough to be interrupted anywhere; each step is reported and saved.
const long = [
  'train',
  'digits',
  '--backend',
  'reference',
  '--batch-size',
  '20',
  '--epochs',
  '3',
  '--seed',
  '2',
].concat([
  '--set',
  'data.train=2000',
  '--set',
  'data.test=50',
  '--set',
  'model.hidden=[32]',
  '--checkpoint-every',
  '10',
]);

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 1500 && !condition(); i++) await wait(20);
  expect(condition()).toBe(true);
}

const checkpointsOf = (folder: string): string[] =>
  existsSync(join(folder, 'checkpoints'))
    ? readdirSync(join(folder, 'checkpoints')).filter((name) => name.startsWith('step-'))
    : [];

describe('a run that is interrupted', () => {
  it('goes on to byte-equal weights after Ctrl-C and after being killed', async () => {
    const whole = join(scratch, 'whole');
    expect((await inProcess(...long, '--out', whole)).exitCode).toBe(0);
    const broken = join(scratch, 'broken');

    const first = start([...long, '--out', broken]);
    const ended = outcomeOf(first);
    await until(() => checkpointsOf(broken).length > 0);
    first.kill('SIGINT');
    const interrupted = await ended;
    expect(interrupted.exitCode).toBe(130);
    expect(interrupted.stderr).toContain(`agrad train --resume ${broken}`);
    const [saved] = checkpointsOf(broken).sort().reverse();

    const second = start(['train', '--resume', broken]);
    const killed = outcomeOf(second);
    await until(() => !checkpointsOf(broken).includes(saved));
    second.kill('SIGKILL');
    expect((await killed).signal).toBe('SIGKILL');

    const third = await outcomeOf(start(['train', '--resume', broken, '--json']));
    expect(third.exitCode).toBe(0);
    expect(lastEvent(third)).toMatchObject({ type: 'result', epoch: 3, step: 300 });
    const weights = (folder: string): Buffer => readFileSync(join(folder, 'weights.safetensors'));
    expect(weights(broken).equals(weights(whole))).toBe(true);
    const steps = (folder: string): number[] =>
      readFileSync(join(folder, 'events.jsonl'), 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
        .flatMap((event) => (event.type === 'step' ? [event.step] : []));
    expect(steps(broken).every((step, i, all) => i === 0 || step > all[i - 1])).toBe(true);
  });
});

describe('the streams', () => {
  it('hold no escape codes when piped, results on stdout, notes and errors on stderr', async () => {
    const given = [
      'train',
      'xor',
      '--epochs',
      '3',
      '--backend',
      'reference',
      '--out',
      join(scratch, 'piped'),
    ];
    const { exitCode, stdout, stderr } = await outcomeOf(start(given, { env: { FORCE_COLOR: '' } }));
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/epoch 3\/3/);
    expect(stderr).toMatch(/xor: 4 examples/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: escape codes are what is looked for
    expect(stdout + stderr).not.toMatch(/[\u001b\r]/);
  });

  it('may be closed early by the reader', async () => {
    const child = start(['train', '--help']);
    child.stdout!.destroy();
    const ended = await new Promise<{ code: number | null; stderr: string }>((resolve) => {
      let stderr = '';
      child.stderr!.setEncoding('utf8').on('data', (text: string) => {
        stderr += text;
      });
      child.on('exit', (code) => resolve({ code, stderr }));
    });
    expect(ended.stderr).not.toContain('EPIPE');
  });
});

describe('help', () => {
  it('answers for every command with an example', async () => {
    const { stdout, exitCode } = await outcomeOf(start(['--help']));
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/Examples:\n {2}agrad train/);
    const commands = [...stdout.split('Commands:')[1].matchAll(/^ {2}([a-z]+)/gm)].map(([, name]) => name);
    expect(commands).toContain('train');
  });
});
