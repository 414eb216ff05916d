/** What pages meet: no module of Node is imported, and what needs one says what to use instead. */
import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { saveCheckpoints } from './callbacks/saveCheckpoints.ts';
import { tensorBoardLogger } from './callbacks/tensorBoard.ts';
import { loadCheckpoint } from './checkpoint.ts';
import { collect, line } from './testTools.ts';
import { serveTraining } from './worker.ts';

afterEach(() => vi.unstubAllGlobals());

describe('where there is no Node', () => {
  const instead = /files need Node, Bun or Deno.*encodeCheckpoint and decodeCheckpoint/;

  it.each([
    ['a checkpoint that is read', () => loadCheckpoint('run.safetensors', line())],
    [
      'checkpoints of a run',
      () => collect({ ...line(), epochs: 1, callbacks: [saveCheckpoints({ folder: 'run' })] }),
    ],
    ['logs of a run', () => collect({ ...line(), epochs: 1, callbacks: [tensorBoardLogger('run')] })],
  ])('%s ends with what to use instead', async (_, use) => {
    vi.stubGlobal('process', undefined);
    await expect(use()).rejects.toThrow(instead);
  });

  it('a page is told that it is no worker', async () => {
    vi.stubGlobal('process', undefined);
    vi.stubGlobal('document', {});
    vi.stubGlobal('postMessage', () => {});
    vi.stubGlobal('addEventListener', () => {});
    await expect(serveTraining(() => line() as never)).rejects.toThrow('serveTraining: this is no worker');
  });
});

it('no source imports a module of Node when it runs', () => {
  const folder = new URL('./', import.meta.url);
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.ts') && !/\.test\.ts$|testTools/.test(name),
  );
  expect(names.length).toBeGreaterThan(20);
  const importing = names.filter((name) => {
    const code = readFileSync(new URL(name, folder), 'utf8').replaceAll(/typeof import\('node:[^']*'\)/g, '');
    return /(from|import\()\s*'node:/.test(code);
  });
  expect(importing).toEqual([]);
});
