/**
 * Making tensors from numbers.
 */

import { checkFinite, checkInteger, checkNumber, describeValue } from '../check.ts';
import {
  allocateArray,
  asTypedArray,
  checkDType,
  computedDType,
  convertElements,
  type DType,
  dtypeOfArray,
  type OtherTypedArray,
  promote,
  type TypedArray,
  toDType,
} from '../dtype.ts';
import { shapeError, typeError, valueError } from '../errors.ts';
import { coordinates, coordinatesLike } from '../ops/indexing.ts';
import { checkOptions } from '../options.ts';
import { activeTrace } from '../run/tracing.ts';
import { checkShape, fixedShape, formatShape, type Shape, scalarShape, sizeOf } from '../shape.ts';
import type { AsWritten, ShapeOf } from '../shapeTypes.ts';
import { apply, checkTensor, literal, Tensor } from '../tensor.ts';

/** Numbers, possibly nested, rows also as typed arrays: the nesting gives the shape. */
export type NestedNumbers = number | boolean | TypedArray | OtherTypedArray | readonly NestedNumbers[];

/** Options of {@link tensor}. */
export interface TensorOptions<S extends Shape = Shape> {
  /** Default: that of a typed array, else float32. */
  readonly dtype?: DType;
  /** Default: the nesting, or the length of a flat array. */
  readonly shape?: S;
}

/**
 * A tensor with the given elements. Numbers become elements as `cast` makes them (docs/operations.md, *Dtypes*).
 *
 * ```ts
 * tensor([[1, 2], [3, 4]])                                  // shape [2, 2], float32
 * tensor(new Uint8Array(784), { shape: [28, 28] })          // dtype uint8
 * tensor([Float64Array.of(1, 2), Float64Array.of(3, 4)])    // shape [2, 2], float64
 * ```
 *
 * @param data numbers or nested arrays of numbers (default dtype float32), or a typed array, or arrays of typed arrays (their
 * own dtype; Int8Array, Int16Array and Uint16Array give int32, Uint8ClampedArray uint8, Float16Array float32). It is
 * copied, unless `copy` is false: then the tensor takes over a typed array of its dtype, which must not be written afterwards.
 * @throws RangeError when the nesting is ragged or the number of elements does not fit `shape`, TypeError for what is no number.
 */
export function tensor<const S extends Shape = Shape>(
  data: NestedNumbers,
  options?: TensorOptions<S> & { readonly copy?: boolean },
): Tensor<AsWritten<S>>;
export function tensor(
  data: NestedNumbers,
  options: TensorOptions & { readonly copy?: boolean } = {},
): Tensor {
  checkOptions('tensor', options, 'dtype shape copy');
  const dtype = options.dtype === undefined ? undefined : checkDType(options.dtype, 'tensor');
  const given = asTypedArray(data);
  if (given !== null) {
    const shape = options.shape ?? [given.length];
    checkCount(shape, given.length);
    const own = dtypeOfArray(given);
    const takenOver = options.copy === false && fits(given, own, dtype ?? own);
    return fromArray(takenOver ? given : convertElements(given, dtype ?? own), shape, dtype ?? own);
  }
  if (typeof data !== 'number' && typeof data !== 'boolean' && !Array.isArray(data)) {
    throw typeError(
      `tensor: expected numbers, nested arrays or a typed array, got ${describeValue(data)}${remedy(data)}`,
    );
  }
  const nesting = shapeOf(data);
  const size = sizeOf(nesting);
  const flat: Flat = { numbers: new Array<number>(size), rows: null, plain: false };
  flatten(data, nesting, 0, flat, 0);
  const shape = options.shape ?? nesting;
  checkCount(shape, size);
  const rows = flat.plain ? null : flat.rows;
  // Rows of whole numbers convert as one typed array of them would.
  const numbers = rows === null ? flat.numbers : convertElements(flat.numbers, rows);
  const own = dtype ?? rows ?? (flat.rows === null ? 'float32' : promote(flat.rows, 'float32'));
  return fromArray(own === rows ? (numbers as TypedArray) : convertElements(numbers, own), shape, own);
}

/**
 * A tensor of the bits of 16-bit floating-point numbers, as files hold them. `data()` of it gives the numbers.
 *
 * ```ts
 * fromBits(Uint16Array.of(0x3c00, 0xc000), { dtype: 'float16' }); // 1, −2
 * ```
 *
 * @param options the dtype; the shape, default one axis; `copy: false` takes over the array, which must not be written afterwards
 * @throws RangeError when the number of elements does not fit `shape`, TypeError for other arrays and dtypes
 */
