/** Networks out to ONNX and in again: export, graph, eval, predict, train --from. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { placeholder } from '@ag/graph';
import * as nn from '@ag/nn';
import { exportOnnx, loadOnnx, loadOnnxLayers } from '@ag/onnx';
import { manualSeed, type Tensor, tensor } from '@ag/tensor';
import { encode } from 'fast-png';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { inProcess, lastEvent, scratchFolder } from '../testTools.ts';

process.env.AG_OFFLINE = '1';
const scratch = scratchFolder();
const at = (name: string): string => join(scratch, name);
const small = [
  '--backend',
  'reference',
  '--set',
  'data.train=200',
  '--set',
  'data.test=50',
  '--set',
  'model.hidden=[16]',
];
const run = at('run');

beforeAll(async () => {
  const { exitCode } = await inProcess('train', 'digits', ...small, '--epochs', '2', '--out', run);
  expect(exitCode).toBe(0);
  expect((await inProcess('export', run, at('net.onnx'))).exitCode).toBe(0);
}, 60_000);

afterEach(() => vi.restoreAllMocks());

const accuracy = async (...given: string[]): Promise<unknown> =>
  lastEvent(await inProcess('eval', ...given, '--json')).accuracy;

describe('agrad export', () => {
  it('writes ONNX with what it needs to come back as layers, and to be evaluated', async () => {
    const outcome = await inProcess('export', run, '--onnx', '--verify', '--json');
    expect(lastEvent(outcome)).toMatchObject({ path: join(run, 'model.onnx'), format: 'onnx', passed: true });
    const bytes = readFileSync(join(run, 'model.onnx'));
    const layers = loadOnnxLayers(bytes) as nn.Sequential;
    const { tensors } = nn.loadSafetensors(readFileSync(join(run, 'weights.safetensors')));
    for (const [name, value] of Object.entries(layers.stateDict()))
      expect([...value.dataSync()]).toEqual([...tensors[name].dataSync()]);
    expect(await accuracy(join(run, 'model.onnx'))).toBe(await accuracy(run));
    expect(await accuracy(at('net.onnx'), '--recipe', 'digits')).toBeGreaterThan(0);
  });

  it("writes PyTorch's names, NumPy and safetensors", async () => {
    expect((await inProcess('export', run, '--pytorch', '--verify')).stdout).toContain(
      'largest difference 0 ',
    );
    const { names } = await nn.loadTorch(readFileSync(join(run, 'model.pt')));
    expect(names).toEqual(['0.weight', '0.bias', '2.weight', '2.bias']);
    expect((await inProcess('export', run, at('w.npz'), '--verify')).exitCode).toBe(0);
    expect((await inProcess('export', run, at('w.safetensors'))).exitCode).toBe(0);
    expect(await accuracy(at('w.safetensors'))).toBe(await accuracy(run));
    // Weights of PyTorch with the recipe that they are of.
    const asked = [join(run, 'model.pt'), '--recipe', 'digits'];
    const other = await inProcess('eval', ...asked, '--json');
    // The recipe has other sizes than the run.
    expect([other.exitCode, lastEvent(other).message]).toEqual([
      7,
      expect.stringContaining('does not fit the model'),
    ]);
  });

  it('says what is missing', async () => {
    for (const [given, message, exitCode] of [
      [[run], 'Say it: --onnx', 2],
      [[run, '--onnx', '--npz'], 'one format at a time', 2],
      [[run, at('x.gguf')], 'unknown file extension', 2],
      [[at('nothing'), '--onnx'], 'no such run or file', 4],
      [[run, '--onnx', '--opset', '9'], 'a whole number from 17 to 21', 2],
    ] as const) {
      const outcome = await inProcess('export', ...given);
      expect([outcome.exitCode, outcome.stderr]).toEqual([exitCode, expect.stringContaining(message)]);
    }
    writeFileSync(at('plain.npz'), await nn.saveNpz({ a: tensor([1]) }));
    expect((await inProcess('export', at('plain.npz'), '--onnx')).stderr).toContain(
      'does not name its recipe',
    );
    // An architecture and a shape are enough.
    writeFileSync(at('whole.safetensors'), await nn.saveModel(nn.sequential(nn.linear(3, 2))));
    expect(
      (await inProcess('export', at('whole.safetensors'), '--onnx', '--shape', '3', '--verify')).exitCode,
    ).toBe(0);
  });

  it('compares with onnxruntime where that is installed, and exits with 6 beyond the tolerance', async () => {
    // A runtime that adds a thousandth to what it is asked, as no runtime should.
    const folder = at('installed');
    const module = join(folder, 'node_modules', 'onnxruntime-node');
    mkdirSync(module, { recursive: true });
    writeFileSync(join(module, 'package.json'), '{ "name": "onnxruntime-node", "main": "index.cjs" }');
    writeFileSync(
      join(module, 'index.cjs'),
      `exports.Tensor = class { constructor(type, data, dims) { Object.assign(this, { type, data, dims }); } };
       exports.InferenceSession = { create: async () => ({ run: async ({ x }) => ({
         output: { data: Float32Array.from({ length: x.dims[0] * 10 }, () => 0.001) } }) }) };`,
    );
    vi.spyOn(process, 'cwd').mockReturnValue(folder);
    const outcome = await inProcess('export', run, at('other.onnx'), '--verify', '--json');
    expect(outcome.exitCode).toBe(6);
    expect(lastEvent(outcome)).toMatchObject({ passed: false, verified: { by: 'onnxruntime-node' } });
    const lax = await inProcess('export', run, at('other.onnx'), '--verify', '--tolerance', '100');
    expect([lax.exitCode, lax.stdout]).toEqual([
      0,
      expect.stringContaining('onnxruntime-node: largest difference'),
    ]);
  });
});

describe('agrad graph', () => {
  it('draws the graph of a file, weights beside their operators', async () => {
    const { stdout } = await inProcess('graph', at('net.onnx'), '--shape', '2,784');
    expect(stdout.split('\n')[0]).toBe('i0 x: input [?, 784]');
    expect(stdout).toMatch(/^n0 MatMul 784×16\(i0\) \[2, 16\] in 0$/m);
    expect(stdout).toMatch(/^o0 output: output of n\d \[2, 10\]$/m);
    expect((await inProcess('graph', at('net.onnx'), '--format', 'mermaid')).stdout).toMatch(/^flowchart TD/);
    expect((await inProcess('graph', at('net.onnx'), '--format', 'dot')).stdout).toMatch(
      /subgraph cluster_\d/,
    );
    const { nodes, edges } = JSON.parse(
      (await inProcess('graph', at('net.onnx'), '--format', 'json')).stdout,
    );
    expect(nodes[1]).toMatchObject({ op: 'MatMul', weights: ['0.weight'], module: '0' });
    expect(edges[0]).toEqual({ from: 'i0', to: 'n0', index: 0 });
    expect((await inProcess('graph', at('net.onnx'), '--out', at('net.svg'))).exitCode).toBe(0);
    expect(readFileSync(at('net.svg'), 'utf8')).toContain('>Sigmoid<');
  });

  it('collapses a large one by its modules', async () => {
    const block = () => nn.sequential(nn.linear(4, 4), nn.relu(), nn.linear(4, 4), nn.relu());
    const model = nn.sequential(...Array.from({ length: 30 }, block));
    writeFileSync(at('deep.onnx'), await exportOnnx(model, { inputs: { x: placeholder([null, 4]) } }));
    const boxes = async (...given: string[]) => {
      await inProcess('graph', at('deep.onnx'), '--out', at('deep.svg'), ...given);
      const svg = readFileSync(at('deep.svg'), 'utf8');
      return [svg.match(/data-module/g)?.length ?? 0, svg.match(/data-node/g)?.length ?? 0];
    };
    const [modules, nodes] = await boxes();
    expect(modules).toBeGreaterThan(10);
    expect(modules + nodes).toBeLessThanOrEqual(180);
    expect((await boxes('--max-nodes', '400'))[1]).toBeGreaterThan(150);
  });

  it('says what has no graph', async () => {
    const outcome = await inProcess('graph', join(run, 'weights.safetensors'));
    expect([outcome.exitCode, outcome.stderr]).toEqual([2, expect.stringContaining('weights have no graph')]);
    expect((await inProcess('graph', at('net.onnx'), '--values')).exitCode).toBe(2);
    writeFileSync(at('broken.onnx'), readFileSync(at('net.onnx')).subarray(0, 1000));
    expect((await inProcess('graph', at('broken.onnx'))).exitCode).toBe(7);
  });
});

describe('agrad predict', () => {
  manualSeed(5);
  const model = nn.sequential(nn.flatten(), nn.linear(12, 3), nn.softmax());

  beforeAll(async () => {
    writeFileSync(
      at('picture.onnx'),
      await exportOnnx(model, { inputs: { x: placeholder([null, 3, 2, 2]) } }),
    );
  });

  const predictions = async (...given: string[]) => {
    const outcome = await inProcess('predict', ...given, '--json');
    expect(outcome.stderr).toBe('');
    return (
      lastEvent(outcome) as never as {
        predictions: { outputs: { output: { values: number[]; class?: string } } }[];
      }
    ).predictions.map(({ outputs }) => outputs.output);
  };

  it('asks a file with pictures, rows and arrays', async () => {
    const pixels = Uint8Array.from({ length: 12 }, (_, i) => 20 * i);
    writeFileSync(at('p.png'), encode({ width: 2, height: 2, channels: 3, data: pixels }));
    // From height, width, color to color, height, width.
    const planes = Float32Array.from({ length: 12 }, (_, i) => pixels[3 * (i % 4) + Math.floor(i / 4)] / 255);
    const x = tensor(planes, { shape: [1, 3, 2, 2] });
    const expected = [...(model.eval().forward(x) as Tensor).dataSync()];
    writeFileSync(at('x.npy'), await nn.saveNpy(x));
    writeFileSync(at('x.csv'), `${planes.join(',')}\n${planes.join(',')}\n`);
    for (const file of ['p.png', 'x.npy', 'x.csv']) {
      const found = await predictions(at('picture.onnx'), at(file));
      expect(found).toHaveLength(file === 'x.csv' ? 2 : 1);
      found[0].values.forEach((value, i) => expect(value).toBeCloseTo(expected[i], 6));
      expect(found[0].class).toBe(String(expected.indexOf(Math.max(...expected))));
    }
    writeFileSync(at('labels.txt'), 'ant\nbee\ncat\n');
    const [named] = await predictions(at('picture.onnx'), at('p.png'), '--labels', at('labels.txt'));
    expect(['ant', 'bee', 'cat']).toContain(named.class);
    const [signed] = await predictions(at('picture.onnx'), at('p.png'), '--pixels', 'signed');
    const other = [...(model.eval().forward(x.mul(2).sub(1)) as Tensor).dataSync()];
    signed.values.forEach((value, i) => expect(value).toBeCloseTo(other[i], 6));
  });

  it('fits pictures to the size that the network takes', async () => {
    writeFileSync(
      at('big.png'),
      encode({ width: 8, height: 6, channels: 3, data: new Uint8Array(144).fill(255) }),
    );
    const [white] = await predictions(at('picture.onnx'), at('big.png'));
    const expected = [
      ...(model.forward(tensor(new Float32Array(12).fill(1), { shape: [1, 3, 2, 2] })) as Tensor).dataSync(),
    ];
    white.values.forEach((value, i) => expect(value).toBeCloseTo(expected[i], 6));
  });

  it('says what does not fit', async () => {
    writeFileSync(at('short.csv'), '1,2,3\n');
    writeFileSync(at('odd.npy'), await nn.saveNpy(tensor([[1, 2]])));
    for (const [file, message] of [
      [at('short.csv'), 'row 1 has 3 numbers, the network takes 12'],
      [at('odd.npy'), 'needs x: float32 [batch, 3, 2, 2], got [1, 2]'],
      [at('gone.png'), 'there is no such file'],
    ] as const) {
      const outcome = await inProcess('predict', at('picture.onnx'), file);
      expect([outcome.exitCode, outcome.stderr]).toEqual([4, expect.stringContaining(message)]);
    }
  });
});

describe('agrad train --from', () => {
  const train = (...given: string[]) => inProcess('train', 'digits', ...small, ...given);
  const weights = (folder: string) =>
    nn.loadSafetensors(readFileSync(join(folder, 'weights.safetensors'))).tensors;

  beforeAll(async () => {
    manualSeed(1);
    const save = async (name: string, model: nn.AnyModule, shape: (number | null)[]) =>
      writeFileSync(at(name), await exportOnnx(model, { inputs: { x: placeholder(shape) } }));
    await save('other.onnx', nn.sequential(nn.linear(5, 10)), [null, 5]);
    await save('one.onnx', nn.sequential(nn.linear(784, 10)), [1, 784]);
    await save('three.onnx', nn.sequential(nn.linear(784, 3), nn.softmax()), [null, 784]);
  });

  it('trains the network of an ONNX file on, but for what is frozen', async () => {
    const out = at('from');
    const { exitCode, stderr } = await train(
      '--from',
      at('net.onnx'),
      '--freeze',
      '0.*',
      '--epochs',
      '4',
      '--out',
      out,
    );
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining('12,560 of them frozen')]);
    const before = loadOnnx(readFileSync(at('net.onnx'))).stateDict();
    const after = weights(out);
    expect([...after['0.weight'].dataSync()]).toEqual([...before['0.weight'].dataSync()]);
    expect([...after['2.weight'].dataSync()]).not.toEqual([...before['2.weight'].dataSync()]);
    // The run needs its own folder and nothing else.
    rmSync(at('net.onnx'));
    expect(await accuracy(out)).toBeGreaterThan(0);
    expect((await inProcess('export', out, at('net.onnx'), '--verify')).exitCode).toBe(0);
    expect(await accuracy(at('net.onnx'))).toBe(await accuracy(out));
  });

  it('gives it a new last layer, and resumes to the bit', async () => {
    const given = ['--from', at('three.onnx'), '--head', '10', '--schedule', 'constant'];
    const whole = at('whole');
    expect((await train(...given, '--epochs', '3', '--out', whole)).exitCode).toBe(0);
    expect(weights(whole)['0.weight'].shape).toEqual([10, 784]);
    const parts = at('parts');
    expect((await train(...given, '--epochs', '1', '--out', parts)).exitCode).toBe(0);
    const resumed = await inProcess('train', '--resume', parts, '--epochs', '3');
    expect([resumed.exitCode, resumed.stderr]).toEqual([0, expect.stringContaining('resuming at step')]);
    const [a, b] = [weights(whole), weights(parts)];
    for (const name of Object.keys(a)) expect([...b[name].dataSync()], name).toEqual([...a[name].dataSync()]);
    const { command } = JSON.parse(readFileSync(join(whole, 'config.json'), 'utf8'));
    expect(command).toMatch(/ --from \S+three.onnx --head 10$/);
    expect((await inProcess('train', '--resume', parts, '--head', '3')).exitCode).toBe(2);
  });

  it("starts the recipe's own network from weights, behind a prefix too", async () => {
    const state = weights(run);
    const prefixed = Object.fromEntries(
      Object.entries(state).map(([name, value]) => [`module.${name}`, value]),
    );
    writeFileSync(at('prefixed.pt'), await nn.saveTorch(prefixed));
    const out = at('frozen');
    const given = [
      '--from',
      at('prefixed.pt'),
      '--freeze',
      '0.*',
      '--freeze',
      '2.weight',
      '--epochs',
      '1',
      '--out',
      out,
    ];
    expect((await train(...given)).exitCode).toBe(0);
    expect([...weights(out)['2.weight'].dataSync()]).toEqual([...state['2.weight'].dataSync()]);
    expect(existsSync(join(out, 'from', 'prefixed.pt'))).toBe(true);
    // A new last layer in place of one of another size.
    const other = {
      ...state,
      '2.weight': tensor(new Float32Array(48), { shape: [3, 16] }),
      '2.bias': tensor([1, 2, 3]),
    };
    writeFileSync(at('other.npz'), await nn.saveNpz(other));
    const refused = await train('--from', at('other.npz'), '--epochs', '1', '--out', at('refused'));
    expect([refused.exitCode, refused.stderr]).toEqual([
      7,
      expect.stringContaining("'2.weight' has shape [3, 16], the module needs [10, 16]"),
    ]);
    expect(
      (await train('--from', at('other.npz'), '--head', '10', '--epochs', '1', '--out', at('headed')))
        .exitCode,
    ).toBe(0);
  });

  it('says what does not fit before a folder is made', async () => {
    const folder = at('never');
    for (const [given, message, exitCode] of [
      [['--from', at('other.onnx')], "does not take the recipe's data: needs x: float32 [batch, 5], got", 7],
      [['--from', at('three.onnx')], "gives 3 outputs, and the recipe's data have 10 classes", 7],
      [['--from', at('one.onnx')], 'the network takes exactly 1 example at a time', 3],
      [['--from', at('net.onnx'), '--freeze', 'features.*'], 'no weight has such a name', 2],
      [['--from', at('net.onnx'), '--freeze', '*'], 'nothing is left to train', 2],
      [['--head', '3'], 'only --from takes it', 2],
      [['--from', at('nothing.onnx')], 'there is no such file', 4],
    ] as const) {
      const outcome = await train(...given, '--out', folder);
      expect([outcome.exitCode, outcome.stderr]).toEqual([exitCode, expect.stringContaining(message)]);
    }
    expect(existsSync(folder)).toBe(false);
  });

  it('evaluates a file whose batch is fixed', async () => {
    expect(await accuracy(at('one.onnx'), '--recipe', 'digits')).toBeGreaterThanOrEqual(0);
  });
});
