/**
 * Convolution and pooling of images and sequences, channels before space (NCHW): functions only, so that bundles
 * without them leave them out.
 */

import { checkInteger, describeValue } from '../check.ts';
import { type DType, floatOf } from '../dtype.ts';
import { shapeError, valueError } from '../errors.ts';
import { type ConvolutionRole, convolution } from '../ops/convolution.ts';
import { checkKnownSize } from '../ops/movement.ts';
import { maxPool, type PoolAttributes, windowSum } from '../ops/pooling.ts';
import { checkOptions } from '../options.ts';
import { formatShape, type Shape } from '../shape.ts';
import { apply, checkTensor, type Tensor } from '../tensor.ts';
import { fromArray } from './create.ts';

/** One whole number for every spatial axis, or one for each. */
export type PerAxis = number | readonly number[];

/**
 * Elements added around the spatial axes: a number on every side; for each axis a number or `[before, after]`;
 * `'valid'` none; `'same'` so many that output size = ⌈input size ÷ stride⌉, an odd one after the last element.
 */
export type Padding = 'same' | 'valid' | number | readonly (number | readonly [number, number])[];

/** Options of convolutions. */
export interface ConvolutionOptions {
  /** Distance between windows. Default 1. */
  readonly stride?: PerAxis;
  /** Zeros around the input. Default 0. */
  readonly padding?: Padding;
  /** Distance between the elements of a window. Default 1. */
  readonly dilation?: PerAxis;
  /** Channels fall into so many groups that do not see each other. Default 1. */
  readonly groups?: number;
}

/** Options of transposed convolutions. */
export interface TransposedConvolutionOptions extends ConvolutionOptions {
  /** Rows added at the end of each spatial axis, smaller than the stride: which of the sizes that convolve to the input's is meant. Default 0. */
  readonly outputPadding?: PerAxis;
}

/** Options of pooling. */
export interface PoolOptions {
  /** Distance between windows. Default: the window's size. */
  readonly stride?: PerAxis;
  /** Elements around the input, never the largest and counting as 0 in averages. Default 0. */
  readonly padding?: Padding;
  /** Distance between the elements of a window. Default 1. */
  readonly dilation?: PerAxis;
}

/**
 * Cross-correlation along one axis, as layers use it.
 *
 * ```ts
 * conv1d(zeros([8, 3, 100]), zeros([16, 3, 5]), { padding: 'same' }).shape; // [8, 16, 100]
 * ```
 *
 * @param x [batch, channels, length]
 * @param weight [output channels, channels / groups, size]
 * @returns [batch, output channels, output length], output length = ⌊(length + padding − dilation·(size − 1) − 1) / stride⌋ + 1
 * @throws RangeError when channels, groups or sizes do not fit
 */
export function conv1d(x: Tensor, weight: Tensor, options: ConvolutionOptions = {}): Tensor {
  checkOptions('conv1d', options, 'stride padding dilation groups');
  return convolve('conv1d', x, weight, 1, options);
}

/**
 * Cross-correlation along two axes, as layers use it: y[n, m, o] = Σ x[n, c, stride·o + dilation·k − padding]·w[m, c, k],
 * with o and k positions in the plane.
 *
 * ```ts
 * conv2d(zeros([8, 3, 28, 28]), zeros([16, 3, 5, 5]), { padding: 2 }).shape; // [8, 16, 28, 28]
 * ```
 *
 * @param x [batch, channels, height, width]
 * @param weight [output channels, channels / groups, height, width]
 * @returns [batch, output channels, output height, output width]
 * @throws RangeError when channels, groups or sizes do not fit
 */
export function conv2d(x: Tensor, weight: Tensor, options: ConvolutionOptions = {}): Tensor {
  checkOptions('conv2d', options, 'stride padding dilation groups');
  return convolve('conv2d', x, weight, 2, options);
}

/**
 * The transpose of `conv2d` with the same weight and options: what maps that convolution's output gradient to its input
 * gradient. Height of the result = (height − 1)·stride − padding + dilation·(size − 1) + outputPadding + 1; with
 * `padding: 'same'` it is height · stride.
 *
 * ```ts
 * convTranspose2d(zeros([8, 16, 14, 14]), zeros([16, 3, 2, 2]), { stride: 2 }).shape; // [8, 3, 28, 28]
 * ```
 *
 * @param x [batch, channels, height, width]
 * @param weight [channels, output channels / groups, height, width]
 * @throws RangeError when channels, groups or sizes do not fit
 */
