/**
 * Decodes PNG and JPEG files to pixels. Browsers decode by themselves; in Node the packages `pngjs` and `jpeg-js` do
 * it, which are loaded when first needed and only have to be installed by those who read images. Whoever decodes, an
 * image has no more pixels than `maxPixels`, and costs no more than its pixels do.
 */
import { checkOptions } from '@ag/tensor/engine';
import { DataError } from '../errors.ts';
import { hex } from '../formats/gzip.ts';
import { nodeModules } from '../platform.ts';
import { decodeJpeg, type JpegPackage, readJpegHeader } from './jpeg.ts';
import type { ImageDataLike } from './pixels.ts';
import { decodePng, type PngPackage, readPngHeader } from './png.ts';

/** Options of {@link decodeImage}. */
export interface DecodeOptions {
  /**
   * The most pixels of an image, width times height. Default 100,000,000 (100 megapixels). While an image is decoded it
   * takes about 10 bytes for each pixel of a PNG file and up to 25 of a JPEG file.
   */
  maxPixels?: number;
}

const defaultMaxPixels = 100_000_000;

/**
 * Decodes a PNG or JPEG file. Opaque PNG files of up to 8 bits give the same bytes everywhere; 16 bits, JPEG files and
 * nearly transparent pixels may differ a little between decoders.
 *
 * @param file the name to use in errors
 * @throws DataError `format` when the bytes are neither, are damaged, hold more than the header says, or are an image of
 * more than `maxPixels`; `unsupported` when a decoder is not installed
 *
 * @example
 * const { width, height, data } = await decodeImage(bytes, 'cat.png', { maxPixels: 2e8 });
 */
export async function decodeImage(
  bytes: Uint8Array,
  file = 'image',
  options: DecodeOptions = {},
): Promise<ImageDataLike> {
  checkOptions('decodeImage', options, 'maxPixels');
  const { maxPixels = defaultMaxPixels } = options;
  if (!(maxPixels >= 1)) {
    throw new DataError('maxPixels', {
      code: 'option',
      file,
      expected: 'a number from 1',
      found: String(maxPixels),
    });
  }
  const kind = kindOf(bytes);
  if (kind === undefined) {
    throw new DataError('not a PNG or JPEG file', {
      code: 'format',
      file,
      expected: 'the first bytes 89 50 4e 47 or ff d8 ff',
      found: bytes.length === 0 ? 'an empty file' : hex(bytes.subarray(0, 4)),
    });
  }
  try {
    const { width, height } = kind === 'png' ? readPngHeader(bytes) : readJpegHeader(bytes);
    if (width * height > maxPixels) throw tooLarge(width, height, maxPixels, file);
    if (nodeModules() === undefined) return await decodeInBrowser(bytes);
    return kind === 'png'
      ? decodePng(bytes, await load<PngPackage>('pngjs'))
      : decodeJpeg(bytes, await load<JpegPackage>('jpeg-js'), maxPixels);
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    throw new DataError(`damaged ${kind.toUpperCase()} file`, {
      code: 'format',
      file,
      found: whatIsWrong(cause),
      cause,
    });
  }
}

function tooLarge(width: number, height: number, maxPixels: number, file: string): DataError {
  return new DataError('an image of more pixels than are allowed', {
    code: 'format',
    file,
    expected: `at most ${maxPixels} pixels`,
    found: `${width}×${height}, which is ${width * height}`,
    hint: 'If it should be that large, raise the option maxPixels, or make the file smaller',
  });
}

/** What a decoder said; what an engine says when a decoder reads beyond the end helps nobody. */
function whatIsWrong(cause: unknown): string {
  if (cause instanceof RangeError || cause instanceof TypeError) {
    return 'an end too early, or a length that leads beyond it';
  }
  return cause instanceof Error ? cause.message : String(cause);
}

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

/** Loads an optional package by a name that bundlers for browsers leave alone. */
async function load<T>(name: string): Promise<T> {
  try {
    const module = (await import(/* @vite-ignore */ /* webpackIgnore: true */ name)) as T & { default?: T };
    return module.default ?? module;
  } catch (cause) {
    throw new DataError(`reading this image needs the package ${name}`, {
      code: 'unsupported',
      hint: `Install it: npm install ${name}`,
      cause,
    });
  }
}
