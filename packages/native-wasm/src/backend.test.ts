import type { DType, Expression, Kernel, Launch, Program, TypedArray } from '@ag/tensor';
import { afterAll, describe, expect, it } from 'vitest';
import { wasm, wasmSupport } from './index.ts';

const backend = await wasm({ threads: 1 });
afterAll(() => backend.close());

const f = 'float32' as const;
const load = (operand: number, dtype: DType = f) => ({ op: 'load', operand, dtype }) as const;
const accumulator: Expression = { instructions: [{ op: 'accumulator', dtype: f }], results: [0] };
const output = [{ dtype: f, accumulate: false }];
const none = new Float64Array(0);

/** A program of one launch whose operands are all bound, given as [dtype, length, strides]. */
function program(
  kernel: Kernel,
  dims: number[],
  operands: [DType, number, number[]][],
  more: Partial<Launch> = {},
  scalarCount = 0,
): Program {
  return {
    slots: [],
    buffers: operands.map(([dtype, length], binding) => ({ kind: 'bound', binding, dtype, length })),
    bindingCount: operands.length,
    scalarCount,
    launches: [
      {
        kernel,
        dims,
        operands: operands.map(([, , strides], buffer) => ({ buffer, offset: 0, dynamic: [], strides })),
        literals: [],
        label: kernel.form,
        ...more,
      },
    ],
  };
}

/** Runs with host arrays for all operands but the last, and reads that. */
function run(plan: Program, inputs: TypedArray[], scalars = none): TypedArray {
  const { dtype, length } = plan.buffers[inputs.length];
  const out = backend.allocate(length * 8);
  const executable = backend.prepare(plan);
  try {
    backend.run(executable, [...inputs, out], scalars);
    return backend.readSync(out, dtype, length);
  } finally {
    backend.dispose(executable);
    backend.release(out);
  }
}

const copy: Kernel = {
  form: 'map', rank: 1, inputs: [f], outputs: output, expression: { instructions: [load(0)], results: [0] },
}; // biome-ignore format: a record
const total = (combine: 'sum' | 'max' | 'argmax', reducedRank = 1): Kernel => ({
  form: 'reduce', outerRank: 0, reducedRank, combine, dtype: f, inputs: [f], extras: [],
  outputs: combine === 'argmax' ? [{ dtype: 'int32', accumulate: false }] : output,
  prologue: { instructions: [load(0)], results: [0] },
  epilogue: combine === 'argmax' ? { instructions: [{ op: 'accumulator', dtype: 'int32' }], results: [0] } : accumulator,
}); // biome-ignore format: a record

describe('shapes at the edge', () => {
  it('maps nothing and scalars', () => {
    expect(run(program(copy, [0], [[f, 0, [1]], [f, 0, [1]]]), [new Float32Array(0)])).toEqual(new Float32Array(0));
    const scalar: Kernel = { ...copy, rank: 0 };
    expect(run(program(scalar, [], [[f, 1, []], [f, 1, []]]), [new Float32Array([7])])).toEqual(new Float32Array([7]));
  }); // biome-ignore format: short

  it('reduces nothing to the identity', () => {
    const empty = new Float32Array(0);
    expect(run(program(total('sum'), [0], [[f, 0, [1]], [f, 1, []]]), [empty])[0]).toBe(0);
    expect(run(program(total('max'), [0], [[f, 0, [1]], [f, 1, []]]), [empty])[0]).toBe(-Infinity);
    expect(run(program(total('argmax'), [0], [[f, 0, [1]], ['int32', 1, []]]), [empty])[0]).toBe(0);
    expect(run(program(total('sum', 0), [], [[f, 1, []], [f, 1, []]]), [new Float32Array([3])])[0]).toBe(3);
  }); // biome-ignore format: short

  it('multiplies over no terms: zeros', () => {
    const kernel: Kernel = {
      form: 'contract', batchRank: 0, mRank: 1, nRank: 1, kRank: 1, dtype: f, extras: [], outputs: output, epilogue: accumulator,
    }; // biome-ignore format: a record
    const plan = program(kernel, [2, 3, 0], [[f, 0, [0, 1]], [f, 0, [3, 1]], [f, 6, [3, 1]]]); // biome-ignore format: short
    expect(run(plan, [new Float32Array(0), new Float32Array(0)])).toEqual(new Float32Array(6));
  });

  it('multiplies bytes', () => {
    const u = 'uint8' as const;
    const kernel: Kernel = {
      form: 'contract', batchRank: 0, mRank: 1, nRank: 1, kRank: 1, dtype: u, extras: [], outputs: [{ dtype: u, accumulate: false }],
      epilogue: { instructions: [{ op: 'accumulator', dtype: u }], results: [0] },
    }; // biome-ignore format: a record
    const plan = program(kernel, [2, 2, 2], [[u, 4, [2, 1]], [u, 4, [2, 1]], [u, 4, [2, 1]]]); // biome-ignore format: short
    // [1 2; 3 100] · [1 2; 3 4] = [7 10; 303 406], modulo 256.
    const product = run(plan, [new Uint8Array([1, 2, 3, 100]), new Uint8Array([1, 2, 3, 4])]);
    expect(product).toEqual(new Uint8Array([7, 10, 47, 150]));
  });
});

