/**
 * The logarithm of the gamma function and its derivatives.
 *
 * In 1 … 3, where log Γ has its zeros, it is (x − 1)·(x − 2) times a rational function fitted to it
 * (`fixtures/approximations.py`, relative error 1.3e-17, and 2.7e-8 for float32). Elsewhere: Γ(x + 1) = x·Γ(x), Stirling's series and
 * reflection (Abramowitz & Stegun, 6.1.15, 6.1.17, 6.1.40 and their derivatives 6.3.7, 6.3.18, 6.4.6 to 6.4.11).
 */
import { checkInteger } from '../../check.ts';
import { type Scalar, s } from '../../kernel/expression.ts';
import { log } from '../../math/exponential.ts';
import { broadcastFloatType, defineOp, map, type Op } from '../../ops/op.ts';
import { apply, checkTensor, type Tensor } from '../../tensor.ts';
import { isWide, number, polynomial, unaryFunction, where } from './define.ts';

// log Γ(t + 2) / (t·(t + 1)) for t in −1 … 1.
const wideNumerator = [
  0.42278433509846713, 0.7149941995062519, 0.47346379772771924, 0.15460586347928876, 0.025645013202220273,
  0.001978680360070007, 5.324804972880628e-5, 1.143599123379112e-7,
] as const; // biome-ignore format: a table
const wideDenominator = [
  1, 1.9284335617371404, 1.4994738353554378, 0.6004063777508953, 0.13086921892571524, 0.01502677783170492,
  0.0007966701020360871, 1.3531211896980622e-5,
] as const; // biome-ignore format: a table
const numerator = [
  0.4227843256765605, 0.2713761895002792, 0.040442269939632194, 0.000512796450031413,
] as const;
const denominator = [1, 0.8791562440624083, 0.2262894589068194, 0.015649462034534014] as const;

/** Stirling's series of log Γ by powers of 1/z². */
const stirling = [
  1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156, -3617 / 122400,
] as const; // biome-ignore format: a table

/** B₂, B₄, …: Bernoulli's numbers. */
const bernoulli = [
  1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798,
] as const; // biome-ignore format: a table

/** log |Γ(x)|; ∞ at 0 and the negative whole numbers. */
export const lgamma = /* @__PURE__ */ unaryFunction('lgamma', {
  of: (x) => {
    const [zero, one, infinite] = [0, 1, Number.POSITIVE_INFINITY].map((value) => number(value, x));
    const negative = s.less(x, zero);
    const y = where(negative, s.sub(one, x), x);
    const small = s.less(y, one);
    const positive = where(
      s.less(y, number(3, x)),
      s.sub(nearZeros(where(small, s.add(y, one), y)), where(small, s.log(y), zero)),
      farFromZeros(y),
    );
    // log |Γ(x)| = log π/|sin πx| − log Γ(1 − x)
    const sine = s.abs(s.sin(s.mul(number(Math.PI, x), fromWhole(x))));
    const reflected = s.sub(s.sub(number(log(Math.PI), x), s.log(sine)), positive);
    const pole = s.or(s.equal(y, infinite), s.and(negative, s.equal(sine, zero)));
    return where(pole, infinite, where(negative, reflected, positive));
  },
  vjp: (g, [x]) => [g.mul(digamma(x))],
  cost: 64,
});

/** The derivative of log Γ(x), also called ψ; ∓∞ at ±0, NaN at the negative whole numbers. */
export const digamma = /* @__PURE__ */ unaryFunction('digamma', {
  of: (x) => {
    const [zero, one] = [0, 1].map((value) => number(value, x));
    const negative = s.less(x, zero);
    const y = where(negative, s.sub(one, x), x);
    const { z, low, sum } = shifted(y, isWide(x) ? 10 : 6, 1);
    const inverse = s.div(one, z);
    const square = s.mul(inverse, inverse);
    const terms = bernoulli.slice(0, isWide(x) ? 8 : 3).map((b, i) => b / (2 * i + 2));
    const tail = s.add(s.mul(number(0.5, x), inverse), s.mul(square, polynomial(square, terms)));
    const far = s.sub(s.log(z), tail);
    const positive = where(low, s.sub(far, sum), far);
    // ψ(x) = ψ(1 − x) − π / tan πx
    const rest = fromWhole(x);
    const pi = number(Math.PI, x);
    const reflected = s.sub(positive, s.div(pi, s.tan(s.mul(pi, rest))));
    const whole = s.and(negative, s.equal(rest, zero));
    const usual = where(whole, number(Number.NaN, x), where(negative, reflected, positive));
    return where(s.equal(x, zero), s.div(number(-1, x), x), usual);
  },
  vjp: (g, [x]) => [g.mul(apply(polygammaOp, [x], { order: 1 }))],
  cost: 64,
});

interface PolygammaAttributes {
  readonly order: number;
}

const polygammaOp: Op<PolygammaAttributes> = /* @__PURE__ */ defineOp<PolygammaAttributes>({
  name: 'polygamma',
  type: /* @__PURE__ */ broadcastFloatType('polygamma'),
  lower: /* @__PURE__ */ map(([x], { order }) => derivative(x, order), { cost: 96 }),
  vjp: (g, [x], _y, { order }) => [g.mul(apply(polygammaOp, [x], { order: order + 1 }))],
});

