/**
 * Augmentation: random changes of images that leave their meaning alone. What happens to an image depends on (seed,
 * epoch, place in the epoch), not on the batch size or on what was drawn before.
 */
import { cosineOfTurn, sineOfTurn } from '../deterministicMath.ts';
import { DataError } from '../errors.ts';
import { randomStream } from '../random.ts';
import { imageSizes } from './column.ts';
import { type SerializableTransform, serializable, type Transform } from './transform.ts';

/** Purposes of random numbers here. */
const streams = { shift: 201, rotate: 202 };

/**
 * Moves each image by a whole number of pixels in both directions, each from −`pixels` to `pixels`; what comes in
 * from outside is `fill`. Bytes stay bytes.
 *
 * @param pixels the largest shift, 0 or more
 */
export function randomShift(pixels: number, options: { fill?: number } = {}): SerializableTransform {
  const { fill = 0 } = options;
  if (!Number.isInteger(pixels) || pixels < 0) {
    throw new DataError('transforms.randomShift: pixels', {
      code: 'option',
      expected: 'an integer, 0 or more',
      found: String(pixels),
    });
  }
  const apply: Transform = (rows, { seed, epoch, start }) => {
    const { channels, height, width, count } = imageSizes(rows.x, 'randomShift');
    const source = rows.x.data;
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
    return { ...rows, x: { ...rows.x, data } };
  };
  return serializable(apply, () => ({ transform: 'randomShift', pixels, fill }));
}

/**
 * Turns each image about its center by an angle from −`degrees` to `degrees`, with bilinear interpolation; what
 * comes in from outside is `fill`. Bytes stay bytes, rounded.
 *
 * @param degrees the largest angle, from 0 to 180
 */
export function randomRotate(degrees: number, options: { fill?: number } = {}): SerializableTransform {
  const { fill = 0 } = options;
  if (!(degrees >= 0 && degrees <= 180)) {
    throw new DataError('transforms.randomRotate: degrees', {
      code: 'option',
      expected: 'a number from 0 to 180',
      found: String(degrees),
    });
  }
  const apply: Transform = (rows, { seed, epoch, start }) => {
    const sizes = imageSizes(rows.x, 'randomRotate');
    const { channels, height, width, count } = sizes;
    const source = rows.x.data;
    const data = source.slice();
    const rounding = data instanceof Float32Array || data instanceof Float64Array ? 0 : 0.5;
    for (let n = 0; n < count; n++) {
      const turn = (randomStream(seed, streams.rotate, epoch, start + n).uniform(-1, 1) * degrees) / 360;
      const cosine = cosineOfTurn(turn);
      const sine = sineOfTurn(turn);
      for (let row = 0; row < height; row++) {
        for (let column = 0; column < width; column++) {
          const dx = column - (width - 1) / 2;
          const dy = row - (height - 1) / 2;
          const x = (width - 1) / 2 + cosine * dx + sine * dy;
          const y = (height - 1) / 2 - sine * dx + cosine * dy;
          for (let plane = n * channels; plane < (n + 1) * channels; plane++) {
            const begin = plane * height * width;
            data[begin + row * width + column] = sample(source, begin, height, width, x, y, fill) + rounding;
          }
        }
      }
    }
    return { ...rows, x: { ...rows.x, data } };
  };
  return serializable(apply, () => ({ transform: 'randomRotate', degrees, fill }));
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