describe('sums', () => {
  it('of ten million elements are good to a part in a million', () => {
    const n = 10_000_000;
    // Equal elements: rounding errors all go the same way.
    const x = new Float32Array(n).fill(0.1);
    const exact = n * Math.fround(0.1);
    const [sum] = run(program(total('sum'), [n], [[f, n, [1]], [f, 1, []]]), [x]); // biome-ignore format: short
    expect(Math.abs(sum / exact - 1)).toBeLessThan(1e-6);
    // Down a column as well.
    const columns: Kernel = { ...(total('sum') as Kernel & { form: 'reduce' }), outerRank: 1 };
    const sums = run(program(columns, [4, n / 4], [[f, n, [1, 4]], [f, 4, [1]]]), [x]); // biome-ignore format: short
    for (const column of sums) expect(Math.abs((column * 4) / exact - 1)).toBeLessThan(1e-6);
  });

  it('of infinities and NaN', () => {
    const n = 1000;
    const sum = (...special: number[]) => {
      const x = new Float32Array(n).fill(1);
      special.forEach((value, i) => {
        x[100 + 300 * i] = value;
      });
      return run(program(total('sum'), [n], [[f, n, [1]], [f, 1, []]]), [x])[0]; // biome-ignore format: short
    };
    expect(sum(Infinity)).toBe(Infinity);
    expect(sum(-Infinity)).toBe(-Infinity);
    expect(sum(Infinity, -Infinity)).toBeNaN();
    expect(sum(NaN)).toBeNaN();
    expect(sum(3e38)).toBe(Math.fround(3e38 + 999));
  });
});

