/** Arithmetic on pixels: color to gray, transparency, size. Everything here works on plain arrays. */
import { DataError } from '../errors.ts';

/** A picture as a canvas has it: four bytes red, green, blue, alpha per pixel, row by row. `ImageData` is one. */
export interface ImageDataLike {
  readonly width: number;
  readonly height: number;
  readonly data: ArrayLike<number>;
}

/** How colors become channels. */
export interface ChannelOptions {
  /** 1 for gray (the luma of Recommendation ITU-R BT.601), 3 for red, green, blue; default 1. */
  channels?: 1 | 3;
  /** The gray value, 0 (black) to 255 (white), seen through transparent pixels. Default 255. */
  background?: number;
}

/**
 * The channels of a picture as bytes, channel after channel: `channels × height × width`.
 *
 * @throws DataError when the picture's size does not fit its data
 */
export function toChannels(image: ImageDataLike, options: ChannelOptions = {}): Uint8Array {
  const { channels = 1, background = 255 } = options;
  const { width, height, data } = image;
  const size = width * height;
  if (!(size > 0) || data.length !== 4 * size) {
    throw new DataError('image', {
      code: 'format',
      expected: `4 × ${width} × ${height} bytes, red, green, blue, alpha`,
      found: String(data.length),
    });
  }
  if (channels !== 1 && channels !== 3) {
    throw new DataError('image: channels', { code: 'option', expected: '1 or 3', found: String(channels) });
  }
  const planes = new Uint8Array(channels * size);
  for (let i = 0; i < size; i++) {
    const alpha = data[4 * i + 3] / 255;
    const through = background * (1 - alpha);
    const red = data[4 * i] * alpha + through;
    const green = data[4 * i + 1] * alpha + through;
    const blue = data[4 * i + 2] * alpha + through;
    if (channels === 1) {
      planes[i] = 0.299 * red + 0.587 * green + 0.114 * blue + 0.5;
    } else {
      planes[i] = red + 0.5;
      planes[size + i] = green + 0.5;
      planes[2 * size + i] = blue + 0.5;
    }
  }
  return planes;
}

/**
 * Brings one plane to another size. Each new pixel is a mean of the old ones around its place, weighted by a triangle
 * that is as wide as the new pixel when shrinking (so that nothing is skipped) and as the old one when enlarging.
 */
export function resizePlane(
  plane: ArrayLike<number>,
  width: number,
  height: number,
  newWidth: number,
  newHeight: number,
): Float32Array {
  const rows = new Float32Array(height * newWidth);
  resizeLines(plane, rows, width, newWidth, height, 1, width, 1, newWidth);
  const result = new Float32Array(newHeight * newWidth);
  resizeLines(rows, result, height, newHeight, newWidth, newWidth, 1, newWidth, 1);
  return result;
}

function resizeLines(
  source: ArrayLike<number>,
  target: Float32Array,
  length: number,
  newLength: number,
  lines: number,
  step: number,
  lineStep: number,
  newStep: number,
  newLineStep: number,
): void {
  const ratio = length / newLength;
  const reach = Math.max(1, ratio);
  for (let i = 0; i < newLength; i++) {
    const center = (i + 0.5) * ratio;
    const first = Math.max(0, Math.floor(center - reach));
    const last = Math.min(length - 1, Math.ceil(center + reach));
    const weights: number[] = [];
    let sum = 0;
    for (let k = first; k <= last; k++) {
      const weight = Math.max(0, 1 - Math.abs(k + 0.5 - center) / reach);
      weights.push(weight);
      sum += weight;
    }
    for (let line = 0; line < lines; line++) {
      let value = 0;
      for (let k = first; k <= last; k++) value += weights[k - first] * source[line * lineStep + k * step];
      target[line * newLineStep + i * newStep] = value / sum;
    }
  }
}
