import { execFile } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Expression, Kernel, Launch, Program, TypedArray } from '@ag/tensor';
import { build } from 'esbuild';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { control } from './control.ts';
import { type WasmBackend, wasm } from './index.ts';
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
  for (const backend of open.splice(0)) backend.close();
});

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

describe('threads', () => {
  it.each(Object.keys(programs))('give the same bits whatever their number: %s', async (name) => {
    const one = run(await wasm({ threads: 1 }), programs[name]);
    for (const threads of [2, 3, 8]) {
      const backend = await start(threads);
      // Several runs, because workers may be too late for the first.
      const many = run(backend, programs[name], 5);
      expect(Buffer.from(many.buffer).equals(Buffer.from(one.buffer)), `${threads} threads`).toBe(true);
      backend.close();
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

  it('are reported when they die; memory stays readable', async () => {
    const spawned: import('node:worker_threads').Worker[] = [];
    const Original = workerThreads.Worker;
    (workerThreads as { Worker: unknown }).Worker = class extends Original {
      constructor(url: URL, options: object) {
        super(url, options);
        spawned.push(this);
      }
    };
    try {
      const backend = await start(3);
      const memory = backend.allocate(16);
      backend.write(memory, new Float32Array([1, 2, 3, 4]));
      await spawned[1].terminate();
      expect(() => run(backend, programs.map)).toThrow(
        /a worker thread failed: the worker ended with code 1/,
      );
      expect(backend.readSync(memory, f, 4)).toEqual(new Float32Array([1, 2, 3, 4]));
    } finally {
      (workerThreads as { Worker: unknown }).Worker = Original;
    }
  });

  it('cannot be used after close', async () => {
    const backend = await start(2);
    const executable = backend.prepare(programs.map);
    backend.close();
    backend.close();
    expect(() => backend.run(executable, [], new Float64Array(0))).toThrow('closed');
  });

  it.each(['busy', 'asleep'])('let a script end by itself, silently, while they are %s', async (state) => {
    const folder = mkdtempSync(join(tmpdir(), 'ag-threads-'));
    try {
      const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));
      const contents = `
        import { wasm } from './index.ts';
        const backend = await wasm({ threads: 3 });
        await backend.startThreads();
        if ('${state}' === 'asleep') await new Promise((resolve) => setTimeout(resolve, 100));
        console.log('done');`;
      const stdin = { contents, resolveDir: here('.'), loader: 'ts' as const };
      const options = { bundle: true, conditions: ['@ag/source'] };
      await build({
        ...options,
        format: 'esm',
        platform: 'node',
        stdin,
        outfile: join(folder, 'script.mjs'),
        logLevel: 'error',
      });
      copyFileSync(here('worker.js'), join(folder, 'worker.js'));
      writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
      const { stdout, stderr } = await promisify(execFile)(process.execPath, [join(folder, 'script.mjs')], {
        timeout: 20_000,
      });
      expect(stdout).toBe('done\n');
      expect(stderr).toBe('');
    } finally {
      rmSync(folder, { recursive: true });
    }
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
    const clock = vi.spyOn(Date, 'now');
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
