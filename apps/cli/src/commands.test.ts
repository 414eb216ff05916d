/** The commands end to end on tiny configurations. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decode } from 'fast-png';
import { describe, expect, it } from 'vitest';
import { bostonTable, inProcess, lastEvent, scratchFolder, writeMnist } from './testTools.ts';

process.env.AG_OFFLINE = '1';
const scratch = scratchFolder();
const digits = [
  '--set',
  'data.train=200',
  '--set',
  'data.test=50',
  '--set',
  'model.hidden=[16]',
  '--epochs',
  '2',
];

describe('agrad train', () => {
  it('leaves a run folder with config, events, checkpoint, weights and a report', async () => {
    const folder = join(scratch, 'digits');
    const outcome = await inProcess(
      'train',
      '--backend',
      'reference',
      ...digits,
      '--seed',
      '3',
      '--out',
      folder,
    );
    expect(outcome.exitCode).toBe(0);
    expect(outcome.stdout).toMatch(/^epoch 1\/2 {2}loss [\d.]+ {2}accuracy [\d.]+ % {2}\| test loss/m);
    expect(outcome.stdout).toContain(`report: ${join(folder, 'report.html')}`);
    const config = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'));
    expect(config).toMatchObject({
      recipe: 'digits',
      settings: { epochs: 2, seed: 3 },
      parameters: { 'data.train': 200 },
    });
    expect(config.command).toBe(
      "agrad train digits --epochs 2 --seed 3 --backend reference --set data.train=200 --set data.test=50 --set 'model.hidden=[16]'",
    );
    const events = readFileSync(join(folder, 'events.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(events[0]).toMatchObject({ v: 1, type: 'start', batches: 4 });
    expect(events.filter((event) => event.type === 'step')).toHaveLength(8);
    expect(existsSync(join(folder, 'checkpoints', 'step-00000008.safetensors'))).toBe(true);
    const report = readFileSync(join(folder, 'report.html'), 'utf8');
    for (const part of [
      'Loss',
      'Accuracy',
      'Confusion',
      'Samples with predictions',
      'Largest errors',
      'graph of the loss',
      'Reproduce',
    ]) {
      expect(report).toContain(part);
    }
    // Nothing is loaded from anywhere, and nothing needs a script.
    expect(report).not.toMatch(/<script|<link|(src|href)="(?!data:|#)|url\((?!['"]?(data:|#))/);
  });

  it('gives the same weights for the same seed and others for another', async () => {
    const weights = async (name: string, seed: string): Promise<Buffer> => {
      const folder = join(scratch, name);
      await inProcess('train', '--backend', 'reference', ...digits, '--seed', seed, '--out', folder);
      return readFileSync(join(folder, 'checkpoints', 'step-00000008.safetensors'));
    };
    const tensors = (file: Buffer): Buffer => file.subarray(8 + Number(file.readBigUInt64LE(0)));
    const first = tensors(await weights('seed-1', '1'));
    expect(tensors(await weights('seed-1-again', '1')).equals(first)).toBe(true);
    expect(tensors(await weights('seed-2', '2')).equals(first)).toBe(false);
  });

  it('writes lines of JSON and nothing else with --json, the last a result', async () => {
    const outcome = await inProcess(
      'train',
      '--json',
      '--backend',
      'reference',
      ...digits,
      '--out',
      join(scratch, 'json'),
    );
    const events = outcome.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(events.every((event) => event.v === 1 && typeof event.type === 'string')).toBe(true);
    expect(new Set(events.map((event) => event.type))).toEqual(
      new Set(['start', 'step', 'validation', 'epoch', 'checkpoint', 'end', 'result']),
    );
    expect(lastEvent(outcome)).toMatchObject({
      type: 'result',
      command: 'train',
      recipe: 'digits',
      epoch: 2,
      step: 8,
      test: { examples: 50 },
      report: join(scratch, 'json', 'report.html'),
    });
  });

  it('learns the exclusive or', async () => {
    const { stdout } = await inProcess(
      'train',
      'xor',
      '--backend',
      'reference',
      '--out',
      join(scratch, 'xor'),
    );
    const answers = [...stdout.matchAll(/(\d) xor (\d) = ([\d.]+)/g)].map(([, a, b, answer]) => [
      Number(a) ^ Number(b),
      Number(answer),
    ]);
    expect(answers).toHaveLength(4);
    for (const [truth, answer] of answers) expect(Math.abs(truth - answer)).toBeLessThan(0.1);
  });

  it.each(['boston', 'boston-2d'])('reads the table of %s', async (recipe) => {
    writeFileSync(join(scratch, 'BostonHousing.csv'), bostonTable());
    const folder = join(scratch, recipe);
    const { exitCode, stdout } = await inProcess(
      'train',
      recipe,
      '--data-dir',
      scratch,
      '--epochs',
      '3',
      '--backend',
      'reference',
      '--out',
      folder,
    );
    expect(exitCode).toBe(0);
    // 40 examples hold two batches of 16.
    expect(readFileSync(join(folder, 'events.jsonl'), 'utf8')).toContain('"batches":2');
    expect(stdout).toMatch(/all examples: loss/);
    expect(readFileSync(join(folder, 'report.html'), 'utf8').includes('Fitted surface')).toBe(
      recipe === 'boston-2d',
    );
  });

  it('reads MNIST, and stops early', async () => {
    writeMnist(scratch);
    const given = [
      '--epochs',
      '50',
      '--batch-size',
      '10',
      '--learning-rate',
      '0',
      '--schedule',
      'constant',
      '--early-stop',
      '1',
    ];
    const outcome = await inProcess(
      'train',
      'mnist',
      'mlp',
      '--data-dir',
      scratch,
      '--backend',
      'reference',
      '--json',
      ...given,
      '--out',
      join(scratch, 'early'),
    );
    expect(lastEvent(outcome)).toMatchObject({
      type: 'result',
      recipe: 'mnist mlp',
      reason: 'earlyStopping',
      epoch: 3,
    });
  });

  it('runs a few batches with --fast-dev-run, and learns a few by heart with --overfit-batches', async () => {
    const fast = await inProcess(
      'train',
      '--json',
      '--fast-dev-run',
      '--backend',
      'reference',
      ...digits.slice(0, 6),
      '--out',
      join(scratch, 'fast'),
    );
    expect(lastEvent(fast)).toMatchObject({ epoch: 1, step: 3 });
    const heart = await inProcess(
      'train',
      '--json',
      '--overfit-batches',
      '1',
      '--batch-size',
      '20',
      '--epochs',
      '60',
      '--backend',
      'reference',
      ...digits.slice(0, 6),
      '--out',
      join(scratch, 'heart'),
    );
    expect(lastEvent(heart)).toMatchObject({ step: 60, test: { examples: 20, metrics: { accuracy: 1 } } });
  });

  it('trains a recipe from a TypeScript module', async () => {
    const file = join(scratch, 'mine.ts');
    const library = new URL('./index.ts', import.meta.url).href;
    writeFileSync(
      file,
      `import { defineRecipe } from ${JSON.stringify(library)};
       export default defineRecipe({ name: 'mine', summary: 'of my own', kind: 'classification' as const, settings: { epochs: 1 }, parameters: { width: 2 },
         async prepare() { throw new RangeError('prepare was called'); } });`,
    );
    expect(await inProcess('train', file, '--set', 'width=3', '--backend', 'reference')).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining(`${file}: prepare was called`),
    });
    const wrong = join(scratch, 'wrong.ts');
    writeFileSync(wrong, 'export default 3;');
    expect(await inProcess('train', wrong)).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining('defineRecipe'),
    });
  });
});

describe('agrad train --print-config', () => {
  it('shows where each value comes from: flag, environment, config file, recipe, default', async () => {
    const file = join(scratch, 'config-file.json');
    writeFileSync(
      file,
      '{"recipe": "xor", "epochs": 7, "momentum": 0.5, "seed": 3, "set": {"model.hidden": 5}}',
    );
    process.env.AG_SEED = '4';
    process.env.AG_MOMENTUM = '0.6';
    try {
      const outcome = await inProcess(
        'train',
        '--config',
        file,
        '--momentum',
        '0.7',
        '--print-config',
        '--json',
      );
      const { recipe, settings, parameters } = lastEvent(outcome) as never as {
        recipe: string;
        settings: { name: string; value: unknown; source: string }[];
        parameters: object;
      };
      const of = (name: string) => settings.find((one) => one.name === name);
      expect(recipe).toBe('xor');
      expect(parameters).toEqual({ 'model.hidden': 5 });
      expect(of('momentum')).toEqual({ name: 'momentum', value: 0.7, source: 'flag' });
      expect(of('seed')).toEqual({ name: 'seed', value: 4, source: 'environment' });
      expect(of('epochs')).toEqual({ name: 'epochs', value: 7, source: 'config' });
      expect(of('batchSize')).toEqual({ name: 'batchSize', value: 4, source: 'recipe' });
      expect(of('clipNorm')).toEqual({ name: 'clipNorm', value: 0, source: 'default' });
    } finally {
      delete process.env.AG_SEED;
      delete process.env.AG_MOMENTUM;
    }
  });
});

describe('agrad eval', () => {
  it('prints the figures of a run and of its weights, and keeps limits', async () => {
    const folder = join(scratch, 'judged');
    const trained = lastEvent(
      await inProcess('train', '--json', '--backend', 'reference', ...digits, '--out', folder),
    );
    const { loss, metrics } = trained.test as { loss: number; metrics: { accuracy: number } };
    for (const target of [
      folder,
      join(folder, 'weights.safetensors'),
      join(folder, 'checkpoints', 'step-00000008.safetensors'),
    ]) {
      const outcome = await inProcess(
        'eval',
        target,
        '--json',
        '--backend',
        'reference',
        '--fail-under',
        'accuracy=0.01',
      );
      expect(outcome.exitCode).toBe(0);
      expect(lastEvent(outcome)).toMatchObject({
        type: 'result',
        command: 'eval',
        examples: 50,
        loss,
        accuracy: metrics.accuracy,
        passed: true,
      });
    }
    const failed = await inProcess(
      'eval',
      folder,
      '--backend',
      'reference',
      '--fail-under',
      'accuracy=0.999',
    );
    expect(failed.exitCode).toBe(6);
    expect(failed.stderr).toMatch(/accuracy is [\d.]+, under the limit 0.999/);
    expect(
      (await inProcess('eval', folder, '--backend', 'reference', '--fail-over', 'loss=0')).exitCode,
    ).toBe(6);
    expect(
      (await inProcess('eval', folder, '--backend', 'reference', '--fail-under', 'accuracy')).exitCode,
    ).toBe(2);
  });
});

describe('agrad data', () => {
  it('lists the sets', async () => {
    const outcome = await inProcess('data', 'list', '--json', '--data-dir', scratch);
    expect(lastEvent(outcome)).toMatchObject({
      command: 'data list',
      sets: expect.arrayContaining([expect.objectContaining({ name: 'mnist' })]),
    });
    expect((await inProcess('data', 'list')).stdout).toMatch(/^digits +built in/m);
  });

  it('says where a set comes from and which files are here', async () => {
    writeFileSync(join(scratch, 'BostonHousing.csv'), bostonTable());
    const { exitCode, stdout } = await inProcess('data', 'info', 'boston', '--data-dir', scratch);
    expect(exitCode).toBe(0);
    expect(stdout).toContain(join(scratch, 'BostonHousing.csv'));
    expect((await inProcess('data', 'info', 'mnist', '--data-dir', join(scratch, 'none'))).stdout).toContain(
      'not here',
    );
  });
});

describe('agrad data preview', () => {
  const preview = (...given: readonly string[]) => inProcess('data', 'preview', ...given);

  it('shows images, points, and the columns of tables, without escape codes', async () => {
    writeMnist(scratch);
    const images = await preview('mnist', '--data-dir', scratch, '--count', '3');
    // The generated images are white in two of 28 rows by their label, from the top: the first three are 0, 1, 2.
    expect(images.stdout).toContain('mnist, train: 40 examples of 28×28 pixels, 10 classes');
    expect(images.stdout.trimEnd().split('\n').at(-1)).toMatch(/^0 +1 +2$/);
    const points = await preview('xor');
    expect(points.stdout).toContain('a 0\nb 1\n');
    expect(points.stdout).toMatch(/1 ┤b +a\n[\s\S]*0 ┤a +b\n/);
    const flowers = await preview('iris', '--count', '2');
    expect(flowers.stdout).toMatch(/sepal length +4\.3 +5\.843 +7\.9 .* 5\.1 +4\.9\n/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: escape codes are what is looked for
    expect(images.stdout + points.stdout + flowers.stdout).not.toMatch(/\u001b/);
  });

  it('draws samples by a seed, and writes pictures', async () => {
    writeMnist(scratch);
    const mnist = ['mnist', '--data-dir', scratch, '--count', '4'];
    const png = join(scratch, 'samples.png');
    expect(lastEvent(await preview(...mnist, '--out', png, '--json'))).toMatchObject({
      shown: 4,
      examples: 40,
      path: png,
    });
    // Two by two images of 28 pixels with a line between them.
    expect(decode(readFileSync(png))).toMatchObject({ width: 57, height: 57, channels: 1 });
    const [first, same, other] = [
      await preview(...mnist, '--seed', '1'),
      await preview(...mnist, '--seed', '1'),
      await preview(...mnist, '--seed', '2'),
    ];
    expect(same.stdout).toBe(first.stdout);
    expect(other.stdout).not.toBe(first.stdout);
    for (const name of ['digits', 'moons', 'iris', 'linear-regression']) {
      const svg = join(scratch, `${name}.svg`);
      expect((await preview(name, '--out', svg)).exitCode).toBe(0);
      expect(readFileSync(svg, 'utf8')).toMatch(/^<svg/);
    }
  });

  it.each([
    [['digitz'], 2, /Did you mean 'digits'\?/],
    [['xor', '--out', 'xor.png'], 2, /only images can be a PNG file/],
    [['xor', '--out', 'xor.gif'], 2, /ends in \.svg or \.png/],
    [['xor', '--count', '0'], 2, /--count 0: expected a whole number from 1/],
    [['xor', '--split', 'all'], 2, /expected one of train, test/],
    [['mnist', '--data-dir', '/nowhere'], 4, /nowhere/],
  ])('explains what is wrong with %j', async (given, exitCode, message) => {
    const outcome = await preview(...given);
    expect(outcome.stderr).toMatch(message);
    expect(outcome.exitCode).toBe(exitCode);
  });
});
