/**
 * The generated `digits` data set, an offline substitute for MNIST with the same shapes. How hard the set is was
 * measured; see docs/digits.md of this package.
 */
import { checkOptions } from '@ag/tensor/engine';
import { type MemoryDataset, memoryDataset } from '../dataset.ts';
import { DataError } from '../errors.ts';
import { checkCount } from '../sets/generated.ts';
import { drawDigits } from './draw.ts';

/** Options of {@link digits}. */
export interface DigitsOptions {
  /** Which part; the parts share no image. Default `train`. */
  split?: 'train' | 'validation' | 'test';
  /** How many images. Default 10,000 to train with, 2,000 otherwise. */
  count?: number;
  /** Determines the images; a longer set begins with the images of a shorter one. Default 0. */
  seed?: number;
  /** Height and width in pixels, at least 8. Default 28. */
  size?: number;
}

const streams = { train: 0, test: 1, validation: 2 };

/**
 * Ten classes of drawn digits: x `[n, 1, size, size]` in 0 … 1 (ink is 1), y `[n]` int32, every digit as often as
 * any other. 10,000 images take about a third of a second.
 *
 * @throws DataError when an option makes no sense
 *
 * @example
 * const train = digits();
 * const test = digits({ split: 'test' });
 */
export function digits(options: DigitsOptions = {}): MemoryDataset {
  checkOptions('digits', options, 'split count seed size');
  const { split = 'train', seed = 0, size = 28 } = options;
  const stream = streams[split];
  if (stream === undefined) {
    throw new DataError('digits: split', {
      code: 'option',
      expected: Object.keys(streams).join(', '),
      found: JSON.stringify(split),
    });
  }
  const count = checkCount('digits: count', options.count ?? (split === 'train' ? 10_000 : 2_000), 1);
  checkCount('digits: size', size, 8);
  const { images, labels } = drawDigits(count, seed, stream, size);
  return memoryDataset(
    {
      x: { data: images, shape: [1, size, size], scale: 1 / 255 },
      y: { data: Int32Array.from(labels), shape: [] },
    },
    {
      name: 'digits',
      split,
      classes: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
      source: 'drawn by a generator',
    },
  );
}
