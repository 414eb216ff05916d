/**
 * Fourier transforms of any length, differentiable to any order. Complex numbers are pairs along a last axis of 2: real and imaginary part.
 *
 * A transform is split by factors of its length (J. Cooley, J. Tukey, "An algorithm for the machine calculation of complex Fourier series",
 * 1965), each a product with a small matrix; a large prime becomes a convolution whose length is a power of two (L. Bluestein, 1970). All of it
 * is made of operations that every backend has.
 */
import { checkInteger, describeValue } from '../check.ts';
import { type DType, floatOf } from '../dtype.ts';
import { shapeError, valueError } from '../errors.ts';
import { cos, sin } from '../math/index.ts';
import { checkKnownSize } from '../ops/movement.ts';
import { checkOptions } from '../options.ts';
import { formatShape, normalizeAxis } from '../shape.ts';
import { checkTensor, type Tensor } from '../tensor.ts';
import { fromArray } from './create.ts';
import { sectionOf } from './select.ts';

/** What a transform is divided by: `'backward'`: the inverse by n; `'forward'`: the transform by n; `'ortho'`: both by √n. */
export type SpectrumNorm = 'backward' | 'forward' | 'ortho';

/** Options of transforms. */
export interface SpectrumOptions {
  /** Length of the transform: the signal is cut, or zeros follow it. Default: the signal's. */
  readonly n?: number;
  /** Along which axis of the signal, the pair of real and imaginary part not counted. Default −1. */
  readonly axis?: number;
  /** Default 'backward'. */
  readonly norm?: SpectrumNorm;
}

/**
 * The discrete Fourier transform y[k] = Σⱼ x[j]·exp(−2πi·j·k / n) of complex numbers: `[..., n, 2]` → `[..., n, 2]`.
 *
 * ```ts
 * fft(tensor([[1, 0], [0, 0], [0, 0], [0, 0]])); // four times 1 + 0i
 * ```
 *
 * @throws RangeError for a last axis other than 2, and for no elements
 */
export function fft(x: Tensor, options: SpectrumOptions = {}): Tensor {
  return transform('fft', x, options, false);
}

/** The inverse of `fft`, with +2πi and divided by n: `[..., n, 2]` → `[..., n, 2]`. */
export function ifft(x: Tensor, options: SpectrumOptions = {}): Tensor {
  return transform('ifft', x, options, true);
}

/** The first ⌊n / 2⌋ + 1 numbers of the transform of real numbers; the others are their conjugates: `[..., n]` → `[..., ⌊n / 2⌋ + 1, 2]`. */
export function rfft(x: Tensor, options: SpectrumOptions = {}): Tensor {
  const pair = checkTensor(x, 'rfft').unsqueeze(-1);
  const axis = normalizeAxis(options.axis ?? -1, x.shape.length, 'rfft');
  const complex = pair.pad(pair.shape.map((_, i): [number, number] => [0, i === x.shape.length ? 1 : 0]));
  const whole = transform('rfft', complex, options, false);
  return sectionOf(whole, 0, Math.floor(whole.shape[axis] / 2) + 1, axis);
}

/**
 * The inverse of `rfft`: `[..., m, 2]` → `[..., n]`. The imaginary parts of the first number and, with even n, of the last are not looked at.
 *
 * @param options `n`: how long the signal was; default 2·(m − 1)
 */
export function irfft(x: Tensor, options: SpectrumOptions = {}): Tensor {
  const name = 'irfft';
  checkOptions(name, options, 'n axis norm');
  checkComplex(name, x);
  const axis = normalizeAxis(options.axis ?? -1, x.shape.length - 1, name);
  checkKnownSize(x.shape, axis, name);
  const n = options.n ?? 2 * (x.shape[axis] - 1);
  checkInteger(n, name, 'n', 1);
  const half = Math.floor(n / 2) + 1;
  const dtype = floatOf(x.dtype);
  // The real part of Σ with every number that has a conjugate counted twice.
  const weights = Float64Array.from({ length: half }, (_, k) => (k === 0 || 2 * k === n ? 1 : 2));
  const along = [half, ...x.shape.slice(axis + 1).map(() => 1)];
  const given = sized(x, half, axis).mul(fromArray(weights, along, 'float64').cast(dtype));
  const whole = transform(name, given, { ...options, n }, true);
  return sectionOf(whole, 0, 1, x.shape.length - 1).squeeze(-1);
}

/** `fft` along the two last axes of the signal: `[..., height, width, 2]` → the same. */
export function fft2(x: Tensor, options: { readonly norm?: SpectrumNorm } = {}): Tensor {
  checkOptions('fft2', options, 'norm');
  return inTwo('fft2', x, options, false);
}

