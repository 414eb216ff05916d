/**
 * Convolution and pooling over one and three spatial axes, pooling with positions, and pooling to a given size: functions only, so
 * that bundles without them leave them out. Those over two axes are in `convolution.ts`.
 */
import { checkInteger } from '../check.ts';
import { floatOf } from '../dtype.ts';
import { shapeError, valueError } from '../errors.ts';
import { checkKnownSize } from '../ops/movement.ts';
import { flatIndex, maxPool, type PoolAttributes, poolPosition } from '../ops/pooling.ts';
import { checkOptions } from '../options.ts';
import { formatShape } from '../shape.ts';
import { apply, checkTensor, type Tensor } from '../tensor.ts';
import {
  type ConvolutionOptions,
  convolve,
  convolveTransposed,
  type TransposedConvolutionOptions,
} from './convolution.ts';
import { fromArray } from './create.ts';
import { averagePool, largestPool, type PoolOptions, poolAttributes } from './pooling.ts';
import { gatherAlong, take } from './select.ts';
import { type PerAxis, perAxis } from './windowGeometry.ts';

/**
 * Cross-correlation along three axes: see `conv2d`.
 *
 * ```ts
 * conv3d(zeros([2, 3, 8, 16, 16]), zeros([4, 3, 3, 3, 3]), { padding: 1 }).shape; // [2, 4, 8, 16, 16]
 * ```
 *
 * @param x [batch, channels, depth, height, width]
 * @param weight [output channels, channels / groups, depth, height, width]
 * @throws RangeError when channels, groups or sizes do not fit
 */
export function conv3d(x: Tensor, weight: Tensor, options: ConvolutionOptions = {}): Tensor {
  return convolve('conv3d', x, weight, 3, options);
}

/**
 * The transpose of `conv1d` with the same weight and options: see `convTranspose2d`.
 *
 * @param x [batch, channels, length]
 * @param weight [channels, output channels / groups, size]
 * @throws RangeError when channels, groups or sizes do not fit
 */
export function convTranspose1d(
  x: Tensor,
  weight: Tensor,
  options: TransposedConvolutionOptions = {},
): Tensor {
  return convolveTransposed('convTranspose1d', x, weight, 1, options);
}

/**
 * The transpose of `conv3d` with the same weight and options: see `convTranspose2d`.
 *
 * @param x [batch, channels, depth, height, width]
 * @param weight [channels, output channels / groups, depth, height, width]
 * @throws RangeError when channels, groups or sizes do not fit
 */
export function convTranspose3d(
  x: Tensor,
  weight: Tensor,
  options: TransposedConvolutionOptions = {},
): Tensor {
  return convolveTransposed('convTranspose3d', x, weight, 3, options);
}

/** The largest element of each window of `[batch, channels, length]`: see `maxPool2d`. */
export function maxPool1d(x: Tensor, size: PerAxis, options: PoolOptions = {}): Tensor {
  return largestPool('maxPool1d', x, size, 1, options);
}

/** The largest element of each window of `[batch, channels, depth, height, width]`: see `maxPool2d`. */
export function maxPool3d(x: Tensor, size: PerAxis, options: PoolOptions = {}): Tensor {
  return largestPool('maxPool3d', x, size, 3, options);
}

/** The average of each window of `[batch, channels, length]`: see `avgPool2d`. */
export function avgPool1d(
  x: Tensor,
  size: PerAxis,
  options: PoolOptions & { readonly countPadding?: boolean } = {},
): Tensor {
  return averagePool('avgPool1d', x, size, 1, options);
}

/** The average of each window of `[batch, channels, depth, height, width]`: see `avgPool2d`. */
export function avgPool3d(
  x: Tensor,
  size: PerAxis,
  options: PoolOptions & { readonly countPadding?: boolean } = {},
): Tensor {
  return averagePool('avgPool3d', x, size, 3, options);
}

/** Largest elements, and where they stand. */
export interface PooledIndices {
  readonly values: Tensor;
  /** Row-major positions within the spatial axes of the input, int32. */
  readonly indices: Tensor;
}

