/**
 * One folder, one run; and a run that ends says how, whatever ended it. Another run in the same folder, a signal, a
 * reader that is gone, a folder that is gone, a full disk, a mistake in a recipe: its exit code and its folder say
 * so.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { commandLine, inProcess, lastEvent, outcomeOf, scratchFolder, start } from './testTools.ts';

const scratch = scratchFolder();
let folders = 0;
const newName = (): string => join(scratch, String(folders++));
/** Some seconds of work, with checkpoints all the way. */
const long = ['train', 'digits', '--backend', 'reference', '--batch-size', '20', '--epochs', '40']
  .concat(['--set', 'data.train=2000', '--set', 'data.test=50', '--set', 'model.hidden=[32]'])
  .concat(['--checkpoint-every', '20']);
const short = ['train', 'xor', '--backend', 'reference', '--epochs', '2', '-q', '--out'];

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 3000 && !condition(); i++) await wait(20);
  expect(condition()).toBe(true);
}
const stepsSaved = (folder: string): number[] =>
  existsSync(join(folder, 'checkpoints'))
    ? readdirSync(join(folder, 'checkpoints')).flatMap((name) =>
        Number(/^step-(\d+)\.s/.exec(name)?.[1] ?? []),
      )
    : [];
const statusOf = async (folder: string): Promise<unknown> =>
  lastEvent(await inProcess('runs', 'show', folder, '--json')).status;

describe('a folder that a run has', () => {
  it('is refused to every other run, to a sweep and to folds, and to one that would go on with it', {
    timeout: 120_000,
  }, async () => {
    const folder = newName();
    const first = start([...long, '--out', folder]);
    const ended = outcomeOf(first);
    await until(() => stepsSaved(folder).length > 0);
    expect(await statusOf(folder)).toBe('under way');
    for (const given of [
      [...short, folder],
      ['train', '--resume', folder],
      ['train', 'xor', '--folds', '2', '--backend', 'reference', '--epochs', '1', '--out', folder],
    ]) {
      const outcome = await inProcess(...given);
      expect(outcome, given.join(' ')).toMatchObject({ exitCode: 9 });
      expect(outcome.stderr).toContain(`${folder} is in use: process ${first.pid} on `);
    }
    const sweep = await inProcess('sweep', 'xor', '--grid', 'seed=1', '--epochs', '1', '--out', folder);
    expect(sweep).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('already holds a run') });
    first.kill('SIGKILL');
    await ended;
    expect(await statusOf(folder)).toBe('broken off');
    const on = await outcomeOf(start(['train', '--resume', folder, '--epochs', '1']));
    expect(on.exitCode, on.stderr).toBe(0);
    expect(await statusOf(folder)).toBe('done');
  });

  it('is taken by one of those that begin at once; the others get another, or are told', {
    timeout: 120_000,
  }, async () => {
    const folder = newName();
    const all = await Promise.all(
      [1, 2, 3].map((seed) => outcomeOf(start([...short, folder, '--seed', String(seed)]))),
    );
    expect(all.filter(({ exitCode }) => exitCode === 0)).toHaveLength(1);
    for (const { exitCode, stderr } of all.filter(({ exitCode }) => exitCode !== 0)) {
      expect([3, 9], stderr).toContain(exitCode);
      expect(stderr).toMatch(/is in use|already holds a run/);
    }
    // Without --out each finds a folder of its own, in the same second too.
    const cwd = newName();
    mkdirSync(cwd);
    const own = await Promise.all([1, 2, 3].map(() => outcomeOf(start(short.slice(0, -1), { cwd }))));
    expect(own.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0]);
    expect(readdirSync(join(cwd, 'runs'))).toHaveLength(3);
  });

  it('is not written over by another kind of work', async () => {
    const run = newName();
    await inProcess(...short, run);
    const folds = await inProcess(
      'train',
      'xor',
      '--folds',
      '2',
      '--epochs',
      '1',
      '--backend',
      'reference',
      '--out',
      run,
    );
    expect(folds).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('already holds a run') });
    const sweep = newName();
    mkdirSync(sweep);
    writeFileSync(join(sweep, 'sweep.json'), '{}');
    expect(await inProcess(...short, sweep)).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining('already holds a sweep'),
    });
  });
});

