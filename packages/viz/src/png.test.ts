import { crc32, inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { encodePng, pngDataUri } from './png.ts';

/** Name, content and checksum of every chunk, by the specification's layout. */
function chunks(file: Uint8Array): { name: string; content: Buffer; checksum: number }[] {
  const bytes = Buffer.from(file);
  const out = [];
  for (let at = 8; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    out.push({
      name: bytes.toString('latin1', at + 4, at + 8),
      content: bytes.subarray(at + 8, at + 8 + length),
      checksum: bytes.readUInt32BE(at + 8 + length),
    });
    at += 12 + length;
  }
  return out;
}

describe('encodePng', () => {
  it('writes signature, header, pixels and end, with checksums that zlib agrees with', () => {
    const file = encodePng({ width: 2, height: 2, channels: 1, data: Uint8Array.of(0, 255, 128, 7) });
    expect([...file.subarray(0, 8)]).toEqual([137, 80, 78, 71, 13, 10, 26, 10]);
    const [header, data, end] = chunks(file);
    expect([...header.content]).toEqual([0, 0, 0, 2, 0, 0, 0, 2, 8, 0, 0, 0, 0]);
    expect([...inflateSync(data.content)]).toEqual([0, 0, 255, 0, 128, 7]);
    expect(end.name).toBe('IEND');
    for (const { name, content, checksum } of chunks(file)) {
      expect(crc32(Buffer.concat([Buffer.from(name), content]))).toBe(checksum);
    }
  });

  it('splits pixels over several stored blocks of at most 65535 bytes', () => {
    const data = Uint8Array.from({ length: 300 * 300 }, (_, i) => i % 251);
    const file = encodePng({ width: 300, height: 300, channels: 1, data });
    const rows = inflateSync(chunks(file)[1].content);
    expect(rows.length).toBe(300 * 301);
    expect([...rows.subarray(299 * 301 + 1)]).toEqual([...data.subarray(299 * 300)]);
  });

  it('writes color, opacity and palettes', () => {
    const type = (channels: 1 | 3 | 4, palette?: Uint8Array) =>
      chunks(encodePng({ width: 1, height: 1, channels, data: new Uint8Array(channels), palette }))[0]
        .content[9];
    expect([type(1), type(3), type(4), type(1, new Uint8Array(8))]).toEqual([0, 2, 6, 3]);
    const palette = Uint8Array.of(1, 2, 3, 0, 4, 5, 6, 255);
    const file = chunks(encodePng({ width: 1, height: 1, channels: 1, data: Uint8Array.of(1), palette }));
    expect([...file[1].content]).toEqual([1, 2, 3, 4, 5, 6]);
    expect([...file[2].content]).toEqual([0, 255]);
  });

  it('rejects pixels that do not fit their size', () => {
    expect(() => encodePng({ width: 2, height: 2, channels: 3, data: new Uint8Array(4) })).toThrow(
      'png: 2×2×3 needs 12 bytes, got 4',
    );
  });
});

describe('pngDataUri', () => {
  it('is the file in base64', () => {
    const pixels = { width: 1, height: 1, channels: 1, data: Uint8Array.of(9) } as const;
    const [, encoded] = pngDataUri(pixels).split('base64,');
    expect([...Buffer.from(encoded, 'base64')]).toEqual([...encodePng(pixels)]);
  });
});