export function convTranspose2d(
  x: Tensor,
  weight: Tensor,
  options: TransposedConvolutionOptions = {},
): Tensor {
  checkOptions('convTranspose2d', options, 'outputPadding stride padding dilation groups');
  const name = 'convTranspose2d';
  checkRanks(name, x, weight, 2);
  checkSpatialSizes(name, x);
  const geometry = geometryOf(name, options);
  const { stride, dilation, groups } = geometry;
  const extra = perAxis(name, 'outputPadding', options.outputPadding ?? 0, 2, 0);
  if (x.shape[1] !== weight.shape[0] || x.shape[1] % groups !== 0) {
    throw shapeError(
      `${name}: the input ${formatShape(x.shape)} has ${x.shape[1]} channels and the weight ${formatShape(weight.shape)} is for ${weight.shape[0]}` +
        (groups > 1 ? ` in ${groups} groups` : ''),
    );
  }
  const low: number[] = [];
  const size = stride.map((step, i) => {
    if (extra[i] > 0 && extra[i] >= Math.max(step, dilation[i])) {
      throw valueError(
        `${name}: outputPadding ${extra[i]} must be smaller than stride ${step} or dilation ${dilation[i]}`,
      );
    }
    const given = x.shape[2 + i];
    const reach = dilation[i] * (weight.shape[2 + i] - 1) + 1;
    const whole = (given - 1) * step + reach + extra[i];
    const wanted = given * step + extra[i];
    const [before, after] =
      options.padding === 'same'
        ? halves(Math.max(0, whole - wanted))
        : paddingOf(name, options.padding ?? 0, i, 2);
    low.push(before);
    const result = options.padding === 'same' ? wanted : whole - before - after;
    if (result < 1) {
      throw valueError(
        `${name}: padding ${before} + ${after} leaves nothing of axis ${2 + i}, ${whole} long before; use less padding`,
      );
    }
    return result;
  });
  return convolutionNode('input', [weight, x], { size, stride, dilation, low, groups });
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
  checkOptions('maxPool2d', options, 'stride padding dilation');
  return apply(maxPool, [x], poolAttributes('maxPool2d', x, size, options));
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
  checkOptions('avgPool2d', options, 'stride padding dilation countPadding');
  const attributes = poolAttributes('avgPool2d', x, size, options);
  const dtype = floatOf(x.dtype);
  const sums = apply(windowSum, [x.cast(dtype)], { ...attributes, wanted: 'output' });
  if (options.countPadding ?? true) return sums.div(attributes.window.reduce((product, k) => product * k, 1));
  return sums.div(seenElements(attributes, dtype));
}

/** How many elements of the input each window sees: [output height, output width]. */
function seenElements(
  { input, output, window, stride, dilation, low }: PoolAttributes,
  dtype: DType,
): Tensor {
  const along = input.map((size, i) =>
    Array.from({ length: output[i] }, (_, o) => {
      let count = 0;
      for (let k = 0; k < window[i]; k++) {
        const j = stride[i] * o + dilation[i] * k - low[i];
        if (j >= 0 && j < size) count++;
      }
      return count;
    }),
  );
  const [rows, columns] = along as [number[], number[]];
  const counts = rows.flatMap((row) => columns.map((column) => row * column));
  return fromArray(
    dtype === 'float64' ? Float64Array.from(counts) : Float32Array.from(counts),
    output,
    dtype,
  );
}

interface Geometry {
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  readonly groups: number;
}

function convolve(
  name: string,
  x: Tensor,
  weight: Tensor,
  spatial: number,
  options: ConvolutionOptions,
): Tensor {
  checkRanks(name, x, weight, spatial);
  checkSpatialSizes(name, x);
  const geometry = geometryOf(name, options, spatial);
  const { stride, dilation, groups } = geometry;
  if (x.shape[1] !== weight.shape[1] * groups || weight.shape[0] % groups !== 0) {
    throw shapeError(
      `${name}: the input ${formatShape(x.shape)} has ${x.shape[1]} channels and the weight ${formatShape(weight.shape)} is for ` +
        `${weight.shape[1]}${groups > 1 ? ` in each of ${groups} groups` : ''}; the weight's shape is [output channels, channels / groups, …]` +
        (x.shape[x.shape.length - 1] === weight.shape[1] * groups
          ? '. The channels seem to come last: they belong on axis 1, as x.permute([0, 3, 1, 2]) puts those of images'
          : ''),
    );
  }
  const { low, size } = slide(
    name,
    x.shape.slice(2),
    weight.shape.slice(2),
    stride,
    dilation,
    options.padding ?? 0,
  );
  return convolutionNode('output', [x, weight], { size, stride, dilation, low, groups });
}

function convolutionNode(
  wanted: ConvolutionRole,
  inputs: readonly Tensor[],
  {
    size,
    stride,
    dilation,
    low,
    groups,
  }: Geometry & { readonly size: Shape; readonly low: readonly number[] },
): Tensor {
  return apply(convolution, inputs, { wanted, size, stride, dilation, low, groups });
}

