/**
 * Initializers: the first values of parameters. Each initializer takes the shape first, so that any of them can be
 * given to a layer: `linear(784, 128, { weightInit: init.heNormal })`. Numbers are drawn from a key taken at the
 * call, so `manualSeed` makes models reproducible.
 *
 * A weight has the shape [out, in, …kernel]; fan-in is in · kernel elements, fan-out is out · kernel elements.
 */

import {
  argsort,
  type DType,
  normal as drawNormal,
  uniform as drawUniform,
  full,
  eye as identity,
  type Key,
  key as makeKey,
  type Shape,
  sizeOf,
  splitKey,
  type Tensor,
  tensor,
} from '@ag/tensor';
import { checkOptions, shapeError, valueError } from '@ag/tensor/engine';

/** Options that all initializers take. */
export interface InitOptions {
  /** Default float32. */
  readonly dtype?: DType;
  /** Default: the next key of the global sequence. */
  readonly key?: Key;
}

/** Makes the first value of a parameter. */
export type Initializer = (shape: Shape, options?: InitOptions) => Tensor;

/** All 0. */
export function zeros(shape: Shape, options: InitOptions = {}): Tensor {
  checkOptions('zeros', options, 'dtype key');
  return full(shape, 0, dtypeOf(options));
}

/** All 1. */
export function ones(shape: Shape, options: InitOptions = {}): Tensor {
  checkOptions('ones', options, 'dtype key');
  return full(shape, 1, dtypeOf(options));
}

/** All `value` (default 0). */
export function constant(shape: Shape, options: InitOptions & { readonly value?: number } = {}): Tensor {
  checkOptions('constant', options, 'dtype key value');
  return full(shape, options.value ?? 0, dtypeOf(options));
}

/** Uniformly distributed over [low, high), by default [−0.05, 0.05). */
export function uniform(
  shape: Shape,
  options: InitOptions & { readonly low?: number; readonly high?: number } = {},
): Tensor {
  checkOptions('uniform', options, 'dtype key low high');
  return drawUniform(shape, { ...options, low: options.low ?? -0.05, high: options.high ?? 0.05 });
}

/** Normally distributed, by default with mean 0 and standard deviation 0.05. */
export function normal(
  shape: Shape,
  options: InitOptions & { readonly mean?: number; readonly std?: number } = {},
): Tensor {
  checkOptions('normal', options, 'dtype key mean std');
  return drawNormal(shape, { ...options, mean: options.mean ?? 0, std: options.std ?? 0.05 });
}

export interface ScalingOptions extends InitOptions {
  /** A factor for the standard deviation: see {@link gain}. */
  readonly gain?: number;
}

export interface HeOptions extends ScalingOptions {
  /** Keep the variance of activations (fan-in, default) or of gradients (fan-out). */
  readonly mode?: 'fanIn' | 'fanOut';
}

/** U(−a, a), a = gain · √(6 / (fanIn + fanOut)): Glorot & Bengio 2010, for tanh and sigmoid. */
export function xavierUniform(shape: Shape, options: ScalingOptions = {}): Tensor {
  checkOptions('xavierUniform', options, 'gain dtype key');
  const [fanIn, fanOut] = fans(shape, 'xavierUniform');
  return symmetric(shape, (options.gain ?? 1) * Math.sqrt(6 / (fanIn + fanOut)), options);
}

/** N(0, s²), s = gain · √(2 / (fanIn + fanOut)): Glorot & Bengio 2010. */
export function xavierNormal(shape: Shape, options: ScalingOptions = {}): Tensor {
  checkOptions('xavierNormal', options, 'gain dtype key');
  const [fanIn, fanOut] = fans(shape, 'xavierNormal');
  return centered(shape, (options.gain ?? 1) * Math.sqrt(2 / (fanIn + fanOut)), options);
}

/** U(−a, a), a = gain · √(3 / fan), gain √2 by default: He et al. 2015, for relu and its relatives. */
export function heUniform(shape: Shape, options: HeOptions = {}): Tensor {
  checkOptions('heUniform', options, 'mode gain dtype key');
  return symmetric(
    shape,
    (options.gain ?? Math.SQRT2) * Math.sqrt(3 / fanOf(shape, options, 'heUniform')),
    options,
  );
}

/** N(0, s²), s = gain / √fan, gain √2 by default: He et al. 2015. */
export function heNormal(shape: Shape, options: HeOptions = {}): Tensor {
  checkOptions('heNormal', options, 'mode gain dtype key');
  return centered(
    shape,
    (options.gain ?? Math.SQRT2) / Math.sqrt(fanOf(shape, options, 'heNormal')),
    options,
  );
}

/** N(0, 1 / fanIn): LeCun et al. 1998, for selu. */
export function lecunNormal(shape: Shape, options: ScalingOptions = {}): Tensor {
  checkOptions('lecunNormal', options, 'gain dtype key');
  return centered(shape, (options.gain ?? 1) / Math.sqrt(fans(shape, 'lecunNormal')[0]), options);
}

