/**
 * Normalization layers. They bring activations to mean 0 and variance 1, over the batch or within each example, and
 * let the network scale and shift them again.
 */

import { concat, type DType, full, ones, type Tensor, Variable, zeros } from '@ag/tensor';
import { checkOptions, shapeError, valueError } from '@ag/tensor/engine';
import { checkCount, checkRank } from './check.ts';
import type { Channels, Entering, LastAxis, LeavingShape, shapeEffect } from './layerShapes.ts';
import { buffer, Module } from './module.ts';
import { affine, standardize } from './standardize.ts';

/** Options of normalization. */
export interface NormOptions {
  /** Added to the variance. Default 1e-5. */
  readonly epsilon?: number;
  /** Scale and shift the result by trained weights. Default true. */
  readonly affine?: boolean;
  /** Default float32. */
  readonly dtype?: DType;
}

/** Options of batch normalization. */
export interface BatchNormOptions extends NormOptions {
  /**
   * Share of the batch's statistics in the running ones at each step, default 0.1; null averages over all batches
   * seen.
   */
  readonly momentum?: number | null;
  /** Keep running statistics for evaluation mode, default true; without them the batch's own are always used. */
  readonly trackStatistics?: boolean;
}

/** Normalizes each channel over batch and positions: see {@link batchNorm1d}, {@link batchNorm2d}, {@link batchNorm3d}. */
abstract class BatchNorm<Count extends number = number> extends Module {
  readonly channels: number;
  readonly epsilon: number;
  readonly momentum: number | null;
  /** [channels], or null */
  readonly weight: Variable | null;
  /** [channels], or null */
  readonly bias: Variable | null;
  /** [channels], or null */
  readonly runningMean: Variable | null;
  /** [channels], the unbiased variance, or null */
  readonly runningVariance: Variable | null;
  /** Batches seen, where the momentum needs it. */
  readonly batches: Variable | null;
  /** Adds up over all who have a part of the batch; null where it is here as a whole. @internal */
  sumOverParts: ((sums: Tensor, layer: string) => Tensor) | null = null;

  constructor(channels: Count, options: BatchNormOptions = {}) {
    super();
    checkOptions('batchNorm', options, 'momentum trackStatistics epsilon affine dtype');
    const {
      epsilon = 1e-5,
      affine = true,
      dtype = 'float32',
      momentum = 0.1,
      trackStatistics = true,
    } = options;
    this.channels = checkCount(channels, 'batchNorm', 'channels');
    this.epsilon = epsilon;
    this.momentum = momentum;
    this.weight = affine ? new Variable(ones([channels], { dtype }), { name: 'weight' }) : null;
    this.bias = affine ? new Variable(zeros([channels], { dtype }), { name: 'bias' }) : null;
    this.runningMean = trackStatistics ? buffer(zeros([channels], { dtype }), 'runningMean') : null;
    this.runningVariance = trackStatistics ? buffer(ones([channels], { dtype }), 'runningVariance') : null;
    this.batches =
      trackStatistics && momentum === null ? buffer(zeros([], { dtype: 'int32' }), 'batches') : null;
  }

  /** The factory's name. @internal */
  abstract get layer(): string;
  /** What the input may look like. @internal */
  abstract get layout(): { readonly ranks: readonly number[]; readonly text: string };

  override forward<M extends Module, T extends Tensor>(
    this: M,
    x: Entering<M, T>,
  ): Tensor<LeavingShape<M, T>>;
  override forward(x: Tensor): Tensor {
    const { ranks, text } = this.layout;
    checkRank(x, ranks, this.layer, text);
    if (x.shape[1] !== this.channels) {
      throw shapeError(
        `${this.layer}: expects ${this.channels} channels along axis 1, got [${x.shape.join(', ')}]`,
      );
    }
    const shape = [this.channels, ...x.shape.slice(2).map(() => 1)];
    if (!this.training && this.runningMean && this.runningVariance) {
      const factor = this.runningVariance.value.add(this.epsilon).rsqrt();
      const scale = this.weight ? factor.mul(this.weight.value) : factor;
      const scaled = x.sub(this.runningMean.value.reshape(shape)).mul(scale.reshape(shape));
      return this.bias ? scaled.add(this.bias.value.reshape(shape)) : scaled;
    }
    const axes = x.shape.flatMap((_, axis) => (axis === 1 ? [] : [axis]));
    const [weight, bias] = [this.weight, this.bias].map((own) => own?.value.reshape(shape));
    if (this.training && this.sumOverParts) return this.#standardizeParts(x, axes, shape, this.sumOverParts);
    const { result, mean, variance } = standardize(x, axes, this.epsilon, weight, bias);
    if (this.training) this.#track(mean, variance, x);
    return result;
  }

