/**
 * Rearranging pictures: patches side by side and back, pixels from channels, parts cut out. Functions only, so that bundles without them
 * leave them out.
 */
import { checkArray, checkInteger } from '../check.ts';
import { shapeError, valueError } from '../errors.ts';
import { checkKnownSize } from '../ops/movement.ts';
import * as operations from '../ops/patches.ts';
import type { PoolAttributes } from '../ops/pooling.ts';
import { checkOptions } from '../options.ts';
import { formatShape, type Shape, sizeOf } from '../shape.ts';
import { apply, checkTensor, type Tensor } from '../tensor.ts';
import { pad, sectionOf } from './select.ts';
import { checkSpatialSizes, type Padding, type PerAxis, perAxis, slide } from './windowGeometry.ts';

/** How patches lie. */
export interface PatchOptions {
  /** Distance between patches. Default 1. */
  readonly stride?: PerAxis;
  /** Zeros around the input. Default 0. */
  readonly padding?: Padding;
  /** Distance between the elements of a patch. Default 1. */
  readonly dilation?: PerAxis;
}

/**
 * The patches that a window sees as it slides, one column for each place, as PyTorch's `unfold` (im2col).
 *
 * ```ts
 * unfold(zeros([8, 3, 10, 10]), 2, { stride: 2 }).shape; // [8, 12, 25]
 * ```
 *
 * @param x [batch, channels, …]
 * @param size of the patches
 * @returns [batch, channels · elements of a patch, patches], both row-major
 */
export function unfold(x: Tensor, size: PerAxis, options: PatchOptions = {}): Tensor {
  checkTensor(x, 'unfold');
  const attributes = patches('unfold', x.shape, size, options);
  const columns = apply(operations.unfold, [x], attributes);
  return columns.reshape([x.shape[0], x.shape[1] * sizeOf(attributes.window), sizeOf(attributes.output)]);
}

/**
 * The sum of patches where they lie, as PyTorch's `fold` (col2im): the transpose of `unfold` with the same size and options.
 *
 * @param columns [batch, channels · elements of a patch, patches]
 * @param outputSize spatial sizes of the result
 * @param size of the patches
 * @returns [batch, channels, …outputSize]
 */
export function fold(
  columns: Tensor,
  outputSize: readonly number[],
  size: PerAxis,
  options: PatchOptions = {},
): Tensor {
  const name = 'fold';
  if (checkTensor(columns, name, 'columns').shape.length !== 3) {
    throw shapeError(
      `${name}: expects [batch, channels · elements of a patch, patches], got ${formatShape(columns.shape)}`,
    );
  }
  const spatial = checkArray(outputSize, name, 'the output size').length;
  const [batch, rows, count] = columns.shape;
  const attributes = patches(
    name,
    [batch, 1, ...perAxis(name, 'outputSize', outputSize, spatial, 1)],
    size,
    options,
  );
  const elements = sizeOf(attributes.window);
  if (rows % elements !== 0 || count !== sizeOf(attributes.output)) {
    throw shapeError(
      `${name}: ${formatShape(columns.shape)} does not fit: patches of ${elements} elements and ${sizeOf(attributes.output)} places make ` +
        `[batch, channels · ${elements}, ${sizeOf(attributes.output)}]`,
    );
  }
  const apart = columns.reshape([batch, rows / elements, ...attributes.window, ...attributes.output]);
  return apply(operations.fold, [apart], attributes);
}

function patches(name: string, shape: Shape, size: PerAxis, options: PatchOptions): PoolAttributes {
  checkOptions(name, options, 'stride padding dilation');
  const spatial = shape.length - 2;
  if (spatial < 1) throw shapeError(`${name}: expects [batch, channels, …], got ${formatShape(shape)}`);
  checkSpatialSizes(name, { shape });
  const window = perAxis(name, 'size', size, spatial, 1);
  const stride = perAxis(name, 'stride', options.stride ?? 1, spatial, 1);
  const dilation = perAxis(name, 'dilation', options.dilation ?? 1, spatial, 1);
  const input = shape.slice(2);
  const { low, size: output } = slide(name, input, window, stride, dilation, options.padding ?? 0);
  return { input, output, window, stride, dilation, low };
}

