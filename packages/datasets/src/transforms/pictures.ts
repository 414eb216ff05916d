/**
 * Augmentation of images beyond moving them: mirrored, cut out, with other colors, with holes. What happens to an image depends on
 * (seed, epoch, place in the epoch). Bytes stay bytes.
 */
import { checkOptions } from '@ag/tensor/engine';
import { type Column, type ColumnData, sizeOf } from '../dataset.ts';
import { DataError } from '../errors.ts';
import { type RandomStream, randomStream } from '../random.ts';
import { changing, imageSizes, type PartOptions } from './column.ts';
import { type SerializableTransform, serializable } from './transform.ts';

/** Purposes of random numbers here. */
const streams = { flip: 203, crop: 204, jitter: 205, erase: 206 };

/** Probabilities of {@link randomFlip}. */
export interface FlipOptions extends PartOptions {
  /** That left and right change places. Default 0.5. */
  horizontal?: number;
  /** That top and bottom do. Default 0. */
  vertical?: number;
}

/** Mirrors images at random. */
export function randomFlip(options: FlipOptions = {}): SerializableTransform {
  checkOptions('transforms.randomFlip', options, 'horizontal vertical column');
  const { horizontal = 0.5, vertical = 0, column = 'x' } = options;
  checkRange('randomFlip', { horizontal, vertical }, 0, 1);
  const apply = changing('randomFlip', column, (images, { seed, epoch, start }) => {
    const { channels, height, width, count } = imageSizes(images, 'randomFlip');
    const { data } = images;
    for (let n = 0; n < count; n++) {
      const random = randomStream(seed, streams.flip, epoch, start + n);
      const across = random.uniform() < horizontal;
      const down = random.uniform() < vertical;
      for (let plane = n * channels; plane < (n + 1) * channels; plane++) {
        const begin = plane * height * width;
        if (across) {
          for (let row = 0; row < height; row++)
            data.subarray(begin + row * width, begin + (row + 1) * width).reverse();
        }
        if (!down) continue;
        for (let row = 0; row < height >> 1; row++) {
          const upper = begin + row * width;
          const lower = begin + (height - 1 - row) * width;
          const kept = data.slice(upper, upper + width);
          data.copyWithin(upper, lower, lower + width);
          data.set(kept as never, lower);
        }
      }
    }
    return images;
  });
  return serializable(apply, () => ({ transform: 'randomFlip', horizontal, vertical, ...part(column) }));
}

/** Options of {@link randomCrop}. */
export interface CropOptions extends PartOptions {
  /** Pixels around the image, from which may be cut as well. Default 0. */
  padding?: number;
  /** What these pixels are. Default 0. */
  fill?: number;
}

/**
 * Cuts a piece of the given size out of each image, at random: `[n, channels, height, width] → [n, channels, size, size]`.
 *
 * ```ts
 * transforms.randomCrop(32, { padding: 4 }); // as for CIFAR-10 (He et al. 2016)
 * ```
 *
 * @param size one number, or [height, width]
 * @throws DataError for images that are smaller, with their padding
 */
export function randomCrop(
  size: number | readonly [height: number, width: number],
  options: CropOptions = {},
): SerializableTransform {
  checkOptions('transforms.randomCrop', options, 'padding fill column');
  const { padding = 0, fill = 0, column = 'x' } = options;
  const [rows, columns] = typeof size === 'number' ? [size, size] : size;
  checkWhole('randomCrop', { size: rows, 'width of the size': columns }, 1);
  checkWhole('randomCrop', { padding }, 0);
  const apply = changing('randomCrop', column, (images, { seed, epoch, start }) => {
    const { channels, height, width, count } = imageSizes(images, 'randomCrop');
    const [free, freeAcross] = [height + 2 * padding - rows, width + 2 * padding - columns];
    if (free < 0 || freeAcross < 0) {
      throw new DataError('transforms.randomCrop', {
        code: 'option',
        expected: `images of at least ${rows}×${columns} with a padding of ${padding}`,
        found: `${height}×${width}`,
      });
    }
    const source = images.data;
    const Data = source.constructor as new (length: number) => ColumnData;
    const data = new Data(count * channels * rows * columns).fill(fill);
    for (let n = 0; n < count; n++) {
      const random = randomStream(seed, streams.crop, epoch, start + n);
      const top = random.integer(free + 1) - padding;
      const left = random.integer(freeAcross + 1) - padding;
      const from = Math.max(0, left);
      const to = Math.min(width, left + columns);
      for (let plane = n * channels; plane < (n + 1) * channels; plane++) {
        for (let row = Math.max(0, top); row < Math.min(height, top + rows) && from < to; row++) {
          const begin = (plane * height + row) * width;
          data.set(
            source.subarray(begin + from, begin + to) as never,
            (plane * rows + row - top) * columns + from - left,
          );
        }
      }
    }
    return { ...images, data, shape: [...images.shape.slice(0, -2), rows, columns] };
  });
  return serializable(apply, () => ({
    transform: 'randomCrop',
    size: [rows, columns],
    padding,
    fill,
    ...part(column),
  }));
}

