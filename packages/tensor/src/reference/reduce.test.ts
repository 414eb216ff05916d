import { describe, expect, it } from 'vitest';
import { allocateArray, type DType, type TypedArray } from '../dtype.ts';
import type { Combine, Instruction, ReduceKernel } from '../kernel/kernel.ts';
import { oneLaunch, runOnce } from '../testing/programs.ts';
import { reference } from './index.ts';

function reduceKernel(
  combine: Combine,
  dtype: DType,
  outerRank: number,
  reducedRank: number,
  more: Partial<ReduceKernel> = {},
): ReduceKernel {
  const result = combine === 'argmax' || combine === 'argmin' ? 'int32' : dtype;
  return {
    form: 'reduce',
    outerRank,
    reducedRank,
    combine,
    dtype,
    inputs: [dtype],
    extras: [],
    outputs: [{ dtype: result, accumulate: false }],
    prologue: { instructions: [{ op: 'load', operand: 0, dtype }], results: [0] },
    epilogue: { instructions: [{ op: 'accumulator', dtype: result }], results: [0] },
    ...more,
  };
}

/** Reduces all of `data`. */
async function all(combine: Combine, data: TypedArray, dtype: DType): Promise<number> {
  const kernel = reduceKernel(combine, dtype, 0, 1);
  const out = allocateArray(kernel.outputs[0].dtype, 1);
  const results = await runOnce(
    reference(),
    kernel,
    [data.length],
    [
      { data, dtype, strides: [1] },
      { data: out, dtype: kernel.outputs[0].dtype, strides: [] },
    ],
  );
  return results[1][0];
}

