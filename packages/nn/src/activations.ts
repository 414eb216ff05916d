/**
 * Activations as modules, for `sequential` and for architectures saved as data. Each is the tensor's method of the
 * same name; where a model has its own `forward`, `x.relu()` is as good.
 */

import { type DType, full, type Tensor, Variable } from '@ag/tensor';
import { checkOptions } from '@ag/tensor/engine';
import { checkCount } from './check.ts';
import type { Entering, Keeps, LeavingShape, shapeEffect } from './layerShapes.ts';
import { Module } from './module.ts';

/** 1 / (1 + e⁻ˣ). Any shape, elementwise. */
export class Sigmoid extends Module {
  declare readonly [shapeEffect]?: Keeps;
  override forward<M extends Module, T extends Tensor>(
    this: M,
    x: Entering<M, T>,
  ): Tensor<LeavingShape<M, T>>;
  override forward(x: Tensor): Tensor {
    return x.sigmoid();
  }
  override describe() {
    return ['sigmoid'] as const;
  }
}

/** 1 / (1 + e⁻ˣ). Any shape, elementwise. */
export const sigmoid = (): Sigmoid => new Sigmoid();

/** The hyperbolic tangent. Any shape, elementwise. */
export class Tanh extends Module {
  declare readonly [shapeEffect]?: Keeps;
  override forward<M extends Module, T extends Tensor>(
    this: M,
    x: Entering<M, T>,
  ): Tensor<LeavingShape<M, T>>;
  override forward(x: Tensor): Tensor {
    return x.tanh();
  }
  override describe() {
    return ['tanh'] as const;
  }
}

/** The hyperbolic tangent. Any shape, elementwise. */
export const tanh = (): Tanh => new Tanh();

/** max(x, 0). Any shape, elementwise. */
export class Relu extends Module {
  declare readonly [shapeEffect]?: Keeps;
  override forward<M extends Module, T extends Tensor>(
    this: M,
    x: Entering<M, T>,
  ): Tensor<LeavingShape<M, T>>;
  override forward(x: Tensor): Tensor {
    return x.relu();
  }
  override describe() {
    return ['relu'] as const;
  }
}

/** max(x, 0). Any shape, elementwise. */
export const relu = (): Relu => new Relu();

/** Scaled elu with self-normalizing constants (Klambauer et al. 2017). Any shape, elementwise. */
export class Selu extends Module {
  declare readonly [shapeEffect]?: Keeps;
  override forward<M extends Module, T extends Tensor>(
    this: M,
    x: Entering<M, T>,
  ): Tensor<LeavingShape<M, T>>;
  override forward(x: Tensor): Tensor {
    return x.selu();
  }
  override describe() {
    return ['selu'] as const;
  }
}

/** Scaled elu with self-normalizing constants (Klambauer et al. 2017). Any shape, elementwise. */
export const selu = (): Selu => new Selu();

/** x · sigmoid(x), also called swish. Any shape, elementwise. */
export class Silu extends Module {
  declare readonly [shapeEffect]?: Keeps;
  override forward<M extends Module, T extends Tensor>(
    this: M,
    x: Entering<M, T>,
  ): Tensor<LeavingShape<M, T>>;
  override forward(x: Tensor): Tensor {
    return x.silu();
  }
  override describe() {
    return ['silu'] as const;
  }
}

/** x · sigmoid(x), also called swish. Any shape, elementwise. */
export const silu = (): Silu => new Silu();

/** log(1 + eˣ). Any shape, elementwise. */
export class Softplus extends Module {
  declare readonly [shapeEffect]?: Keeps;
  override forward<M extends Module, T extends Tensor>(
    this: M,
    x: Entering<M, T>,
  ): Tensor<LeavingShape<M, T>>;
  override forward(x: Tensor): Tensor {
    return x.softplus();
  }
  override describe() {
    return ['softplus'] as const;
  }
}

/** log(1 + eˣ). Any shape, elementwise. */
export const softplus = (): Softplus => new Softplus();

/** x / (1 + |x|). Any shape, elementwise. */
export class Softsign extends Module {
  declare readonly [shapeEffect]?: Keeps;
  override forward<M extends Module, T extends Tensor>(
    this: M,
    x: Entering<M, T>,
  ): Tensor<LeavingShape<M, T>>;
  override forward(x: Tensor): Tensor {
    return x.softsign();
  }
  override describe() {
    return ['softsign'] as const;
  }
}

