/** What a newcomer types first: a group alone, `help`, `-q`, a page that is none, a run that is continued otherwise. */
import { readdirSync, readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { webPages } from './commands/web.ts';
import type { RunConfig } from './runs/folder.ts';
import { type RawSettings, type Resolved, resolveSettings } from './settings.ts';
import { inProcess, lastEvent, scratchFolder } from './testTools.ts';
import { continuedConfig } from './training/repeat.ts';

process.env.AG_OFFLINE = '1';
const scratch = scratchFolder();
const xor = ['train', 'xor', '--backend', 'reference'];

/** What the parser writes by itself: help. */
async function helpOf(...given: readonly string[]) {
  const written: string[] = [];
  const write = vi
    .spyOn(process.stdout, 'write')
    .mockImplementation((text) => written.push(String(text)) > 0);
  try {
    const { exitCode, stderr } = await inProcess(...given);
    return { exitCode, stderr, help: written.join('') };
  } finally {
    write.mockRestore();
  }
}
afterEach(() => vi.restoreAllMocks());

describe('help', () => {
  it.each([
    [['data'], /^Usage: agrad data .*\n\nlist, download and preview[\s\S]*preview/],
    [['runs'], /^Usage: agrad runs [\s\S]*compare/],
    [['help'], /^Usage: agrad \[options\] \[command\]/],
    [['help', 'help'], /^Usage: agrad \[options\] \[command\]/],
    [['help', 'data'], /^Usage: agrad data /],
    [['help', 'data', 'list'], /^Usage: agrad data list /],
    [['data', 'help', 'list'], /^Usage: agrad data list /],
    [['help', 'train'], /^Usage: agrad train /],
  ])('%j shows it', async (given, expected) => {
    const { exitCode, help } = await helpOf(...given);
    expect(help).toMatch(expected);
    expect(exitCode).toBe(0);
  });

  it.each([
    [['help', 'trian'], /unknown command 'trian'\nDid you mean 'train'\?/],
    [['help', 'data', 'lst'], /unknown command 'data lst'\nDid you mean 'list'\?/],
    [['data', 'lst'], /unknown command 'lst'\nDid you mean list\?/],
  ])('%j names the nearest command', async (given, expected) => {
    const { exitCode, help, stderr } = await helpOf(...given);
    expect(stderr).toMatch(expected);
    expect(help).toBe('');
    expect(exitCode).toBe(2);
  });

  it('does not give a default as the value of every recipe', async () => {
    const { help } = await helpOf('train', '--help');
    const oneLine = help.replace(/\s+/g, ' ');
    expect(oneLine).toContain("examples per step (default the recipe's, else 32)");
    expect(oneLine).toContain("(default the recipe's, else 0: off)");
    // No recipe has a seed.
    expect(oneLine).toContain('random seed (default 0)');
    expect(oneLine).toContain("'agrad train RECIPE --print-config' shows the settings of a recipe");
  });
});

describe('--quiet', () => {
  it('leaves only results: no line for each epoch, or each fold', async () => {
    const loud = await inProcess(...xor, '--epochs', '3', '--out', join(scratch, 'loud'));
    expect(loud.stdout).toMatch(/^epoch 3\/3/m);
    const quiet = await inProcess(...xor, '--epochs', '3', '-q', '--out', join(scratch, 'quiet'));
    expect(quiet.stdout).not.toMatch(/^epoch/m);
    expect(quiet.stdout).toMatch(/^all examples: loss/m);
    expect(quiet.stderr).toBe('');
    const folds = ['--folds', '2', '--epochs', '1', '--batch-size', '1', '-q'];
    const { stdout } = await inProcess(...xor, ...folds, '--out', join(scratch, 'folds'));
    expect(stdout).not.toMatch(/^(epoch|fold \d\/)/m);
    expect(stdout).toMatch(/^fold +examples/m);
  });
});

describe('agrad web PAGE', () => {
  it('knows the pages of the application', () => {
    const source = readFileSync(new URL('../../web/src/shell/pages.ts', import.meta.url), 'utf8');
    const pages = [...source.matchAll(/^ {4}id: '(\w+)'/gm)].map(([, id]) => id);
    expect(pages.length).toBeGreaterThan(5);
    expect([...webPages].sort()).toEqual(pages.sort());
  });

  it.each(['nosuchpage', 'playgroud?data=spirals', '#/playgroud'])('serves no page %s', async (page) => {
    const { exitCode, stderr } = await inProcess('web', page, '--no-open', '--port', '0');
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/there is no page '(nosuchpage|playgroud)'\n.*Pages: microscope, playground/);
  });
});

