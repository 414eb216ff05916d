/** A run, its receipt, and questions that nobody thought of while it trained, by the command. */
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Receipt, StepEvent } from '@ag/train';
import { beforeAll, describe, expect, it } from 'vitest';
import { readEvents } from '../runs/eventLog.ts';
import { runPaths } from '../runs/folder.ts';
import { inProcess, lastEvent, scratchFolder } from '../testTools.ts';

const folder = scratchFolder();
const run = join(folder, 'run');
const small = ['--set', 'data.train=600', '--set', 'data.test=60', '--epochs', '6', '--batch-size', '40'];
const receiptOf = (path: string): Receipt => JSON.parse(readFileSync(runPaths(path).receipt, 'utf8'));

beforeAll(async () => {
  const given = ['train', 'digits', '--out', run, ...small, '--threads', '1', '--arithmetic', 'separate'];
  expect((await inProcess(...given)).exitCode).toBe(0);
});

describe('agrad verify', () => {
  it('finds the same training equal, whatever the number of threads', async () => {
    for (const threads of ['1', '2', '3']) {
      const { exitCode, stdout } = await inProcess('verify', run, '--threads', threads);
      expect(stdout).toMatch(/^equal: 90 steps, 2 hashes of weights \(wasm, separate arithmetic/);
      expect(exitCode).toBe(0);
    }
  });

  it('takes a file, an address, a part', async () => {
    const { receipt } = runPaths(run);
    expect(lastEvent(await inProcess('verify', receipt, '--json'))).toMatchObject({ equal: true, to: 90 });
    const server = createServer((_, response) => response.end(readFileSync(receipt))).listen(0, '127.0.0.1');
    try {
      await new Promise((resolve) => server.once('listening', resolve));
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/receipt.json`;
      expect((await inProcess('receipt', url)).stdout).toContain(receiptOf(run).weights.final.hash);
    } finally {
      server.close();
    }
    const part = lastEvent(await inProcess('verify', run, '--steps', '50..60', '--json'));
    expect(part).toMatchObject({ equal: true, to: 90 });
  });

  it('reads of an address and of a file no more than a receipt can be', async () => {
    const block = Buffer.alloc(2 ** 20, 'x');
    let sent = 0;
    const server = createServer((_, response) => {
      const more = (): void => {
        if (response.destroyed) return;
        sent += block.length;
        response.write(block, more);
      };
      more();
    }).listen(0, '127.0.0.1');
    try {
      await new Promise((resolve) => server.once('listening', resolve));
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
      const { exitCode, stderr } = await inProcess('verify', url);
      expect(exitCode).not.toBe(0);
      expect(stderr).toContain('it is too long for a receipt');
      expect(sent).toBeLessThan(2 ** 26);
    } finally {
      server.closeAllConnections();
      server.close();
    }
    const long = join(folder, 'long.json');
    writeFileSync(long, Buffer.alloc(2 ** 24 + 1, ' '));
    expect((await inProcess('verify', long)).stderr).toContain('is too long for a receipt');
  });

  it('tells another training from it', async () => {
    const other = join(folder, 'other.json');
    const receipt = receiptOf(run);
    const recipe = receipt.recipe as { settings: object };
    const settings = { ...recipe.settings, seed: 1 };
    writeFileSync(other, JSON.stringify({ ...receipt, recipe: { ...recipe, settings } }));
    const { exitCode, stdout } = await inProcess('verify', other);
    expect(exitCode).toBe(6);
    expect(stdout).toMatch(/other weights at the beginning: 0\.weight/);
    const { stderr } = await inProcess('verify', join(folder, 'nothing'));
    expect(stderr).toMatch(/there is no such run or receipt/);
  });

  it('finds where two runs part', async () => {
    const other = join(folder, 'other');
    await inProcess(
      'train',
      'digits',
      '--out',
      other,
      ...small,
      '--clip-norm',
      '0.5',
      '--arithmetic',
      'separate',
    );
    const { exitCode, stdout } = await inProcess('verify', run, '--against', other);
    expect(exitCode).toBe(6);
    expect(stdout).toMatch(
      /the first step that differs is \d+, in the update of the weights\nweights that differ/,
    );
  });
});

describe('agrad runs ask', () => {
  it('computes what was not recorded, and what was as it was recorded', async () => {
    const logged = readEvents(runPaths(run).events).filter(
      (event): event is StepEvent => event.type === 'step',
    );
    const ask = (...given: string[]) => inProcess('runs', 'ask', run, ...given, '--json').then(lastEvent);
    const losses = await ask('loss', '--steps', '1..90', '--every', '1');
    expect(losses.values).toEqual(logged.map(({ loss }) => loss));
    const measured = logged.find(({ gradientNorms, step }) => gradientNorms && step > 20)!;
    const { values } = await ask('norm(grad(0.weight))', '--steps', `${measured.step}..${measured.step}`);
    expect((values as number[])[0] / measured.gradientNorms!['0.weight']).toBeCloseTo(1, 5);
    const ratio = await ask('2 * -norm(update(0.weight)) / (1 + norm(weight(0.weight)))', '--every', '30');
    expect(ratio.steps).toEqual([1, 31, 61]);
    expect(ratio.values).toEqual(Array(3).fill(expect.any(Number)));
    // A sigmoid is between 0 and 1.
    const { values: means } = await ask('mean(activation(1))', '--steps', '40..40');
    expect((means as number[])[0]).toBeGreaterThan(0);
    expect((means as number[])[0]).toBeLessThan(1);
  });

  it('says what is no question', async () => {
    const ask = async (question: string) =>
      (await inProcess('runs', 'ask', run, question, '--steps', '1..1')).stderr;
    expect(await ask('norm(grad(0.weight)')).toMatch(/expected '\)' at character 20, found nothing/);
    expect(await ask('grad(0.weight)')).toMatch(
      /is an array \[50, 784\], not a number\n.*norm\(grad\(0.weight\)\)/,
    );
    expect(await ask('nrm(grad(0.weight))')).toMatch(/no function 'nrm'\nDid you mean 'norm'/);
    expect(await ask('norm(grad(0.wight))')).toMatch(/did you mean '0.weight'/);
    expect(await ask('acuracy')).toMatch(/no 'acuracy' of a step/);
  });
});