export function fromBits(
  bits: Uint16Array,
  options: { readonly dtype: 'float16' | 'bfloat16'; readonly shape?: Shape; readonly copy?: boolean },
): Tensor {
  checkOptions('fromBits', options, 'dtype shape copy');
  const dtype = checkDType(options.dtype, 'fromBits');
  if (!(bits instanceof Uint16Array))
    throw typeError(`fromBits: expected a Uint16Array, got ${describeValue(bits)}`);
  if (dtype !== 'float16' && dtype !== 'bfloat16')
    throw typeError(
      `fromBits: dtype must be float16 or bfloat16, got ${dtype}; use tensor(…, { dtype: '${dtype}' })`,
    );
  const shape = options.shape ?? [bits.length];
  checkCount(shape, bits.length, 'fromBits');
  return fromArray(options.copy === false ? bits : bits.slice(), shape, dtype);
}

/** A tensor without axes. */
export function scalar(value: number, options: { readonly dtype?: DType } = {}): Tensor<[]> {
  checkOptions('scalar', options, 'dtype');
  if (typeof value !== 'boolean') checkNumber(value, 'scalar', 'the value');
  return filled('scalar', scalarShape, Number(value), options.dtype);
}

/** All elements 0. */
export function zeros<const S extends Shape>(
  shape: S,
  options: { readonly dtype?: DType } = {},
): Tensor<AsWritten<S>> {
  checkOptions('zeros', options, 'dtype');
  return filled('zeros', shape, 0, options.dtype);
}

/** All elements 1. */
export function ones<const S extends Shape>(
  shape: S,
  options: { readonly dtype?: DType } = {},
): Tensor<AsWritten<S>> {
  checkOptions('ones', options, 'dtype');
  return filled('ones', shape, 1, options.dtype);
}

/** All elements `value`; takes no memory until something needs it stored. */
export function full<const S extends Shape>(
  shape: S,
  value: number,
  options: { readonly dtype?: DType } = {},
): Tensor<AsWritten<S>> {
  checkOptions('full', options, 'dtype');
  if (typeof value !== 'boolean') checkNumber(value, 'full', 'the value');
  return filled('full', shape, Number(value), options.dtype);
}

function filled(operation: string, shape: Shape, value: number, dtype: DType = 'float32'): Tensor {
  checkShape(shape, operation);
  const one = literal(value, computedDType(checkDType(dtype, operation)));
  return (shape.length === 0 ? one : one.broadcastTo(shape)).cast(dtype);
}

/** Zeros with the shape and dtype of `t`. */
export function zerosLike<T extends Tensor>(t: T): Tensor<ShapeOf<T>> {
  return like(t, 0, 'zerosLike');
}

/** Ones with the shape and dtype of `t`. */
export function onesLike<T extends Tensor>(t: T): Tensor<ShapeOf<T>> {
  return like(t, 1, 'onesLike');
}

function like(t: Tensor, value: number, operation: string): Tensor {
  const { dtype } = checkTensor(t, operation);
  return literal(value, computedDType(dtype)).broadcastLike(t).cast(dtype);
}

/** The identity matrix of `n` rows and `columns` (default n) columns. */
export function eye<N extends number, M extends number = N>(
  n: N,
  columns?: M,
  options?: { readonly dtype?: DType },
): Tensor<[N, M]>;
export function eye(n: number, columns: number = n, options: { readonly dtype?: DType } = {}): Tensor {
  checkOptions('eye', options, 'dtype');
  checkInteger(n, 'eye', 'n', 0);
  checkInteger(columns, 'eye', 'columns', 0);
  checkShape([n, columns], 'eye');
  return coordinate(n)
    .unsqueeze(1)
    .equal(coordinate(columns))
    .cast(checkDType(options.dtype ?? 'float32', 'eye'));
}

/** `arange(stop)`, `arange(start, stop, step)`: evenly spaced numbers, `stop` excluded. */
export function arange(
  start: number,
  stop?: number,
  step = 1,
  options: { readonly dtype?: DType } = {},
): Tensor<[number]> {
  checkOptions('arange', options, 'dtype');
  const from = stop === undefined ? 0 : start;
  const to = stop === undefined ? start : stop;
  for (const [argument, value] of Object.entries({ start: from, stop: to, step }))
    checkFinite(value, 'arange', argument);
  if (step === 0) throw valueError('arange: step must not be 0');
  const count = Math.max(0, Math.ceil((to - from) / step));
  checkShape([count], 'arange');
  return sequence('arange', count, (i) => from + i * step, options.dtype);
}

/** `count` numbers from `start` to `stop`, both included, evenly spaced. */
export function linspace<N extends number>(
  start: number,
  stop: number,
  count: N,
  options: { readonly dtype?: DType } = {},
): Tensor<[N]> {
  checkOptions('linspace', options, 'dtype');
  checkFinite(start, 'linspace', 'start');
  checkFinite(stop, 'linspace', 'stop');
  checkShape([checkInteger(count, 'linspace', 'count', 0)], 'linspace');
  const last = count - 1;
  // The share first where the distance would overflow.
  const far = !Number.isFinite(stop - start);
  const between = (i: number): number =>
    far ? start * (1 - i / last) + stop * (i / last) : start + ((stop - start) * i) / last;
  return sequence(
    'linspace',
    count,
    (i) => (i === 0 ? start : i === last ? stop : between(i)),
    options.dtype,
  );
}

