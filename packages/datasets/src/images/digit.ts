/**
 * Brings a drawn or photographed digit to the form of MNIST's images. A network trained on MNIST knows no others. They are fitted into 20×20 pixels with its proportions kept, then centered in 28×28 by its center of mass (as LeCun, Cortes
 * and Burges describe on the page of the database, http://yann.lecun.com/exdb/mnist).
 */

import { type Tensor, tensor } from '@ag/tensor';
import { checkOptions } from '@ag/tensor/engine';
import { DataError } from '../errors.ts';
import { type ImageDataLike, resizePlane, toChannels } from './pixels.ts';

/** Options of {@link centerDigit}. */
export interface CenterDigitOptions {
  /** Whether the picture is dark ink on light paper; `auto` judges by its border. Default `auto`. */
  invert?: boolean | 'auto';
  /** The gray value, 0 to 255, seen through transparent pixels. Default 255. */
  background?: number;
}

const size = 28;
const box = 20;

/**
 * A drawn digit as MNIST would have it: `[1, 28, 28]` float32, ink 1, paper 0. An empty picture gives zeros.
 *
 * @throws DataError when the picture's size does not fit its data
 *
 * @example
 * const x = centerDigit(context.getImageData(0, 0, 280, 280)).unsqueeze(0);
 * const digit = await model.forward(x).argmax(1).item();
 */
export function centerDigit(image: ImageDataLike, options: CenterDigitOptions = {}): Tensor {
  checkOptions('centerDigit', options, 'invert background');
  const { width, height } = image;
  const gray = toChannels(image, { channels: 1, background: options.background ?? 255 });
  const { invert = 'auto' } = options;
  const dark = invert === 'auto' ? borderMean(gray, width, height) > 127.5 : invert;
  const ink = Float32Array.from(gray, (value) => (dark ? 255 - value : value) / 255);
  return tensor(centerInk(ink, width, height), { shape: [1, size, size], copy: false });
}

/**
 * The same for an array of ink, `height × width` values of 0 (paper) to 1, to an array of 28 × 28.
 *
 * @throws DataError when the array does not have `width × height` values
 */
export function centerInk(ink: ArrayLike<number>, width: number, height: number): Float32Array {
  if (ink.length !== width * height) {
    throw new DataError('centerInk', {
      code: 'option',
      expected: `${width} × ${height} values`,
      found: String(ink.length),
    });
  }
  const result = new Float32Array(size * size);
  const bounds = boundingBox(ink, width, height);
  if (bounds === undefined) return result;
  const { left, top, columns, rows } = bounds;
  const cut = new Float32Array(columns * rows);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      cut[row * columns + column] = ink[(top + row) * width + left + column];
    }
  }
  const scale = box / Math.max(columns, rows);
  const newColumns = Math.max(1, Math.round(columns * scale));
  const newRows = Math.max(1, Math.round(rows * scale));
  const small = resizePlane(cut, columns, rows, newColumns, newRows);
  const center = centerOfMass(small, newColumns, newRows);
  // The images' center of mass is at pixel 14 of 0 … 27: so it is, to 0.01 on average, in MNIST's test images.
  const right = Math.round(size / 2 - center.column);
  const down = Math.round(size / 2 - center.row);
  for (let row = 0; row < newRows; row++) {
    for (let column = 0; column < newColumns; column++) {
      const x = column + right;
      const y = row + down;
      if (x >= 0 && x < size && y >= 0 && y < size) result[y * size + x] = small[row * newColumns + column];
    }
  }
  return result;
}

/** The smallest rectangle with all ink that is not a mere shade of it, or undefined where there is none. */
function boundingBox(ink: ArrayLike<number>, width: number, height: number) {
  let most = 0;
  for (let i = 0; i < ink.length; i++) if (ink[i] > most) most = ink[i];
  // Photographs are nowhere quite white; a tenth of the darkest ink is taken for paper.
  const threshold = most / 10;
  if (most < 0.05) return undefined;
  let [left, right, top, bottom] = [width, -1, height, -1];
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      if (ink[row * width + column] > threshold) {
        left = Math.min(left, column);
        right = Math.max(right, column);
        top = Math.min(top, row);
        bottom = row;
      }
    }
  }
  return { left, top, columns: right - left + 1, rows: bottom - top + 1 };
}

function centerOfMass(ink: Float32Array, width: number, height: number): { column: number; row: number } {
  let [sum, columns, rows] = [0, 0, 0];
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const mass = ink[row * width + column];
      sum += mass;
      columns += mass * column;
      rows += mass * row;
    }
  }
  return { column: columns / sum, row: rows / sum };
}

function borderMean(gray: Uint8Array, width: number, height: number): number {
  let sum = 0;
  for (let column = 0; column < width; column++) sum += gray[column] + gray[(height - 1) * width + column];
  for (let row = 0; row < height; row++) sum += gray[row * width] + gray[(row + 1) * width - 1];
  return sum / (2 * (width + height));
}
