/**
 * The transforms under one name, as `dataLoader`'s option `transform` takes them. An object and not a namespace of
 * exports, because bundlers can leave out an object that nobody uses.
 */
import { randomRotate, randomShift } from './augment.ts';
import { fromJSON } from './fromJson.ts';
import { cutmix, mixup } from './mixing.ts';
import { colorJitter, randomCrop, randomErasing, randomFlip } from './pictures.ts';
import { minMax, standardize } from './scale.ts';
import { compose, flatten, oneHot } from './shape.ts';

/**
 * Changes to the rows of a batch before they become tensors.
 *
 * @example
 * const transform = transforms.compose(transforms.randomShift(2), transforms.flatten());
 * const loader = dataLoader(train, { batchSize: 64, shuffle: true, transform });
 */
export const transforms = {
  standardize,
  minMax,
  oneHot,
  flatten,
  randomShift,
  randomRotate,
  randomFlip,
  randomCrop,
  colorJitter,
  randomErasing,
  mixup,
  cutmix,
  compose,
  fromJSON,
};
