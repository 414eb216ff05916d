/**
 * Random tensors of further distributions; `random.ts` has the others. Numbers are drawn in float64 whatever the dtype, from the key alone, so they
 * are the same on every backend. Where the classic method rejects and tries again, a fixed number of tries is made and the first that is
 * accepted taken: that none is happens less than once in 10⁹ draws, and then the middle of the distribution is given.
 */
import { checkFinite, checkInteger } from '../check.ts';
import { checkFloatDType, type DType } from '../dtype.ts';
import { shapeError, valueError } from '../errors.ts';
import { checkOptions } from '../options.ts';
import type { Key } from '../run/randomKeys.ts';
import { broadcastShapes, checkShape, formatShape, type Shape } from '../shape.ts';
import { checkTensor, literal, type Tensor } from '../tensor.ts';
import { lgamma } from './elementwise/gamma.ts';
import { oneHot } from './free.ts';
import { cholesky } from './linearAlgebra.ts';
import { drawWith, keyFrom, keyWords, type RandomOptions } from './random.ts';

/** A number for all elements, or a tensor that broadcasts to the shape. */
export type Parameter = number | Tensor;

type Words = readonly [Tensor, Tensor];

/** Streams 0 to 2 of a key are those of `random.ts`. */
const firstStream = 3;
const tries = 12;

/** Normally distributed numbers of two streams. */
function normalOf(shape: Shape, words: Words, stream: number): Tensor {
  const radius = drawWith(shape, words, stream, 'float64').neg().log1p().mul(-2).sqrt();
  return radius.mul(
    drawWith(shape, words, stream + 1, 'float64')
      .mul(2 * Math.PI)
      .cos(),
  );
}

/** A parameter in float64, as a constant. */
function parameter(value: Parameter, name: string, what: string, shape: Shape, positive = true): Tensor {
  if (typeof value === 'number') {
    checkFinite(value, name, what);
    if (positive && !(value > 0)) throw valueError(`${name}: ${what} must be positive, got ${value}`);
    return literal(value, 'float64').broadcastTo(shape);
  }
  checkTensor(value, name, what, 'a tensor or a number');
  return value.detach().cast('float64').broadcastTo(shape);
}

/** Random numbers of the gamma distribution with parameters `a` in float64, as logarithms. */
function logGammaDraws(a: Tensor, words: Words, stream: number): Tensor {
  const { shape } = a;
  // Below 1 the distribution of a + 1 is taken, times a power of an even number.
  const small = a.less(1);
  const d = small.where(a.add(1), a).sub(1 / 3);
  const c = d.mul(9).rsqrt();
  let done: Tensor | null = null;
  let chosen = d.mul(0).add(1);
  for (let i = 0; i < tries; i++) {
    const z = normalOf(shape, words, stream + 3 * i);
    const u = drawWith(shape, words, stream + 3 * i + 2, 'float64');
    const root = z.mul(c).add(1);
    const positive = root.greater(0);
    const v = positive.where(root.mul(root).mul(root), 1);
    const limit = z.square().mul(0.5).add(d).sub(d.mul(v)).add(d.mul(v.log()));
    const fits = positive.logicalAnd(u.log().less(limit));
    chosen = (done === null ? fits : fits.logicalAnd(done.logicalNot())).where(v, chosen);
    done = done === null ? fits : done.logicalOr(fits);
  }
  const power = drawWith(shape, words, stream + 3 * tries, 'float64')
    .log()
    .div(a);
  return chosen.mul(d).log().add(small.where(power, 0));
}

const gammaStreams = 3 * tries + 1;

/**
 * Numbers of the gamma distribution, with mean concentration / rate: G. Marsaglia, W. Tsang, "A simple method for generating gamma variables"
 * (2000). Without a gradient.
 *
 * @param options `concentration` and `rate`: positive numbers, or tensors that broadcast to the shape. Default 1
 */
export function gamma(
  shape: Shape,
  options: RandomOptions & { readonly concentration?: Parameter; readonly rate?: Parameter } = {},
): Tensor {
  const name = 'gamma';
  checkOptions(name, options, 'key dtype concentration rate');
  const { dtype, words } = begin(name, shape, options);
  const a = parameter(options.concentration ?? 1, name, 'the concentration', shape);
  const rate = parameter(options.rate ?? 1, name, 'the rate', shape);
  return logGammaDraws(a, words, firstStream).exp().div(rate).cast(dtype);
}

/**
 * Numbers of the beta distribution in [0, 1], with mean alpha / (alpha + beta): x / (x + y) of two numbers of gamma distributions, by their
 * logarithms, so that small parameters lose nothing. Without a gradient.
 */
