/**
 * The elementwise operations that are functions alone, each with its meaning in plain JavaScript numbers: one row is all that the tests
 * of an operation need.
 */
import * as ag from '../index.ts';
import {
  binaryOf,
  type ElementwiseRow,
  erfSeries,
  finite,
  flat,
  integers,
  kinksAt,
  logical,
  meet,
  positive,
  roundEven,
  signed,
  truth,
  unaryOf,
  unit,
  whole,
  wide,
} from './elementwiseRow.ts';

/** B₂ⱼ/(2j·(2j − 1)), B₂ⱼ/2j and B₂ⱼ for the series of log Γ, ψ and ψ′ at 30 and more, where three terms have 14 digits. */
const bernoulli = [1 / 6, -1 / 30, 1 / 42];

/** Something of x ≥ 30 by a series, elsewhere from x + 1 and what the step changes. */
function upwards(x: number, series: (x: number) => number, step: (x: number) => number): number {
  let sum = 0;
  let at = x;
  for (; at < 30; at++) sum += step(at);
  return sum + series(at);
}

function lgamma(x: number): number {
  if (!Number.isFinite(x)) return Math.abs(x);
  if (x <= 0 && Number.isInteger(x)) return Number.POSITIVE_INFINITY;
  if (x < -100) return Number.POSITIVE_INFINITY;
  return upwards(
    x,
    (z) =>
      (z - 0.5) * Math.log(z) - z + Math.log(2 * Math.PI) / 2 +
      bernoulli.reduce((sum, b, i) => sum + b / ((2 * i + 2) * (2 * i + 1)) / z ** (2 * i + 1), 0),
    (at) => -Math.log(Math.abs(at)),
  ); // biome-ignore format: a formula
}

function digamma(x: number): number {
  if (x === 0) return Object.is(x, -0) ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
  if (!Number.isFinite(x)) return x > 0 ? x : Number.NaN;
  if (x < 0 && Number.isInteger(x)) return Number.NaN;
  return upwards(
    x,
    (z) => Math.log(z) - 1 / (2 * z) - bernoulli.reduce((sum, b, i) => sum + b / (2 * i + 2) / z ** (2 * i + 2), 0),
    (at) => -1 / at,
  ); // biome-ignore format: a formula
}

function trigamma(x: number): number {
  return upwards(
    x,
    (z) => 1 / z + 1 / (2 * z * z) + bernoulli.reduce((sum, b, i) => sum + b / z ** (2 * i + 3), 0),
    (at) => 1 / (at * at),
  );
}

/** Newton's method on `erfSeries`. */
function erfinv(x: number): number {
  if (!(Math.abs(x) < 1)) return Math.abs(x) === 1 ? x * Number.POSITIVE_INFINITY : Number.NaN;
  let y = x;
  for (let i = 0; i < 60; i++) y -= ((erfSeries(y) - x) * Math.sqrt(Math.PI) * Math.exp(y * y)) / 2;
  return y;
}

const negative = (x: number): boolean => x < 0 || Object.is(x, -0);
const log2Of = (x: number): number => (x === Number.POSITIVE_INFINITY ? x : Math.log2(x));
const logaddexp = (x: number, y: number): number =>
  x === y ? x + Math.LN2 : Math.max(x, y) + Math.log1p(Math.exp(-Math.abs(x - y)));
const logaddexp2 = (x: number, y: number): number =>
  x === y ? x + 1 : Math.max(x, y) + log2Of(1 + 2 ** -Math.abs(x - y));
const times = (x: number, y: number, f: (y: number) => number): number =>
  x === 0 && !Number.isNaN(y) ? 0 : x * f(y);
const between = (x: number, low: number, high: number): number =>
  Number.isNaN(x) ? x : Math.min(high, Math.max(low, x));
const bits = { whole: true };
const counts = [[-40, 40], [0, 9]] as const; // biome-ignore format: a table

