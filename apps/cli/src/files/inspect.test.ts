/** `agrad inspect` and `agrad convert`: files of every format, whole and damaged. */
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { placeholder } from '@ag/graph';
import * as nn from '@ag/nn';
import { exportOnnx, loadOnnx, onnxTensors } from '@ag/onnx';
import { manualSeed, tensor } from '@ag/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import { inProcess, lastEvent, type Outcome, scratchFolder } from '../testTools.ts';
import { allNumbers, openModelFile } from './modelFile.ts';

const scratch = scratchFolder();
const at = (name: string): string => join(scratch, name);

/** numpy: a = np.array([[1, -2.5, 0], [4, 0, 1e3]], np.float32); a.mean(), a.std() */
const numbers = [1, -2.5, 0, 4, 0, 1000];
const expected = { min: -2.5, max: 1000, mean: 167.08333333333334, std: 372.49657902977964, zeros: 2 };

manualSeed(1);
const model = nn.sequential(nn.conv2d(1, 2, 3), nn.batchNorm2d(2), nn.relu(), nn.flatten(), nn.linear(32, 3));
const state = { weight: tensor(numbers, { shape: [2, 3] }), step: tensor([7], { dtype: 'int32' }) };

beforeAll(async () => {
  writeFileSync(at('w.safetensors'), await nn.saveSafetensors(state, { metadata: { author: 'me' } }));
  writeFileSync(at('w.npz'), await nn.saveNpz(state));
  writeFileSync(at('w.npy'), await nn.saveNpy(state.weight));
  writeFileSync(at('w.pt'), await nn.saveTorch(state));
  writeFileSync(at('half.safetensors'), await nn.saveSafetensors(state, { floats: 'BF16' }));
  const inputs = { x: placeholder([null, 1, 6, 6]) };
  writeFileSync(at('net.onnx'), await exportOnnx(model, { inputs }));
  await inProcess('convert', at('w.safetensors'), at('w.json'));
});

interface Inspected {
  readonly tensors: readonly {
    name: string;
    dtype: string;
    shape: number[];
    statistics: Record<string, number>;
  }[];
}

const inspected = async (...given: string[]): Promise<Inspected & Record<string, unknown>> => {
  const outcome = await inProcess('inspect', ...given, '--json');
  expect(outcome.stderr).toBe('');
  return lastEvent(outcome) as never;
};

