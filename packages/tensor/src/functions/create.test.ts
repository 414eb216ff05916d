/**
 * How numbers become elements, whatever the way they come in: the rule of `cast` (docs/operations.md), with NumPy's values where
 * NumPy has one (bool), and saturation, which NumPy leaves undefined, as WebAssembly and Rust define it.
 */
import { describe, expect, it } from 'vitest';
import type * as api from '../index.ts';
import type { DType } from '../index.ts';
import { arange, full, linspace, nonzero, scalar, tensor, Variable, zeros } from '../index.ts';
import { dynamicScalar } from './create.ts';

const odd = [
  Number.NaN,
  3e9,
  -3e9,
  -1,
  300,
  2.7,
  -2.7,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  0,
];
const elements: Partial<Record<DType, readonly number[]>> = {
  bool: [1, 1, 1, 1, 1, 1, 1, 1, 1, 0],
  int32: [0, 2147483647, -2147483648, -1, 300, 2, -2, 2147483647, -2147483648, 0],
  uint32: [0, 3000000000, 0, 0, 300, 2, 0, 4294967295, 0, 0],
  uint8: [0, 255, 0, 0, 255, 2, 0, 255, 0, 0],
};

const ways: Record<string, (x: number, dtype: DType) => api.Tensor> = {
  'tensor([x])': (x, dtype) => tensor([x], { dtype }),
  'tensor(x)': (x, dtype) => tensor(x, { dtype }),
  'tensor([[x]])': (x, dtype) => tensor([[x]], { dtype }),
  'tensor(Float64Array)': (x, dtype) => tensor(Float64Array.of(x), { dtype }),
  'tensor(Float64Array, without copy)': (x, dtype) => tensor(Float64Array.of(x), { dtype, copy: false }),
  'tensor(Float32Array)': (x, dtype) => tensor(Float32Array.of(x), { dtype }),
  'tensor([Float64Array])': (x, dtype) => tensor([Float64Array.of(x)], { dtype }),
  scalar: (x, dtype) => scalar(x, { dtype }),
  full: (x, dtype) => full([1], x, { dtype }),
  'full without axes': (x, dtype) => full([], x, { dtype }),
  'full in an expression': (x, dtype) => full([2], x, { dtype }).slice(1).maximum(zeros([1], { dtype })).maximum(full([1], x, { dtype })),
  'the value of pad': (x, dtype) => zeros([0], { dtype }).pad([[1, 0]], x),
  'cast of float64': (x, dtype) => tensor([x], { dtype: 'float64' }).cast(dtype),
  'cast of float32': (x, dtype) => tensor([x]).cast(dtype),
  'cast of a literal': (x, dtype) => full([1], x, { dtype: 'float64' }).cast(dtype),
  dynamicScalar: (x, dtype) => dynamicScalar(() => x, dtype),
  'a variable': (x, dtype) => new Variable(full([1], x, { dtype })).value,
  linspace: (x, dtype) => (Number.isFinite(x) ? linspace(x, x, 1, { dtype }) : tensor([x], { dtype })),
  arange: (x, dtype) => (Number.isFinite(x) ? arange(x, x + 0.5, 1, { dtype }) : tensor([x], { dtype })),
}; // biome-ignore format: a table

describe('numbers become elements alike', () => {
  for (const [name, make] of Object.entries(ways)) {
    it(name, () => {
      for (const [dtype, expected] of Object.entries(elements)) {
        if (name.startsWith('full in') && dtype !== 'uint8') continue;
        const found = odd.map((x) => make(x, dtype as DType).dataSync()[0]);
        expect(found, dtype).toEqual(expected);
        // What is read at once and what a plan computes is the same.
        if (dtype !== 'bool') {
          const computed = odd.map(
            (x) =>
              make(x, dtype as DType)
                .cast('float64')
                .add(1)
                .dataSync()[0],
          );
          expect(computed, `${dtype}, computed`).toEqual(expected.map((value) => value + 1));
        }
      }
    });
  }

  it('of whole numbers wrap between integer dtypes, as NumPy casts them', () => {
    const wide = Int32Array.of(-1, 300, 256, 7);
    for (const x of [
      tensor(wide, { dtype: 'uint8' }),
      tensor([wide], { dtype: 'uint8' }),
      tensor(wide).cast('uint8'),
    ]) {
      expect([...x.dataSync()]).toEqual([255, 44, 0, 7]);
    }
    expect(tensor(Uint32Array.of(3e9), { dtype: 'int32' }).itemSync()).toBe(3e9 - 2 ** 32);
  });

  it('finds NaN where it is not 0, so masks and positions agree', async () => {
    const x = tensor([Number.NaN, 0, 2]);
    expect([...(await nonzero(x))[0].dataSync()]).toEqual([0, 2]);
    expect(x.index(x.cast('bool')).dataSync()).toEqual(x.index(...(await nonzero(x))).dataSync());
    expect(x.where(1, 0).dataSync()).toEqual(Float32Array.of(1, 0, 1));
    expect(x.any().itemSync()).toBe(1);
    expect(x.all().itemSync()).toBe(0);
  });

  it('stores bools as 0 and 1 although the array is taken over', () => {
    const x = tensor(Uint8Array.of(2, 0, 255), { dtype: 'bool', copy: false });
    expect([...x.dataSync()]).toEqual([1, 0, 1]);
    expect(x.sum().itemSync()).toBe(2);
  });
});

