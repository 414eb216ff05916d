/** The commands under a launcher of several ranks. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type Job, launch, launcher } from '../../../packages/mpi/src/testing/launch.ts';
import { inProcess, nodeArguments, outcomeOf, scratchFolder, start } from './testTools.ts';

const scratch = scratchFolder();

/** A command on several ranks. */
function onRanks(
  size: number,
  given: readonly string[],
  started?: Parameters<typeof launch>[3],
): Promise<Job> {
  return launch(size, [process.execPath, ...nodeArguments(given)], { AG_OFFLINE: '1' }, started);
}

const small = [
  ...['--set', 'data.train=300', '--set', 'data.test=100', '--set', 'model.hidden=[16]'],
  ...['--batch-size', '30', '--threads', '1', '--seed', '2'],
];

const eventsOf = (folder: string): { type: string; step: number; loss: number }[] =>
  readFileSync(join(folder, 'events.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

describe.skipIf(launcher === null)('agrad under a launcher', () => {
  it('trains on all ranks, writes one run, and goes on with another number of them', {
    timeout: 240_000,
  }, async () => {
    const folder = join(scratch, 'run');
    const given = ['train', 'digits', '--distributed', ...small, '--out', folder];
    const first = await onRanks(2, [...given, '--epochs', '2']);
    expect(first.exitCode, first.stderr).toBe(0);
    expect(first.stderr).toContain('2 ranks');
    // Rank 0 alone speaks.
    expect(first.stdout.match(/test data \(100 examples\)/g)).toHaveLength(1);
    expect(readdirSync(folder).sort()).toEqual([
      'checkpoints',
      'config.json',
      'events.jsonl',
      'receipt.json',
      'report.html',
      'weights.safetensors',
    ]);
    expect(eventsOf(folder).at(-2)).toMatchObject({ step: 20 });

    const second = await onRanks(3, [
      ...['train', '--distributed', '--resume', folder, '--epochs', '3', '--threads', '1', '--json'],
    ]);
    expect(second.exitCode, second.stderr).toBe(0);
    const last = JSON.parse(second.stdout.trim().split('\n').at(-1) ?? '');
    expect(last).toMatchObject({ type: 'result', step: 30, test: { examples: 100 } });
    const losses = eventsOf(folder).filter(({ type }) => type === 'epoch');
    expect(losses).toHaveLength(3);
    expect(losses[2].loss).toBeLessThan(losses[0].loss);

    // And alone, as any run.
    const third = await inProcess('train', '--resume', folder, '--epochs', '4', '--backend', 'reference');
    expect(third.exitCode, third.stderr).toBe(0);
    expect(eventsOf(folder).filter(({ type }) => type === 'epoch')).toHaveLength(4);
  });

  it('ends with the code of numerical failures on all ranks, and with a message of what else goes wrong on one', {
    timeout: 240_000,
  }, async () => {
    const spoilt = await onRanks(2, [
      ...[
        'train',
        'two-layer',
        '--distributed',
        '--batch-size',
        '8',
        '--learning-rate',
        '1e20',
        '--epochs',
        '9',
      ],
      ...['data.count=8', 'model.inputs=20', 'model.hidden=5', 'model.outputs=2'].flatMap((one) => [
        '--set',
        one,
      ]),
      ...['--threads', '1', '--out', join(scratch, 'spoilt')],
    ]);
    expect(spoilt.exitCode).toBe(5);
    expect(spoilt.stderr).toMatch(/the loss is (NaN|Infinity) on rank/);
    const twice = await onRanks(2, ['train', 'digits', '--distributed', '--folds', '3']);
    expect(twice.exitCode).not.toBe(0);
    expect(twice.stderr).toContain('--distributed trains one run; it cannot be combined with --folds');
  });

  it('shares a sweep; after one rank was killed the same command does the rest, to the same best', {
    timeout: 240_000,
  }, async () => {
    const folder = join(scratch, 'sweep');
    const sweep = (out: string): string[] => [
      ...['sweep', 'xor', '--grid', 'learningRate=0.003,0.01,0.03,0.1', '--grid', 'seed=1,2'],
      ...['--epochs', '40', '--backend', 'reference', '--workers', '1', '--json', '--out', out],
    ];
    const done = (): number =>
      existsSync(folder) ? readdirSync(folder).filter((name) => /^trial-\d+\.json$/.test(name)).length : 0;
    const broken = await onRanks(3, sweep(folder), async (child) => {
      while (done() < 2 && child.exitCode === null) await wait(20);
      // Of the three ranks one that is not the first.
      const ranks = readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && isRank(pid, folder, 1));
      for (const pid of ranks) process.kill(Number(pid), 'SIGKILL');
    });
    expect(broken.exitCode).not.toBe(0);
    expect(done()).toBeGreaterThanOrEqual(2);
    const again = await onRanks(3, sweep(folder));
    expect(again.exitCode, again.stderr).toBe(0);
    const alone = await outcomeOf(start(sweep(join(scratch, 'alone'))));
    const best = ({ stdout }: { stdout: string }): unknown =>
      JSON.parse(stdout.trim().split('\n').at(-1) ?? '').best;
    expect(best(again)).toEqual(best(alone));
    expect(done()).toBe(8);
  });
});

/** Whether a process is the rank of a job that works in a folder. */
function isRank(pid: string, folder: string, rank: number): boolean {
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
    return (
      command.includes(folder) &&
      environment.some((one) => new RegExp(`^(OMPI_COMM_WORLD_RANK|PMI_RANK)=${rank}$`).test(one))
    );
  } catch {
    return false;
  }
}
