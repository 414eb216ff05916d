/** Files of other libraries are read, and what is written here follows the published formats byte by byte. */
import { readFileSync } from 'node:fs';
import { type Tensor, tensor } from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import { Net } from '../../fixtures/torchNet.ts';
import * as nn from '../index.ts';
import { bfloatFromFloat, floatFromHalf, halfFromFloat } from './elements.ts';

const fixtures = JSON.parse(readFileSync(new URL('../../fixtures/files.json', import.meta.url), 'utf8')) as {
  model: { file: string; prediction: number[] };
  kinds: { file: string; values: Record<string, (number | 'inf')[]>; large: string };
  numpy: Record<string, string>;
};

const bytesOf = (base64: string): Uint8Array => Uint8Array.from(Buffer.from(base64, 'base64'));

const good = await nn.saveSafetensors({ w: tensor([1, 2]) });

describe('safetensors', () => {
  it('loads a model that PyTorch wrote, which then predicts the same', () => {
    const { tensors, metadata } = nn.loadSafetensors(bytesOf(fixtures.model.file));
    expect(metadata).toEqual({ author: 'fixture', note: 'schön' });
    const net = new Net().loadStateDict(tensors).eval();
    const x = tensor(
      Float64Array.from({ length: 96 }, (_, i) => Math.sin(1 + 12.9898 * i)),
      { shape: [2, 1, 8, 6], dtype: 'float32' },
    );
    const found = net.forward(x).dataSync();
    fixtures.model.prediction.forEach((expected, i) => {
      expect(found[i]).toBeCloseTo(expected, 5);
    });
  });

  it('reads all element types of other libraries', () => {
    const { tensors } = nn.loadSafetensors(bytesOf(fixtures.kinds.file));
    const dtypes = {
      half: 'float32',
      brain: 'float32',
      long: 'int32',
      short: 'int32',
      byte: 'uint8',
      tiny: 'int32',
    };
    for (const [name, dtype] of Object.entries({
      ...dtypes,
      flag: 'bool',
      double: 'float64',
      empty: 'float32',
    })) {
      const expected = fixtures.kinds.values[name].map((x) => (x === 'inf' ? Number.POSITIVE_INFINITY : x));
      expect(tensors[name].dtype, name).toBe(dtype);
      expect([...tensors[name].dataSync()], name).toEqual(expected);
    }
    expect(tensors.long.shape).toEqual([2, 2]);
    expect(tensors.double.shape).toEqual([]);
    expect(tensors.empty.shape).toEqual([0, 4]);
    expect(Object.is(tensors.half.dataSync()[1], -0)).toBe(true);
    expect(() => nn.loadSafetensors(bytesOf(fixtures.kinds.large))).toThrow(
      /'n': element 0 is 1099511627776, beyond/,
    );
  });

  it('writes what an independent reading of the format finds', async () => {
    const file = await nn.saveSafetensors(
      {
        b: tensor([1, 0, 1], { dtype: 'bool' }),
        a: tensor([[1.5, -2]]),
        c: tensor([0.1], { dtype: 'float64' }),
      },
      { metadata: { epoch: '3' } },
    );
    const view = new DataView(file.buffer);
    const length = view.getUint32(0, true);
    expect(view.getUint32(4, true)).toBe(0);
    expect((8 + length) % 8).toBe(0);
    const header = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + length)));
    expect(header).toEqual({
      __metadata__: { epoch: '3' },
      c: { dtype: 'F64', shape: [1], data_offsets: [0, 8] },
      a: { dtype: 'F32', shape: [1, 2], data_offsets: [8, 16] },
      b: { dtype: 'BOOL', shape: [3], data_offsets: [16, 19] },
    });
    const data = 8 + length;
    expect(view.getFloat64(data, true)).toBe(0.1);
    expect([view.getFloat32(data + 8, true), view.getFloat32(data + 12, true)]).toEqual([1.5, -2]);
    expect([...file.subarray(data + 16)]).toEqual([1, 0, 1]);
  });

  it('comes back to the bit, NaN payloads and signed zeros included', async () => {
    const words = Uint32Array.of(0x7fc00001, 0x80000000, 0x00000001, 0xff800000, 0x3f800001);
    const saved = {
      float32: tensor(new Float32Array(words.buffer.slice(0)), { shape: [5, 1] }),
      float64: tensor([Math.PI, -0, 5e-324], { dtype: 'float64' }),
      int32: tensor([-(2 ** 31), 2 ** 31 - 1], { dtype: 'int32' }),
      uint32: tensor([2 ** 32 - 1], { dtype: 'uint32' }),
      uint8: tensor(255, { dtype: 'uint8' }),
      bool: tensor([true, false]),
    };
    const { tensors, metadata } = nn.loadSafetensors(await nn.saveSafetensors(saved));
    expect(metadata).toEqual({});
    for (const [name, before] of Object.entries(saved)) {
      const after = tensors[name];
      expect([after.dtype, after.shape]).toEqual([before.dtype, before.shape]);
      const raw = (t: Tensor): Uint8Array => new Uint8Array(t.dataSync().buffer);
      expect(raw(after)).toEqual(raw(before));
    }
  });

  it("reads Node's buffers, which share memory with others", async () => {
    const { tensors } = nn.loadSafetensors(Buffer.from(good));
    expect(Array.from(await tensors.w.data())).toEqual([1, 2]);
  });

  it('stores 16-bit floats when asked', async () => {
    const t = { x: tensor([1, -2.5, 1 / 3]), n: tensor([7], { dtype: 'int32' }) };
    const half = nn.loadSafetensors(await nn.saveSafetensors(t, { floats: 'F16' })).tensors;
    // 1/3 in half precision is 1365/4096, in bfloat16 171/512.
    expect([...half.x.dataSync()]).toEqual([1, -2.5, 1365 / 4096]);
    expect([...half.n.dataSync()]).toEqual([7]);
    const brain = nn.loadSafetensors(await nn.saveSafetensors(t, { floats: 'BF16' })).tensors;
    expect([...brain.x.dataSync()]).toEqual([1, -2.5, 171 / 512]);
  });

  const withHeader = (header: unknown, data = new Uint8Array(8)): Uint8Array => {
    const json = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
    const file = new Uint8Array(8 + json.length + data.length);
    file[0] = json.length;
    file.set(json, 8);
    file.set(data, 8 + json.length);
    return file;
  };
  const entry = { dtype: 'F32', shape: [2], data_offsets: [0, 8] };
  it.each([
    ['too short', good.subarray(0, 5), /5 bytes/],
    ['another format', Uint8Array.from({ length: 64 }, (_, i) => i), /header should have/],
    [
      'cut off',
      good.subarray(0, good.length - 1),
      /'w' ends at byte 8 of the data, which has 7; the file is cut off/,
    ],
    ['with bytes left over', withHeader({ w: entry }, new Uint8Array(9)), /1 bytes after the last tensor/],
    ['no JSON', withHeader('{oops'), /no JSON/],
    ['no object', withHeader('[1]'), /no JSON object/],
    ['of unknown dtype', withHeader({ w: { ...entry, dtype: 'F8_E4M3' } }), /dtype F8_E4M3; known are F64/],
    ['of another size', withHeader({ w: { ...entry, shape: [3] } }), /\[3\] F32 needs 12 bytes and has 8/],
    ['with a gap', withHeader({ w: { ...entry, data_offsets: [4, 8], shape: [1] } }), /begins at byte 4/],
    [
      'overlapping',
      withHeader({ w: entry, v: entry }),
      /begins at byte 0 of the data, the one before ends at 8/,
    ],
    ['with a bad shape', withHeader({ w: { ...entry, shape: [-1] } }), /no valid shape/],
    ['with bad offsets', withHeader({ w: { ...entry, data_offsets: [8, 0] } }), /no valid data_offsets/],
  ])('refuses a file that is %s', (_, file, message) => {
    expect(() => nn.loadSafetensors(file)).toThrow(message);
  });
});

