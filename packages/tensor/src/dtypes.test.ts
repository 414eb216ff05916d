/**
 * Which dtype results have: promotion, weak numbers, sums, and what bools and integers become.
 */
import { describe, expect, it } from 'vitest';
import { type ComputedDType, type DType, dtypes, oneHot, take, tensor, where } from './index.ts';

const of = (dtype: DType) => tensor([1, 0], { dtype });

describe('promotion', () => {
  // Rows and columns: bool, uint8, int32, uint32, float32, float64. From the documented order, not from the code.
  const table: Record<ComputedDType, readonly DType[]> = {
    bool: ['bool', 'uint8', 'int32', 'uint32', 'float32', 'float64'],
    uint8: ['uint8', 'uint8', 'int32', 'uint32', 'float32', 'float64'],
    int32: ['int32', 'int32', 'int32', 'float64', 'float32', 'float64'],
    uint32: ['uint32', 'uint32', 'float64', 'uint32', 'float32', 'float64'],
    float32: ['float32', 'float32', 'float32', 'float32', 'float32', 'float64'],
    float64: ['float64', 'float64', 'float64', 'float64', 'float64', 'float64'],
  };
  for (const a of dtypes) {
    it(`of ${a} with each other dtype`, () => {
      const row = ['bool', 'uint8', 'int32', 'uint32', 'float32', 'float64'] as const;
      row.forEach((b, i) => {
        expect(of(a).add(of(b)).dtype, `${a} + ${b}`).toBe(table[a][i]);
        expect(where(of('bool'), of(a), of(b)).dtype).toBe(table[a][i]);
        expect(of(a).div(of(b)).dtype, `${a} / ${b}`).toBe(table[a][i] === 'float64' ? 'float64' : 'float32');
        expect(of(a).less(of(b)).dtype).toBe('bool');
      });
    });
  }
});

describe('plain numbers', () => {
  it('take the dtype they meet, unless it cannot hold them', () => {
    for (const dtype of ['float32', 'float64'] as const) {
      expect(of(dtype).add(1).dtype).toBe(dtype);
      expect(of(dtype).mul(0.1).dtype).toBe(dtype);
    }
    expect(of('int32').add(1).dtype).toBe('int32');
    expect(of('int32').add(0.5).dtype).toBe('float32');
    expect(of('uint8').mul(2).dtype).toBe('uint8');
    expect(of('bool').add(1).dtype).toBe('int32');
    expect(of('bool').mul(0.5).dtype).toBe('float32');
    expect(of('uint8').sub(300).dtype).toBe('int32');
    expect([...tensor([10, 200], { dtype: 'uint8' }).less(300).dataSync()]).toEqual([1, 1]);
    expect([...tensor([10, 200], { dtype: 'uint8' }).clamp(-1, 100).dataSync()]).toEqual([10, 100]);
    expect([...tensor([10, 200], { dtype: 'uint8' }).mul(-1).dataSync()]).toEqual([-10, -200]);
    expect(of('int32').add(2 ** 31).dtype).toBe('float64');
    expect(of('uint32').sub(-1).dtype).toBe('float64');
    expect(of('bool').where(1, 0).dtype).toBe('float32');
    expect(of('bool').where(of('int32'), 0).dtype).toBe('int32');
  });

  it('keep their value: 0.1 meets float64 as the double', () => {
    expect(tensor([1], { dtype: 'float64' }).mul(0.1).itemSync()).toBe(0.1);
    expect(tensor([1]).mul(0.1).itemSync()).toBe(Math.fround(0.1));
    expect(
      tensor([2 ** 31 - 2], { dtype: 'int32' })
        .add(1)
        .itemSync(),
    ).toBe(2 ** 31 - 1);
    expect(
      tensor([0], { dtype: 'uint32' })
        .add(2 ** 32 - 1)
        .itemSync(),
    ).toBe(2 ** 32 - 1);
  });
});

describe('integers and bools', () => {
  it('are summed without overflow of bytes, and divided into fractions', () => {
    const bytes = tensor(new Uint8Array(1000).fill(255));
    expect(bytes.sum().dtype).toBe('int32');
    expect(bytes.sum().itemSync()).toBe(255_000);
    expect(bytes.mean().dtype).toBe('float32');
    expect(bytes.mean().itemSync()).toBe(255);
    expect(tensor([true, true, false], { dtype: 'bool' }).sum().itemSync()).toBe(2);
    expect([...tensor([7, -7], { dtype: 'int32' }).div(2).dataSync()]).toEqual([3.5, -3.5]);
    const product = tensor([[200, 200]], { dtype: 'uint8' }).matmul(tensor([[2], [2]], { dtype: 'uint8' }));
    expect([product.dtype, product.itemSync()]).toEqual(['int32', 800]);
  });

  it('wrap, bytes included', () => {
    expect(
      tensor([2 ** 31 - 1], { dtype: 'int32' })
        .add(1)
        .itemSync(),
    ).toBe(-(2 ** 31));
    expect(tensor([250], { dtype: 'uint8' }).add(10).itemSync()).toBe(4);
    expect(tensor([65537], { dtype: 'int32' }).mul(65537).itemSync()).toBe(131073);
  });

  it('of bool count as int32 in arithmetic that leaves 0 and 1', () => {
    const flags = tensor([true, false], { dtype: 'bool' });
    expect([flags.neg().dtype, [...flags.neg().dataSync()]]).toEqual(['int32', [-1, 0]]);
    expect([...flags.sub(tensor([true, true], { dtype: 'bool' })).dataSync()]).toEqual([0, -1]);
    expect([...flags.abs().dataSync()]).toEqual([1, 0]);
    expect(flags.exp().dtype).toBe('float32');
  });

  it('of any kind, and whole float32, are class indices', () => {
    const rows = tensor([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
    for (const dtype of ['uint8', 'int32', 'uint32', 'float32'] as const) {
      const index = tensor([2, 0], { dtype });
      expect([...take(rows, index).dataSync()], dtype).toEqual([5, 6, 1, 2]);
      expect([...oneHot(index, 3).dataSync()], dtype).toEqual([0, 0, 1, 1, 0, 0]);
    }
  });
});

describe('two copies of the library', () => {
  it('are named in the error when a tensor of one meets the other', () => {
    // What a tensor of another copy looks like from here: its own class, the shared mark.
    class Tensor {
      get [Symbol.for('@ag/tensor')](): object {
        return {};
      }
    }
    const foreign = new Tensor() as unknown as ReturnType<typeof tensor>;
    expect(() => tensor([1]).add(foreign)).toThrow(/two copies of @ag\/tensor.*npm ls/s);
    expect(() => tensor([1]).matmul(foreign)).toThrow(/two copies/);
    expect(() => tensor([1]).add({} as typeof foreign)).toThrow(
      /add: expected a tensor or a number as other, got an object/,
    );
    expect(() => tensor([1]).add(undefined as unknown as number)).toThrow(
      /add: expected a tensor or a number as other, got undefined/,
    );
  });
});
