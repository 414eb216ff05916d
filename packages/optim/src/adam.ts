/**
 * Adam and AdamW: steps scaled by running estimates of the gradient's mean and mean square.
 */
import { type Tensor, type Variable, zeros } from '@ag/tensor';
import { pow } from '@ag/tensor/math';
import {
  checkRange,
  Optimizer,
  type OptimizerOptions,
  type Parameters,
  type Read,
  type Scalars,
  type Slots,
  type Update,
} from './optimizer.ts';
import type { Rate } from './schedules.ts';

export interface AdamOptions extends OptimizerOptions {
  /** Default 1e-3. */
  readonly learningRate: Rate;
  /** Decay of the two running means. Default [0.9, 0.999]. */
  readonly betas?: readonly [number, number];
  /** Added to the root of the mean square. Default 1e-8. */
  readonly epsilon?: number;
  /** For adam a factor of the parameter added to its gradient, default 0; for adamw taken off the parameter at each step, default 0.01. */
  readonly weightDecay?: number;
  /** Use the largest mean square so far (Reddi, Kale, Kumar 2018). Default false. */
  readonly amsgrad?: boolean;
}

/** See {@link adam}. */
export class Adam extends Optimizer<AdamOptions> {
  override readonly type: string = 'adam';
  /** Whether weight decay acts on the parameter itself. */
  protected readonly decoupled: boolean = false;

  protected override check({ betas = [0.9, 0.999], epsilon = 1e-8, weightDecay = 0 }: AdamOptions): void {
    checkRange(betas[0], 0, 1, 'adam: betas[0]');
    checkRange(betas[1], 0, 1, 'adam: betas[1]');
    checkRange(epsilon, 0, Number.POSITIVE_INFINITY, 'adam: epsilon');
    checkRange(weightDecay, 0, Number.POSITIVE_INFINITY, 'adam: weightDecay');
  }

  protected override slots(parameter: Variable, { amsgrad = false }: AdamOptions): Slots<Tensor> {
    const none = zeros(parameter.shape, { dtype: parameter.dtype });
    return amsgrad ? { mean: none, square: none, largest: none } : { mean: none, square: none };
  }

  protected override scalars(options: AdamOptions, read: Read, rate: () => number): Scalars {
    const decay = this.#decay(options);
    return this.decoupled && decay !== 0 ? { kept: read(() => 1 - rate() * decay) } : {};
  }

  /** The corrections for means that start at 0 are part of the rate and of a factor of the root. */
  protected override ownScalars(
    { betas = [0.9, 0.999] }: AdamOptions,
    read: Read,
    rate: () => number,
    steps: () => number,
  ): Scalars {
    return {
      stepSize: read(() => rate() / (1 - pow(betas[0], steps()))),
      rootFactor: read(() => 1 / Math.sqrt(1 - pow(betas[1], steps()))),
    };
  }

  protected override update(
    value: Tensor,
    gradient: Tensor,
    slots: Slots<Tensor>,
    { stepSize, rootFactor, kept }: Scalars,
    options: AdamOptions,
  ): Update {
    const { betas = [0.9, 0.999], epsilon = 1e-8 } = options;
    const decay = this.#decay(options);
    const g = decay === 0 || this.decoupled ? gradient : gradient.add(value.mul(decay));
    const mean = slots.mean.mul(betas[0]).add(g.mul(1 - betas[0]));
    const square = slots.square.mul(betas[1]).add(g.square().mul(1 - betas[1]));
    const largest = slots.largest?.maximum(square);
    const root = (largest ?? square).sqrt().mul(rootFactor).add(epsilon);
    return {
      value: (kept ? value.mul(kept) : value).sub(mean.div(root).mul(stepSize)),
      slots: largest ? { mean, square, largest } : { mean, square },
    };
  }

  #decay({ weightDecay }: AdamOptions): number {
    return weightDecay ?? (this.decoupled ? 0.01 : 0);
  }
}

/** See {@link adamw}. */
export class AdamW extends Adam {
  override readonly type = 'adamw';
  protected override readonly decoupled = true;
}

/**
 * Adam (Kingma & Ba 2015).
 *
 * ```ts
 * const optimizer = adam(model.parameters(), { learningRate: cosine(3e-3, { steps: 9000 }) });
 * ```
 *
 * @param options.learningRate default 1e-3
 * @throws RangeError for options out of range
 */
export function adam(parameters: Parameters<AdamOptions>, options: Partial<AdamOptions> = {}): Adam {
  return new Adam(parameters, { learningRate: 1e-3, ...options });
}

/** Adam with weight decay apart from the gradient (Loshchilov & Hutter 2019): default rate 1e-3, weight decay 0.01. */
export function adamw(parameters: Parameters<AdamOptions>, options: Partial<AdamOptions> = {}): AdamW {
  return new AdamW(parameters, { learningRate: 1e-3, ...options });
}
