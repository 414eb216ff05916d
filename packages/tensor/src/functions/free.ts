/**
 * Free functions: one for each method of `Tensor` (`add(a, b)` is `a.add(b)`), and operations that combine several
 * tensors or are rare enough to be left out of bundles that do not use them.
 */

import { checkArray, checkInteger } from '../check.ts';
import { checkDType, type DType } from '../dtype.ts';
import { shapeError, valueError } from '../errors.ts';
import { diagonal as diagonalOp } from '../ops/movement.ts';
import { expand as expandLowering, type Lowering } from '../ops/op.ts';
import { argsort as argsortOp } from '../ops/reduce.ts';
import { checkOptions } from '../options.ts';
import { type Axes, formatShape, normalizeAxis, type Shape, sameShape } from '../shape.ts';
import type {
  AsWritten,
  BinaryFunction,
  Broadcasted,
  BroadcastOperand,
  Concatenated,
  JoinedOperands,
  LiteralAxes,
  Reduced,
  ShapeOf,
  Stacked,
} from '../shapeTypes.ts';
import {
  apply,
  checkTensor,
  type ExtremeOptions,
  type ReduceOptions,
  Tensor,
  type TensorLike,
  type ValuesAndIndices,
} from '../tensor.ts';
import { coordinate } from './create.ts';
import type { FreeFunction, Method } from './freeTypes.ts';
import { joined, positionsOf, sectionOf } from './select.ts';

function free<K extends Method>(name: K): FreeFunction<K>;
function free(name: Method): (x: Tensor, ...rest: unknown[]) => Tensor {
  return (x, ...rest) => (checkTensor(x, name)[name] as (...args: unknown[]) => Tensor)(...rest);
}

type BinaryMethod =
  | 'add'
  | 'sub'
  | 'mul'
  | 'div'
  | 'pow'
  | 'mod'
  | 'maximum'
  | 'minimum'
  | 'atan2'
  | 'equal'
  | 'notEqual'
  | 'less'
  | 'lessEqual'
  | 'greater'
  | 'greaterEqual';

/** The same for a method of two operands, either of which may be a number. */
function binary(name: BinaryMethod): BinaryFunction;
function binary(name: BinaryMethod): (a: TensorLike, b: TensorLike) => Tensor {
  return (a: TensorLike, b: TensorLike): Tensor => {
    if (a instanceof Tensor) return a[name](b);
    if (typeof a !== 'number') return checkTensor(a, name, 'a', 'a tensor or a number');
    return checkTensor(b, name, 'b', 'a tensor, or a number beside a tensor,').number(a)[name](b);
  };
}

export const add = /* @__PURE__ */ binary('add');
export const sub = /* @__PURE__ */ binary('sub');
export const mul = /* @__PURE__ */ binary('mul');
export const div = /* @__PURE__ */ binary('div');
export const pow = /* @__PURE__ */ binary('pow');
export const mod = /* @__PURE__ */ binary('mod');
export const maximum = /* @__PURE__ */ binary('maximum');
export const minimum = /* @__PURE__ */ binary('minimum');
export const atan2 = /* @__PURE__ */ binary('atan2');
export const equal = /* @__PURE__ */ binary('equal');
export const notEqual = /* @__PURE__ */ binary('notEqual');
export const less = /* @__PURE__ */ binary('less');
export const lessEqual = /* @__PURE__ */ binary('lessEqual');
export const greater = /* @__PURE__ */ binary('greater');
export const greaterEqual = /* @__PURE__ */ binary('greaterEqual');