const rows: readonly ElementwiseRow[] = [
  unaryOf('asinh', ag.asinh, Math.asinh, wide, signed),
  unaryOf('acosh', ag.acosh, Math.acosh, [1.2, 4]),
  unaryOf('atanh', ag.atanh, Math.atanh, unit, signed),
  unaryOf('exp2', ag.exp2, (x) => 2 ** x),
  unaryOf('log10', ag.log10, Math.log10, positive),
  unaryOf('cbrt', ag.cbrt, Math.cbrt, positive, { ...signed, conventions: [{ variant: 'at 0', at: [[0, 8]], gradient: [[0, 1 / 12]] }] }),
  unaryOf('logit', ag.logit, (x) => Math.log(x / (1 - x)), [0.1, 0.9]),
  unaryOf('lgamma', ag.lgamma, lgamma, [0.3, 6], finite),
  unaryOf('digamma', ag.digamma, digamma, [0.3, 6], finite),
  unaryOf('erfc', ag.erfc, (x) => 1 - erfSeries(x), [-2.5, 2.5]),
  unaryOf('erfinv', ag.erfinv, erfinv, unit),
  unaryOf('sinc', ag.sinc, (x) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x)), wide, finite),
  unaryOf('trunc', ag.trunc, Math.trunc, wide, { ...integers, ...signed, ...flat('at whole numbers', [-1, 0, 1]), kink: (x) => x - Math.round(x) }),
  unaryOf('frac', ag.frac, (x) => x - Math.trunc(x), wide, { ...integers, ...kinksAt('at whole numbers', whole, whole.map(() => 1)) }),
  unaryOf('deg2rad', ag.deg2rad, (x) => (x * Math.PI) / 180, wide, integers),
  unaryOf('rad2deg', ag.rad2deg, (x) => (x * 180) / Math.PI, wide, finite),
  unaryOf('signBit', ag.signBit, (x) => truth(negative(x)), wide, { result: 'bool' }),
  unaryOf('isInf', ag.isInf, (x) => truth(Math.abs(x) === Number.POSITIVE_INFINITY), wide, { result: 'bool' }),
  unaryOf('isPosInf', ag.isPosInf, (x) => truth(x === Number.POSITIVE_INFINITY), wide, { result: 'bool' }),
  unaryOf('isNegInf', ag.isNegInf, (x) => truth(x === Number.NEGATIVE_INFINITY), wide, { result: 'bool' }),
  unaryOf('nanToNum', (x) => ag.nanToNum(x, { nan: 7, posInf: 100, negInf: -100 }), (x) => (Number.isNaN(x) ? 7 : Number.isFinite(x) ? x : Math.sign(x) * 100), wide, integers),
  unaryOf('celu', (x) => ag.celu(x), (x) => (x > 0 ? x : Math.expm1(x)), wide, kinksAt('at 0', [0], [1])),
  unaryOf('relu6', ag.relu6, (x) => between(x, 0, 6), [-4, 9], { ...integers, ...kinksAt('at the limits', [0, 6], [0, 0]) }),
  unaryOf('hardtanh', (x) => ag.hardtanh(x), (x) => between(x, -1, 1), wide, { ...integers, ...kinksAt('at the limits', [-1, 1], [0, 0]) }),
  unaryOf('threshold', (x) => ag.threshold(x, 1, 20), (x) => (x <= 1 ? 20 : x), wide, { ...integers, ...kinksAt('at the limit', [1], [0]) }),
  unaryOf('softshrink', (x) => ag.softshrink(x), (x) => (Math.abs(x) <= 0.5 ? 0 : x - Math.sign(x) / 2), wide, kinksAt('at the limits', [-0.5, 0.5], [0, 0])),
  unaryOf('hardshrink', (x) => ag.hardshrink(x), (x) => (Math.abs(x) <= 0.5 ? 0 : x), wide, kinksAt('at the limits', [-0.5, 0.5], [0, 0])),
  unaryOf('tanhshrink', ag.tanhshrink, (x) => x - Math.tanh(x), wide, finite),
  unaryOf('bitwiseNot', ag.bitwiseNot, (x) => ~x, [-40, 40], bits),

  binaryOf('hypot', ag.hypot, Math.hypot, undefined, { conventions: [{ variant: 'at the origin', at: [[0], [0]], gradient: [[0], [0]] }] }),
  binaryOf('logaddexp', ag.logaddexp, logaddexp),
  binaryOf('logaddexp2', ag.logaddexp2, logaddexp2),
  binaryOf('xlogy', ag.xlogy, (x, y) => times(x, y, Math.log), [wide, positive], { conventions: [{ variant: '0 · log 0', at: [[0], [0]], gradient: [[0], [0]] }] }),
  binaryOf('xlog1py', ag.xlog1py, (x, y) => times(x, y, Math.log1p), [wide, positive], { conventions: [{ variant: '0 · log 0', at: [[0], [-1]], gradient: [[0], [0]] }] }),
  binaryOf('fmod', ag.fmod, (x, y) => x % y, [[-7, 7], [1.5, 2.5]], { ...finite, kink: (x, y) => x / y - Math.round(x / y) }),
  binaryOf('floorDivide', ag.floorDivide, (x, y) => Math.floor(x / y), [[-7, 7], [1.5, 2.5]], { ...finite, kink: (x, y) => x / y - Math.round(x / y) }),
  binaryOf('copysign', ag.copysign, (x, y) => (negative(y) ? -Math.abs(x) : Math.abs(x)), undefined, { ...signed, kink: (x, y) => x * y }),
  binaryOf('heaviside', ag.heaviside, (x, y) => (Number.isNaN(x) ? x : x === 0 ? y : truth(x > 0)), undefined, { kink: (x) => x }),
  binaryOf('fmax', ag.fmax, (x, y) => (Number.isNaN(x) ? y : Number.isNaN(y) ? x : Math.max(x, y)), undefined, { ...integers, kink: meet, conventions: [{ variant: 'tie', at: [[1], [1]], gradient: [[0.5], [0.5]] }] }),
  binaryOf('fmin', ag.fmin, (x, y) => (Number.isNaN(x) ? y : Number.isNaN(y) ? x : Math.min(x, y)), undefined, { ...integers, kink: meet, conventions: [{ variant: 'tie', at: [[1], [1]], gradient: [[0.5], [0.5]] }] }),
  binaryOf('prelu', ag.prelu, (x, y) => (x > 0 ? x : x * y), [wide, positive], { ...finite, kink: (x) => x }),
  binaryOf('logicalXor', ag.logicalXor, (x, y) => truth((x !== 0) !== (y !== 0)), undefined, logical),
  binaryOf('isClose', (x, y) => ag.isClose(x.round(), y.round()), (x, y) => truth(roundEven(x) === roundEven(y)), undefined, { ...logical, ...finite }),
  binaryOf('bitwiseAnd', ag.bitwiseAnd, (x, y) => x & y, [counts[0], counts[0]], bits),
  binaryOf('bitwiseOr', ag.bitwiseOr, (x, y) => x | y, [counts[0], counts[0]], bits),
  binaryOf('bitwiseXor', ag.bitwiseXor, (x, y) => x ^ y, [counts[0], counts[0]], bits),
  binaryOf('leftShift', ag.leftShift, (x, y) => x << y, counts, bits),
  binaryOf('rightShift', ag.rightShift, (x, y) => x >> y, counts, bits),

  { name: 'lerp', of: ([x, y, w]) => ag.lerp(x, y, w), value: (x, y, w) => x + w * (y - x), ranges: [wide, wide, unit], special: false },
  { name: 'polygamma', of: ([x]) => ag.polygamma(1, x), value: trigamma, ranges: [[0.3, 6]], special: false },
  { name: 'lgamma', variant: 'of negative numbers', of: ([x]) => ag.lgamma(x), value: lgamma, ranges: [[-2.9, -2.1]], special: false },
  { name: 'digamma', variant: 'of negative numbers', of: ([x]) => ag.digamma(x), value: digamma, ranges: [[-2.9, -2.1]], special: false },
  { name: 'sinc', variant: 'near 0', of: ([x]) => ag.sinc(x), value: (x) => Math.sin(Math.PI * x) / (Math.PI * x), ranges: [[-0.1, 0.1]], special: false },
  { name: 'celu', variant: 'alpha 1.3', of: ([x]) => ag.celu(x, 1.3), value: (x) => (x > 0 ? x : 1.3 * Math.expm1(x / 1.3)), ranges: [wide], kink: (x) => x },
  { name: 'frac', variant: 'beside its whole part', of: ([x]) => ag.frac(x).mul(ag.trunc(x)), value: (x) => (x - Math.trunc(x)) * Math.trunc(x), ranges: [wide], special: false, kink: (x) => x - Math.round(x) },
]; // biome-ignore format: a table

export const furtherElementwiseRows: readonly ElementwiseRow[] = rows.map((row) => ({
  ...row,
  composed: true,
}));
