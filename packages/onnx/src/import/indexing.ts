/**
 * Operators that read and write at computed positions.
 */
import { arange, type Shape, stack, type Tensor, tensor, zeros } from '@ag/tensor';
import { valueError } from '@ag/tensor/engine';
import { quoted } from '../errors.ts';
import type { Call, Rules } from './call.ts';

const sizeOf = (shape: Shape): number => shape.reduce((product, size) => product * size, 1);

function gatherElements(call: Call): Tensor {
  const x = call.tensor(0);
  const index = call.tensor(1);
  const axis = call.axis(call.int('axis', 0), x.shape.length);
  return firstOf(x, index.shape, axis).gather(index, axis);
}

/** The first elements along all axes but one, as many as another tensor has. */
function firstOf(x: Tensor, shape: Shape, axis: number): Tensor {
  return shape.reduce(
    (part, size, i) => (i === axis || size === part.shape[i] ? part : part.slice(0, size, { axis: i })),
    x,
  );
}

/** Two numbers to one, for updates that meet what is there. */
const combinations: { readonly [reduction: string]: (old: Tensor, update: Tensor) => Tensor } = {
  mul: (old, update) => old.mul(update),
  max: (old, update) => old.maximum(update),
  min: (old, update) => old.minimum(update),
};

/** `x` with updates at positions along an axis; the other axes of index and updates are those of `x`. */
function scattered(call: Call, x: Tensor, index: Tensor, updates: Tensor, axis: number): Tensor {
  const reduction = call.text('reduction', 'none');
  if (reduction === 'add') return x.scatterAdd(index, updates, axis).cast(x.dtype);
  const put = (base: Tensor, at: Tensor, values: Tensor, of: (old: Tensor, update: Tensor) => Tensor) => {
    const none = zeros(x.shape, { dtype: 'float32' });
    const ones = zeros(values.shape, { dtype: 'float32' }).add(1);
    const written = none.scatterAdd(at, ones, axis).greater(0);
    const own = zeros(x.shape, { dtype: values.dtype }).scatterAdd(at, values, axis);
    return written.where(of(base, own.cast(x.dtype)), base);
  };
  if (reduction === 'none') return put(x, index, updates, (_, update) => update);
  const combine = Object.hasOwn(combinations, reduction) ? combinations[reduction] : null;
  if (!combine) throw valueError(`there is no reduction ${quoted(reduction)}`);
  // One row of positions after the other: positions of one row differ, those of different rows may be equal.
  call.run.count(index.shape[axis]);
  let result = x;
  for (let i = 0; i < index.shape[axis]; i++) {
    const row = (t: Tensor): Tensor => t.slice(i, i + 1, { axis });
    result = put(result, row(index), row(updates), combine);
  }
  return result;
}

function scatterElements(call: Call): Tensor {
  const x = call.tensor(0);
  const index = call.tensor(1);
  const axis = call.axis(call.int('axis', 0), x.shape.length);
  const part = firstOf(x, index.shape, axis);
  const result = scattered(call, part, index, call.tensor(2), axis);
  if (part.shape.every((size, i) => size === x.shape[i])) return result;
  // What lies outside of the index stays.
  const widths = x.shape.map((size, i): [number, number] => [0, size - part.shape[i]]);
  const inside = zeros(part.shape, { dtype: 'bool' }).logicalNot().pad(widths, 0);
  return inside.where(result.pad(widths, 0), x);
}

/** Positions along several axes as positions in these axes taken as one. */
function flatIndex(index: Tensor, sizes: Shape): Tensor {
  const last = index.shape.length - 1;
  let flat: Tensor = zeros(index.shape.slice(0, last), { dtype: 'int32' });
  sizes.forEach((size, i) => {
    const own = index
      .slice(i, i + 1, { axis: last })
      .squeeze(last)
      .cast('int32');
    flat = flat.mul(size).add(own.less(0).where(own.add(size), own));
  });
  return flat;
}

function gatherNd(call: Call): Tensor {
  const x = call.tensor(0);
  const index = call.tensor(1);
  const batch = call.int('batch_dims', 0);
  const depth = index.shape[index.shape.length - 1];
  const sizes = x.shape.slice(batch, batch + depth);
  const rest = x.shape.slice(batch + depth);
  const rows = sizeOf(x.shape.slice(0, batch));
  const flat = flatIndex(index, sizes).reshape([rows, -1, 1]);
  const source = x.reshape([rows, sizeOf(sizes), sizeOf(rest)]);
  return source.gather(flat, 1).reshape([...index.shape.slice(0, -1), ...rest]);
}

