/** Plans as modules of their own: the same bits as the backend on one thread, for answers and for whole trainings. */
import { createHash } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { backward, compile } from '@ag/graph';
import { BatchNorm1d, crossEntropy, Dropout, Linear, type Module, Sequential } from '@ag/nn';
import { adam, cosine, sgd } from '@ag/optim';
import {
  cholesky,
  conv2d,
  cumsum,
  key,
  manualSeed,
  normal,
  randomState,
  scan,
  type Tensor,
  type TypedArray,
  tensor,
  use,
  Variable,
} from '@ag/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import { type WasmBackend, wasm, wasmSync } from '../backend.ts';
import { type ExportedPlan, exportPlan } from './exportPlan.ts';

let backend: WasmBackend;
/** Node 20 has it behind a switch, which is set here before any module is compiled. */
const canFuse = hasRelaxedSimd();

function hasRelaxedSimd(): boolean {
  try {
    wasmSync({ threads: 1, relaxedSimd: true }).close();
    return true;
  } catch {
    return false;
  }
}

beforeAll(async () => {
  backend = await wasm({ threads: 1, relaxedSimd: false });
  use(backend);
});

const arrays = { float32: Float32Array, float64: Float64Array, int32: Int32Array } as Readonly<
  Record<string, new (buffer: ArrayBuffer, at: number, length: number) => TypedArray>
>;

/** A module without this library: nothing but its bytes and what they say of themselves. */
class Standalone {
  readonly description: ExportedPlan['description'];
  readonly run: (batch: number) => number;
  readonly #memory: WebAssembly.Memory;