describe('reduce', () => {
  it('combines rows and columns', async () => {
    const data = Float32Array.of(3, 1, 2, -4, 8, -6);
    const table: [Combine, number[], number[]][] = [
      ['sum', [6, -2], [-1, 9, -4]],
      ['prod', [6, 192], [-12, 8, -12]],
      ['max', [3, 8], [3, 8, 2]],
      ['min', [1, -6], [-4, 1, -6]],
      ['argmax', [0, 1], [0, 1, 0]],
      ['argmin', [1, 2], [1, 0, 1]],
    ];
    for (const [combine, rows, columns] of table) {
      const kernel = reduceKernel(combine, 'float32', 1, 1);
      const out = (n: number) => ({ data: allocateArray(kernel.outputs[0].dtype, n), strides: [1] });
      const overRows = await runOnce(reference(), kernel, [2, 3], [{ data, strides: [3, 1] }, out(2)]);
      expect([...overRows[1]], combine).toEqual(rows);
      const overColumns = await runOnce(reference(), kernel, [3, 2], [{ data, strides: [1, 3] }, out(3)]);
      expect([...overColumns[1]], combine).toEqual(columns);
    }
  });

  for (const [outer, reduced] of [
    [1, 5000],
    [5000, 1],
    [3, 1500],
    [1500, 3],
    [700, 40],
    [1024, 2],
    [2, 1024],
  ] as const) {
    for (const byRows of [true, false]) {
      it(`sums ${outer} × ${reduced} integers stored by ${byRows ? 'rows' : 'columns'}`, async () => {
        const strides = byRows ? [reduced, 1] : [1, outer];
        const data = Int32Array.from({ length: outer * reduced }, (_, i) => (i * 7919) % 1000);
        const expected = Array.from({ length: outer }, (_, o) => {
          let sum = 0;
          for (let r = 0; r < reduced; r++) sum += data[o * strides[0] + r * strides[1]];
          return sum;
        });
        const [, out] = await runOnce(
          reference(),
          reduceKernel('sum', 'int32', 1, 1),
          [outer, reduced],
          [
            { data, strides },
            { data: new Int32Array(outer), strides: [1] },
          ],
        );
        expect([...out]).toEqual(expected);
      });
    }
  }

  it('reduces several axes, positions counted row by row within them', async () => {
    // [2, 3, 2] over its first and last axis: for each middle index a 2 × 2 table.
    const data = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0, -1);
    const operands = (out: TypedArray) => [
      { data, strides: [2, 6, 1] },
      { data: out, strides: [1] },
    ];
    const sum = await runOnce(
      reference(),
      reduceKernel('sum', 'float32', 1, 2),
      [3, 2, 2],
      operands(new Float32Array(3)),
    );
    expect([...sum[1]]).toEqual([18, 26, 10]);
    const argmax = await runOnce(
      reference(),
      reduceKernel('argmax', 'float32', 1, 2),
      [3, 2, 2],
      operands(new Int32Array(3)),
    );
    expect([...argmax[1]]).toEqual([3, 3, 1]);
    const argmin = await runOnce(
      reference(),
      reduceKernel('argmin', 'float32', 1, 2),
      [3, 2, 2],
      operands(new Int32Array(3)),
    );
    expect([...argmin[1]]).toEqual([0, 0, 3]);
  });

  it('passes NaN on, and takes the first extreme or the first NaN as its position', async () => {
    const ties = Float64Array.of(2, 5, 1, 5, 1);
    expect(await all('argmax', ties, 'float64')).toBe(1);
    expect(await all('argmin', ties, 'float64')).toBe(2);
    const withNaN = Float64Array.of(2, NaN, 7, NaN);
    expect(await all('max', withNaN, 'float64')).toBeNaN();
    expect(await all('min', withNaN, 'float64')).toBeNaN();
    expect(await all('argmax', withNaN, 'float64')).toBe(1);
    expect(await all('argmin', withNaN, 'float64')).toBe(1);
    expect(await all('argmax', Float64Array.of(-Infinity, -Infinity), 'float64')).toBe(0);
    // The same column by column.
    for (const combine of ['argmax', 'argmin'] as const) {
      const [, out] = await runOnce(
        reference(),
        reduceKernel(combine, 'float64', 1, 1),
        [2, 4],
        [
          { data: Float64Array.of(2, 1, NaN, 1, 7, 1, NaN, 1), strides: [1, 2] },
          { data: new Int32Array(2), strides: [1] },
        ],
      );
      expect([...out], combine).toEqual([1, 0]);
    }
  });

  it('sums float32 in float64 and rounds once', async () => {
    expect(await all('sum', Float32Array.of(16777216, 1, 1), 'float32')).toBe(16777218);
    // Across blocks, and column by column.
    const ones = new Float32Array(3000).fill(1);
    ones[0] = 16777216;
    expect(await all('sum', ones, 'float32')).toBe(16777216 + 2999 + 1); // 16780215 lies between two float32, the even one is above
    const [, columns] = await runOnce(
      reference(),
      reduceKernel('sum', 'float32', 1, 1),
      [2, 3],
      [
        { data: Float32Array.of(16777216, 1, 1, 1, 1, 1), strides: [1, 2] },
        { data: new Float32Array(2), strides: [1] },
      ],
    );
    expect([...columns]).toEqual([16777218, 3]);
    // (1 + 2⁻¹²)³ ≈ 1 + 3·2⁻¹² + 3·2⁻²⁴, nearest float32: 1 + 3·2⁻¹² + 2⁻²²; rounding each product would lose the last term.
    const x = 1 + 2 ** -12;
    expect(await all('prod', Float32Array.of(x, x, x), 'float32')).toBe(Math.fround(x * x * x));
  });

  it('wraps integers, and treats max and min of bool as any and all', async () => {
    expect(await all('sum', Int32Array.of(2147483647, 1), 'int32')).toBe(-2147483648);
    expect(await all('sum', Uint32Array.of(4294967295, 2), 'uint32')).toBe(1);
    expect(await all('prod', Int32Array.of(65537, 65537), 'int32')).toBe(131073);
    expect(await all('prod', Uint32Array.of(65536, 65535), 'uint32')).toBe(4294901760);
    expect(await all('max', Uint8Array.of(0, 1, 0), 'bool')).toBe(1);
    expect(await all('min', Uint8Array.of(0, 1, 0), 'bool')).toBe(0);
    expect(await all('max', Uint32Array.of(1, 4294967295), 'uint32')).toBe(4294967295);
  });

  it('gives the neutral element over nothing', async () => {
    expect(await all('sum', new Float32Array(0), 'float32')).toBe(0);
    expect(await all('prod', new Float32Array(0), 'float32')).toBe(1);
    expect(await all('max', new Float32Array(0), 'float32')).toBe(-Infinity);
    expect(await all('min', new Int32Array(0), 'int32')).toBe(2147483647);
  });

  it('computes a prologue of two inputs and an epilogue with extras, a literal and several outputs', async () => {
    const load = (operand: number): Instruction => ({ op: 'load', operand, dtype: 'float32' });
    const kernel = reduceKernel('sum', 'float32', 1, 1, {
      inputs: ['float32', 'float32'],
      extras: ['float32'],
      outputs: [
        { dtype: 'float32', accumulate: true },
        { dtype: 'bool', accumulate: false },
      ],
      prologue: {
        instructions: [load(0), load(1), { op: 'mul', a: 0, b: 1, dtype: 'float32' }],
        results: [2],
      },
      epilogue: {
        instructions: [
          { op: 'accumulator', dtype: 'float32' },
          load(2),
          { op: 'add', a: 0, b: 1, dtype: 'float32' },
          { op: 'literal', literal: 0, dtype: 'float32' },
          { op: 'less', a: 2, b: 3, dtype: 'bool' },
        ],
        results: [2, 4],
      },
    });
    const [, , , sum, small] = await runOnce(
      reference(),
      kernel,
      [2, 3],
      [
        { data: Float32Array.of(1, 2, 3, 4, 5, 6), strides: [3, 1] },
        { data: Float32Array.of(1, 10, 100), strides: [0, 1] },
        { data: Float32Array.of(0.5, 0.25), strides: [1] },
        { data: Float32Array.of(1000, 1000), strides: [1] },
        { data: new Uint8Array(2), dtype: 'bool', strides: [1] },
      ],
      { literals: [0], scalars: [400] },
    );
    expect([...sum]).toEqual([1321.5, 1654.25]);
    expect([...small]).toEqual([1, 0]);
  });

  it('refuses the sum of bool', () => {
    const operand = { data: new Uint8Array(1), dtype: 'bool' as const, strides: [] };
    const program = oneLaunch(reduceKernel('sum', 'bool', 0, 0), [], [operand, operand]);
    expect(() => reference().prepare(program)).toThrow('cast to int32 first');
  });
});
