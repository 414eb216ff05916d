/**
 * The recipes' promises, on real data where AG_DATA_DIR names them. The longer generated ones run with AG_TEST=full.
 * Limits are those that published runs of the same networks reach.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inProcess, lastEvent, scratchFolder } from './testTools.ts';

const data = process.env.AG_DATA_DIR;
const full = process.env.AG_TEST === 'full';
const has = (...names: readonly string[]): boolean =>
  data !== undefined && names.some((name) => existsSync(join(data, name)));
const scratch = scratchFolder();
let runs = 0;

async function trained(...given: readonly string[]): Promise<Record<string, unknown> & { run: string }> {
  const outcome = await inProcess(
    'train',
    ...given,
    '--json',
    '--quiet',
    '--out',
    join(scratch, String(runs++)),
  );
  expect(outcome.stderr).toBe('');
  const events = outcome.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const losses = events.filter((event) => event.type === 'epoch').map((event) => event.loss as number);
  const last = losses.slice(-100);
  return {
    ...lastEvent(outcome),
    first: losses[0],
    mean: last.reduce((sum, loss) => sum + loss, 0) / last.length,
  } as never;
}

describe.skipIf(!has('mnist', 'train-images-idx3-ubyte.gz'))('MNIST', () => {
  it('784-50-100-10 reaches 97 % within 15 epochs, and eval says so', { timeout: 600_000 }, async () => {
    const { run } = await trained('mnist');
    expect((await inProcess('eval', run, '--fail-under', 'accuracy=0.97')).exitCode).toBe(0);
  });
});

// Some ten minutes on two cores.
describe.skipIf(!full || !has('mnist', 'train-images-idx3-ubyte.gz'))('MNIST by convolutions', () => {
  it.each([
    ['cnn', 0.99],
    ['augmented', 0.994],
  ])('mnist %s reaches %d with its own settings', { timeout: 3_600_000 }, async (name, accuracy) => {
    const { run } = await trained('mnist', name, '--seed', '1');
    expect((await inProcess('eval', run, '--fail-under', `accuracy=${accuracy}`)).exitCode).toBe(0);
  });
});

describe.skipIf(!has('boston', 'BostonHousing.csv'))('Boston housing', () => {
  it('13-10-1 keeps a mean training loss of 4.5 for every seed, 3.7 for most', {
    timeout: 600_000,
  }, async () => {
    const means: number[] = [];
    for (const seed of full ? [0, 1, 2, 3, 4, 5] : [0, 1, 2])
      means.push((await trained('boston', '--seed', String(seed))).mean as number);
    for (const mean of means) expect(mean).toBeLessThanOrEqual(4.5);
    expect(means.filter((mean) => mean <= 3.7).length).toBeGreaterThan(means.length / 2);
  });

  it('2-10-1 keeps 17.5', { timeout: 600_000 }, async () => {
    expect((await trained('boston-2d')).mean).toBeLessThanOrEqual(17.5);
  });
});

describe.skipIf(!full)('generated data', () => {
  it('digits: at least 95 %', { timeout: 600_000 }, async () => {
    const { test } = (await trained('digits')) as never as { test: { metrics: { accuracy: number } } };
    expect(test.metrics.accuracy).toBeGreaterThanOrEqual(0.95);
  });

  it('two-layer: from tens of thousands to below 10', { timeout: 600_000 }, async () => {
    const { first, test } = (await trained('two-layer')) as never as {
      first: number;
      test: { loss: number };
    };
    expect(first).toBeGreaterThan(10_000);
    expect(test.loss).toBeLessThan(10);
  });
});
