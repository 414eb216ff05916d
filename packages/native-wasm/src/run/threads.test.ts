import { createRequire } from 'node:module';
import { gradients } from '@ag/graph';
import {
  conv2d,
  type Expression,
  type Kernel,
  type Launch,
  maxPool2d,
  type Program,
  type Tensor,
  type TypedArray,
  tensor,
  use,
  Variable,
} from '@ag/tensor';
import { commitUpdates } from '@ag/tensor/engine';
import { afterEach, describe, expect, it, vi } from 'vitest';
import * as control from '../control.ts';
import { type WasmBackend, wasm } from '../index.ts';
import { LinearMemory } from './memory.ts';
import { Threads } from './threads.ts';

const require = createRequire(import.meta.url);
const workerThreads = require('node:worker_threads') as typeof import('node:worker_threads');

const open: WasmBackend[] = [];
async function start(threads: number): Promise<WasmBackend> {
  const backend = await wasm({ threads });
  open.push(backend);
  await backend.startThreads();
  return backend;
}
afterEach(() => {
  restore();
  for (const backend of open.splice(0)) backend.close();
});

/** Workers as they are made; with `instead`, other code is run in their place. */
function spying(instead?: URL | string): import('node:worker_threads').Worker[] {
  const spawned: import('node:worker_threads').Worker[] = [];
  const Original = workerThreads.Worker;
  class Spy extends Original {
    constructor(url: URL, options: object) {
      super(instead ?? url, { ...options, eval: typeof instead === 'string' });
      spawned.push(this);
    }
  }
  (workerThreads as { Worker: unknown }).Worker = Spy;
  restore = () => {
    (workerThreads as { Worker: unknown }).Worker = Original;
  };
  return spawned;
}
let restore = (): void => {};

const f = 'float32' as const;
const load = { op: 'load', operand: 0, dtype: f } as const;
const accumulator: Expression = { instructions: [{ op: 'accumulator', dtype: f }], results: [0] };
const output = [{ dtype: f, accumulate: false }];

/** One launch; the last operand is the output. */
function program(kernel: Kernel, dims: number[], strides: number[][], lengths: number[]): Program {
  const launch: Launch = {
    kernel,
    dims,
    operands: strides.map((own, buffer) => ({ buffer, offset: 0, dynamic: [], strides: own })),
    literals: [],
    label: kernel.form,
  };
  const buffers = lengths.map((length, binding) => ({ kind: 'bound', binding, dtype: f, length }) as const);
  return { slots: [], buffers, bindingCount: lengths.length, scalarCount: 0, launches: [launch] };
}

function sum(outer: number, reduced: number, columns: boolean): Program {
  const kernel: Kernel = {
    form: 'reduce', outerRank: 1, reducedRank: 1, combine: 'sum', dtype: f, inputs: [f], extras: [], outputs: output,
    prologue: { instructions: [load, { op: 'exp', a: 0, dtype: f }], results: [1] }, epilogue: accumulator,
  }; // biome-ignore format: a record
  return program(
    kernel,
    [outer, reduced],
    [columns ? [1, outer] : [reduced, 1], [1]],
    [outer * reduced, outer],
  );
}

/** Rows through four launches that are a band. Buffers: the numbers, the largest of each row, powers, their sums, quotients. */
function softmax(rows: number, columns: number): Program {
  const own = [columns, 1];
  const [each, once] = [[1, 0], [1]];
  const reduce = (combine: 'max' | 'sum'): Kernel => ({
    form: 'reduce', outerRank: 1, reducedRank: 1, combine, dtype: f, inputs: [f], extras: [], outputs: output,
    prologue: { instructions: [load], results: [0] }, epilogue: accumulator,
  });
  const other = { op: 'load', operand: 1, dtype: f } as const;
  const map = (...last: Expression['instructions']): Kernel => ({
    form: 'map', rank: 2, inputs: [f, f], outputs: output,
    expression: { instructions: [load, other, ...last], results: [1 + last.length] },
  });
  const difference = { op: 'sub', a: 0, b: 1, dtype: f } as const;
  const steps: [Kernel, [number, number[]][]][] = [
    [reduce('max'), [[0, own], [1, once]]],
    [map(difference, { op: 'exp', a: 2, dtype: f }), [[0, own], [1, each], [2, own]]],
    [reduce('sum'), [[2, own], [3, once]]],
    [map({ op: 'div', a: 0, b: 1, dtype: f }), [[2, own], [3, each], [4, own]]],
  ];
  const lengths = [rows * columns, rows, rows * columns, rows, rows * columns];
  return {
    slots: [],
    buffers: lengths.map((length, binding) => ({ kind: 'bound', binding, dtype: f, length }) as const),
    bindingCount: lengths.length,
    scalarCount: 0,
    launches: steps.map(([kernel, operands]) => ({
      kernel,
      dims: [rows, columns],
      operands: operands.map(([buffer, strides]) => ({ buffer, offset: 0, dynamic: [], strides })),
      literals: [],
      label: kernel.form,
      band: 0,
    })),
  };
} // biome-ignore format: tables

