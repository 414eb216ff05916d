/**
 * Augmentation by mixing examples of a batch: images and their classes alike. What is mixed with what depends on (seed, epoch, place of the
 * batch), and so on the batch size.
 */
import { checkOptions } from '@ag/tensor/engine';
import { pow } from '@ag/tensor/math';
import type { Column } from '../dataset.ts';
import { DataError } from '../errors.ts';
import { type RandomStream, randomStream } from '../random.ts';
import { type ColumnPath, columnAt, withColumn } from '../structure.ts';
import { imageSizes, toFloat } from './column.ts';
import { checkRange, rowsOf } from './pictures.ts';
import { oneHot } from './shape.ts';
import { type SerializableTransform, serializable, type TransformContext } from './transform.ts';

/** Purposes of random numbers here. */
const streams = { mixup: 207, cutmix: 208 };

/** Options of {@link mixup} and {@link cutmix}. */
export interface MixOptions {
  /** Shares are drawn from Beta(alpha, alpha), from above 0 to 8: small ones leave most images nearly alone. Default 0.2 of mixup, 1 of cutmix. */
  alpha?: number;
  /** The images. Default `x`. */
  inputs?: ColumnPath;
  /** Their classes, indices or a number for each class. Default `y`. */
  targets?: ColumnPath;
}

/**
 * Each example becomes λ of itself and 1 − λ of another one of the batch, inputs and targets alike (Zhang et al. 2018), with one λ for the
 * batch. Inputs become float32; targets, one number for each class, fit `crossEntropy`.
 *
 * ```ts
 * const loader = dataLoader(train, { batchSize: 64, shuffle: true, transform: transforms.mixup(10) });
 * ```
 *
 * @param classes how many there are
 */
export function mixup(classes: number, options: MixOptions = {}): SerializableTransform {
  checkOptions('transforms.mixup', options, 'alpha inputs targets');
  const { alpha = 0.2, inputs = 'x', targets = 'y' } = options;
  checkRange('mixup', { alpha }, Number.MIN_VALUE, 8);
  return mixing('mixup', classes, { alpha, inputs, targets }, (images, partners, random) => {
    const share = beta(random, alpha);
    const { data, shape } = toFloat(images);
    return { column: { data: mixed(data, partners, share), shape }, share };
  });
}

/**
 * Each image gets a rectangle of another one of the batch, of an area of 1 − λ, and as much of its class (Yun et al. 2019), with one
 * rectangle for the batch. Bytes stay bytes.
 *
 * @param classes how many there are
 */
export function cutmix(classes: number, options: MixOptions = {}): SerializableTransform {
  checkOptions('transforms.cutmix', options, 'alpha inputs targets');
  const { alpha = 1, inputs = 'x', targets = 'y' } = options;
  checkRange('cutmix', { alpha }, Number.MIN_VALUE, 8);
  return mixing('cutmix', classes, { alpha, inputs, targets }, (images, partners, random) => {
    const { channels, height, width, count } = imageSizes(images, 'cutmix');
    const side = Math.sqrt(1 - beta(random, alpha));
    const [from, to] = spanOf(random, height, side);
    const [left, right] = spanOf(random, width, side);
    const { data: source } = images;
    const data = source.slice();
    for (let n = 0; n < count; n++) {
      for (let channel = 0; channel < channels; channel++) {
        for (let row = from; row < to; row++) {
          const place = (image: number): number => ((image * channels + channel) * height + row) * width;
          const theirs = place(partners[n]);
          data.set(source.subarray(theirs + left, theirs + right) as never, place(n) + left);
        }
      }
    }
    const share = 1 - ((to - from) * (right - left)) / (height * width);
    return { column: { ...images, data }, share };
  });
}

/** What a way of mixing gives: new images, and the share of the own ones. */
interface Mixed {
  readonly column: Column;
  readonly share: number;
}

function mixing(
  name: 'mixup' | 'cutmix',
  classes: number,
  { alpha, inputs, targets }: Required<MixOptions>,
  mix: (images: Column, partners: ArrayLike<number>, random: RandomStream) => Mixed,
): SerializableTransform {
  // Checks the number of classes.
  const indices = oneHot(classes, { column: targets });
  const apply = <R extends { readonly x: unknown; readonly y: unknown }>(
    rows: R,
    context: TransformContext,
  ): R => {
    const called = `transforms.${name}`;
    const images = columnAt(rows, inputs, called);
    const random = randomStream(context.seed, streams[name], context.epoch, context.start);
    const partners = permuted(random, rowsOf(images));
    const { column, share } = mix(images, partners, random);
    const given = columnAt(rows, targets, called);
    const known = given.shape.length === 1 && given.shape[0] === classes && classes > 1;
    const { data } = toFloat(columnAt(known ? rows : indices(rows, context), targets, called));
    if (data.length !== partners.length * classes) {
      throw new DataError(`${called}: ${targets}`, {
        code: 'mismatch',
        expected: `classes of ${partners.length} examples`,
        found: `${rowsOf(given)}`,
      });
    }
    const soft = { data: mixed(data, partners, share), shape: [classes] };
    return withColumn(withColumn(rows, inputs, column), targets, soft);
  };
  return serializable(apply, () => ({
    transform: name,
    classes,
    alpha,
    ...(inputs !== 'x' && { inputs }),
    ...(targets !== 'y' && { targets }),
  }));
}

/** Rows times a share, and those of their partners times the rest. */
function mixed(data: Float32Array, partners: ArrayLike<number>, share: number): Float32Array {
  const size = data.length / partners.length;
  const result = new Float32Array(data.length);
  for (let n = 0; n < partners.length; n++) {
    const theirs = partners[n] * size;
    for (let i = 0; i < size; i++)
      result[n * size + i] = share * data[n * size + i] + (1 - share) * data[theirs + i];
  }
  return result;
}

/** 0 … count − 1 in a random order. */
function permuted(random: RandomStream, count: number): Int32Array {
  const order = Int32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = random.integer(i + 1);
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

/** Where a piece of a length lies that is so much of the side, around a random place, cut at the edges. */
function spanOf(random: RandomStream, length: number, share: number): [from: number, to: number] {
  const half = Math.floor((length * share) / 2);
  const center = random.integer(length);
  return [Math.max(0, center - half), Math.min(length, center + half)];
}

/** A number from Beta(alpha, alpha), by the method of Jöhnk (1964). */
function beta(random: RandomStream, alpha: number): number {
  for (;;) {
    const [a, b] = [random.uniform(), random.uniform()].map((u) => pow(u, 1 / alpha));
    const sum = a + b;
    if (sum > 0 && sum <= 1) return a / sum;
    // Both rounded to 0: as likely one as the other.
    if (sum === 0) return random.bits() & 1;
  }
}
