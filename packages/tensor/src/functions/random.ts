/**
 * Random tensors. Every draw is made from a key; without one, the next key of a global sequence is taken, which
 * `manualSeed` starts anew. The same key always gives the same numbers.
 */

import { checkFinite, checkInteger, checkNumber } from '../check.ts';
import { checkDType, checkFloatDType, type DType } from '../dtype.ts';
import { valueError } from '../errors.ts';
import { coordinates } from '../ops/indexing.ts';
import { randomBits, randomUniform } from '../ops/random.ts';
import { checkOptions } from '../options.ts';
import { checkKey, type Key, nextKey } from '../run/randomKeys.ts';
import { checkShape, type Shape } from '../shape.ts';
import type { AsWritten } from '../shapeTypes.ts';
import { apply, checkTensor, literal, type Tensor } from '../tensor.ts';

/** Options of what is drawn at random. */
export interface RandomOptions {
  /** Default: the next of the global sequence. */
  readonly key?: Key;
  /** Default float32. */
  readonly dtype?: DType;
}

/**
 * Numbers spread evenly over [low, high); where the numbers are coarse beside `low`, rounding may give `high` itself.
 *
 * ```ts
 * uniform([2, 3], { low: -1, high: 1, key: key(7) });
 * ```
 */
export function uniform<const S extends Shape>(
  shape: S,
  options: RandomOptions & { readonly low?: number; readonly high?: number } = {},
): Tensor<AsWritten<S>> {
  checkOptions('uniform', options, 'key dtype low high');
  const { low = 0, high = 1 } = options;
  checkFinite(low, 'uniform', 'low');
  checkFinite(high, 'uniform', 'high');
  if (low > high) throw valueError(`uniform: needs low ≤ high, got ${low} and ${high}`);
  const unit = fraction('uniform', shape, options);
  return low === 0 && high === 1 ? unit : unit.mul(high - low).add(low);
}

/** Normally distributed numbers, by the method of Box and Muller (1958). */
export function normal<const S extends Shape>(
  shape: S,
  options: RandomOptions & { readonly mean?: number; readonly std?: number } = {},
): Tensor<AsWritten<S>> {
  checkOptions('normal', options, 'key dtype mean std');
  const { mean = 0, std = 1 } = options;
  checkFinite(mean, 'normal', 'mean');
  if (!(checkFinite(std, 'normal', 'std') >= 0)) throw valueError(`normal: std must be ≥ 0, got ${std}`);
  const dtype = checkFloatDType(options.dtype ?? 'float32', 'normal');
  checkShape(shape, 'normal');
  const words = keyWords(keyFrom(options, 'normal'));
  const radius = drawWith(shape, words, 1, dtype).neg().log1p().mul(-2).sqrt();
  const angle = drawWith(shape, words, 2, dtype).mul(2 * Math.PI);
  const unit = radius.mul(angle.cos());
  return mean === 0 && std === 1 ? unit : unit.mul(std).add(mean);
}

/**
 * Normally distributed numbers within [low, high], by default two standard deviations around the mean: the inverse of the
 * distribution function at numbers spread evenly between its values at both limits.
 */
export function truncatedNormal<const S extends Shape>(
  shape: S,
  options: RandomOptions & {
    readonly mean?: number;
    readonly std?: number;
    readonly low?: number;
    readonly high?: number;
  } = {},
): Tensor<AsWritten<S>> {
  checkOptions('truncatedNormal', options, 'key dtype mean std low high');
  const { mean = 0, std = 1 } = options;
  const dtype = checkFloatDType(options.dtype ?? 'float32', 'truncatedNormal');
  checkFinite(mean, 'truncatedNormal', 'mean');
  checkFinite(std, 'truncatedNormal', 'std');
  const { low = mean - 2 * std, high = mean + 2 * std } = options;
  checkNumber(low, 'truncatedNormal', 'low');
  checkNumber(high, 'truncatedNormal', 'high');
  if (!(low < high) || !(std > 0)) {
    throw valueError(
      `truncatedNormal: needs low < high and std > 0, got low ${low}, high ${high}, std ${std}`,
    );
  }
  const error = (limit: number): Tensor => literal(((limit - mean) / std) * Math.SQRT1_2, 'float64').erf();
  const [from, to] = [error(low), error(high)];
  const spread = fraction('truncatedNormal', shape, { ...options, dtype: 'float64' })
    .mul(to.sub(from))
    .add(from);
  const result = erfInverse(spread)
    .mul(Math.SQRT2 * std)
    .add(mean);
  return result.clamp(low, high).cast(dtype);
}

/** Exponentially distributed numbers: waiting times at `rate` (default 1) events a unit; mean 1 / rate. */
export function exponential<const S extends Shape>(
  shape: S,
  options: RandomOptions & { readonly rate?: number } = {},
): Tensor<AsWritten<S>> {
  checkOptions('exponential', options, 'key dtype rate');
  const { rate = 1 } = options;
  if (!(checkFinite(rate, 'exponential', 'the rate') > 0))
    throw valueError(`exponential: the rate must be positive, got ${rate}`);
  return fraction('exponential', shape, options).neg().log1p().div(-rate);
}

