/**
 * Makes hostile files: bombs, sizes that lie, names of prototypes, ways out of a folder. Small on disk, whatever they
 * claim or unpack to. Add a format by a function that returns its bytes; what a file is to do is said in cases.ts.
 */
import { constants, crc32, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';

const text = (content: string): Buffer => Buffer.from(content, 'latin1');

/** Deflated zeros, about a thousandth of their number, made without having them: one piece is repeated. */
export function deflatedZeros(count: number): Buffer {
  const piece = 1 << 20;
  // A full flush ends on a byte and forgets what was before.
  const part = deflateRawSync(Buffer.alloc(piece), { level: 9, finishFlush: constants.Z_FULL_FLUSH });
  const rest = deflateRawSync(Buffer.alloc(count % piece), { level: 9 }); // with the end
  return Buffer.concat([...new Array(Math.floor(count / piece)).fill(part), rest]);
}

/** Deflated bytes behind which more may come. */
export const deflatedPrefix = (content: Uint8Array): Buffer =>
  deflateRawSync(content, { finishFlush: constants.Z_FULL_FLUSH });

/** The same as zlib wraps it, as PNG has it; the checksum at its end is never reached. */
export const zlibZeros = (count: number): Buffer =>
  Buffer.concat([Buffer.from([0x78, 0x9c]), deflatedZeros(count), Buffer.alloc(4)]);

/** Gzip of a beginning and zeros behind it, which says `claimed` at its end. */
export function gzipBomb(beginning: Uint8Array, zeros: number, claimed = beginning.length + zeros): Buffer {
  const end = Buffer.alloc(8);
  end.writeUInt32LE(claimed % 2 ** 32, 4);
  return Buffer.concat([
    Buffer.from('1f8b0800000000000003', 'hex'),
    deflatedPrefix(beginning),
    deflatedZeros(zeros),
    end,
  ]);
}

/** A `.npy` file with this shape, as Python writes it, and these bytes. */
export function npy(shape: string, content: Uint8Array, type = '|u1'): Buffer {
  return npyWithHeader(`{'descr': '${type}', 'fortran_order': False, 'shape': ${shape}, }`, content);
}

/** A `.npy` file of version 2.0, whose header may have any length. */
export function npyWithHeader(header: string, content: Uint8Array, length = header.length): Buffer {
  const size = Buffer.alloc(4);
  size.writeUInt32LE(length);
  return Buffer.concat([text('\x93NUMPY\x02\x00'), size, text(header), content]);
}

/** A member of an archive, and what the archive says of it. */
export interface Member {
  name: string;
  /** What is stored, deflated already where `method` is 8. */
  part: Uint8Array;
  /** What it should unpack to. */
  size: number;
  method?: 0 | 8;
  flags?: number;
  checksum?: number;
  /** Where the directory says it begins; by default where it does. */
  offset?: number;
}

/** A member as it should be. */
export function member(name: string, content: Uint8Array, method: 0 | 8 = 0): Member {
  const part = method === 0 ? content : deflateRawSync(content);
  return { name, part, size: content.length, method, checksum: crc32(content) };
}

/** A zip archive. `ends` changes the record at its end: the number of members, the directory's length and place. */
export function zip(
  members: readonly Member[],
  ends: { count?: number; length?: number; offset?: number } = {},
): Buffer {
  const locals: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const { name, part, size, method = 0, flags = 0, checksum = 0, offset = at } of members) {
    const title = Buffer.from(name);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(45, 0);
    common.writeUInt16LE(flags | 0x800, 2);
    common.writeUInt16LE(method, 4);
    common.writeUInt32LE(checksum, 10);
    common.writeUInt32LE(part.length, 14);
    common.writeUInt32LE(Math.min(size, 0xffffffff), 18);
    common.writeUInt16LE(title.length, 22);
    const local = Buffer.concat([text('PK\x03\x04'), common, title, part]);
    const large = size >= 0xffffffff ? Buffer.from(BigUint64Array.of(BigInt(size)).buffer) : null;
    const extra = large ? Buffer.concat([Buffer.from([1, 0, 8, 0]), large]) : Buffer.alloc(0);
    common.writeUInt16LE(extra.length, 24);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    directory.push(Buffer.concat([text('PK\x01\x02'), Buffer.from([45, 0]), common, tail, title, extra]));
    locals.push(local);
    at += local.length;
  }
  const records = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(ends.count ?? members.length, 8);
  end.writeUInt16LE(ends.count ?? members.length, 10);
  end.writeUInt32LE(ends.length ?? records.length, 12);
  end.writeUInt32LE(ends.offset ?? at, 16);
  return Buffer.concat([...locals, records, end]);
}

