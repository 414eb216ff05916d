/** The command in a real terminal: tmux types and looks. Where there is no tmux nothing is tested. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { commandLine, inProcess, outcomeOf, scratchFolder, start } from '../testTools.ts';

const scratch = scratchFolder();
const present = spawnSync('tmux', ['-V']).status === 0;
// Each test has a server of its own, so that no other session is touched.
let servers = 0;
let server: readonly string[] = [];
const tmux = (...given: readonly string[]): string =>
  execFileSync('tmux', [...server, ...given], { encoding: 'utf8' });
const screen = (): string => tmux('capture-pane', '-p', '-t', 'test');
const type = (...keys: readonly string[]): string => tmux('send-keys', '-t', 'test', ...keys);

/** Waits until the screen shows something, and gives what it shows. */
async function shows(pattern: RegExp): Promise<string> {
  for (let i = 0; i < 600; i++) {
    const text = screen();
    if (pattern.test(text)) return text;
    await wait(100);
  }
  expect(screen()).toMatch(pattern);
  return '';
}

const stepOf = (text: string): number => Number(/step (\d+)/.exec(text)?.[1] ?? -1);
// Long enough to be looked at in the middle.
const long = ['train', 'digits', '--epochs', '5000', '--batch-size', '20'].concat([
  ...['--set', 'data.train=400', '--set', 'data.test=50', '--set', 'model.hidden=[16]', '--seed', '1'],
]);

describe.skipIf(!present)(`in a terminal${present ? '' : ' (tmux is not installed)'}`, () => {
  beforeEach(() => {
    server = ['-L', `agrad-test-${process.pid}-${servers++}`, '-f', '/dev/null'];
    tmux('new-session', '-d', '-s', 'test', '-x', '100', '-y', '30', 'sh');
    type("unset CI; PS1='ready> '", 'Enter'); // in CI nothing is redrawn
  });
  afterEach(() => {
    spawnSync('tmux', [...server, 'kill-server']);
  });

  it('shows a line of progress; Ctrl-C writes a checkpoint and says how to go on', async () => {
    const folder = join(scratch, 'line');
    type(`${commandLine([...long, '--out', folder])}; echo "ended with $?"`, 'Enter');
    await shows(/epoch \d+\/5000 [█░]+.*loss .* left/);
    type('C-c');
    const text = await shows(/ended with \d/);
    expect(text).toMatch(/ended with 130/);
    expect(text.replace(/\n/g, '')).toContain(`agrad train --resume ${folder}`);
    expect(
      readdirSync(join(folder, 'checkpoints')).some((name) => /^step-\d+\.safetensors$/.test(name)),
    ).toBe(true);
  });

  it('shows a view that pauses, steps, halves the rate, saves, follows the size, and leaves the terminal as it was', async () => {
    const folder = join(scratch, 'view');
    type(`${commandLine([...long, '--ui', 'tui', '--out', folder])}; echo "ended with $?"`, 'Enter');
    const first = await shows(/epoch [2-9]\d*\/5000[\s\S]*━━ test[\s\S]*gradients/);
    for (const part of [/% +[\d.]+ s elapsed/, /loss .* rate/, /q quit/]) expect(first).toMatch(part);

    type('p');
    await shows(/ paused /);
    await wait(500);
    const paused = stepOf(screen());
    await wait(500);
    expect(stepOf(screen())).toBe(paused);
    type('s');
    await shows(new RegExp(`step ${paused + 1} `));
    type('c');
    const name = `step-${String(paused + 1).padStart(8, '0')}.safetensors`;
    await shows(new RegExp(`checkpoint: .*${name}`));
    expect(existsSync(join(folder, 'checkpoints', name))).toBe(true);
    type('r', 's');
    await shows(/\(× 0\.5\)/);

    tmux('resize-window', '-t', 'test', '-x', '60', '-y', '20');
    const small = await shows(/━━ training/);
    expect(small.split('\n').every((line) => line.length <= 60)).toBe(true);
    tmux('resize-window', '-t', 'test', '-x', '25', '-y', '5');
    await shows(/^digits[^\n]*\n[^\n]*\n?loss/);
    tmux('resize-window', '-t', 'test', '-x', '100', '-y', '30');
    await shows(/━━ test/);

    type('p');
    await shows(new RegExp(`step (?!${paused + 2} )\\d+`));
    type('q');
    const text = await shows(/ended with \d/);
    expect(text).toMatch(/ended with 130/);
    expect(text).not.toContain('q quit');
    // The terminal echoes what is typed again, with a visible cursor.
    type('echo typed', 'Enter');
    expect(await shows(/echo typed\ntyped/)).toMatch(/ready> /);
    expect(tmux('display-message', '-p', '-t', 'test', '#{cursor_flag} #{alternate_on}').trim()).toBe('1 0');
  });

  it('leaves the terminal as it was when it is ended from outside, and when training fails', async () => {
    const asBefore = (): string =>
      tmux('display-message', '-p', '-t', 'test', '#{cursor_flag} #{alternate_on} #{wrap_flag}').trim();
    const pid = join(scratch, 'pid');
    const ended = commandLine([...long, '--ui', 'tui', '--out', join(scratch, 'ended')]);
    type(`clear; sh -c 'echo $$ > ${pid}; exec "$@"' sh ${ended}; echo "ended with $?"`, 'Enter');
    await shows(/q quit/);
    await shows(/step \d+/);
    process.kill(Number(readFileSync(pid, 'utf8')), 'SIGTERM');
    expect(await shows(/ended with \d/)).toMatch(/--resume[\s\S]*ended with 143/);
    expect(asBefore()).toBe('1 0 1');

    const small = ['data.count=8', 'model.inputs=20', 'model.hidden=5'].flatMap((one) => ['--set', one]);
    const diverging = ['--learning-rate', '1e20', '--batch-size', '8', '--backend', 'reference'];
    const failing = ['train', 'two-layer', ...diverging, ...small];
    type(
      `clear; ${commandLine([...failing, '--ui', 'tui', '--out', join(scratch, 'failing')])}; echo "failed with $?"`,
      'Enter',
    );
    expect(await shows(/failed with \d/)).toMatch(/error: the loss is (NaN|-?Infinity)[\s\S]*failed with 5/);
    expect(asBefore()).toBe('1 0 1');
  });
});

describe('agrad train --ui tui', () => {
  it('is refused where there is no terminal', async () => {
    const { exitCode, stdout, stderr } = await outcomeOf(start(['train', 'xor', '--ui', 'tui']));
    expect(exitCode).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/--ui tui: the input is not a terminal\nLeave out the flag/);
    expect(await inProcess('train', 'xor', '--ui', 'tui', '--folds', '2')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('not --find-learning-rate or --folds'),
    });
    expect(await inProcess('train', 'xor', '--ui', 'window')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('line, tui'),
    });
  });
});
