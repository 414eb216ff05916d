/**
 * Convolutional layers: the same weights at every position of a sequence or an image.
 */

import {
  conv1d as convolve1d,
  conv2d as convolve2d,
  conv3d as convolve3d,
  convTranspose1d as convolveTransposed1d,
  convTranspose2d as convolveTransposed2d,
  convTranspose3d as convolveTransposed3d,
  type DType,
  type ConvolutionOptions as GeometryOptions,
  type PerAxis,
  type Tensor,
  type TransposedConvolutionOptions as TransposedGeometryOptions,
  Variable,
} from '@ag/tensor';
import { checkOptions, valueError } from '@ag/tensor/engine';
import { checkCount } from './check.ts';
import { fanInBias, fanInUniform, fans, type Initializer } from './init.ts';
import type { Channels, Entering, LeavingShape, shapeEffect } from './layerShapes.ts';
import { Module } from './module.ts';

interface WeightOptions {
  /** Add a bias to each channel. Default true. */
  readonly bias?: boolean;
  /** Default U(−1/√fanIn, 1/√fanIn). */
  readonly weightInit?: Initializer;
  /** Default U(−1/√fanIn, 1/√fanIn) with the weight's fan-in. */
  readonly biasInit?: Initializer;
  /** Default float32. */
  readonly dtype?: DType;
}

/** `stride` (1), `padding` (0, a number, 'same', 'valid', …), `dilation` (1), `groups` (1), and how weights start. */
export interface ConvOptions extends WeightOptions, GeometryOptions {}

/** The same with `outputPadding` (0). */
export interface ConvTransposeOptions extends WeightOptions, TransposedGeometryOptions {}

/** What convolutional layers share. */
abstract class Convolution<Geometry extends GeometryOptions> extends Module {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly size: readonly number[];
  /** Stride, padding, dilation, groups. */
  readonly geometry: Geometry;
  readonly weight: Variable;
  /** [outChannels], or null */
  readonly bias: Variable | null;

  constructor(
    name: string,
    channels: readonly [inChannels: number, outChannels: number],
    size: readonly number[],
    transposed: boolean,
    options: WeightOptions & Geometry,
  ) {
    super();
    const {
      bias = true,
      weightInit = fanInUniform,
      dtype = 'float32',
      biasInit: given,
      ...geometry
    } = options;
    const groups = checkCount(geometry.groups ?? 1, name, 'groups');
    this.inChannels = checkCount(channels[0], name, 'input channels');
    this.outChannels = checkCount(channels[1], name, 'output channels');
    this.size = size.map((extent) => checkCount(extent, name, 'elements of a window'));
    if (this.inChannels % groups !== 0 || this.outChannels % groups !== 0) {
      throw valueError(
        `${name}: ${channels[0]} and ${channels[1]} channels do not divide into ${groups} groups`,
      );
    }
    this.geometry = geometry as unknown as Geometry;
    const [first, second] = transposed ? channels : [channels[1], channels[0]];
    const shape = [first, second / groups, ...this.size];
    this.weight = new Variable(weightInit(shape, { dtype }), { name: 'weight' });
    const biasInit = given ?? fanInBias(fans(shape, name)[0]);
    this.bias = bias ? new Variable(biasInit([this.outChannels], { dtype }), { name: 'bias' }) : null;
  }

  protected withBias(y: Tensor): Tensor {
    return this.bias ? y.add(this.bias.value.reshape([this.outChannels, ...this.size.map(() => 1)])) : y;
  }

  protected parts(): readonly unknown[] {
    const options = { ...this.geometry, bias: this.bias !== null, dtype: this.weight.dtype };
    return [this.inChannels, this.outChannels, this.size.length === 1 ? this.size[0] : this.size, options];
  }
}

/** See {@link conv1d}. */
export class Conv1d<
  In extends number = number,
  Out extends number = number,