/** How far {@link colorJitter} goes. */
export interface JitterOptions extends PartOptions {
  /** Values times a factor within 1 ± this. Default 0. */
  brightness?: number;
  /** Distances from the mean gray of the image times such a factor. Default 0. */
  contrast?: number;
  /** Distances from the gray of each pixel times such a factor; needs three channels. Default 0. */
  saturation?: number;
  /** Hues turned by up to this share of the circle, at most 0.5; needs three channels. Default 0. */
  hue?: number;
}

/**
 * Other brightness, contrast, saturation and hue at random, one after the other, each clipped to the range of values: 0 … 255 of bytes,
 * 0 … 1 of floats. Red, green and blue are the channels; gray is 0.2989 R + 0.587 G + 0.114 B (ITU-R BT.601).
 */
export function colorJitter(options: JitterOptions): SerializableTransform {
  checkOptions('transforms.colorJitter', options, 'brightness contrast saturation hue column');
  const { brightness = 0, contrast = 0, saturation = 0, hue = 0, column = 'x' } = options;
  checkRange('colorJitter', { brightness, contrast, saturation }, 0, 1);
  checkRange('colorJitter', { hue }, 0, 0.5);
  const apply = changing('colorJitter', column, (images, { seed, epoch, start }) => {
    const { channels, height, width, count } = imageSizes(images, 'colorJitter');
    if (channels !== 3 && saturation + hue > 0) {
      throw new DataError('transforms.colorJitter', {
        code: 'option',
        expected: 'images of three channels for saturation and hue',
        found: `[${images.shape.join(', ')}]`,
      });
    }
    const pixels = height * width;
    const bytes = images.data instanceof Uint8Array;
    const top = bytes ? 255 : 1;
    for (let n = 0; n < count; n++) {
      const random = randomStream(seed, streams.jitter, epoch, start + n);
      const factor = (most: number): number => random.uniform(1 - most, 1 + most);
      const factors = [factor(brightness), factor(contrast), factor(saturation), random.uniform(-hue, hue)];
      const place = n * channels * pixels;
      const values = Float64Array.from(
        images.data.subarray(place, place + channels * pixels),
        (v) => v / top,
      );
      if (brightness > 0) brighten(values, factors[0]);
      if (contrast > 0) blendWithMean(values, pixels, factors[1]);
      if (saturation > 0) blendWithGray(values, pixels, factors[2]);
      if (hue > 0) turnHue(values, pixels, factors[3]);
      for (let i = 0; i < values.length; i++)
        images.data[place + i] = bytes ? Math.floor(values[i] * top + 0.5) : values[i];
    }
    return images;
  });
  return serializable(apply, () => ({
    transform: 'colorJitter',
    brightness,
    contrast,
    saturation,
    hue,
    ...part(column),
  }));
}

const clip = (value: number): number => Math.min(1, Math.max(0, value));

/** Values in 0 … 1 times a factor. @internal */
export function brighten(values: Float64Array, factor: number): void {
  for (let i = 0; i < values.length; i++) values[i] = clip(values[i] * factor);
}

function gray(values: Float64Array, pixels: number, i: number): number {
  if (values.length < 3 * pixels) return values[i];
  return 0.2989 * values[i] + 0.587 * values[i + pixels] + 0.114 * values[i + 2 * pixels];
}

/** Distances from the image's mean gray times a factor. @internal */
export function blendWithMean(values: Float64Array, pixels: number, factor: number): void {
  let mean = 0;
  for (let i = 0; i < pixels; i++) mean += gray(values, pixels, i) / pixels;
  for (let i = 0; i < values.length; i++) values[i] = clip(mean + (values[i] - mean) * factor);
}

/** Distances from each pixel's gray times a factor; three channels. @internal */
export function blendWithGray(values: Float64Array, pixels: number, factor: number): void {
  for (let i = 0; i < pixels; i++) {
    const own = gray(values, pixels, i);
    for (let at = i; at < 3 * pixels; at += pixels) values[at] = clip(own + (values[at] - own) * factor);
  }
}