export const neg = /* @__PURE__ */ free('neg');
export const abs = /* @__PURE__ */ free('abs');
export const sign = /* @__PURE__ */ free('sign');
export const square = /* @__PURE__ */ free('square');
export const sqrt = /* @__PURE__ */ free('sqrt');
export const rsqrt = /* @__PURE__ */ free('rsqrt');
export const reciprocal = /* @__PURE__ */ free('reciprocal');
export const floor = /* @__PURE__ */ free('floor');
export const ceil = /* @__PURE__ */ free('ceil');
export const round = /* @__PURE__ */ free('round');
export const clamp = /* @__PURE__ */ free('clamp');
export const exp = /* @__PURE__ */ free('exp');
export const expm1 = /* @__PURE__ */ free('expm1');
export const log = /* @__PURE__ */ free('log');
export const log1p = /* @__PURE__ */ free('log1p');
export const log2 = /* @__PURE__ */ free('log2');
export const sin = /* @__PURE__ */ free('sin');
export const cos = /* @__PURE__ */ free('cos');
export const tan = /* @__PURE__ */ free('tan');
export const asin = /* @__PURE__ */ free('asin');
export const acos = /* @__PURE__ */ free('acos');
export const atan = /* @__PURE__ */ free('atan');
export const sinh = /* @__PURE__ */ free('sinh');
export const cosh = /* @__PURE__ */ free('cosh');
export const tanh = /* @__PURE__ */ free('tanh');
export const erf = /* @__PURE__ */ free('erf');
export const sigmoid = /* @__PURE__ */ free('sigmoid');
export const relu = /* @__PURE__ */ free('relu');
export const softplus = /* @__PURE__ */ free('softplus');
export const leakyRelu = /* @__PURE__ */ free('leakyRelu');
export const elu = /* @__PURE__ */ free('elu');
export const selu = /* @__PURE__ */ free('selu');
export const gelu = /* @__PURE__ */ free('gelu');
export const silu = /* @__PURE__ */ free('silu');
export const softsign = /* @__PURE__ */ free('softsign');
export const logSigmoid = /* @__PURE__ */ free('logSigmoid');
export const hardSigmoid = /* @__PURE__ */ free('hardSigmoid');
export const hardSwish = /* @__PURE__ */ free('hardSwish');
export const mish = /* @__PURE__ */ free('mish');
export const logicalAnd = /* @__PURE__ */ free('logicalAnd');
export const logicalOr = /* @__PURE__ */ free('logicalOr');
export const logicalNot = /* @__PURE__ */ free('logicalNot');
// biome-ignore lint/suspicious/noShadowRestrictedNames: the name of the method
export const isNaN = /* @__PURE__ */ free('isNaN');
// biome-ignore lint/suspicious/noShadowRestrictedNames: the name of the method
export const isFinite = /* @__PURE__ */ free('isFinite');
export const cast = /* @__PURE__ */ free('cast');
export const detach = /* @__PURE__ */ free('detach');
export const sum = /* @__PURE__ */ free('sum');
export const mean = /* @__PURE__ */ free('mean');
export const prod = /* @__PURE__ */ free('prod');
export const argmax = /* @__PURE__ */ free('argmax');
export const argmin = /* @__PURE__ */ free('argmin');
export const all = /* @__PURE__ */ free('all');
export const any = /* @__PURE__ */ free('any');
export const variance = /* @__PURE__ */ free('variance');
export const std = /* @__PURE__ */ free('std');
export const norm = /* @__PURE__ */ free('norm');
export const logSumExp = /* @__PURE__ */ free('logSumExp');
export const softmax = /* @__PURE__ */ free('softmax');
export const logSoftmax = /* @__PURE__ */ free('logSoftmax');
export const cumsum = /* @__PURE__ */ free('cumsum');
export const cumprod = /* @__PURE__ */ free('cumprod');
export const reshape = /* @__PURE__ */ free('reshape');
export const flatten = /* @__PURE__ */ free('flatten');
export const squeeze = /* @__PURE__ */ free('squeeze');
export const unsqueeze = /* @__PURE__ */ free('unsqueeze');
export const permute = /* @__PURE__ */ free('permute');
export const transpose = /* @__PURE__ */ free('transpose');
export const broadcastTo = /* @__PURE__ */ free('broadcastTo');
export const flip = /* @__PURE__ */ free('flip');
export const slice = /* @__PURE__ */ free('slice');
export const pad = /* @__PURE__ */ free('pad');
export const indexSelect = /* @__PURE__ */ free('indexSelect');
export const take = /* @__PURE__ */ free('take');
export const scatterAdd = /* @__PURE__ */ free('scatterAdd');
export const gather = /* @__PURE__ */ free('gather');
export const index = /* @__PURE__ */ free('index');
export const tile = /* @__PURE__ */ free('tile');
export const roll = /* @__PURE__ */ free('roll');
export const matmul = /* @__PURE__ */ free('matmul');
export const dot = /* @__PURE__ */ free('dot');

