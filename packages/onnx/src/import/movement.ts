/**
 * Operators that move elements: other shapes, other orders, parts.
 */
import { arange, concat, full, type Shape, split, type Tensor, tensor, tril, triu } from '@ag/tensor';
import { valueError } from '@ag/tensor/engine';
import { fileError } from '../errors.ts';
import { dtypeFor } from '../file/tensors.ts';
import { type Call, hostLength, type Rule, type Rules } from './call.ts';
import { hostOf, Value } from './value.ts';

/** The shape that `Reshape` asks for: 0 takes over a size unless it is meant. */
export function reshaped(from: Shape, wanted: readonly number[], allowZero: boolean): number[] {
  return wanted.map((size, i) => {
    if (size !== 0 || allowZero) return size;
    if (from[i] === undefined)
      throw fileError(`the shape [${wanted.join(', ')}] takes over size ${i} of ${from.length}`);
    return from[i];
  });
}

/** Axes as attribute, or as input 1 from version 13 on. */
export function axesOf(call: Call): number[] | null {
  return call.opset < 13 ? call.ints('axes') : call.optionalNumbers(1);
}

/** A shape with sizes of 1 put in at axes of the result. */
export function unsqueezed(call: Call, shape: Shape): number[] {
  const axes = axesOf(call) ?? [];
  const rank = shape.length + axes.length;
  const at = new Set(axes.map((axis) => call.axis(axis, rank)));
  const rest = [...shape];
  return Array.from({ length: rank }, (_, i) => (at.has(i) ? 1 : (rest.shift() ?? 1)));
}

/** A shape without the sizes of 1 at some axes. */
export function squeezed(call: Call, shape: Shape): number[] {
  const axes = axesOf(call)?.map((axis) => call.axis(axis, shape.length));
  return shape.filter((size, i) => {
    const goes = axes ? axes.includes(i) : size === 1;
    if (goes && size !== 1)
      throw valueError(`axis ${i} of [${shape.join(', ')}] is to go but has size ${size}`);
    return !goes;
  });
}

/** What `Slice` takes of one axis. */
export interface Cut {
  readonly axis: number;
  readonly start: number;
  readonly size: number;
  readonly step: number;
}

/** The cuts of `Slice`, starts and ends limited to the axes. */
export function cutsOf(call: Call, shape: Shape): Cut[] {
  const early = call.opset < 10;
  const starts = early ? (call.ints('starts') ?? []) : call.numbers(1);
  const ends = early ? (call.ints('ends') ?? []) : call.numbers(2);
  const axes = early ? call.ints('axes') : call.optionalNumbers(3);
  const steps = early ? null : call.optionalNumbers(4);
  return starts.map((start, i) => {
    const axis = call.axis(axes?.[i] ?? i, shape.length);
    const step = steps?.[i] ?? 1;
    if (step === 0) throw valueError('a step is 0');
    const size = shape[axis];
    const [low, high] = step > 0 ? [0, size] : [-1, size - 1];
    const limit = (at: number): number => Math.min(high, Math.max(low, at < 0 ? at + size : at));
    const [first, last] = [limit(start), limit(ends[i])];
    return { axis, start: first, size: Math.max(0, Math.ceil((last - first) / step)), step };
  });
}

function slice(call: Call): Tensor {
  const x = call.tensor(0);
  return cutsOf(call, x.shape).reduce(
    (result, { axis, start, size, step }) =>
      start === 0 && step === 1 && size === result.shape[axis]
        ? result
        : section(result, axis, start, size, step),
    x,
  );
}

/** Elements start, start + step, … along an axis. */
export function section(x: Tensor, axis: number, start: number, size: number, step = 1): Tensor {
  if (size === 0) return x.slice(0, 0, { axis });
  const last = start + (size - 1) * step;
  const end = step > 0 ? last + 1 : last === 0 ? undefined : last - 1;
  return x.slice(start, end, { axis, step });
}

/** Sizes of the parts of `Split`. */
export function partsOf(call: Call, shape: Shape, axis: number): number[] {
  const given = call.opset < 13 ? call.ints('split') : call.optionalNumbers(1);
  if (given) {
    const sum = given.reduce((a, b) => a + b, 0);
    if (given.some((size) => size < 0) || (shape[axis] >= 0 && sum !== shape[axis]))
      throw fileError(`parts of sizes [${given.join(', ')}] are not the whole of ${shape[axis]}`);
    return given;
  }
  const outputs = call.node.proto.output.length;
  const count = call.opset >= 18 ? call.int('num_outputs', outputs) : outputs;
  if (count !== outputs) throw fileError(`${count} parts for ${outputs} outputs`);
  const size = Math.ceil(shape[axis] / count);
  return Array.from({ length: count }, (_, i) => Math.max(0, Math.min(size, shape[axis] - i * size)));
}

