/**
 * Relatives of Adam: with Nesterov's momentum, with a rectified variance.
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

export interface NadamOptions extends OptimizerOptions {
  /** Decay of the two running means. Default [0.9, 0.999]. */
  readonly betas?: readonly [number, number];
  /** Added to the root of the mean square. Default 1e-8. */
  readonly epsilon?: number;
  /** Factor of the parameter that is added to its gradient. Default 0. */
  readonly weightDecay?: number;
  /** How fast the momentum warms up. Default 4e-3. */
  readonly momentumDecay?: number;
}

/** See {@link nadam}. */
export class Nadam extends Optimizer<NadamOptions> {
  override readonly type = 'nadam';
  /** For each group, at position t the product of the momentum of the first t steps. */
  readonly #products = new Map<NadamOptions, number[]>();

  protected override check(options: NadamOptions): void {
    checkAdam('nadam', options);
    checkRange(options.momentumDecay ?? 4e-3, 0, Number.POSITIVE_INFINITY, 'nadam: momentumDecay');
  }

  protected override slots(parameter: Variable): Slots<Tensor> {
    return meanAndSquare(parameter);
  }

  protected override scalars(): Scalars {
    return {};
  }

  protected override ownScalars(
    options: NadamOptions,
    read: Read,
    rate: () => number,
    steps: () => number,
  ): Scalars {
    const { betas = [0.9, 0.999] } = options;
    return {
      gradientRate: read(
        () => (rate() * (1 - momentumAt(steps(), options))) / (1 - this.#product(steps(), options)),
      ),
      meanRate: read(
        () => (rate() * momentumAt(steps() + 1, options)) / (1 - this.#product(steps() + 1, options)),
      ),
      rootFactor: read(() => 1 / Math.sqrt(1 - pow(betas[1], steps()))),
    };
  }

  protected override update(
    value: Tensor,
    gradient: Tensor,
    slots: Slots<Tensor>,
    { gradientRate, meanRate, rootFactor }: Scalars,
    { betas = [0.9, 0.999], epsilon = 1e-8, weightDecay = 0 }: NadamOptions,
  ): Update {
    const g = weightDecay === 0 ? gradient : gradient.add(value.mul(weightDecay));
    const mean = slots.mean.mul(betas[0]).add(g.mul(1 - betas[0]));
    const square = slots.square.mul(betas[1]).add(g.square().mul(1 - betas[1]));
    const root = square.sqrt().mul(rootFactor).add(epsilon);
    const step = g.mul(gradientRate).add(mean.mul(meanRate)).div(root);
    return { value: value.sub(step), slots: { mean, square } };
  }

  /** The product of the momentum of a parameter's first `steps` steps. */
  #product(steps: number, options: NadamOptions): number {
    const known = this.#products.get(options) ?? [1];
    this.#products.set(options, known);
    for (let at = known.length; at <= steps; at++) known.push(known[at - 1] * momentumAt(at, options));
    return known[steps];
  }
}

/** β₁ (1 − ½ · 0.96^(t · decay)) */
function momentumAt(step: number, { betas = [0.9, 0.999], momentumDecay = 4e-3 }: NadamOptions): number {
  return betas[0] * (1 - 0.5 * pow(0.96, step * momentumDecay));
}

/**
 * Adam with Nesterov's momentum (Dozat 2016).
 *
 * @param options.learningRate default 2e-3
 * @throws RangeError for options out of range
 */
export function nadam(parameters: Parameters<NadamOptions>, options: Partial<NadamOptions> = {}): Nadam {
  return new Nadam(parameters, { learningRate: 2e-3, ...options });
}

export interface RadamOptions extends OptimizerOptions {
  /** Decay of the two running means. Default [0.9, 0.999]. */
  readonly betas?: readonly [number, number];
  /** Added to the root of the mean square. Default 1e-8. */
  readonly epsilon?: number;
  /** Factor of the parameter that is added to its gradient. Default 0. */
  readonly weightDecay?: number;
}

/** See {@link radam}. */
export class Radam extends Optimizer<RadamOptions> {
  override readonly type = 'radam';

  protected override check(options: RadamOptions): void {
    checkAdam('radam', options);
  }

  protected override slots(parameter: Variable): Slots<Tensor> {
    return meanAndSquare(parameter);
  }

  protected override scalars(): Scalars {
    return {};
  }

  /** While the variance is not yet to be trusted the step is plain momentum; of the two rates one is 0. */
  protected override ownScalars(
    { betas = [0.9, 0.999] }: RadamOptions,
    read: Read,
    rate: () => number,
    steps: () => number,
  ): Scalars {
    const corrected = (): number => rate() / (1 - pow(betas[0], steps()));
    const root = (): number => Math.sqrt(1 - pow(betas[1], steps()));
    return {
      plainRate: read(() => (rectification(steps(), betas[1]) === 0 ? corrected() : 0)),
      scaledRate: read(() => corrected() * root() * rectification(steps(), betas[1])),
    };
  }

  protected override update(
    value: Tensor,
    gradient: Tensor,
    slots: Slots<Tensor>,
    { plainRate, scaledRate }: Scalars,
    { betas = [0.9, 0.999], epsilon = 1e-8, weightDecay = 0 }: RadamOptions,
  ): Update {
    const g = weightDecay === 0 ? gradient : gradient.add(value.mul(weightDecay));
    const mean = slots.mean.mul(betas[0]).add(g.mul(1 - betas[0]));
    const square = slots.square.mul(betas[1]).add(g.square().mul(1 - betas[1]));
    const factor = scaledRate.div(square.sqrt().add(epsilon)).add(plainRate);
    return { value: value.sub(mean.mul(factor)), slots: { mean, square } };
  }
}

/** How much the adaptive rate can be trusted at a step; 0 where its variance is unbounded. */
function rectification(step: number, beta: number): number {
  const limit = 2 / (1 - beta) - 1;
  const length = limit - (2 * step * pow(beta, step)) / (1 - pow(beta, step));
  if (length <= 5) return 0;
  return Math.sqrt(((length - 4) * (length - 2) * limit) / ((limit - 4) * (limit - 2) * length));
}

/**
 * Adam with a rectified variance (Liu et al. 2020): needs no warm-up.
 *
 * @param options.learningRate default 1e-3
 * @throws RangeError for options out of range
 */
export function radam(parameters: Parameters<RadamOptions>, options: Partial<RadamOptions> = {}): Radam {
  return new Radam(parameters, { learningRate: 1e-3, ...options });
}

function meanAndSquare(parameter: Variable): Slots<Tensor> {
  const none = zeros(parameter.shape, { dtype: parameter.dtype });
  return { mean: none, square: none };
}

function checkAdam(
  name: string,
  { betas = [0.9, 0.999], epsilon = 1e-8, weightDecay = 0 }: NadamOptions | RadamOptions,
): void {
  checkRange(betas[0], 0, 1, `${name}: betas[0]`);
  checkRange(betas[1], 0, 1, `${name}: betas[1]`);
  checkRange(epsilon, 0, Number.POSITIVE_INFINITY, `${name}: epsilon`);
  checkRange(weightDecay, 0, Number.POSITIVE_INFINITY, `${name}: weightDecay`);
}