describe('a run that is continued', () => {
  it('is repeated by a command with the settings of its end', async () => {
    const folder = join(scratch, 'longer');
    await inProcess(...xor, '--epochs', '3', '--seed', '2', '--out', folder);
    const command = (): string => JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')).command;
    expect(command()).toBe('agrad train xor --epochs 3 --seed 2 --backend reference');
    const resumed = await inProcess('train', '--resume', folder, '--epochs', '6', '--learning-rate', '0.01');
    expect(resumed.exitCode).toBe(0);
    expect(command()).toBe('agrad train xor --epochs 6 --seed 2 --backend reference --learning-rate 0.01');
    const report = readFileSync(join(folder, 'report.html'), 'utf8');
    const repeat = report.slice(report.indexOf('>Reproduce<'));
    expect(repeat).toContain('agrad train xor --epochs 6');
    expect(repeat).not.toContain('--epochs 3');
    expect(repeat).toContain('resumed at step 3');
    expect(repeat).toContain(`agrad train --resume ${folder} --epochs 6 --learning-rate 0.01`);
    expect((await inProcess('runs', 'show', folder)).stdout).toContain('resumed at step 3 by: agrad train');
  });

  it('rewrites quoted values, parameters and switches', () => {
    const values = (config: RawSettings) => resolveSettings({ config }).values;
    const before = {
      command:
        "agrad train digits --epochs 2 --profile --data-dir 'it'\\''s' --set 'model.hidden=[8]' --set data.train=9",
      settings: values({ epochs: 2, profile: true, dataDir: "it's" }),
      parameters: { 'model.hidden': [8], 'data.train': 9 },
    } as unknown as RunConfig;
    const { command, resumed } = continuedConfig(
      {
        resolved: { values: values({ epochs: 2, dataDir: 'a b', tensorboard: true }) } as Resolved,
        parameters: { 'model.hidden': [4, 4], 'data.train': 9 },
      },
      before,
      7,
      'agrad train --resume r',
    );
    expect(command).toBe(
      "agrad train digits --epochs 2 --data-dir 'a b' --set 'model.hidden=[4,4]' --set data.train=9 --tensorboard",
    );
    expect(resumed).toHaveLength(1);
  });

  it('is not begun anew when every checkpoint is damaged', async () => {
    const folder = join(scratch, 'damaged');
    await inProcess(...xor, '--epochs', '4', '--checkpoint-every', '1', '--out', folder);
    const checkpoints = readdirSync(join(folder, 'checkpoints'));
    expect(checkpoints.length).toBeGreaterThan(1);
    for (const name of checkpoints) truncateSync(join(folder, 'checkpoints', name), 50);
    const weights = readFileSync(join(folder, 'weights.safetensors'));
    const outcome = await inProcess('train', '--resume', folder, '--json');
    expect(outcome.exitCode).toBe(7);
    expect(lastEvent(outcome)).toMatchObject({ type: 'error', kind: 'incompatible' });
    expect(outcome.stderr).toContain(`none of the ${checkpoints.length} checkpoints can be read`);
    expect(readFileSync(join(folder, 'weights.safetensors')).equals(weights)).toBe(true);
  });
});