/** Where elements of a padded axis come from. */
function sources(size: number, before: number, after: number, mode: string): Int32Array {
  const from = (i: number): number => {
    if (mode === 'edge') return Math.min(size - 1, Math.max(0, i));
    if (mode === 'wrap') return ((i % size) + size) % size;
    const period = 2 * size - 2;
    if (period === 0) return 0;
    const inside = ((i % period) + period) % period;
    return inside < size ? inside : period - inside;
  };
  return Int32Array.from({ length: hostLength(Math.max(0, before + size + after)) }, (_, i) =>
    from(i - before),
  );
}

function pad(call: Call): Tensor {
  let x = call.tensor(0);
  const early = call.opset < 11;
  const pads = (early ? call.ints('pads') : call.numbers(1)) ?? [];
  const mode = call.text('mode', 'constant');
  const axes = (early ? null : call.optionalNumbers(3))?.map((axis) => call.axis(axis, x.shape.length)) ?? [
    ...x.shape.keys(),
  ];
  if (pads.length !== 2 * axes.length) throw fileError(`${pads.length} widths for ${axes.length} axes`);
  const widths = x.shape.map((): [number, number] => [0, 0]);
  axes.forEach((axis, i) => {
    widths[axis] = [pads[i], pads[axes.length + i]];
  });
  if (mode !== 'constant') {
    widths.forEach(([before, after], axis) => {
      if (before === 0 && after === 0) return;
      if (x.shape[axis] === 0) throw valueError(`there is nothing along axis ${axis} to repeat`);
      x = x.take(tensor(sources(x.shape[axis], before, after, mode)), axis);
    });
    return x;
  }
  // Negative widths take away.
  widths.forEach(([before, after], axis) => {
    const start = Math.max(0, -before);
    const size = Math.max(0, x.shape[axis] - start - Math.max(0, -after));
    if (size !== x.shape[axis]) x = section(x, axis, start, size);
  });
  const rest = widths.map(([before, after]): [number, number] => [Math.max(0, before), Math.max(0, after)]);
  return x.pad(rest, early ? call.float('value', 0) : call.number(2, 0));
}

/** Blocks of depth become blocks in the plane. */
function depthToSpace(call: Call): Tensor {
  const x = call.tensor(0);
  const [n, c, h, w] = x.shape;
  const b = call.int('blocksize');
  const parts = c / (b * b);
  const moved =
    call.text('mode', 'DCR') === 'CRD'
      ? x.reshape([n, parts, b, b, h, w]).permute([0, 1, 4, 2, 5, 3])
      : x.reshape([n, b, b, parts, h, w]).permute([0, 3, 4, 1, 5, 2]);
  return moved.reshape([n, parts, h * b, w * b]);
}

function spaceToDepth(call: Call): Tensor {
  const x = call.tensor(0);
  const [n, c, h, w] = x.shape;
  const b = call.int('blocksize');
  const order = call.text('mode', 'DCR') === 'CRD' ? [0, 1, 3, 5, 2, 4] : [0, 3, 5, 1, 2, 4];
  return x
    .reshape([n, c, h / b, b, w / b, b])
    .permute(order)
    .reshape([n, c * b * b, h / b, w / b]);
}

function range(call: Call): Tensor {
  const [start, limit, step] = [call.number(0), call.number(1), call.number(2)];
  return arange(start, limit, step, { dtype: call.tensor(0).dtype });
}

function constantOfShape(call: Call): Tensor {
  const shape = call.numbers(0);
  const fill = call.array('value');
  const dtype = fill ? hostOf(fill).type : 'float32';
  return full(shape, fill?.data[0] ?? 0, { dtype: dtype === 'int64' ? 'int32' : dtype });
}

function eyeLike(call: Call): Tensor {
  const x = call.tensor(0);
  const [rows, columns] = x.shape;
  const dtype = call.attribute('dtype') ? dtypeFor(call.int('dtype'), 'dtype') : x.dtype;
  const row = arange(0, rows, 1, { dtype: 'int32' }).unsqueeze(1);
  const column = arange(0, columns, 1, { dtype: 'int32' });
  return column.sub(row).equal(call.int('k', 0)).cast(dtype);
}