describe('agrad inspect', () => {
  it.each(['w.safetensors', 'w.npz', 'w.npy', 'w.pt', 'w.json'])('reads %s', async (name) => {
    const { tensors, format } = await inspected(at(name));
    expect(format).toBe({ pt: 'torch' }[name.slice(2)] ?? name.slice(2));
    const weight = tensors.find((one) => one.shape.length === 2)!;
    expect([weight.dtype, weight.shape]).toEqual(['float32', [2, 3]]);
    for (const [key, value] of Object.entries(expected)) expect(weight.statistics[key]).toBeCloseTo(value, 6);
    if (name !== 'w.npy')
      expect(tensors.find((one) => one.name === 'step')).toMatchObject({ dtype: 'int32', shape: [1] });
  });

  it('shows a table, metadata, and what is not finite', async () => {
    const { stdout } = await inProcess('inspect', at('w.safetensors'));
    expect(stdout).toContain('safetensors, ');
    expect(stdout).toMatch(/2 tensors, 7 parameters\nmetadata:\n {2}author {2}me\n/);
    expect(stdout).toMatch(/^weight +float32 +2×3 +-2.5 +1000 +167.1 +372.5 +33 %$/m);
    writeFileSync(at('odd.npy'), await nn.saveNpy(tensor([1, Number.NaN, Number.POSITIVE_INFINITY, 0])));
    const odd = (await inProcess('inspect', at('odd.npy'))).stdout;
    expect(odd).toMatch(/NaN +∞$/m);
    expect(odd).toMatch(/^odd +float32 +4 +0 +1 +0.5 +0.5 +25 % +1 +1$/m);
    expect((await inProcess('inspect', at('half.safetensors'))).stdout).toContain('bfloat16');
    expect((await inProcess('inspect', at('w.npz'), '--no-statistics')).stdout).toMatch(
      /^weight +float32 +2×3 +24 B$/m,
    );
  });

  it('prints the numbers of a tensor', async () => {
    const { stdout } = await inProcess('inspect', at('half.safetensors'), '--tensor', 'weight');
    expect(stdout).toContain(
      '[[   1. ,   -2.5,    0. ],\n        [   4. ,    0. , 1000. ]], shape=[2, 3], dtype=bfloat16)',
    );
    const { values } = await inspected(at('w.pt'), '--tensor', 'step');
    expect(values).toEqual([7]);
    const missing = await inProcess('inspect', at('w.pt'), '--tensor', 'wieght');
    expect([missing.exitCode, missing.stderr]).toEqual([
      2,
      expect.stringContaining("Did you mean 'weight'?"),
    ]);
  });

  it('says what an ONNX file is, and counts its operations', async () => {
    const file = await inspected(at('net.onnx'), '--shape', '2,1,6,6');
    const { flops, inputs, opsets, operators } = file.onnx as Record<string, unknown>;
    expect(inputs).toEqual([{ name: 'x', type: 'float32', shape: ['batch', 1, 6, 6] }]);
    expect(opsets).toEqual({ '': 18 });
    expect(operators).toMatchObject({ Conv: 1, Gemm: 1 });
    // Convolution: 2·2·4·4 outputs of 9 products and a bias; product: 2·3 of 32. The rest is one for an element.
    expect(Number(flops)).toBeGreaterThan(2 * 64 * 9 + 2 * 6 * 32);
    expect(Number(flops)).toBeLessThan(2 * 64 * 9 + 2 * 6 * 32 + 700);
    const text = (await inProcess('inspect', at('net.onnx'), '--shape', 'x=2,1,6,6', '--nodes')).stdout;
    expect(text).toMatch(/^Conv +1 +1,216 /m);
    expect(text).toMatch(/^0\/Conv_1 +Conv +\[2, 1, 6, 6\] \[2, 1, 3, 3\] \[2\] +\[2, 2, 4, 4\] +1,216$/m);
    const open = (await inProcess('inspect', at('net.onnx'))).stdout;
    expect(open).toContain('operations are counted with --shape x=1,1,6,6');
    const wrong = await inProcess('inspect', at('net.onnx'), '--shape', 'x=1,1,7');
    expect([wrong.exitCode, wrong.stderr]).toEqual([
      2,
      expect.stringContaining('needs x: float32 [batch, 1, 6, 6], got [1, 1, 7]'),
    ]);
    expect((await inProcess('inspect', at('net.onnx'), '--shape', 'y=1')).stderr).toContain(
      'there is no such input',
    );
  });

  it('reads several files by their index', async () => {
    const folder = at('shards');
    mkdirSync(folder);
    writeFileSync(join(folder, 'a.safetensors'), await nn.saveSafetensors({ weight: state.weight }));
    writeFileSync(join(folder, 'b.safetensors'), await nn.saveSafetensors({ step: state.step }));
    const index = (map: object) =>
      writeFileSync(
        join(folder, 'model.safetensors.index.json'),
        JSON.stringify({ metadata: { total_size: 28 }, weight_map: map }),
      );
    index({ weight: 'a.safetensors', step: 'b.safetensors' });
    const { tensors, metadata } = await inspected(folder);
    expect(tensors.map(({ name }) => name)).toEqual(['weight', 'step']);
    expect(metadata).toMatchObject({ total_size: '28' });
    expect(
      (await inProcess('convert', join(folder, 'model.safetensors.index.json'), at('one.npz'))).exitCode,
    ).toBe(0);
    for (const [map, message, exitCode] of [
      [{ weight: 'a.safetensors', step: 'c.safetensors' }, 'names c.safetensors', 4],
      [{ weight: 'a.safetensors', step: '../b.safetensors' }, 'is not beside it', 7],
      [
        { weight: 'b.safetensors', step: 'a.safetensors' },
        "a.safetensors holds 'weight', which the index gives b.safetensors",
        7,
      ],
      [
        { weight: 'a.safetensors', step: 'b.safetensors', more: 'b.safetensors' },
        "'more' is not in b.safetensors",
        7,
      ],
    ] as const) {
      index(map);
      const outcome = await inProcess('inspect', folder);
      expect([outcome.exitCode, outcome.stderr]).toEqual([exitCode, expect.stringContaining(message)]);
    }
  });

  it('reads a large file part by part', async () => {
    const count = 2_500_000;
    const values = Float32Array.from({ length: count }, (_, i) => (i % 7) - 3);
    writeFileSync(at('large.safetensors'), await nn.saveSafetensors({ a: tensor(values) }));
    const { tensors } = await openModelFile(at('large.safetensors'));
    let parts = 0;
    for await (const part of tensors[0].parts()) {
      expect(part.length).toBeLessThanOrEqual(2 ** 20);
      parts++;
    }
    expect(parts).toBe(3);
    const { min, max, mean, zeros } = await nn.statisticsOf(tensors[0]);
    const sum = values.reduce((total, x) => total + x, 0);
    expect([min, max, zeros]).toEqual([-3, 3, values.filter((x) => x === 0).length]);
    expect(mean).toBeCloseTo(sum / count, 12);
    expect((await allNumbers(tensors[0]))[count - 1]).toBe(values[count - 1]);
  });

  it('says what is wrong with damaged files, with exit code 7', async () => {
    for (const name of ['w.safetensors', 'w.npz', 'w.npy', 'w.pt', 'net.onnx', 'w.json']) {
      const path = at(`cut-${name}`);
      writeFileSync(path, readFileSync(at(name)).subarray(0, -20));
      const { exitCode, stderr } = await inProcess('inspect', path);
      expect([name, exitCode]).toEqual([name, 7]);
      expect(stderr).toContain(`error: ${path}: `);
      expect(stderr.split('\n').length).toBeGreaterThan(2);
    }
    writeFileSync(at('other.bin'), 'hello, this is no file of weights');
    expect(await inProcess('inspect', at('other.bin'))).toMatchObject({
      exitCode: 7,
      stderr: expect.stringContaining('Known are .safetensors'),
    });
    expect((await inProcess('inspect', at('nothing.npz'))).exitCode).toBe(4);
    expect((await inProcess('inspect', at('w.npz'), '--tolerance', '1')).exitCode).toBe(2);
    expect((await inProcess('inspect', at('w.npz'), '--nodes')).stderr).toContain('are for ONNX files');
  });
});

