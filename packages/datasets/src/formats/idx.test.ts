import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { DataError } from '../errors.ts';
import { randomStream } from '../random.ts';
import { gunzip } from './gzip.ts';
import { readIdx, readIdxFile } from './idx.ts';

const small = Uint8Array.of(0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 255);

function failure(run: () => unknown): DataError {
  try {
    run();
  } catch (error) {
    if (error instanceof DataError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('readIdx', () => {
  it('reads bytes with their shape', () => {
    const { type, shape, data } = readIdx(small);
    expect(type).toBe('uint8');
    expect(shape).toEqual([2, 3]);
    expect([...data]).toEqual([1, 2, 3, 4, 5, 255]);
  });

  it.each([
    ['int8', 9, [0xff], [-1]],
    ['int16', 11, [0xff, 0xfe, 0x01, 0x00], [-2, 256]],
    ['int32', 12, [0x80, 0, 0, 0], [-2147483648]],
    ['float32', 13, [0x3f, 0xc0, 0, 0], [1.5]],
    ['float64', 14, [0xc0, 0x04, 0, 0, 0, 0, 0, 0], [-2.5]],
  ])('reads big-endian %s', (type, code, bytes, values) => {
    const file = Uint8Array.of(0, 0, code, 1, 0, 0, 0, values.length, ...bytes);
    const array = readIdx(file);
    expect(array.type).toBe(type);
    expect([...array.data]).toEqual(values);
  });

  it('reads a file that does not begin at the start of its buffer', () => {
    const shifted = new Uint8Array(small.length + 3);
    shifted.set(small, 3);
    expect([...readIdx(shifted.subarray(3)).data]).toEqual([1, 2, 3, 4, 5, 255]);
  });

  it('reads empty arrays and single numbers', () => {
    expect(readIdx(Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 0)).data).toHaveLength(0);
    expect([...readIdx(Uint8Array.of(0, 0, 8, 0, 7)).data]).toEqual([7]);
  });

  it('names file, expected and found for a wrong magic number', () => {
    const wrong = small.slice();
    wrong[2] = 0x42;
    const error = failure(() => readIdx(wrong, { file: 'a/b.gz', type: 'uint8', dimensions: 3 }));
    expect(error).toMatchObject({
      kind: 'format',
      file: 'a/b.gz',
      expected: '00 00 08 03 (uint8, 3 dimensions)',
      found: '00 00 42 02',
    });
    expect(error.message).toContain('wrong magic number');
  });

  it('refuses a file of labels where images belong', () => {
    const labels = Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 1, 9);
    const error = failure(() => readIdx(labels, { file: 'x', type: 'uint8', dimensions: 3 }));
    expect(error.found).toBe('00 00 08 01');
  });

  it('says how much is missing or too much', () => {
    expect(failure(() => readIdx(small.subarray(0, 15)))).toMatchObject({
      kind: 'truncated',
      expected: '18 bytes for uint8 [2, 3]',
      found: '15 bytes',
    });
    expect(failure(() => readIdx(Uint8Array.of(...small, 0)))).toMatchObject({
      kind: 'format',
      expected: '18 bytes for uint8 [2, 3]',
      found: '19 bytes',
    });
    for (const length of [0, 3, 4, 11]) {
      expect(failure(() => readIdx(small.subarray(0, length))).kind).toBe('truncated');
    }
  });

  it('does not reserve memory for dimensions that a header only claims', () => {
    const huge = Uint8Array.of(0, 0, 14, 3, ...new Array(12).fill(255), 0);
    expect(failure(() => readIdx(huge))).toMatchObject({
      kind: 'format',
      found: '[4294967295, 4294967295, 4294967295]',
    });
    const empty = Uint8Array.of(0, 0, 8, 40, ...new Array(156).fill(255), 0, 0, 0, 0);
    expect(failure(() => readIdx(empty)).kind).toBe('format');
  });

  it('answers any mutation of a file with an array or a DataError', () => {
    const random = randomStream(11);
    let errors = 0;
    for (let round = 0; round < 3000; round++) {
      const file = mutated(small, random);
      try {
        const { shape, data } = readIdx(file);
        expect(data.length).toBe(shape.reduce((size, axis) => size * axis, 1));
      } catch (error) {
        expect(error).toBeInstanceOf(DataError);
        errors++;
      }
    }
    expect(errors).toBeGreaterThan(500);
  });
});

describe('readIdxFile', () => {
  const packed = (bytes: Uint8Array) => new Uint8Array(gzipSync(bytes));

  it('reads what is gzipped and what a server has unpacked already', async () => {
    for (const bytes of [small, packed(small)]) {
      expect([...(await readIdxFile(bytes, { file: 'a.gz', dimensions: 2 })).data]).toEqual([
        1, 2, 3, 4, 5, 255,
      ]);
    }
    await expect(readIdxFile(Uint8Array.of(7, 7, 7), { file: 'a.gz' })).rejects.toThrow('not a gzip file');
  });

  it('unpacks no byte more than the header says', async () => {
    const longer = packed(Buffer.concat([small, Buffer.alloc(5_000_000)]));
    await expect(readIdxFile(longer, { file: 'long.gz' })).rejects.toMatchObject({
      kind: 'format',
      file: 'long.gz',
      expected: '18 bytes unpacked, as its header says',
    });
    await expect(readIdxFile(packed(small.subarray(0, 17)))).rejects.toMatchObject({ kind: 'truncated' });
    await expect(readIdxFile(packed(Uint8Array.of(0, 0, 8, 3)))).rejects.toMatchObject({ kind: 'truncated' });
    await expect(readIdxFile(packed(small), { dimensions: 1 })).rejects.toThrow('wrong magic number');
  });

  it('refuses by the header alone what is beyond the limit, which can be raised', async () => {
    const large = Uint8Array.of(0, 0, 8, 2, 0, 1, 0, 0, 0, 1, 0, 0, 1, 2, 3);
    await expect(readIdxFile(packed(large))).rejects.toMatchObject({
      kind: 'format',
      expected: 'at most 2147483648 bytes',
      found: '4294967308 by its header',
    });
    await expect(readIdxFile(packed(large), { maxBytes: 2 ** 33 })).rejects.toMatchObject({
      kind: 'truncated',
    });
    await expect(readIdxFile(packed(small), { maxBytes: 17 })).rejects.toThrow('at most 17 bytes');
    expect((await readIdxFile(packed(small), { maxBytes: 18 })).shape).toEqual([2, 3]);
  });
});

describe('gunzip', () => {
  const content = Uint8Array.from({ length: 50_000 }, (_, i) => (i * i) >> 3);
  const packed = new Uint8Array(gzipSync(content));

  it('unpacks what zlib packed', async () => {
    expect(await gunzip(packed, 'f')).toEqual(content);
    expect(await gunzip(new Uint8Array(gzipSync(new Uint8Array(0))), 'f')).toHaveLength(0);
  });

  it.each([0, 1])('calls a file of %i bytes truncated', async (length) => {
    await expect(gunzip(packed.subarray(0, length), 'f')).rejects.toMatchObject({
      kind: 'truncated',
      file: 'f',
    });
  });

  it.each([5, 10, 1000, packed.length - 8, packed.length - 1])(
    'reports a file cut to %i bytes',
    async (length) => {
      const error = await gunzip(packed.subarray(0, length), 'cut.gz').catch((e) => e);
      expect(error).toBeInstanceOf(DataError);
      expect(error).toMatchObject({ kind: 'truncated', file: 'cut.gz' });
      expect(error.message).toContain('truncated gzip file');
      expect(error.found).toContain(`${length} bytes`);
    },
  );

  it('reports other formats, damage and trailing bytes', async () => {
    const zip = Uint8Array.of(0x50, 0x4b, 3, 4);
    await expect(gunzip(zip, 'f')).rejects.toMatchObject({ kind: 'format', found: '50 4b' });
    const damaged = packed.slice();
    damaged[packed.length - 6] ^= 0xff;
    await expect(gunzip(damaged, 'f')).rejects.toMatchObject({ kind: 'format' });
    await expect(gunzip(Uint8Array.of(...packed, 1, 2, 3), 'f')).rejects.toBeInstanceOf(DataError);
  });

  it('stops at the limit', async () => {
    await expect(gunzip(packed, 'f', 49_999)).rejects.toMatchObject({
      kind: 'format',
      found: '50000 by its last bytes',
    });
    expect(await gunzip(packed, 'f', 50_000)).toHaveLength(50_000);
  });

  it('unpacks no byte more than the last bytes say, and refuses several files in one', async () => {
    const zeros = new Uint8Array(gzipSync(new Uint8Array(50e6)));
    new DataView(zeros.buffer, zeros.byteOffset).setUint32(zeros.length - 4, 200, true);
    await expect(gunzip(zeros, 'f')).rejects.toMatchObject({
      kind: 'truncated',
      expected: '200 bytes unpacked, as its last bytes say',
      found: 'more',
    });
    const two = new Uint8Array(Buffer.concat([packed, gzipSync('and one more')]));
    await expect(gunzip(two, 'f')).rejects.toBeInstanceOf(DataError);
    // With a limit beyond 2³² the last bytes, which are modulo 2³², say nothing.
    await expect(gunzip(zeros, 'f', 2 ** 33)).rejects.toMatchObject({ kind: 'format' });
  });

  it('answers any mutation of a file with bytes or a DataError', async () => {
    const source = new Uint8Array(gzipSync(small));
    const random = randomStream(12);
    let errors = 0;
    for (let round = 0; round < 300; round++) {
      const result = await gunzip(mutated(source, random), 'f').catch((error) => error);
      if (result instanceof DataError) errors++;
      else expect(result).toBeInstanceOf(Uint8Array);
    }
    expect(errors).toBeGreaterThan(100);
  });
});

/** The bytes with some changed, cut off, inserted or repeated. */
function mutated(source: Uint8Array, random: ReturnType<typeof randomStream>): Uint8Array {
  let bytes = [...source];
  for (let edits = 1 + random.integer(3); edits > 0; edits--) {
    const at = random.integer(bytes.length + 1);
    const kind = random.integer(4);
    if (kind === 0) bytes = bytes.slice(0, at);
    else if (kind === 1) bytes.splice(at, 0, random.integer(256));
    else if (kind === 2) bytes.splice(at, 1 + random.integer(4));
    else if (at < bytes.length) bytes[at] = random.integer(256);
  }
  return Uint8Array.from(bytes);
}
