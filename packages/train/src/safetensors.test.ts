import { tensor } from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import { decodeSafetensors, encodeSafetensors } from './safetensors.ts';

/** A file put together by the format's specification: length, header, data. */
function file(header: unknown, data: readonly number[] = []): Uint8Array {
  const text = typeof header === 'string' ? header : JSON.stringify(header);
  const head = new TextEncoder().encode(text);
  const bytes = new Uint8Array(8 + head.length + data.length);
  new DataView(bytes.buffer).setUint32(0, head.length, true);
  bytes.set(head, 8);
  bytes.set(data, 8 + head.length);
  return bytes;
}

describe('safetensors', () => {
  it('reads a file made by hand', async () => {
    // 1.5 and −2 as little-endian float32.
    const bytes = file(
      { __metadata__: { note: 'hi' }, w: { dtype: 'F32', shape: [2], data_offsets: [0, 8] } },
      [0, 0, 0xc0, 0x3f, 0, 0, 0, 0xc0],
    );
    const { tensors, metadata } = decodeSafetensors(bytes);
    expect(metadata).toEqual({ note: 'hi' });
    expect(tensors.w!.shape).toEqual([2]);
    expect(Array.from(await tensors.w!.data())).toEqual([1.5, -2]);
  });

  it('reads 16-bit floats and 64-bit integers', async () => {
    // binary16: 1.0 = 3c00, 2⁻²⁴ = 0001, −65504 = fbff, ∞ = 7c00; bfloat16: 1.0 = 3f80, −2 = c000.
    const bytes = file(
      {
        h: { dtype: 'F16', shape: [4], data_offsets: [0, 8] },
        b: { dtype: 'BF16', shape: [2], data_offsets: [8, 12] },
        i: { dtype: 'I64', shape: [1], data_offsets: [12, 20] },
      },
      [0, 0x3c, 1, 0, 0xff, 0xfb, 0, 0x7c, 0x80, 0x3f, 0, 0xc0, 0xfe, 255, 255, 255, 255, 255, 255, 255],
    );
    const { tensors } = decodeSafetensors(bytes);
    expect(Array.from(await tensors.h!.data())).toEqual([1, 2 ** -24, -65504, Number.POSITIVE_INFINITY]);
    expect(Array.from(await tensors.b!.data())).toEqual([1, -2]);
    expect(Array.from(await tensors.i!.data())).toEqual([-2]);
  });

  it('writes what the specification says, aligned, for every dtype', async () => {
    const bytes = await encodeSafetensors(
      {
        a: tensor([1, 2, 3], { dtype: 'uint8' }),
        b: tensor([[1.5]], { dtype: 'float64' }),
        c: tensor(7, { dtype: 'int32' }),
        d: tensor([], { dtype: 'float32' }),
        e: tensor([true, false]),
      },
      { k: 'v' },
    );
    const size = new DataView(bytes.buffer).getUint32(0, true);
    expect((8 + size) % 8).toBe(0);
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + size)));
    expect(header.__metadata__).toEqual({ k: 'v' });
    expect(header.b).toEqual({ dtype: 'F64', shape: [1, 1], data_offsets: [0, 8] });
    expect(header.c).toEqual({ dtype: 'I32', shape: [], data_offsets: [8, 12] });
    expect(header.d).toEqual({ dtype: 'F32', shape: [0], data_offsets: [12, 12] });
    expect(header.a).toMatchObject({ dtype: 'U8', shape: [3] });
    expect(new DataView(bytes.buffer, 8 + size).getFloat64(0, true)).toBe(1.5);
    const back = decodeSafetensors(bytes).tensors;
    for (const [name, dtype] of Object.entries({ a: 'uint8', b: 'float64', c: 'int32', d: 'float32' })) {
      expect(back[name]!.dtype).toBe(dtype);
    }
    expect(Array.from(await back.a!.data())).toEqual([1, 2, 3]);
  });

  it.each([
    ['nothing', new Uint8Array(0), /0 bytes/],
    ['a header beyond the end', Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 127, 1), /truncated/],
    ['no JSON', file('{nope'), /no JSON/],
    ['an array', file('[]'), /no JSON object/],
    [
      'an unknown type',
      file({ w: { dtype: 'Q4', shape: [1], data_offsets: [0, 1] } }, [1]),
      /"Q4"; known are F64/,
    ],
    [
      'a type of the prototype',
      file({ w: { dtype: 'constructor', shape: [1], data_offsets: [0, 1] } }, [1]),
      /known are/,
    ],
    ['a negative size', file({ w: { dtype: 'U8', shape: [-1], data_offsets: [0, 1] } }, [1]), /shape of 'w'/],
    [
      'offsets beyond the data',
      file({ w: { dtype: 'U8', shape: [4], data_offsets: [0, 4] } }, [1]),
      /damaged or truncated/,
    ],
    [
      'offsets that run backwards',
      file({ w: { dtype: 'U8', shape: [1], data_offsets: [1, 0] } }, [1]),
      /damaged/,
    ],
    [
      'a shape that needs more',
      file({ w: { dtype: 'F32', shape: [3], data_offsets: [0, 4] } }, [1, 2, 3, 4]),
      /needs 12 bytes, the header gives it 4/,
    ],
    ['a huge shape', file({ w: { dtype: 'F32', shape: [2 ** 40, 2 ** 40], data_offsets: [0, 0] } }), /w/],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => decodeSafetensors(bytes, 'weights')).toThrow(message);
  });
});
