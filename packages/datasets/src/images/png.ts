/**
 * Reads PNG files in Node. Section numbers are those of the W3C recommendation "Portable Network Graphics", 2nd
 * edition. The package `pngjs` makes pixels of them, from a file that is put together here: what the pixels need and
 * nothing else, its data unpacked no further than the header implies and packed anew. So neither image data nor the
 * compressed texts and color profiles beside them can unpack to more than the image.
 */
import { nodeModules } from '../platform.ts';
import type { ImageDataLike } from './pixels.ts';

/** What the header says (section 11.2.2). */
export interface PngHeader {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly colorType: number;
  readonly interlaced: boolean;
}

/** What `pngjs` offers of it. */
export interface PngPackage {
  readonly PNG: { readonly sync: { read(file: Buffer, options: { checkCRC: boolean }): ImageDataLike } };
}

/** The samples of a pixel and their possible depths, by color type (section 11.2.2, table 11.1). */
const colorTypes: ReadonlyMap<number, { samples: number; depths: readonly number[] }> =
  /* @__PURE__ */ new Map([
    [0, { samples: 1, depths: [1, 2, 4, 8, 16] }],
    [2, { samples: 3, depths: [8, 16] }],
    [3, { samples: 1, depths: [1, 2, 4, 8] }],
    [4, { samples: 2, depths: [8, 16] }],
    [6, { samples: 4, depths: [8, 16] }],
  ]);

const signatureLength = 8;

/** Reads the header. @throws Error saying what is wrong with it */
export function readPngHeader(bytes: Uint8Array): PngHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < signatureLength + 25) throw new Error('the end comes within the header');
  if (view.getUint32(8) !== 13 || typeAt(bytes, 12) !== 'IHDR')
    throw new Error('its header is not where it should be');
  const [width, height, depth, colorType] = [view.getUint32(16), view.getUint32(20), bytes[24], bytes[25]];
  const [compression, filter, interlace] = bytes.subarray(26, 29);
  if (width === 0 || height === 0 || width > 0x7fffffff || height > 0x7fffffff) {
    throw new Error(`a size of ${width}×${height}`);
  }
  if (!colorTypes.get(colorType)?.depths.includes(depth)) {
    throw new Error(`color type ${colorType} with ${depth} bits, which there is not`);
  }
  if (compression !== 0 || filter !== 0 || interlace > 1) {
    throw new Error(
      `compression ${compression}, filter ${filter}, interlace ${interlace}: methods that there are not`,
    );
  }
  return { width, height, depth, colorType, interlaced: interlace === 1 };
}

/** The pixels. @throws Error saying what is wrong with the file */
export function decodePng(bytes: Uint8Array, { PNG }: PngPackage): ImageDataLike {
  const header = readPngHeader(bytes);
  const { width, height, data } = PNG.sync.read(reduced(bytes, header), { checkCRC: false });
  return { width, height, data };
}

/** The file again, with the chunks that pixels come from, and data of the length that the header implies. */
function reduced(bytes: Uint8Array, header: PngHeader): Buffer {
  const { zlib, Buffer } = nodeModules() as NonNullable<ReturnType<typeof nodeModules>>;
  const { palette, transparency, data } = readChunks(bytes, header.colorType);
  const length = dataLength(header);
  let samples: Buffer;
  try {
    samples = zlib.inflateSync(Buffer.concat(data), {
      maxOutputLength: length,
      chunkSize: Math.min(Math.max(length, 1024), 1 << 20),
    });
  } catch (error) {
    if ((error as { code?: string }).code !== 'ERR_BUFFER_TOO_LARGE') throw error;
    throw new Error(
      `more image data than the ${length} bytes of its ${header.width}×${header.height} pixels`,
    );
  }
  if (samples.length !== length) {
    throw new Error(
      `${samples.length} bytes of image data, its ${header.width}×${header.height} pixels have ${length}`,
    );
  }
  return Buffer.concat([
    bytes.subarray(0, signatureLength),
    chunk('IHDR', bytes.subarray(16, 29)),
    ...(palette === undefined ? [] : [chunk('PLTE', palette)]),
    ...(transparency === undefined ? [] : [chunk('tRNS', transparency)]),
    chunk('IDAT', zlib.deflateSync(samples, { level: 0 })),
    chunk('IEND', new Uint8Array(0)),
  ]);
}

