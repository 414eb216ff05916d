import { describe, expect, it } from 'vitest';
import { allocateArray, type DType, type TypedArray } from '../dtype.ts';
import type { ContractKernel, Expression } from '../kernel/kernel.ts';
import { oneLaunch, runOnce } from '../testing/programs.ts';
import { reference } from './index.ts';

function plain(dtype: DType): Expression {
  return { instructions: [{ op: 'accumulator', dtype }], results: [0] };
}

function contraction(
  dtype: DType,
  ranks: readonly [number, number, number, number],
  more: Partial<ContractKernel> = {},
): ContractKernel {
  const [batchRank, mRank, nRank, kRank] = ranks;
  return {
    form: 'contract', batchRank, mRank, nRank, kRank, dtype,
    extras: [], outputs: [{ dtype, accumulate: false }], epilogue: plain(dtype), ...more,
  }; // biome-ignore format: a record
}

/** Multiples of 1/8 between −4 and 4: sums of their products are exact in float32 up to 2¹⁸ terms. */
function eighths(dtype: DType, length: number, seed: number): TypedArray {
  let state = seed;
  const array = allocateArray(dtype, length);
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const value = (state >>> 26) - 32;
    array[i] = dtype === 'float32' || dtype === 'float64' ? value / 8 : value;
  }
  return array;
}

/** The definition: a loop per index over row-major [b, m, k] · [b, k, n]. */
function triple(
  a: (b: number, m: number, k: number) => number,
  b: (b: number, k: number, n: number) => number,
  size: readonly [number, number, number, number],
): number[] {
  const [batches, m, n, depth] = size;
  const out: number[] = [];
  for (let batch = 0; batch < batches; batch++)
    for (let i = 0; i < m; i++)
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let k = 0; k < depth; k++) sum += a(batch, i, k) * b(batch, k, j);
        out.push(sum);
      }
  return out;
}