/** Largest element; see the method. */
export function max(
  x: Tensor,
  axis: number | undefined,
  options: ExtremeOptions & { readonly indices: true },
): ValuesAndIndices;
export function max<
  T extends Tensor,
  const A extends LiteralAxes | undefined = undefined,
  K extends boolean = false,
>(x: T, axis?: A, options?: ReduceOptions<K>): Reduced<T, A, K>;
export function max(x: Tensor, axis?: Axes, options?: ExtremeOptions): Tensor | ValuesAndIndices {
  checkOptions('max', options, 'keepDims indices');
  return checkTensor(x, 'max').max(axis, options as ReduceOptions);
}

/** Smallest element; see the method. */
export function min(
  x: Tensor,
  axis: number | undefined,
  options: ExtremeOptions & { readonly indices: true },
): ValuesAndIndices;
export function min<
  T extends Tensor,
  const A extends LiteralAxes | undefined = undefined,
  K extends boolean = false,
>(x: T, axis?: A, options?: ReduceOptions<K>): Reduced<T, A, K>;
export function min(x: Tensor, axis?: Axes, options?: ExtremeOptions): Tensor | ValuesAndIndices {
  checkOptions('min', options, 'keepDims indices');
  return checkTensor(x, 'min').min(axis, options as ReduceOptions);
}

/** Where `condition` is true the element of `x`, elsewhere that of `y`. */
export function where<T extends Tensor, X extends TensorLike, Y extends TensorLike>(
  condition: T,
  x: BroadcastOperand<T, X>,
  y: BroadcastOperand<T, Y>,
): Broadcasted<Broadcasted<T, X>, Y>;
export function where(condition: Tensor, x: TensorLike, y: TensorLike): Tensor {
  return checkTensor(condition, 'where', 'condition').where(x, y);
}

/** The product of every element of `a` with every element of `b`: shape [...a.shape, ...b.shape]. */
export function outer<T extends Tensor, U extends Tensor>(a: T, b: U): Tensor<[...ShapeOf<T>, ...ShapeOf<U>]>;
export function outer(a: Tensor, b: Tensor): Tensor {
  checkTensor(b, 'outer', 'b');
  return checkTensor(a, 'outer', 'a')
    .reshape([...a.shape, ...b.shape.map(() => 1)])
    .mul(b);
}

/** Joins tensors along an existing axis; their other sizes must be equal. */
export function concat<const Ts extends readonly Tensor[], A extends number = 0>(
  tensors: JoinedOperands<'concat', Ts, A>,
  axis?: A,
): Concatenated<Ts, A>;
export function concat(tensors: readonly Tensor[], axis = 0): Tensor {
  checkTensors(tensors, 'concat');
  const first = tensors[0];
  const at = normalizeAxis(axis, first.shape.length, 'concat');
  for (const t of tensors) {
    if (
      t.shape.length !== first.shape.length ||
      t.shape.some((size, i) => i !== at && size !== first.shape[i])
    ) {
      throw shapeError(
        `concat: shapes must be equal except along axis ${at}: ${tensors.map((x) => formatShape(x.shape)).join(', ')}; ` +
          'say another axis, concat(tensors, axis), or stack along a new one',
      );
    }
  }
  return joined(tensors, at);
}

/** Joins tensors of one shape along a new axis. */
export function stack<const Ts extends readonly Tensor[], A extends number = 0>(
  tensors: JoinedOperands<'stack', Ts, null>,
  axis?: A,
): Stacked<Ts, A>;
export function stack(tensors: readonly Tensor[], axis = 0): Tensor {
  checkTensors(tensors, 'stack');
  const first = tensors[0];
  const at = normalizeAxis(axis, first.shape.length + 1, 'stack');
  for (const t of tensors) {
    if (!sameShape(t.shape, first.shape)) {
      throw shapeError(`stack: shapes differ: ${tensors.map((x) => formatShape(x.shape)).join(', ')}`);
    }
  }
  return concat(
    tensors.map((t) => t.unsqueeze(at)),
    at,
  );
}

function checkTensors(tensors: readonly Tensor[], operation: string): void {
  if (checkArray(tensors, operation, 'the tensors').length === 0)
    throw valueError(`${operation}: needs at least one tensor`);
  tensors.forEach((t, i) => {
    checkTensor(t, operation, `element ${i}`);
  });
}