describe('NumPy files', () => {
  const grid = [0, 0.25, 0.5, 0.75, 1, 1.25];
  const load = (name: string): Tensor => nn.loadNpy(bytesOf(fixtures.numpy[name]));

  it.each(['float32', 'fortran', 'big', 'half'])('reads %s', (name) => {
    const t = load(name);
    expect(t.shape).toEqual([2, 3]);
    expect([...t.dataSync()]).toEqual(grid);
    expect(t.dtype).toBe(name === 'big' ? 'float64' : 'float32');
  });

  it('reads integers, scalars and vectors', () => {
    expect([load('long').dtype, load('long').shape, [...load('long').dataSync()]]).toEqual([
      'int32',
      [1, 3],
      [1, -2, 3],
    ]);
    expect([load('scalar').shape, load('scalar').itemSync()]).toEqual([[], 2.5]);
    expect([load('vector').dtype, [...load('vector').dataSync()]]).toEqual(['uint8', [1, 2, 255]]);
    expect(() => load('complex')).toThrow(/c16; known are f8/);
  });

  it('reads compressed archives', async () => {
    const { weight, steps, mask } = await nn.loadNpz(bytesOf(fixtures.numpy.archive));
    expect([...weight.dataSync()]).toEqual(grid);
    expect(steps.itemSync()).toBe(7);
    expect(mask.dtype).toBe('bool');
  });

  it('writes the very bytes that NumPy writes', async () => {
    const file = await nn.saveNpy(tensor(grid, { shape: [2, 3] }));
    expect(Buffer.from(file).toString('base64')).toBe(fixtures.numpy.float32);
    const vector = await nn.saveNpy(tensor(Uint8Array.of(1, 2, 255)));
    expect(Buffer.from(vector).toString('base64')).toBe(fixtures.numpy.vector);
  });

  it('writes archives that come back', async () => {
    const saved = { 'a.weight': tensor([[1, 2]]), n: tensor(3, { dtype: 'int32' }) };
    const bytes = await nn.saveNpz(saved);
    const back = await nn.loadNpz(bytes);
    expect(Object.keys(back)).toEqual(['a.weight', 'n']);
    expect([...back['a.weight'].dataSync()]).toEqual([1, 2]);
    expect(back.n.shape).toEqual([]);
    const damaged = bytes.slice();
    const at = damaged.findIndex((byte, i) => byte === 0x40 && damaged[i - 1] === 0 && damaged[i - 2] === 0);
    damaged[at] = 0x41;
    await expect(nn.loadNpz(damaged)).rejects.toThrow(/'a.weight.npy' is damaged/);
    await expect(nn.loadNpz(bytes.subarray(0, bytes.length - 30))).rejects.toThrow(/no zip directory/);
  });

  it('refuses damaged files', async () => {
    const file = await nn.saveNpy(tensor([1, 2]));
    expect(() => nn.loadNpy(file.subarray(0, file.length - 1))).toThrow(/needs 8 bytes of data and has 7/);
    expect(() => nn.loadNpy(file.subarray(0, 20))).toThrow(/ends within its header/);
    expect(() => nn.loadNpy(Uint8Array.of(1, 2, 3))).toThrow(/mark of NumPy/);
  });
});