describe('contract', () => {
  it('multiplies [[1, 2], [3, 4]] by [[5, 6], [7, 8]]', async () => {
    const [, , out] = await runOnce(
      reference(),
      contraction('float32', [0, 1, 1, 1]),
      [2, 2, 2],
      [
        { data: Float32Array.of(1, 2, 3, 4), strides: [2, 1] },
        { data: Float32Array.of(5, 6, 7, 8), strides: [2, 1] },
        { data: new Float32Array(4), strides: [2, 1] },
      ],
    );
    expect([...out]).toEqual([19, 22, 43, 50]);
  });

  // Sizes around the tile (4), the blocks (64, 256, 256) and the bound below which nothing is packed.
  const sizes: [number, number, number][] = [
    [1, 1, 1], [3, 5, 7], [4, 4, 4], [1, 300, 40], [300, 1, 40], [17, 13, 31], [65, 66, 67], [70, 257, 5], [6, 9, 513],
    [130, 260, 300], [5, 3, 0], [0, 3, 4],
  ]; // biome-ignore format: a table
  for (const [m, n, k] of sizes) {
    for (const dtype of ['float32', 'float64', 'int32'] as const) {
      it(`agrees with the definition for ${m}×${k}·${k}×${n} of ${dtype}, plain and transposed`, async () => {
        const a = eighths(dtype, m * k, 1);
        const b = eighths(dtype, k * n, 2);
        for (const [transposedA, transposedB] of [
          [false, false],
          [true, false],
          [false, true],
          [true, true],
        ]) {
          const stridesA = transposedA ? [1, m] : [k, 1];
          const stridesB = transposedB ? [1, k] : [n, 1];
          const expected = triple(
            (_, i, l) => a[i * stridesA[0] + l * stridesA[1]],
            (_, l, j) => b[l * stridesB[0] + j * stridesB[1]],
            [1, m, n, k],
          );
          const [, , out] = await runOnce(
            reference(),
            contraction(dtype, [0, 1, 1, 1]),
            [m, n, k],
            [
              { data: a, strides: stridesA },
              { data: b, strides: stridesB },
              { data: allocateArray(dtype, m * n).fill(99), strides: [n, 1] },
            ],
          );
          expect([...out]).toEqual(expected);
        }
      });
    }
  }

  it('contracts groups of several axes in batches, like einsum("bmhkl,bklno->bmhno")', async () => {
    const [b, m, h, k, l, n, o] = [2, 3, 2, 4, 5, 3, 7];
    const x = eighths('float64', b * m * h * k * l, 3);
    const y = eighths('float64', b * k * l * n * o, 4);
    const [, , out] = await runOnce(
      reference(),
      contraction('float64', [1, 2, 2, 2]),
      [b, m, h, n, o, k, l],
      [
        { data: x, strides: [m * h * k * l, h * k * l, k * l, l, 1] },
        { data: y, strides: [k * l * n * o, l * n * o, n * o, o, 1] },
        { data: new Float64Array(b * m * h * n * o), strides: [m * h * n * o, h * n * o, n * o, o, 1] },
      ],
    );
    const expected = triple(
      (i, row, depth) => x[(i * m * h + row) * k * l + depth],
      (i, depth, column) => y[(i * k * l + depth) * n * o + column],
      [b, m * h, n * o, k * l],
    );
    expect([...out]).toEqual(expected);
  });

  it('convolves through overlapping strides', async () => {
    // [1, 2, 3, 4, 5] * [1, 0, −1] in valid positions: k slides along m, both with stride 1.
    const [, , out] = await runOnce(
      reference(),
      contraction('float32', [0, 1, 1, 1]),
      [3, 1, 3],
      [
        { data: Float32Array.of(1, 2, 4, 8, 16), strides: [1, 1] },
        { data: Float32Array.of(1, 0, -1), strides: [1, 0] },
        { data: new Float32Array(3), strides: [1, 1] },
      ],
    );
    expect([...out]).toEqual([1 - 4, 2 - 8, 4 - 16]);
  });

  it('applies an epilogue with a broadcast bias, a literal and two outputs, one of them accumulated', async () => {
    const epilogue: Expression = {
      instructions: [
        { op: 'accumulator', dtype: 'float32' },
        { op: 'load', operand: 2, dtype: 'float32' },
        { op: 'add', a: 0, b: 1, dtype: 'float32' },
        { op: 'literal', literal: 0, dtype: 'float32' },
        { op: 'mul', a: 2, b: 3, dtype: 'float32' },
      ],
      results: [2, 4],
    };
    const kernel = contraction('float32', [0, 1, 1, 1], {
      epilogue,
      extras: ['float32'],
      outputs: [
        { dtype: 'float32', accumulate: false },
        { dtype: 'float32', accumulate: true },
      ],
    });
    const [, , , sum, scaled] = await runOnce(
      reference(),
      kernel,
      [2, 2, 2],
      [
        { data: Float32Array.of(1, 2, 3, 4), strides: [2, 1] },
        { data: Float32Array.of(5, 6, 7, 8), strides: [2, 1] },
        { data: Float32Array.of(100, 200), strides: [0, 1] },
        { data: new Float32Array(4), strides: [2, 1] },
        { data: Float32Array.of(1, 1, 1, 1), strides: [1, 2] },
      ],
      { literals: [1], scalars: [-7, 10] },
    );
    expect([...sum]).toEqual([119, 222, 143, 250]);
    expect([...scaled]).toEqual([1191, 1431, 2221, 2501]); // stored transposed
  });

  it('reads rows from an offset that is known only at the run', async () => {
    const program = oneLaunch(
      contraction('float32', [0, 1, 1, 1]),
      [1, 1, 2],
      [
        { data: new Float32Array(6), strides: [2, 1], dynamic: [{ scalar: 0, factor: 2 }] },
        { data: new Float32Array(2), strides: [1, 1] },
        { data: new Float32Array(1), strides: [1, 1] },
      ],
      { scalars: [0] },
    );
    const backend = reference();
    const executable = backend.prepare(program);
    const out = backend.allocate(4);
    const results: number[] = [];
    for (const row of [2, 0, 1]) {
      backend.run(
        executable,
        [Float32Array.of(1, 2, 3, 4, 5, 6), Float32Array.of(1, 10), out],
        Float64Array.of(row),
      );
      results.push(backend.readSync!(out, 'float32', 1)![0]);
    }
    expect(results).toEqual([65, 21, 43]);
  });

  it('wraps integers modulo 2³² and 2⁸', async () => {
    const launch = async (dtype: DType, a: TypedArray, b: TypedArray) => {
      const out = allocateArray(dtype, 1);
      const operands = [
        { data: a, strides: [0, 1] },
        { data: b, strides: [1, 0] },
        { data: out, strides: [0, 0] },
      ];
      return (await runOnce(reference(), contraction(dtype, [0, 1, 1, 1]), [1, 1, 2], operands))[2][0];
    };
    // 2147483647² + 1 = 2 modulo 2³²; 65537² = 131073 modulo 2³².
    expect(await launch('int32', Int32Array.of(2147483647, 1), Int32Array.of(2147483647, 1))).toBe(2);
    expect(await launch('uint32', Uint32Array.of(65537, 0), Uint32Array.of(65537, 0))).toBe(131073);
    expect(await launch('uint32', Uint32Array.of(4294967295, 0), Uint32Array.of(1, 0))).toBe(4294967295);
    expect(await launch('uint8', Uint8Array.of(16, 3), Uint8Array.of(16, 3))).toBe(9);
  });

  it('sums float32 products in float64', async () => {
    // Summed in float32, 2²⁴ + 1 + 1 would stay at 2²⁴.
    const [, , out] = await runOnce(
      reference(),
      contraction('float32', [0, 1, 1, 1]),
      [1, 1, 3],
      [
        { data: Float32Array.of(16777216, 1, 1), strides: [0, 1] },
        { data: Float32Array.of(1, 1, 1), strides: [1, 0] },
        { data: new Float32Array(1), strides: [0, 0] },
      ],
    );
    expect(out[0]).toBe(16777218);
  });

  it('lets NaN and infinity touch only the rows and columns they stand in', async () => {
    const [m, n, k] = [13, 14, 15];
    const a = new Float32Array(m * k).fill(1);
    const b = new Float32Array(k * n).fill(1);
    a[12 * k + 3] = NaN;
    b[4 * n + 13] = Infinity;
    const [, , out] = await runOnce(
      reference(),
      contraction('float32', [0, 1, 1, 1]),
      [m, n, k],
      [
        { data: a, strides: [k, 1] },
        { data: b, strides: [n, 1] },
        { data: new Float32Array(m * n), strides: [n, 1] },
      ],
    );
    const expected = Array.from({ length: m * n }, (_, at) =>
      at >= 12 * n ? NaN : at % n === 13 ? Infinity : k,
    );
    expect([...out]).toEqual(expected);
  });

  it('refuses bool, naming the launch and the remedy', () => {
    const program = oneLaunch(
      contraction('bool', [0, 1, 1, 1]),
      [1, 1, 1],
      [
        { data: new Uint8Array(1), dtype: 'bool', strides: [0, 0] },
        { data: new Uint8Array(1), dtype: 'bool', strides: [0, 0] },
        { data: new Uint8Array(1), dtype: 'bool', strides: [0, 0] },
      ],
      { label: 'matmul' },
    );
    expect(() => reference().prepare(program)).toThrow(/matmul: products of bool .* cast to int32/);
  });
});
