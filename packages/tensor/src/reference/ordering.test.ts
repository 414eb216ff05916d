import { describe, expect, it } from 'vitest';
import { allocateArray, type DType, type TypedArray } from '../dtype.ts';
import type { ScanKernel } from '../kernel/kernel.ts';
import { oneLaunch, runOnce } from '../testing/programs.ts';
import { reference } from './index.ts';

async function scan(
  combine: ScanKernel['combine'],
  reverse: boolean,
  data: TypedArray,
  dtype: DType,
): Promise<number[]> {
  const kernel: ScanKernel = { form: 'scan', outerRank: 0, combine, reverse, dtype };
  const out = allocateArray(dtype, data.length);
  return [
    ...(
      await runOnce(
        reference(),
        kernel,
        [data.length],
        [
          { data, dtype, strides: [1] },
          { data: out, dtype, strides: [1] },
        ],
      )
    )[1],
  ];
}

async function sort(data: TypedArray, descending: boolean): Promise<number[]> {
  const kernel = { form: 'sort', outerRank: 0, descending, dtype: 'float32' } as const;
  const out = new Int32Array(data.length);
  return [
    ...(
      await runOnce(
        reference(),
        kernel,
        [data.length],
        [
          { data, strides: [1] },
          { data: out, strides: [1] },
        ],
      )
    )[1],
  ];
}

describe('scan', () => {
  it('runs forwards and backwards', async () => {
    const x = Float32Array.of(1, 3, 2, -4);
    expect(await scan('sum', false, x, 'float32')).toEqual([1, 4, 6, 2]);
    expect(await scan('sum', true, x, 'float32')).toEqual([2, 1, -2, -4]);
    expect(await scan('prod', false, x, 'float32')).toEqual([1, 3, 6, -24]);
    expect(await scan('prod', true, x, 'float32')).toEqual([-24, -24, -8, -4]);
    expect(await scan('max', false, x, 'float32')).toEqual([1, 3, 3, 3]);
    expect(await scan('min', true, x, 'float32')).toEqual([-4, -4, -4, -4]);
  });

  it('wraps integers, passes NaN on, and carries float32 sums in float64', async () => {
    expect(await scan('sum', false, Int32Array.of(2147483647, 1, 1), 'int32')).toEqual([
      2147483647, -2147483648, -2147483647,
    ]);
    expect(await scan('prod', false, Uint32Array.of(65536, 65537, 2), 'uint32')).toEqual([
      65536, 65536, 131072,
    ]);
    expect(await scan('max', false, Float32Array.of(1, NaN, 2), 'float32')).toEqual([1, NaN, NaN]);
    expect(await scan('sum', false, Float32Array.of(16777216, 1, 1), 'float32')).toEqual([
      16777216, 16777216, 16777218,
    ]);
    expect(await scan('sum', false, new Float32Array(0), 'float32')).toEqual([]);
  });

  it('runs along the last axis of a transposed operand', async () => {
    const kernel = { form: 'scan', outerRank: 1, combine: 'sum', reverse: false, dtype: 'float32' } as const;
    const [, out] = await runOnce(
      reference(),
      kernel,
      [3, 2],
      [
        { data: Float32Array.of(1, 2, 3, 4, 5, 6), strides: [1, 3] },
        { data: new Float32Array(6), strides: [2, 1] },
      ],
    );
    expect([...out]).toEqual([1, 5, 2, 7, 3, 9]);
  });

  it('refuses sums of bool', () => {
    const kernel = { form: 'scan', outerRank: 0, combine: 'sum', reverse: false, dtype: 'bool' } as const;
    const operand = { data: new Uint8Array(1), dtype: 'bool' as const, strides: [1] };
    expect(() => reference().prepare(oneLaunch(kernel, [1], [operand, operand]))).toThrow(
      'cast to int32 first',
    );
  });
});

describe('sort', () => {
  it('keeps the order of equal elements and puts NaN last, both ways', async () => {
    const x = Float32Array.of(2, NaN, 1, 2, Infinity, -Infinity, NaN, 1, 0, -0, Infinity);
    expect(await sort(x, false)).toEqual([5, 8, 9, 2, 7, 0, 3, 4, 10, 1, 6]);
    expect(await sort(x, true)).toEqual([4, 10, 0, 3, 2, 7, 8, 9, 5, 1, 6]);
    expect(await sort(new Float32Array(0), false)).toEqual([]);
  });

  it('sorts every line of a strided operand', async () => {
    const kernel = { form: 'sort', outerRank: 1, descending: false, dtype: 'int32' } as const;
    const [, out] = await runOnce(
      reference(),
      kernel,
      [2, 3],
      [
        { data: Int32Array.of(3, 9, 1, -2147483648, 2, 2147483647), strides: [1, 2] },
        { data: new Int32Array(6), strides: [3, 1] },
      ],
    );
    expect([...out]).toEqual([1, 2, 0, 1, 0, 2]);
  });
});