function sequence(
  operation: string,
  count: number,
  at: (i: number) => number,
  given: DType = 'float32',
): Tensor {
  const dtype = checkDType(given, operation);
  const array = allocateArray(dtype, count);
  for (let i = 0; i < count; i++) array[i] = toDType(at(i), dtype);
  return fromArray(array, [count], dtype);
}

/**
 * A scalar whose value `read` gives: now, or anew before each run when compiled. Learning rates and the like.
 *
 * ```ts
 * const rate = dynamicScalar(() => schedule(step));
 * ```
 */
export function dynamicScalar(read: () => number, dtype: DType = 'float32'): Tensor {
  if (typeof read !== 'function')
    throw typeError(
      `dynamicScalar: read must be a function that gives the number, got ${describeValue(read)}`,
    );
  checkDType(dtype, 'dynamicScalar');
  return activeTrace() ? literal(Number.NaN, dtype, read) : literal(read(), dtype);
}

/** 0 … n − 1 as int32, computed where it is used. */
export function coordinate(n: number): Tensor {
  return apply(coordinates, [], { shape: [n] });
}

/** The row-major position of each element of `t`, int32. */
export function positionsLike(t: Tensor): Tensor {
  return apply(coordinatesLike, [t]);
}

/** A leaf that owns `array`. */
export function fromArray(array: TypedArray, shape: Shape, dtype: DType): Tensor {
  const leaf = { kind: 'host', data: array, uses: 0, device: null } as const;
  return new Tensor(fixedShape(shape), dtype, null, [], undefined, leaf);
}

/** A named leaf without a value, for graphs that are fed. */
export function placeholderLeaf(shape: Shape, dtype: DType, name: string): Tensor {
  return new Tensor(fixedShape(shape), dtype, null, [], undefined, { kind: 'placeholder', name });
}

/** Whether an array can be a tensor's memory as it is: bools are stored as 0 and 1 only. */
function fits(array: TypedArray, own: DType, dtype: DType): boolean {
  if (dtype !== 'bool') return dtype === own;
  return own === 'uint8' && array.every((byte) => byte <= 1);
}

function checkCount(shape: Shape, count: number, operation = 'tensor'): void {
  checkShape(shape, operation);
  if (sizeOf(shape) !== count) {
    throw shapeError(
      `${operation}: shape ${formatShape(shape)} has ${sizeOf(shape)} elements, the data ${count}`,
    );
  }
}

function shapeOf(data: NestedNumbers): number[] {
  const shape: number[] = [];
  let level: NestedNumbers = data;
  while (Array.isArray(level) || ArrayBuffer.isView(level)) {
    shape.push(level.length);
    if (level.length === 0 || ArrayBuffer.isView(level)) break;
    level = level[0] as NestedNumbers;
  }
  return shape;
}

/** Nested numbers in row-major order. */
interface Flat {
  readonly numbers: number[];
  /** What the dtypes of rows that are typed arrays promote to. */
  rows: DType | null;
  /** Whether any number stood in a plain array. */
  plain: boolean;
}

function flatten(data: NestedNumbers, shape: Shape, axis: number, out: Flat, at: number): number {
  if (axis === shape.length) {
    out.numbers[at] = Number(checkElement(data, at));
    out.plain = true;
    return at + 1;
  }
  const size = shape[axis];
  const row = asTypedArray(data);
  if (row === null && !Array.isArray(data)) checkElement(data, at);
  if ((row === null && !Array.isArray(data)) || (data as ArrayLike<number>).length !== size) {
    const found = Array.isArray(data) || row ? `${(data as ArrayLike<number>).length} elements` : 'a number';
    throw shapeError(
      `tensor: the nesting is ragged: expected ${size} elements along axis ${axis}, found ${found}`,
    );
  }
  if (row !== null && axis === shape.length - 1) {
    for (let i = 0; i < size; i++) out.numbers[at + i] = row[i];
    const own = dtypeOfArray(row);
    out.rows = out.rows === null ? own : promote(out.rows, own);
    return at + size;
  }
  let position = at;
  for (let i = 0; i < size; i++)
    position = flatten((data as readonly NestedNumbers[])[i], shape, axis + 1, out, position);
  return position;
}

/** One element. @throws an error that names what else it is */
function checkElement(value: unknown, at: number): number | boolean {
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  if (Array.isArray(value) || asTypedArray(value) !== null) {
    throw shapeError(`tensor: the nesting is ragged: an array where a number was expected, at element ${at}`);
  }
  throw typeError(`tensor: expected a number at element ${at}, got ${describeValue(value)}${remedy(value)}`);
}

function remedy(value: unknown): string {
  if (typeof value === 'bigint' || value instanceof BigInt64Array || value instanceof BigUint64Array)
    return '; convert it with Number';
  if (value === null || value === undefined) return '; NaN stands for what is missing';
  if (typeof value === 'string') return '; convert texts with Number';
  if (typeof value === 'object' && 'dtype' in value) return '; stack and concat join tensors';
  return '';
}
