/** Elementwise functions around the exponential and the logarithm, written so that they neither overflow nor cancel. */
import { type Scalar, s } from '../../kernel/expression.ts';
import type { Tensor } from '../../tensor.ts';
import { asFloat, binaryFunction, isWide, number, unaryFunction, where } from './define.ts';

/** Inverse hyperbolic sine. Of |x| ≥ 0: log(1 + (a + a²/(1 + √(a² + 1)))), exact near 0; log a + log 2 where a² would overflow. */
export const asinh = /* @__PURE__ */ unaryFunction('asinh', {
  of: (x) => {
    const size = s.abs(x);
    const [near, far] = split(size);
    const square = s.mul(near, near);
    const one = number(1, x);
    const rest = s.div(square, s.add(one, s.sqrt(s.add(square, one))));
    return s.mul(s.sign(x), where(far, doubled(size), s.log1p(s.add(near, rest))));
  },
  vjp: (g, [x]) => [g.mul(x.square().add(1).rsqrt())],
  cost: 24,
});

/** Inverse hyperbolic cosine, NaN below 1: log(1 + (t + √(t·(t + 2)))) with t = x − 1. The derivative at 1 is infinite. */
export const acosh = /* @__PURE__ */ unaryFunction('acosh', {
  of: (x) => {
    const one = number(1, x);
    const [near, far] = split(x);
    const t = s.sub(near, one);
    const inside = s.log1p(s.add(t, s.sqrt(s.mul(t, s.add(t, number(2, x))))));
    return where(s.less(x, one), number(Number.NaN, x), where(far, doubled(x), inside));
  },
  vjp: (g, [x]) => [g.mul(x.sub(1).rsqrt()).mul(x.add(1).rsqrt())],
  cost: 24,
});

/** Inverse hyperbolic tangent, ±∞ at ±1 and NaN beyond: log(1 + 2a/(1 − a)) / 2 of a = |x|. */
export const atanh = /* @__PURE__ */ unaryFunction('atanh', {
  of: (x) => {
    const size = s.abs(x);
    const ratio = s.div(s.mul(size, number(2, x)), s.sub(number(1, x), size));
    return s.mul(s.sign(x), s.mul(number(0.5, x), s.log1p(ratio)));
  },
  vjp: (g, [x]) => [g.div(x.neg().add(1).mul(x.add(1)))],
  cost: 16,
});

/** 2ˣ. */
export const exp2 = /* @__PURE__ */ unaryFunction('exp2', {
  of: (x) => s.pow(number(2, x), x),
  vjp: (g, _x, y) => [g.mul(y).mul(Math.LN2)],
  cost: 16,
});

/** Logarithm to base 10. */
export const log10 = /* @__PURE__ */ unaryFunction('log10', {
  of: (x) => s.mul(s.log(x), number(Math.LOG10E, x)),
  vjp: (g, [x]) => [g.div(x).mul(Math.LOG10E)],
});

/**
 * The real cube root, negative for negative numbers: e^(log|x|/3), improved by a step of Newton's. At 0, where its slope is
 * infinite, the derivative counts as 0, as that of `sqrt` does.
 */
export const cbrt = /* @__PURE__ */ unaryFunction('cbrt', {
  of: (x) => {
    const size = s.abs(x);
    const usual = s.and(s.less(number(0, x), size), s.isFinite(size));
    const safe = where(usual, size, number(1, x));
    const root = s.exp(s.div(s.log(safe), number(3, x)));
    const square = s.mul(root, root);
    const better = s.sub(root, s.div(s.sub(root, s.div(safe, square)), number(3, x)));
    return where(usual, s.mul(s.sign(x), better), x);
  },
  vjp: (g, _x, y) => {
    const zero = y.equal(0);
    return [zero.where(0, g.div(zero.where(1, y).square().mul(3)))];
  },
  cost: 24,
});