> extends Convolution<GeometryOptions> {
  declare readonly [shapeEffect]?: Channels<'conv1d', In, Out, [number]>;
  /** Use {@link conv1d}. */
  constructor(inChannels: In, outChannels: Out, size: number, options: ConvOptions = {}) {
    super('conv1d', [inChannels, outChannels], [size], false, options);
    checkOptions(
      'conv1d',
      options,
      'bias weightInit biasInit dtype stride padding dilation groups paddingMode',
    );
  }

  override forward<M extends Module, T extends Tensor>(
    this: M,
    x: Entering<M, T>,
  ): Tensor<LeavingShape<M, T>>;
  override forward(x: Tensor): Tensor {
    return this.withBias(convolve1d(x, this.weight.value, this.geometry));
  }

  override describe(): readonly [string, ...unknown[]] {
    return ['conv1d', ...this.parts()];
  }
}

/** See {@link conv2d}. */
export class Conv2d<
  In extends number = number,
  Out extends number = number,
> extends Convolution<GeometryOptions> {
  declare readonly [shapeEffect]?: Channels<'conv2d', In, Out, [number, number]>;
  /** Use {@link conv2d}. */
  constructor(inChannels: In, outChannels: Out, size: PerAxis, options: ConvOptions = {}) {
    super('conv2d', [inChannels, outChannels], sizes(size, 2), false, options);
    checkOptions(
      'conv2d',
      options,
      'bias weightInit biasInit dtype stride padding dilation groups paddingMode',
    );
  }

  override forward<M extends Module, T extends Tensor>(
    this: M,
    x: Entering<M, T>,
  ): Tensor<LeavingShape<M, T>>;
  override forward(x: Tensor): Tensor {
    return this.withBias(convolve2d(x, this.weight.value, this.geometry));
  }

  override describe(): readonly [string, ...unknown[]] {
    return ['conv2d', ...this.parts()];
  }
}

/** See {@link conv3d}. */
export class Conv3d extends Convolution<GeometryOptions> {
  /** Use {@link conv3d}. */
  constructor(inChannels: number, outChannels: number, size: PerAxis, options: ConvOptions = {}) {
    super('conv3d', [inChannels, outChannels], sizes(size, 3), false, options);
    checkOptions(
      'conv3d',
      options,
      'bias weightInit biasInit dtype stride padding dilation groups paddingMode',
    );
  }

  override forward(x: Tensor): Tensor {
    return this.withBias(convolve3d(x, this.weight.value, this.geometry));
  }

  override describe(): readonly [string, ...unknown[]] {
    return ['conv3d', ...this.parts()];
  }
}

/** See {@link convTranspose1d}. */
export class ConvTranspose1d extends Convolution<TransposedGeometryOptions> {
  /** Use {@link convTranspose1d}. */
  constructor(inChannels: number, outChannels: number, size: number, options: ConvTransposeOptions = {}) {
    super('convTranspose1d', [inChannels, outChannels], [size], true, options);
    checkOptions(
      'convTranspose1d',
      options,
      'bias weightInit biasInit dtype outputPadding stride padding dilation groups',
    );
  }

  override forward(x: Tensor): Tensor {
    return this.withBias(convolveTransposed1d(x, this.weight.value, this.geometry));
  }

  override describe(): readonly [string, ...unknown[]] {
    return ['convTranspose1d', ...this.parts()];
  }
}

/** See {@link convTranspose2d}. */
export class ConvTranspose2d<
  In extends number = number,
  Out extends number = number,
> extends Convolution<TransposedGeometryOptions> {
  declare readonly [shapeEffect]?: Channels<'convTranspose2d', In, Out, [number, number]>;
  /** Use {@link convTranspose2d}. */
  constructor(inChannels: In, outChannels: Out, size: PerAxis, options: ConvTransposeOptions = {}) {
    super('convTranspose2d', [inChannels, outChannels], sizes(size, 2), true, options);
    checkOptions(
      'convTranspose2d',
      options,
      'bias weightInit biasInit dtype outputPadding stride padding dilation groups',
    );
  }

  override forward<M extends Module, T extends Tensor>(
    this: M,
    x: Entering<M, T>,
  ): Tensor<LeavingShape<M, T>>;
  override forward(x: Tensor): Tensor {
    return this.withBias(convolveTransposed2d(x, this.weight.value, this.geometry));
  }

  override describe(): readonly [string, ...unknown[]] {
    return ['convTranspose2d', ...this.parts()];
  }
}

