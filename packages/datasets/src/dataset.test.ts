/** The face of a data set: batches as tensors. */
import { tensor } from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import { memoryDataset } from './dataset.ts';
import { digits } from './digits/index.ts';
import { dataLoader } from './loader.ts';
import { xor } from './sets/generated.ts';

describe('batches', () => {
  it('hold images as float32 in 0 … 1 and labels as int32', async () => {
    const set = memoryDataset({
      x: { data: Uint8Array.of(0, 51, 102, 255), shape: [1, 1, 2], scale: 1 / 255 },
      y: { data: Int32Array.of(3, 8), shape: [] },
    });
    const { x, y } = set.batch([1, 0, 1]);
    expect(x.shape).toEqual([3, 1, 1, 2]);
    expect(x.dtype).toBe('float32');
    const values = [...(await x.data())];
    [0.4, 1, 0, 0.2, 0.4, 1].forEach((value, i) => {
      expect(values[i]).toBeCloseTo(value, 6);
    });
    expect(y.shape).toEqual([3]);
    expect(y.dtype).toBe('int32');
    expect([...(await y.data())]).toEqual([8, 3, 8]);
  });

  it('keep their values when the data set is asked again', async () => {
    const set = xor();
    const first = set.batch([3]);
    set.batch([0]);
    expect([...(await first.x.data())]).toEqual([1, 1]);
    expect(first.y.shape).toEqual([1, 1]);
  });

  it('come out of a loader in the same form', async () => {
    const shapes: (readonly number[])[] = [];
    for await (const { x, y } of dataLoader(digits({ count: 25 }), { batchSize: 10 }))
      shapes.push(x.shape, y.shape);
    expect(shapes).toEqual([[10, 1, 28, 28], [10], [10, 1, 28, 28], [10], [5, 1, 28, 28], [5]]);
  });

  it('take every type of array', () => {
    for (const data of [Float64Array.of(1, 2), Uint32Array.of(1, 2), Float32Array.of(1, 2)]) {
      const set = memoryDataset({ x: { data, shape: [] }, y: { data, shape: [] } });
      expect(set.batch([0]).x.dtype).toBe(tensor(data).dtype);
    }
  });
});
