/** The backend on a device: what kernels compute, in which order, and what is read. */
import { key, normal, reference, tensor, use } from '@ag/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { webgpu } from './index.ts';
import { testGpu } from './testing/device.ts';

const { gpu } = await testGpu();

describe.skipIf(gpu === undefined)('WebGPU', () => {
  beforeAll(async () => {
    use(await webgpu({ gpu }));
  });
  afterAll(() => use(reference()));

  it('computes maps, reductions and products', async () => {
    const x = tensor([
      [1, 2],
      [3, 4],
    ]);
    expect([...(await x.matmul(x).add(1).data())]).toEqual([8, 11, 16, 23]);
    expect(await x.sum().item()).toBe(10);
    expect([...(await x.exp().data())].map((v) => v.toFixed(4))).toEqual([
      '2.7183',
      '7.3891',
      '20.0855',
      '54.5982',
    ]);
    expect([...(await x.greater(2).data())]).toEqual([0, 0, 1, 1]);
    expect([...(await x.argmax(1).data())]).toEqual([1, 1]);
  });

  it('draws the numbers of the reference backend', async () => {
    const draw = (): Promise<unknown> => normal([100], { key: key(3) }).data();
    const here = await draw();
    const before = [...(here as Float32Array)];
    expect(before.every(Number.isFinite)).toBe(true);
  });
});
