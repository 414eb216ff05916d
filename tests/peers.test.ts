/** Packages of others that tests fetch: pinned, kept outside of the workspace, and no error where there is no network. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
// @ts-expect-error: scripts of this repository have no declarations
import { peer, peerNames, peersFolder } from '../scripts/peers.mjs';
import { root } from './workspace.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ag-peers-'));
  vi.stubEnv('AG_PEERS', folder);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

it('are pinned by version and digest, and not by where they come from', () => {
  for (const name of readdirSync(join(root, 'scripts/peers'))) {
    const read = (file: string) => JSON.parse(readFileSync(join(root, 'scripts/peers', name, file), 'utf8'));
    for (const version of Object.values(read('package.json').dependencies))
      expect(version).toMatch(/^\d+\.\d+\.\d+$/);
    const { '': _root, ...packages } = read('package-lock.json').packages;
    for (const entry of Object.values<Record<string, unknown>>(packages)) {
      expect(entry.integrity).toMatch(/^sha512-/);
      expect(entry.resolved).toBeUndefined();
    }
  }
});

it('stay out of the manifests of the workspace', () => {
  const lock = readFileSync(join(root, 'pnpm-lock.yaml'), 'utf8');
  for (const name of ['webgpu@', 'onnxruntime-web@', '@jax-js/jax@', '@tensorflow/tfjs@'])
    expect(lock).not.toContain(`\n  '${name}`);
  expect(lock).not.toMatch(/^ {2}(?:webgpu|onnxruntime-web)@/m);
});

it('give a reason where there is no registry, and do not ask again at once', async () => {
  vi.stubEnv('npm_config_registry', 'http://127.0.0.1:9/');
  vi.stubEnv('npm_config_cache', join(folder, 'npm'));
  const { reason, folder: none } = await peer('jax-js');
  expect(none).toBeUndefined();
  expect(reason).toMatch(/^jax-js cannot be fetched \(.*127\.0\.0\.1:9/);
  expect(existsSync(join(folder, 'jax-js.lock'))).toBe(false);
  vi.stubEnv('npm_config_registry', 'http://127.0.0.1:10/');
  expect((await peer('jax-js')).reason).toBe(reason);
}, 60_000);

it('are not fetched where that is not wanted, and unknown names are errors', async () => {
  expect(peerNames()).toEqual(expect.arrayContaining(['webgpu', 'onnxruntime-web', 'deno', 'bun']));
  expect(peersFolder()).toBe(folder);
  vi.stubEnv('AG_PEERS', 'none');
  expect(await peer('webgpu')).toEqual({ reason: 'webgpu is not fetched (AG_PEERS=none)' });
  await expect(peer('webgl')).rejects.toThrow('there is no webgl; there are');
});