/**
 * Cuts along an axis into pieces of the given sizes, or into pieces of one size (the last may be smaller).
 *
 * @throws RangeError when the sizes do not add up to the axis
 */
export function split(x: Tensor, sizes: number | readonly number[], axis = 0): Tensor[] {
  const at = normalizeAxis(axis, checkTensor(x, 'split').shape.length, 'split');
  const n = x.shape[at];
  const list = typeof sizes === 'number' ? pieces(n, sizes) : checkArray(sizes, 'split', 'sizes');
  if (list.some((size) => !Number.isInteger(size) || size < 0)) {
    throw valueError(`split: sizes must be whole numbers ≥ 0, got ${JSON.stringify(sizes)}`);
  }
  const total = list.reduce((sum, size) => sum + size, 0);
  if (total !== n) {
    throw shapeError(
      `split: sizes ${list.join(' + ')} = ${total} do not add up to ${n}, the size of axis ${at}`,
    );
  }
  let start = 0;
  return list.map((size) => {
    const piece = sectionOf(x, start, size, at);
    start += size;
    return piece;
  });
}

/** Cuts along an axis into `count` pieces of equal size; the last may be smaller, and pieces that would be empty are left out. */
export function chunk(x: Tensor, count: number, axis = 0): Tensor[] {
  const at = normalizeAxis(axis, checkTensor(x, 'chunk').shape.length, 'chunk');
  checkInteger(count, 'chunk', 'the count', 1);
  return split(x, Math.max(1, Math.ceil(x.shape[at] / count)), at);
}

function pieces(n: number, size: number): number[] {
  checkInteger(size, 'split', 'the size', 1);
  if (n === 0) return [0];
  return Array.from({ length: Math.ceil(n / size) }, (_, i) => Math.min(size, n - i * size));
}

/** Element n of the class axis is 1 where the class index is n: `[...]` → `[..., classes]`. Indices outside give zeros. */
export function oneHot<T extends Tensor, C extends number>(
  indices: T,
  classes: C,
  options?: { readonly dtype?: DType },
): Tensor<[...ShapeOf<T>, C]>;
export function oneHot(indices: Tensor, classes: number, options: { readonly dtype?: DType } = {}): Tensor {
  checkOptions('oneHot', options, 'dtype');
  const count = checkInteger(classes, 'oneHot', 'the number of classes', 0, 2 ** 31 - 1);
  return checkTensor(indices, 'oneHot', 'indices')
    .unsqueeze(-1)
    .equal(coordinate(count))
    .cast(checkDType(options.dtype ?? 'float32', 'oneHot'));
}

/**
 * For each axis of `x` the positions of its elements that are not 0, in row-major order; int32. Evaluates `x`.
 *
 * ```ts
 * x.index(...(await nonzero(mask))); // x[mask]
 * ```
 */
export async function nonzero(x: Tensor): Promise<Tensor[]> {
  return positionsOf(x, await checkTensor(x, 'nonzero').data());
}

/** `broadcastTo`; given a function instead of a tensor, the lowering of an operation that is defined by others. */
export function expand<const N extends Shape>(x: Tensor, shape: N): Tensor<AsWritten<N>>;
export function expand<A>(of: (inputs: readonly Tensor[], attributes: A) => Tensor): Lowering<A>;
export function expand(
  x: Tensor | ((inputs: readonly Tensor[], attributes: never) => Tensor),
  shape?: Shape,
): Tensor | Lowering<never> {
  return typeof x === 'function' ? expandLowering(x) : checkTensor(x, 'expand').broadcastTo(shape!);
}

/** Positions (int32) that sort along an axis; equal elements keep their order, NaN comes last. */
export function argsort(x: Tensor, axis = -1, options: { readonly descending?: boolean } = {}): Tensor {
  checkOptions('argsort', options, 'descending');
  return argsortAs('argsort', x, axis, options.descending);
}

function argsortAs(operation: string, x: Tensor, axis: number, descending = false): Tensor {
  const at = normalizeAxis(axis, checkTensor(x, operation).shape.length, operation);
  const last = x.shape.length - 1;
  const order = (t: Tensor): Tensor => apply(argsortOp, [t], { descending });
  return at === last ? order(x) : order(x.transpose(at, last)).transpose(at, last);
}

