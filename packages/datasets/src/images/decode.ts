/**
 * From the bytes of a PNG or JPEG file to pixels. Browsers decode by themselves; in Node the packages `fast-png` and
 * `jpeg-js` do it, which are loaded when first needed and only have to be installed by those who read images.
 */
import { DataError } from '../errors.ts';
import { hex } from '../formats/gzip.ts';
import { nodeModules } from '../platform.ts';
import type { ImageDataLike } from './pixels.ts';

/**
 * Decodes a PNG or JPEG file. Opaque PNG files of up to 8 bits give the same bytes everywhere; 16 bits, JPEG files and
 * nearly transparent pixels may differ a little between decoders.
 *
 * @throws DataError `format` when the bytes are neither or are damaged, `unsupported` when a decoder is not installed
 */
export async function decodeImage(bytes: Uint8Array, file = 'image'): Promise<ImageDataLike> {
  const kind = kindOf(bytes);
  if (kind === undefined) {
    throw new DataError('not a PNG or JPEG file', {
      code: 'format',
      file,
      expected: 'the first bytes 89 50 4e 47 or ff d8 ff',
      found: bytes.length === 0 ? 'an empty file' : hex(bytes.subarray(0, 4)),
    });
  }
  const decode = nodeModules() === undefined ? decodeInBrowser : kind === 'png' ? await png() : await jpeg();
  try {
    return await decode(bytes);
  } catch (cause) {
    throw new DataError(`damaged ${kind.toUpperCase()} file`, {
      code: 'format',
      file,
      found: whatIsWrong(cause),
      cause,
    });
  }
}

/** What a decoder said; what an engine says when a decoder reads beyond the end helps nobody. */
function whatIsWrong(cause: unknown): string {
  if (cause instanceof RangeError || cause instanceof TypeError) {
    return 'an end too early, or a length that leads beyond it';
  }
  return cause instanceof Error ? cause.message : String(cause);
}

type Decoder = (bytes: Uint8Array) => ImageDataLike | Promise<ImageDataLike>;

function kindOf(bytes: Uint8Array): 'png' | 'jpeg' | undefined {
  const begins = (...start: number[]) => start.every((byte, i) => bytes[i] === byte);
  if (begins(0x89, 0x50, 0x4e, 0x47)) return 'png';
  return begins(0xff, 0xd8, 0xff) ? 'jpeg' : undefined;
}

async function decodeInBrowser(bytes: Uint8Array): Promise<ImageDataLike> {
  const bitmap = await createImageBitmap(new Blob([bytes as Uint8Array<ArrayBuffer>]), {
    imageOrientation: 'none' as ImageOrientation,
    premultiplyAlpha: 'none',
    colorSpaceConversion: 'none',
  });
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext('2d') as OffscreenCanvasRenderingContext2D;
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return context.getImageData(0, 0, width, height);
}

async function png(): Promise<Decoder> {
  const { decode, convertIndexedToRgb } = await load<typeof import('fast-png')>('fast-png');
  return (bytes) => {
    const image = decode(bytes, { checkCrc: true });
    const { width, height, palette } = image;
    if (palette !== undefined) {
      return {
        width,
        height,
        data: expand(convertIndexedToRgb(image), width * height, palette[0].length, 1),
      };
    }
    const { channels, depth } = image;
    const values = depth < 8 ? unpackBits(image.data, width, height, depth) : image.data;
    return { width, height, data: expand(values, width * height, channels, 255 / (2 ** depth - 1)) };
  };
}

async function jpeg(): Promise<Decoder> {
  const module = await load<typeof import('jpeg-js') & { default?: typeof import('jpeg-js') }>('jpeg-js');
  const { decode } = module.default ?? module;
  return (bytes) => decode(bytes, { useTArray: true, maxResolutionInMP: 100 });
}

/** Loads an optional package by a name that bundlers for browsers leave alone. */
async function load<T>(name: string): Promise<T> {
  try {
    return (await import(/* @vite-ignore */ /* webpackIgnore: true */ name)) as T;
  } catch (cause) {
    throw new DataError(`reading this image needs the package ${name}`, {
      code: 'unsupported',
      hint: `Install it: npm install ${name}`,
      cause,
    });
  }
}

/** Grey, grey + alpha, colour or colour + alpha to four bytes per pixel. */
function expand(values: ArrayLike<number>, pixels: number, channels: number, scale: number): Uint8Array {
  const data = new Uint8Array(4 * pixels);
  const hasAlpha = channels === 2 || channels === 4;
  for (let i = 0; i < pixels; i++) {
    for (let c = 0; c < 3; c++) {
      const from = channels >= 3 ? c : 0;
      data[4 * i + c] = values[i * channels + from] * scale + 0.5;
    }
    data[4 * i + 3] = hasAlpha ? values[i * channels + channels - 1] * scale + 0.5 : 255;
  }
  return data;
}

/** Grey values of 1, 2 or 4 bits, of which each row begins with a byte of its own (PNG specification, section 7.2). */
function unpackBits(data: ArrayLike<number>, width: number, height: number, depth: number): Uint8Array {
  const stride = Math.ceil((width * depth) / 8);
  const values = new Uint8Array(width * height);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const bit = column * depth;
      const byte = data[row * stride + (bit >> 3)];
      values[row * width + column] = (byte >> (8 - depth - (bit & 7))) & (2 ** depth - 1);
    }
  }
  return values;
}
