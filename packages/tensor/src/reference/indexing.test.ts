import { describe, expect, it } from 'vitest';
import type { GatherKernel, ScatterKernel } from '../kernel/kernel.ts';
import { runOnce } from '../testing/programs.ts';
import { reference } from './index.ts';

const gather = (rank: number): GatherKernel => ({ form: 'gather', rank, dtype: 'float32' });
const scatter = (rank: number, combine: 'add' | 'set'): ScatterKernel => ({
  form: 'scatter',
  rank,
  dtype: 'float32',
  combine,
});
const table = Float32Array.of(0, 1, 10, 11, 20, 21); // [3, 2]

describe('gather', () => {
  it('takes whole rows, negative indices from the end', async () => {
    const [, , out] = await runOnce(
      reference(),
      gather(2),
      [4, 2],
      [
        { data: table, strides: [0, 1] },
        { data: Int32Array.of(2, 0, -1, -3), strides: [1, 0] },
        { data: new Float32Array(8), strides: [2, 1] },
      ],
      { axis: { size: 3, stride: 2 } },
    );
    expect([...out]).toEqual([20, 21, 0, 1, 20, 21, 0, 1]);
  });

  it('takes one element of each row', async () => {
    const [, , out] = await runOnce(
      reference(),
      gather(1),
      [3],
      [
        { data: table, strides: [2] },
        { data: Int32Array.of(1, 0, 1), strides: [1] },
        { data: new Float32Array(3), strides: [1] },
      ],
      { axis: { size: 2, stride: 1 } },
    );
    expect([...out]).toEqual([1, 10, 21]);
  });

  it('takes one element by a scalar index', async () => {
    const [, , out] = await runOnce(
      reference(),
      gather(0),
      [],
      [
        { data: table, strides: [] },
        { data: Int32Array.of(4), strides: [] },
        { data: new Float32Array(1), strides: [] },
      ],
      { axis: { size: 6, stride: 1 } },
    );
    expect([...out]).toEqual([20]);
  });

  it('names index, position, axis size and launch when an index does not exist', async () => {
    const run = (indices: number[]) =>
      runOnce(
        reference(),
        gather(2),
        [2, 2],
        [
          { data: table, strides: [0, 1] },
          { data: Int32Array.from(indices), strides: [2, 1] },
          { data: new Float32Array(4), strides: [2, 1] },
        ],
        { axis: { size: 3, stride: 2 }, label: 'embedding' },
      );
    await expect(run([0, 1, 3, 0])).rejects.toThrow(
      expect.objectContaining({
        name: 'RangeError',
        message:
          'embedding: index 3 at position [1, 0] does not exist on an axis of size 3; indices must be in -3 … 2',
      }),
    );
    await expect(run([0, -4, 0, 0])).rejects.toThrow('index -4 at position [0, 1]');
  });

  it('says so when the axis is empty', async () => {
    const operands = [
      { data: new Float32Array(0), strides: [0] },
      { data: Int32Array.of(0), strides: [1] },
      { data: new Float32Array(1), strides: [1] },
    ];
    await expect(
      runOnce(reference(), gather(1), [1], operands, { axis: { size: 0, stride: 1 } }),
    ).rejects.toThrow('it has no elements');
  });
});

describe('scatter', () => {
  it('adds rows, those of equal index one after another', async () => {
    const [, , out] = await runOnce(
      reference(),
      scatter(2, 'add'),
      [3, 2],
      [
        { data: Float32Array.of(1, 2, 3, 4, 5, 6), strides: [2, 1] },
        { data: Int32Array.of(1, -1, 1), strides: [1, 0] },
        { data: table, strides: [0, 1] },
      ],
      { axis: { size: 3, stride: 2 } },
    );
    expect([...out]).toEqual([0, 1, 16, 19, 23, 25]);
  });

  it('sets elements, the last of equal index winning', async () => {
    const [, , out] = await runOnce(
      reference(),
      scatter(1, 'set'),
      [3],
      [
        { data: Float32Array.of(7, 8, 9), strides: [1] },
        { data: Int32Array.of(0, 2, 0), strides: [1] },
        { data: Float32Array.of(1, 2, 3), strides: [0] },
      ],
      { axis: { size: 3, stride: 1 } },
    );
    expect([...out]).toEqual([9, 2, 8]);
  });

  it('refuses an index that does not exist', async () => {
    const operands = [
      { data: Float32Array.of(7), strides: [1] },
      { data: Int32Array.of(3), strides: [1] },
      { data: Float32Array.of(1, 2, 3), strides: [0] },
    ];
    const run = runOnce(reference(), scatter(1, 'set'), [1], operands, {
      axis: { size: 3, stride: 1 },
      label: 'scatterAdd',
    });
    await expect(run).rejects.toThrow(
      'scatterAdd: index 3 at position [0] does not exist on an axis of size 3',
    );
  });
});
