/** Whatever is wrong ends with a message that helps, the right exit code, and nothing lost. */
import { existsSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import {
  bostonHeader,
  bostonTable,
  idx,
  inProcess,
  lastEvent,
  scratchFolder,
  writeMnist,
} from './testTools.ts';

process.env.AG_OFFLINE = '1';
const scratch = scratchFolder();
let folders = 0;
function newFolder(): string {
  const folder = join(scratch, String(folders++));
  mkdirSync(folder);
  return folder;
}
const small = ['--backend', 'reference', '--epochs', '1', '--batch-size', '4'];
const mnist = (folder: string) =>
  inProcess('train', 'mnist', ...small, '--data-dir', folder, '--out', join(folder, 'run'));

describe('wrong data', () => {
  it('a missing folder', async () => {
    const { exitCode, stderr } = await mnist(join(scratch, 'nowhere'));
    expect(exitCode).toBe(4);
    expect(stderr).toContain(join(scratch, 'nowhere'));
  });

  it('a folder without the files', async () => {
    const { exitCode, stderr } = await mnist(newFolder());
    expect(exitCode).toBe(4);
    // Both splits are read at once; either may be missed first.
    expect(stderr).toMatch(/(train|t10k)-images-idx3-ubyte\.gz/);
    expect(stderr).toContain("'agrad data get mnist' downloads it.");
  });

  it('a truncated gzip', async () => {
    const folder = newFolder();
    writeMnist(folder);
    const file = join(folder, 'train-images-idx3-ubyte.gz');
    truncateSync(file, readFileSync(file).length - 30);
    const { exitCode, stderr } = await mnist(folder);
    expect(exitCode).toBe(4);
    expect(stderr).toContain(file);
    expect(existsSync(join(folder, 'run'))).toBe(false);
  });

  it('a wrong magic number', async () => {
    const folder = newFolder();
    writeMnist(folder);
    writeFileSync(join(folder, 't10k-labels-idx1-ubyte.gz'), gzipSync(Buffer.from('no labels at all')));
    const { exitCode, stderr } = await mnist(folder);
    expect(exitCode).toBe(4);
    expect(stderr).toMatch(/t10k-labels-idx1-ubyte\.gz.*expected.*found/);
  });

  it('counts of images and labels that differ', async () => {
    const folder = newFolder();
    writeMnist(folder);
    writeFileSync(join(folder, 'train-labels-idx1-ubyte.gz'), gzipSync(idx([39], new Uint8Array(39))));
    const { exitCode, stderr } = await mnist(folder);
    expect(exitCode).toBe(4);
    expect(stderr).toMatch(/40.*39/);
  });

  it.each([
    ['a missing column', bostonTable().replace(/lstat/, 'other'), /lstat/],
    ['text in a number', bostonTable().replace(/\n[\d.]+,/, '\nmany,'), /many/],
    ['no rows', `${bostonHeader}\n`, /BostonHousing\.csv|empty/],
  ])('a table with %s', async (_, table, message) => {
    const folder = newFolder();
    writeFileSync(join(folder, 'BostonHousing.csv'), table);
    const { exitCode, stderr } = await inProcess('train', 'boston', ...small, '--data-dir', folder);
    expect([3, 4]).toContain(exitCode);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/\n\s+at /);
  });
});

