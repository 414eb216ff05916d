/** `--backend webgpu`, through Dawn on a software device, and what is said where there is none. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
// @ts-expect-error: scripts of this repository have no declarations
import { dawn, dawnEnvironment } from '../../../scripts/dawn.mjs';
import { exitCodes } from './failure.ts';
import { inProcess as agrad, outcomeOf, start } from './testTools.ts';

const found: { gpu?: GPU; reason?: string } = await dawn();
if (found.reason) console.log(`agrad on WebGPU is not tested: ${found.reason}`);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ag-webgpu-'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

/** Test runners and package managers may set NODE_PATH, through which other packages are found. */
const without = { AG_PEERS: '', NODE_PATH: '' };

describe('without npm webgpu', { timeout: 120_000 }, () => {
  it('training says what to install', async () => {
    const { exitCode, stderr } = await outcomeOf(
      start(['train', 'xor', '--backend', 'webgpu', '--out', join(folder, 'run')], { env: without }),
    );
    expect(exitCode).toBe(exitCodes.backend);
    expect(stderr).toContain('the webgpu backend does not run here: the npm package webgpu is not installed');
    expect(stderr).toContain('npm install webgpu');
  });

  it('doctor says what to install, and is content', async () => {
    const { exitCode, stdout } = await outcomeOf(start(['doctor'], { env: without }));
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/✗ WebGPU +no: the npm package webgpu is not installed\n +npm install webgpu/);
    expect(stdout).not.toContain('backend webgpu');
  });
});

describe.skipIf(found.gpu === undefined)('with Dawn', { timeout: 180_000 }, () => {
  beforeEach(() => {
    for (const [name, value] of Object.entries<string | undefined>(dawnEnvironment()))
      if (value !== undefined) vi.stubEnv(name, value);
  });

  it('doctor shows adapter, limits and features, and tests the backend', async () => {
    const { exitCode, stdout } = await agrad('doctor');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/WebGPU +\S.*, by npm webgpu 0\.6\.2/);
    expect(stdout).toMatch(/WebGPU limits +\d+ buffers a kernel, .* each; \d+ invocations/);
    expect(stdout).toMatch(/WebGPU features +\S/);
    expect(stdout).toMatch(/✓ backend webgpu +passes, [\d.]+ GFLOP\/s/);
  });

  it('trains as WebAssembly does, to four digits', async () => {
    const losses = async (backend: string): Promise<number[]> => {
      const { exitCode, stdout } = await agrad(
        ...['train', 'spirals', '--backend', backend, '--epochs', '2', '--json'],
        ...['--out', join(folder, backend)],
      );
      expect(exitCode).toBe(0);
      const events = stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
      const epochs = events.filter(({ type }) => type === 'epoch' || type === 'validation');
      expect(events.find(({ type }) => type === 'start')?.backend).toBe(backend);
      expect(epochs.length).toBeGreaterThan(1);
      return epochs.map(({ loss }) => loss);
    };
    const there = await losses('webgpu');
    const here = await losses('wasm');
    there.forEach((loss, i) => expect(loss).toBeCloseTo(here[i], 4));
  });

  it('refuses arithmetic that it does not promise', async () => {
    const { exitCode, stderr } = await agrad('train', 'xor', '--backend', 'webgpu', '--arithmetic', 'fused');
    expect(exitCode).toBe(exitCodes.backend);
    expect(stderr).toContain('--arithmetic fused: the webgpu backend does not promise it');
  });
});
