/**
 * Image files of every kind as the specifications read them, and those that say one thing and hold another. The files
 * and their pixels: measurements/png_fixtures.py.
 */
import { crc32, deflateSync, gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import fixtures from '../../fixtures/pngs.json' with { type: 'json' };
import { decodeImage } from './decode.ts';

const bytesOf = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, 'base64'));

function chunk(type: string, content: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), content]);
  const ends = Buffer.alloc(8);
  ends.writeUInt32BE(content.length, 0);
  ends.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)]);
}

interface Parts {
  size?: readonly [number, number];
  /** Depth, color type, compression, filter, interlace. */
  kind?: readonly number[];
  before?: Buffer;
  data?: Uint8Array;
  end?: Buffer;
}

/** A PNG file; by default four gray pixels of the values 0 to 3. */
function png({ size = [2, 2], kind = [8, 0, 0, 0, 0], before, data, end }: Parts = {}): Uint8Array {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(size[0], 0);
  header.writeUInt32BE(size[1], 4);
  header.set(kind, 8);
  return new Uint8Array(
    Buffer.concat([
      Buffer.from('89504e470d0a1a0a', 'hex'),
      chunk('IHDR', header),
      before ?? Buffer.alloc(0),
      chunk('IDAT', data ?? deflateSync(Uint8Array.of(0, 0, 1, 0, 2, 3))),
      end ?? chunk('IEND', Buffer.alloc(0)),
    ]),
  );
}

const zeros = (count: number) => deflateSync(Buffer.alloc(count), { level: 9 });

describe('PNG', () => {
  it.each(fixtures.pngs)('of $name', async ({ file, width, height, rgba }) => {
    const image = await decodeImage(bytesOf(file));
    expect([image.width, image.height]).toEqual([width, height]);
    expect(Buffer.from(image.data as Uint8Array).equals(bytesOf(rgba))).toBe(true);
  });

  it('is the one that the tests damage', async () => {
    expect(Array.from((await decodeImage(png())).data).filter((_, i) => i % 4 === 0)).toEqual([0, 1, 2, 3]);
  });

  it('passes over compressed texts and profiles without unpacking them', async () => {
    // What is not unpacked cannot be found to be no deflated data.
    const text = Buffer.concat([Buffer.from('Comment\0\0'), Buffer.from('no deflated data')]);
    const before = Buffer.concat(['iCCP', 'zTXt', 'iTXt', 'sPLT', 'eXIf'].map((type) => chunk(type, text)));
    expect((await decodeImage(png({ before }))).data).toHaveLength(16);
  });

  it.each<[string, Uint8Array, string]>([
    [
      'unpacks to more than its pixels',
      png({ data: zeros(50e6) }),
      'more image data than the 6 bytes of its 2×2 pixels',
    ],
    ['unpacks to one byte more', png({ data: zeros(7) }), 'more image data than the 6 bytes'],
    ['unpacks to less', png({ data: zeros(5) }), '5 bytes of image data, its 2×2 pixels have 6'],
    [
      'claims a size that its data lack',
      png({ size: [9999, 9999] }),
      '6 bytes of image data, its 9999×9999 pixels have 99990000',
    ],
    [
      'has more in an interlaced image',
      png({ kind: [8, 0, 0, 0, 1], data: zeros(1e6) }),
      'more image data than the 7 bytes',
    ],
    ['is cut off in its data', png().subarray(0, 50), 'the end comes within the chunk "IDAT"'],
    ['is cut off behind its data', png({ end: Buffer.alloc(0) }), 'the end comes before the last chunk'],
    ['is cut off in its header', png().subarray(0, 20), 'the end comes within the header'],
    [
      'has a damaged checksum',
      png().map((byte, i) => (i === 45 ? byte ^ 1 : byte)),
      'the checksum of the chunk "IDAT" is wrong',
    ],
    ['has no size', png({ size: [0, 2] }), 'a size of 0×2'],
    ['has a depth that there is not', png({ kind: [4, 2, 0, 0, 0] }), 'color type 2 with 4 bits'],
    ['has a color type that there is not', png({ kind: [8, 5, 0, 0, 0] }), 'color type 5 with 8 bits'],
    ['has a method that there is not', png({ kind: [8, 0, 0, 0, 2] }), 'interlace 2'],
    ['has a filter that there is not', png({ data: deflateSync(Uint8Array.of(9, 0, 1, 9, 2, 3)) }), 'filter'],
    ['has no deflated data', png({ data: Buffer.from('hello') }), 'incorrect header check'],
    ['has no data', png({ data: new Uint8Array(0) }), 'end'],
    ['has indices and no palette', png({ kind: [8, 3, 0, 0, 0] }), 'no palette'],
    [
      'has indices beyond its palette',
      png({ kind: [8, 3, 0, 0, 0], before: chunk('PLTE', Buffer.alloc(6)) }),
      'index 2 not in palette',
    ],
    [
      'has two palettes',
      png({ before: Buffer.concat([chunk('PLTE', Buffer.alloc(6)), chunk('PLTE', Buffer.alloc(6))]) }),
      'a second one',
    ],
    [
      'has half a transparent color',
      png({ before: chunk('tRNS', Buffer.alloc(1)) }),
      'transparency that does not fit',
    ],
    [
      'has transparency beside alpha',
      png({ kind: [8, 4, 0, 0, 0], data: zeros(10), before: chunk('tRNS', Buffer.alloc(2)) }),
      'transparency that does not fit',
    ],
    [
      'needs a chunk that nobody knows',
      png({ before: chunk('CgBI', Buffer.alloc(4)) }),
      'an unknown chunk "CgBI"',
    ],
  ])('that %s is refused', async (_, bytes, found) => {
    await expect(decodeImage(bytes, 'x.png')).rejects.toMatchObject({
      name: 'DataError',
      kind: 'format',
      file: 'x.png',
      found: expect.stringContaining(found),
    });
  });
});

