/**
 * Instance normalization: each channel of each example by itself, over its positions.
 */
import { ones, type Tensor, Variable, zeros } from '@ag/tensor';
import { checkOptions, shapeError } from '@ag/tensor/engine';
import { checkCount } from './check.ts';
import { buffer, Module } from './module.ts';
import type { NormOptions } from './norm.ts';
import { affine as scaled, standardize } from './standardize.ts';

/** Options of {@link instanceNorm}. */
export interface InstanceNormOptions extends NormOptions {
  /** Scale and shift the result by trained weights. Default false, as in PyTorch. */
  readonly affine?: boolean;
  /** Keep running statistics, which are used in evaluation mode. Default false. */
  readonly trackStatistics?: boolean;
  /** Share of a batch's statistics in the running ones at each step. Default 0.1. */
  readonly momentum?: number;
}

/** See {@link instanceNorm}. */
export class InstanceNorm extends Module {
  readonly channels: number;
  readonly epsilon: number;
  readonly momentum: number;
  /** [channels], or null */
  readonly weight: Variable | null;
  /** [channels], or null */
  readonly bias: Variable | null;
  /** [channels], or null */
  readonly runningMean: Variable | null;
  /** [channels], the unbiased variance, or null */
  readonly runningVariance: Variable | null;

  /** Use {@link instanceNorm}. */
  constructor(channels: number, options: InstanceNormOptions = {}) {
    super();
    checkOptions('instanceNorm', options, 'epsilon affine dtype trackStatistics momentum');
    const { epsilon = 1e-5, affine = false, trackStatistics = false, dtype = 'float32' } = options;
    this.channels = checkCount(channels, 'instanceNorm', 'channels');
    this.epsilon = epsilon;
    this.momentum = options.momentum ?? 0.1;
    this.weight = affine ? new Variable(ones([channels], { dtype }), { name: 'weight' }) : null;
    this.bias = affine ? new Variable(zeros([channels], { dtype }), { name: 'bias' }) : null;
    this.runningMean = trackStatistics ? buffer(zeros([channels], { dtype }), 'runningMean') : null;
    this.runningVariance = trackStatistics ? buffer(ones([channels], { dtype }), 'runningVariance') : null;
  }

  override forward(x: Tensor): Tensor {
    const { shape } = x;
    if (shape.length < 3 || shape[1] !== this.channels) {
      throw shapeError(
        `instanceNorm: expects [batch, ${this.channels}, …positions], got [${shape.join(', ')}]`,
      );
    }
    const along = [this.channels, ...shape.slice(2).map(() => 1)];
    const [weight, bias] = [this.weight, this.bias].map((own) => own?.value.reshape(along));
    const { runningMean, runningVariance } = this;
    if (!this.training && runningMean && runningVariance) {
      const factor = runningVariance.value.add(this.epsilon).rsqrt().reshape(along);
      return scaled(x.sub(runningMean.value.reshape(along)).mul(factor), weight, bias);
    }
    const axes = shape.map((_, axis) => axis).slice(2);
    const { result, mean, variance } = standardize(x, axes, this.epsilon, weight, bias);
    if (this.training && runningMean && runningVariance) {
      const count = shape.slice(2).reduce((product, size) => product * size, 1);
      if (count < 2) {
        throw shapeError(
          `instanceNorm: one value for each channel has no variance, input [${shape.join(', ')}]; call eval(), or leave out trackStatistics`,
        );
      }
      const move = (running: Variable, now: Tensor): void => {
        const over = now.detach().mean(0).reshape([this.channels]);
        running.assign(running.value.add(over.sub(running.value).mul(this.momentum)));
      };
      move(runningMean, mean);
      move(runningVariance, variance.mul(count / (count - 1)));
    }
    return result;
  }

  override describe() {
    const { epsilon, momentum, weight, runningMean } = this;
    return [
      'instanceNorm',
      this.channels,
      {
        epsilon,
        affine: weight !== null,
        trackStatistics: runningMean !== null,
        momentum: runningMean ? momentum : undefined,
        dtype: (weight ?? runningMean)?.dtype,
      },
    ] as const;
  }

  override foreignNames() {
    return {
      running_mean: 'runningMean',
      running_var: 'runningVariance',
      num_batches_tracked: null,
    };
  }
}

/**
 * Instance normalization (Ulyanov, Vedaldi, Lempitsky 2016) of `[batch, channels, …positions]`: each channel of each example to mean 0
 * and variance 1 over its positions. For sequences, images and volumes alike.
 */
export function instanceNorm(channels: number, options: InstanceNormOptions = {}): InstanceNorm {
  return new InstanceNorm(channels, options);
}
