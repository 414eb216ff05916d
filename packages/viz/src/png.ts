/**
 * Writes small PNG images as data URIs, so that a picture with many pixels stays one file. The pixels are stored,
 * not compressed (deflate allows that): encoding is a copy, fast enough for every frame of a live heat map.
 *
 * Formats: PNG specification (W3C, third edition), zlib RFC 1950, deflate RFC 1951 section 3.2.4.
 */
import { valueError } from './errors.ts';

/** Pixels by rows from the top left, one byte per sample. */
export interface Pixels {
  width: number;
  height: number;
  /** Samples per pixel: 1 gray, 3 red-green-blue, 4 with opacity; with a palette, 1 index. */
  channels: 1 | 3 | 4;
  data: Uint8Array;
  /** Up to 256 colors, four bytes each (red, green, blue, opacity). */
  palette?: Uint8Array;
}

/** `data:image/png;base64,…` of an image. */
export function pngDataUri(pixels: Pixels): string {
  const bytes = encodePng(pixels);
  let binary = '';
  // In parts: the arguments of one call are limited.
  for (let i = 0; i < bytes.length; i += 8192) binary += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return `data:image/png;base64,${btoa(binary)}`;
}

/** The bytes of a PNG file. */
export function encodePng({ width, height, channels, data, palette }: Pixels): Uint8Array {
  if (data.length !== width * height * channels) {
    throw valueError(
      `png: ${width}×${height}×${channels} needs ${width * height * channels} bytes, got ${data.length}`,
    );
  }
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header[8] = 8;
  header[9] = palette !== undefined ? 3 : channels === 1 ? 0 : channels === 3 ? 2 : 6;

  const stride = width * channels;
  const rows = new Uint8Array(height * (stride + 1)); // each row begins with its filter, 0 for none
  for (let y = 0; y < height; y++)
    rows.set(data.subarray(y * stride, (y + 1) * stride), y * (stride + 1) + 1);

  const parts = [Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a), chunk('IHDR', header)];
  if (palette !== undefined) {
    const colors = palette.length / 4;
    parts.push(
      chunk(
        'PLTE',
        Uint8Array.from({ length: colors * 3 }, (_, i) => palette[Math.floor(i / 3) * 4 + (i % 3)]),
      ),
    );
    parts.push(
      chunk(
        'tRNS',
        Uint8Array.from({ length: colors }, (_, i) => palette[i * 4 + 3]),
      ),
    );
  }
  parts.push(chunk('IDAT', store(rows)), chunk('IEND', new Uint8Array(0)));
  return join(parts);
}

function chunk(name: string, content: Uint8Array): Uint8Array {
  const out = new Uint8Array(content.length + 12);
  const view = new DataView(out.buffer);
  view.setUint32(0, content.length);
  for (let i = 0; i < 4; i++) out[4 + i] = name.charCodeAt(i);
  out.set(content, 8);
  view.setUint32(content.length + 8, crc32(out.subarray(4, content.length + 8)));
  return out;
}

/** A zlib stream of stored blocks. */
function store(content: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [Uint8Array.of(0x78, 0x01)];
  for (let start = 0; start === 0 || start < content.length; start += 0xffff) {
    const block = content.subarray(start, start + 0xffff);
    const last = start + block.length >= content.length ? 1 : 0;
    const length = block.length;
    parts.push(Uint8Array.of(last, length & 255, length >> 8, ~length & 255, (~length >> 8) & 255), block);
  }
  const sum = new Uint8Array(4);
  new DataView(sum.buffer).setUint32(0, adler32(content));
  parts.push(sum);
  return join(parts);
}

function adler32(bytes: Uint8Array): number {
  let a = 1;
  let b = 0;
  for (let i = 0; i < bytes.length; i++) {
    a = (a + bytes[i]) % 65521;
    b = (b + a) % 65521;
  }
  return ((b << 16) | a) >>> 0;
}

/** Two table look-ups a byte: half the table-free cost, without building a table when the module loads. */
const nibbles = [
  0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c, 0xedb88320,
  0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
];

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) {
    crc ^= bytes[i];
    crc = (crc >>> 4) ^ nibbles[crc & 15];
    crc = (crc >>> 4) ^ nibbles[crc & 15];
  }
  return (crc ^ 0xffffffff) >>> 0;
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