function poolAttributes(name: string, x: Tensor, size: PerAxis, options: PoolOptions): PoolAttributes {
  if (checkTensor(x, name).shape.length !== 4) {
    throw shapeError(`${name}: expects [batch, channels, height, width], got ${formatShape(x.shape)}`);
  }
  const window = perAxis(name, 'size', size, 2, 1);
  const stride = perAxis(name, 'stride', options.stride ?? size, 2, 1);
  const dilation = perAxis(name, 'dilation', options.dilation ?? 1, 2, 1);
  checkSpatialSizes(name, x);
  const input = x.shape.slice(2);
  const { low, size: output } = slide(name, input, window, stride, dilation, options.padding ?? 0);
  const attributes = { input, output, window, stride, dilation, low };
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

/** Where the first window starts and how many there are, along each spatial axis. */
function slide(
  name: string,
  input: Shape,
  window: Shape,
  stride: readonly number[],
  dilation: readonly number[],
  padding: Padding,
): { low: number[]; size: number[] } {
  const low: number[] = [];
  const size = input.map((length, i) => {
    const reach = dilation[i] * (window[i] - 1) + 1;
    const step = stride[i];
    const [before, after] =
      padding === 'same'
        ? halves(Math.max(0, (Math.ceil(length / step) - 1) * step + reach - length))
        : paddingOf(name, padding, i, input.length);
    low.push(before);
    const count = Math.floor((length + before + after - reach) / step) + 1;
    if (count < 1) {
      throw shapeError(
        `${name}: a window of ${window[i]}${dilation[i] === 1 ? '' : ` with dilation ${dilation[i]}`} reaches over ${reach} elements, ` +
          `but axis ${2 + i} has ${length}${before + after === 0 ? '' : ` and ${before + after} of padding`}; use a smaller window or more padding`,
      );
    }
    return count;
  });
  return { low, size };
}

function halves(total: number): [number, number] {
  return [Math.floor(total / 2), Math.ceil(total / 2)];
}

function paddingOf(name: string, padding: Padding, axis: number, spatial: number): readonly [number, number] {
  if (padding === 'valid' || padding === 'same') return [0, 0];
  const wrong = (): RangeError =>
    valueError(
      `${name}: padding must be 'same', 'valid', a whole number ≥ 0 or one number or [before, after] for each of ${spatial} axes, got ${show(padding)}`,
    );
  const list = Array.isArray(padding);
  if (list && padding.length !== spatial) throw wrong();
  const own = list ? padding[axis] : padding;
  const pair = Array.isArray(own) ? own : [own, own];
  if (pair.length !== 2 || !pair.every((n) => Number.isInteger(n) && n >= 0)) throw wrong();
  return pair as readonly number[] as readonly [number, number];
}

function geometryOf(name: string, options: ConvolutionOptions, spatial = 2): Geometry {
  const groups = options.groups ?? 1;
  checkInteger(groups, name, 'groups', 1);
  return {
    stride: perAxis(name, 'stride', options.stride ?? 1, spatial, 1),
    dilation: perAxis(name, 'dilation', options.dilation ?? 1, spatial, 1),
    groups,
  };
}

function perAxis(name: string, what: string, value: PerAxis, spatial: number, least: number): number[] {
  const list = Array.isArray(value)
    ? (value as readonly number[])
    : new Array<number>(spatial).fill(value as number);
  if (list.length !== spatial || list.some((n) => !Number.isInteger(n) || n < least)) {
    throw valueError(
      `${name}: ${what} must be a whole number ≥ ${least} or ${spatial} of them, got ${show(value)}`,
    );
  }
  return [...list];
}

/** Lists are spelled out, as NaN and texts in them are the mistake. */
function show(value: unknown): string {
  return Array.isArray(value) ? `[${value.map(show).join(', ')}]` : describeValue(value);
}

/** Windows are counted along these. @throws RangeError where one is open */
function checkSpatialSizes(name: string, { shape }: Tensor): void {
  for (let axis = 2; axis < shape.length; axis++) checkKnownSize(shape, axis, name);
}

function checkRanks(name: string, x: Tensor, weight: Tensor, spatial: number): void {
  const space = spatial === 1 ? 'length' : 'height, width';
  const sizes = spatial === 1 ? 'size' : 'height, width';
  if (checkTensor(x, name).shape.length !== spatial + 2) {
    const remedy =
      x.shape.length === spatial + 1
        ? '; x.unsqueeze(0) makes a batch of one'
        : x.shape.length === 2
          ? `; x.reshape([-1, channels, ${space}]) takes flattened ones apart`
          : '';
    throw shapeError(
      `${name}: the input must be [batch, channels, ${space}], got ${formatShape(x.shape)}${remedy}`,
    );
  }
  if (checkTensor(weight, name, 'weight').shape.length !== spatial + 2) {
    throw shapeError(
      `${name}: the weight must be [output channels, channels / groups, ${sizes}], got ${formatShape(weight.shape)}`,
    );
  }
}