describe('a run that is asked to end', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)(
    'by %s writes a checkpoint and says how to go on',
    { timeout: 60_000 },
    async (signal, code) => {
      const folder = newName();
      const run = start([...long, '--checkpoint-every', '100000', '--out', folder]);
      const ended = outcomeOf(run);
      await until(
        () =>
          existsSync(join(folder, 'events.jsonl')) &&
          readFileSync(join(folder, 'events.jsonl'), 'utf8').includes('"step"'),
      );
      run.kill(signal);
      const { exitCode, stderr } = await ended;
      expect(exitCode).toBe(code);
      expect(stderr).toContain(`agrad train --resume ${folder}`);
      expect(stepsSaved(folder).length).toBeGreaterThan(0);
      expect(await statusOf(folder)).toBe('interrupted');
    },
  );

  it('ends at once when it is asked again', { timeout: 60_000 }, async () => {
    const folder = newName();
    const run = start([...long, '--out', folder]);
    const ended = outcomeOf(run);
    await until(() => stepsSaved(folder).length > 0);
    // Both are there before the step under way is done.
    run.kill('SIGSTOP');
    run.kill('SIGINT');
    run.kill('SIGTERM');
    run.kill('SIGCONT');
    expect([130, 143]).toContain((await ended).exitCode);
    expect(['broken off', 'interrupted']).toContain(await statusOf(folder));
  });
});

describe('a reader that is gone', () => {
  const few = ['train', 'digits', '--backend', 'reference', '--batch-size', '20', '--epochs', '3'].concat([
    '--set',
    'data.train=400',
    '--set',
    'data.test=50',
    '--set',
    'model.hidden=[16]',
    '--out',
  ]);

  it.each([['--json'], ['--plot']])(
    'ends no training: the folder is the result (%s)',
    { timeout: 60_000 },
    async (flag) => {
      const folder = newName();
      const run = start([...few, folder, flag]);
      run.stdout!.once('data', () => run.stdout!.destroy());
      run.stderr!.once('data', () => run.stderr!.destroy());
      const code = await new Promise((resolve) => run.on('exit', resolve));
      expect(code).toBe(0);
      expect(existsSync(join(folder, 'weights.safetensors'))).toBe(true);
      expect(await statusOf(folder)).toBe('done');
    },
  );

  it('makes no failed check a good one', { timeout: 60_000 }, async () => {
    const folder = newName();
    await inProcess(...short, folder);
    const check = start(['eval', folder, '--backend', 'reference', '--fail-under', 'accuracy=2']);
    check.stdout!.destroy();
    expect(await new Promise((resolve) => check.on('exit', resolve))).toBe(6);
  });

  it.skipIf(!existsSync('/dev/full'))(
    'is not a disk that is full: results that are lost are an error',
    { timeout: 60_000 },
    async () => {
      const line = `${commandLine([...short, newName()])} > /dev/full`;
      const run = (): unknown => execFileSync('bash', ['-c', line], { encoding: 'utf8', stdio: 'pipe' });
      expect(run).toThrow(/stdout could not be written: ENOSPC/);
    },
  );
});

describe('a run that cannot keep what it learns', () => {
  it.each([['removed'], ['replaced']])(
    'ends with an error when its folder is %s',
    { timeout: 60_000 },
    async (how) => {
      const folder = newName();
      const run = start([...long, '--out', folder]);
      const ended = outcomeOf(run);
      await until(() => stepsSaved(folder).length > 0);
      // Not file by file, between which the run writes others.
      renameSync(folder, newName());
      if (how === 'replaced') mkdirSync(folder);
      const { exitCode, stderr } = await ended;
      expect(exitCode, stderr).toBe(3);
      expect(stderr).toContain(`${folder} was removed, or taken by another run, during this run`);
      // Nothing came back that looks like half a run.
      expect(existsSync(folder) ? readdirSync(folder) : []).toEqual([]);
    },
  );

  it('names the file that does not fit on the disk, keeps the checkpoint before it, and goes on from there', {
    timeout: 60_000,
  }, async () => {
    const folder = newName();
    // No file may grow beyond 64 blocks of 1024 bytes: checkpoints of a small network fit, the log of events does not.
    const given = [...long, '--set', 'model.hidden=[4]', '--json', '--out', folder];
    const failed = spawnSync('bash', ['-c', `ulimit -f 64; ${commandLine(given)}`], { encoding: 'utf8' });
    expect(failed.stderr).toMatch(
      new RegExp(`error: ${folder}/\\S+: the file would be larger than it may be`),
    );
    expect(failed.status).toBe(3);
    const on = await outcomeOf(start(['train', '--resume', folder, '--epochs', '1']));
    expect(on.exitCode, on.stderr).toBe(0);
  });
});

