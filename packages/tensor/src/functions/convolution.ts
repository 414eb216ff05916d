/**
 * Convolution of images and sequences, channels before space (NCHW): functions only, so that bundles without them leave them out.
 */

import { checkInteger, describeValue } from '../check.ts';
import { shapeError, valueError } from '../errors.ts';
import { type ConvolutionRole, convolution } from '../ops/convolution.ts';
import { checkOptions } from '../options.ts';
import { formatShape, type Shape } from '../shape.ts';
import { apply, checkTensor, type Tensor } from '../tensor.ts';
import { joined, pad, sectionOf } from './select.ts';
import {
  checkSpatialSizes,
  halves,
  type Padding,
  type PerAxis,
  paddingOf,
  perAxis,
  slide,
  spaceNames,
} from './windowGeometry.ts';

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
  /**
   * What stands in the padding: zeros, the elements mirrored at the border, the border's element again, or those of the other end.
   * Default 'zeros'.
   */
  readonly paddingMode?: 'zeros' | 'reflect' | 'replicate' | 'circular';
}

/** Options of transposed convolutions. */
export interface TransposedConvolutionOptions extends Omit<ConvolutionOptions, 'paddingMode'> {
  /** Rows added at the end of each spatial axis, smaller than the stride: which of the sizes that convolve to the input's is meant. Default 0. */
  readonly outputPadding?: PerAxis;
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
  return convolveTransposed('convTranspose2d', x, weight, 2, options);
}

/** Transposed convolution over any number of spatial axes. */
export function convolveTransposed(
  name: string,
  x: Tensor,
  weight: Tensor,
  spatial: number,
  options: TransposedConvolutionOptions,
): Tensor {
  checkOptions(name, options, 'outputPadding stride padding dilation groups');
  checkRanks(name, x, weight, spatial);
  checkSpatialSizes(name, x);
  const geometry = geometryOf(name, options, spatial);
  const { stride, dilation, groups } = geometry;
  const extra = perAxis(name, 'outputPadding', options.outputPadding ?? 0, spatial, 0);
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
        : paddingOf(name, options.padding ?? 0, i, spatial);
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

interface Geometry {
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  readonly groups: number;
}

/** Convolution over any number of spatial axes. */
export function convolve(
  name: string,
  x: Tensor,
  weight: Tensor,
  spatial: number,
  options: ConvolutionOptions,
): Tensor {
  checkOptions(name, options, 'stride padding dilation groups paddingMode');
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
  const { low, high, size } = slide(
    name,
    x.shape.slice(2),
    weight.shape.slice(2),
    stride,
    dilation,
    options.padding ?? 0,
  );
  const { paddingMode = 'zeros' } = options;
  if (paddingMode === 'zeros')
    return convolutionNode('output', [x, weight], { size, stride, dilation, low, groups });
  const wide = extended(name, x, low, high, paddingMode);
  return convolutionNode('output', [wide, weight], { size, stride, dilation, low: low.map(() => 0), groups });
}

/** An input whose padding is made of its own elements. */
function extended(
  name: string,
  x: Tensor,
  low: readonly number[],
  high: readonly number[],
  mode: string,
): Tensor {
  if (mode === 'reflect' || mode === 'replicate') {
    const widths = [[0, 0] as const, [0, 0] as const, ...low.map((before, i) => [before, high[i]] as const)];
    return pad(x, widths, { mode: mode === 'reflect' ? 'reflect' : 'edge' });
  }
  if (mode !== 'circular') {
    throw valueError(
      `${name}: paddingMode must be 'zeros', 'reflect', 'replicate' or 'circular', got ${describeValue(mode)}`,
    );
  }
  return low.reduce((result, before, i) => {
    const axis = 2 + i;
    const size = x.shape[axis];
    if (Math.max(before, high[i]) > size) {
      throw valueError(
        `${name}: circular padding goes round once at most: ${Math.max(before, high[i])} for axis ${axis} of ${size} elements`,
      );
    }
    const parts = [result];
    if (before > 0) parts.unshift(sectionOf(result, size - before, before, axis));
    if (high[i] > 0) parts.push(sectionOf(result, 0, high[i], axis));
    return parts.length === 1 ? result : joined(parts, axis);
  }, x);
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

function geometryOf(name: string, options: ConvolutionOptions, spatial = 2): Geometry {
  const groups = options.groups ?? 1;
  checkInteger(groups, name, 'groups', 1);
  return {
    stride: perAxis(name, 'stride', options.stride ?? 1, spatial, 1),
    dilation: perAxis(name, 'dilation', options.dilation ?? 1, spatial, 1),
    groups,
  };
}

function checkRanks(name: string, x: Tensor, weight: Tensor, spatial: number): void {
  const space = spaceNames(spatial);
  const sizes = spatial === 1 ? 'size' : space;
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