/** Derivative number `order` of `digamma`, itself for 0; ∞ at the poles of even order. @throws RangeError for an order beyond 0 … 30 */
export function polygamma(order: number, x: Tensor): Tensor {
  checkInteger(order, 'polygamma', 'the order', 0, 30);
  checkTensor(x, 'polygamma');
  return order === 0 ? digamma(x) : apply(polygammaOp, [x], { order });
}

/** ψ⁽ⁿ⁾ for n ≥ 1. */
function derivative(x: Scalar, n: number): Scalar {
  const [zero, one] = [0, 1].map((value) => number(value, x));
  const negative = s.less(x, zero);
  const y = where(negative, s.sub(one, x), x);
  const { z, low, sum } = shifted(y, (isWide(x) ? 12 : 6) + n, n + 1);
  const inverse = s.div(one, z);
  const square = s.mul(inverse, inverse);
  const terms = bernoulli.map((b, i) => (b * product(2 * i + 3, 2 * i + 1 + n)) as number);
  // Σ B₂ⱼ·(2j + n − 1)!/(2j)!·z^(−2j − n), and the two terms before it
  const first = s.add(number(factorial(n - 1), x), s.mul(number(factorial(n) / 2, x), inverse));
  const far = s.mul(power(inverse, n), s.add(first, s.mul(square, polynomial(square, terms))));
  const all = where(low, s.add(far, s.mul(number(factorial(n), x), sum)), far);
  const positive = n % 2 === 0 ? s.neg(all) : all;
  // ψ⁽ⁿ⁾(x) = (−1)ⁿ·ψ⁽ⁿ⁾(1 − x) − dⁿ/dxⁿ (π cot πx), which is a polynomial in cot πx
  const pi = number(Math.PI, x);
  const cotangent = s.div(one, s.tan(s.mul(pi, fromWhole(x))));
  const mirrored = n % 2 === 0 ? positive : s.neg(positive);
  return where(negative, s.sub(mirrored, polynomial(cotangent, cotangentDerivative(n))), positive);
}

/** (t + 1)·t·R(t) of t = x − 2 for x in 1 … 3, something finite elsewhere. */
function nearZeros(x: Scalar): Scalar {
  const t = s.sub(s.min(x, number(3, x)), number(2, x));
  const [p, q] = isWide(x) ? [wideNumerator, wideDenominator] : [numerator, denominator];
  return s.mul(s.mul(s.add(t, number(1, x)), t), s.div(polynomial(t, p), polynomial(t, q)));
}

/** log Γ from 3 on: Stirling's series, below 8 of x + 5. */
function farFromZeros(x: Scalar): Scalar {
  const low = s.less(x, number(8, x));
  const z = where(low, s.add(x, number(5, x)), x);
  const inverse = s.div(number(1, x), z);
  const series = s.mul(
    inverse,
    polynomial(s.mul(inverse, inverse), isWide(x) ? stirling : stirling.slice(0, 3)),
  );
  const main = s.sub(s.mul(s.sub(z, number(0.5, x)), s.log(z)), z);
  const far = s.add(s.add(main, number(log(2 * Math.PI) / 2, x)), series);
  const near = s.min(x, number(8, x));
  const factors = [1, 2, 3, 4].reduce((sum, k) => s.mul(sum, s.add(near, number(k, x))), near);
  return where(low, s.sub(far, s.log(factors)), far);
}

/** x − the whole number next to it: sin πx and tan πx are those of it, but for signs, and exact where x is large. */
function fromWhole(x: Scalar): Scalar {
  return s.sub(x, s.round(x));
}

/** Where x is below `count`: z = x + count, and Σ (x + k)^−exponent for k below `count`; else z = x. */
function shifted(x: Scalar, count: number, exponent: number): { z: Scalar; low: Scalar; sum: Scalar } {
  const low = s.less(x, number(count, x));
  const near = s.min(x, number(count, x));
  let sum: Scalar | null = null;
  for (let k = count - 1; k >= 0; k--) {
    const term = power(s.div(number(1, x), s.add(near, number(k, x))), exponent);
    sum = sum === null ? term : s.add(sum, term);
  }
  return { z: where(low, s.add(x, number(count, x)), x), low, sum: sum as Scalar };
}

function power(x: Scalar, exponent: number): Scalar {
  let result = x;
  for (let i = 1; i < exponent; i++) result = s.mul(result, x);
  return result;
}

/** low·(low + 1)·…·high, 1 where there is none. */
function product(low: number, high: number): number {
  let result = 1;
  for (let k = low; k <= high; k++) result *= k;
  return result;
}

function factorial(n: number): number {
  return product(1, n);
}

/** Coefficients of dⁿ/dxⁿ (π cot πx) by powers of c = cot πx: each derivative of p(c) is −π·(1 + c²)·p′(c). */
function cotangentDerivative(n: number): number[] {
  let p = [0, Math.PI];
  for (let i = 0; i < n; i++) {
    const next = new Array<number>(p.length + 1).fill(0);
    p.forEach((coefficient, k) => {
      if (k === 0) return;
      next[k - 1] -= Math.PI * k * coefficient;
      next[k + 1] -= Math.PI * k * coefficient;
    });
    p = next;
  }
  return p;
}