export function beta(
  shape: Shape,
  options: RandomOptions & { readonly alpha?: Parameter; readonly beta?: Parameter } = {},
): Tensor {
  const name = 'beta';
  checkOptions(name, options, 'key dtype alpha beta');
  const { dtype, words } = begin(name, shape, options);
  const a = parameter(options.alpha ?? 1, name, 'alpha', shape);
  const b = parameter(options.beta ?? 1, name, 'beta', shape);
  const x = logGammaDraws(a, words, firstStream);
  const y = logGammaDraws(b, words, firstStream + gammaStreams);
  return x.sub(y).sigmoid().cast(dtype);
}

/**
 * Positive numbers that add up to 1 along the last axis: `[..., k]` → `[...shape, ..., k]`. Without a gradient.
 *
 * @param concentration positive numbers: the larger their sum, the nearer to their proportions
 * @param options `shape`: so many draws for each. Default: one
 */
export function dirichlet(
  concentration: Tensor,
  options: RandomOptions & { readonly shape?: Shape } = {},
): Tensor {
  const name = 'dirichlet';
  checkOptions(name, options, 'key dtype shape');
  if (checkTensor(concentration, name, 'the concentration').shape.length === 0)
    throw shapeError(`${name}: the concentration needs an axis, got a scalar`);
  const shape = [...(options.shape ?? []), ...concentration.shape];
  const { dtype, words } = begin(name, shape, options);
  const a = parameter(concentration, name, 'the concentration', shape);
  return logGammaDraws(a, words, firstStream).softmax(-1).cast(dtype);
}

/** Rates up to this are looked up in the distribution function. */
const smallRate = 30;
const smallSteps = 96;

/**
 * Whole numbers of the Poisson distribution, int32: how many events there are at `rate` events a unit. Small rates by the distribution function,
 * larger ones by W. Hörmann, "The transformed rejection method for generating Poisson random variables" (1993).
 *
 * @param options `rate`: a number ≥ 0, or a tensor that broadcasts to the shape. Default 1
 */
export function poisson(
  shape: Shape,
  options: { readonly key?: Key; readonly rate?: Parameter } = {},
): Tensor {
  const name = 'poisson';
  checkOptions(name, options, 'key rate');
  const { words } = begin(name, shape, options);
  const given = options.rate ?? 1;
  if (typeof given === 'number' && !(given >= 0))
    throw valueError(`${name}: the rate must be ≥ 0, got ${given}`);
  const rate = parameter(given, name, 'the rate', shape, false);
  const small = typeof given === 'number' && given >= smallRate ? null : smallPoisson(rate, words);
  const large = typeof given === 'number' && given < smallRate ? null : largePoisson(rate, words);
  if (small === null) return large!.cast('int32');
  return (large === null ? small : rate.less(smallRate).where(small, large)).cast('int32');
}

/** How many values of the distribution function are not above an even number. */
function smallPoisson(rate: Tensor, words: Words): Tensor {
  const u = drawWith(rate.shape, words, firstStream, 'float64');
  const own = rate.minimum(smallRate);
  let share = own.neg().exp();
  let total = share;
  let count = u.greaterEqual(total).cast('float64');
  for (let k = 1; k < smallSteps; k++) {
    share = share.mul(own).div(k);
    total = total.add(share);
    count = count.add(u.greaterEqual(total).cast('float64'));
  }
  return count;
}

function largePoisson(given: Tensor, words: Words): Tensor {
  const rate = given.maximum(smallRate);
  const b = rate.sqrt().mul(2.53).add(0.931);
  const a = b.mul(0.02483).sub(0.059);
  const inverseAlpha = b.sub(3.4).reciprocal().mul(1.1328).add(1.1239);
  const limit = b.sub(2).reciprocal().mul(-3.6224).add(0.9277);
  let done: Tensor | null = null;
  let chosen = rate.floor();
  for (let i = 0; i < tries; i++) {
    const u = drawWith(rate.shape, words, firstStream + 1 + 2 * i, 'float64').sub(0.5);
    const v = drawWith(rate.shape, words, firstStream + 2 + 2 * i, 'float64');
    const us = u.abs().neg().add(0.5);
    const k = a.mul(2).div(us).add(b).mul(u).add(rate).add(0.43).floor();
    const inside = k.greaterEqual(0);
    const quick = us.greaterEqual(0.07).logicalAnd(v.lessEqual(limit));
    const possible = us.less(0.013).logicalAnd(v.greater(us)).logicalNot();
    const size = inside.where(k, 0);
    const left = v.mul(inverseAlpha).div(a.div(us.square()).add(b)).log();
    const right = size
      .mul(rate.log())
      .sub(rate)
      .sub(lgamma(size.add(1)));
    const fits = inside.logicalAnd(quick.logicalOr(possible.logicalAnd(left.lessEqual(right))));
    chosen = (done === null ? fits : fits.logicalAnd(done.logicalNot())).where(size, chosen);
    done = done === null ? fits : done.logicalOr(fits);
  }
  return chosen;
}