/** An archive whose zip64 records claim any number of members and any place of the directory. */
export function zip64(members: readonly Member[], count: bigint, offset?: bigint): Buffer {
  const whole = zip(members);
  const end = whole.subarray(whole.length - 22);
  const before = whole.subarray(0, whole.length - 22);
  const large = Buffer.alloc(56);
  large.write('PK\x06\x06', 'latin1');
  large.writeBigUInt64LE(44n, 4);
  large.writeBigUInt64LE(count, 24);
  large.writeBigUInt64LE(count, 32);
  large.writeBigUInt64LE(BigInt(end.readUInt32LE(12)), 40);
  large.writeBigUInt64LE(offset ?? BigInt(end.readUInt32LE(16)), 48);
  const locator = Buffer.alloc(20);
  locator.write('PK\x06\x07', 'latin1');
  locator.writeBigUInt64LE(BigInt(before.length), 8);
  locator.writeUInt32LE(1, 16);
  const marked = Buffer.from(end);
  marked.fill(0xff, 8, 20);
  return Buffer.concat([before, large, locator, marked]);
}

/** A safetensors file: a header (an object, or its text) and data. */
export function safetensors(
  header: object | string,
  data: Uint8Array = new Uint8Array(0),
  length?: bigint,
): Buffer {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(length ?? BigInt(json.length));
  return Buffer.concat([size, json, data]);
}

/** A file of PyTorch's old format: what it begins with, a pickle, the names of its storages as a pickle, their bytes. */
export const torchLegacy = (pickle: string, keys = '].', content: Uint8Array = new Uint8Array(0)): Buffer =>
  Buffer.concat([
    Buffer.from('80028a0a6cfc9c46f9206aa850192e80024de9032e80027d2e', 'hex'),
    text(`\x80\x02${pickle}\x80\x02${keys}`),
    content,
  ]);

/** A PyTorch tensor as a pickle: a storage of `count` floats called `a`, shape and strides as pickles too. */
export const torchTensor = (count: string, shape: string, strides: string): string =>
  `ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\0aX\x03\0\0\0cpu${count}tQK\0${shape}${strides}\x89}tR`;

/** A chunk of a PNG file. */
export function pngChunk(type: string, content: Uint8Array): Buffer {
  const body = Buffer.concat([text(type), content]);
  const whole = Buffer.alloc(body.length + 8);
  whole.writeUInt32BE(content.length, 0);
  whole.set(body, 4);
  whole.writeUInt32BE(crc32(body), body.length + 4);
  return whole;
}

/** A gray PNG file of 8 bits. */
export function png(
  width: number,
  height: number,
  data: Uint8Array,
  before: readonly Buffer[] = [],
  interlace = 0,
): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 8;
  header[12] = interlace;
  const chunks = [
    pngChunk('IHDR', header),
    ...before,
    pngChunk('IDAT', data),
    pngChunk('IEND', Buffer.alloc(0)),
  ];
  return Buffer.concat([text('\x89PNG\r\n\x1a\n'), ...chunks]);
}

/** The data of a small gray image. */
export const pngRows = (width: number, height: number): Buffer =>
  deflateSync(Buffer.alloc((width + 1) * height));

// Two JPEG files of 40 × 24 pixels by Pillow: Image.fromarray(noise).save(…), the second with progressive=True.
export interface Jpegs {
  baseline: Buffer;
  progressive: Buffer;
}

/** A JPEG file that claims another size. */
export function jpegOfSize(whole: Buffer, width: number, height: number): Buffer {
  const changed = Buffer.from(whole);
  const frame = Math.max(whole.lastIndexOf(Buffer.of(0xff, 0xc0)), whole.lastIndexOf(Buffer.of(0xff, 0xc2)));
  changed.writeUInt16BE(height, frame + 5);
  changed.writeUInt16BE(width, frame + 7);
  return changed;
}

/** A progressive JPEG file whose last scan comes many times. */
export function jpegScans(progressive: Buffer, count: number): Buffer {
  const scan = progressive.subarray(progressive.lastIndexOf(Buffer.of(0xff, 0xda)), -2);
  return Buffer.concat([
    progressive.subarray(0, -2),
    ...new Array(count).fill(scan),
    progressive.subarray(-2),
  ]);
}

/** The header of an IDX file of bytes with these sizes. */
export function idxHeader(...sizes: readonly number[]): Buffer {
  const header = Buffer.alloc(4 + 4 * sizes.length);
  header[2] = 8;
  header[3] = sizes.length;
  sizes.forEach((size, i) => {
    header.writeUInt32BE(size, 4 + 4 * i);
  });
  return header;
}

export const gzipped = (content: Uint8Array | string): Buffer => gzipSync(content);