describe('tensor takes', () => {
  it('rows that are typed arrays, in their dtype', () => {
    const x = tensor([Float32Array.of(1, 2), Float32Array.of(3, 4)]);
    expect([x.shape, x.dtype, [...x.dataSync()]]).toEqual([[2, 2], 'float32', [1, 2, 3, 4]]);
    expect(tensor([[Uint8Array.of(1)], [Uint8Array.of(2)]])).toMatchObject({
      shape: [2, 1, 1],
      dtype: 'uint8',
    });
    expect(tensor([Int32Array.of(1), Float64Array.of(0.1)]).dtype).toBe('float64');
    expect(tensor([Int32Array.of(1), [0.5]]).dtype).toBe('float32');
    expect(tensor([Float64Array.of(0.1)]).dataSync()[0]).toBe(0.1);
    expect(tensor([new Float32Array(0), new Float32Array(0)]).shape).toEqual([2, 0]);
  });

  it('typed arrays that have no dtype of their own, in one that holds them', () => {
    const of = (data: Parameters<typeof tensor>[0]): unknown[] => {
      const x = tensor(data);
      return [x.dtype, ...x.dataSync()];
    };
    expect(of(Int8Array.of(-128, 127))).toEqual(['int32', -128, 127]);
    expect(of(Int16Array.of(-5))).toEqual(['int32', -5]);
    expect(of(Uint16Array.of(65535))).toEqual(['int32', 65535]);
    expect(of(Uint8ClampedArray.of(300, 7))).toEqual(['uint8', 255, 7]);
    expect(of([Int8Array.of(-1), Uint8ClampedArray.of(1)])).toEqual(['int32', -1, 1]);
  });

  it('copies of them, so that writing into the array changes nothing', () => {
    const pixels = Uint8ClampedArray.of(1, 2);
    const x = tensor(pixels);
    pixels[0] = 9;
    expect([...x.dataSync()]).toEqual([1, 2]);
  });

  it.each<[string, unknown, string]>([
    ['null', [1, null], 'tensor: expected a number at element 1, got null; NaN stands for what is missing'],
    ['undefined', [1, undefined], 'tensor: expected a number at element 1, got undefined; NaN stands'],
    ['a text', [[1], ['2']], "tensor: expected a number at element 1, got '2'; convert texts with Number"],
    ['a BigInt', [1n], 'tensor: expected a number at element 0, got the BigInt 1n; convert it with Number'],
    ['BigInts', BigInt64Array.of(1n), 'tensor: expected numbers, nested arrays or a typed array, got an object of BigInt64Array'],
    ['a tensor', [tensor(1)], 'tensor: expected a number at element 0, got a tensor; stack and concat join tensors'],
    ['an array', [1, [2]], 'tensor: the nesting is ragged: an array where a number was expected, at element 1'],
    ['a longer row', [Float32Array.of(1), Float32Array.of(1, 2)], 'tensor: the nesting is ragged: expected 1 elements along axis 1, found 2'],
  ])('numbers only: %s is named', (_, data, message) => {
    expect(() => tensor(data as number[])).toThrow(message);
  }); // biome-ignore format: a table
});

describe('a result has the dtype of the operands, whatever the value of a number', () => {
  // Numbers without a fraction: those with one make float32 of integers, as the page says.
  const numbers = [-2, -1, 0, 1, 2, 3];
  const operations: Record<string, (x: api.Tensor, y: api.TensorLike) => api.Tensor> = {
    pow: (x, y) => x.pow(y),
    mul: (x, y) => x.mul(y),
    div: (x, y) => x.div(y),
    add: (x, y) => x.add(y),
    sub: (x, y) => x.sub(y),
    mod: (x, y) => x.mod(y),
    maximum: (x, y) => x.maximum(y),
    where: (x, y) => x.where(x, y),
    clamp: (x, y) => x.clamp(y),
    'norm with p': (x, y) => x.norm(0, { p: y as number }),
  };
  for (const [name, of] of Object.entries(operations)) {
    it(name, () => {
      for (const dtype of ['bool', 'int32', 'float32', 'float64'] as const) {
        const x = tensor([2], { dtype });
        const found = numbers.map((value) => of(x, value).dtype);
        expect(new Set(found).size, `${dtype}: ${found}`).toBe(1);
        if (name !== 'norm with p' && dtype !== 'bool') {
          expect(found[0], dtype).toBe(of(x, tensor(1, { dtype })).dtype);
        }
      }
    });
  }

  it('so pow of integers by −1 is whole, by a number as by a tensor', () => {
    const x = tensor([2, 1, -1], { dtype: 'int32' });
    for (const exponent of [-1, tensor([-1], { dtype: 'int32' })]) {
      const y = x.pow(exponent);
      expect([y.dtype, ...y.dataSync()]).toEqual(['int32', 0, 1, -1]);
    }
    const flag = tensor([1], { dtype: 'bool' });
    expect([flag.pow(1).dtype, flag.pow(2).dtype, flag.pow(3).dtype]).toEqual(['int32', 'int32', 'int32']);
    expect(tensor([2], { dtype: 'uint8' }).pow(1).dtype).toBe('uint8');
    expect(tensor([2]).pow(-1).dataSync()[0]).toBe(0.5);
  });
});