describe('indices', () => {
  const gather: Kernel = { form: 'gather', rank: 1, dtype: f };
  const plan = (n: number) =>
    program(gather, [n], [[f, 3, [0]], ['int32', n, [1]], [f, n, [1]]], { axis: { size: 3, stride: 1 }, label: 'take' }); // biome-ignore format: short
  const source = new Float32Array([10, 20, 30]);

  it('count from the end when negative', () => {
    expect(run(plan(4), [source, new Int32Array([0, -1, 2, -3])])).toEqual(
      new Float32Array([10, 30, 30, 10]),
    );
  });

  it.each([3, -4, 2 ** 31 - 1, 1 - 2 ** 31])('outside the axis are an error: %i', (index) => {
    expect(() => run(plan(2), [source, new Int32Array([0, index])])).toThrow(
      expect.objectContaining({
        name: 'RangeError',
        code: 'AG_INDEX_OUT_OF_RANGE',
        message: `take: index ${index} does not exist on an axis of size 3; indices must be in -3 … 2`,
      }),
    );
    // The next run is not affected.
    expect(run(plan(1), [source, new Int32Array([1])])[0]).toBe(20);
  });

  it('that stand for no whole number are named so', () => {
    expect(() => run(plan(2), [source, new Int32Array([0, -(2 ** 31)])])).toThrow(
      expect.objectContaining({
        message:
          'take: an index is NaN, a fraction or beyond 32 bits, for an axis of size 3; indices must be in -3 … 2',
      }),
    );
  });

  it('outside the axis are an error of scatter too', () => {
    const scatter: Kernel = { form: 'scatter', rank: 1, dtype: f, combine: 'add' };
    const plan = program(scatter, [2], [[f, 2, [1]], ['int32', 2, [1]], [f, 3, [0]]], { axis: { size: 3, stride: 1 } }); // biome-ignore format: short
    expect(run(plan, [new Float32Array([5, 6]), new Int32Array([1, 1])])).toEqual(
      new Float32Array([0, 11, 0]),
    );
    expect(() => run(plan, [new Float32Array([5, 6]), new Int32Array([1, 7])])).toThrow(RangeError);
  });
});

