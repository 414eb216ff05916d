/**
 * Pooling of images, channels before space (NCHW), and what pooling over any number of spatial axes is made of: functions only, so that
 * bundles without them leave them out.
 */
import { type DType, floatOf } from '../dtype.ts';
import { shapeError, valueError } from '../errors.ts';
import { maxPool, type PoolAttributes, windowSum } from '../ops/pooling.ts';
import { checkOptions } from '../options.ts';
import { formatShape } from '../shape.ts';
import { apply, checkTensor, type Tensor } from '../tensor.ts';
import { fromArray } from './create.ts';
import {
  checkSpatialSizes,
  type Padding,
  type PerAxis,
  perAxis,
  slide,
  spaceNames,
} from './windowGeometry.ts';

/** Options of pooling. */
export interface PoolOptions {
  /** Distance between windows. Default: the window's size. */
  readonly stride?: PerAxis;
  /** Elements around the input, never the largest and counting as 0 in averages. Default 0. */
  readonly padding?: Padding;
  /** Distance between the elements of a window. Default 1. */
  readonly dilation?: PerAxis;
  /** Count also a last window that reaches beyond the input and its padding, but begins within. Default false. */
  readonly ceilMode?: boolean;
}

/**
 * The largest element of each window. The gradient goes to the first element (in row-major order) that attains it.
 *
 * ```ts
 * maxPool2d(zeros([8, 16, 28, 28]), 2).shape; // [8, 16, 14, 14]
 * ```
 *
 * @param x [batch, channels, height, width]
 * @param size of the windows
 * @returns [batch, channels, output height, output width], output height = ⌊(height + padding − dilation·(size − 1) − 1) / stride⌋ + 1
 * @throws RangeError for sizes that do not fit, and where a window would lie wholly in the padding
 */
export function maxPool2d(x: Tensor, size: PerAxis, options: PoolOptions = {}): Tensor {
  return largestPool('maxPool2d', x, size, 2, options);
}

/**
 * The average of each window.
 *
 * ```ts
 * avgPool2d(zeros([8, 16, 28, 28]), 2).shape; // [8, 16, 14, 14]
 * ```
 *
 * @param x [batch, channels, height, width]; integers give float32
 * @param options `countPadding`: whether padding counts as elements with value 0 (default true); otherwise the sum is
 * divided by how many elements of the input the window sees
 * @throws RangeError for sizes that do not fit, and where a window would lie wholly in the padding
 */
export function avgPool2d(
  x: Tensor,
  size: PerAxis,
  options: PoolOptions & { readonly countPadding?: boolean } = {},
): Tensor {
  return averagePool('avgPool2d', x, size, 2, options);
}

/** The largest elements of windows over any number of spatial axes. */
export function largestPool(
  name: string,
  x: Tensor,
  size: PerAxis,
  spatial: number,
  options: PoolOptions,
): Tensor {
  checkOptions(name, options, 'stride padding dilation ceilMode');
  const { high, ...attributes } = poolAttributes(name, x, size, spatial, options);
  return apply(maxPool, [x], attributes);
}

/** The average of windows over any number of spatial axes. */
export function averagePool(
  name: string,
  x: Tensor,
  size: PerAxis,
  spatial: number,
  options: PoolOptions & { readonly countPadding?: boolean },
): Tensor {
  checkOptions(name, options, 'stride padding dilation countPadding ceilMode');
  const attributes = poolAttributes(name, x, size, spatial, options);
  const dtype = floatOf(x.dtype);
  const { high, ...own } = attributes;
  const sums = apply(windowSum, [x.cast(dtype)], { ...own, wanted: 'output' });
  const counted = options.countPadding ?? true;
  if (counted && !options.ceilMode) return sums.div(own.window.reduce((product, k) => product * k, 1));
  return sums.div(seenElements(attributes, dtype, counted));
}

/** How many elements of the input, or of it and its padding, each window sees: the spatial sizes of the output. */
function seenElements(
  { input, output, window, stride, dilation, low, high }: PoolShape,
  dtype: DType,
  padding: boolean,
): Tensor {
  const along = input.map((size, i) =>
    Array.from({ length: output[i] }, (_, o) => {
      let count = 0;
      for (let k = 0; k < window[i]; k++) {
        const j = stride[i] * o + dilation[i] * k - low[i];
        if (j >= (padding ? -low[i] : 0) && j < size + (padding ? high[i] : 0)) count++;
      }
      return count;
    }),
  );
  const counts = along.reduce<number[]>((all, own) => all.flatMap((n) => own.map((m) => n * m)), [1]);
  return fromArray(
    dtype === 'float64' ? Float64Array.from(counts) : Float32Array.from(counts),
    output,
    dtype,
  );
}

/** How windows lie, and how much padding stands behind the input. */
export interface PoolShape extends PoolAttributes {
  readonly high: readonly number[];
}

export function poolAttributes(
  name: string,
  x: Tensor,
  size: PerAxis,
  spatial: number,
  options: PoolOptions,
): PoolShape {
  if (checkTensor(x, name).shape.length !== spatial + 2) {
    throw shapeError(
      `${name}: expects [batch, channels, ${spaceNames(spatial)}], got ${formatShape(x.shape)}`,
    );
  }
  const window = perAxis(name, 'size', size, spatial, 1);
  const stride = perAxis(name, 'stride', options.stride ?? size, spatial, 1);
  const dilation = perAxis(name, 'dilation', options.dilation ?? 1, spatial, 1);
  checkSpatialSizes(name, x);
  const input = x.shape.slice(2);
  const ceil = options.ceilMode ?? false;
  const {
    low,
    high,
    size: output,
  } = slide(name, input, window, stride, dilation, options.padding ?? 0, ceil);
  const attributes = { input, output, window, stride, dilation, low, high };
  checkWindows(name, attributes);
  return attributes;
}

/** Of what a window has none of there is no largest element and no average. */
function checkWindows(name: string, a: PoolAttributes): void {
  a.input.forEach((length, i) => {
    const [stride, dilation, low] = [a.stride[i], a.dilation[i], a.low[i]];
    for (let window = 0; window < a.output[i]; window++) {
      const start = stride * window - low;
      const first = Math.max(0, Math.ceil(-start / dilation));
      if (first < a.window[i] && start + dilation * first < length) continue;
      throw valueError(
        `${name}: window ${window} along axis ${2 + i} lies wholly in the padding: it reaches from ${start} to ` +
          `${start + dilation * (a.window[i] - 1)}, the axis from 0 to ${length - 1}; use padding of at most half of the window`,
      );
    }
  });
}