  /**
   * By the statistics of all parts of the batch: sums, sums of squares and the count, in one meeting. They are taken of the
   * distance from the running mean, which all parts know, so that little is lost where the mean is large beside the deviation.
   */
  #standardizeParts(
    x: Tensor,
    axes: readonly number[],
    shape: readonly number[],
    sumOverParts: (sums: Tensor, layer: string) => Tensor,
  ): Tensor {
    const { channels, epsilon, runningMean } = this;
    const shifted = runningMean ? x.sub(runningMean.value.detach().reshape(shape)) : x;
    const own = full([1], x.size / channels, { dtype: x.dtype });
    const sums = sumOverParts(concat([shifted.sum(axes), shifted.square().sum(axes), own]), this.layer);
    const count = sums.slice(2 * channels);
    const mean = sums.slice(0, channels).div(count);
    const variance = sums
      .slice(channels, 2 * channels)
      .div(count)
      .sub(mean.square())
      .maximum(0);
    if (runningMean) this.#move(mean.add(runningMean.value), variance, count.div(count.sub(1).maximum(1)));
    const scaled = shifted.sub(mean.reshape(shape)).mul(variance.add(epsilon).rsqrt().reshape(shape));
    return affine(scaled, this.weight?.value.reshape(shape), this.bias?.value.reshape(shape));
  }

  /** Moves the running statistics; they are committed with the forward pass. */
  #track(mean: Tensor, variance: Tensor, x: Tensor): void {
    if (!this.runningMean || !this.runningVariance) return;
    const count = x.size / this.channels;
    if (count < 2) {
      throw shapeError(
        `${this.layer}: one value for each channel has no variance, input [${x.shape.join(', ')}]; train with larger batches or call eval()`,
      );
    }
    this.#move(mean, variance, count / (count - 1));
  }

  /** @param unbiased the factor from the mean of squares to the variance of what the batch was drawn from */
  #move(mean: Tensor, variance: Tensor, unbiased: Tensor | number): void {
    if (!this.runningMean || !this.runningVariance) return;
    let share: Tensor | number | null = this.momentum;
    if (share === null) {
      const batches = this.batches!.value.add(1);
      this.batches!.assign(batches);
      share = batches.cast(this.runningMean.dtype).reciprocal();
    }
    const move = (running: Variable, now: Tensor): void =>
      running.assign(running.value.add(now.reshape([this.channels]).sub(running.value).mul(share)));
    move(this.runningMean, mean.detach());
    move(this.runningVariance, variance.detach().mul(unbiased));
  }

  override describe() {
    const { epsilon, momentum } = this;
    const options = {
      epsilon,
      momentum,
      affine: this.weight !== null,
      trackStatistics: this.runningMean !== null,
      dtype: (this.weight ?? this.runningMean)?.dtype,
    };
    return [this.layer, this.channels, options] as const;
  }

  override foreignNames() {
    return {
      running_mean: 'runningMean',
      running_var: 'runningVariance',
      num_batches_tracked: this.batches ? 'batches' : null,
    };
  }
}

/** See {@link batchNorm1d}. */
export class BatchNorm1d<Count extends number = number> extends BatchNorm<Count> {
  declare readonly [shapeEffect]?: Channels<'batchNorm1d', Count, Count, 'stay'>;
  override get layer() {
    return 'batchNorm1d';
  }
  override get layout() {
    return { ranks: [2, 3], text: '[batch, channels] or [batch, channels, length]' };
  }
}

