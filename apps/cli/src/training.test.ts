/** `agrad train` beside training: averages, folds, profiles, learning rates, other backends. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inProcess, lastEvent, type Outcome, scratchFolder } from './testTools.ts';

process.env.AG_OFFLINE = '1';
const scratch = scratchFolder();
const small = [
  '--set',
  'data.train=200',
  '--set',
  'data.test=50',
  '--set',
  'model.hidden=[16]',
  '--epochs',
  '2',
];
const reference = ['--backend', 'reference'];

const eventsOf = (outcome: Outcome): Record<string, unknown>[] =>
  outcome.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('agrad train --ema', () => {
  it('judges, keeps and writes the averages; eval reads them from checkpoints too', async () => {
    const folder = join(scratch, 'ema');
    const result = lastEvent(
      await inProcess('train', '--json', ...reference, ...small, '--ema', '0.9', '--out', folder),
    ) as { test: { loss: number } };
    const plain = lastEvent(
      await inProcess('train', '--json', ...reference, ...small, '--out', join(scratch, 'plain')),
    ) as { test: { loss: number } };
    expect(result.test.loss).not.toBe(plain.test.loss);
    for (const target of [
      folder,
      join(folder, 'weights.safetensors'),
      join(folder, 'checkpoints', 'step-00000008.safetensors'),
    ])
      expect(lastEvent(await inProcess('eval', target, '--json', ...reference)).loss).toBe(result.test.loss);
    expect((await inProcess('train', 'xor', '--ema', '1')).exitCode).toBe(3);
  });
});

describe('agrad train --profile', () => {
  it('ends with tables, an event and a section of the report', async () => {
    const folder = join(scratch, 'profiled');
    const given = ['train', 'xor', '--epochs', '60', '--profile', ...reference];
    const events = eventsOf(await inProcess(...given, '--json', '--out', folder));
    expect(events.slice(-2).map((event) => event.type)).toEqual(['end', 'result']);
    expect(events.find((event) => event.type === 'profile')).toMatchObject({ steps: 50, step: 60 });
    expect(readFileSync(join(folder, 'report.html'), 'utf8')).toContain('Profile');
    const { stdout } = await inProcess(...given, '--out', join(scratch, 'profiled-too'));
    expect(stdout).toMatch(/^mean of 50 steps +ms +share$/m);
    expect(stdout).toMatch(/^operation +ms +share +bytes +kernels$/m);
    expect(readFileSync(join(scratch, 'plain', 'report.html'), 'utf8')).not.toContain('Profile');
  });
});

describe('agrad train --find-learning-rate', () => {
  it('suggests a rate, shows how it came to it, and trains nothing', async () => {
    const folder = join(scratch, 'rates');
    const given = ['train', 'digits', ...reference, ...small, '--find-learning-rate', '--out', folder];
    const outcome = await inProcess(...given, '--json');
    expect(outcome.exitCode).toBe(0);
    const result = lastEvent(outcome) as {
      suggestion: number;
      lowest: number;
      points: { rate: number; loss: number; smoothed: number }[];
    };
    const lowest = result.points.reduce((best, point) => (point.smoothed < best.smoothed ? point : best));
    expect(result.lowest).toBe(lowest.rate);
    expect(result.suggestion).toBeCloseTo(lowest.rate / 10, 12);
    expect(readFileSync(join(folder, 'learning-rate.svg'), 'utf8')).toMatch(
      /^<svg[^>]*>.*loss by learning rate/s,
    );
    expect(existsSync(join(folder, 'config.json'))).toBe(false);
    const { stdout } = await inProcess(...given);
    expect(stdout).toMatch(/^learning rate +loss +smoothed$/m);
    expect(stdout).toMatch(/^suggestion: --learning-rate [\d.e-]+, a tenth/m);
  });
});

describe('agrad train --folds', () => {
  it('trains once for each fold and gives mean and standard deviation', async () => {
    const folder = join(scratch, 'folds');
    const given = ['train', 'digits', ...reference, ...small, '--folds', '3', '--out', folder];
    const events = eventsOf(await inProcess(...given, '--json'));
    const folds = events.filter((event) => event.type === 'fold') as { examples: number; loss: number }[];
    expect(folds.map(({ examples }) => examples)).toEqual([66, 67, 67]);
    const result = events.at(-1) as { folds: unknown; loss: { mean: number; standardDeviation: number } };
    const mean = folds.reduce((sum, { loss }) => sum + loss, 0) / 3;
    const squares = folds.reduce((sum, { loss }) => sum + (loss - mean) ** 2, 0);
    expect(result.loss.mean).toBeCloseTo(mean, 12);
    expect(result.loss.standardDeviation).toBeCloseTo(Math.sqrt(squares / 2), 12);
    expect(events.filter((event) => event.type === 'end').map((event) => event.fold)).toEqual([1, 2, 3]);
    expect(JSON.parse(readFileSync(join(folder, 'folds.json'), 'utf8'))).toMatchObject({
      folds: result.folds,
    });
    expect(readFileSync(join(folder, 'report.html'), 'utf8')).toContain('loss on held-out data');
    const { stdout } = await inProcess(...given);
    expect(stdout).toMatch(/^fold 2\/3: loss [\d.]+, accuracy [\d.]+ %$/m);
    expect(stdout).toMatch(/^accuracy [\d.]+ % ± [\d.]+ %$/m);
  });

  it('says what does not go', async () => {
    expect((await inProcess('train', 'xor', '--folds', '1')).exitCode).toBe(2);
    // Four examples cannot be cut into five.
    expect(await inProcess('train', 'xor', '--folds', '5', ...reference)).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining('from 2 to 4'),
    });
    expect((await inProcess('train', '--resume', join(scratch, 'plain'), '--folds', '3')).exitCode).toBe(2);
  });
});

describe('a run that goes on', () => {
  it('keeps the arithmetic it began with, and says when it cannot', async () => {
    const folder = join(scratch, 'separate');
    const given = ['train', 'xor', '--epochs', '20', '--backend', 'wasm', '--threads', '1'];
    await inProcess(...given, '--arithmetic', 'separate', '--out', folder);
    const config = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'));
    expect(config.environment).toMatchObject({ backend: 'wasm', arithmetic: 'separate' });
    expect(config.command).toContain('--arithmetic separate');

    const same = eventsOf(await inProcess('train', '--resume', folder, '--epochs', '25', '--json'));
    expect(same.filter((event) => event.type === 'warning')).toEqual([]);
    const other = await inProcess('train', '--resume', folder, '--epochs', '30', ...reference, '--json');
    expect(eventsOf(other)).toContainEqual(
      expect.objectContaining({ type: 'warning', code: 'otherArithmetic', step: 25 }),
    );
    expect(other.stderr).toMatch(/'wasm' with separate .*'reference' with separate/);
    expect((await inProcess('train', 'xor', ...reference, '--arithmetic', 'fused')).exitCode).toBe(8);
  });

  it('forgets settings that its checkpoint refuses', async () => {
    const folder = join(scratch, 'refused');
    await inProcess('train', 'xor', '--epochs', '5', ...reference, '--out', folder);
    const before = readFileSync(join(folder, 'config.json'), 'utf8');
    expect((await inProcess('train', '--resume', folder, '--epochs', '9', '--ema', '0.9')).exitCode).toBe(7);
    expect(readFileSync(join(folder, 'config.json'), 'utf8')).toBe(before);
    expect((await inProcess('train', '--resume', folder, '--epochs', '9')).exitCode).toBe(0);
    expect(JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')).settings.epochs).toBe(9);
  });

  it('keeps nothing of an attempt that was killed before its first checkpoint', async () => {
    const folder = join(scratch, 'early');
    await inProcess('train', 'xor', '--epochs', '5', ...reference, '--out', folder);
    const { rmSync } = await import('node:fs');
    rmSync(join(folder, 'checkpoints'), { recursive: true });
    await inProcess('train', '--resume', folder);
    const lines = readFileSync(join(folder, 'events.jsonl'), 'utf8').trim().split('\n');
    const steps = lines.map((line) => JSON.parse(line)).filter(({ type }) => type === 'step');
    expect(steps.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5]);
  });
});

describe('the report', () => {
  it('shows the gradients over time of every run', () => {
    expect(readFileSync(join(scratch, 'plain', 'report.html'), 'utf8')).toContain('Gradient norms by step');
  });
});