/** U(−1/√fanIn, 1/√fanIn): what linear, convolutional and recurrent layers start with unless told otherwise. */
export function fanInUniform(shape: Shape, options: InitOptions = {}): Tensor {
  checkOptions('fanInUniform', options, 'dtype key');
  return symmetric(shape, 1 / Math.sqrt(fans(shape, 'fanInUniform')[0]), options);
}

/** U(−1/√fanIn, 1/√fanIn) in any shape: for biases, whose shape does not tell the fan-in. */
export function fanInBias(fanIn: number): Initializer {
  return (shape, options = {}) => symmetric(shape, 1 / Math.sqrt(fanIn), options);
}

/**
 * N(mean, std²) without what lies more than `limit` (default 2) standard deviations off the mean: the inverse of the
 * distribution function of evenly spread numbers (the inverse by Giles 2010, "Approximating the erfinv function").
 */
export function truncatedNormal(
  shape: Shape,
  options: InitOptions & { readonly mean?: number; readonly std?: number; readonly limit?: number } = {},
): Tensor {
  checkOptions('truncatedNormal', options, 'dtype key mean std limit');
  const { mean = 0, std = 1, limit = 2 } = options;
  if (!(limit > 0))
    throw valueError(`truncatedNormal: the limit must be above 0 standard deviations, got ${limit}`);
  const edge = errorFunction(limit / Math.SQRT2);
  const even = drawUniform(shape, { dtype: options.dtype, key: options.key, low: -edge, high: edge });
  const bounded = inverseErrorFunction(even).mul(Math.SQRT2).clamp(-limit, limit);
  return bounded.mul(std).add(mean);
}

/**
 * Orthonormal rows or columns, whichever are fewer, times `gain`, for a weight seen as the matrix [out, rest]: Saxe,
 * McClelland, Ganguli 2014. Drawn on the host by Gram–Schmidt, done twice for accuracy.
 */
export function orthogonal(shape: Shape, options: ScalingOptions = {}): Tensor {
  checkOptions('orthogonal', options, 'gain dtype key');
  if (shape.length < 2) throw shapeError(`orthogonal: needs at least two axes, got [${shape.join(', ')}]`);
  const rows = shape[0];
  const columns = sizeOf(shape) / rows || 0;
  const count = Math.min(rows, columns);
  const length = Math.max(rows, columns);
  const drawn = drawNormal([count, length], { dtype: 'float64', key: options.key }).dataSync();
  const vectors = Array.from(
    { length: count },
    (_, i) => drawn.slice(i * length, (i + 1) * length) as Float64Array,
  );
  orthonormalize(vectors);
  const gain = options.gain ?? 1;
  const data = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++)
      data[i * columns + j] = gain * (rows <= columns ? vectors[i][j] : vectors[j][i]);
  }
  return tensor(data, { shape, dtype: options.dtype ?? 'float32' });
}

/** The identity matrix, for a weight [out, in]: what a linear layer gives is its input as far as there is room. */
export function eye(shape: Shape, options: InitOptions = {}): Tensor {
  checkOptions('eye', options, 'dtype key');
  if (shape.length !== 2) throw shapeError(`eye: needs a matrix [out, in], got [${shape.join(', ')}]`);
  return identity(shape[0], shape[1], dtypeOf(options));
}

/**
 * The identity of a convolution: 1 in the middle of the window where output and input channel are the same, else 0, in each
 * group by itself. With padding that keeps the size, what comes out is what went in, as in PyTorch.
 *
 * @param shape [out, in / groups, …kernel]
 */
export function dirac(shape: Shape, options: InitOptions & { readonly groups?: number } = {}): Tensor {
  checkOptions('dirac', options, 'dtype key groups');
  const { groups = 1 } = options;
  if (shape.length < 3 || shape.length > 5) {
    throw shapeError(`dirac: needs a weight [out, in, …kernel] of a convolution, got [${shape.join(', ')}]`);
  }
  const [out, into, ...kernel] = shape;
  if (!Number.isInteger(groups) || groups < 1 || out % groups !== 0)
    throw valueError(`dirac: ${out} output channels do not divide into ${groups} groups`);
  const window = sizeOf(kernel);
  const middle = kernel.reduce((at, size) => at * size + Math.floor(size / 2), 0);
  const data = new Float64Array(sizeOf(shape));
  for (let channel = 0; channel < out; channel++) {
    const within = channel % (out / groups);
    if (within < into) data[(channel * into + within) * window + middle] = 1;
  }
  return tensor(data, { shape, dtype: options.dtype ?? 'float32' });
}

/**
 * N(0, std²) with the fraction `sparsity` of each column, rounded up, set to 0: Martens 2010, "Deep learning via Hessian-free
 * optimization". Which ones is drawn for each column by itself.
 *
 * @param shape a matrix [out, in]
 * @param options `sparsity`: from 0 to 1; `std`: default 0.01
 */
