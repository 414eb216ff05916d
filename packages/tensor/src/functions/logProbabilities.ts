/**
 * Logarithms of probabilities and densities, elementwise unless a distribution is of vectors; differentiable in the value and in the
 * parameters. Outside of where a distribution lives they are −∞. Formulas as in SciPy's `stats`.
 */
import { floatOf } from '../dtype.ts';
import { shapeError } from '../errors.ts';
import { checkOptions } from '../options.ts';
import { formatShape } from '../shape.ts';
import { checkTensor, type Tensor } from '../tensor.ts';
import type { Parameter } from './distributions.ts';
import { lgamma } from './elementwise/gamma.ts';
import { xlogy } from './elementwise/logarithms.ts';
import { diagonal } from './free.ts';
import { cholesky, solveTriangular } from './linearAlgebra.ts';
import { gatherAlong } from './select.ts';

/** log Γ of a parameter that has to be above 0: NaN below. */
const logGamma = (parameter: Tensor): Tensor => parameter.less(0).where(Number.NaN, lgamma(parameter));

/** ½·log 2π. */
const halfLogTau = 0.9189385332046727;

/** The value in a dtype with fractions. */
function real(x: Tensor, name: string): Tensor {
  return checkTensor(x, name).cast(floatOf(x.dtype));
}

/** A parameter as a tensor beside `x`. */
function beside(value: Parameter, x: Tensor, name: string, what: string): Tensor {
  if (typeof value === 'number') return x.number(value);
  checkTensor(value, name, what, 'a tensor or a number');
  return value.cast(floatOf(value.dtype));
}

/** −∞ where `inside` is false; the other branch's gradient does not reach there. */
function within(inside: Tensor, value: Tensor): Tensor {
  return inside.where(value, Number.NEGATIVE_INFINITY);
}

/** log of the density of a normal distribution; `mean` default 0, `std` default 1. */
export function normalLogProb(
  x: Tensor,
  options: { readonly mean?: Parameter; readonly std?: Parameter } = {},
): Tensor {
  const name = 'normalLogProb';
  checkOptions(name, options, 'mean std');
  const at = real(x, name);
  const std = beside(options.std ?? 1, at, name, 'std');
  const z = at.sub(beside(options.mean ?? 0, at, name, 'mean')).div(std);
  return z.square().mul(-0.5).sub(std.log()).sub(halfLogTau);
}

/** log of the density of numbers spread evenly over [low, high); `low` default 0, `high` default 1. */
export function uniformLogProb(
  x: Tensor,
  options: { readonly low?: Parameter; readonly high?: Parameter } = {},
): Tensor {
  const name = 'uniformLogProb';
  checkOptions(name, options, 'low high');
  const at = real(x, name);
  const low = beside(options.low ?? 0, at, name, 'low');
  const high = beside(options.high ?? 1, at, name, 'high');
  return within(at.greaterEqual(low).logicalAnd(at.less(high)), high.sub(low).log().neg().add(at.mul(0)));
}

/** log of the probability of 0 or 1, where 1 has probability `p`. */
export function bernoulliLogProb(x: Tensor, options: { readonly p: Parameter }): Tensor {
  const name = 'bernoulliLogProb';
  checkOptions(name, options, 'p');
  const at = real(x, name);
  const p = beside(options.p, at, name, 'p');
  const [one, zero] = [at.equal(1), at.equal(0)];
  const value = one.where(p, p.neg().add(1)).log();
  return within(one.logicalOr(zero), value);
}

/** log of the probability of classes: whole numbers `[...]`, `logits` `[..., classes]` whose softmax are the probabilities → `[...]`. */
export function categoricalLogProb(x: Tensor, options: { readonly logits: Tensor }): Tensor {
  const name = 'categoricalLogProb';
  checkOptions(name, options, 'logits');
  const logits = checkTensor(options.logits, name, 'the logits');
  if (logits.shape.length === 0) throw shapeError(`${name}: the logits need an axis, got a scalar`);
  return gatherAlong(logits.logSoftmax(-1), checkTensor(x, name).unsqueeze(-1), -1).squeeze(-1);
}

/** log of the density of waiting times at `rate` (default 1) events a unit. */
export function exponentialLogProb(x: Tensor, options: { readonly rate?: Parameter } = {}): Tensor {
  const name = 'exponentialLogProb';
  checkOptions(name, options, 'rate');
  const at = real(x, name);
  const rate = beside(options.rate ?? 1, at, name, 'rate');
  return within(at.greaterEqual(0), rate.log().sub(rate.mul(at)));
}

/** log of the density of the gamma distribution; `concentration` and `rate` default 1. */
export function gammaLogProb(
  x: Tensor,
  options: { readonly concentration?: Parameter; readonly rate?: Parameter } = {},
): Tensor {
  const name = 'gammaLogProb';
  checkOptions(name, options, 'concentration rate');
  const at = real(x, name);
  const a = beside(options.concentration ?? 1, at, name, 'concentration');
  const rate = beside(options.rate ?? 1, at, name, 'rate');
  const inside = at.greaterEqual(0);
  const safe = inside.where(at, 1);
  const value = a
    .mul(rate.log())
    .add(xlogy(a.sub(1), safe))
    .sub(rate.mul(safe))
    .sub(logGamma(a));
  return within(inside, value);
}

