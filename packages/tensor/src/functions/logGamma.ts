/** The logarithm of the gamma function, of operations that differentiate to any order. */
import type { Tensor } from '../tensor.ts';

/** Bernoulli numbers B₂ₖ / (2k·(2k − 1)): the series of J. Stirling (Abramowitz & Stegun, 6.1.41). */
const stirling = [1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360];
const shift = 8;
/** ½·log 2π. */
const halfLogTau = 0.9189385332046727;

/** log Γ(x) for x > 0: by Γ(x + 1) = x·Γ(x) moved to where Stirling's series holds. ∞ at 0, NaN below. */
export function logGamma(x: Tensor): Tensor {
  let product = x;
  for (let k = 1; k < shift; k++) product = product.mul(x.add(k));
  // Large arguments need no moving, and would overflow.
  const large = x.greater(1e4);
  const y = large.where(x, x.add(shift));
  const square = y.square();
  const series = stirling
    .slice(0, -1)
    .reduceRight((sum, c) => sum.div(square).add(c), y.mul(0).add(stirling[stirling.length - 1]))
    .div(y);
  const whole = y.sub(0.5).mul(y.log()).sub(y).add(series.add(halfLogTau));
  return whole.sub(large.where(1, product).log());
}

/** x·log y, 0 where x is 0. */
export function timesLog(x: Tensor, y: Tensor): Tensor {
  const zero = x.equal(0);
  return zero.where(0, x.mul(zero.where(1, y).log()));
}
