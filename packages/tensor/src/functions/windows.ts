/**
 * Windows for spectra: functions of time that rise and fall, so that a part of a signal ends softly. Formulas as in SciPy's
 * `signal.windows` and PyTorch.
 */
import { checkFinite, checkInteger } from '../check.ts';
import { checkFloatDType, type DType } from '../dtype.ts';
import { cos } from '../math/index.ts';
import { checkOptions } from '../options.ts';
import type { Tensor } from '../tensor.ts';
import { fromArray } from './create.ts';

/** Options of windows. */
export interface WindowOptions {
  /** Whether the window goes on at its end as it began, as spectra want it; else both ends are equal, as filters want it. Default true. */
  readonly periodic?: boolean;
  /** Default float32. */
  readonly dtype?: DType;
}

/** ½ − ½·cos(2πi / n): `[length]`. */
export function hannWindow(length: number, options: WindowOptions = {}): Tensor {
  return cosineSum('hannWindow', length, [0.5, 0.5], options);
}

/** 0.54 − 0.46·cos(2πi / n): `[length]`. */
export function hammingWindow(length: number, options: WindowOptions = {}): Tensor {
  return cosineSum('hammingWindow', length, [0.54, 0.46], options);
}

/** 0.42 − 0.5·cos(2πi / n) + 0.08·cos(4πi / n): `[length]`. */
export function blackmanWindow(length: number, options: WindowOptions = {}): Tensor {
  return cosineSum('blackmanWindow', length, [0.42, 0.5, 0.08], options);
}

/** A triangle from 0 to 1 and back: `[length]`. */
export function bartlettWindow(length: number, options: WindowOptions = {}): Tensor {
  return windowOf('bartlettWindow', length, options, (i, n) => 1 - Math.abs((2 * i) / n - 1));
}

/**
 * I₀(β·√(1 − (2i / n − 1)²)) / I₀(β), with the Bessel function I₀ (J. Kaiser, 1974): `[length]`.
 *
 * @param options `beta`: the larger, the lower the side lobes and the wider the main one. Default 12
 */
export function kaiserWindow(
  length: number,
  options: WindowOptions & { readonly beta?: number } = {},
): Tensor {
  checkOptions('kaiserWindow', options, 'periodic dtype beta');
  const { beta = 12, ...rest } = options;
  checkFinite(beta, 'kaiserWindow', 'beta');
  return windowOf('kaiserWindow', length, rest, (i, n) => {
    const x = (2 * i) / n - 1;
    return bessel(beta * Math.sqrt(Math.max(0, 1 - x * x))) / bessel(beta);
  });
}

function cosineSum(name: string, length: number, terms: readonly number[], options: WindowOptions): Tensor {
  return windowOf(name, length, options, (i, n) =>
    terms.reduce((sum, a, k) => sum + (k % 2 === 0 ? a : -a) * cos((2 * Math.PI * k * i) / n), 0),
  );
}

/** `of` gives the value at step i of n. */
function windowOf(
  name: string,
  length: number,
  options: WindowOptions,
  of: (i: number, n: number) => number,
): Tensor {
  checkOptions(name, options, 'periodic dtype');
  checkInteger(length, name, 'length', 0);
  const dtype = checkFloatDType(options.dtype ?? 'float32', name);
  const n = (options.periodic ?? true) ? length : length - 1;
  const values = Float64Array.from({ length }, (_, i) => (length === 1 ? 1 : of(i, n)));
  return dtype === 'float64'
    ? fromArray(values, [length], dtype)
    : fromArray(Float32Array.from(values), [length], dtype);
}

/** I₀ by its series Σ ((x / 2)ᵏ / k!)², whose terms are all positive. */
function bessel(x: number): number {
  let term = 1;
  let sum = 1;
  for (let k = 1; term > sum * 1e-17; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}