/** log of the density of the beta distribution on [0, 1]; `alpha` and `beta` default 1. */
export function betaLogProb(
  x: Tensor,
  options: { readonly alpha?: Parameter; readonly beta?: Parameter } = {},
): Tensor {
  const name = 'betaLogProb';
  checkOptions(name, options, 'alpha beta');
  const at = real(x, name);
  const a = beside(options.alpha ?? 1, at, name, 'alpha');
  const b = beside(options.beta ?? 1, at, name, 'beta');
  const inside = at.greaterEqual(0).logicalAnd(at.lessEqual(1));
  const safe = inside.where(at, 0.5);
  const value = xlogy(a.sub(1), safe).add(xlogy(b.sub(1), safe.neg().add(1)));
  return within(
    inside,
    value
      .add(logGamma(a.add(b)))
      .sub(logGamma(a))
      .sub(logGamma(b)),
  );
}

/** log of the probability of whole numbers of events, at `rate` (default 1) events a unit. */
export function poissonLogProb(x: Tensor, options: { readonly rate?: Parameter } = {}): Tensor {
  const name = 'poissonLogProb';
  checkOptions(name, options, 'rate');
  const at = real(x, name);
  const rate = beside(options.rate ?? 1, at, name, 'rate');
  const inside = at.greaterEqual(0).logicalAnd(at.floor().equal(at));
  const safe = inside.where(at, 0);
  return within(
    inside,
    xlogy(safe, rate)
      .sub(rate)
      .sub(lgamma(safe.add(1))),
  );
}

/** log of the density of the Laplace distribution; `location` default 0, `scale` default 1. */
export function laplaceLogProb(
  x: Tensor,
  options: { readonly location?: Parameter; readonly scale?: Parameter } = {},
): Tensor {
  const name = 'laplaceLogProb';
  checkOptions(name, options, 'location scale');
  const at = real(x, name);
  const scale = beside(options.scale ?? 1, at, name, 'scale');
  const distance = at.sub(beside(options.location ?? 0, at, name, 'location')).abs();
  return distance.div(scale).neg().sub(scale.mul(2).log());
}

/** log of the density of the Gumbel distribution of largest values; `location` default 0, `scale` default 1. */
export function gumbelLogProb(
  x: Tensor,
  options: { readonly location?: Parameter; readonly scale?: Parameter } = {},
): Tensor {
  const name = 'gumbelLogProb';
  checkOptions(name, options, 'location scale');
  const at = real(x, name);
  const scale = beside(options.scale ?? 1, at, name, 'scale');
  const z = at.sub(beside(options.location ?? 0, at, name, 'location')).div(scale);
  return z.add(z.neg().exp()).neg().sub(scale.log());
}

/** log of the density of `truncatedNormal`: a normal distribution within [low, high], by default two `std` around the mean. */
export function truncatedNormalLogProb(
  x: Tensor,
  options: {
    readonly mean?: Parameter;
    readonly std?: Parameter;
    readonly low?: Parameter;
    readonly high?: Parameter;
  } = {},
): Tensor {
  const name = 'truncatedNormalLogProb';
  checkOptions(name, options, 'mean std low high');
  const at = real(x, name);
  const mean = beside(options.mean ?? 0, at, name, 'mean');
  const std = beside(options.std ?? 1, at, name, 'std');
  const low = options.low === undefined ? mean.sub(std.mul(2)) : beside(options.low, at, name, 'low');
  const high = options.high === undefined ? mean.add(std.mul(2)) : beside(options.high, at, name, 'high');
  const share = (limit: Tensor): Tensor => limit.sub(mean).div(std).mul(Math.SQRT1_2).erf();
  const mass = share(high).sub(share(low)).mul(0.5).log();
  const value = normalLogProb(at, { mean, std }).sub(mass);
  return within(at.greaterEqual(low).logicalAnd(at.lessEqual(high)), value);
}

/** log of the density of vectors that add up to 1: `x` and `concentration` `[..., k]` → `[...]`. */
export function dirichletLogProb(x: Tensor, options: { readonly concentration: Tensor }): Tensor {
  const name = 'dirichletLogProb';
  checkOptions(name, options, 'concentration');
  const at = real(x, name);
  const a = beside(options.concentration, at, name, 'concentration');
  return xlogy(a.sub(1), at)
    .sub(logGamma(a))
    .sum(-1)
    .add(logGamma(a.sum(-1)));
}

/** log of the probability of how often each outcome came: counts and `probabilities`, which add up to 1, `[..., k]` → `[...]`. */
export function multinomialLogProb(x: Tensor, options: { readonly probabilities: Tensor }): Tensor {
  const name = 'multinomialLogProb';
  checkOptions(name, options, 'probabilities');
  const at = real(x, name);
  const p = beside(options.probabilities, at, name, 'probabilities');
  return xlogy(at, p)
    .sub(lgamma(at.add(1)))
    .sum(-1)
    .add(lgamma(at.sum(-1).add(1)));
}

/** log of the density of vectors of a normal distribution: `x` and `mean` `[..., d]`, `covariance` `[..., d, d]` → `[...]`. */
export function multivariateNormalLogProb(
  x: Tensor,
  options: { readonly mean: Tensor; readonly covariance: Tensor },
): Tensor {
  const name = 'multivariateNormalLogProb';
  checkOptions(name, options, 'mean covariance');
  const at = real(x, name);
  const covariance = beside(options.covariance, at, name, 'covariance');
  const d = at.shape.at(-1);
  if (d === undefined || covariance.shape.length < 2 || covariance.shape.slice(-2).some((n) => n !== d)) {
    throw shapeError(
      `${name}: needs vectors [..., d] and a covariance [..., d, d], got ${formatShape(at.shape)} and ${formatShape(covariance.shape)}`,
    );
  }
  const l = cholesky(covariance);
  const z = solveTriangular(l, at.sub(beside(options.mean, at, name, 'mean')).unsqueeze(-1)).squeeze(-1);
  const size = diagonal(l).log().sum(-1);
  return z
    .square()
    .sum(-1)
    .mul(-0.5)
    .sub(size)
    .sub(d * halfLogTau);
}