const tiny = bytesOf(fixtures.jpegs.tiny.progressive);
const baseline = bytesOf(fixtures.jpegs.tiny.baseline);

/** Where a marker stands for the last time. */
const lastOf = (bytes: Uint8Array, marker: number): number =>
  Buffer.from(bytes).lastIndexOf(Buffer.of(0xff, marker));

/** The file with some bytes of its frame's header replaced, counted from the marker. */
function withFrame(bytes: Uint8Array, frame: number, changes: Readonly<Record<number, number>>): Uint8Array {
  const changed = bytes.slice();
  for (const [at, value] of Object.entries(changes)) changed[lastOf(bytes, frame) + Number(at)] = value;
  return changed;
}

/** A progressive file whose last scan is repeated. */
function withScans(count: number): Uint8Array {
  const scan = tiny.subarray(lastOf(tiny, 0xda), tiny.length - 2);
  return new Uint8Array(
    Buffer.concat([tiny.subarray(0, tiny.length - 2), ...new Array(count).fill(scan), tiny.subarray(-2)]),
  );
}

describe('JPEG', () => {
  it('of 45 megapixels takes the memory that it needs', async () => {
    const bytes = new Uint8Array(gunzipSync(bytesOf(fixtures.jpegs.large.halved)));
    const { width, height, data } = await decodeImage(bytes);
    expect([width, height]).toEqual([8192, 5464]);
    fixtures.jpegs.color.forEach((value, i) => {
      expect(Math.abs(data[data.length - 4 + i] - value)).toBeLessThanOrEqual(2);
    });
  });

  it('of twenty passes is read, of many more for its limit not', async () => {
    expect((await decodeImage(withScans(20))).width).toBe(40);
    await expect(decodeImage(withScans(200), 'x.jpg', { maxPixels: 960 })).rejects.toMatchObject({
      file: 'x.jpg',
      found: '210 scans over 960 pixels, at most 20 are read',
    });
  });

  it.each<[string, Uint8Array, string]>([
    [
      'claims a size that its data lack',
      withFrame(baseline, 0xc0, { 5: 0x20, 6: 0, 7: 0x20, 8: 0 }),
      'bytes, too few for its 8192×8192 pixels',
    ],
    ['has no height', withFrame(baseline, 0xc0, { 5: 0, 6: 0 }), 'a size of 40×0'],
    ['has 12 bits', withFrame(baseline, 0xc0, { 4: 12 }), '12 bits a color, which is not supported'],
    ['has two components', withFrame(baseline, 0xc0, { 9: 2 }), '2 color components, known are 1, 3 and 4'],
    ['has samples beyond all bounds', withFrame(baseline, 0xc0, { 11: 0xff }), 'a sampling of 15×15'],
    ['is arithmetically coded', withFrame(baseline, 0xc0, { 1: 0xc9 }), 'an arithmetically coded image'],
    ['is lossless', withFrame(baseline, 0xc0, { 1: 0xc3 }), 'a lossless image'],
    ['has no frame', Uint8Array.of(0xff, 0xd8, 0xff, 0xda, 0, 2, 0xff, 0xd9), 'before the size of the image'],
    [
      'is cut off in its header',
      baseline.subarray(0, lastOf(baseline, 0xc0) + 12),
      'the end comes within the size',
    ],
    ['is cut off in its data', baseline.subarray(0, baseline.length - 200), 'marker was not found'],
    [
      'has two frames',
      new Uint8Array(Buffer.concat([baseline.subarray(0, -2), baseline.subarray(2)])),
      'only single frame',
    ],
  ])('that %s is refused', async (_, bytes, found) => {
    await expect(decodeImage(bytes, 'x.jpg')).rejects.toMatchObject({
      name: 'DataError',
      kind: 'format',
      file: 'x.jpg',
      found: expect.stringContaining(found),
    });
  });
});

describe('the limit of pixels', () => {
  it.each([
    ['PNG', png({ size: [30_000, 30_000] }), '30000×30000, which is 900000000'],
    [
      'JPEG',
      withFrame(baseline, 0xc0, { 5: 0xff, 6: 0xff, 7: 0xff, 8: 0xff }),
      '65535×65535, which is 4294836225',
    ],
  ])('is one for all formats: %s', async (_, bytes, found) => {
    await expect(decodeImage(bytes, 'x')).rejects.toMatchObject({
      kind: 'format',
      file: 'x',
      expected: 'at most 100000000 pixels',
      found,
      hint: expect.stringContaining('maxPixels'),
    });
  });

  it('can be moved', async () => {
    await expect(decodeImage(png(), 'x', { maxPixels: 3 })).rejects.toMatchObject({
      expected: 'at most 3 pixels',
    });
    expect((await decodeImage(png(), 'x', { maxPixels: 4 })).width).toBe(2);
    await expect(decodeImage(baseline, 'x', { maxPixels: 959 })).rejects.toThrow('40×24, which is 960');
    expect((await decodeImage(baseline, 'x', { maxPixels: 960 })).height).toBe(24);
    await expect(decodeImage(png(), 'x', { maxPixels: Number.NaN })).rejects.toMatchObject({
      kind: 'option',
    });
  });
});
