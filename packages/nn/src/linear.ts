/**
 * The fully connected layer: every output is a weighted sum of all inputs.
 */

import { type DType, type Tensor, Variable } from '@ag/tensor';
import { checkOptions } from '@ag/tensor/engine';
import { checkCount, checkLastAxis } from './check.ts';
import { fanInBias, fanInUniform, type Initializer } from './init.ts';
import type { Entering, LastAxis, LeavingShape, shapeEffect } from './layerShapes.ts';
import { Module } from './module.ts';

/** Options of {@link linear}. */
export interface LinearOptions {
  /** Add a bias. Default true. */
  readonly bias?: boolean;
  /** Default U(−1/√in, 1/√in). */
  readonly weightInit?: Initializer;
  /** Default U(−1/√in, 1/√in). */
  readonly biasInit?: Initializer;
  /** Default float32. */
  readonly dtype?: DType;
}

/**
 * y = x · Wᵀ + b, `[..., in] → [..., out]`. The weight is stored as [out, in], as PyTorch stores it; transposing it is
 * a view and costs nothing.
 */
export class Linear<In extends number = number, Out extends number = number> extends Module {
  declare readonly [shapeEffect]?: LastAxis<'linear', In, Out>;
  readonly inFeatures: In;
  readonly outFeatures: Out;
  /** [out, in] */
  readonly weight: Variable;
  /** [out], or null */
  readonly bias: Variable | null;

  /** Use {@link linear}. */
  constructor(inFeatures: In, outFeatures: Out, options: LinearOptions = {}) {
    super();
    checkOptions('linear', options, 'bias weightInit biasInit dtype');
    const { bias = true, dtype = 'float32' } = options;
    this.inFeatures = checkCount(inFeatures, 'linear', 'inputs');
    this.outFeatures = checkCount(outFeatures, 'linear', 'outputs');
    const { weightInit = fanInUniform, biasInit = fanInBias(inFeatures) } = options;
    this.weight = new Variable(weightInit([outFeatures, inFeatures], { dtype }), { name: 'weight' });
    this.bias = bias ? new Variable(biasInit([outFeatures], { dtype }), { name: 'bias' }) : null;
  }

  override forward<M extends Module, T extends Tensor>(
    this: M,
    x: Entering<M, T>,
  ): Tensor<LeavingShape<M, T>>;
  override forward(x: Tensor): Tensor {
    checkLastAxis(x, this.inFeatures, 'linear', this.outFeatures);
    const product = x.matmul(this.weight.value.transpose());
    return this.bias ? product.add(this.bias.value) : product;
  }

  override describe() {
    return [
      'linear',
      this.inFeatures,
      this.outFeatures,
      { bias: this.bias !== null, dtype: this.weight.dtype },
    ] as const;
  }

  override matrices() {
    return { weight: 'outputsFirst' } as const;
  }
}

/**
 * A fully connected layer, `[..., in] → [..., out]`: y = x · Wᵀ + b.
 *
 * ```ts
 * const layer = linear(784, 128, { weightInit: init.heNormal });
 * ```
 *
 * @throws RangeError for sizes that are no whole numbers ≥ 1
 */
export function linear<In extends number, Out extends number>(
  inFeatures: In,
  outFeatures: Out,
  options: LinearOptions = {},
): Linear<In, Out> {
  return new Linear(inFeatures, outFeatures, options);
}
