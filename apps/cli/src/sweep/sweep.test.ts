/** Sweeps: what they try and find, and that nothing of them is lost when processes are killed. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { inProcess, lastEvent, outcomeOf, scratchFolder, start } from '../testTools.ts';
import { argumentsOf, makePlan } from './plan.ts';

const scratch = scratchFolder();
const nothing = {
  ...{ grid: [], random: [], trials: 16, settings: {}, set: [] },
  ...{ strategy: undefined, factor: undefined, minEpochs: undefined, metric: undefined },
};
const valuesOf = (wanted: Partial<Parameters<typeof makePlan>[1]>, parameters: readonly string[] = []) =>
  makePlan('xor', { ...nothing, ...wanted }, parameters).trials.map(({ values }) => values);

describe('the plan of a sweep', () => {
  it('takes each value of a list with each of the others; lists may hold lists', () => {
    expect(valuesOf({ grid: ['epochs=1,2', 'model.hidden=[30],[50,20]'] }, ['model.hidden'])).toEqual([
      { epochs: 1, 'model.hidden': '[30]' },
      { epochs: 1, 'model.hidden': '[50,20]' },
      { epochs: 2, 'model.hidden': '[30]' },
      { epochs: 2, 'model.hidden': '[50,20]' },
    ]);
  });

  it('draws from ranges: the same by the same seed, whole numbers from whole ends, evenly by powers where wide', () => {
    const wanted = { random: ['learningRate=1e-4..1', 'epochs=1..50'], trials: 400 };
    const trials = valuesOf(wanted) as { learningRate: number; epochs: number }[];
    expect(valuesOf(wanted)).toEqual(trials);
    expect(valuesOf({ ...wanted, settings: { seed: '1' } })).not.toEqual(trials);
    expect(trials.every(({ epochs }) => Number.isInteger(epochs) && epochs >= 1 && epochs <= 50)).toBe(true);
    // Half of the values lie in the lower two of four powers of ten; 400 draws stay within four standard deviations.
    const low = trials.filter(({ learningRate }) => learningRate < 1e-2).length;
    expect(Math.abs(low - 200)).toBeLessThan(40);
    expect(trials.every(({ learningRate }) => learningRate >= 1e-4 && learningRate <= 1)).toBe(true);
  });

  it('becomes arguments of agrad train', () => {
    expect(
      argumentsOf({
        id: 1,
        values: { batchSize: 4, 'model.hidden': '[3]', fastDevRun: 'true', tensorboard: 'false' },
      }),
    ).toEqual(['--batch-size', '4', '--set', 'model.hidden=[3]', '--fast-dev-run']);
  });
});

describe('agrad sweep', () => {
  it('tries every combination, finds the best, and repeats nothing', async () => {
    const folder = join(scratch, 'sweep');
    const given = ['sweep', 'xor', '--grid', 'learningRate=0.0001,0.1'].concat([
      '--epochs',
      '100',
      '--backend',
      'reference',
      '--out',
      folder,
    ]);
    const first = await outcomeOf(start([...given, '--json']));
    expect(first.exitCode).toBe(0);
    expect(lastEvent(first)).toMatchObject({
      command: 'sweep',
      metric: 'accuracy',
      best: { trial: 2, values: { learningRate: 0.1 } },
    });
    const report = readFileSync(join(folder, 'report.html'), 'utf8');
    expect(report).toMatch(
      /<table><thead>.*learning rate.*accuracy.*<a href="trial-002\/report.html">2<\/a>/,
    );
    expect(existsSync(join(folder, 'trial-002', 'report.html'))).toBe(true);
    const again = await inProcess(...given);
    expect(again.stderr).toContain('2 trials, 2 of them done');
    expect(again.stdout).toMatch(/best: trial 2/);
    const other = await inProcess(...given.slice(0, 3), 'learningRate=1', '--out', folder);
    expect(other).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('holds another sweep') });
  });

  it('says which trials failed and why, and takes the best of the others', async () => {
    const given = ['sweep', 'xor', '--grid', 'model.hidden=8,0', '--epochs', '20', '--backend', 'reference'];
    const { exitCode, stdout } = await outcomeOf(start([...given, '--out', join(scratch, 'failing')]));
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(
      /trial 2 \(model.hidden 0\) failed: --set model.hidden: expected a whole number above 0, got 0/,
    );
    expect(stdout).toMatch(/best: trial 1/);
    expect(readFileSync(join(scratch, 'failing', 'report.html'), 'utf8')).toContain(
      'expected a whole number above 0',
    );
    const none = await outcomeOf(
      start([...given.slice(0, 3), 'model.hidden=0', '--out', join(scratch, 'none')]),
    );
    expect(none.exitCode).toBe(6);
  });

  it.each([
    [[], 2, /what should vary/],
    [['--grid', 'rate=1'], 2, /no such setting/],
    [['--grid', 'learningrate=1'], 2, /Did you mean 'learningRate'\?/],
    [['--grid', 'epochs='], 2, /expected name=values/],
    [['--grid', 'epochs=1,many'], 3, /--epochs: expected a whole number from 0, got "many"/],
    [['--grid', 'epochs=1', '--learning-rate', 'NaN'], 3, /--learning-rate: expected a finite number/],
    [['--random', 'learningRate=3'], 2, /expected low\.\.high/],
    [['--grid', 'epochs=1', '--workers', '0'], 2, /--workers 0/],
  ])('explains what is wrong with %j', async (given, exitCode, message) => {
    const outcome = await inProcess('sweep', 'xor', ...given, '--out', join(scratch, 'never'));
    expect(outcome.stderr).toMatch(message);
    expect(outcome.exitCode).toBe(exitCode);
    expect(existsSync(join(scratch, 'never'))).toBe(false);
  });
});

describe('a sweep in parts', () => {
  const given = (folder: string): string[] => [
    ...['sweep', 'xor', '--grid', 'seed=1,2,3,4,5', '--epochs', '20', '--backend', 'reference', '--json'],
    ...['--workers', '1', '--out', folder],
  ];

  it('does every n-th trial; the command without --part does the rest and tells the same best', {
    timeout: 120_000,
  }, async () => {
    const folder = join(scratch, 'parts');
    const second = await outcomeOf(start([...given(folder), '--part', '2/3']));
    expect(second.exitCode, second.stderr).toBe(0);
    expect(lastEvent(second)).toMatchObject({
      part: '2/3',
      failed: [],
      trials: [{ trial: 2 }, { trial: 5 }],
    });
    expect(second.stdout).not.toContain('report');
    expect(existsSync(join(folder, 'trial-001.json'))).toBe(false);
    const rest = lastEvent(await outcomeOf(start(given(folder))));
    const alone = lastEvent(await outcomeOf(start(given(join(scratch, 'undivided')))));
    const figures = ({ best, trials }: Record<string, unknown>): unknown => ({
      best,
      trials: (trials as { figures: unknown }[]).map(({ figures }) => figures),
    });
    expect(figures(rest)).toEqual(figures(alone));
  });

  it.each([
    [['--part', '0/3'], /--part 0\/3: expected a part such as 3\/16/],
    [['--part', '4/3'], /--part 4\/3: expected a part/],
    [['--part', '1/3', '--strategy', 'halving', '--epochs', '4'], /trials depend on each other/],
  ])('refuses %j', async (flags, message) => {
    const outcome = await inProcess(...given(join(scratch, 'never')), ...flags);
    expect(`${outcome.stderr}${outcome.stdout}`).toMatch(message);
    expect(outcome.exitCode).toBe(2);
  });

  it('wants a folder that all parts share', async () => {
    const outcome = await inProcess('sweep', 'xor', '--grid', 'seed=1,2', '--part', '1/2');
    expect(outcome).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('give the folder') });
  });
});

describe('a sweep by halving', () => {
  it('goes on with the runs of the better trials, and resumes as any other', {
    timeout: 120_000,
  }, async () => {
    const folder = join(scratch, 'halving');
    const given = [
      ...['sweep', 'xor', '--grid', 'learningRate=0.0001,0.001,0.02,0.1', '--strategy', 'halving'],
      ...['--factor', '2', '--min-epochs', '50', '--epochs', '200', '--backend', 'reference'],
      ...['--metric', 'loss', '--workers', '1', '--json', '--out', folder],
    ];
    const outcome = await outcomeOf(start(given));
    expect(outcome.exitCode, outcome.stderr).toBe(0);
    const { best, trials, failed } = lastEvent(outcome) as unknown as {
      best: { trial: number; values: { learningRate: number; epochs: number } };
      trials: { values: { epochs: number }; figures: { loss: number } }[];
      failed: number[];
    };
    expect(failed).toEqual([]);
    expect(trials.map(({ values }) => values.epochs)).toEqual([50, 50, 50, 50, 100, 100, 200]);
    expect(best).toMatchObject({ trial: 7, values: { learningRate: 0.1, epochs: 200 } });
    // Three folders at most were trained further than at first; none is new.
    expect(readdirSync(folder).filter((name) => /^trial-\d+$/.test(name))).toHaveLength(4);
    const again = await outcomeOf(start(given));
    expect(lastEvent(again)).toMatchObject({ best: { trial: 7 } });
    expect(again.stderr).toContain('7 of them done');
  });
});

describe('a sweep whose processes are killed', () => {
  const given = [
    'sweep',
    'digits',
    '--grid',
    'learningRate=0.001,0.003,0.01,0.03',
    '--workers',
    '2',
    '--seed',
    '1',
  ]
    .concat(['--epochs', '3', '--batch-size', '20', '--checkpoint-every', '10', '--backend', 'reference'])
    .concat([
      '--set',
      'data.train=1000',
      '--set',
      'data.test=50',
      '--set',
      'model.hidden=[32]',
      '--json',
      '--out',
    ]);
  const trials = ['trial-001', 'trial-002', 'trial-003', 'trial-004'];
  const weightsOf = (folder: string): string[] =>
    trials.map((name) => readFileSync(join(folder, name, 'weights.safetensors')).toString('base64'));
  const workersOf = (pid: number): number[] => {
    try {
      return execFileSync('pgrep', ['-P', String(pid), '-f', 'sweepWorker'], { encoding: 'utf8' })
        .trim()
        .split('\n')
        .map(Number);
    } catch {
      return [];
    }
  };
  const hasCheckpoint = (folder: string, name: string): boolean =>
    existsSync(join(folder, name, 'checkpoints')) &&
    readdirSync(join(folder, name, 'checkpoints')).some((file) => /^step-\d+\.safetensors$/.test(file));
  const lives = (pid: number): boolean => {
    try {
      process.kill(pid, 0);
    } catch {
      return false;
    }
    // One that ended and was not waited for: who adopts orphans may take their time.
    const status = `/proc/${pid}/stat`;
    return !(existsSync(status) && / Z /.test(readFileSync(status, 'utf8')));
  };
  const until = async (condition: () => boolean): Promise<void> => {
    for (let i = 0; i < 9000 && !condition(); i++) await wait(20);
    expect(condition()).toBe(true);
  };

  it('goes on after kill -9 of a worker, of the parent, and after Ctrl-C, to the same weights', async () => {
    const whole = join(scratch, 'whole');
    expect((await outcomeOf(start([...given, whole]))).exitCode).toBe(0);

    const broken = join(scratch, 'broken');
    const first = start([...given, broken]);
    const firstEnded = outcomeOf(first);
    await until(() => hasCheckpoint(broken, 'trial-001'));
    const [victim] = workersOf(first.pid!);
    process.kill(victim, 'SIGKILL');
    // The trial of the killed worker goes on in another process, and the sweep with it.
    await until(
      () => existsSync(join(broken, 'trial-001.json')) && existsSync(join(broken, 'trial-002.json')),
    );
    await until(() => hasCheckpoint(broken, 'trial-003') || hasCheckpoint(broken, 'trial-004'));
    const workers = workersOf(first.pid!);
    first.kill('SIGKILL');
    expect((await firstEnded).signal).toBe('SIGKILL');
    await until(() => !workers.some(lives));
    const done = statSync(join(broken, 'trial-001.json')).mtimeMs;

    const second = start([...given, broken]);
    const secondEnded = outcomeOf(second);
    // On a busy machine the last trials may have ended with the workers that the first one left.
    let ended = false;
    void secondEnded.then(() => {
      ended = true;
    });
    await until(() => ended || workersOf(second.pid!).length > 0);
    await wait(1000);
    second.kill('SIGINT');
    const interrupted = await secondEnded;
    // It may have been done by then.
    expect([0, 130]).toContain(interrupted.exitCode);
    if (interrupted.exitCode === 130) {
      expect(lastEvent(interrupted)).toMatchObject({
        kind: 'interrupted',
        exitCode: 130,
        message: expect.stringContaining(broken),
      });
    }
    const third = await outcomeOf(start([...given, broken]));
    expect(third.exitCode).toBe(0);
    expect(statSync(join(broken, 'trial-001.json')).mtimeMs).toBe(done);
    expect(weightsOf(broken)).toEqual(weightsOf(whole));
  }, 600_000);

  it('reads no half-written result', async () => {
    const folder = join(scratch, 'half');
    const short = ['sweep', 'xor', '--grid', 'epochs=1', '--backend', 'reference', '--out', folder];
    mkdirSync(folder);
    writeFileSync(join(folder, 'trial-001.json'), '{"exitCode":0,"sec');
    const { exitCode, stderr } = await outcomeOf(start(short));
    expect(exitCode).toBe(0);
    expect(stderr).not.toContain('of them done');
  });
});

describe('two sweeps in one folder at once', () => {
  const given = (folder: string): string[] =>
    ['sweep', 'xor', '--grid', 'learningRate=0.01,0.1', '--grid', 'seed=1,2,3'].concat([
      '--epochs',
      '150',
      '--backend',
      'reference',
      '--workers',
      '2',
      '--json',
      '--out',
      folder,
    ]);
  const trialsOf = ({ stdout }: { stdout: string }): number[] =>
    stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
      .flatMap(({ type, trial, exitCode }) => {
        if (type !== 'trial') return [];
        expect(exitCode).toBe(0);
        return [trial as number];
      });

  it('share the trials: each is taken once, none fails, both tell all results', {
    timeout: 120_000,
  }, async () => {
    const folder = join(scratch, 'shared');
    const both = await Promise.all([1, 2].map(() => outcomeOf(start(given(folder)))));
    for (const outcome of both) {
      expect(outcome.exitCode, outcome.stderr).toBe(0);
      const { failed, trials } = lastEvent(outcome) as { failed: number[]; trials: { figures: object }[] };
      expect(failed).toEqual([]);
      expect(trials.every(({ figures }) => figures !== null)).toBe(true);
    }
    expect(both.flatMap(trialsOf).sort()).toEqual([1, 2, 3, 4, 5, 6]);
    expect(lastEvent(both[0]).trials).toEqual(lastEvent(both[1]).trials);
    // Nobody holds anything any more.
    expect(readdirSync(folder).filter((name) => name.includes('claim'))).toEqual([]);
  });

  it('and one of them killed: the other takes over what it had', { timeout: 120_000 }, async () => {
    const folder = join(scratch, 'taken-over');
    const victim = start(given(folder));
    const victimEnded = outcomeOf(victim);
    for (let i = 0; i < 3000 && !existsSync(join(folder, 'trial-001')); i++) await wait(10);
    const survivor = outcomeOf(start(given(folder)));
    await wait(300);
    victim.kill('SIGKILL');
    const done = trialsOf({ stdout: (await victimEnded).stdout.replace(/[^\n]*$/, '') || '{}' });
    const outcome = await survivor;
    expect(outcome.exitCode, outcome.stderr).toBe(0);
    expect(lastEvent(outcome)).toMatchObject({ failed: [] });
    expect([...new Set([...done, ...trialsOf(outcome)])].sort()).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('refuses another plan in the same folder, in the same moment too', { timeout: 60_000 }, async () => {
    const folder = join(scratch, 'one-plan');
    const plans = ['seed=1', 'seed=2'].map((grid) =>
      outcomeOf(
        start(['sweep', 'xor', '--grid', grid, '--epochs', '1', '--backend', 'reference', '--out', folder]),
      ),
    );
    const both = await Promise.all(plans);
    expect(both.map(({ exitCode }) => exitCode).sort()).toEqual([0, 3]);
    expect(both.find(({ exitCode }) => exitCode === 3)!.stderr).toContain('holds another sweep');
  });
});