/** The inverse of `fft2`. */
export function ifft2(x: Tensor, options: { readonly norm?: SpectrumNorm } = {}): Tensor {
  checkOptions('ifft2', options, 'norm');
  return inTwo('ifft2', x, options, true);
}

function inTwo(name: string, x: Tensor, options: SpectrumOptions, inverse: boolean): Tensor {
  const rows = transform(name, x, { ...options, axis: -1 }, inverse);
  return transform(name, rows, { ...options, axis: -2 }, inverse);
}

function transform(name: string, x: Tensor, options: SpectrumOptions, inverse: boolean): Tensor {
  checkOptions(name, options, 'n axis norm');
  checkComplex(name, x);
  const rank = x.shape.length;
  const axis = normalizeAxis(options.axis ?? -1, rank - 1, name);
  checkKnownSize(x.shape, axis, name);
  const n = options.n ?? x.shape[axis];
  checkInteger(n, name, 'n', 1);
  const { norm = 'backward' } = options;
  if (norm !== 'backward' && norm !== 'forward' && norm !== 'ortho')
    throw valueError(`${name}: norm must be 'backward', 'forward' or 'ortho', got ${describeValue(norm)}`);
  const order = [...x.shape.keys()].filter((i) => i !== axis && i !== rank - 1);
  const front = [...order, axis, rank - 1];
  const given = sized(x, n, axis).cast(floatOf(x.dtype)).permute(front);
  const y = alongLast(given, n, inverse).permute(front.map((_, i) => front.indexOf(i)));
  if (norm === 'ortho') return y.mul(1 / Math.sqrt(n));
  return (norm === 'backward') === inverse ? y.mul(1 / n) : y;
}

/** Cut, or followed by zeros. */
function sized(x: Tensor, n: number, axis: number): Tensor {
  const size = x.shape[axis];
  if (size >= n) return sectionOf(x, 0, n, axis);
  return x.pad(x.shape.map((_, i) => [0, i === axis ? n - size : 0] as [number, number]));
}

function checkComplex(name: string, x: Tensor): void {
  const { shape } = checkTensor(x, name);
  if (shape.length < 2 || shape[shape.length - 1] !== 2) {
    throw shapeError(
      `${name}: expects complex numbers [..., n, 2], real and imaginary part along the last axis, got ${formatShape(shape)}`,
    );
  }
}

/** Lengths up to this are one product with a matrix. */
const direct = 32;
/** A prime up to this, too. */
const directPrime = 128;

/** Unscaled, along the axis before the pair. */
function alongLast(x: Tensor, n: number, inverse: boolean): Tensor {
  if (n === 1) return x;
  const first = n <= direct ? n : largestFactor(n);
  if (first === n || (first === 1 && n <= directPrime)) return byMatrix(x, n, inverse);
  if (first === 1) return byConvolution(x, n, inverse);
  // j = rest·a + b and k = c + first·d: over a first, then, turned by exp(∓2πi·b·c / n), over b.
  const rest = n / first;
  const front = x.shape.slice(0, -2);
  const f = front.length;
  const lead = [...front.keys()];
  const apart = x.reshape([...front, first, rest, 2]).permute([...lead, f + 1, f, f + 2]);
  const turned = timesTable(byMatrix(apart, first, inverse), `turn ${n} ${first}`, [rest, first], inverse, (at) =>
    (at % first) * Math.floor(at / first), n); // biome-ignore format: short
  const inner = alongLast(turned.permute([...lead, f + 1, f, f + 2]), rest, inverse);
  return inner.permute([...lead, f + 1, f, f + 2]).reshape([...front, n, 2]);
}

function largestFactor(n: number): number {
  for (let factor = direct; factor > 1; factor--) if (n % factor === 0) return factor;
  return 1;
}

/** Pairs as one axis, times the real matrix of the transform. */
function byMatrix(x: Tensor, n: number, inverse: boolean): Tensor {
  const matrix = table(`matrix ${n} ${inverse}`, x.dtype, [2 * n, 2 * n], () => {
    const values = new Float64Array(4 * n * n);
    for (let j = 0; j < n; j++) {
      for (let k = 0; k < n; k++) {
        const [re, im] = root(j * k, n, inverse);
        values[2 * j * 2 * n + 2 * k] = re;
        values[2 * j * 2 * n + 2 * k + 1] = im;
        values[(2 * j + 1) * 2 * n + 2 * k] = -im;
        values[(2 * j + 1) * 2 * n + 2 * k + 1] = re;
      }
    }
    return values;
  });
  const front = x.shape.slice(0, -2);
  return x
    .reshape([...front, 2 * n])
    .matmul(matrix)
    .reshape([...front, n, 2]);
}

