import { describe, expect, it } from 'vitest';
import type { DType } from '../dtype.ts';
import type { Expression, Instruction, MapKernel } from '../kernel/kernel.ts';
import { oneLaunch, runOnce } from '../testing/programs.ts';
import { reference } from './index.ts';

const load = (operand: number, dtype: DType = 'float32'): Instruction => ({ op: 'load', operand, dtype });

function mapKernel(rank: number, inputs: number, expression: Expression, accumulate = false): MapKernel {
  return {
    form: 'map',
    rank,
    inputs: Array.from({ length: inputs }, () => 'float32' as const),
    outputs: expression.results.map(() => ({ dtype: 'float32' as const, accumulate })),
    expression,
  };
}

const copy: Expression = { instructions: [load(0)], results: [0] };
const add: Expression = {
  instructions: [load(0), load(1), { op: 'add', a: 0, b: 1, dtype: 'float32' }],
  results: [2],
};
const iota = (n: number) => Float32Array.from({ length: n }, (_, i) => i);

describe('map', () => {
  it('reads transposed, reversed, strided and broadcast operands', async () => {
    const source = iota(6);
    const read = async (dims: number[], strides: number[], offset = 0) => {
      const operands = [
        { data: source, strides, offset },
        { data: new Float32Array(6), strides: dims.length === 1 ? [1] : [dims[1], 1] },
      ];
      return [...(await runOnce(reference(), mapKernel(dims.length, 1, copy), dims, operands))[1]];
    };
    expect(await read([3, 2], [1, 3])).toEqual([0, 3, 1, 4, 2, 5]);
    expect(await read([6], [-1], 5)).toEqual([5, 4, 3, 2, 1, 0]);
    expect(await read([2, 3], [-3, -1], 5)).toEqual([5, 4, 3, 2, 1, 0]);
    expect(await read([3], [2], 1)).toEqual([1, 3, 5, 0, 0, 0]);
    expect(await read([2, 3], [0, 2])).toEqual([0, 2, 4, 0, 2, 4]);
    expect(await read([3, 2], [2, 0], 1)).toEqual([1, 1, 3, 3, 5, 5]);
    expect(await read([6], [0], 4)).toEqual([4, 4, 4, 4, 4, 4]);
    expect(await read([2, 3], [1, 1])).toEqual([0, 1, 2, 1, 2, 3]); // overlapping windows
  });

  it('writes through strides', async () => {
    const [, out] = await runOnce(
      reference(),
      mapKernel(2, 1, copy),
      [2, 3],
      [
        { data: iota(6), strides: [3, 1] },
        { data: new Float32Array(8).fill(-1), strides: [1, 2], offset: 1 },
      ],
    );
    expect([...out]).toEqual([-1, 0, 3, 1, 4, 2, 5, -1]);
  });

  it('walks many blocks of a nested layout as the index formula says', async () => {
    const dims = [3, 50, 7, 11];
    const strides = [1, 231, 33, 3]; // a permutation of [50, 7, 11, 3]
    const source = iota(3 * 50 * 7 * 11);
    const [, , out] = await runOnce(reference(), mapKernel(4, 2, add), dims, [
      { data: source, strides },
      { data: iota(11), strides: [0, 0, 0, 1] },
      { data: new Float32Array(source.length), strides: [3850, 77, 11, 1] },
    ]);
    const expected: number[] = [];
    for (let a = 0; a < 3; a++)
      for (let b = 0; b < 50; b++)
        for (let c = 0; c < 7; c++)
          for (let d = 0; d < 11; d++) expected.push(a + 231 * b + 33 * c + 3 * d + d);
    expect([...out]).toEqual(expected);
  });

  it('adds to what an output holds', async () => {
    const [, , out] = await runOnce(
      reference(),
      mapKernel(1, 2, add, true),
      [3],
      [
        { data: Float32Array.of(1, 2, 3), strides: [1] },
        { data: Float32Array.of(10, 20, 30), strides: [1] },
        { data: Float32Array.of(100, 100, 100), strides: [1] },
      ],
    );
    expect([...out]).toEqual([111, 122, 133]);
  });

  it('swaps two operands in place: results are computed before any is stored', async () => {
    const swap: Expression = { instructions: [load(0), load(1)], results: [1, 0] };
    const program = oneLaunch(
      mapKernel(1, 2, swap),
      [2],
      [
        { data: new Float32Array(2), strides: [1] },
        { data: new Float32Array(2), strides: [1] },
        { data: new Float32Array(2), strides: [1] },
        { data: new Float32Array(2), strides: [1] },
      ],
    );
    const backend = reference();
    const [a, b] = [backend.allocate(8), backend.allocate(8)];
    backend.write(a, Float32Array.of(1, 2));
    backend.write(b, Float32Array.of(3, 4));
    backend.run(backend.prepare(program), [a, b, a, b], new Float64Array(0));
    expect([...(await backend.read(a, 'float32', 2))]).toEqual([3, 4]);
    expect([...(await backend.read(b, 'float32', 2))]).toEqual([1, 2]);
  });

  it('computes scalars and nothing for empty axes', async () => {
    const [, , scalar] = await runOnce(
      reference(),
      mapKernel(0, 2, add),
      [],
      [
        { data: Float32Array.of(2), strides: [] },
        { data: Float32Array.of(3), strides: [] },
        { data: Float32Array.of(9), strides: [] },
      ],
    );
    expect([...scalar]).toEqual([5]);
    const [, untouched] = await runOnce(
      reference(),
      mapKernel(2, 1, copy),
      [0, 3],
      [
        { data: Float32Array.of(1), strides: [3, 1] },
        { data: Float32Array.of(9), strides: [3, 1] },
      ],
    );
    expect([...untouched]).toEqual([9]);
  });

  it('takes literals and offsets from the run, in the dtype of the instruction', () => {
    const scaled: Expression = {
      instructions: [
        load(0),
        { op: 'literal', literal: 0, dtype: 'float32' },
        { op: 'mul', a: 0, b: 1, dtype: 'float32' },
      ],
      results: [2],
    };
    const program = oneLaunch(
      mapKernel(1, 1, scaled),
      [2],
      [
        { data: new Float32Array(6), strides: [1], offset: 1, dynamic: [{ scalar: 0, factor: 2 }] },
        { data: new Float32Array(2), strides: [1] },
      ],
      { literals: [1], scalars: [0, 0] },
    );
    const backend = reference();
    const executable = backend.prepare(program);
    const out = backend.allocate(8);
    backend.run(executable, [iota(6), out], Float64Array.of(1, 10));
    expect([...backend.readSync!(out, 'float32', 2)!]).toEqual([30, 40]);
    backend.run(executable, [iota(6), out], Float64Array.of(0, 0.1));
    expect([...backend.readSync!(out, 'float32', 2)!]).toEqual([0.1, 0.2].map(Math.fround));
  });

  it('gives addresses as coordinates', async () => {
    const kernel: MapKernel = {
      form: 'map',
      rank: 2,
      inputs: ['int32'],
      outputs: [{ dtype: 'int32', accumulate: false }],
      expression: { instructions: [{ op: 'coordinate', operand: 0, dtype: 'int32' }], results: [0] },
    };
    const [out] = await runOnce(
      reference(),
      kernel,
      [2, 3],
      [
        { strides: [10, -1], offset: 5, dynamic: [{ scalar: 0, factor: 100 }] },
        { data: new Int32Array(6), strides: [3, 1] },
      ],
      { scalars: [2] },
    );
    expect([...out]).toEqual([205, 204, 203, 215, 214, 213]);
  });

  it('evaluates long chains with few registers: a value stays until its last use', async () => {
    // f0 = x, f1 = x + 1, fₙ = fₙ₋₁ + fₙ₋₂, and at the end f1 once more.
    const instructions: Instruction[] = [
      load(0),
      { op: 'constant', value: 1, dtype: 'float32' },
      { op: 'add', a: 0, b: 1, dtype: 'float32' },
    ];
    const values = [2, 3];
    instructions.push({ op: 'add', a: 2, b: 0, dtype: 'float32' });
    values.push(5);
    for (let i = 4; i < 12; i++) {
      instructions.push({ op: 'add', a: i - 1, b: i - 2, dtype: 'float32' });
      values.push(values.at(-1)! + values.at(-2)!);
    }
    instructions.push({ op: 'sub', a: 11, b: 2, dtype: 'float32' });
    const [, out] = await runOnce(
      reference(),
      mapKernel(1, 1, { instructions, results: [12] }),
      [1],
      [
        { data: Float32Array.of(2), strides: [1] },
        { data: new Float32Array(1), strides: [1] },
      ],
    );
    expect(out[0]).toBe(values.at(-1)! - 3);
  });

  it('rounds every step of float32', async () => {
    // In float32 (2²⁴ + 1) − 2²⁴ is 0, in float64 it is 1.
    const expression: Expression = {
      instructions: [
        load(0),
        load(1),
        { op: 'add', a: 0, b: 1, dtype: 'float32' },
        { op: 'sub', a: 2, b: 0, dtype: 'float32' },
      ],
      results: [3],
    };
    const [, , out] = await runOnce(
      reference(),
      mapKernel(1, 2, expression),
      [1],
      [
        { data: Float32Array.of(16777216), strides: [1] },
        { data: Float32Array.of(1), strides: [1] },
        { data: new Float32Array(1), strides: [1] },
      ],
    );
    expect(out[0]).toBe(0);
  });

  it('refuses an output of another dtype than its result', () => {
    const kernel: MapKernel = {
      ...mapKernel(1, 1, copy),
      outputs: [{ dtype: 'float64', accumulate: false }],
    };
    const operands = [
      { data: new Float32Array(1), strides: [1] },
      { data: new Float64Array(1), strides: [1] },
    ];
    expect(() => reference().prepare(oneLaunch(kernel, [1], operands))).toThrow(
      'result 0 is float32, its output float64',
    );
  });
});