/** Turns hues by a share of the circle (Smith 1978, through hue, saturation and value); three channels. @internal */
export function turnHue(values: Float64Array, pixels: number, turn: number): void {
  for (let i = 0; i < pixels; i++) {
    const [r, g, b] = [values[i], values[i + pixels], values[i + 2 * pixels]];
    const most = Math.max(r, g, b);
    const spread = most - Math.min(r, g, b);
    if (spread === 0) continue;
    const sector = most === r ? (g - b) / spread : most === g ? 2 + (b - r) / spread : 4 + (r - g) / spread;
    const hue = sector + 6 * turn;
    // The channel at a third of a circle away is the value less the spread where the hue is near it.
    [5, 3, 1].forEach((offset, channel) => {
      const k = (((offset + hue) % 6) + 6) % 6;
      values[i + channel * pixels] = most - spread * Math.max(0, Math.min(k, 4 - k, 1));
    });
  }
}

/** Options of {@link randomErasing}. */
export interface ErasingOptions extends PartOptions {
  /** Of a hole in an image. Default 0.5. */
  probability?: number;
  /** The hole's least and largest share of the image. Default [0.02, 0.33]. */
  area?: readonly [number, number];
  /** Least and largest height by width. Default [0.3, 3.3]. */
  aspect?: readonly [number, number];
  /** What it is filled with. Default 0. */
  fill?: number;
}

/** Fills a rectangle of images at random (Zhong et al. 2020), in all channels. */
export function randomErasing(options: ErasingOptions = {}): SerializableTransform {
  checkOptions('transforms.randomErasing', options, 'probability area aspect fill column');
  const { probability = 0.5, area = [0.02, 0.33], aspect = [0.3, 3.3], fill = 0, column = 'x' } = options;
  checkRange('randomErasing', { probability, 'least area': area[0] }, 0, 1);
  checkRange('randomErasing', { 'largest area': area[1] }, area[0], 1);
  checkRange('randomErasing', { 'least aspect': aspect[0] }, 1e-3, 1e3);
  checkRange('randomErasing', { 'largest aspect': aspect[1] }, aspect[0], 1e3);
  const apply = changing('randomErasing', column, (images, { seed, epoch, start }) => {
    const { channels, height, width, count } = imageSizes(images, 'randomErasing');
    for (let n = 0; n < count; n++) {
      const random = randomStream(seed, streams.erase, epoch, start + n);
      if (random.uniform() >= probability) continue;
      const hole = drawHole(random, height, width, area, aspect);
      if (hole === undefined) continue;
      const { top, left, rows, columns } = hole;
      for (let plane = n * channels; plane < (n + 1) * channels; plane++) {
        for (let row = top; row < top + rows; row++) {
          const begin = (plane * height + row) * width + left;
          images.data.fill(fill, begin, begin + columns);
        }
      }
    }
    return images;
  });
  return serializable(apply, () => ({
    transform: 'randomErasing',
    probability,
    area: [area[0], area[1]],
    aspect: [aspect[0], aspect[1]],
    fill,
    ...part(column),
  }));
}

/** A rectangle of a random area and aspect; undefined where none of a hundred fits. */
function drawHole(
  random: RandomStream,
  height: number,
  width: number,
  area: readonly [number, number],
  aspect: readonly [number, number],
) {
  for (let attempt = 0; attempt < 100; attempt++) {
    const pixels = random.uniform(area[0], area[1]) * height * width;
    const ratio = random.uniform(aspect[0], aspect[1]);
    const rows = Math.round(Math.sqrt(pixels * ratio));
    const columns = Math.round(Math.sqrt(pixels / ratio));
    if (rows < 1 || columns < 1 || rows > height || columns > width) continue;
    return {
      rows,
      columns,
      top: random.integer(height - rows + 1),
      left: random.integer(width - columns + 1),
    };
  }
  return undefined;
}

function part(column: string) {
  return column !== 'x' ? { column: column as never } : {};
}

/** @throws DataError `option` unless each number, by its name, is in low … high */
export function checkRange(
  transform: string,
  options: Readonly<Record<string, number>>,
  low: number,
  high: number,
): void {
  for (const [name, value] of Object.entries(options)) {
    if (value >= low && value <= high) continue;
    throw new DataError(`transforms.${transform}: ${name}`, {
      code: 'option',
      expected: `a number from ${low} to ${high}`,
      found: String(value),
    });
  }
}

function checkWhole(transform: string, options: Readonly<Record<string, number>>, low: number): void {
  for (const [name, value] of Object.entries(options)) {
    if (Number.isInteger(value) && value >= low) continue;
    throw new DataError(`transforms.${transform}: ${name}`, {
      code: 'option',
      expected: `an integer, ${low} or more`,
      found: String(value),
    });
  }
}

/** How many rows a column holds. @internal */
export function rowsOf({ data, shape }: Column): number {
  return data.length / Math.max(1, sizeOf(shape));
}
