/**
 * Pooling layers: the maximum or the mean of each window.
 */

import {
  adaptiveAvgPool,
  adaptiveMaxPool,
  avgPool1d as average1d,
  avgPool2d as average2d,
  avgPool3d as average3d,
  maxPool1d as largest1d,
  maxPool2d as largest2d,
  maxPool3d as largest3d,
  type PerAxis,
  type PoolOptions,
  type Tensor,
  tensor,
} from '@ag/tensor';
import { checkOptions, shapeError } from '@ag/tensor/engine';
import { checkCount, checkRank } from './check.ts';
import type { Entering, LeavingShape, Pools, shapeEffect } from './layerShapes.ts';
import { Module } from './module.ts';

/** Options of average pooling. */
export interface AvgPoolOptions extends PoolOptions {
  /** Whether padding counts as elements with value 0. Default true. */
  readonly countPadding?: boolean;
}

/** What layers with windows of one size share. */
abstract class Pool<Options extends PoolOptions> extends Module {
  readonly size: PerAxis;
  readonly options: Options;

  constructor(size: PerAxis, options: Options) {
    super();
    this.size = size;
    this.options = options;
  }
}

/** See {@link maxPool1d}. */
export class MaxPool1d extends Pool<PoolOptions> {
  /** Use {@link maxPool1d}. */
  constructor(size: PerAxis, options: PoolOptions = {}) {
    super(size, options);
    checkOptions('maxPool1d', options, 'stride padding dilation ceilMode');
  }

  override forward(x: Tensor): Tensor {
    return largest1d(x, this.size, this.options);
  }

  override describe() {
    return ['maxPool1d', this.size, this.options] as const;
  }
}

/** See {@link maxPool2d}. */
export class MaxPool2d extends Pool<PoolOptions> {
  declare readonly [shapeEffect]?: Pools;
  /** Use {@link maxPool2d}. */
  constructor(size: PerAxis, options: PoolOptions = {}) {
    super(size, options);
    checkOptions('maxPool2d', options, 'stride padding dilation ceilMode');
  }

  override forward<M extends Module, T extends Tensor>(
    this: M,
    x: Entering<M, T>,
  ): Tensor<LeavingShape<M, T>>;
  override forward(x: Tensor): Tensor {
    return largest2d(x, this.size, this.options);
  }

  override describe() {
    return ['maxPool2d', this.size, this.options] as const;
  }
}

/** See {@link maxPool3d}. */
export class MaxPool3d extends Pool<PoolOptions> {
  /** Use {@link maxPool3d}. */
  constructor(size: PerAxis, options: PoolOptions = {}) {
    super(size, options);
    checkOptions('maxPool3d', options, 'stride padding dilation ceilMode');
  }

  override forward(x: Tensor): Tensor {
    return largest3d(x, this.size, this.options);
  }

  override describe() {
    return ['maxPool3d', this.size, this.options] as const;
  }
}

/** See {@link avgPool1d}. */
export class AvgPool1d extends Pool<AvgPoolOptions> {
  /** Use {@link avgPool1d}. */
  constructor(size: PerAxis, options: AvgPoolOptions = {}) {
    super(size, options);
    checkOptions('avgPool1d', options, 'countPadding stride padding dilation ceilMode');
  }

  override forward(x: Tensor): Tensor {
    return average1d(x, this.size, this.options);
  }

  override describe() {
    return ['avgPool1d', this.size, this.options] as const;
  }
}

/** See {@link avgPool2d}. */
export class AvgPool2d extends Pool<AvgPoolOptions> {
  declare readonly [shapeEffect]?: Pools;
  /** Use {@link avgPool2d}. */
  constructor(size: PerAxis, options: AvgPoolOptions = {}) {
    super(size, options);
    checkOptions('avgPool2d', options, 'countPadding stride padding dilation ceilMode');
  }

  override forward<M extends Module, T extends Tensor>(
    this: M,
    x: Entering<M, T>,
  ): Tensor<LeavingShape<M, T>>;
  override forward(x: Tensor): Tensor {
    return average2d(x, this.size, this.options);
  }

  override describe() {
    return ['avgPool2d', this.size, this.options] as const;
  }
}

/** See {@link avgPool3d}. */
export class AvgPool3d extends Pool<AvgPoolOptions> {
  /** Use {@link avgPool3d}. */
  constructor(size: PerAxis, options: AvgPoolOptions = {}) {
    super(size, options);
    checkOptions('avgPool3d', options, 'countPadding stride padding dilation ceilMode');
  }