function scatterNd(call: Call): Tensor {
  const x = call.tensor(0);
  const index = call.tensor(1);
  const depth = index.shape[index.shape.length - 1];
  const sizes = x.shape.slice(0, depth);
  const width = sizeOf(x.shape.slice(depth));
  const flat = flatIndex(index, sizes).reshape([-1, 1]);
  const updates = call.tensor(2).reshape([flat.shape[0], width]);
  const rows = x.reshape([sizeOf(sizes), width]);
  const at = flat.broadcastTo([flat.shape[0], width]);
  return scattered(call, rows, at, updates, 0).reshape(x.shape);
}

function oneHot(call: Call): Tensor {
  const index = call.tensor(0);
  const depth = call.number(1);
  const values = call.tensor(2);
  const rank = index.shape.length + 1;
  const axis = call.axis(call.int('axis', -1), rank);
  const own = arange(0, depth, 1, { dtype: 'int32' }).reshape(
    Array.from({ length: rank }, (_, i) => (i === axis ? depth : 1)),
  );
  const whole = index.cast('int32');
  const position = whole.less(0).where(whole.add(depth), whole).unsqueeze(axis);
  const [off, on] = [0, 1].map((i) => values.slice(i, i + 1).reshape([]));
  return position.equal(own).where(on, off);
}

/** Elements where a condition, which is read, holds. */
function compress(call: Call): Tensor {
  const condition = call.numbers(1);
  const at = Int32Array.from(condition.flatMap((x, i) => (x === 0 ? [] : [i])));
  const x = call.tensor(0);
  if (!call.attribute('axis')) return x.reshape([-1]).take(tensor(at), 0);
  return x.take(tensor(at), call.axis(call.int('axis'), x.shape.length));
}

/** Positions of what is not 0, which has to be read: their number depends on the values. */
function nonZero(call: Call): Tensor {
  const { shape, data } = call.value(0).read();
  const found = Array.from(data).flatMap((x, i) => (x === 0 ? [] : [i]));
  const rows = shape.map((size, axis) => {
    const after = sizeOf(shape.slice(axis + 1));
    return tensor(Int32Array.from(found, (i) => Math.floor(i / after) % size));
  });
  return rows.length > 0 ? stack(rows) : zeros([0, found.length], { dtype: 'int32' });
}

/** Different elements, or slices along an axis; read, as their number depends on the values. */
function unique(call: Call): readonly Tensor[] {
  const x = call.tensor(0);
  const axis = call.attribute('axis') ? call.axis(call.int('axis'), x.shape.length) : null;
  const rows = axis === null ? x.reshape([-1, 1]) : x.transpose(0, axis).reshape([x.shape[axis], -1]);
  const [count, width] = rows.shape as [number, number];
  const data = rows.dataSync();
  const row = (i: number): number[] => Array.from(data.subarray(i * width, (i + 1) * width));
  const seen = new Map<string, { first: number; count: number }>();
  const keys = Array.from({ length: count }, (_, i) => row(i).join());
  keys.forEach((key, i) => {
    const known = seen.get(key);
    if (known) known.count++;
    else seen.set(key, { first: i, count: 1 });
  });
  const found = [...seen.entries()];
  if (call.int('sorted', 1) === 1) {
    const compare = (a: number[], b: number[]): number => {
      const at = a.findIndex((value, i) => value !== b[i]);
      return at < 0 ? 0 : a[at] - b[at];
    };
    found.sort(([, a], [, b]) => compare(row(a.first), row(b.first)));
  }
  const place = new Map(found.map(([key], i) => [key, i]));
  const whole = (list: readonly number[]): Tensor => tensor(Int32Array.from(list));
  const firsts = whole(found.map(([, { first }]) => first));
  const values = axis === null ? x.reshape([-1]).take(firsts, 0) : x.take(firsts, axis);
  return [
    values,
    firsts,
    whole(keys.map((key) => place.get(key)!)),
    whole(found.map(([, { count }]) => count)),
  ];
}

export const indexing: Rules = {
  Gather: (call) => {
    const x = call.tensor(0);
    return x.take(call.tensor(1), call.axis(call.int('axis', 0), x.shape.length));
  },
  GatherElements: gatherElements,
  GatherND: gatherNd,
  ScatterElements: scatterElements,
  Scatter: scatterElements,
  ScatterND: scatterNd,
  OneHot: oneHot,
  Compress: compress,
  NonZero: nonZero,
  Unique: unique,
};