/** x / (1 + |x|). Any shape, elementwise. */
export const softsign = (): Softsign => new Softsign();

/** log(sigmoid(x)). Any shape, elementwise. */
export class LogSigmoid extends Module {
  declare readonly [shapeEffect]?: Keeps;
  override forward<M extends Module, T extends Tensor>(
    this: M,
    x: Entering<M, T>,
  ): Tensor<LeavingShape<M, T>>;
  override forward(x: Tensor): Tensor {
    return x.logSigmoid();
  }
  override describe() {
    return ['logSigmoid'] as const;
  }
}

/** log(sigmoid(x)). Any shape, elementwise. */
export const logSigmoid = (): LogSigmoid => new LogSigmoid();

/** (x + 3) / 6 limited to [0, 1]. Any shape, elementwise. */
export class HardSigmoid extends Module {
  declare readonly [shapeEffect]?: Keeps;
  override forward<M extends Module, T extends Tensor>(
    this: M,
    x: Entering<M, T>,
  ): Tensor<LeavingShape<M, T>>;
  override forward(x: Tensor): Tensor {
    return x.hardSigmoid();
  }
  override describe() {
    return ['hardSigmoid'] as const;
  }
}

/** (x + 3) / 6 limited to [0, 1]. Any shape, elementwise. */
export const hardSigmoid = (): HardSigmoid => new HardSigmoid();

/** x · hardSigmoid(x) (Howard et al. 2019). Any shape, elementwise. */
export class HardSwish extends Module {
  declare readonly [shapeEffect]?: Keeps;
  override forward<M extends Module, T extends Tensor>(
    this: M,
    x: Entering<M, T>,
  ): Tensor<LeavingShape<M, T>>;
  override forward(x: Tensor): Tensor {
    return x.hardSwish();
  }
  override describe() {
    return ['hardSwish'] as const;
  }
}

/** x · hardSigmoid(x) (Howard et al. 2019). Any shape, elementwise. */
export const hardSwish = (): HardSwish => new HardSwish();

/** x · tanh(softplus(x)) (Misra 2019). Any shape, elementwise. */
export class Mish extends Module {
  declare readonly [shapeEffect]?: Keeps;
  override forward<M extends Module, T extends Tensor>(
    this: M,
    x: Entering<M, T>,
  ): Tensor<LeavingShape<M, T>>;
  override forward(x: Tensor): Tensor {
    return x.mish();
  }
  override describe() {
    return ['mish'] as const;
  }
}

/** x · tanh(softplus(x)) (Misra 2019). Any shape, elementwise. */
export const mish = (): Mish => new Mish();

/** x where positive, else slope · x. */
export class LeakyRelu extends Module {
  declare readonly [shapeEffect]?: Keeps;
  readonly slope: number;

  /** Use {@link leakyRelu}. */
  constructor(slope = 0.01) {
    super();
    this.slope = slope;
  }

  override forward<M extends Module, T extends Tensor>(
    this: M,
    x: Entering<M, T>,
  ): Tensor<LeavingShape<M, T>>;
  override forward(x: Tensor): Tensor {
    return x.leakyRelu(this.slope);
  }

  override describe() {
    return ['leakyRelu', this.slope] as const;
  }
}

/** x where positive, else slope · x. */
export const leakyRelu = (slope = 0.01): LeakyRelu => new LeakyRelu(slope);

/** x where positive, else alpha · (eˣ − 1) (Clevert et al. 2015). */
export class Elu extends Module {
  declare readonly [shapeEffect]?: Keeps;
  readonly alpha: number;

  /** Use {@link elu}. */
  constructor(alpha = 1) {
    super();
    this.alpha = alpha;
  }

  override forward<M extends Module, T extends Tensor>(
    this: M,
    x: Entering<M, T>,
  ): Tensor<LeavingShape<M, T>>;
  override forward(x: Tensor): Tensor {
    return x.elu(this.alpha);
  }

  override describe() {
    return ['elu', this.alpha] as const;
  }
}

/** x where positive, else alpha · (eˣ − 1) (Clevert et al. 2015). */
export const elu = (alpha = 1): Elu => new Elu(alpha);

/** x · Φ(x), exact by default, or by tanh (Hendrycks & Gimpel 2016). */
export class Gelu extends Module {
  declare readonly [shapeEffect]?: Keeps;
  readonly approximation: 'none' | 'tanh';

  /** Use {@link gelu}. */
  constructor(approximation: 'none' | 'tanh' = 'none') {
    super();
    this.approximation = approximation;
  }

