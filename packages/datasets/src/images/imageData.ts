/** Converts between the pixels of a canvas and tensors. */

import { type Tensor, tensor } from '@ag/tensor';
import { checkOptions } from '@ag/tensor/engine';
import { DataError } from '../errors.ts';
import { type ChannelOptions, type ImageDataLike, toChannels } from './pixels.ts';

/**
 * A canvas's picture as a tensor `[channels, height, width]` in 0 … 1, float32; moved as bytes.
 *
 * @throws DataError when the picture's size does not fit its data
 *
 * @example
 * const picture = fromImageData(context.getImageData(0, 0, 64, 64), { channels: 3 });
 */
export function fromImageData(image: ImageDataLike, options: ChannelOptions = {}): Tensor {
  checkOptions('fromImageData', options, 'channels background');
  const planes = toChannels(image, options);
  const shape = [options.channels ?? 1, image.height, image.width];
  return tensor(planes, { dtype: 'uint8', shape, copy: false })
    .cast('float32')
    .mul(1 / 255);
}

/** A picture that `new ImageData(data, width)` and `putImageData` accept. */
export interface Picture extends ImageDataLike {
  readonly data: Uint8ClampedArray<ArrayBuffer>;
}

/**
 * A tensor's values as a canvas's picture: `[height, width]` and `[1, height, width]` become gray, `[3, …]` color,
 * `[4, …]` color with transparency. 0 … 1 becomes 0 … 255; values outside are clipped. Evaluates the tensor.
 *
 * @throws DataError when the tensor has another shape
 *
 * @example
 * const { data, width } = await toImageData(images.index(0));
 * context.putImageData(new ImageData(data, width), 0, 0);
 */
export async function toImageData(picture: Tensor): Promise<Picture> {
  const { shape } = picture;
  const [channels, height, width] = shape.length === 2 ? [1, ...shape] : shape;
  if (shape.length < 2 || shape.length > 3 || ![1, 3, 4].includes(channels)) {
    throw new DataError('toImageData', {
      code: 'option',
      expected: 'a tensor of shape [height, width] or [1, 3 or 4, height, width]',
      found: `[${shape.join(', ')}]`,
    });
  }
  const values = await picture.data();
  const size = height * width;
  const data = new Uint8ClampedArray(4 * size);
  for (let i = 0; i < size; i++) {
    for (let c = 0; c < 3; c++) data[4 * i + c] = values[(channels === 1 ? 0 : c) * size + i] * 255;
    data[4 * i + 3] = channels === 4 ? values[3 * size + i] * 255 : 255;
  }
  return { width, height, data };
}