describe('a mistake', () => {
  const recipe = fileURLToPath(new URL('../fixtures/mistaken.ts', import.meta.url));

  it.each([
    ['width', /mistaken\.ts: matmul|mistaken\.ts: linear/],
    ['loss', /mistaken\.ts: no such loss/],
    ['model', /mistaken\.ts: .*undefined/],
    ['prepare', /mistaken\.ts: no data today/],
    ['metric', /mistaken\.ts: /],
  ])(
    "in a recipe of one's own (%s) is said to be there, and the run failed",
    { timeout: 60_000 },
    async (where, message) => {
      const folder = newName();
      const outcome = await outcomeOf(
        start(['train', recipe, '--set', `mistake=${where}`, '--backend', 'reference', '--out', folder]),
      );
      expect(outcome.stderr).toMatch(message);
      expect(outcome.stderr).not.toContain('mistake in agrad');
      expect(outcome.exitCode).toBe(3);
      if (!existsSync(join(folder, 'config.json'))) return;
      const { status, message: why } = lastEvent(await inProcess('runs', 'show', folder, '--json'));
      expect(status).toBe('failed');
      expect(why).toMatch(message);
      expect((await inProcess('runs', 'show', folder)).stdout).toMatch(/, failed, .*\nfailed: /);
    },
  );

  it('that was mended lets the run go on', { timeout: 60_000 }, async () => {
    const folder = newName();
    const failed = await outcomeOf(
      start([
        'train',
        recipe,
        '--set',
        'mistake=late',
        '--backend',
        'reference',
        '--checkpoint-every',
        '1',
        '--out',
        folder,
      ]),
    );
    expect(failed).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('too late') });
    expect(await statusOf(folder)).toBe('failed');
    const on = await outcomeOf(
      start(['train', '--resume', folder, '--recipe', recipe, '--set', 'mistake=none']),
    );
    expect(on, on.stderr).toMatchObject({
      exitCode: 0,
      stderr: expect.stringMatching(/resuming at step [1-9]/),
    });
    expect(await statusOf(folder)).toBe('done');
  });

  it.each([
    [['train', 'digits', '--set', 'data.train=1e12'], /--set data\.train=1000000000000: /],
    [
      [
        'train',
        'digits',
        '--set',
        'data.train=40',
        '--batch-size',
        '20',
        '--set',
        'model.hidden=[200000,200000]',
      ],
      /--set model\.hidden=\[200000,200000\]/,
    ],
    [
      ['train', 'digits', '--set', 'data.train=40', '--batch-size', '20', '--set', 'model.hidden=[1e9]'],
      /--set model\.hidden=\[1000000000\]/,
    ],
    [['train', 'two-layer', '--set', 'data.count=1e12'], /--set data\.count=/],
    [['train', 'two-layer', '--set', 'model.inputs=1e12'], /--set model\.inputs=/],
    [['profile', 'xor', '--set', 'model.hidden=1e12'], /--set model\.hidden=/],
    [
      ['sweep', 'xor', '--random', 'seed=1..9', '--trials', '1e12'],
      /--trials 1e12: expected a whole number from 1 to/,
    ],
    [['train', 'xor', '--folds', '1e12'], /folds|fold/],
  ])('in the size of a setting is said of the setting: %j', { timeout: 60_000 }, async (given, message) => {
    const outcome = await inProcess(
      ...given,
      '--backend',
      'reference',
      ...(given[0] === 'profile' ? [] : ['--out', newName()]),
    );
    expect(outcome.stderr).toMatch(message);
    expect(outcome.stderr).not.toContain('mistake in agrad');
    expect([2, 3, 4]).toContain(outcome.exitCode);
  });
});

describe('agrad runs list', () => {
  it('shows the runs there are, whatever lies beside them', { timeout: 60_000 }, async () => {
    const folder = newName();
    mkdirSync(folder);
    await inProcess(...short, join(folder, 'good'));
    const at = (name: string): string => join(folder, name);
    symlinkSync('gone', at('broken-link'));
    symlinkSync('loop', at('loop'));
    symlinkSync('good', at('link-to-good'));
    writeFileSync(at('file'), 'x');
    mkdirSync(at('empty'));
    mkdirSync(join(at('config-is-folder'), 'config.json'), { recursive: true });
    mkdirSync(at('config-is-loop'));
    symlinkSync('config.json', join(at('config-is-loop'), 'config.json'));
    mkdirSync(at('half'));
    writeFileSync(join(at('half'), 'config.json'), '{"version": 1, "rec');
    mkdirSync(join(at('events-are-folder'), 'events.jsonl'), { recursive: true });
    writeFileSync(
      join(at('events-are-folder'), 'config.json'),
      readFileSync(join(at('good'), 'config.json')),
    );
    if (process.platform !== 'win32') {
      mkdirSync(at('config-is-pipe'));
      execFileSync('mkfifo', [join(at('config-is-pipe'), 'config.json')]);
    }
    mkdirSync(at('.hidden'));
    const { exitCode, stdout, stderr } = await inProcess('runs', 'list', folder);
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toContain(at('good'));
    expect(stdout).toContain(at('link-to-good'));
    for (const name of ['half', 'config-is-folder', 'events-are-folder', 'config-is-pipe'])
      expect(stderr).toContain(`skipped ${at(name)}: `);
    for (const name of ['broken-link', 'file', 'empty']) expect(stdout + stderr).not.toContain(at(name));
    const { runs } = lastEvent(await inProcess('runs', 'list', folder, '--json')) as {
      runs: { run: string }[];
    };
    expect(runs.map(({ run }) => run).sort()).toEqual([at('good'), at('link-to-good')]);
  });
});
