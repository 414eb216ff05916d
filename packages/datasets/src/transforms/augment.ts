/**
 * Augmentation: random changes of images that leave their meaning alone. What happens to an image depends on (seed,
 * epoch, place in the epoch), not on the batch size or on what was drawn before.
 */
import { checkOptions } from '@ag/tensor/engine';
import { cosineOfTurn, sineOfTurn } from '../deterministicMath.ts';
import { DataError } from '../errors.ts';
import { randomStream } from '../random.ts';
import { changing, imageSizes, type PartOptions } from './column.ts';
import { type SerializableTransform, serializable } from './transform.ts';

/** Purposes of random numbers here. */
const streams = { shift: 201, rotate: 202 };

/** Options of the random changes of images. */
export interface AugmentOptions extends PartOptions {
  /** What comes in from outside. Default 0. */
  fill?: number;
}

/**
 * Moves each image by a whole number of pixels in both directions, each from −`pixels` to `pixels`; what comes in
 * from outside is `fill`. Bytes stay bytes.
 *
 * @param pixels the largest shift, 0 or more
 */
export function randomShift(pixels: number, options: AugmentOptions = {}): SerializableTransform {
  checkOptions('transforms.randomShift', options, 'fill column');
  const { fill = 0, column = 'x' } = options;
  if (!Number.isInteger(pixels) || pixels < 0) {
    throw new DataError('transforms.randomShift: pixels', {
      code: 'option',
      expected: 'an integer, 0 or more',
      found: String(pixels),
    });
  }
  const apply = changing('randomShift', column, (images, { seed, epoch, start }) => {
    const { channels, height, width, count } = imageSizes(images, 'randomShift');
    const source = images.data;
    const data = source.slice().fill(fill);
    for (let n = 0; n < count; n++) {
      const random = randomStream(seed, streams.shift, epoch, start + n);
      const down = random.integer(2 * pixels + 1) - pixels;
      const right = random.integer(2 * pixels + 1) - pixels;
      const from = Math.max(0, -right);
      const length = width - Math.abs(right);
      if (length <= 0) continue;
      for (let plane = n * channels; plane < (n + 1) * channels; plane++) {
        for (let row = Math.max(0, -down); row < Math.min(height, height - down); row++) {
          const begin = (plane * height + row) * width + from;
          data.set(
            source.subarray(begin, begin + length),
            (plane * height + row + down) * width + from + right,
          );
        }
      }
    }
    return { ...images, data };
  });
  return serializable(apply, () => ({
    transform: 'randomShift',
    pixels,
    fill,
    ...(column !== 'x' && { column }),
  }));
}

/**
 * Turns each image about its center by an angle from −`degrees` to `degrees`, with bilinear interpolation; what
 * comes in from outside is `fill`. Bytes stay bytes, rounded.
 *
 * @param degrees the largest angle, from 0 to 180
 */
export function randomRotate(degrees: number, options: AugmentOptions = {}): SerializableTransform {
  checkOptions('transforms.randomRotate', options, 'fill column');
  const { fill = 0, column = 'x' } = options;
  if (!(degrees >= 0 && degrees <= 180)) {
    throw new DataError('transforms.randomRotate: degrees', {
      code: 'option',
      expected: 'a number from 0 to 180',
      found: String(degrees),
    });
  }
  const apply = changing('randomRotate', column, (images, { seed, epoch, start }) => {
    const sizes = imageSizes(images, 'randomRotate');
    const { channels, height, width, count } = sizes;
    const source = images.data;
    const data = source.slice();
    const rounding = data instanceof Float32Array || data instanceof Float64Array ? 0 : 0.5;
    for (let n = 0; n < count; n++) {
      const turn = (randomStream(seed, streams.rotate, epoch, start + n).uniform(-1, 1) * degrees) / 360;
      const cosine = cosineOfTurn(turn);
      const sine = sineOfTurn(turn);
      for (let row = 0; row < height; row++) {
        for (let across = 0; across < width; across++) {
          const dx = across - (width - 1) / 2;
          const dy = row - (height - 1) / 2;
          const x = (width - 1) / 2 + cosine * dx + sine * dy;
          const y = (height - 1) / 2 - sine * dx + cosine * dy;
          for (let plane = n * channels; plane < (n + 1) * channels; plane++) {
            const begin = plane * height * width;
            data[begin + row * width + across] = sample(source, begin, height, width, x, y, fill) + rounding;
          }
        }
      }
    }
    return { ...images, data };
  });
  return serializable(apply, () => ({
    transform: 'randomRotate',
    degrees,
    fill,
    ...(column !== 'x' && { column }),
  }));
}

/** The value between four pixels; pixels outside the image are `fill`. */
export function sample(
  data: ArrayLike<number>,
  begin: number,
  height: number,
  width: number,
  x: number,
  y: number,
  fill: number,
): number {
  const left = Math.floor(x);
  const top = Math.floor(y);
  const tx = x - left;
  const ty = y - top;
  const at = (row: number, column: number) =>
    row >= 0 && row < height && column >= 0 && column < width ? data[begin + row * width + column] : fill;
  const upper = at(top, left) * (1 - tx) + at(top, left + 1) * tx;
  const lower = at(top + 1, left) * (1 - tx) + at(top + 1, left + 1) * tx;
  return upper * (1 - ty) + lower * ty;
}