interface Chunks {
  palette?: Uint8Array;
  transparency?: Uint8Array;
  data: Uint8Array[];
}

function readChunks(bytes: Uint8Array, colorType: number): Chunks {
  const { zlib } = nodeModules() as NonNullable<ReturnType<typeof nodeModules>>;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const chunks: Chunks = { data: [] };
  for (let at = signatureLength; ; ) {
    if (at + 12 > bytes.length) throw new Error('the end comes before the last chunk');
    const length = view.getUint32(at);
    const type = typeAt(bytes, at + 4);
    const end = at + 12 + length;
    if (end > bytes.length) throw new Error(`the end comes within the chunk ${JSON.stringify(type)}`);
    const content = bytes.subarray(at + 8, end - 4);
    // A small letter first: a chunk that a decoder may pass over (section 5.4).
    const needed = !/^[a-z]/.test(type) || type === 'tRNS';
    if (needed && zlib.crc32(bytes.subarray(at + 4, end - 4)) !== view.getUint32(end - 4)) {
      throw new Error(`the checksum of the chunk ${JSON.stringify(type)} is wrong`);
    }
    if (type === 'IEND') break;
    if (type === 'IDAT') chunks.data.push(content);
    else if (type === 'PLTE') {
      if (content.length % 3 !== 0 || content.length === 0 || content.length > 3 * 256 || chunks.palette)
        throw new Error('a palette that is none, or a second one');
      chunks.palette = content;
    } else if (type === 'tRNS') {
      checkTransparency(content, colorType, chunks);
      chunks.transparency = content;
    } else if (needed && type !== 'IHDR') throw new Error(`an unknown chunk ${JSON.stringify(type)}`);
    at = end;
  }
  if (chunks.data.length === 0) throw new Error('no image data');
  if (colorType !== 3) {
    // For colors a palette is a suggestion only (section 11.2.3).
    delete chunks.palette;
  } else if (chunks.palette === undefined) throw new Error('no palette');
  return chunks;
}

/** Section 11.3.2.1: an alpha for colors of the palette, or the one gray or color that is transparent. */
function checkTransparency(content: Uint8Array, colorType: number, { palette, data }: Chunks): void {
  const fits =
    colorType === 3
      ? palette !== undefined && content.length <= palette.length / 3
      : content.length === { 0: 2, 2: 6 }[colorType];
  if (!fits || data.length > 0)
    throw new Error('transparency that does not fit its colors, or in a wrong place');
}

/** The bytes of all rows, each behind a byte for its filter; of an interlaced image in seven passes (section 8). */
function dataLength({ width, height, depth, colorType, interlaced }: PngHeader): number {
  const bits = depth * (colorTypes.get(colorType) as { samples: number }).samples;
  const passes = interlaced
    ? [
        [0, 0, 8, 8],
        [4, 0, 8, 8],
        [0, 4, 4, 8],
        [2, 0, 4, 4],
        [0, 2, 2, 4],
        [1, 0, 2, 2],
        [0, 1, 1, 2],
      ]
    : [[0, 0, 1, 1]];
  let length = 0;
  for (const [x, y, stepX, stepY] of passes) {
    const columns = Math.ceil((width - x) / stepX);
    const rows = Math.ceil((height - y) / stepY);
    if (columns > 0 && rows > 0) length += rows * (1 + Math.ceil((columns * bits) / 8));
  }
  return length;
}

/** A chunk for a reader that does not check sums. */
function chunk(type: string, content: Uint8Array): Buffer {
  const { Buffer } = nodeModules() as NonNullable<ReturnType<typeof nodeModules>>;
  const whole = Buffer.alloc(12 + content.length);
  whole.writeUInt32BE(content.length, 0);
  whole.write(type, 4, 'latin1');
  whole.set(content, 8);
  return whole;
}

function typeAt(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + 4));
}
