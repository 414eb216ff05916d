/**
 * Pooling layers: the maximum or the mean of each window.
 */

import {
  avgPool2d as average,
  maxPool2d as largest,
  type PerAxis,
  type PoolOptions,
  type Tensor,
  tensor,
} from '@ag/tensor';
import { checkOptions } from '@ag/tensor/engine';
import { checkCount, checkRank } from './check.ts';
import type { Entering, LeavingShape, Pools, shapeEffect } from './layerShapes.ts';
import { Module } from './module.ts';

/** See {@link maxPool2d}. */
export class MaxPool2d extends Module {
  declare readonly [shapeEffect]?: Pools;
  readonly size: PerAxis;
  readonly options: PoolOptions;

  /** Use {@link maxPool2d}. */
  constructor(size: PerAxis, options: PoolOptions = {}) {
    super();
    checkOptions('maxPool2d', options, 'stride padding dilation ceilMode');
    this.size = size;
    this.options = options;
  }

  override forward<M extends Module, T extends Tensor>(
    this: M,
    x: Entering<M, T>,
  ): Tensor<LeavingShape<M, T>>;
  override forward(x: Tensor): Tensor {
    return largest(x, this.size, this.options);
  }

  override describe() {
    return ['maxPool2d', this.size, this.options] as const;
  }
}

/** Options of average pooling. */
export interface AvgPoolOptions extends PoolOptions {
  /** Whether padding counts as elements with value 0. Default true. */
  readonly countPadding?: boolean;
}

/** See {@link avgPool2d}. */
export class AvgPool2d extends Module {
  declare readonly [shapeEffect]?: Pools;
  readonly size: PerAxis;
  readonly options: AvgPoolOptions;

  /** Use {@link avgPool2d}. */
  constructor(size: PerAxis, options: AvgPoolOptions = {}) {
    super();
    checkOptions('avgPool2d', options, 'countPadding stride padding dilation ceilMode');
    this.size = size;
    this.options = options;
  }

  override forward<M extends Module, T extends Tensor>(
    this: M,
    x: Entering<M, T>,
  ): Tensor<LeavingShape<M, T>>;
  override forward(x: Tensor): Tensor {
    return average(x, this.size, this.options);
  }

  override describe() {
    return ['avgPool2d', this.size, this.options] as const;
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
    if (height % rows === 0 && width % columns === 0) return average(x, [height / rows, width / columns]);
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

/**
 * The largest element of each window, `[batch, channels, height, width] → [batch, channels, height', width']`.
 *
 * @param size of the windows: a number, or [height, width]
 * @param options `stride` (default: the size), `padding` (0), `dilation` (1)
 */
export function maxPool2d(size: PerAxis, options: PoolOptions = {}): MaxPool2d {
  return new MaxPool2d(size, options);
}

/** The mean of each window; takes what `maxPool2d` takes. */
export function avgPool2d(size: PerAxis, options: AvgPoolOptions = {}): AvgPool2d {
  return new AvgPool2d(size, options);
}

/**
 * The mean over windows chosen so that the output has the given size for any input: `[batch, channels, …] →
 * [batch, channels, height, width]`. 1 gives the mean over the whole image.
 */
export function adaptiveAvgPool2d(size: PerAxis): AdaptiveAvgPool2d {
  return new AdaptiveAvgPool2d(size);
}
