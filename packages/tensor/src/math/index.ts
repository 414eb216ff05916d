/**
 * `@ag/tensor/math`: the functions of `Math` whose last bits differ between engines, with the same bits everywhere.
 * What reaches weights, data or a picture that is compared uses these. `Math.sqrt`, `Math.abs`, rounding and `x % y` are exact
 * by definition.
 */
export { exponentOf } from './bits.ts';
export * as constants from './constants.ts';
export { cosh, exp, expm1, log, log1p, pow, sinh, tanh } from './exponential.ts';
export { acos, asin, atan, atan2, cos, sin, tan } from './trigonometric.ts';
