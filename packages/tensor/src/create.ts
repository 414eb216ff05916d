/**
 * Making tensors from numbers.
 */
import {
  allocateArray,
  checkDType,
  type DType,
  dtypeOfArray,
  isTypedArray,
  type TypedArray,
} from './dtype.ts';
import { coordinates, coordinatesLike } from './ops/indexing.ts';
import { checkShape, fixedShape, formatShape, type Shape, sizeOf } from './shape.ts';
import { apply, literal, Tensor } from './tensor.ts';
import { activeTrace } from './tracing.ts';

/** Numbers, possibly nested: the nesting gives the shape. */
export type NestedNumbers = number | boolean | readonly NestedNumbers[];

export interface TensorOptions {
  /** Default: that of a typed array, else float32. */
  readonly dtype?: DType;
  /** Default: the nesting, or the length of a flat array. */
  readonly shape?: Shape;
}

/**
 * A tensor with the given elements.
 *
 * ```ts
 * tensor([[1, 2], [3, 4]])                                  // shape [2, 2], float32
 * tensor(new Uint8Array(784), { shape: [28, 28] })          // dtype uint8
 * ```
 *
 * @param data numbers or nested arrays of numbers (default dtype float32), or a typed array (its own dtype). It is
 * copied, unless `copy` is false: then the tensor takes over a typed array of its dtype, which must not be written afterwards.
 * @throws RangeError when the nesting is ragged or the number of elements does not fit `shape`.
 */
export function tensor(
  data: NestedNumbers | TypedArray,
  options: TensorOptions & { readonly copy?: boolean } = {},
): Tensor {
  const dtype = options.dtype === undefined ? undefined : checkDType(options.dtype);
  if (isTypedArray(data)) {
    const shape = options.shape ?? [data.length];
    checkCount(shape, data.length);
    const own = dtypeOfArray(data);
    const same = dtype === undefined || dtype === own || (dtype === 'bool' && own === 'uint8');
    const array = same && options.copy === false ? data : convert(data, data.length, dtype ?? own);
    return fromArray(array, shape, dtype ?? own);
  }
  if (typeof data !== 'number' && typeof data !== 'boolean' && !Array.isArray(data)) {
    throw new TypeError(
      `tensor: expected numbers, nested arrays or a typed array, got ${data === null ? 'null' : typeof data}`,
    );
  }
  const nesting = shapeOf(data);
  const size = sizeOf(nesting);
  const flat = new Array<number>(size);
  flatten(data, nesting, 0, flat, 0);
  const shape = options.shape ?? nesting;
  checkCount(shape, size);
  return fromArray(convert(flat, size, dtype ?? 'float32'), shape, dtype ?? 'float32');
}

/** A tensor without axes. */
export function scalar(value: number, options: { readonly dtype?: DType } = {}): Tensor {
  return tensor(value, options);
}

/** All elements 0. */
export function zeros(shape: Shape, options: { readonly dtype?: DType } = {}): Tensor {
  return full(shape, 0, options);
}

/** All elements 1. */
export function ones(shape: Shape, options: { readonly dtype?: DType } = {}): Tensor {
  return full(shape, 1, options);
}

/** All elements `value`; takes no memory until something needs it stored. */
export function full(shape: Shape, value: number, options: { readonly dtype?: DType } = {}): Tensor {
  checkShape(shape, 'full');
  const one = literal(value, checkDType(options.dtype ?? 'float32'));
  return shape.length === 0 ? one : one.broadcastTo(shape);
}

/** Zeros with the shape and dtype of `t`. */
export function zerosLike(t: Tensor): Tensor {
  return literal(0, t.dtype).broadcastLike(t);
}

/** Ones with the shape and dtype of `t`. */
export function onesLike(t: Tensor): Tensor {
  return literal(1, t.dtype).broadcastLike(t);
}

/** The identity matrix of `n` rows and `columns` (default n) columns. */
export function eye(n: number, columns: number = n, options: { readonly dtype?: DType } = {}): Tensor {
  checkShape([n, columns], 'eye');
  return coordinate(n)
    .unsqueeze(1)
    .equal(coordinate(columns))
    .cast(options.dtype ?? 'float32');
}

