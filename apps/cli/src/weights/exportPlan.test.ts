/** Runs as modules of WebAssembly: answers, and whole trainings over again. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { wasmSupport } from '@ag/native-wasm';
import { loadSafetensors } from '@ag/nn';
import { beforeAll, describe, expect, it } from 'vitest';
import { inProcess, lastEvent, scratchFolder } from '../testTools.ts';
import { assemble } from '../training/assemble.ts';
import { describeWeights, loadTrained } from './trained.ts';

process.env.AG_OFFLINE = '1';
const run = join(scratchFolder(), 'run');
// The command switches it on where Node 20 has it behind a flag.
const loaded = async (name: string) =>
  (await import(/* @vite-ignore */ pathToFileURL(join(run, name)).href)).load();

beforeAll(async () => {
  const sets = ['data.train=200', 'data.test=50', 'model.hidden=[16]'].flatMap((one) => ['--set', one]);
  const settings = ['--optimizer', 'adam', '--schedule', 'cosine', '--batch-size', '50', '--clip-norm', '1'];
  const given = ['train', 'digits', '--backend', 'wasm', '--threads', '1', ...sets, ...settings];
  const { exitCode, stderr } = await inProcess(...given, '--epochs', '3', '--out', run);
  expect(stderr).not.toContain('Error');
  expect(exitCode).toBe(0);
}, 60_000);

describe('agrad export --wasm', () => {
  it('writes a module that answers as the network does, its types and its weights', async () => {
    const out = join(run, 'net.wasm');
    const outcome = await inProcess('export', run, out, '--max-batch', '4', '--verify', '--beside', '--json');
    expect(lastEvent(outcome)).toMatchObject({ path: out, format: 'wasm', passed: true });
    expect(statSync(join(run, 'net.bin')).size).toBeGreaterThan(4 * 16 * 784);
    expect(readFileSync(join(run, 'net.d.ts'), 'utf8')).toContain('/** float32 [batch, ');
    const plan = await loaded('net.js');
    expect(Object.keys(plan.state)).toContain('0.weight');
  });

  it('writes a step that trains to the weights of the run', async () => {
    const out = join(run, 'step.wasm');
    const arithmetic = wasmSupport().relaxedSimd.available ? 'fused' : 'separate';
    const outcome = await inProcess('export', run, out, '--train', '--arithmetic', arithmetic, '--json');
    expect(lastEvent(outcome)).toMatchObject({ path: out, format: 'wasm', steps: 12 });
    const plan = await loaded('step.js');
    const asking = { target: run, recipe: undefined, settings: {} };
    const trained = await describeWeights(asking, 'export', undefined as never);
    const { prepared } = await loadTrained(trained);
    const { trainLoader } = await assemble(prepared, trained.settings);
    for (let epoch = 0; epoch < 3; epoch++) {
      for await (const { x, y } of trainLoader) plan.run({ x: await x.data(), y: await y.data() });
    }
    const { tensors } = loadSafetensors(readFileSync(join(run, 'weights.safetensors')));
    for (const [name, value] of Object.entries(tensors)) expect(plan.state[name]).toEqual(await value.data());
    expect(Object.keys(plan.state)).toContain('0.weight.mean');
  });

  it('says what does not fit together', async () => {
    const refused = async (...given: string[]) => {
      const { exitCode, stderr } = await inProcess('export', run, ...given);
      expect(exitCode).toBe(2);
      return stderr;
    };
    expect(await refused('--npz', '--train')).toContain('--train: only WebAssembly takes it');
    expect(await refused('--wasm', '--train', '--max-batch', '3')).toContain(
      '--max-batch: not of a training step',
    );
  });
});