const wide = 999_983;
const programs: Record<string, Program> = {
  map: program(
    {
      form: 'map', rank: 1, inputs: [f], outputs: output,
      expression: { instructions: [load, { op: 'tanh', a: 0, dtype: f }], results: [1] },
    },
    [wide], [[1], [1]], [wide, wide],
  ),
  transposed: program(
    { form: 'map', rank: 2, inputs: [f], outputs: output, expression: { instructions: [load], results: [0] } },
    [701, 911], [[1, 701], [911, 1]], [701 * 911, 701 * 911],
  ),
  'row sums': sum(701, 911, false),
  'column sums': sum(701, 911, true),
  'one sum': sum(1, wide, false),
  'few columns': sum(10, 77_777, true),
  band: softmax(701, 911),
  product: program(
    { form: 'contract', batchRank: 0, mRank: 1, nRank: 1, kRank: 1, dtype: f, extras: [], outputs: output, epilogue: accumulator },
    [203, 301, 157], [[157, 1], [301, 1], [301, 1]], [203 * 157, 157 * 301, 203 * 301],
  ),
}; // biome-ignore format: short

function run(backend: WasmBackend, plan: Program, times = 1): TypedArray {
  const executable = backend.prepare(plan);
  const memories = plan.buffers.map(({ length }, i) => {
    const memory = backend.allocate(length * 4);
    backend.write(
      memory,
      Float32Array.from({ length }, (_, k) => Math.sin(k * 1.3 + i)),
    );
    return memory;
  });
  for (let i = 0; i < times; i++) backend.run(executable, memories, new Float64Array(0));
  const last = plan.buffers.length - 1;
  const result = backend.readSync(memories[last], f, plan.buffers[last].length);
  for (const memory of memories) backend.release(memory);
  backend.dispose(executable);
  return result;
}

/** Three steps of a small convolutional network with softmax cross-entropy: the bits of loss and weights. */
async function trainingBits(): Promise<string> {
  const wave = (shape: number[], rate: number) =>
    tensor(
      Float32Array.from({ length: shape.reduce((n, size) => n * size, 1) }, (_, i) => Math.sin(rate * i)),
      { shape },
    );
  const weights = [wave([8, 1, 5, 5], 0.7), wave([8 * 14 * 14, 10], 0.9).mul(0.05)].map(
    (value) => new Variable(value),
  );
  const images = wave([32, 1, 28, 28], 1.1);
  const labels = wave([32, 10], 1.7).softmax();
  const losses: Tensor[] = [];
  for (let step = 0; step < 3; step++) {
    const [filter, dense] = weights.map(({ value }) => value) as [Tensor, Tensor];
    const hidden = maxPool2d(conv2d(images, filter, { padding: 2 }).relu(), 2).reshape([32, -1]);
    const loss = hidden.matmul(dense).logSoftmax().mul(labels).sum().neg().div(32);
    const slopes = gradients(loss, [filter, dense]);
    commitUpdates(new Map(weights.map((weight, i) => [weight, weight.value.sub(slopes[i].mul(0.1))])), [
      loss,
    ]);
    losses.push(loss);
  }
  const arrays = await Promise.all([...losses, ...weights.map(({ value }) => value)].map((t) => t.data()));
  return arrays.map(({ buffer }) => Buffer.from(buffer).toString('base64')).join();
}