describe('wrong settings', () => {
  it.each([
    [['--batch-size', '0'], 3, /--batch-size: expected a whole number from 1, got "0"/],
    [['--threads', '9'], 3, /--threads: expected a whole number from 1 to 8, or 'auto', got "9"/],
    [['--batch-size', '5'], 3, /--batch-size: 5 is more than the 4 training examples/],
    [['--learning-rate', 'NaN'], 3, /--learning-rate: expected a finite number from 0, got "NaN"/],
    [['--learning-rate', '-1'], 3, /--learning-rate/],
    [['--epochs', '1e99'], 3, /--epochs/],
    [['--seed', '1.5'], 3, /--seed/],
    [['--optimizer', 'adan'], 3, /Did you mean 'adam'\?/],
    [['--set', 'model.hiden=3'], 3, /no such parameter\nDid you mean 'model.hidden'\?/],
    [['--set', 'model.hidden=zero'], 3, /--set model.hidden: expected a whole number above 0, got "zero"/],
    [['--set', 'nothing'], 2, /expected name=value/],
    [['--epcohs', '3'], 2, /unknown option '--epcohs'\nDid you mean --epochs\?/],
    [['--epochs'], 2, /argument missing/],
    [['--config', 'nowhere.json'], 3, /no such config file/],
  ])('xor %j ends with %i', async (flags, expected, message) => {
    const { exitCode, stderr } = await inProcess(
      'train',
      'xor',
      '--backend',
      'reference',
      '--out',
      join(scratch, 'x'),
      ...flags,
    );
    expect(stderr).toMatch(message);
    expect(exitCode).toBe(expected);
    expect(existsSync(join(scratch, 'x'))).toBe(false);
  });

  it('names the source of a value that makes no sense', async () => {
    process.env.AG_EPOCHS = 'many';
    try {
      const { exitCode, stderr } = await inProcess('train', 'xor');
      expect(exitCode).toBe(3);
      expect(stderr).toContain('AG_EPOCHS: expected a whole number from 0, got "many"');
    } finally {
      delete process.env.AG_EPOCHS;
    }
    const file = join(newFolder(), 'config.json');
    writeFileSync(file, '{"epochs": -1}');
    expect((await inProcess('train', 'xor', '--config', file)).stderr).toContain('config file: epochs');
    writeFileSync(file, '{"epocks": 1}');
    expect((await inProcess('train', 'xor', '--config', file)).stderr).toContain("Did you mean 'epochs'?");
    writeFileSync(file, '{');
    expect((await inProcess('train', 'xor', '--config', file)).stderr).toContain('is not JSON');
  });

  it('suggests recipes, commands and data sets', async () => {
    expect(await inProcess('train', 'minst')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("Did you mean 'mnist mlp'?"),
    });
    expect(await inProcess('trian')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('Did you mean train?'),
    });
    expect(await inProcess('data', 'info', 'bosten')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("Did you mean 'boston'?"),
    });
    expect(await inProcess('frobnicate')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("See 'agrad --help'."),
    });
    expect(await inProcess('runs', 'show', '--json')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("See 'agrad runs show --help'."),
    });
    expect(await inProcess('eval')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('missing required argument'),
    });
  });

  it('an output folder that cannot be written', async () => {
    const file = join(newFolder(), 'file');
    writeFileSync(file, 'kept');
    const { exitCode, stderr } = await inProcess('train', 'xor', ...small, '--out', join(file, 'run'));
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(/cannot be written.*\nName another one with --out/);
    expect(readFileSync(file, 'utf8')).toBe('kept');
  });

  it('an output folder that holds a run, which stays as it is', async () => {
    const folder = join(newFolder(), 'run');
    expect((await inProcess('train', 'xor', ...small, '--out', folder)).exitCode).toBe(0);
    const before = readFileSync(join(folder, 'weights.safetensors'));
    const { exitCode, stderr } = await inProcess('train', 'xor', ...small, '--seed', '5', '--out', folder);
    expect(exitCode).toBe(3);
    expect(stderr).toContain(`agrad train --resume ${folder}`);
    expect(readFileSync(join(folder, 'weights.safetensors')).equals(before)).toBe(true);
  });
});