  override forward<M extends Module, T extends Tensor>(
    this: M,
    x: Entering<M, T>,
  ): Tensor<LeavingShape<M, T>>;
  override forward(x: Tensor): Tensor {
    return x.gelu(this.approximation);
  }

  override describe() {
    return ['gelu', this.approximation] as const;
  }
}

/** x · Φ(x), exact by default, or by tanh (Hendrycks & Gimpel 2016). */
export const gelu = (approximation: 'none' | 'tanh' = 'none'): Gelu => new Gelu(approximation);

/** eˣ / Σ eˣ along an axis, the last by default. NaN for a row of nothing but −∞, or with +∞. */
export class Softmax extends Module {
  declare readonly [shapeEffect]?: Keeps;
  readonly axis: number;

  /** Use {@link softmax}. */
  constructor(axis = -1) {
    super();
    this.axis = axis;
  }

  override forward<M extends Module, T extends Tensor>(
    this: M,
    x: Entering<M, T>,
  ): Tensor<LeavingShape<M, T>>;
  override forward(x: Tensor): Tensor {
    return x.softmax(this.axis);
  }

  override describe() {
    return ['softmax', this.axis] as const;
  }
}

/** eˣ / Σ eˣ along an axis, the last by default. NaN for a row of nothing but −∞, or with +∞. */
export const softmax = (axis = -1): Softmax => new Softmax(axis);

/** log(softmax(x)) along an axis, the last by default. NaN for a row of nothing but −∞, or with +∞. */
export class LogSoftmax extends Module {
  declare readonly [shapeEffect]?: Keeps;
  readonly axis: number;

  /** Use {@link logSoftmax}. */
  constructor(axis = -1) {
    super();
    this.axis = axis;
  }

  override forward<M extends Module, T extends Tensor>(
    this: M,
    x: Entering<M, T>,
  ): Tensor<LeavingShape<M, T>>;
  override forward(x: Tensor): Tensor {
    return x.logSoftmax(this.axis);
  }

  override describe() {
    return ['logSoftmax', this.axis] as const;
  }
}

/** log(softmax(x)) along an axis, the last by default. NaN for a row of nothing but −∞, or with +∞. */
export const logSoftmax = (axis = -1): LogSoftmax => new LogSoftmax(axis);

/** x where positive, else a · x with a trained slope (He et al. 2015). */
export class Prelu extends Module {
  declare readonly [shapeEffect]?: Keeps;
  /** [1], or [channels] for axis 1 of the input */
  readonly weight: Variable;

  /** Use {@link prelu}. */
  constructor(channels = 1, options: { readonly slope?: number; readonly dtype?: DType } = {}) {
    super();
    checkOptions('prelu', options, 'slope dtype');
    const { slope = 0.25, dtype = 'float32' } = options;
    this.weight = new Variable(full([checkCount(channels, 'prelu', 'channels')], slope, { dtype }), {
      name: 'weight',
    });
  }

  override forward<M extends Module, T extends Tensor>(
    this: M,
    x: Entering<M, T>,
  ): Tensor<LeavingShape<M, T>>;
  override forward(x: Tensor): Tensor {
    const channels = this.weight.shape[0];
    const after = channels === 1 ? 0 : Math.max(0, x.shape.length - 2);
    const slope = this.weight.value.reshape([channels, ...new Array<number>(after).fill(1)]);
    const positive = x.greater(0);
    // The slope's gradient must not see what is not multiplied: it would count 0 · ∞.
    return positive.where(x, positive.where(0, x).mul(slope));
  }

  override describe() {
    return ['prelu', this.weight.shape[0], { dtype: this.weight.dtype }] as const;
  }
}

/** x where positive, else a · x with a trained slope for all or for each channel (axis 1), starting at `slope` (0.25). */
export const prelu = (
  channels = 1,
  options: { readonly slope?: number; readonly dtype?: DType } = {},
): Prelu => new Prelu(channels, options);

/** Passes its input on unchanged. */
export class Identity extends Module {
  declare readonly [shapeEffect]?: Keeps;
  override forward<M extends Module, T extends Tensor>(
    this: M,
    x: Entering<M, T>,
  ): Tensor<LeavingShape<M, T>>;
  override forward(x: Tensor): Tensor {
    return x;
  }
  override describe() {
    return ['identity'] as const;
  }
}

/** Passes its input on unchanged. */
export const identity = (): Identity => new Identity();
