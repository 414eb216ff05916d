/** The commands that look at things: graph, gradcheck, doctor, runs, predict, convert. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { saveTorch } from '@ag/nn';
import { tensor } from '@ag/tensor';
import { encode } from 'fast-png';
import { describe, expect, it } from 'vitest';
import { bostonHeader, bostonTable, inProcess, lastEvent, scratchFolder, writeMnist } from './testTools.ts';

process.env.AG_OFFLINE = '1';
const scratch = scratchFolder();
const xor = ['train', 'xor', '--backend', 'reference', '--epochs', '20'];

describe('agrad graph', () => {
  it('shows values and gradients of the classic example', async () => {
    // f = (x + y) z at x = −2, y = 5, z = −4: f = −12, df/dx = df/dy = z = −4, df/dz = x + y = 3.
    const given = ['graph', '(x + y) * z', '--at', 'x=-2,y=5,z=-4', '--values', '--gradients', '--json'];
    const { nodes } = lastEvent(await inProcess(...given)) as never as {
      nodes: { label: string; op?: string; value: number; gradient: number }[];
    };
    const of = (label: string) => nodes.find((node) => node.label === label || node.op === label);
    expect(of('x')).toMatchObject({ value: -2, gradient: -4 });
    expect(of('y')).toMatchObject({ value: 5, gradient: -4 });
    expect(of('z')).toMatchObject({ value: -4, gradient: 3 });
    expect(of('mul')).toMatchObject({ value: -12, gradient: 1 });
  });

  it('writes the format asked for, or that of the file', async () => {
    const formula = ['graph', 'sum(W @ v)', '--at', 'W=[[1,2],[3,4]],v=[[1],[2]]'];
    expect((await inProcess(...formula, '--format', 'dot')).stdout).toMatch(/^digraph/);
    expect((await inProcess(...formula, '--format', 'mermaid')).stdout).toMatch(/^flowchart/);
    expect(JSON.parse((await inProcess(...formula, '--format', 'json')).stdout).nodes).toHaveLength(4);
    const file = join(scratch, 'xor.svg');
    expect((await inProcess('graph', 'xor', '--out', file)).exitCode).toBe(0);
    expect(readFileSync(file, 'utf8')).toMatch(/^<svg/);
  });

  it.each([
    [['x +'], /neither a recipe nor a formula/],
    [['x * y', '--at', 'x=1'], /needs a value for y/],
    [['x', '--at', 'x=1,q=2'], /no such variable/],
    [['x', '--at', 'x=one'], /--at x=one/],
    [['digist'], /Did you mean 'digits'\?/],
    [['x', '--at', 'x=1', '--format', 'png'], /expected one of text, svg, dot/],
    [['x', '--at', 'x=1', '--out', join(scratch, 'x.png')], /unknown file extension\nDid you mean 'svg'\?/],
  ])('explains what is wrong with %j', async (given, message) => {
    const { exitCode, stderr } = await inProcess('graph', ...given);
    expect(stderr).toMatch(message);
    expect(exitCode).toBe(2);
  });
});

describe('agrad gradcheck', () => {
  it('checks operations to second order', async () => {
    const outcome = await inProcess('gradcheck', 'tanh', 'matmul', '--backend', 'reference', '--json');
    expect(outcome.exitCode).toBe(0);
    const { reports, failed } = lastEvent(outcome) as never as {
      reports: { operation: string; errors: number[] }[];
      failed: number;
    };
    expect(failed).toBe(0);
    expect(new Set(reports.map((report) => report.operation))).toEqual(new Set(['tanh', 'matmul']));
    expect(reports.some((report) => report.errors.length >= 2 && Math.max(...report.errors) < 1e-6)).toBe(
      true,
    );
  });

  it('ends with 6 when the tolerance is not kept, and knows what has no gradient', async () => {
    expect(
      (await inProcess('gradcheck', 'tanh', '--backend', 'reference', '--tolerance', '1e-30')).exitCode,
    ).toBe(6);
    expect((await inProcess('gradcheck', 'argmax')).stderr).toContain('has no gradient: it gives positions');
    expect((await inProcess('gradcheck', 'tahn')).stderr).toContain("Did you mean 'tan");
  });
});

describe('agrad doctor', () => {
  it('shows what the machine supports and that the backends pass', async () => {
    const outcome = await inProcess('doctor', '--json');
    expect(outcome.exitCode).toBe(0);
    const { findings, sound } = lastEvent(outcome) as never as {
      findings: { name: string; ok: boolean }[];
      sound: boolean;
    };
    expect(sound).toBe(true);
    expect(findings.map((finding) => finding.name)).toEqual(
      expect.arrayContaining(['Node', 'memory', 'backend reference', 'backend wasm']),
    );
  });
});

describe('agrad runs', () => {
  it('lists, shows and compares', async () => {
    const folder = join(scratch, 'runs');
    await inProcess(...xor, '--out', join(folder, 'a'));
    await inProcess(...xor, '--out', join(folder, 'b'), '--learning-rate', '0.5');
    const { runs } = lastEvent(await inProcess('runs', 'list', folder, '--json')) as never as {
      runs: object[];
    };
    expect(runs).toHaveLength(2);
    expect(runs[0]).toMatchObject({ recipe: 'xor', status: 'done', epoch: 20 });
    expect((await inProcess('runs', 'show', join(folder, 'a'))).stdout).toMatch(
      /reproduce with: agrad train xor/,
    );
    const page = join(folder, 'comparison.html');
    const compared = await inProcess(
      'runs',
      'compare',
      join(folder, 'a'),
      join(folder, 'b'),
      '--out',
      page,
      '--json',
    );
    expect(lastEvent(compared)).toMatchObject({ differing: ['learningRate'] });
    expect(readFileSync(page, 'utf8')).toContain('Training loss');
    expect((await inProcess('runs', 'compare', folder)).exitCode).toBe(2);
    expect((await inProcess('runs', 'show', join(folder, 'c'))).exitCode).toBe(4);
  });
});

describe('agrad runs plot', () => {
  const folder = join(scratch, 'plotted');
  const plot = (...given: readonly string[]) => inProcess('runs', 'plot', ...given);

  it('draws one run, or several over each other, and keeps a picture', async () => {
    const trained = [...xor, '--validate-every', '1', '--out'];
    await inProcess(...trained, join(folder, 'a'));
    await inProcess(...trained, join(folder, 'b'), '--learning-rate', '0.5');
    const one = await plot(join(folder, 'a'));
    expect(one.stdout).toContain(`a ${join(folder, 'a')}, training\nb ${join(folder, 'a')}, test`);
    expect(one.stdout).toMatch(/ 1 +epoch +20\n$/);
    const both = lastEvent(
      await plot(join(folder, 'a'), join(folder, 'b'), '--metric', 'accuracy', '--by', 'step', '--json'),
    ) as never as { curves: { name: string; x: number[]; y: number[] }[] };
    // 20 epochs of one step each.
    expect(both.curves.map(({ name }) => name)).toEqual([
      `${join(folder, 'a')}, test`,
      `${join(folder, 'b')}, test`,
    ]);
    for (const { x, y } of both.curves) {
      expect(x).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
      expect(y.every((share) => share >= 0 && share <= 1)).toBe(true);
    }
    const svg = join(folder, 'loss.svg');
    await plot(join(folder, 'a'), join(folder, 'b'), '--out', svg);
    expect(readFileSync(svg, 'utf8')).toMatch(/^<svg[\s\S]*data-series="[^"]*b, test"/);
    const html = join(folder, 'curves.html');
    await plot(join(folder, 'a'), join(folder, 'b'), '--out', html);
    expect(readFileSync(html, 'utf8')).toContain('Test loss');
  });

  it('counts the seconds of a continued run from its first beginning', async () => {
    const run = join(scratch, 'continued');
    await inProcess(...xor, '--out', run);
    const events = [
      ...[0.1, 5].map((seconds, i) => ({
        v: 1,
        type: 'epoch',
        epoch: i + 1,
        step: i + 1,
        loss: 1,
        metrics: {},
        seconds,
      })),
      { v: 1, type: 'start', step: 2, epoch: 2, seconds: 0 },
      ...[0.1, 7].map((seconds, i) => ({
        v: 1,
        type: 'epoch',
        epoch: i + 3,
        step: i + 3,
        loss: 1,
        metrics: {},
        seconds,
      })),
    ];
    writeFileSync(join(run, 'events.jsonl'), events.map((event) => `${JSON.stringify(event)}\n`).join(''));
    const { curves } = lastEvent(await plot(run, '--by', 'seconds', '--json')) as never as {
      curves: { x: number[] }[];
    };
    expect(curves.map(({ x }) => x)).toEqual([[]]);
    const byEpoch = lastEvent(await plot(run, '--json')) as never as { curves: { x: number[] }[] };
    expect(byEpoch.curves.map(({ x }) => x)).toEqual([[1, 2, 3, 4]]);
  });

  it('explains what is wrong', async () => {
    const run = join(folder, 'a');
    for (const [given, exitCode, message] of [
      [[run, '--metric', 'acuracy'], 2, /Did you mean 'accuracy'\?/],
      [[run, '--by', 'day'], 2, /expected one of epoch, step, seconds/],
      [[run, '--out', 'plot.png'], 2, /ends in \.svg or \.html/],
      [[join(folder, 'none')], 4, /there is no such run/],
    ] as const) {
      const outcome = await plot(...given);
      expect(outcome.stderr).toMatch(message);
      expect(outcome.exitCode).toBe(exitCode);
    }
  });
});

describe('agrad predict', () => {
  it('answers for images', async () => {
    const data = join(scratch, 'mnist');
    mkdirSync(data, { recursive: true });
    writeMnist(data);
    const run = join(scratch, 'bars');
    const given = ['--data-dir', data, '--backend', 'reference'];
    await inProcess(
      'train',
      'mnist',
      ...given,
      '--epochs',
      '60',
      '--batch-size',
      '10',
      '--learning-rate',
      '0.01',
      '--out',
      run,
    );
    // A bright bar where the training data have it for 4: rows 8 and 9.
    const pixels = new Uint8Array(784).fill(255, 4 * 56, 5 * 56);
    const file = join(scratch, 'four.png');
    writeFileSync(file, encode({ width: 28, height: 28, data: pixels, channels: 1, depth: 8 }));
    const outcome = await inProcess('predict', run, file, ...given, '--json');
    expect(lastEvent(outcome)).toMatchObject({
      command: 'predict',
      predictions: [{ input: file, class: '4' }],
    });
    writeFileSync(file, 'no picture');
    expect((await inProcess('predict', run, file, ...given)).exitCode).toBe(4);
    expect((await inProcess('predict', run, 'x.gif', ...given)).exitCode).not.toBe(0);
  });

  it('answers for rows, whose columns it finds by name', async () => {
    const data = join(scratch, 'boston');
    mkdirSync(data, { recursive: true });
    writeFileSync(join(data, 'BostonHousing.csv'), bostonTable());
    const run = join(scratch, 'houses');
    const given = ['--data-dir', data, '--backend', 'reference'];
    await inProcess('train', 'boston-2d', ...given, '--epochs', '2', '--out', run);
    const ordered = join(scratch, 'ordered.csv');
    const swapped = join(scratch, 'swapped.csv');
    writeFileSync(ordered, '6,12\n7,5\n');
    writeFileSync(swapped, 'note,LSTAT,RM\na,12,6\nb,5,7\n');
    const predictions = async (file: string): Promise<number[]> =>
      (
        lastEvent(await inProcess('predict', run, file, ...given, '--json')).predictions as {
          values: number[];
        }[]
      ).map((one) => one.values[0]);
    expect(await predictions(swapped)).toEqual(await predictions(ordered));
    expect(new Set(await predictions(ordered)).size).toBe(2);
    writeFileSync(ordered, '6\n');
    expect((await inProcess('predict', run, ordered, ...given)).stderr).toContain(
      'there is no header, and 1 column instead of 2',
    );
    writeFileSync(ordered, `${bostonHeader.replace('lstat', 'other')}\n`);
    expect((await inProcess('predict', run, ordered, ...given)).stderr).toContain(
      'a column is missing: expected "lstat", found',
    );
  });
});

describe('agrad convert', () => {
  it('keeps every number on the way through all formats', async () => {
    const run = join(scratch, 'converted');
    await inProcess(...xor, '--out', run);
    const steps = ['weights.safetensors', 'a.npz', 'b.json', 'c.safetensors'].map((name) => join(run, name));
    for (let i = 1; i < steps.length; i++) {
      expect((await inProcess('convert', steps[i - 1], steps[i])).exitCode).toBe(0);
    }
    const judge = async (file: string) =>
      lastEvent(await inProcess('eval', file, '--recipe', 'xor', '--backend', 'reference', '--json'));
    const { loss } = await judge(steps[0]);
    expect((await judge(steps[3])).loss).toBe(loss);
    expect((await inProcess('convert', steps[0], join(run, 'x.onxx'))).exitCode).toBe(2);
    writeFileSync(steps[1], 'no archive');
    expect((await inProcess('convert', steps[1], steps[2])).exitCode).toBe(7);
  });

  it("reads and writes PyTorch's files, and runs nothing in them", async () => {
    const folder = join(scratch, 'torch');
    mkdirSync(folder);
    const [good, evil, out] = ['a.pt', 'b.pth', 'c.json'].map((name) => join(folder, name));
    writeFileSync(good, await saveTorch({ '0.weight': tensor([[1.5, -2]]) }));
    expect((await inProcess('convert', good, out)).exitCode).toBe(0);
    expect(JSON.parse(readFileSync(out, 'utf8')).tensors).toEqual({
      '0.weight': { dtype: 'float32', shape: [1, 2], data: [1.5, -2] },
    });
    const start = Buffer.from('80028a0a6cfc9c46f9206aa850192e80024de9032e80027d2e', 'hex');
    writeFileSync(evil, Buffer.concat([start, Buffer.from('cos\nsystem\n.')]));
    expect(await inProcess('convert', evil, out)).toMatchObject({
      exitCode: 7,
      stderr: expect.stringContaining('asks for os.system'),
    });
    expect((await inProcess('convert', out, good)).exitCode).toBe(0);
  });
});

describe('agrad profile', () => {
  it('says where the time of a step goes: by module, operation and kernel', async () => {
    const out = join(scratch, 'profile.json');
    const given = ['profile', 'xor', '--backend', 'reference', '--steps', '5'];
    const outcome = await inProcess(...given, '--json', '--out', out);
    expect(outcome.exitCode).toBe(0);
    const answer = lastEvent(outcome) as never as {
      steps: number;
      milliseconds: { data: number; host: number; kernels: number };
      modules: { name: string; share: number }[];
      operations: { name: string }[];
      kernels: { form: string; sizes: number[]; bytes: number }[];
    };
    expect(answer.steps).toBe(5);
    expect(Object.values(answer.milliseconds).every((ms) => ms > 0)).toBe(true);
    const modules = answer.modules.map(({ name }) => name);
    expect(modules).toEqual(expect.arrayContaining(['0', '0 (backward)', '2', '2 (backward)']));
    expect(answer.modules.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 6);
    expect(answer.operations.map(({ name }) => name)).toContain('contract');
    // Four examples of two numbers to eight units: 4·2 + 8·2 + 8 numbers read, 4·8 written, and what is kept for later.
    const product = answer.kernels.find(({ form, sizes }) => form === 'contract' && sizes.join() === '4,8,2');
    expect(product!.bytes).toBeGreaterThanOrEqual(4 * (8 + 16 + 8 + 32));
    expect(JSON.parse(readFileSync(out, 'utf8'))).toMatchObject({ command: 'profile', steps: 5 });

    const { stdout } = await inProcess(...given);
    expect(stdout).toMatch(/^module +ms +share +bytes +kernels$/m);
    expect(stdout).toMatch(/^0 \(backward\) +[\d.]+ +[\d.]+ % +[\d.]+ k?B +[\d.]+$/m);
    expect((await inProcess('profile', 'xor', '--steps', '0')).exitCode).toBe(2);
  });
});

describe('agrad bench', () => {
  it('measures, compares, and ends with 6 when something became slower', async () => {
    const file = join(scratch, 'before.json');
    const given = ['bench', '--seconds', '0.001', '--threads', '1'];
    expect((await inProcess(...given, '--out', file)).exitCode).toBe(0);
    const before = JSON.parse(readFileSync(file, 'utf8'));
    expect(before.results.length).toBeGreaterThan(4);
    for (const result of before.results) result.milliseconds /= 1e6;
    writeFileSync(file, JSON.stringify(before));
    expect((await inProcess(...given, '--compare', file, '--fail-on-regress', '10%')).exitCode).toBe(6);
    expect((await inProcess(...given, '--fail-on-regress', '10%')).exitCode).toBe(2);
    writeFileSync(file, '{}');
    expect((await inProcess(...given, '--compare', file)).exitCode).toBe(7);
  });
});