export function sparse(
  shape: Shape,
  options: InitOptions & { readonly sparsity: number; readonly std?: number },
): Tensor {
  checkOptions('sparse', options, 'dtype key sparsity std');
  const { sparsity, std = 0.01, dtype } = options;
  if (shape.length !== 2) throw shapeError(`sparse: needs a matrix [out, in], got [${shape.join(', ')}]`);
  if (!(sparsity >= 0 && sparsity <= 1))
    throw valueError(`sparse: sparsity must lie from 0 to 1, got ${sparsity}`);
  const [values, order] = options.key ? splitKey(options.key, 2) : [undefined, undefined];
  const zeros = Math.ceil(sparsity * shape[0]);
  // Ranks of evenly spread numbers are a random order of each column.
  const ranks = argsort(argsort(drawUniform(shape, { key: order }), 0), 0);
  return ranks.greaterEqual(zeros).where(drawNormal(shape, { dtype, key: values, std }), 0);
}

/** The factor that keeps the scale of signals through an activation: 5/3 for tanh, √2 for relu, … (He et al. 2015). */
export function gain(
  activation: 'linear' | 'sigmoid' | 'tanh' | 'relu' | 'leakyRelu' | 'selu',
  slope = 0.01,
): number {
  switch (activation) {
    case 'tanh':
      return 5 / 3;
    case 'relu':
      return Math.SQRT2;
    case 'leakyRelu':
      return Math.sqrt(2 / (1 + slope * slope));
    case 'selu':
      return 3 / 4;
    default:
      return 1;
  }
}

/** [fanIn, fanOut] of a weight of the given shape. @throws RangeError for fewer than two axes */
export function fans(shape: Shape, where: string): readonly [number, number] {
  if (shape.length < 2) {
    throw shapeError(
      `${where}: fan-in and fan-out need a weight [out, in, …kernel], got [${shape.join(', ')}]`,
    );
  }
  const kernel = sizeOf(shape.slice(2));
  return [shape[1] * kernel, shape[0] * kernel];
}

/** A key for a seed, so that `init.heNormal(shape, { key: init.key(7) })` needs no second import. */
export const key = makeKey;

function fanOf(shape: Shape, options: HeOptions, where: string): number {
  const [fanIn, fanOut] = fans(shape, where);
  return options.mode === 'fanOut' ? fanOut : fanIn;
}

function symmetric(shape: Shape, bound: number, options: InitOptions): Tensor {
  return drawUniform(shape, { dtype: options.dtype, key: options.key, low: -bound, high: bound });
}

function centered(shape: Shape, std: number, options: InitOptions): Tensor {
  return drawNormal(shape, { dtype: options.dtype, key: options.key, std });
}

function dtypeOf({ dtype }: InitOptions): { readonly dtype?: DType | undefined } {
  return { dtype };
}

/** In tensor operations: a rational function of log(1 − x²) in two ranges, then one step of Newton's method. */
function inverseErrorFunction(x: Tensor): Tensor {
  const w = x.square().neg().log1p().neg();
  const near = polynomial(
    w.sub(2.5),
    [
      2.81022636e-8, 3.43273939e-7, -3.5233877e-6, -4.39150654e-6, 0.00021858087, -0.00125372503,
      -0.00417768164, 0.246640727, 1.50140941,
    ],
  );
  const far = polynomial(
    w.maximum(5).sqrt().sub(3),
    [
      -0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613,
      0.00943887047, 1.00167406, 2.83297682,
    ],
  );
  const first = w.less(5).where(near, far).mul(x);
  const error = first.erf().sub(x);
  return first.sub(error.mul(Math.sqrt(Math.PI) / 2).mul(first.square().exp()));
}

function polynomial(x: Tensor, coefficients: readonly number[]): Tensor {
  const [leading, ...rest] = coefficients as [number, ...number[]];
  return rest.reduce((sum, coefficient) => sum.mul(x).add(coefficient), x.mul(0).add(leading));
}

/** erf on the host by its Taylor series, enough for the few standard deviations of a limit; 1 beyond 6. */
function errorFunction(x: number): number {
  if (x > 6) return 1 - 2 ** -53;
  let term = x;
  let sum = x;
  for (let n = 1; n < 200; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return Math.min((2 / Math.sqrt(Math.PI)) * sum, 1 - 2 ** -53);
}

function orthonormalize(vectors: readonly Float64Array[]): void {
  vectors.forEach((vector, i) => {
    for (let pass = 0; pass < 2; pass++) {
      for (let j = 0; j < i; j++) {
        const other = vectors[j];
        const along = dot(vector, other);
        for (let n = 0; n < vector.length; n++) vector[n] -= along * other[n];
      }
    }
    const norm = Math.sqrt(dot(vector, vector));
    for (let n = 0; n < vector.length; n++) vector[n] /= norm;
  });
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}
