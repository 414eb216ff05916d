/**
 * Every example runs to its end and says what its first lines promise.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';

const folder = import.meta.dirname;
const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;

function run(file: string): string {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--conditions=@ag/source', '--import', tsx, join(folder, file)],
    { encoding: 'utf8' },
  );
  expect(status, stderr).toBe(0);
  return stdout;
}

describe('examples', () => {
  for (const file of readdirSync(folder).filter((name) => /^\d\d-.*\.ts$/.test(name))) {
    it(`${file} runs`, () => {
      expect(run(file).length).toBeGreaterThan(0);
    }, 120_000);
  }

  it('01: prints an order in which inputs come first, and a loss that falls at each of ten steps', () => {
    const text = run('01-scalar-graph.ts');
    const order = /topological order: (.*)/.exec(text)![1]!.split(' → ');
    for (const [before, after] of [['x (placeholder)', 'mul'], ['k (trainable)', 'mul'], ['mul', 'add'], ['b (trainable)', 'add'], ['add', 'sigmoid'], ['sigmoid', 'sub'], ['sub', 'square']]) {
      expect(order.indexOf(before!), before).toBeGreaterThanOrEqual(0);
      expect(order.indexOf(before!)).toBeLessThan(order.indexOf(after!));
    }
    const losses = [...text.matchAll(/loss (\d\.\d+)/g)].map((match) => Number(match[1]));
    expect(losses).toHaveLength(10);
    losses.slice(1).forEach((loss, i) => expect(loss).toBeLessThan(losses[i]!));
  });
});