describe('a loss that is not finite', () => {
  it('ends with 5, names step, rate and remedies, and keeps the last checkpoint', async () => {
    const folder = join(newFolder(), 'run');
    const shape = ['data.count=8', 'model.inputs=20', 'model.hidden=5', 'model.outputs=2'].flatMap((one) => [
      '--set',
      one,
    ]);
    const given = [
      '--batch-size',
      '8',
      '--learning-rate',
      '1e20',
      '--backend',
      'reference',
      '--checkpoint-every',
      '1',
    ];
    const outcome = await inProcess('train', 'two-layer', ...given, ...shape, '--json', '--out', folder);
    expect(outcome.exitCode).toBe(5);
    expect(lastEvent(outcome)).toMatchObject({ type: 'error', kind: 'numerical', exitCode: 5 });
    expect(outcome.stderr).toMatch(
      /the loss is (NaN|Infinity) at step \d+ \(epoch \d+, learning rate 100000000000000000000\)/,
    );
    expect(outcome.stderr).toContain(`agrad train --resume ${folder} --learning-rate`);
    expect(readdirSync(join(folder, 'checkpoints')).length).toBeGreaterThan(0);
  });

  it('names the operation, its operands and the phase with --detect-anomaly', async () => {
    const given = ['--learning-rate', '1e20', '--batch-size', '8', '--backend', 'reference'];
    const shape = ['data.count=8', 'model.inputs=20', 'model.hidden=5'].flatMap((one) => ['--set', one]);
    const outcome = await inProcess(
      'train',
      'two-layer',
      ...given,
      ...shape,
      '--detect-anomaly',
      '--out',
      join(newFolder(), 'run'),
    );
    expect(outcome.exitCode).toBe(5);
    expect(outcome.stderr).toMatch(
      /detectAnomaly: \w+ gives values that are not finite in the (forward|backward) /,
    );
    expect(outcome.stderr).toMatch(/of its result \[/);
  });
});

describe('files that are not what they should be', () => {
  it.each([
    ['eval', 'FILE'],
    ['convert', 'FILE.npz', 'weights.json'],
    ['predict', 'FILE', 'image.png'],
    ['runs', 'show', 'FILE'],
    ['runs', 'plot', 'FILE'],
    ['train', '--resume', 'FILE'],
    ['bench', '--compare', 'FILE'],
  ])('%s with one that does not exist', async (...given) => {
    const { exitCode, stderr } = await inProcess(
      ...given.map((word) => word.replace('FILE', join(scratch, 'absent'))),
    );
    expect(stderr).toMatch(/absent.*there is no such/);
    expect(exitCode).toBe(4);
  });

  it('an image to predict that does not exist', async () => {
    const folder = join(newFolder(), 'run');
    await inProcess('train', 'xor', ...small, '--out', folder);
    const { exitCode, stderr } = await inProcess(
      'predict',
      folder,
      join(scratch, 'absent.png'),
      '--backend',
      'reference',
    );
    expect(stderr).toContain('absent.png: there is no such file');
    expect(exitCode).toBe(4);
  });

  it('weights', async () => {
    const folder = newFolder();
    const file = join(folder, 'weights.safetensors');
    expect((await inProcess('eval', file)).exitCode).toBe(4);
    writeFileSync(file, 'no weights');
    expect(await inProcess('eval', file)).toMatchObject({
      exitCode: 7,
      stderr: expect.stringContaining(file),
    });
    expect(await inProcess('eval', folder)).toMatchObject({
      exitCode: 4,
      stderr: expect.stringContaining('is not a run'),
    });
    writeFileSync(join(folder, 'config.json'), '{"version": 99}');
    expect((await inProcess('eval', folder)).exitCode).toBe(7);
  });

  it('weights of another model', async () => {
    const folder = newFolder();
    await inProcess('train', 'xor', ...small, '--out', join(folder, 'run'));
    const weights = join(folder, 'run', 'weights.safetensors');
    const { exitCode, stderr } = await inProcess(
      'eval',
      weights,
      '--recipe',
      'spirals',
      '--backend',
      'reference',
    );
    expect(exitCode).toBe(7);
    expect(stderr).toMatch(/does not fit the model of 'spirals'/);
  });

  it('checkpoints: a damaged one is left out, the one before is taken', async () => {
    const folder = join(newFolder(), 'run');
    const given = [
      'train',
      'xor',
      '--backend',
      'reference',
      '--epochs',
      '4',
      '--checkpoint-every',
      '1',
      '--out',
      folder,
    ];
    await inProcess(...given);
    const [, newest] = readdirSync(join(folder, 'checkpoints')).sort();
    truncateSync(join(folder, 'checkpoints', newest), 500);
    const { exitCode, stderr } = await inProcess('train', '--resume', folder, '--backend', 'reference');
    expect(exitCode).toBe(0);
    expect(stderr).toContain(`${newest}: `);
    expect(stderr).toContain('resuming at step 3');
  });
});