/** See {@link batchNorm2d}. */
export class BatchNorm2d<Count extends number = number> extends BatchNorm<Count> {
  declare readonly [shapeEffect]?: Channels<'batchNorm2d', Count, Count, 'stay'>;
  override get layer() {
    return 'batchNorm2d';
  }
  override get layout() {
    return { ranks: [4], text: '[batch, channels, height, width]' };
  }
}

/** See {@link batchNorm3d}. */
export class BatchNorm3d<Count extends number = number> extends BatchNorm<Count> {
  declare readonly [shapeEffect]?: Channels<'batchNorm3d', Count, Count, 'stay'>;
  override get layer() {
    return 'batchNorm3d';
  }
  override get layout() {
    return { ranks: [5], text: '[batch, channels, depth, height, width]' };
  }
}

/**
 * Batch normalization (Ioffe & Szegedy 2015) of `[batch, channels]` or `[batch, channels, length]`: each channel to
 * mean 0 and variance 1 over batch and length. In training mode with the batch's statistics, which also move the
 * running ones; in evaluation mode with the running ones.
 */
export function batchNorm1d<Count extends number>(
  channels: Count,
  options: BatchNormOptions = {},
): BatchNorm1d<Count> {
  return new BatchNorm1d(channels, options);
}

/** The same for images `[batch, channels, height, width]`, over batch, height and width. */
export function batchNorm2d<Count extends number>(
  channels: Count,
  options: BatchNormOptions = {},
): BatchNorm2d<Count> {
  return new BatchNorm2d(channels, options);
}

/** The same for volumes `[batch, channels, depth, height, width]`, over batch and positions. */
export function batchNorm3d<Count extends number>(
  channels: Count,
  options: BatchNormOptions = {},
): BatchNorm3d<Count> {
  return new BatchNorm3d(channels, options);
}

/** See {@link layerNorm}. */
export class LayerNorm<Features extends number = number> extends Module {
  declare readonly [shapeEffect]?: LastAxis<'layerNorm', Features, Features>;
  /** Sizes of the last axes. */
  readonly shape: readonly number[];
  readonly epsilon: number;
  readonly weight: Variable | null;
  readonly bias: Variable | null;

  /** Use {@link layerNorm}. */
  constructor(shape: Features | readonly number[], options: NormOptions & { readonly bias?: boolean } = {}) {
    super();
    checkOptions('layerNorm', options, 'epsilon affine dtype bias');
    const { epsilon = 1e-5, affine = true, bias = affine, dtype = 'float32' } = options;
    this.shape = (typeof shape === 'number' ? [shape] : shape).map((size) =>
      checkCount(size, 'layerNorm', 'features'),
    );
    this.epsilon = epsilon;
    this.weight = affine ? new Variable(ones(this.shape, { dtype }), { name: 'weight' }) : null;
    this.bias = affine && bias ? new Variable(zeros(this.shape, { dtype }), { name: 'bias' }) : null;
  }

  override forward<M extends Module, T extends Tensor>(
    this: M,
    x: Entering<M, T>,
  ): Tensor<LeavingShape<M, T>>;
  override forward(x: Tensor): Tensor {
    const axes = lastAxes(x, this.shape, 'layerNorm');
    return standardize(x, axes, this.epsilon, this.weight?.value, this.bias?.value).result;
  }

  override describe() {
    const { epsilon, weight, bias } = this;
    const options = { epsilon, affine: weight !== null, bias: bias !== null, dtype: weight?.dtype };
    return ['layerNorm', this.shape, options] as const;
  }
}

/**
 * Layer normalization (Ba, Kiros, Hinton 2016): each example to mean 0 and variance 1 over its last axes.
 *
 * @param shape size of the last axis, or sizes of the last axes
 */
export function layerNorm<Features extends number = number>(
  shape: Features | readonly number[],
  options: NormOptions & { readonly bias?: boolean } = {},
): LayerNorm<Features> {
  return new LayerNorm(shape, options);
}

/** See {@link rmsNorm}. */
export class RmsNorm<Features extends number = number> extends Module {
  declare readonly [shapeEffect]?: LastAxis<'rmsNorm', Features, Features>;
  /** Sizes of the last axes. */
  readonly shape: readonly number[];
  readonly epsilon: number;
  readonly weight: Variable | null;