/**
 * Channels as pixels (W. Shi et al., "Real-time single image and video super-resolution using an efficient sub-pixel convolutional
 * neural network", 2016): `[..., channels · factor², height, width]` → `[..., channels, height · factor, width · factor]`.
 */
export function pixelShuffle(x: Tensor, factor: number): Tensor {
  const [front, channels, height, width] = picture('pixelShuffle', x, factor);
  const out = channels / factor ** 2;
  if (!Number.isInteger(out)) {
    throw shapeError(
      `pixelShuffle: ${channels} channels of ${formatShape(x.shape)} are no multiple of ${factor}²`,
    );
  }
  const first = front.length;
  return x
    .reshape([...front, out, factor, factor, height, width])
    .permute([...front.keys(), first, first + 3, first + 1, first + 4, first + 2])
    .reshape([...front, out, height * factor, width * factor]);
}

/** Pixels as channels, what `pixelShuffle` undoes: `[..., channels, height · factor, width · factor]` → `[..., channels · factor², height, width]`. */
export function pixelUnshuffle(x: Tensor, factor: number): Tensor {
  const [front, channels, height, width] = picture('pixelUnshuffle', x, factor);
  if (height % factor !== 0 || width % factor !== 0) {
    throw shapeError(
      `pixelUnshuffle: height and width of ${formatShape(x.shape)} must be multiples of ${factor}`,
    );
  }
  const first = front.length;
  return x
    .reshape([...front, channels, height / factor, factor, width / factor, factor])
    .permute([...front.keys(), first, first + 2, first + 4, first + 1, first + 3])
    .reshape([...front, channels * factor ** 2, height / factor, width / factor]);
}

function picture(name: string, x: Tensor, factor: number): [number[], number, number, number] {
  const rank = checkTensor(x, name).shape.length;
  checkInteger(factor, name, 'factor', 1);
  if (rank < 3)
    throw shapeError(`${name}: expects [..., channels, height, width], got ${formatShape(x.shape)}`);
  for (let axis = rank - 3; axis < rank; axis++) checkKnownSize(x.shape, axis, name);
  const [channels, height, width] = x.shape.slice(-3);
  return [x.shape.slice(0, -3), channels, height, width];
}

/**
 * A part of the last axes, from `start` on, `size` long; what lies outside is `value`, default 0.
 *
 * ```ts
 * crop(image, [10, 20], [64, 64]); // [..., 64, 64]: rows from 10, columns from 20
 * crop(image, [-2, -2], [36, 36]); // with a border of two zeros before a picture of 32 × 32, and two behind
 * ```
 *
 * @param start for each of the last axes where to begin; negative numbers lie before the first element
 * @param size for each of them how many elements
 */
export function crop(
  x: Tensor,
  start: readonly number[],
  size: readonly number[],
  options: { readonly value?: number } = {},
): Tensor {
  const name = 'crop';
  checkOptions(name, options, 'value');
  checkTensor(x, name);
  const axes = checkArray(start, name, 'start').length;
  if (axes > x.shape.length || checkArray(size, name, 'size').length !== axes) {
    throw valueError(
      `${name}: start and size need one number for each axis to be cut, got ${axes} and ${size.length} for ${formatShape(x.shape)}`,
    );
  }
  const first = x.shape.length - axes;
  const widths: [number, number][] = x.shape.map(() => [0, 0]);
  start.forEach((from, i) => {
    checkInteger(from, name, 'start');
    checkInteger(size[i], name, 'size', 0);
    checkKnownSize(x.shape, first + i, name);
    const length = x.shape[first + i];
    const before = Math.max(0, -from);
    widths[first + i] = [before, Math.max(0, from + size[i] - length)];
  });
  const wide = widths.some(([a, b]) => a > 0 || b > 0) ? pad(x, widths, { value: options.value ?? 0 }) : x;
  return start.reduce(
    (result, from, i) => sectionOf(result, from + widths[first + i][0], size[i], first + i),
    wide,
  );
}
