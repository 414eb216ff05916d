/**
 * Free functions: one for each method of `Tensor` (`add(a, b)` is `a.add(b)`), and operations that combine several
 * tensors or are rare enough to be left out of bundles that do not use them.
 */
import { openSize, place } from './ops/movement.ts';
import { gather as gatherOp, scatter as scatterOp } from './ops/indexing.ts';
import { argsort as argsortOp } from './ops/reduce.ts';
import { coordinate } from './create.ts';
import { formatShape, normalizeAxis, type Shape, sameShape } from './shape.ts';
import { apply, checkTensor, Tensor, type TensorLike } from './tensor.ts';
import type { DType } from './dtype.ts';

type Method = {
  [K in keyof Tensor]: Tensor[K] extends (...args: never[]) => Tensor ? K : never;
}[keyof Tensor];

/** A method as a function of the tensor and the method's arguments. */
type Free<K extends Method> = (x: Tensor, ...rest: Parameters<Tensor[K]>) => Tensor;

function free<K extends Method>(name: K): Free<K> {
  return (x, ...rest) => (checkTensor(x)[name] as (...args: unknown[]) => Tensor)(...rest);
}

/** The same for a method of two operands, either of which may be a number. */
function binary(name: 'add' | 'sub' | 'mul' | 'div' | 'pow' | 'mod' | 'maximum' | 'minimum' | 'atan2' | 'equal' | 'notEqual' | 'less' | 'lessEqual' | 'greater' | 'greaterEqual') {
  return (a: TensorLike, b: TensorLike): Tensor => {
    if (a instanceof Tensor) return a[name](b);
    if (typeof a !== 'number') return checkTensor(a);
    return checkTensor(b).number(a)[name](b);
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
export const isNaN = /* @__PURE__ */ free('isNaN');
export const isFinite = /* @__PURE__ */ free('isFinite');
export const cast = /* @__PURE__ */ free('cast');
export const detach = /* @__PURE__ */ free('detach');
export const sum = /* @__PURE__ */ free('sum');
export const mean = /* @__PURE__ */ free('mean');
export const prod = /* @__PURE__ */ free('prod');
export const max = /* @__PURE__ */ free('max');
export const min = /* @__PURE__ */ free('min');
export const argmax = /* @__PURE__ */ free('argmax');
export const argmin = /* @__PURE__ */ free('argmin');
export const all = /* @__PURE__ */ free('all');
export const any = /* @__PURE__ */ free('any');
export const variance = /* @__PURE__ */ free('variance');
export const std = /* @__PURE__ */ free('std');
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
export const matmul = /* @__PURE__ */ free('matmul');
export const dot = /* @__PURE__ */ free('dot');

/** Where `condition` is true the element of `x`, elsewhere that of `y`. */
export function where(condition: Tensor, x: TensorLike, y: TensorLike): Tensor {
  return checkTensor(condition).where(x, y);
}

/** The product of every element of `a` with every element of `b`: shape [...a.shape, ...b.shape]. */
export function outer(a: Tensor, b: Tensor): Tensor {
  return checkTensor(a).reshape([...a.shape, ...b.shape.map(() => 1)]).mul(b);
}

/** Joins tensors along an existing axis; their other sizes must be equal. */
export function concat(tensors: readonly Tensor[], axis = 0): Tensor {
  if (tensors.length === 0) throw new RangeError('concat: needs at least one tensor');
  for (const t of tensors) checkTensor(t);
  const first = tensors[0]!;
  const at = normalizeAxis(axis, first.shape.length, 'concat');
  let total = 0;
  const parts = tensors.map((t) => {
    if (t.shape.length !== first.shape.length || t.shape.some((size, i) => i !== at && size !== first.shape[i])) {
      throw new RangeError(
        `concat: shapes must be equal except along axis ${at}: ${tensors.map((x) => formatShape(x.shape)).join(', ')}`,
      );
    }
    const starts = t.shape.map((_, i) => (i === at ? total : 0));
    total += t.shape[at]!;
    return { starts, steps: t.shape.map(() => 1), moving: [] };
  });
  const shape: Shape = first.shape.map((size, i) => (i === at ? total : size === openSize ? openSize : size));
  return apply(place, tensors, { shape, parts, fill: 0, accumulate: false });
}

/** Joins tensors of one shape along a new axis. */
export function stack(tensors: readonly Tensor[], axis = 0): Tensor {
  if (tensors.length === 0) throw new RangeError('stack: needs at least one tensor');
  const first = checkTensor(tensors[0]);
  for (const t of tensors) {
    if (!sameShape(t.shape, first.shape)) {
      throw new RangeError(`stack: shapes differ: ${tensors.map((x) => formatShape(x.shape)).join(', ')}`);
    }
  }
  return concat(
    tensors.map((t) => t.unsqueeze(axis)),
    axis,
  );
}

/** Cuts along an axis into pieces of the given sizes. */
export function split(x: Tensor, sizes: readonly number[], axis = 0): Tensor[] {
  const at = normalizeAxis(axis, checkTensor(x).shape.length, 'split');
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (total !== x.shape[at]) {
    throw new RangeError(`split: sizes ${sizes.join(' + ')} = ${total} do not add up to ${x.shape[at]}, the size of axis ${at}`);
  }
  let start = 0;
  return sizes.map((size) => {
    const piece = x.sliceFrom(start, size, at, 1);
    start += size;
    return piece;
  });
}

/** Cuts along an axis into `count` pieces of equal size (the last may be smaller). */
export function chunk(x: Tensor, count: number, axis = 0): Tensor[] {
  const at = normalizeAxis(axis, checkTensor(x).shape.length, 'chunk');
  const n = x.shape[at]!;
  const size = Math.ceil(n / count);
  const sizes: number[] = [];
  for (let start = 0; start < n; start += size) sizes.push(Math.min(size, n - start));
  return split(x, sizes, at);
}

/** Element n of the class axis is 1 where the class index is n: `[...]` → `[..., classes]`. Indices outside give zeros. */
export function oneHot(indices: Tensor, classes: number, options: { readonly dtype?: DType } = {}): Tensor {
  return checkTensor(indices).unsqueeze(-1).equal(coordinate(classes)).cast(options.dtype ?? 'float32');
}

/**
 * out[…, i, …] = x[…, index[…, i, …], …] along `axis`; other axes of the two broadcast. An index outside the axis
 * makes the evaluation fail; negative ones count from the end.
 */
export function gather(x: Tensor, index: Tensor, axis = -1): Tensor {
  return apply(gatherOp, [checkTensor(x), checkTensor(index)], { axis: normalizeAxis(axis, x.shape.length, 'gather') });
}

/** `x` with updates added at […, index[…, i, …], …] along `axis`; updates for the same place add up. */
export function scatterAdd(x: Tensor, index: Tensor, updates: Tensor, axis = -1): Tensor {
  const at = normalizeAxis(axis, checkTensor(x).shape.length, 'scatterAdd');
  return x.add(apply(scatterOp, [x, checkTensor(index), checkTensor(updates)], { axis: at }));
}

/** Whole slices of `x` along `axis`, looked up by an index of any shape: the axis is replaced by the index's axes. */
export function take(x: Tensor, index: Tensor, axis = 0): Tensor {
  const at = normalizeAxis(axis, checkTensor(x).shape.length, 'take');
  const before = x.shape.slice(0, at);
  const after = x.shape.slice(at + 1);
  const inner = index.shape.length === 0 ? [1] : index.shape;
  const source = x.reshape([...before, x.shape[at]!, ...inner.slice(1).map(() => 1), ...after]);
  const places = index.reshape([...before.map(() => 1), ...inner, ...after.map(() => 1)]);
  // The looked-up axis stands first among the index's axes; the others broadcast from size 1.
  const full = places.broadcastTo([...before, ...inner, ...after]);
  const result = apply(gatherOp, [source, full], { axis: at });
  return result.reshape([...before, ...index.shape, ...after]);
}

/** `take` with a one-dimensional index. */
export function indexSelect(x: Tensor, axis: number, index: Tensor): Tensor {
  if (index.shape.length !== 1) throw new RangeError(`indexSelect: the index must have one axis, got ${formatShape(index.shape)}`);
  return take(x, index, axis);
}

/** Positions (int32) that sort along an axis; equal elements keep their order, NaN comes last. */
export function argsort(x: Tensor, axis = -1, options: { readonly descending?: boolean } = {}): Tensor {
  const at = normalizeAxis(axis, checkTensor(x).shape.length, 'argsort');
  const last = x.shape.length - 1;
  const order = (t: Tensor): Tensor => apply(argsortOp, [t], { descending: options.descending ?? false });
  return at === last ? order(x) : order(x.transpose(at, last)).transpose(at, last);
}

/** The elements sorted along an axis. */
export function sort(x: Tensor, axis = -1, options: { readonly descending?: boolean } = {}): Tensor {
  return gather(x, argsort(x, axis, options), axis);
}

/** The `k` largest elements along an axis, largest first, and their positions. */
export function topK(x: Tensor, k: number, axis = -1): { readonly values: Tensor; readonly indices: Tensor } {
  const at = normalizeAxis(axis, checkTensor(x).shape.length, 'topK');
  if (!Number.isInteger(k) || k < 0 || k > x.shape[at]!) {
    throw new RangeError(`topK: k must be a whole number in 0 … ${x.shape[at]}, got ${k}`);
  }
  const indices = argsort(x, at, { descending: true }).sliceFrom(0, k, at, 1);
  return { values: gather(x, indices, at), indices };
}

/** The lower triangle of the last two axes, up to diagonal `k` (0 the main one); zeros elsewhere. */
export function tril(x: Tensor, k = 0): Tensor {
  const [rows, columns] = lastTwo(x, 'tril');
  return coordinate(columns).lessEqual(coordinate(rows).unsqueeze(1).add(k)).where(x, 0);
}

/** The upper triangle of the last two axes, from diagonal `k` (0 the main one); zeros elsewhere. */
export function triu(x: Tensor, k = 0): Tensor {
  const [rows, columns] = lastTwo(x, 'triu');
  return coordinate(columns).greaterEqual(coordinate(rows).unsqueeze(1).add(k)).where(x, 0);
}

/** The sum of the main diagonal of the last two axes. */
export function trace(x: Tensor): Tensor {
  const [rows, columns] = lastTwo(x, 'trace');
  return coordinate(columns).equal(coordinate(rows).unsqueeze(1)).where(x, 0).sum([-2, -1]);
}

function lastTwo(x: Tensor, where: string): [number, number] {
  if (checkTensor(x).shape.length < 2) throw new RangeError(`${where}: needs at least two axes, got ${formatShape(x.shape)}`);
  return [x.shape[x.shape.length - 2]!, x.shape[x.shape.length - 1]!];
}