/** 1 with probability `p`, else 0. As a tensor, `p` broadcasts to the shape. */
export function bernoulli<const S extends Shape>(
  shape: S,
  p: number | Tensor,
  options: RandomOptions = {},
): Tensor<AsWritten<S>> {
  checkOptions('bernoulli', options, 'key dtype');
  if (typeof p !== 'number') checkTensor(p, 'bernoulli', 'p', 'a tensor or a number');
  else if (!(p >= 0 && p <= 1)) throw valueError(`bernoulli: the probability must be in [0, 1], got ${p}`);
  const dtype = checkDType(options.dtype ?? 'float32', 'bernoulli');
  return fraction('bernoulli', shape, { ...options, dtype: 'float32' })
    .less(p)
    .cast(dtype);
}

/** Whole numbers spread evenly over low … high − 1, int32. */
export function randint<const S extends Shape>(
  shape: S,
  low: number,
  high: number,
  options: { readonly key?: Key } = {},
): Tensor<AsWritten<S>> {
  checkOptions('randint', options, 'key');
  if (
    !Number.isInteger(low) ||
    !Number.isInteger(high) ||
    high <= low ||
    low < -(2 ** 31) ||
    high > 2 ** 31
  ) {
    throw valueError(`randint: needs whole numbers low < high within int32, got ${low} and ${high}`);
  }
  return fraction('randint', shape, { ...options, dtype: 'float64' })
    .mul(high - low)
    .floor()
    .add(low)
    .cast('int32');
}

/** The numbers 0 … n − 1 in random order, int32; each order is as likely as any other. */
export function permutation<N extends number>(n: N, options: { readonly key?: Key } = {}): Tensor<[N]> {
  checkOptions('permutation', options, 'key');
  checkInteger(n, 'permutation', 'n', 0);
  return fraction('permutation', [n], { ...options, dtype: 'float64' }).argsort();
}

/** Draws classes with the probabilities softmax(logits) along the last axis, by the Gumbel-max method: `[..., classes]` → `[...]`, int32. */
export function categorical(logits: Tensor, options: { readonly key?: Key } = {}): Tensor {
  checkOptions('categorical', options, 'key');
  const { shape } = checkTensor(logits, 'categorical', 'logits');
  const noise = fraction('categorical', shape, { ...options, dtype: 'float64' })
    .neg()
    .log1p()
    .neg()
    .log()
    .neg();
  return logits
    .detach()
    .add(noise.cast(logits.dtype === 'float64' ? 'float64' : 'float32'))
    .argmax(-1);
}

/**
 * The inverse of erf on (−1, 1): polynomials of M. Giles, "Approximating the erfinv function" (2010), good to 10⁻⁷, then
 * one step of Newton's method.
 */
function erfInverse(x: Tensor): Tensor {
  const polynomial = (at: Tensor, coefficients: readonly number[]): Tensor =>
    coefficients.slice(1).reduce((sum, c) => sum.mul(at).add(c), at.mul(0).add(coefficients[0]));
  const w = x.neg().add(1).mul(x.add(1)).log().neg();
  const central = polynomial(
    w.sub(2.5),
    [
      2.81022636e-8, 3.43273939e-7, -3.5233877e-6, -4.39150654e-6, 0.00021858087, -0.00125372503,
      -0.00417768164, 0.246640727, 1.50140941,
    ],
  );
  const outer = polynomial(
    w.sqrt().sub(3),
    [
      -0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613,
      0.00943887047, 1.00167406, 2.83297682,
    ],
  );
  const first = w.less(5).where(central, outer).mul(x);
  const slope = first
    .square()
    .neg()
    .exp()
    .mul(2 / Math.sqrt(Math.PI));
  return first.sub(first.erf().sub(x).div(slope));
}

/** 32 random bits for each element, uint32. */
export function bits(shape: Shape, own: Key): Tensor {
  const [k0, k1] = keyWords(own);
  return apply(randomBits, [counters(shape), k0, k1], { stream: 0 });
}

/** Numbers spread evenly over [0, 1), of checked options. */
function fraction(operation: string, shape: Shape, options: RandomOptions): Tensor {
  const dtype = checkFloatDType(options.dtype ?? 'float32', operation);
  checkShape(shape, operation);
  return drawWith(shape, keyWords(keyFrom(options, operation)), 0, dtype);
}

/** The key of the options, or the next of the global sequence. */
export function keyFrom(options: Pick<RandomOptions, 'key'>, operation: string): Key {
  return options.key === undefined ? nextKey() : checkKey(options.key, operation);
}

/** Numbers spread evenly over [0, 1) of a key's words; each stream gives others. */
export function drawWith(
  shape: Shape,
  [k0, k1]: readonly [Tensor, Tensor],
  stream: number,
  dtype: DType,
): Tensor {
  return apply(randomUniform, [counters(shape), k0, k1], { stream, dtype });
}

function counters(shape: Shape): Tensor {
  return apply(coordinates, [], { shape: checkShape(shape, 'random') });
}

/** The two words of a key, as uint32 scalars. */
export function keyWords(own: Key): readonly [Tensor, Tensor] {
  if (own.tensors) return own.tensors;
  const read = own.read;
  if (!read) return [literal(own.words[0], 'uint32'), literal(own.words[1], 'uint32')];
  // Both words are read one after the other at each run: the first draws, the second takes its rest.
  let words: readonly [number, number] = own.words;
  return [
    literal(own.words[0], 'uint32', () => {
      words = read();
      return words[0];
    }),
    literal(own.words[1], 'uint32', () => words[1]),
  ];
}