describe('16-bit floats', () => {
  it('all 65,536 half-precision numbers survive', () => {
    for (let bits = 0; bits < 65536; bits++) {
      const value = floatFromHalf(bits);
      if (!Number.isNaN(value) && halfFromFloat(value) !== bits)
        expect.fail(`${bits} became ${halfFromFloat(value)}`);
    }
    expect(Number.isNaN(floatFromHalf(0x7c01))).toBe(true);
    expect(halfFromFloat(Number.NaN) & 0x7c00).toBe(0x7c00);
  });

  // Halfway cases of IEEE 754 round-to-nearest-even, worked out by hand.
  it.each([
    [65519.99, 0x7bff],
    [65520, 0x7c00],
    [1 + 2 ** -11, 0x3c00],
    [1 + 3 * 2 ** -11, 0x3c02],
    [2 ** -25, 0x0000],
    [1.5 * 2 ** -24, 0x0002],
    [2 ** -14 - 2 ** -25, 0x0400],
    [-1e-9, 0x8000],
  ])('%d rounds to half %d', (value, bits) => expect(halfFromFloat(value)).toBe(bits));

  it.each([
    [1 + 2 ** -8, 0x3f80],
    [1 + 3 * 2 ** -8, 0x3f82],
    [3.4e38, 0x7f80],
    [Number.NaN, 0x7fc0],
  ])('%d rounds to bfloat %d', (value, bits) => expect(bfloatFromFloat(value)).toBe(bits));
});
