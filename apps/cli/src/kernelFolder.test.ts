/** The folder of AG_CACHE: filled by one command, read by the next, and no matter when it cannot be. */
import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { outcomeOf, scratchFolder, start } from './testTools.ts';

const scratch = scratchFolder();

async function train(cache: string, out: string): Promise<Buffer> {
  const options = ['--backend', 'wasm', '--threads', '1', '--epochs', '20', '--seed', '1', '--quiet'];
  const child = start(['train', 'xor', ...options, '--out', join(scratch, out)], {
    env: { AG_CACHE: cache },
  });
  const { exitCode, stderr } = await outcomeOf(child);
  expect(stderr).toBe('');
  expect(exitCode).toBe(0);
  return readFileSync(join(scratch, out, 'weights.safetensors'));
}

describe('AG_CACHE', () => {
  it('keeps code that the next command uses, and does without what is damaged', {
    timeout: 120_000,
  }, async () => {
    const cache = join(scratch, 'code', 'kernels');
    const weights = await train(cache, 'first');
    const files = readdirSync(cache);
    expect(files.length).toBeGreaterThan(0);
    for (const name of files) expect(name).toMatch(/^[0-9a-f]{16}-[0-9a-f]{16}\.kernels$/);
    const written = files.map((name) => statSync(join(cache, name)).mtimeMs);
    expect(await train(cache, 'second')).toEqual(weights);
    expect(readdirSync(cache)).toEqual(files);
    expect(files.map((name) => statSync(join(cache, name)).mtimeMs)).toEqual(written);
    for (const name of files) truncateSync(join(cache, name), 100);
    expect(await train(cache, 'third')).toEqual(weights);
    expect(files.every((name) => statSync(join(cache, name)).size > 100)).toBe(true);
  });

  it('is no error where the folder cannot be made', { timeout: 120_000 }, async () => {
    const file = join(scratch, 'a file');
    writeFileSync(file, '');
    await train(file, 'fourth');
  });
});