/** √(a² + b²) without overflow; at (0, 0) the derivatives count as 0. */
export const hypot = /* @__PURE__ */ binaryFunction('hypot', {
  of: (a, b) => {
    const [x, y] = [s.abs(a), s.abs(b)];
    const zero = number(0, x);
    const infinite = number(Number.POSITIVE_INFINITY, x);
    const [large, small] = [s.max(x, y), s.min(x, y)];
    const none = s.equal(large, zero);
    const ratio = s.div(small, where(none, number(1, x), large));
    const length = s.mul(large, s.sqrt(s.add(number(1, x), s.mul(ratio, ratio))));
    // Infinite even beside NaN, as IEEE 754 has it.
    const far = s.or(s.equal(x, infinite), s.equal(y, infinite));
    return where(far, infinite, where(none, zero, length));
  },
  vjp: (g, [a, b], length) => {
    const zero = length.equal(0);
    const share = zero.where(0, g.div(zero.where(1, length)));
    return [share.mul(a), share.mul(b)];
  },
  cost: 8,
});

/** log(eᵃ + eᵇ) without overflow. */
export const logaddexp = /* @__PURE__ */ binaryFunction('logaddexp', {
  of: (a, b) => s.add(s.max(a, b), s.log1p(s.exp(s.neg(distance(a, b))))),
  vjp: (g, [a, b]) => {
    const d = difference(a, b);
    return [g.mul(d.sigmoid()), g.mul(d.neg().sigmoid())];
  },
  cost: 16,
});

/** log₂(2ᵃ + 2ᵇ) without overflow. */
export const logaddexp2 = /* @__PURE__ */ binaryFunction('logaddexp2', {
  of: (a, b) => {
    const power = s.exp(s.mul(s.neg(distance(a, b)), number(Math.LN2, a)));
    // Divided: a product could be added unrounded, and −1 + log₂ 2 would not be 0.
    return s.add(s.max(a, b), s.div(s.log1p(power), number(Math.LN2, a)));
  },
  vjp: (g, [a, b]) => {
    const d = difference(a, b).mul(Math.LN2);
    return [g.mul(d.sigmoid()), g.mul(d.neg().sigmoid())];
  },
  cost: 16,
});

/** a·log b, 0 where a is 0 and b no NaN: terms of entropies. */
export const xlogy = /* @__PURE__ */ binaryFunction('xlogy', {
  of: (a, b) => timesLogarithm(a, b, s.log(b)),
  vjp: (g, [a, b]) => {
    const none = a.equal(0).logicalAnd(b.lessEqual(0));
    return [none.where(0, g.mul(none.where(1, b).log())), none.where(0, g.mul(a).div(none.where(1, b)))];
  },
});

/** a·log(1 + b), 0 where a is 0 and b no NaN. */
export const xlog1py = /* @__PURE__ */ binaryFunction('xlog1py', {
  of: (a, b) => timesLogarithm(a, b, s.log1p(b)),
  vjp: (g, [a, b]) => {
    const none = a.equal(0).logicalAnd(b.lessEqual(-1));
    const safe = none.where(1, b);
    return [none.where(0, g.mul(safe.log1p())), none.where(0, g.mul(a).div(safe.add(1)))];
  },
});

/** log(x / (1 − x)), the inverse of `sigmoid`; ∓∞ at 0 and 1, NaN beyond. */
export function logit(x: Tensor): Tensor {
  const probability = asFloat(x, 'logit');
  return probability.log().sub(probability.neg().log1p());
}

/** log 2x. */
function doubled(x: Scalar): Scalar {
  return s.add(s.log(x), number(Math.LN2, x));
}

/** The number, or 1 where its square would overflow, and where that is. Beyond 2²⁸ (2¹³ in float32) x² + 1 is x². */
function split(x: Scalar): [near: Scalar, far: Scalar] {
  const far = s.less(number(isWide(x) ? 2 ** 28 : 2 ** 13, x), x);
  return [where(far, number(1, x), x), far];
}

/** |a − b|, 0 for equal infinities. */
function distance(a: Scalar, b: Scalar): Scalar {
  return where(s.equal(a, b), number(0, a), s.abs(s.sub(a, b)));
}

/** a − b, 0 for equal infinities. */
function difference(a: Tensor, b: Tensor): Tensor {
  return a.equal(b).logicalAnd(a.isFinite().logicalNot()).where(0, a.sub(b));
}

function timesLogarithm(a: Scalar, b: Scalar, logarithm: Scalar): Scalar {
  const none = s.and(s.equal(a, number(0, a)), s.not(s.isNaN(b)));
  return where(none, number(0, a), s.mul(a, logarithm));
}