/** `arange(stop)`, `arange(start, stop, step)`: evenly spaced numbers, `stop` excluded. */
export function arange(
  start: number,
  stop?: number,
  step = 1,
  options: { readonly dtype?: DType } = {},
): Tensor {
  const from = stop === undefined ? 0 : start;
  const to = stop === undefined ? start : stop;
  if (!Number.isFinite(from) || !Number.isFinite(to) || !Number.isFinite(step) || step === 0) {
    throw new RangeError(
      `arange: start, stop and step must be finite and step not 0, got ${from}, ${to}, ${step}`,
    );
  }
  const count = Math.max(0, Math.ceil((to - from) / step));
  const array = allocateArray(options.dtype ?? 'float32', count);
  for (let i = 0; i < count; i++) array[i] = from + i * step;
  return fromArray(array, [count], options.dtype ?? 'float32');
}

/** `count` numbers from `start` to `stop`, both included, evenly spaced. */
export function linspace(
  start: number,
  stop: number,
  count: number,
  options: { readonly dtype?: DType } = {},
): Tensor {
  checkShape([count], 'linspace');
  const array = allocateArray(options.dtype ?? 'float32', count);
  for (let i = 0; i < count; i++) array[i] = count === 1 ? start : start + ((stop - start) * i) / (count - 1);
  if (count > 1) array[count - 1] = stop;
  return fromArray(array, [count], options.dtype ?? 'float32');
}

/**
 * A scalar whose value `read` gives: now, or anew before each run when compiled. Learning rates and the like.
 *
 * ```ts
 * const rate = liveScalar(() => schedule(step));
 * ```
 */
export function liveScalar(read: () => number, dtype: DType = 'float32'): Tensor {
  return activeTrace() ? literal(Number.NaN, dtype, read) : literal(read(), dtype);
}

/** 0 … n − 1 as int32, computed where it is used. @internal */
export function coordinate(n: number): Tensor {
  return apply(coordinates, [], { shape: [n] });
}

/** The row-major position of each element of `t`, int32. @internal */
export function positionsLike(t: Tensor): Tensor {
  return apply(coordinatesLike, [t]);
}

/** A leaf that owns `array`. @internal */
export function fromArray(array: TypedArray, shape: Shape, dtype: DType): Tensor {
  const leaf = { kind: 'host', data: array, uses: 0, device: null } as const;
  return new Tensor(fixedShape(shape), dtype, null, [], undefined, leaf);
}

/** A named leaf without a value, for graphs that are fed. @internal */
export function placeholderLeaf(shape: Shape, dtype: DType, name: string): Tensor {
  return new Tensor(fixedShape(shape), dtype, null, [], undefined, { kind: 'placeholder', name });
}

function convert(data: ArrayLike<number>, length: number, dtype: DType): TypedArray {
  const array = allocateArray(dtype, length);
  if (dtype === 'bool') for (let i = 0; i < length; i++) array[i] = data[i] ? 1 : 0;
  else array.set(data);
  return array;
}

function checkCount(shape: Shape, count: number): void {
  checkShape(shape, 'tensor');
  if (sizeOf(shape) !== count) {
    throw new RangeError(
      `tensor: shape ${formatShape(shape)} has ${sizeOf(shape)} elements, the data ${count}`,
    );
  }
}

function shapeOf(data: NestedNumbers): number[] {
  const shape: number[] = [];
  let level: NestedNumbers = data;
  while (Array.isArray(level)) {
    shape.push(level.length);
    if (level.length === 0) break;
    level = level[0] as NestedNumbers;
  }
  return shape;
}

function flatten(data: NestedNumbers, shape: Shape, axis: number, out: number[], at: number): number {
  if (axis === shape.length) {
    if (typeof data !== 'number' && typeof data !== 'boolean') {
      throw new RangeError(
        `tensor: the nesting is ragged: an array where a number was expected, at element ${at}`,
      );
    }
    out[at] = Number(data);
    return at + 1;
  }
  if (!Array.isArray(data) || data.length !== shape[axis]) {
    const found = Array.isArray(data) ? `${data.length} elements` : 'a number';
    throw new RangeError(
      `tensor: the nesting is ragged: expected ${shape[axis]} elements along axis ${axis}, found ${found}`,
    );
  }
  let position = at;
  for (const item of data as readonly NestedNumbers[])
    position = flatten(item, shape, axis + 1, out, position);
  return position;
}