  override forward(x: Tensor): Tensor {
    return average3d(x, this.size, this.options);
  }

  override describe() {
    return ['avgPool3d', this.size, this.options] as const;
  }
}

/** See {@link adaptiveAvgPool2d}. */
export class AdaptiveAvgPool2d extends Module {
  declare readonly [shapeEffect]?: Pools;
  /** [height, width] of the output. */
  readonly size: readonly [number, number];
  /** Averaging matrices by input size, transposed: [in, out]. */
  readonly #matrices = new Map<string, Tensor>();

  /** Use {@link adaptiveAvgPool2d}. */
  constructor(size: PerAxis) {
    super();
    const [height, width] = typeof size === 'number' ? [size, size] : size;
    this.size = [
      checkCount(height ?? 0, 'adaptiveAvgPool2d', 'output rows'),
      checkCount(width ?? 0, 'adaptiveAvgPool2d', 'output columns'),
    ];
  }

  override forward<M extends Module, T extends Tensor>(
    this: M,
    x: Entering<M, T>,
  ): Tensor<LeavingShape<M, T>>;
  override forward(x: Tensor): Tensor {
    checkRank(x, [4], 'adaptiveAvgPool2d', '[batch, channels, height, width]');
    const [height, width] = x.shape.slice(2) as [number, number];
    const [rows, columns] = this.size;
    if (rows === 1 && columns === 1) return x.mean([2, 3], { keepDims: true });
    if (height % rows === 0 && width % columns === 0) return average2d(x, [height / rows, width / columns]);
    // Windows of unequal sizes: a product with a matrix of their weights along each axis.
    const across = x.matmul(this.#averaging(width, columns, x));
    return across
      .transpose()
      .matmul(this.#averaging(height, rows, x))
      .transpose();
  }

  #averaging(from: number, to: number, like: Tensor): Tensor {
    const key = `${from},${to},${like.dtype}`;
    let matrix = this.#matrices.get(key);
    if (!matrix) {
      const data = new Float64Array(from * to);
      for (let o = 0; o < to; o++) {
        const start = Math.floor((o * from) / to);
        const end = Math.ceil(((o + 1) * from) / to);
        for (let i = start; i < end; i++) data[i * to + o] = 1 / (end - start);
      }
      matrix = tensor(data, { shape: [from, to], dtype: like.dtype });
      this.#matrices.set(key, matrix);
    }
    return matrix;
  }

  override describe() {
    return ['adaptiveAvgPool2d', this.size] as const;
  }
}

/** What layers share whose windows follow from the size of their output. */
abstract class AdaptivePool extends Module {
  /** Along each axis of positions. */
  readonly size: readonly number[];
  readonly #name: string;
  readonly #layout: string;

  constructor(name: string, size: PerAxis, layout: string) {
    super();
    const axes = layout.split(',').length - 2;
    const sizes = typeof size === 'number' ? new Array<number>(axes).fill(size) : size;
    if (sizes.length !== axes)
      throw shapeError(`${name}: the size must be a number or ${axes} of them, got [${sizes.join(', ')}]`);
    this.size = sizes.map((n) => checkCount(n, name, 'elements of the output'));
    this.#name = name;
    this.#layout = layout;
  }