  constructor({ wasm, weights }: ExportedPlan) {
    const module = new WebAssembly.Module(wasm);
    expect(WebAssembly.Module.imports(module)).toEqual([]);
    const [section] = WebAssembly.Module.customSections(module, 'ag.plan');
    this.description = JSON.parse(new TextDecoder().decode(section));
    const { memory, run } = new WebAssembly.Instance(module).exports;
    this.#memory = memory as WebAssembly.Memory;
    this.run = run as (batch: number) => number;
    if (weights) new Uint8Array(this.#memory.buffer).set(weights, this.description.weights.offset);
  }

  /** The elements of an input, output or variable; those that `batch` examples take where its size is open. */
  at(name: string, batch = 1): TypedArray {
    const { inputs, outputs, state } = this.description;
    const one = [...inputs, ...outputs, ...state].find((each) => each.name === name)!;
    const length = one.shape.reduce<number>((product, size) => product * (size ?? batch), 1);
    return new arrays[one.dtype](this.#memory.buffer, one.offset!, length);
  }

  cell(offset: number): number {
    return new Int32Array(this.#memory.buffer, offset, 1)[0];
  }
}

const same = (a: TypedArray, b: TypedArray): void => {
  expect(
    Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(
      Buffer.from(b.buffer, b.byteOffset, b.byteLength),
    ),
  ).toBe(true);
};

function perceptron(...sizes: number[]): Module<[Tensor], Tensor> {
  manualSeed(7);
  const layers = sizes.slice(1).map((size, i) => new Linear(sizes[i], size));
  return new Sequential(...layers) as Module<[Tensor], Tensor>;
}

describe('an exported function', () => {
  it('computes what is written, on memory of its own', async () => {
    const plan = new Standalone(await exportPlan((x: Tensor) => x.mul(2).add(1), { x: { shape: [3] } }));
    plan.at('x').set([1, 2, -4]);
    expect(plan.run(0)).toBe(0);
    expect([...plan.at('output')]).toEqual([3, 5, -7]);
  });

  it('answers batches of any size up to the largest, bit for bit as the library does', async () => {
    const model = perceptron(784, 50, 10);
    const f = (x: Tensor) => model.forward(x).softmax();
    const plan = new Standalone(await exportPlan(f, { x: { shape: [null, 784] } }, { maxBatch: 9 }));
    for (const batch of [1, 9, 2, 7, 3, 8]) {
      const x = normal([batch, 784], { key: key(batch) });
      plan.at('x', batch).set(x.dataSync());
      expect(plan.run(batch)).toBe(0);
      same(plan.at('output', batch), f(x).dataSync());
    }
    expect([0, 10, -1].map(plan.run)).toEqual([2, 2, 2]);
  });

  it('takes 25 kB at most for the perceptron of MNIST, its weights beside', async () => {
    const model = perceptron(784, 50, 100, 10);
    const f = (x: Tensor) => model.forward(x.sigmoid()).softmax();
    const exported = await exportPlan(f, { x: { shape: [1, 784] } }, { weights: 'beside' });
    expect(exported.wasm.length).toBeLessThan(25_000);
    const x = normal([1, 784], { key: key(1) });
    const plan = new Standalone(exported);
    plan.at('x').set(x.dataSync());
    plan.run(0);
    same(plan.at('output'), f(x).dataSync());
  });

  const filters = normal([16, 16, 3, 3], { key: key(3) });
  const table = normal([12, 8], { key: key(4) });
  const functions: Readonly<Record<string, [f: (x: Tensor) => Tensor, shape: number[]]>> = {
    'a convolution by minimal filtering': [(x) => conv2d(x, filters, { padding: 1 }).relu(), [2, 16, 12, 12]],
    'sines of large angles': [(x) => x.mul(1e7).sin(), [33]],
    'a running sum, a sort and a maximum': [
      (x) => cumsum(x, 1).add(x.argsort().cast('float32')).max(0),
      [5, 40],
    ],
    'long sums': [(x) => x.sum().add(x.matmul(x.transpose())), [3, 5000]],
    'rows looked up': [(x) => table.take(x.mul(3).abs().minimum(11).floor().cast('int32'), 0), [20]],
  };
  it.each(Object.entries(functions))('gives the same bits for %s', async (_, [f, shape]) => {
    const x = normal(shape, { key: key(5) });
    const plan = new Standalone(await exportPlan(f, { x }));
    plan.at('x').set(x.dataSync());
    expect(plan.run(0)).toBe(0);
    same(plan.at('output'), f(x).dataSync());
  });

  it('says which index was outside its axis, and changes nothing then', async () => {
    const rows = new Variable(normal([5, 3], { key: key(1) }), { name: 'rows' });
    const f = compile((at: Tensor) => {
      const loss = rows.value.take(at, 0).square().sum();
      backward(loss);
      sgd([rows], { learningRate: 0.1 }).step();
      return loss;
    });
    const plan = new Standalone(await exportPlan(f, { at: { shape: [2], dtype: 'int32' } }, { steps: 9 }));
    plan.at('at').set([1, 7]);
    const before = plan.at('rows').slice();
    expect(plan.run(0)).toBe(1);
    expect(plan.cell(plan.description.fault)).toBe(7);
    expect(plan.at('rows')).toEqual(before);
    expect(plan.cell(plan.description.step!)).toBe(0);
    plan.at('at').set([1, 4]);
    expect(plan.run(0)).toBe(0);
    expect(plan.at('rows')).not.toEqual(before);
  });

  it.skipIf(!canFuse)('fuses products with sums where it is asked to', async () => {
    const fused = await wasm({ threads: 1, relaxedSimd: true });
    const f = (x: Tensor) => x.matmul(x.transpose());
    const x = tensor(normal([20, 30], { key: key(2) }).dataSync(), { shape: [20, 30] });
    const plan = new Standalone(await exportPlan(f, { x }, { arithmetic: 'fused' }));
    plan.at('x').set(x.dataSync());
    plan.run(0);
    use(fused);
    try {
      same(plan.at('output'), f(x).dataSync());
    } finally {
      use(backend);
      fused.close();
    }
  });
});

describe('an exported training step', () => {
  it('trains 784-50-100-10 with Adam, a schedule and dropout to the hash of the weights that the library gets', async () => {
    manualSeed(5);
    const model = new Sequential(
      new Linear(784, 50),
      new Dropout(0.1),
      new Linear(50, 100),
      new BatchNorm1d(100),
      new Linear(100, 10),
    );
    const optimizer = adam(model.parameters(), { learningRate: cosine(2e-3, { steps: 500 }) });
    const step = compile((x: Tensor, y: Tensor) => {
      const loss = crossEntropy((model as unknown as Module<[Tensor], Tensor>).forward(x).sigmoid(), y);
      backward(loss);
      optimizer.step();
      return { loss };
    });
    const inputs = { x: { shape: [16, 784] }, y: { shape: [16], dtype: 'int32' as const } };
    const random = randomState();
    const state = new Map([...model.namedParameters(), ...model.namedBuffers()]);
    const exported = await exportPlan(step, inputs, { steps: 600, names: state });
    expect(randomState()).toEqual(random);
    expect(optimizer.steps).toBe(0);
    const plan = new Standalone(exported);
    const images = normal([400, 784], { key: key(9) }).dataSync();
    for (let i = 0; i < 600; i++) {
      const start = (i * 16) % 384;
      const x = images.slice(start * 784, (start + 16) * 784);
      const y = Int32Array.from({ length: 16 }, (_, j) => ((start + j) * 7) % 10);
      plan.at('x').set(x);
      plan.at('y').set(y);
      expect(plan.run(0)).toBe(0);
      const { loss } = step(tensor(x, { shape: [16, 784] }), tensor(y, { dtype: 'int32' }));
      if (i % 100 === 0) same(plan.at('loss'), loss.dataSync());
    }
    const hash = (read: (name: string, variable: Variable) => TypedArray): string => {
      const sum = createHash('sha256');
      for (const [name, variable] of state) sum.update(Buffer.from(read(name, variable).slice().buffer));
      return sum.digest('hex');
    };
    expect(hash((name) => plan.at(name))).toBe(hash((_, variable) => variable.value.dataSync()));
    // There are no learning rates for more.
    expect(plan.run(0)).toBe(3);
  }, 60_000);
});

describe('the companion', () => {
  it('is an ES module of its own, which says what does not fit', async () => {
    const model = perceptron(6, 4);
    const f = (x: Tensor) => ({ scores: model.forward(x) });
    const exported = await exportPlan(
      f,
      { x: { shape: [null, 6] } },
      { maxBatch: 3, names: model.namedParameters(), weights: 'beside' },
    );
    const folder = mkdtempSync(join(tmpdir(), 'ag-plan-'));
    writeFileSync(join(folder, 'model.wasm'), exported.wasm);
    writeFileSync(join(folder, 'model.bin'), exported.weights!);
    const source = exported.javascript({ weightsFile: './model.bin' });
    writeFileSync(join(folder, 'model.mjs'), source);
    expect(source.length).toBeLessThan(2000);
    const { load } = await import(/* @vite-ignore */ pathToFileURL(join(folder, 'model.mjs')).href);
    const plan = await load();
    const x = normal([2, 6], { key: key(1) });
    expect(plan.run({ x: x.dataSync() })).toEqual({ scores: f(x).scores.dataSync() });
    expect(() => plan.run({ x: new Float32Array(24) })).toThrow('x: 24 elements are no batch of 1 to 3');
    plan.state['0.bias'].fill(5);
    plan.state['0.weight'].fill(0);
    expect([...plan.run({ x: x.dataSync() }).scores]).toEqual(new Array(8).fill(5));
    expect(exported.types()).toContain('readonly "x": Float32Array');
  });
});

describe('what cannot be exported', () => {
  const x = { shape: [4, 4] };
  const refused = (f: (x: Tensor) => unknown, options = {}) => exportPlan(f, { x }, options);

  it('is named', async () => {
    await expect(refused((x) => cholesky(x))).rejects.toThrow(
      /exportPlan: cholesky cannot be exported: it is a routine of the host/,
    );
    await expect(refused((x) => x.mod(0.3))).rejects.toThrow(/exportPlan: 'mod' in mod cannot be exported/);
    const loop = (x: Tensor) => scan((sum: Tensor, row: Tensor) => [sum.add(row), sum], x.sum(0), x);
    await expect(refused(loop)).rejects.toThrow(/a loop\) cannot be exported/);
  });

  it('is told what is missing', async () => {
    await expect(exportPlan((x: Tensor) => x, { x: { shape: [null, 2] } })).rejects.toThrow(
      'say up to which: { maxBatch: 16 }',
    );
    await expect(refused((x) => x.add(1), { maxBatch: 4 })).rejects.toThrow(
      'maxBatch is for inputs whose first size is null',
    );
    await expect(refused((x) => x, { stpes: 4 })).rejects.toThrow('steps');
    await expect(refused((x) => x.size)).rejects.toThrow('the function must give tensors, got 16');
    const weight = new Variable(normal([4, 4]));
    const step = (x: Tensor) => {
      const loss = x.matmul(weight.value).square().mean();
      backward(loss);
      sgd([weight], { learningRate: 0.1 }).step();
      return loss;
    };
    await expect(refused(step)).rejects.toThrow('say for how many runs: { steps: 600 }');
    const noisy = (x: Tensor) => x.add(normal(x.shape));
    await expect(exportPlan(noisy, { x: { shape: [null, 2] } }, { maxBatch: 2 })).rejects.toThrow(
      'one size of batch',
    );
  });
});