function trilu(call: Call): Tensor {
  const of = call.int('upper', 1) === 1 ? triu : tril;
  const k = Math.max(-(2 ** 30), Math.min(2 ** 30, call.number(1, 0)));
  return of(call.tensor(0), k);
}

/** The first lengths[i] elements of each sequence in reverse order. */
function reverseSequence(call: Call): Tensor {
  const x = call.tensor(0);
  const lengths = call.tensor(1).cast('int32');
  const time = call.axis(call.int('time_axis', 0), x.shape.length);
  const batch = call.axis(call.int('batch_axis', 1), x.shape.length);
  const along = (t: Tensor, axis: number): Tensor =>
    t.reshape(x.shape.map((_, i) => (i === axis ? t.shape[0] : 1)));
  const at = along(arange(0, x.shape[time], 1, { dtype: 'int32' }), time);
  const length = along(lengths, batch);
  return x.gather(at.less(length).where(length.sub(1).sub(at), at).broadcastTo(x.shape), time);
}

/** Cut or padded around the middle to given sizes. */
function centerCropPad(call: Call): Tensor {
  let x = call.tensor(0);
  const target = call.numbers(1);
  const axes = call.ints('axes')?.map((axis) => call.axis(axis, x.shape.length)) ?? [...x.shape.keys()];
  axes.forEach((axis, i) => {
    const [size, wanted] = [x.shape[axis], target[i]];
    if (size >= wanted) {
      x = section(x, axis, Math.floor((size - wanted) / 2), wanted);
      return;
    }
    const before = Math.floor((wanted - size) / 2);
    x = x.pad(
      x.shape.map((_, j): [number, number] => (j === axis ? [before, wanted - size - before] : [0, 0])),
    );
  });
  return x;
}

const shapeOf: Rule = (call) => {
  const { shape } = call.value(0);
  const limit = (at: number): number => Math.max(0, Math.min(shape.length, at < 0 ? at + shape.length : at));
  const data = shape.slice(limit(call.int('start', 0)), limit(call.int('end', shape.length)));
  if (data.includes(-1))
    throw valueError('the shape is open until a placeholder is fed; use compile instead');
  return new Value(null, { type: 'int64', shape: [data.length], data });
};

export const movement: Rules = {
  Shape: shapeOf,
  Size: (call) => {
    const count = call.value(0).shape.reduce((product, size) => product * size, 1);
    return new Value(null, { type: 'int64', shape: [], data: [count] });
  },
  Reshape: (call) => {
    const x = call.tensor(0);
    return x.reshape(reshaped(x.shape, call.numbers(1), call.int('allowzero', 0) === 1));
  },
  Flatten: (call) => {
    const x = call.tensor(0);
    const given = call.int('axis', 1);
    const axis = given < 0 ? given + x.shape.length : given;
    const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);
    const inner = product(x.shape.slice(axis));
    // The open size of a placeholder stays open.
    return x.reshape(x.shape[0] === -1 && axis > 0 ? [-1, inner] : [product(x.shape.slice(0, axis)), inner]);
  },
  Transpose: (call) => call.tensor(0).permute(call.ints('perm') ?? undefined),
  Squeeze: (call) => call.tensor(0).reshape(squeezed(call, call.tensor(0).shape)),
  Unsqueeze: (call) => call.tensor(0).reshape(unsqueezed(call, call.tensor(0).shape)),
  Concat: (call) => concat(call.tensors(), call.int('axis')),
  Split: (call) => {
    const x = call.tensor(0);
    const axis = call.axis(call.int('axis', 0), x.shape.length);
    return split(x, partsOf(call, x.shape, axis), axis);
  },
  Slice: slice,
  Expand: (call) => {
    const x = call.tensor(0);
    return x.broadcastTo(expanded(x.shape, call.numbers(1)));
  },
  Tile: (call) => call.tensor(0).tile(call.numbers(1)),
  Pad: pad,
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
  Range: range,
  ConstantOfShape: constantOfShape,
  EyeLike: eyeLike,
  Trilu: trilu,
  ReverseSequence: reverseSequence,
  CenterCropPad: centerCropPad,
};

/** Both shapes broadcast together. */
export function expanded(from: Shape, to: readonly number[]): number[] {
  const rank = Math.max(from.length, to.length);
  return Array.from({ length: rank }, (_, i) => {
    const a = from[i - rank + from.length] ?? 1;
    const b = to[i - rank + to.length] ?? 1;
    return b === 1 ? a : b;
  });
}