describe('plans', () => {
  it('compile structure, not sizes or literals', () => {
    const kernel: Kernel = {
      ...copy,
      expression: { instructions: [load(0), { op: 'literal', literal: 0, dtype: f }, { op: 'mul', a: 0, b: 1, dtype: f }], results: [2] },
    }; // biome-ignore format: a record
    const scaled = (n: number, by: number) =>
      run(program(kernel, [n], [[f, n, [1]], [f, n, [1]]], { literals: [0] }, 1), [new Float32Array(n).fill(2)], new Float64Array([by])); // biome-ignore format: short
    expect(scaled(5, 3)).toEqual(new Float32Array(5).fill(6));
    const { kernels } = backend.stats();
    for (const n of [1, 2, 7, 50, 1000]) expect(scaled(n, n)).toEqual(new Float32Array(n).fill(2 * n));
    expect(backend.stats().kernels).toBe(kernels);
    expect(backend.stats().interpreted).toEqual([]);
  });

  it('run host routines between kernels, on slots', () => {
    const double: Kernel = {
      ...copy, expression: { instructions: [load(0), { op: 'add', a: 0, b: 0, dtype: f }], results: [1] },
    }; // biome-ignore format: a record
    const shapes = [[2, 2], [2, 2]]; // biome-ignore format: short
    const seen: unknown[] = [];
    const transpose: Kernel = {
      form: 'host',
      name: 'transpose',
      inputs: [f],
      outputs: [f],
      run: ([x], [y], given) => {
        seen.push(given);
        y.set([x[0], x[2], x[1], x[3]]);
      },
    };
    const operand = (buffer: number, strides = [1]) => ({ buffer, offset: 0, dynamic: [], strides });
    const plan: Program = {
      slots: [16, 16],
      buffers: [
        { kind: 'bound', binding: 0, dtype: f, length: 4 },
        { kind: 'slot', slot: 0, dtype: f, length: 4 },
        { kind: 'slot', slot: 1, dtype: f, length: 4 },
        { kind: 'bound', binding: 1, dtype: f, length: 4 },
      ],
      bindingCount: 2,
      scalarCount: 0,
      launches: [
        { kernel: double, dims: [4], operands: [operand(0), operand(1)], literals: [], label: 'double' },
        {
          kernel: transpose,
          dims: [],
          operands: [operand(1), operand(2)],
          literals: [],
          shapes,
          label: 'transpose',
        },
        { kernel: double, dims: [4], operands: [operand(2), operand(3)], literals: [], label: 'double' },
      ],
    };
    const out = backend.allocate(16);
    const executable = backend.prepare(plan);
    for (const scale of [1, 10]) {
      backend.run(executable, [new Float32Array([1, 2, 3, 4].map((x) => x * scale)), out], none);
      expect(backend.readSync(out, f, 4)).toEqual(new Float32Array([4, 12, 8, 16].map((x) => x * scale)));
    }
    expect(seen).toEqual([shapes, shapes]);
    backend.dispose(executable);
    backend.release(out);
  });

  it('keep working when the arena moves for a larger one', () => {
    const through = (n: number): Program => ({
      slots: [4 * n],
      buffers: [
        { kind: 'bound', binding: 0, dtype: f, length: n },
        { kind: 'slot', slot: 0, dtype: f, length: n },
        { kind: 'bound', binding: 1, dtype: f, length: n },
      ],
      bindingCount: 2,
      scalarCount: 0,
      launches: [[0, 1], [1, 2]].map((buffers) => ({
        kernel: copy, dims: [n], literals: [], label: 'copy',
        operands: buffers.map((buffer) => ({ buffer, offset: 0, dynamic: [], strides: [1] })),
      })),
    }); // biome-ignore format: a record
    const before = backend.stats().bytes;
    const small = backend.prepare(through(10));
    const out = backend.allocate(400_000);
    const check = (executable: typeof small, n: number) => {
      const x = Float32Array.from({ length: n }, (_, i) => i + n);
      backend.run(executable, [x, out], none);
      expect(backend.readSync(out, f, n)).toEqual(x);
    };
    check(small, 10);
    const large = backend.prepare(through(100_000));
    check(large, 100_000);
    check(small, 10);
    backend.dispose(large);
    check(small, 10);
    backend.dispose(small);
    backend.release(out);
    expect(backend.stats().bytes).toBe(before);
    expect(() => backend.run(small, [], none)).toThrow('disposed');
  });

  it('refuse memory that was released, in their first run too', () => {
    const executable = backend.prepare(program(copy, [4], [[f, 4, [1]], [f, 4, [1]]])); // biome-ignore format: short
    const from = backend.allocate(16);
    const to = backend.allocate(16);
    backend.release(from);
    expect(() => backend.run(executable, [from, to], none)).toThrow('binding 0 is memory that was released');
    backend.release(to);
    backend.dispose(executable);
  });

  it('fail while they are prepared, not half-way, when memory is short', async () => {
    const tight = await wasm({ threads: 1, maxMemory: 4 * 2 ** 20 });
    const plan: Program = { ...program(copy, [4], [[f, 4, [1]], [f, 4, [1]]]), slots: [6 * 2 ** 20] }; // biome-ignore format: short
    expect(() => tight.prepare(plan)).toThrow(/cannot allocate 6\.0 MiB.*at most 4\.0 MiB/);
    expect(tight.stats().bytes).toBe(0);
    expect(() => tight.allocate(2 ** 31)).toThrow(RangeError);
    tight.close();
  });
});

describe('options and support', () => {
  it('reports features with reasons', () => {
    for (const feature of Object.values(wasmSupport())) {
      expect(feature.reason === '').toBe(feature.available);
    }
    expect(wasmSupport().simd.available).toBe(true);
    expect(wasmSupport().sharedMemory.available).toBe(true);
  });

  it('says what is missing without SharedArrayBuffer, and runs on one thread', async () => {
    const original = globalThis.SharedArrayBuffer;
    const warnings: string[] = [];
    const warn = console.warn;
    console.warn = (text: string) => warnings.push(text);
    try {
      (globalThis as { SharedArrayBuffer?: unknown }).SharedArrayBuffer = undefined;
      expect(wasmSupport().threads.reason).toContain('SharedArrayBuffer is missing');
      expect((await wasm({ threads: 'auto' })).threads).toBe(1);
      expect((await wasm()).threads).toBe(1);
    } finally {
      globalThis.SharedArrayBuffer = original;
      console.warn = warn;
    }
    expect(warnings.length).toBeLessThanOrEqual(1);
  });

  it('refuses memory limits that cannot be', async () => {
    await expect(wasm({ maxMemory: 2 ** 33 })).rejects.toThrow('maxMemory must be between 1 MiB and 4 GiB');
  });
});