  protected checked(x: Tensor): Tensor {
    checkRank(x, [this.size.length + 2], this.#name, this.#layout);
    return x;
  }

  override describe(): readonly [string, ...unknown[]] {
    return [this.#name, this.size];
  }
}

/** See {@link adaptiveAvgPool1d}. */
export class AdaptiveAvgPool1d extends AdaptivePool {
  /** Use {@link adaptiveAvgPool1d}. */
  constructor(size: PerAxis) {
    super('adaptiveAvgPool1d', size, '[batch, channels, length]');
  }

  override forward(x: Tensor): Tensor {
    return adaptiveAvgPool(this.checked(x), this.size);
  }
}

/** See {@link adaptiveAvgPool3d}. */
export class AdaptiveAvgPool3d extends AdaptivePool {
  /** Use {@link adaptiveAvgPool3d}. */
  constructor(size: PerAxis) {
    super('adaptiveAvgPool3d', size, '[batch, channels, depth, height, width]');
  }

  override forward(x: Tensor): Tensor {
    return adaptiveAvgPool(this.checked(x), this.size);
  }
}

/** See {@link adaptiveMaxPool1d}. */
export class AdaptiveMaxPool1d extends AdaptivePool {
  /** Use {@link adaptiveMaxPool1d}. */
  constructor(size: PerAxis) {
    super('adaptiveMaxPool1d', size, '[batch, channels, length]');
  }

  override forward(x: Tensor): Tensor {
    return adaptiveMaxPool(this.checked(x), this.size);
  }
}

/** See {@link adaptiveMaxPool2d}. */
export class AdaptiveMaxPool2d extends AdaptivePool {
  /** Use {@link adaptiveMaxPool2d}. */
  constructor(size: PerAxis) {
    super('adaptiveMaxPool2d', size, '[batch, channels, height, width]');
  }

  override forward(x: Tensor): Tensor {
    return adaptiveMaxPool(this.checked(x), this.size);
  }
}

/** See {@link adaptiveMaxPool3d}. */
export class AdaptiveMaxPool3d extends AdaptivePool {
  /** Use {@link adaptiveMaxPool3d}. */
  constructor(size: PerAxis) {
    super('adaptiveMaxPool3d', size, '[batch, channels, depth, height, width]');
  }

  override forward(x: Tensor): Tensor {
    return adaptiveMaxPool(this.checked(x), this.size);
  }
}

/**
 * The largest element of each window, `[batch, channels, length] → [batch, channels, length']`; takes what `maxPool2d` takes.
 *
 * @param size of the windows
 */
export function maxPool1d(size: PerAxis, options: PoolOptions = {}): MaxPool1d {
  return new MaxPool1d(size, options);
}

/**
 * The largest element of each window, `[batch, channels, height, width] → [batch, channels, height', width']`.
 *
 * @param size of the windows: a number, or [height, width]
 * @param options `stride` (default: the size), `padding` (0), `dilation` (1)
 */
export function maxPool2d(size: PerAxis, options: PoolOptions = {}): MaxPool2d {
  return new MaxPool2d(size, options);
}

/**
 * The largest element of each window, `[batch, channels, depth, height, width] → [batch, channels, depth', height', width']`; takes what
 * `maxPool2d` takes.
 *
 * @param size of the windows: a number, or [depth, height, width]
 */
export function maxPool3d(size: PerAxis, options: PoolOptions = {}): MaxPool3d {
  return new MaxPool3d(size, options);
}

/** The mean of each window, `[batch, channels, length] → [batch, channels, length']`; takes what `avgPool2d` takes. */
export function avgPool1d(size: PerAxis, options: AvgPoolOptions = {}): AvgPool1d {
  return new AvgPool1d(size, options);
}

/** The mean of each window; takes what `maxPool2d` takes. */
export function avgPool2d(size: PerAxis, options: AvgPoolOptions = {}): AvgPool2d {
  return new AvgPool2d(size, options);
}

/**
 * The mean of each window, `[batch, channels, depth, height, width] → [batch, channels, depth', height', width']`; takes what `avgPool2d`
 * takes.
 */
export function avgPool3d(size: PerAxis, options: AvgPoolOptions = {}): AvgPool3d {
  return new AvgPool3d(size, options);
}

/** `adaptiveAvgPool2d` of sequences, `[batch, channels, length] → [batch, channels, size]`. */
export function adaptiveAvgPool1d(size: PerAxis): AdaptiveAvgPool1d {
  return new AdaptiveAvgPool1d(size);
}

/**
 * The mean over windows chosen so that the output has the given size for any input: `[batch, channels, …] →
 * [batch, channels, height, width]`. 1 gives the mean over the whole image.
 */
export function adaptiveAvgPool2d(size: PerAxis): AdaptiveAvgPool2d {
  return new AdaptiveAvgPool2d(size);
}

/** `adaptiveAvgPool2d` of volumes, `[batch, channels, …] → [batch, channels, depth, height, width]`. */
export function adaptiveAvgPool3d(size: PerAxis): AdaptiveAvgPool3d {
  return new AdaptiveAvgPool3d(size);
}

/** The largest element of the windows of `adaptiveAvgPool1d`, `[batch, channels, length] → [batch, channels, size]`. */
export function adaptiveMaxPool1d(size: PerAxis): AdaptiveMaxPool1d {
  return new AdaptiveMaxPool1d(size);
}

/** The largest element of the windows of `adaptiveAvgPool2d`, `[batch, channels, …] → [batch, channels, height, width]`. */
export function adaptiveMaxPool2d(size: PerAxis): AdaptiveMaxPool2d {
  return new AdaptiveMaxPool2d(size);
}

/** The largest element of the windows of `adaptiveAvgPool3d`, `[batch, channels, …] → [batch, channels, depth, height, width]`. */
export function adaptiveMaxPool3d(size: PerAxis): AdaptiveMaxPool3d {
  return new AdaptiveMaxPool3d(size);
}