describe('agrad inspect --diff', () => {
  const diff = (...given: string[]): Promise<Outcome> => inProcess('inspect', ...given);

  it('compares formats, names of both styles, and checkpoints', async () => {
    expect((await diff(at('w.pt'), '--diff', at('w.npz'), '--tolerance', '0')).exitCode).toBe(0);
    writeFileSync(
      at('a.npz'),
      await nn.saveNpz({ runningMean: tensor([1, 2]), gone: tensor([1]), wide: tensor([[1]]) }),
    );
    writeFileSync(
      at('b.npz'),
      await nn.saveNpz({ running_mean: tensor([1, 2.5]), came: tensor([1]), wide: tensor([1, 2]) }),
    );
    const outcome = await diff(at('a.npz'), '--diff', at('b.npz'), '--tolerance', '1e-6', '--json');
    expect(outcome.exitCode).toBe(6);
    expect(lastEvent(outcome)).toMatchObject({
      removed: ['gone'],
      added: ['came'],
      reshaped: [{ name: 'wide', shape: [1, 1], other: [2] }],
      differences: [{ name: 'runningMean', max: 0.5, mean: 0.25, different: 1 }],
      same: false,
    });
    const { stdout } = await diff(at('a.npz'), '--diff', at('b.npz'));
    expect(stdout).toMatch(/^- gone 1: only in .*a.npz$/m);
    expect(stdout).toMatch(/^~ wide: shape 1×1 and 2$/m);
    expect(stdout).toMatch(/^runningMean +2 +0.5 +0.25 +1 of 2$/m);
  });

  it('sorts by the largest difference, and counts NaN as one', async () => {
    writeFileSync(
      at('c.npz'),
      await nn.saveNpz({ a: tensor([0]), b: tensor([0]), c: tensor([0]), d: tensor([Number.NaN]) }),
    );
    writeFileSync(
      at('d.npz'),
      await nn.saveNpz({ a: tensor([1]), b: tensor([3]), c: tensor([Number.NaN]), d: tensor([Number.NaN]) }),
    );
    const { differences } = lastEvent(await diff(at('c.npz'), '--diff', at('d.npz'), '--json')) as never as {
      differences: { name: string; max: number | string }[];
    };
    expect(differences.map(({ name, max }) => [name, max])).toEqual([
      ['c', 'Infinity'],
      ['b', 3],
      ['a', 1],
      ['d', 0],
    ]);
  });
});