/**
 * The largest element of each window and where it stands, over as many axes as `x` has behind its first two: what `maxUnpool` takes. Of
 * equal elements it is the first.
 *
 * ```ts
 * const { values, indices } = maxPoolIndices(x, 2);
 * maxUnpool(values, indices, x.shape.slice(2)); // zeros but where the largest stood
 * ```
 *
 * @param x [batch, channels, …]
 * @throws RangeError as `maxPool2d`
 */
export function maxPoolIndices(x: Tensor, size: PerAxis, options: PoolOptions = {}): PooledIndices {
  const name = 'maxPoolIndices';
  checkOptions(name, options, 'stride padding dilation ceilMode');
  const { high, ...own } = poolAttributes(name, x, size, spatialAxes(name, x), options);
  const attributes: PoolAttributes = own;
  const position = apply(poolPosition, [x], attributes);
  const front = x.shape.slice(0, 2);
  return {
    values: apply(maxPool, [x], attributes),
    indices: flatIndex(position, attributes).reshape([...front, ...attributes.output]),
  };
}

/**
 * Values put back to where `maxPoolIndices` found them, zeros elsewhere. Of windows that overlap and found the same element the values
 * add up.
 *
 * @param values [batch, channels, …]
 * @param indices int32 of the same shape
 * @param size of the spatial axes of the result
 */
export function maxUnpool(values: Tensor, indices: Tensor, size: readonly number[]): Tensor {
  const name = 'maxUnpool';
  const spatial = spatialAxes(name, checkTensor(values, name, 'values'));
  checkTensor(indices, name, 'indices');
  if (indices.shape.join() !== values.shape.join()) {
    throw shapeError(
      `${name}: values are ${formatShape(values.shape)}, their indices ${formatShape(indices.shape)}; both need the same shape`,
    );
  }
  const sizes = perAxis(name, 'size', size, spatial, 0);
  const front = values.shape.slice(0, 2);
  const count = sizes.reduce((product, n) => product * n, 1);
  const base = values.number(0).broadcastTo([...front, count]);
  return base
    .scatterAdd(indices.reshape([...front, -1]), values.reshape([...front, -1]))
    .reshape([...front, ...sizes]);
}

/**
 * The average over windows that divide the spatial axes into `size` parts as equal as they can be: part i of an axis of n elements reaches
 * from ⌊i·n / size⌋ to ⌈(i + 1)·n / size⌉, as in PyTorch, so that neighbors may share an element.
 *
 * ```ts
 * adaptiveAvgPool(zeros([8, 16, 7, 7]), 1).shape; // [8, 16, 1, 1]
 * ```
 *
 * @param x [batch, channels, …], one to three spatial axes; integers give float32
 * @param size one number for all spatial axes, or one for each
 */
export function adaptiveAvgPool(x: Tensor, size: PerAxis): Tensor {
  const name = 'adaptiveAvgPool';
  const spatial = spatialAxes(name, x);
  const output = perAxis(name, 'size', size, spatial, 1);
  if (output.every((n, i) => x.shape[2 + i] % n === 0 && x.shape[2 + i] > 0)) {
    return averagePool(name, x, output.map((n, i) => x.shape[2 + i] / n), spatial, {}); // biome-ignore format: short
  }
  return output.reduce(
    (result, count, i) => {
      const axis = 2 + i;
      const { positions, lengths, width } = parts(name, x, axis, count);
      const index = fromArray(positions, [count, width], 'int32');
      const taken = take(result, index, axis, name);
      const along = (shape: number[]): number[] => [...shape, ...x.shape.slice(axis + 1).map(() => 1)];
      const inside = fromArray(Int32Array.from({ length: width }, (_, k) => k), along([1, width]), 'int32') // biome-ignore format: short
        .less(fromArray(Int32Array.from(lengths), along([count, 1]), 'int32'));
      const counts = fromArray(Float64Array.from(lengths), along([count]), 'float64');
      return inside
        .where(taken, 0)
        .sum(axis + 1)
        .div(counts.cast(floatOf(x.dtype)));
    },
    x.cast(floatOf(x.dtype)),
  );
}