  /** Use {@link rmsNorm}. */
  constructor(shape: Features | readonly number[], options: NormOptions = {}) {
    super();
    checkOptions('rmsNorm', options, 'epsilon affine dtype');
    const { epsilon = 1e-6, affine = true, dtype = 'float32' } = options;
    this.shape = (typeof shape === 'number' ? [shape] : shape).map((size) =>
      checkCount(size, 'rmsNorm', 'features'),
    );
    this.epsilon = epsilon;
    this.weight = affine ? new Variable(ones(this.shape, { dtype }), { name: 'weight' }) : null;
  }

  override forward<M extends Module, T extends Tensor>(
    this: M,
    x: Entering<M, T>,
  ): Tensor<LeavingShape<M, T>>;
  override forward(x: Tensor): Tensor {
    const axes = lastAxes(x, this.shape, 'rmsNorm');
    const factor = x.square().mean(axes, { keepDims: true }).add(this.epsilon).rsqrt();
    return affine(x.mul(factor), this.weight?.value, undefined);
  }

  override describe() {
    const { epsilon, weight } = this;
    return ['rmsNorm', this.shape, { epsilon, affine: weight !== null, dtype: weight?.dtype }] as const;
  }
}

/** x / √(mean x² + ε) over the last axes, scaled (Zhang & Sennrich 2019); epsilon 1e-6 by default. */
export function rmsNorm<Features extends number = number>(
  shape: Features | readonly number[],
  options: NormOptions = {},
): RmsNorm<Features> {
  return new RmsNorm(shape, options);
}

/** See {@link groupNorm}. */
export class GroupNorm extends Module {
  readonly groups: number;
  readonly channels: number;
  readonly epsilon: number;
  readonly weight: Variable | null;
  readonly bias: Variable | null;

  /** Use {@link groupNorm}. */
  constructor(groups: number, channels: number, options: NormOptions = {}) {
    super();
    checkOptions('groupNorm', options, 'epsilon affine dtype');
    const { epsilon = 1e-5, affine = true, dtype = 'float32' } = options;
    this.groups = checkCount(groups, 'groupNorm', 'groups');
    this.channels = checkCount(channels, 'groupNorm', 'channels');
    if (channels % groups !== 0) {
      throw valueError(`groupNorm: ${channels} channels cannot be cut into ${groups} equal groups`);
    }
    this.epsilon = epsilon;
    this.weight = affine ? new Variable(ones([channels], { dtype }), { name: 'weight' }) : null;
    this.bias = affine ? new Variable(zeros([channels], { dtype }), { name: 'bias' }) : null;
  }

  override forward(x: Tensor): Tensor {
    const [batch, channels, ...rest] = x.shape as [number, number, ...number[]];
    if (channels !== this.channels) {
      throw shapeError(`groupNorm: expects [batch, ${this.channels}, …], got [${x.shape.join(', ')}]`);
    }
    const grouped = x.reshape([batch, this.groups, channels / this.groups, ...rest]);
    const axes = grouped.shape.map((_, axis) => axis).slice(2);
    const shape = [this.groups, channels / this.groups, ...rest.map(() => 1)];
    const [weight, bias] = [this.weight, this.bias].map((own) => own?.value.reshape(shape));
    return standardize(grouped, axes, this.epsilon, weight, bias).result.reshape(x.shape);
  }

  override describe() {
    return [
      'groupNorm',
      this.groups,
      this.channels,
      { epsilon: this.epsilon, affine: this.weight !== null, dtype: this.weight?.dtype },
    ] as const;
  }
}

/**
 * Group normalization (Wu & He 2018) of `[batch, channels, …]`: the channels are cut into groups, each of which is
 * normalized within each example; `groups` = `channels` is instance normalization.
 */
export function groupNorm(groups: number, channels: number, options: NormOptions = {}): GroupNorm {
  return new GroupNorm(groups, channels, options);
}

function lastAxes(x: Tensor, shape: readonly number[], layer: string): number[] {
  const start = x.shape.length - shape.length;
  if (start < 0 || shape.some((size, i) => x.shape[start + i] !== size)) {
    throw shapeError(`${layer}: expects [..., ${shape.join(', ')}], got [${x.shape.join(', ')}]`);
  }
  return shape.map((_, i) => start + i);
}