/**
 * Numbers of the Laplace distribution, two exponential ones back to back around `location`. Differentiable in location and scale.
 *
 * @param options `location` default 0, `scale` default 1: numbers, or tensors that broadcast to the shape
 */
export function laplace(
  shape: Shape,
  options: RandomOptions & { readonly location?: Parameter; readonly scale?: Parameter } = {},
): Tensor {
  return located('laplace', shape, options, (u) => {
    const centered = u.sub(0.5);
    return centered.sign().mul(centered.abs().mul(-2).log1p()).neg();
  });
}

/** Numbers of the Gumbel distribution, of largest values: −log(−log u), scaled and moved. Differentiable in location and scale. */
export function gumbel(
  shape: Shape,
  options: RandomOptions & { readonly location?: Parameter; readonly scale?: Parameter } = {},
): Tensor {
  return located('gumbel', shape, options, (u) => u.neg().log1p().neg().log().neg());
}

function located(
  name: string,
  shape: Shape,
  options: RandomOptions & { readonly location?: Parameter; readonly scale?: Parameter },
  of: (u: Tensor) => Tensor,
): Tensor {
  checkOptions(name, options, 'key dtype location scale');
  const { location = 0, scale = 1 } = options;
  const { dtype, words } = begin(name, shape, options);
  if (typeof scale === 'number' && !(checkFinite(scale, name, 'the scale') > 0))
    throw valueError(`${name}: the scale must be positive, got ${scale}`);
  if (typeof location === 'number') checkFinite(location, name, 'the location');
  for (const value of [location, scale])
    if (typeof value !== 'number')
      broadcastShapes(shape, checkTensor(value, name, 'location or scale').shape, name);
  const unit = of(drawWith(shape, words, 0, 'float64')).cast(dtype);
  return unit.mul(scale).add(location);
}

/**
 * How often each of k outcomes came in `trials` draws: probabilities `[..., k]` → counts `[..., k]`, int32. Takes memory for all draws at once.
 *
 * @param probabilities numbers ≥ 0 along the last axis; only their proportions count
 */
export function multinomial(
  trials: number,
  probabilities: Tensor,
  options: { readonly key?: Key } = {},
): Tensor {
  const name = 'multinomial';
  checkOptions(name, options, 'key');
  checkInteger(trials, name, 'trials', 0);
  const { shape } = checkTensor(probabilities, name, 'the probabilities');
  if (shape.length === 0) throw shapeError(`${name}: the probabilities need an axis, got a scalar`);
  const k = shape[shape.length - 1];
  const all = [trials, ...shape];
  const { words } = begin(name, all, options);
  const noise = drawWith(all, words, 0, 'float64').neg().log1p().neg().log().neg();
  const drawn = probabilities.detach().cast('float64').log().add(noise).argmax(-1);
  return oneHot(drawn, k, { dtype: 'int32' }).sum(0);
}

/**
 * Vectors of a normal distribution with a covariance: mean `[..., d]` and covariance `[..., d, d]` → `[...shape, ..., d]`. Differentiable in both.
 *
 * @param options `shape`: so many draws for each. Default: one
 * @throws RangeError when evaluated, for a covariance that is not positive definite
 */
export function multivariateNormal(
  mean: Tensor,
  covariance: Tensor,
  options: RandomOptions & { readonly shape?: Shape } = {},
): Tensor {
  const name = 'multivariateNormal';
  checkOptions(name, options, 'key dtype shape');
  const d = checkTensor(mean, name, 'the mean').shape.at(-1);
  checkTensor(covariance, name, 'the covariance');
  if (d === undefined || covariance.shape.length < 2 || covariance.shape.slice(-2).some((n) => n !== d)) {
    throw shapeError(
      `${name}: needs a mean [..., d] and a covariance [..., d, d], got ${formatShape(mean.shape)} and ${formatShape(covariance.shape)}`,
    );
  }
  const batch = broadcastShapes(mean.shape.slice(0, -1), covariance.shape.slice(0, -2), name);
  const shape = [...(options.shape ?? []), ...batch, d];
  const { dtype, words } = begin(name, shape, options);
  const z = normalOf(shape, words, firstStream).unsqueeze(-1);
  const spread = cholesky(covariance.cast('float64')).matmul(z).squeeze(-1);
  return spread.add(mean.cast('float64')).cast(dtype);
}

function begin(
  name: string,
  shape: Shape,
  options: { readonly key?: Key; readonly dtype?: DType },
): { readonly dtype: DType; readonly words: Words } {
  checkShape(shape, name);
  const dtype = checkFloatDType(options.dtype ?? 'float32', name);
  return { dtype, words: keyWords(keyFrom(options, name)) };
}
