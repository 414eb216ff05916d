/**
 * Layers whose weight is made of something else. It is a direction and a length, or itself divided by its largest singular value.
 */
import { normal, type Tensor, Variable } from '@ag/tensor';
import {
  axisError,
  checkInteger,
  checkOptions,
  codedError,
  nearestName,
  shapeError,
} from '@ag/tensor/engine';
import { type AnyModule, buffer, Module, variablesByPath } from './module.ts';
import { withValues } from './substitute.ts';

/** Options of {@link weightNorm}. */
export interface WeightNormOptions {
  /** The weight's path within the layer. Default 'weight'. */
  readonly name?: string;
  /** The axis whose slices have a length each. Default 0, the outputs. */
  readonly axis?: number;
}

/** What both share: a layer inside, and one of its weights. */
abstract class Reparameterized<Inputs extends readonly unknown[], Output> extends Module<Inputs, Output> {
  readonly body: Module<Inputs, Output>;
  readonly name: string;
  readonly axis: number;

  constructor(layer: string, body: Module<Inputs, Output>, { name = 'weight', axis = 0 }: WeightNormOptions) {
    super();
    this.body = body;
    this.name = name;
    const { ndim } = this.variable(layer).value;
    checkInteger(axis, layer, 'axis');
    if (axis < -ndim || axis >= ndim)
      throw axisError(`${layer}: '${name}' has no axis ${axis}, only ${ndim}`);
    this.axis = axis < 0 ? axis + ndim : axis;
  }

  override forward(...inputs: Inputs): Output {
    const made = new Map([[this.variable(this.describe()[0]), this.made()]]);
    return withValues(made, () => this.body.forward(...inputs), this.describe()[0]);
  }

  abstract override describe(): readonly [layer: string, ...parameters: unknown[]];

  /** What the layer computes with. */
  abstract made(): Tensor;

  /** What lies in the layer. */
  protected variable(layer: string): Variable {
    const known = new Map(variablesByPath(this.body as AnyModule));
    const found = known.get(this.name);
    if (found) return found;
    const near = nearestName(this.name, [...known.keys()]);
    throw codedError(
      RangeError,
      'AG_PARAMETERS',
      `${layer}: the layer has no variable '${this.name}'${near ? `; it has '${near}'` : ''}`,
    );
  }

  /** Names as PyTorch's `torch.nn.utils.parametrizations` has them; `own` of what stands for the weight. */
  protected namesOf(own: Readonly<Record<string, string>>): Record<string, string> {
    const names: Record<string, string> = {};
    const inner: Readonly<Record<string, string | null>> = this.body.foreignNames();
    const theirs = new Map(Object.entries(inner).map(([foreign, path]) => [path, foreign]));
    for (const [path] of variablesByPath(this.body as AnyModule))
      if (path !== this.name) names[theirs.get(path) ?? path] = `body.${path}`;
    for (const [foreign, path] of Object.entries(own))
      names[`parametrizations.${theirs.get(this.name) ?? this.name}.${foreign}`] = path;
    return names;
  }
}

/** See {@link weightNorm}. */
export class WeightNorm<
  Inputs extends readonly unknown[] = [Tensor],
  Output = Tensor,
