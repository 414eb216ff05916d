/**
 * Pictures of another size, as PyTorch's `interpolate` makes them. All modes work axis by axis: each element of the result is a weighted sum
 * of a few elements of the input along that axis, at positions that are known when the graph is built.
 */
import { describeValue } from '../check.ts';
import { floatOf } from '../dtype.ts';
import { shapeError, valueError } from '../errors.ts';
import { checkKnownSize } from '../ops/movement.ts';
import { checkOptions } from '../options.ts';
import { formatShape } from '../shape.ts';
import { checkTensor, type Tensor } from '../tensor.ts';
import { fromArray } from './create.ts';
import { take } from './select.ts';
import { adaptiveAvgPool } from './spaces.ts';
import { type PerAxis, perAxis } from './windowGeometry.ts';

/** Options of `resize`. */
export interface ResizeOptions {
  /**
   * `'nearest'`: the element at ⌊i · input size / output size⌋. `'bilinear'`: linear along every axis (also one or three). `'bicubic'`: the cubic
   * convolution of R. Keys (1981), a = −¾. `'area'`: the average of what an element covers. Default 'nearest'.
   */
  readonly mode?: 'nearest' | 'bilinear' | 'bicubic' | 'area';
  /** For bilinear and bicubic: the centers of the corner elements meet; else the corners of the pictures do. Default false. */
  readonly alignCorners?: boolean;
  /** For bilinear and bicubic: where the picture shrinks, average over what an element covers, as PIL does. Default false. */
  readonly antialias?: boolean;
}

/** For each element of the result, the positions of `width` elements of the input and their weights. */
interface Taps {
  readonly width: number;
  readonly positions: Int32Array;
  readonly weights: Float64Array;
}

/**
 * Pictures, sequences or volumes of another size.
 *
 * ```ts
 * resize(zeros([8, 3, 32, 32]), [64, 64], { mode: 'bilinear' }).shape; // [8, 3, 64, 64]
 * ```
 *
 * @param x [batch, channels, …] with one to three spatial axes; integers give float32, but for 'nearest'
 * @param size one number for all spatial axes, or one for each
 * @throws RangeError for sizes below 1, an input without elements, an unknown mode
 */
export function resize(x: Tensor, size: PerAxis, options: ResizeOptions = {}): Tensor {
  const name = 'resize';
  checkOptions(name, options, 'mode alignCorners antialias');
  const { mode = 'nearest', alignCorners = false, antialias = false } = options;
  const spatial = checkTensor(x, name).shape.length - 2;
  if (spatial < 1 || spatial > 3) {
    throw shapeError(
      `${name}: expects [batch, channels, …] with one to three spatial axes, got ${formatShape(x.shape)}`,
    );
  }
  const output = perAxis(name, 'size', size, spatial, 1);
  output.forEach((_, i) => {
    checkKnownSize(x.shape, 2 + i, name);
    if (x.shape[2 + i] === 0)
      throw shapeError(`${name}: axis ${2 + i} of ${formatShape(x.shape)} has no elements`);
  });
  const smooth = mode === 'bilinear' || mode === 'bicubic';
  if ((alignCorners || antialias) && !smooth)
    throw valueError(
      `${name}: alignCorners and antialias are for 'bilinear' and 'bicubic', not for ${describeValue(mode)}`,
    );
  if (mode === 'area') return adaptiveAvgPool(x, output);
  if (!smooth && mode !== 'nearest')
    throw valueError(
      `${name}: mode must be 'nearest', 'bilinear', 'bicubic' or 'area', got ${describeValue(mode)}`,
    );
  const start = smooth ? x.cast(floatOf(x.dtype)) : x;
  return output.reduce((result, count, i) => {
    const from = x.shape[2 + i];
    if (mode === 'nearest') return count === from ? result : nearest(result, 2 + i, from, count);
    const taps = antialias
      ? smoothTaps(from, count, mode === 'bicubic', alignCorners)
      : tapsOf(from, count, mode === 'bicubic', alignCorners);
    return antialias ? byMatrix(result, 2 + i, from, count, taps) : byTaps(result, 2 + i, count, taps);
  }, start);
}

/** Positions as PyTorch computes them, in float32. */
function nearest(x: Tensor, axis: number, from: number, count: number): Tensor {
  const scale = Math.fround(from / count);
  const positions = Int32Array.from({ length: count }, (_, i) =>
    Math.min(Math.floor(Math.fround(i * scale)), from - 1),
  );
  return take(x, fromArray(positions, [count], 'int32'), axis, 'resize');
}