describe('agrad convert', () => {
  it('goes round all formats', async () => {
    const steps = ['w.safetensors', '1.npz', '2.pt', '3.json', '4.pth', '5.safetensors'].map(at);
    for (let i = 1; i < steps.length; i++)
      expect((await inProcess('convert', steps[i - 1], steps[i])).exitCode).toBe(0);
    expect((await inProcess('inspect', steps[0], '--diff', steps.at(-1)!, '--tolerance', '0')).exitCode).toBe(
      0,
    );
  });

  it('takes weights out of ONNX, by which the network loads again, and refuses to make one', async () => {
    expect((await inProcess('convert', at('net.onnx'), at('out.safetensors'))).exitCode).toBe(0);
    const { model: back } = nn.loadModel(readFileSync(at('out.safetensors')));
    expect(back.toJSON()).toEqual(model.toJSON());
    const { tensors } = nn.loadSafetensors(readFileSync(at('out.safetensors')));
    loadOnnx(readFileSync(at('net.onnx'))).loadStateDict(tensors, { strict: false });
    expect(onnxTensors(readFileSync(at('net.onnx'))).length).toBeGreaterThan(Object.keys(tensors).length);
    const refused = await inProcess('convert', at('out.safetensors'), at('again.onnx'));
    expect([refused.exitCode, refused.stderr]).toEqual([
      2,
      expect.stringContaining("'agrad export RUN --onnx'"),
    ]);
  });

  it('writes names of PyTorch and its own, by the network where it is known', async () => {
    await inProcess('convert', at('net.onnx'), at('torch.pt'), '--names', 'pytorch');
    const { names } = await nn.loadTorch(readFileSync(at('torch.pt')));
    expect(names).toContain('1.running_mean');
    expect(names).toContain('1.num_batches_tracked');
    const own = await inProcess('convert', at('torch.pt'), at('own.npz'), '--names', 'ag');
    expect(own.stderr).toContain('letter by letter');
    expect(Object.keys(await nn.loadNpz(readFileSync(at('own.npz'))))).toContain('1.runningMean');
  });

  it('halves, and refuses what half precision does not hold', async () => {
    expect(
      (await inProcess('convert', at('w.safetensors'), at('h.npz'), '--dtype', 'float16')).exitCode,
    ).toBe(0);
    expect((await inspected(at('h.npz'))).tensors.map(({ dtype }) => dtype).sort()).toEqual([
      'float16',
      'int32',
    ]);
    expect(statSync(at('h.npz')).size).toBeLessThan(statSync(at('w.npz')).size);
    const back = await inProcess('convert', at('h.npz'), at('f.npz'));
    expect(back.stderr).toContain('half precision');
    writeFileSync(at('big.npz'), await nn.saveNpz({ x: tensor([1e5]) }));
    const { exitCode, stderr } = await inProcess('convert', at('big.npz'), at('h.npz'), '--dtype', 'float16');
    expect([exitCode, stderr]).toEqual([
      4,
      expect.stringContaining("'x' holds 100000, and float16 ends at 65504"),
    ]);
    expect((await inProcess('convert', at('w.npz'), at('x.json'), '--dtype', 'float16')).exitCode).toBe(2);
    expect((await inProcess('convert', at('w.npy'), at('x.npz'))).exitCode).toBe(2);
  });
});