> extends Reparameterized<Inputs, Output> {
  /** The length of each slice, 1 along all other axes. */
  readonly gain: Variable;

  /** Use {@link weightNorm}. */
  constructor(body: Module<Inputs, Output>, options: WeightNormOptions = {}) {
    super('weightNorm', body, options);
    checkOptions('weightNorm', options, 'name axis');
    this.gain = new Variable(this.#lengths(this.variable('weightNorm').value), { name: 'gain' });
  }

  /** gain · weight / |weight| */
  override made(): Tensor {
    const direction = this.variable('weightNorm').value;
    return direction.mul(this.gain.value.div(this.#lengths(direction)));
  }

  #lengths(weight: Tensor): Tensor {
    const others = weight.shape.map((_, axis) => axis).filter((axis) => axis !== this.axis);
    return others.length > 0 ? weight.norm(others, { keepDims: true }) : weight.abs();
  }

  override describe() {
    return ['weightNorm', this.body, { name: this.name, axis: this.axis }] as const;
  }

  override foreignNames() {
    return this.namesOf({ original0: 'gain', original1: `body.${this.name}` });
  }
}

/** Options of {@link spectralNorm}. */
export interface SpectralNormOptions extends WeightNormOptions {
  /** Steps of the power iteration in each forward pass of training mode. Default 1. */
  readonly iterations?: number;
  /** Lengths count as at least this. Default 1e-12. */
  readonly epsilon?: number;
}

/** See {@link spectralNorm}. */
export class SpectralNorm<
  Inputs extends readonly unknown[] = [Tensor],
  Output = Tensor,
> extends Reparameterized<Inputs, Output> {
  readonly iterations: number;
  readonly epsilon: number;
  /** The left singular vector so far, [outputs]. */
  readonly left: Variable;
  /** The right one, [all others]. */
  readonly right: Variable;

  /** Use {@link spectralNorm}. */
  constructor(body: Module<Inputs, Output>, options: SpectralNormOptions = {}) {
    super('spectralNorm', body, options);
    checkOptions('spectralNorm', options, 'name axis iterations epsilon');
    const { iterations = 1, epsilon = 1e-12 } = options;
    this.iterations = checkInteger(iterations, 'spectralNorm', 'iterations', 1);
    this.epsilon = epsilon;
    const weight = this.variable('spectralNorm').value;
    if (weight.ndim < 2)
      throw shapeError(`spectralNorm: '${this.name}' is no matrix, [${weight.shape.join(', ')}]`);
    const matrix = this.#matrix(weight);
    const { dtype } = weight;
    // As in PyTorch: few steps while training suffice when these have been made.
    const first = this.#unit(normal([matrix.shape[1]], { dtype }));
    const [left, right] = this.#iterate(matrix, first, 15);
    this.left = buffer(left, 'left');
    this.right = buffer(right, 'right');
  }

  /** weight / (leftᵀ · weight · right); in training mode the vectors are moved before, and committed with the forward pass. */
  override made(): Tensor {
    const weight = this.variable('spectralNorm').value;
    const matrix = this.#matrix(weight);
    let [left, right] = [this.left.value, this.right.value];
    if (this.training) {
      [left, right] = this.#iterate(matrix.detach(), right, this.iterations);
      this.left.assign(left);
      this.right.assign(right);
    }
    return weight.div(product(matrix, right).mul(left).sum());
  }

  /** [outputs, all others] */
  #matrix(weight: Tensor): Tensor {
    const order = [this.axis, ...weight.shape.map((_, axis) => axis).filter((axis) => axis !== this.axis)];
    return weight.permute(order).reshape([weight.shape[this.axis], weight.size / weight.shape[this.axis]]);
  }

  /** Singular vectors after some steps, from a right one. */
  #iterate(matrix: Tensor, from: Tensor, steps: number): [left: Tensor, right: Tensor] {
    let left = this.#unit(product(matrix, from));
    let right = this.#unit(product(matrix.transpose(), left));
    for (let i = 1; i < steps; i++) {
      left = this.#unit(product(matrix, right));
      right = this.#unit(product(matrix.transpose(), left));
    }
    return [left, right];
  }

  #unit(vector: Tensor): Tensor {
    return vector.div(vector.norm().maximum(this.epsilon));
  }

  override describe() {
    const { name, axis, iterations, epsilon } = this;
    return ['spectralNorm', this.body, { name, axis, iterations, epsilon }] as const;
  }

  override foreignNames() {
    return this.namesOf({ original: `body.${this.name}`, '0._u': 'left', '0._v': 'right' });
  }
}

/** matrix · vector */
function product(matrix: Tensor, vector: Tensor): Tensor {
  return matrix.matmul(vector.unsqueeze(-1)).squeeze(-1);
}

/**
 * A layer whose weight is gain · v / |v|, so that direction and length are trained apart (Salimans & Kingma 2016). It computes what it did:
 * v is the layer's weight, the gain starts as its length.
 *
 * ```ts
 * const layer = weightNorm(linear(64, 64));
 * layer.gain.shape; // [64, 1]
 * ```
 *
 * @param body the layer, from now on inside
 * @throws RangeError for a weight that the layer does not have
 */
export function weightNorm<Inputs extends readonly unknown[] = [Tensor], Output = Tensor>(
  body: Module<Inputs, Output>,
  options: WeightNormOptions = {},
): WeightNorm<Inputs, Output> {
  return new WeightNorm(body, options);
}

/**
 * A layer whose weight is divided by its largest singular value, as a matrix [outputs, all others], so that it stretches nothing by
 * more than 1 (Miyato et al. 2018). The value comes from a power iteration that goes on with each forward pass in training mode.
 *
 * @param body the layer, from now on inside
 * @throws RangeError for a weight that the layer does not have, or with fewer than two axes
 */
export function spectralNorm<Inputs extends readonly unknown[] = [Tensor], Output = Tensor>(
  body: Module<Inputs, Output>,
  options: SpectralNormOptions = {},
): SpectralNorm<Inputs, Output> {
  return new SpectralNorm(body, options);
}