/**
 * The elements sorted along an axis, and where they stood; equal elements keep their order, NaN comes last. What it gives is itself
 * the tensor of the values: `sort(x).mul(2)`, `const { values, indices } = sort(x)`.
 */
export function sort(
  x: Tensor,
  axis = -1,
  options: { readonly descending?: boolean } = {},
): Tensor & ValuesAndIndices {
  checkOptions('sort', options, 'descending');
  const indices = argsortAs('sort', checkTensor(x, 'sort'), axis, options.descending);
  const values = x.gather(indices, axis);
  const hidden = { enumerable: false };
  return Object.defineProperties(values, {
    values: { ...hidden, value: values },
    indices: { ...hidden, value: indices },
  }) as Tensor & ValuesAndIndices;
}

/** The `k` largest elements along an axis, largest first, and their positions. */
export function topK(x: Tensor, k: number, axis = -1): { readonly values: Tensor; readonly indices: Tensor } {
  const at = normalizeAxis(axis, checkTensor(x, 'topK').shape.length, 'topK');
  checkInteger(k, 'topK', 'k', 0, x.shape[at]);
  const indices = sectionOf(argsort(x, at, { descending: true }), 0, k, at);
  return { values: x.gather(indices, at), indices };
}

/** The lower triangle of the last two axes, up to diagonal `k` (0 the main one); zeros elsewhere. */
export function tril(x: Tensor, k = 0): Tensor {
  const [rows, columns] = lastTwo(x, 'tril', k);
  return coordinate(columns).lessEqual(coordinate(rows).unsqueeze(1).add(k)).where(x, 0);
}

/** The upper triangle of the last two axes, from diagonal `k` (0 the main one); zeros elsewhere. */
export function triu(x: Tensor, k = 0): Tensor {
  const [rows, columns] = lastTwo(x, 'triu', k);
  return coordinate(columns).greaterEqual(coordinate(rows).unsqueeze(1).add(k)).where(x, 0);
}

/** The sum along diagonal `k` (0 the main one) of the last two axes. */
export function trace(x: Tensor, k = 0): Tensor {
  return diagonalAs('trace', x, k).sum(-1);
}

/**
 * Diagonal `k` of the last two axes (0 the main one, above it positive), as the last axis: `[..., n, m]` → `[..., l]`.
 */
export function diagonal(x: Tensor, k = 0): Tensor {
  return diagonalAs('diagonal', x, k);
}

function diagonalAs(operation: string, x: Tensor, k: number): Tensor {
  const [rows, columns] = lastTwo(x, operation, k);
  const rank = x.shape.length;
  const down = Math.min(rows, Math.max(0, -k));
  const right = Math.min(columns, Math.max(0, k));
  const part = sectionOf(sectionOf(x, down, rows - down, rank - 2), right, columns - right, rank - 1);
  return apply(diagonalOp, [part], { first: -2, second: -1 });
}

/** A square matrix with the last axis of `x` on its diagonal `k` and zeros elsewhere; for a matrix instead its diagonal (NumPy's `diag`). */
export function diag(x: Tensor, k = 0): Tensor {
  checkDiagonal(k, 'diag');
  if (checkTensor(x, 'diag').shape.length === 2) return diagonalAs('diag', x, k);
  if (x.shape.length !== 1)
    throw shapeError(`diag: needs one or two axes, got ${formatShape(x.shape)}; use diagonal for batches`);
  const n = x.shape[0];
  const size = n + Math.abs(k);
  const row = coordinate(size).unsqueeze(1);
  // Row i of the result holds element i (or i + k below the main diagonal) at column i + k.
  const spread = x.pad([[Math.max(0, -k), Math.max(0, k)]]).unsqueeze(1);
  return coordinate(size).sub(row).equal(k).where(spread, 0);
}

/** Rows and columns of the last two axes. @throws an error for fewer axes, and for a `k` that is no diagonal */
function lastTwo(x: Tensor, operation: string, k: number): [number, number] {
  checkDiagonal(k, operation);
  if (checkTensor(x, operation).shape.length < 2)
    throw shapeError(`${operation}: needs at least two axes, got ${formatShape(x.shape)}`);
  return [x.shape[x.shape.length - 2], x.shape[x.shape.length - 1]];
}

function checkDiagonal(k: number, operation: string): void {
  checkInteger(k, operation, 'k', -(2 ** 31) + 1, 2 ** 31 - 1);
}
