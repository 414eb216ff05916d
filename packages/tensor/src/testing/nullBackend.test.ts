import { describe, expect, it } from 'vitest';
import type { ContractKernel, MapKernel, ReduceKernel } from '../kernel/kernel.ts';
import { nullBackend } from './nullBackend.ts';
import { oneLaunch } from './programs.ts';

const none = new Float64Array(0);
const accumulator = { instructions: [{ op: 'accumulator', dtype: 'float32' } as const], results: [0] };

describe('null backend', () => {
  it('counts launches by form and the bytes of distinct elements', () => {
    const device = nullBackend();
    const add: MapKernel = {
      form: 'map',
      rank: 2,
      inputs: ['float32', 'float32'],
      outputs: [{ dtype: 'float32', accumulate: true }],
      expression: {
        instructions: [
          { op: 'load', operand: 0, dtype: 'float32' },
          { op: 'load', operand: 1, dtype: 'float32' },
          { op: 'add', a: 0, b: 1, dtype: 'float32' },
        ],
        results: [2],
      },
    };
    const map = device.prepare(
      oneLaunch(
        add,
        [4, 3],
        [
          { data: new Float32Array(12), strides: [3, 1] },
          { data: new Float32Array(3), strides: [0, 1] },
          { data: new Float32Array(12), strides: [3, 1] },
        ],
        { label: 'add' },
      ),
    );
    device.run(map, [], none);
    // Read: 12 elements, 3 of the bias, 12 that are added to.
    expect(device.last).toEqual({
      launches: 1,
      byForm: { map: 1 },
      bytesRead: 27 * 4,
      bytesWritten: 12 * 4,
      labels: ['add'],
    });

    const multiply: ContractKernel = {
      form: 'contract', batchRank: 0, mRank: 1, nRank: 1, kRank: 1, dtype: 'float32',
      extras: [], outputs: [{ dtype: 'float32', accumulate: false }], epilogue: accumulator,
    }; // biome-ignore format: a record
    const contract = device.prepare(
      oneLaunch(
        multiply,
        [4, 3, 5],
        [
          { data: new Float32Array(20), strides: [5, 1] },
          { data: new Float32Array(15), strides: [3, 1] },
          { data: new Float32Array(12), strides: [3, 1] },
        ],
      ),
    );
    device.run(contract, [], none);
    expect(device.last).toMatchObject({ byForm: { contract: 1 }, bytesRead: 35 * 4, bytesWritten: 12 * 4 });
    expect(device.total).toEqual({
      runs: 2,
      launches: 2,
      byForm: { map: 1, contract: 1 },
      bytesRead: 62 * 4,
      bytesWritten: 24 * 4,
    });
    device.reset();
    expect(device.total.runs).toBe(0);
    expect(device.stats().kernels).toBe(2);
  });

  it('counts an element once that several windows share', () => {
    const device = nullBackend();
    const sum: ReduceKernel = {
      form: 'reduce', outerRank: 1, reducedRank: 1, combine: 'sum', dtype: 'float32', inputs: ['float32'], extras: [],
      outputs: [{ dtype: 'float32', accumulate: false }],
      prologue: { instructions: [{ op: 'load', operand: 0, dtype: 'float32' }], results: [0] }, epilogue: accumulator,
    }; // biome-ignore format: a record
    const windows = device.prepare(
      oneLaunch(
        sum,
        [4, 3],
        [
          { data: new Float32Array(6), strides: [1, 1] },
          { data: new Float32Array(4), strides: [1] },
        ],
      ),
    );
    device.run(windows, [], none);
    expect(device.last).toMatchObject({ bytesRead: 6 * 4, bytesWritten: 4 * 4 });
  });

  it('reads zeros and counts memory', async () => {
    const device = nullBackend();
    const memory = device.allocate(8);
    device.write(memory, Float32Array.of(1, 2));
    expect([...(await device.read(memory, 'float32', 2))]).toEqual([0, 0]);
    device.release(memory);
    expect(device.stats()).toMatchObject({ bytes: 0, peakBytes: 8 });
  });
});
