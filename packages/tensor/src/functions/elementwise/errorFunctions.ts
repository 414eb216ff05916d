/** The complement and the inverse of the error function, accurate in the tails where 1 − erf has no digits left. */
import { type Scalar, s } from '../../kernel/expression.ts';
import { isWide, number, polynomial, unaryFunction, where } from './define.ts';

/**
 * (1 + 2x)·e^(x²)·erfc x by powers of u = (x − 3.75)/(x + 3.75), which takes 0 … ∞ to −1 … 1: M. M. Shepherd and J. G. Laframboise,
 * "Chebyshev approximation of (1 + 2x) exp(x²) erfc x in 0 ≤ x < ∞", Math. Comp. 36 (1981), 249–253. Coefficients by
 * `fixtures/approximations.py`: relative error 1.5e-16, and 5.9e-9 for float32.
 */
const wideTail = [
  1.2375126308378275, -0.14024059858554522, 0.0035854154854663067, 0.08227673848999159, -0.10880393014193915,
  0.09230432116435616, -0.058693398584491845, 0.028362277371370044, -0.00974657962081509, 0.0017556261692276722,
  0.00029371408777227685, -0.0002901553656394713, 5.164737123871838e-5, 2.238759272534769e-5, -1.143961526007595e-5,
  -9.79297529099823e-7, 1.7438577411359181e-6, -5.0816911811698186e-8, -2.4996538037405243e-7, 1.8778501156468795e-8,
  3.256499083798513e-8, -1.952790162974837e-9, -2.7293941332533855e-9,
] as const; // biome-ignore format: a table
const tail = [
  1.2375126308378275, -0.14024065891788993, 0.003585438016476337, 0.08227843390475284, -0.10880456454860984,
  0.09229067167207876, -0.05868825204940161, 0.02840943039147911, -0.009764690497787632, 0.0016757342508064283,
  0.0003253884645535187, -0.00022405204951954954, 2.3634820068462686e-5,
] as const; // biome-ignore format: a table

/** 1 − erf x, accurate to the last numbers that are not 0. */
export const erfc = /* @__PURE__ */ unaryFunction('erfc', {
  of: (x) => {
    const wide = isWide(x);
    const one = number(1, x);
    // From here on nothing is left of e^(−x²).
    const a = s.min(s.abs(x), number(wide ? 28 : 11, x));
    const center = number(3.75, x);
    const u = s.div(s.sub(a, center), s.add(a, center));
    const scaled = s.div(polynomial(u, wide ? wideTail : tail), s.add(one, s.add(a, a)));
    // a = b + rest with a square of b that is exact: rounding a² would cost digits of its exponential.
    const b = s.div(s.round(s.mul(a, number(16, x))), number(16, x));
    const rest = s.mul(s.sub(a, b), s.add(a, b));
    const value = s.mul(s.mul(s.exp(s.neg(s.mul(b, b))), s.exp(s.neg(rest))), scaled);
    return where(s.less(x, number(0, x)), s.sub(number(2, x), value), value);
  },
  vjp: (g, [x]) => [g.mul(x.square().neg().exp()).mul(-2 / Math.sqrt(Math.PI))],
  cost: 32,
});

// Algorithm AS 241, PPND16: M. J. Wichura, "The percentage points of the normal distribution", Applied Statistics 37 (1988), 477–484.
const centralNumerator = [
  3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4,
  4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3,
] as const; // biome-ignore format: a table
const centralDenominator = [
  1, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3, 2.1213794301586595867e4,
  3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3,
] as const; // biome-ignore format: a table
const middleNumerator = [
  1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0,
  1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4,
] as const; // biome-ignore format: a table
const middleDenominator = [
  1, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1, 1.48103976427480074590e-1,
  1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9,
] as const; // biome-ignore format: a table
const farNumerator = [
  6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0, 2.96560571828504891230e-1,
  2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7,
] as const; // biome-ignore format: a table
const farDenominator = [
  1, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2, 7.86869131145613259100e-4,
  1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15,
] as const; // biome-ignore format: a table

/** The number whose `erf` is x: ±∞ at ±1, NaN beyond. Relative error about 1e-16, by Wichura's algorithm AS 241. */
export const erfinv = /* @__PURE__ */ unaryFunction('erfinv', {
  of: (x) => {
    const [one, half] = [1, 0.5].map((value) => number(value, x));
    const size = s.abs(x);
    const q = s.mul(x, half);
    const r = s.sub(number(0.180625, x), s.mul(q, q));
    const central = s.mul(q, ratio(r, centralNumerator, centralDenominator));
    const distance = s.sqrt(s.neg(s.log(s.mul(s.sub(one, size), half))));
    const middle = ratio(s.sub(distance, number(1.6, x)), middleNumerator, middleDenominator);
    // In float32 1 − |x| is never small enough for the last branch.
    const outer = isWide(x)
      ? where(
          s.lessEqual(distance, number(5, x)),
          middle,
          ratio(s.sub(distance, number(5, x)), farNumerator, farDenominator),
        )
      : middle;
    const end = where(s.equal(size, one), number(Number.POSITIVE_INFINITY, x), outer);
    const quantile = where(s.lessEqual(size, number(0.85, x)), central, s.mul(s.sign(x), end));
    return s.mul(quantile, number(Math.SQRT1_2, x));
  },
  vjp: (g, _x, y) => [g.mul(y.square().exp()).mul(Math.sqrt(Math.PI) / 2)],
  cost: 32,
});

function ratio(x: Scalar, numerator: readonly number[], denominator: readonly number[]): Scalar {
  return s.div(polynomial(x, numerator), polynomial(x, denominator));
}