describe('threads', () => {
  it.each(Object.keys(programs))('give the same bits whatever their number: %s', async (name) => {
    const one = run(await wasm({ threads: 1 }), programs[name]);
    for (const threads of [2, 3, 5, 8]) {
      const backend = await start(threads);
      // Several runs, because workers may be too late for the first.
      const many = run(backend, programs[name], 5);
      expect(Buffer.from(many.buffer).equals(Buffer.from(one.buffer)), `${threads} threads`).toBe(true);
      backend.close();
    }
  });

  it('give the same bits for a whole training step, from 1 to 8 of them', async () => {
    let expected = '';
    for (let threads = 1; threads <= 8; threads++) {
      use(await start(threads));
      const bits = await trainingBits();
      expected ||= bits;
      expect(bits === expected, `${threads} threads`).toBe(true);
    }
  });

  it('load kernels that are compiled after their start', async () => {
    const backend = await start(3);
    const one = await wasm({ threads: 1 });
    for (let k = 0; k < 40; k++) {
      const constant = { op: 'constant', value: k, dtype: f } as const;
      const expression: Expression = {
        instructions: [load, constant, { op: 'mul', a: 0, b: 1, dtype: f }],
        results: [2],
      };
      const plan = program(
        { form: 'map', rank: 1, inputs: [f], outputs: output, expression },
        [50_000],
        [[1], [1]],
        [50_000, 50_000],
      );
      const many = run(backend, plan, 20);
      expect(Buffer.from(many.buffer).equals(Buffer.from(run(one, plan).buffer)), `kernel ${k}`).toBe(true);
    }
    // Modules are dropped once the workers have them.
    expect(backend.stats().bytes).toBeLessThan(100_000);
  });

  it('wake up after a pause', async () => {
    const backend = await start(2);
    const first = run(backend, programs.map, 3);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(Buffer.from(run(backend, programs.map, 3).buffer).equals(Buffer.from(first.buffer))).toBe(true);
  });

  it('start when there was enough to share, not before', async () => {
    const spawned = spying();
    const backend = await wasm({ threads: 2 });
    open.push(backend);
    run(backend, sum(1, 1 << 15, false));
    expect(spawned).toHaveLength(0);
    for (let i = 0; i < 40 && spawned.length === 0; i++) run(backend, sum(1, 1 << 20, false));
    expect(spawned).toHaveLength(1);
  });

  it('are reported when they die between kernels; variables move to another backend', async () => {
    const spawned = spying();
    const backend = await start(3);
    use(backend);
    const weight = new Variable(tensor([1, 2, 3, 4]));
    expect(await weight.value.mul(2).sum().item()).toBe(20);
    await spawned[1].terminate();
    expect(() => run(backend, programs.map)).toThrow(
      /a worker thread failed: the worker ended with code 1\. Variables can still be read/,
    );
    await expect(weight.value.mul(3).sum().item()).rejects.toThrow('a worker thread failed');
    use(await start(2));
    expect(await weight.value.mul(3).sum().item()).toBe(30);
  });

  it('are reported when they die while they start', async () => {
    const spawned = spying();
    const backend = await wasm({ threads: 3 });
    open.push(backend);
    const starting = backend.startThreads();
    await spawned[0].terminate();
    await expect(starting).rejects.toThrow(/a worker thread failed: the worker ended with code [01]/);
    expect(() => run(backend, programs.map)).toThrow('a worker thread failed');
  });

  it('are reported when their file is not there', async () => {
    spying(new URL('./missing.js', import.meta.url));
    const backend = await wasm({ threads: 2 });
    open.push(backend);
    await expect(backend.startThreads()).rejects.toThrow(/a worker thread failed: .*missing\.js.*threads: 1/);
  });

  it.each(['map', 'band'])(
    'are reported when they die within a kernel, when patience is at its end: %s',
    async (name) => {
      // Takes part as a real worker does, claims a piece of the first job, and is gone.
      const impostor = `
      const { parentPort } = require('node:worker_threads');
      parentPort.once('message', ({ memory }) => {
        const i32 = new Int32Array(memory.buffer);
        const ticket = new BigInt64Array(memory.buffer, ${control.ticket}, 1);
        Atomics.add(i32, ${control.ready >> 2}, 1);
        for (;;) {
          const seen = Atomics.load(ticket, 0);
          if ((seen & 0xffffffffn) === 0n) continue;
          if (Atomics.compareExchange(ticket, 0, seen, seen - 1n) === seen) process.exit(0);
        }
      });`;
      spying(impostor);
      const backend = await start(2);
      const clock = vi.spyOn(performance, 'now');
      try {
        let now = 1e12;
        clock.mockImplementation(() => {
          now += 20_000;
          return now;
        });
        expect(() => run(backend, programs[name], 100)).toThrow(
          'a worker has not finished its work within 60 s',
        );
      } finally {
        clock.mockRestore();
      }
      expect(() => run(backend, programs[name])).toThrow('60 s');
    },
  );

  it.each(['map', 'band'])('are told of a kernel that fails: %s', async (name) => {
    const backend = await start(2);
    const { launches } = programs[name];
    // A program that lies about the size of its operands.
    const lie = {
      ...programs[name],
      launches: launches.map((launch) => ({ ...launch, dims: [2 ** 29, ...launch.dims.slice(1)] })),
    };
    expect(() => run(backend, lie)).toThrow(/wasm: (a kernel|a worker thread) failed: .*memory access/);
    expect(() => run(backend, programs.map)).toThrow('failed');
  });

  it('cannot be used after close', async () => {
    const backend = await start(2);
    const executable = backend.prepare(programs.map);
    backend.close();
    backend.close();
    expect(() => backend.run(executable, [], new Float64Array(0))).toThrow('closed');
  });

  it('refuses numbers out of range', async () => {
    await expect(wasm({ threads: 0 })).rejects.toThrow("threads must be 1 … 8 or 'auto', got 0");
    await expect(wasm({ threads: 2.5 })).rejects.toThrow(RangeError);
  });
});

describe('patience', () => {
  it('counts from the start of each job, however long the program has run', () => {
    const memory = new LinearMemory(true, 2 ** 24);
    const threads = new Threads(memory, 2, new Uint8Array(), () => undefined);
    const clock = vi.spyOn(performance, 'now');
    const at = (seconds: number, job: number): boolean => {
      clock.mockReturnValue(1e12 + 1000 * seconds);
      memory.i32[(control.ticket + 4) >> 2] = job;
      return threads.stalled();
    };
    expect(at(0, 1)).toBe(false);
    expect(at(59, 1)).toBe(false);
    expect(at(61, 2)).toBe(false);
    expect(at(110, 2)).toBe(false);
    expect(at(122, 2)).toBe(true);
    expect(threads.failure()?.message).toContain('60 s');
    clock.mockRestore();
  });
});