/** Distance of neighboring elements of the result, in elements of the input. */
function stepOf(from: number, count: number, alignCorners: boolean): number {
  if (!alignCorners) return from / count;
  return count > 1 ? (from - 1) / (count - 1) : 0;
}

function tapsOf(from: number, count: number, cubic: boolean, alignCorners: boolean): Taps {
  const step = stepOf(from, count, alignCorners);
  const width = cubic ? 4 : 2;
  const positions = new Int32Array(count * width);
  const weights = new Float64Array(count * width);
  for (let i = 0; i < count; i++) {
    let at = alignCorners ? step * i : step * (i + 0.5) - 0.5;
    // The border's element stands before the first center; cubics look beyond it by their positions.
    if (!cubic) at = Math.max(at, 0);
    const whole = Math.min(Math.floor(at), from - 1);
    const rest = at - whole;
    const own = cubic ? cubicWeights(rest, -0.75) : [1 - Math.min(rest, 1), Math.min(rest, 1)];
    own.forEach((weight, k) => {
      const position = whole + k - (cubic ? 1 : 0);
      positions[i * width + k] = Math.min(Math.max(position, 0), from - 1);
      weights[i * width + k] = weight;
    });
  }
  return { width, positions, weights };
}

/** Weights of the elements at −1, 0, 1, 2 for a point `t` after the one at 0: R. Keys, "Cubic convolution interpolation" (1981). */
export function cubicWeights(t: number, a: number): [number, number, number, number] {
  return [keys(t + 1, a), keys(t, a), keys(1 - t, a), keys(2 - t, a)];
}

function keys(distance: number, a: number): number {
  const x = Math.abs(distance);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

/** Filters as wide as the step, as in PIL: a triangle, or Keys' cubic with a = −½. */
function smoothTaps(from: number, count: number, cubic: boolean, alignCorners: boolean): Taps {
  const step = stepOf(from, count, alignCorners);
  const stretch = Math.max(step, 1);
  const support = (cubic ? 2 : 1) * stretch;
  const width = Math.min(Math.ceil(support) * 2 + 1, from);
  const positions = new Int32Array(count * width);
  const weights = new Float64Array(count * width);
  for (let i = 0; i < count; i++) {
    const center = step * (i + 0.5);
    const first = Math.max(Math.trunc(center - support + 0.5), 0);
    const length = Math.min(Math.trunc(center + support + 0.5), from) - first;
    let total = 0;
    for (let k = 0; k < Math.min(length, width); k++) {
      const distance = (k + first - center + 0.5) / stretch;
      const weight = cubic ? keys(distance, -0.5) : Math.max(0, 1 - Math.abs(distance));
      positions[i * width + k] = first + k;
      weights[i * width + k] = weight;
      total += weight;
    }
    if (total !== 0) for (let k = 0; k < width; k++) weights[i * width + k] /= total;
  }
  return { width, positions, weights };
}

function byTaps(x: Tensor, axis: number, count: number, { width, positions, weights }: Taps): Tensor {
  const along = [count, ...x.shape.slice(axis + 1).map(() => 1)];
  let sum: Tensor | null = null;
  for (let k = 0; k < width; k++) {
    const index = Int32Array.from({ length: count }, (_, i) => positions[i * width + k]);
    const weight = Float64Array.from({ length: count }, (_, i) => weights[i * width + k]);
    const term = take(x, fromArray(index, [count], 'int32'), axis, 'resize').mul(
      fromArray(weight, along, 'float64').cast(x.dtype),
    );
    sum = sum === null ? term : sum.add(term);
  }
  return sum!;
}

/** Filters may be wide, so they are a matrix. */
function byMatrix(x: Tensor, axis: number, from: number, count: number, taps: Taps): Tensor {
  const matrix = new Float64Array(from * count);
  for (let i = 0; i < count; i++)
    for (let k = 0; k < taps.width; k++)
      matrix[taps.positions[i * taps.width + k] * count + i] += taps.weights[i * taps.width + k];
  const last = x.shape.length - 1;
  const order = [...x.shape.keys()].filter((i) => i !== axis);
  const filtered = x
    .permute([...order, axis])
    .matmul(fromArray(matrix, [from, count], 'float64').cast(x.dtype));
  return filtered.permute([...x.shape.keys()].map((i) => (i === axis ? last : order.indexOf(i))));
}