/** exp(∓2πi·power / n). */
function root(power: number, n: number, inverse: boolean): [number, number] {
  const rest = power % n;
  // Quarter turns are exact.
  const quarter = (4 * rest) / n;
  if (Number.isInteger(quarter)) {
    const [re, im] = [[1, 0], [0, -1], [-1, 0], [0, 1]][quarter]; // biome-ignore format: a table
    return [re, inverse ? -im + 0 : im];
  }
  const angle = (2 * Math.PI * rest) / n;
  return [cos(angle), inverse ? sin(angle) : -sin(angle)];
}

/** Complex numbers times exp(∓2πi·power(position) / n), positions over the axes of `shape`. */
function timesTable(
  x: Tensor,
  name: string,
  shape: readonly number[],
  inverse: boolean,
  power: (at: number) => number,
  n: number,
): Tensor {
  const count = shape.reduce((product, size) => product * size, 1);
  const roots = (): [number, number][] =>
    Array.from({ length: count }, (_, at) => root(power(at), n, inverse));
  return timesNumbers(x, `${name} ${inverse}`, [...shape, 2], roots);
}

/** (a + bi)(c + di): the pair times (c, c), and the pair turned round times (−d, d). */
function timesNumbers(
  x: Tensor,
  name: string,
  shape: readonly number[],
  numbers: () => readonly (readonly [number, number])[],
): Tensor {
  const real = table(`${name} real`, x.dtype, shape, () =>
    Float64Array.from(numbers().flatMap(([re]) => [re, re])),
  );
  const imaginary = table(`${name} imaginary`, x.dtype, shape, () =>
    Float64Array.from(numbers().flatMap(([, im]) => [-im, im])),
  );
  return x.mul(real).add(x.flip(-1).mul(imaginary));
}

/**
 * j·k = (j² + k² − (k − j)²) / 2 makes the transform a convolution with a chirp: L. Bluestein, "A linear filtering approach to the
 * computation of discrete Fourier transform" (1970).
 */
function byConvolution(x: Tensor, n: number, inverse: boolean): Tensor {
  let m = 1;
  while (m < 2 * n - 1) m *= 2;
  const square = (j: number): number => (j * j) % (2 * n);
  const chirped = (t: Tensor): Tensor => timesTable(t, `chirp ${n}`, [n], inverse, square, 2 * n);
  const filter = (): [number, number][] => {
    const chirp = Array.from({ length: m }, (_, j): [number, number] => {
      const distance = j < n ? j : m - j;
      return distance < n ? root(square(distance), 2 * n, !inverse) : [0, 0];
    });
    return powerOfTwoTransform(chirp).map(([re, im]) => [re / m, im / m]);
  };
  const axis = x.shape.length - 2;
  const spectrum = alongLast(sized(chirped(x), m, axis), m, false);
  const filtered = timesNumbers(spectrum, `filter ${n} ${inverse}`, [m, 2], filter);
  return chirped(sectionOf(alongLast(filtered, m, true), 0, n, axis));
}

/** The transform of plain numbers whose count is a power of two. */
function powerOfTwoTransform(x: readonly [number, number][]): [number, number][] {
  const n = x.length;
  if (n === 1) return [...x];
  const even = powerOfTwoTransform(x.filter((_, i) => i % 2 === 0));
  const odd = powerOfTwoTransform(x.filter((_, i) => i % 2 === 1));
  const turned = odd.map(([re, im], k): [number, number] => {
    const [c, d] = root(k, n, false);
    return [re * c - im * d, re * d + im * c];
  });
  return [
    ...even.map(([re, im], k): [number, number] => [re + turned[k][0], im + turned[k][1]]),
    ...even.map(([re, im], k): [number, number] => [re - turned[k][0], im - turned[k][1]]),
  ];
}

/** Tables of numbers, made once: the oldest give way to new ones. */
const tables = /* @__PURE__ */ new Map<string, Tensor>();
const maxTables = 64;

function table(name: string, dtype: DType, shape: readonly number[], values: () => Float64Array): Tensor {
  const key = `${name} ${dtype}`;
  let found = tables.get(key);
  if (found === undefined) {
    const numbers = values();
    found = fromArray(dtype === 'float64' ? numbers : Float32Array.from(numbers), shape, dtype);
    if (tables.size >= maxTables) tables.delete(tables.keys().next().value!);
    tables.set(key, found);
  }
  return found;
}