/**
 * The largest element of the windows of `adaptiveAvgPool`, with its position where `indices` asks for it.
 *
 * @param options `indices`: give `{ values, indices }`, positions row-major within the spatial axes. Default false
 */
export function adaptiveMaxPool(x: Tensor, size: PerAxis, options?: { readonly indices?: false }): Tensor;
export function adaptiveMaxPool(x: Tensor, size: PerAxis, options: { readonly indices: true }): PooledIndices;
export function adaptiveMaxPool(
  x: Tensor,
  size: PerAxis,
  options: { readonly indices?: boolean } = {},
): Tensor | PooledIndices {
  const name = 'adaptiveMaxPool';
  checkOptions(name, options, 'indices');
  const spatial = spatialAxes(name, x);
  const output = perAxis(name, 'size', size, spatial, 1);
  if (!options.indices && output.every((n, i) => x.shape[2 + i] % n === 0 && x.shape[2 + i] > 0))
    return largestPool(name, x, output.map((n, i) => x.shape[2 + i] / n), spatial, {}); // biome-ignore format: short
  const axes = output.map((count, i) => parts(name, x, 2 + i, count));
  // For each part all the elements in row-major order; of a short part the last ones stand twice, behind the first.
  let flat = new Int32Array(1);
  let counts: number[] = [];
  let widths: number[] = [];
  axes.forEach(({ positions, width }, i) => {
    const outer = counts.reduce((product, n) => product * n, 1);
    const inner = widths.reduce((product, n) => product * n, 1);
    const next = new Int32Array(outer * output[i] * inner * width);
    let at = 0;
    for (let o = 0; o < outer; o++)
      for (let p = 0; p < output[i]; p++)
        for (let k = 0; k < inner; k++)
          for (let w = 0; w < width; w++)
            next[at++] = flat[o * inner + k] * x.shape[2 + i] + positions[p * width + w];
    flat = next;
    counts = [...counts, output[i]];
    widths = [...widths, width];
  });
  const front = x.shape.slice(0, 2);
  const count = output.reduce((product, n) => product * n, 1);
  const width = widths.reduce((product, n) => product * n, 1);
  const rows = x.reshape([...front, x.shape.slice(2).reduce((product, n) => product * n, 1)]);
  const index = fromArray(flat, [count, width], 'int32');
  const best = take(rows.detach(), index, 2, name).argmax(-1).unsqueeze(-1);
  const where = gatherAlong(index.broadcastTo([...front, count, width]), best, -1).squeeze(-1);
  const values = gatherAlong(rows, where, -1).reshape([...front, ...output]);
  return options.indices ? { values, indices: where.reshape([...front, ...output]) } : values;
}

/** The elements of each part of an axis, filled up with its last one. */
function parts(
  name: string,
  x: Tensor,
  axis: number,
  count: number,
): { readonly positions: Int32Array; readonly lengths: readonly number[]; readonly width: number } {
  const size = x.shape[axis];
  checkInteger(count, name, 'size', 1);
  if (size === 0) throw valueError(`${name}: axis ${axis} of ${formatShape(x.shape)} has no elements`);
  const from = Array.from({ length: count }, (_, i) => Math.floor((i * size) / count));
  const lengths = from.map((start, i) => Math.ceil(((i + 1) * size) / count) - start);
  const width = Math.max(...lengths);
  const positions = Int32Array.from({ length: count * width }, (_, at) => {
    const i = Math.floor(at / width);
    return from[i] + Math.min(at % width, lengths[i] - 1);
  });
  return { positions, lengths, width };
}

function spatialAxes(name: string, x: Tensor): number {
  const spatial = checkTensor(x, name).shape.length - 2;
  if (spatial < 1 || spatial > 3) {
    throw shapeError(
      `${name}: expects [batch, channels, …] with one to three spatial axes, got ${formatShape(x.shape)}`,
    );
  }
  for (let axis = 2; axis < x.shape.length; axis++) checkKnownSize(x.shape, axis, name);
  return spatial;
}