/** See {@link convTranspose3d}. */
export class ConvTranspose3d extends Convolution<TransposedGeometryOptions> {
  /** Use {@link convTranspose3d}. */
  constructor(inChannels: number, outChannels: number, size: PerAxis, options: ConvTransposeOptions = {}) {
    super('convTranspose3d', [inChannels, outChannels], sizes(size, 3), true, options);
    checkOptions(
      'convTranspose3d',
      options,
      'bias weightInit biasInit dtype outputPadding stride padding dilation groups',
    );
  }

  override forward(x: Tensor): Tensor {
    return this.withBias(convolveTransposed3d(x, this.weight.value, this.geometry));
  }

  override describe(): readonly [string, ...unknown[]] {
    return ['convTranspose3d', ...this.parts()];
  }
}

/**
 * Convolution of sequences, `[batch, inChannels, length] → [batch, outChannels, length']`; the weight is [outChannels,
 * inChannels / groups, size].
 *
 * @throws RangeError for sizes that do not fit
 */
export function conv1d<In extends number, Out extends number>(
  inChannels: In,
  outChannels: Out,
  size: number,
  options: ConvOptions = {},
): Conv1d<In, Out> {
  return new Conv1d(inChannels, outChannels, size, options);
}

/**
 * Convolution of images, `[batch, inChannels, height, width] → [batch, outChannels, height', width']`; the weight is
 * [outChannels, inChannels / groups, height, width].
 *
 * ```ts
 * const features = sequential(conv2d(1, 16, 3, { padding: 'same' }), relu(), maxPool2d(2));
 * ```
 *
 * @param size of the window: a number, or [height, width]
 * @throws RangeError for sizes that do not fit
 */
export function conv2d<In extends number, Out extends number>(
  inChannels: In,
  outChannels: Out,
  size: PerAxis,
  options: ConvOptions = {},
): Conv2d<In, Out> {
  return new Conv2d(inChannels, outChannels, size, options);
}

/**
 * Convolution of volumes or of films, `[batch, inChannels, depth, height, width] → [batch, outChannels, depth', height', width']`; the
 * weight is [outChannels, inChannels / groups, depth, height, width].
 *
 * @param size of the window: a number, or [depth, height, width]
 *
 * @throws RangeError for sizes that do not fit
 */
export function conv3d(
  inChannels: number,
  outChannels: number,
  size: PerAxis,
  options: ConvOptions = {},
): Conv3d {
  return new Conv3d(inChannels, outChannels, size, options);
}

/**
 * The transpose of a convolution of sequences, which makes them longer: `[batch, inChannels, length] → [batch, outChannels, length']` with
 * the length of `convTranspose2d` along an axis; the weight is [inChannels, outChannels / groups, size].
 *
 * @throws RangeError for sizes that do not fit
 */
export function convTranspose1d(
  inChannels: number,
  outChannels: number,
  size: number,
  options: ConvTransposeOptions = {},
): ConvTranspose1d {
  return new ConvTranspose1d(inChannels, outChannels, size, options);
}

/**
 * The transpose of a convolution, which makes images larger: `[batch, inChannels, height, width] → [batch, outChannels,
 * (height − 1) · stride − 2 · padding + dilation · (size − 1) + outputPadding + 1, …]`; the weight is [inChannels,
 * outChannels / groups, height, width].
 *
 * @throws RangeError for sizes that do not fit
 */
export function convTranspose2d<In extends number, Out extends number>(
  inChannels: In,
  outChannels: Out,
  size: PerAxis,
  options: ConvTransposeOptions = {},
): ConvTranspose2d<In, Out> {
  return new ConvTranspose2d(inChannels, outChannels, size, options);
}

/**
 * The same for volumes, `[batch, inChannels, depth, height, width] → [batch, outChannels, depth', height', width']`; the weight is
 * [inChannels, outChannels / groups, depth, height, width].
 *
 * @param size of the window: a number, or [depth, height, width]
 *
 * @throws RangeError for sizes that do not fit
 */
export function convTranspose3d(
  inChannels: number,
  outChannels: number,
  size: PerAxis,
  options: ConvTransposeOptions = {},
): ConvTranspose3d {
  return new ConvTranspose3d(inChannels, outChannels, size, options);
}

function sizes(size: PerAxis, axes: number): readonly number[] {
  return typeof size === 'number' ? new Array<number>(axes).fill(size) : size;
}
