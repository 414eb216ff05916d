/**
 * Storage dtypes: what PyTorch makes of numbers in 16 bits, how they print, what makes and reads them, and what they cost.
 * Their behavior on backends is in `testing/storage.ts`.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodeAll, encode } from './halves.ts';
import {
  backend as backendInUse,
  fromBits,
  isFloat,
  ones,
  promote,
  reference,
  storageDTypes,
  tensor,
  use,
  Variable,
  zeros,
  zerosLike,
} from './index.ts';

const fixture: {
  sums: Record<'float16' | 'bfloat16', number>;
  rounded: (readonly [number, number, number])[];
} = JSON.parse(readFileSync(new URL('../fixtures/storage.json', import.meta.url), 'utf8'));

describe('numbers of 16 bits', () => {
  for (const [i, dtype] of (['float16', 'bfloat16'] as const).entries()) {
    it(`${dtype} rounds as PyTorch does`, () => {
      const numbers = new Float32Array(Uint32Array.from(fixture.rounded, (row) => row[0]).buffer);
      const bits = fixture.rounded.map((row) => row[1 + i]);
      expect([...numbers].map((x) => encode(x, dtype))).toEqual(bits);
      expect(encode(Number.NaN, dtype)).toBe(dtype === 'float16' ? 0x7e00 : 0x7fc0);
    });

    it(`${dtype} widens as PyTorch does, and back`, () => {
      const all = Uint16Array.from({ length: 65536 }, (_, bits) => bits);
      const numbers = decodeAll(all, dtype);
      const words = new Uint32Array(numbers.buffer);
      let sum = 0;
      numbers.forEach((x, bits) => {
        if (Number.isNaN(x)) return;
        sum = (sum + Math.imul(words[bits], (bits % 251) + 1)) >>> 0;
        if (encode(x, dtype) !== bits) throw new Error(`${bits} became ${encode(x, dtype)}`);
      });
      expect(sum).toBe(fixture.sums[dtype]);
    });
  }
});

describe('tensors that are only stored', () => {
  it('are made of numbers or bits, and read as numbers', async () => {
    expect([...tensor([1, 0.1, -2], { dtype: 'float16' }).dataSync()]).toEqual([1, 0.0999755859375, -2]);
    expect([...fromBits(Uint16Array.of(0x3c00, 0xc000), { dtype: 'float16' }).dataSync()]).toEqual([1, -2]);
    expect(await fromBits(Uint16Array.of(0x3f80), { dtype: 'bfloat16', shape: [] }).item()).toBe(1);
    expect(await tensor([[1, -300]], { dtype: 'int8' }).toArray()).toEqual([[1, -128]]);
    expect(tensor(Int8Array.of(-3), { dtype: 'int8' }).dataSync()).toEqual(Int8Array.of(-3));
    expect(zeros([2], { dtype: 'float16' }).dataSync()).toEqual(new Float32Array(2));
    expect(zerosLike(tensor([1], { dtype: 'int16' })).dtype).toBe('int16');
    // Arrays without a dtype give what they always gave.
    expect(tensor(Int8Array.of(1)).dtype).toBe('int32');
    expect(() => fromBits([1] as never, { dtype: 'float16' })).toThrow(
      /fromBits: expected a Uint16Array, got/,
    );
    expect(() => fromBits(Uint16Array.of(1), { dtype: 'int16' as never })).toThrow(
      /float16 or bfloat16, got int16/,
    );
    expect(() => fromBits(Uint16Array.of(1), { dtype: 'float16', shape: [2] })).toThrow(
      /has 2 elements, the data 1/,
    );
    expect(() => tensor([1], { dtype: 'float8' as never })).toThrow(/known: .*float16, bfloat16/);
  });

  it('print the digits that tell them from their neighbors, as NumPy does', () => {
    // NumPy 2: np.array([0.1, 1.5, 65500], np.float16) and np.array([-3, 100], np.int8)
    expect(String(tensor([0.1, 1.5, 100], { dtype: 'float16' }))).toBe(
      'tensor([  0.1,   1.5, 100. ], shape=[3], dtype=float16)',
    );
    expect(String(tensor([0.1], { dtype: 'bfloat16' }))).toBe('tensor([0.1], shape=[1], dtype=bfloat16)');
    expect(String(tensor([-3, 100], { dtype: 'int8' }))).toBe('tensor([ -3, 100], shape=[2], dtype=int8)');
  });

  it('promote as what they are computed as', () => {
    const computed = { float16: 'float32', bfloat16: 'float32', int8: 'int32', int16: 'int32' } as const;
    for (const dtype of storageDTypes) {
      const x = tensor([1, 2], { dtype });
      expect(promote(dtype, 'bool')).toBe(computed[dtype]);
      expect(x.add(1).dtype).toBe(computed[dtype]);
      expect(x.add(0.5).dtype).toBe('float32');
      expect(x.mul(x.cast('float64')).dtype).toBe('float64');
      expect(x.max().dtype).toBe(computed[dtype]);
      expect(x.detach().dtype).toBe(dtype);
      expect(isFloat(dtype)).toBe(computed[dtype] === 'float32');
    }
  });

  it('take two bytes an element, as variables too', async () => {
    const backend = reference();
    const before = backendInUse();
    use(backend);
    try {
      const held = async (dtype: 'float16' | 'float32'): Promise<number> => {
        const start = backend.stats().bytes;
        const w = new Variable(ones([1000]).cast(dtype));
        await w.value.data();
        const bytes = backend.stats().bytes - start;
        w.dispose();
        return bytes;
      };
      await held('float16');
      await held('float32');
      expect(await held('float32')).toBe(4000);
      expect(await held('float16')).toBe(2000);
    } finally {
      use(before);
    }
  });

  it('are trainable only where asked', () => {
    expect(new Variable(tensor([1], { dtype: 'float16' })).trainable).toBe(false);
  });
});
