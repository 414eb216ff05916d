/**
 * The host evaluator: integers that shapes are made of, computed without tensors.
 *
 * It takes a node when all inputs are known and small. What it has no rule for is left to tensors.
 */
import { toDType } from '@ag/tensor';
import { valueError } from '@ag/tensor/engine';
import { pow } from '@ag/tensor/math';
import { elementTypes } from '../file/tensors.ts';
import type { Call, HostRule } from './call.ts';
import { cutsOf, expanded, partsOf, reshaped, squeezed, unsqueezed } from './movement.ts';
import type { Host, HostType } from './value.ts';

/** Larger ones are tensors' work. */
export const mostOnHost = 1 << 14;

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

const isFloating = (type: HostType): boolean => type === 'float32' || type === 'float64';

/** A number as an element of a type. */
function element(x: number, type: HostType): number {
  return type === 'int64' ? Math.trunc(x) : toDType(x, type);
}

function make(type: HostType, shape: readonly number[], data: ArrayLike<number>): Host[] {
  return [{ type, shape, data }];
}

/** An elementwise rule: shapes broadcast; `type` of the result, by default that of the first operand. */
function each(of: (x: readonly number[], type: HostType) => number, type?: HostType, operand = 0): HostRule {
  return (inputs) => {
    const own = inputs as readonly Host[];
    const shape = own.map((x) => x.shape).reduce(expanded);
    const count = sizeOf(shape);
    if (count > mostOnHost) return null;
    const result = type ?? own[operand].type;
    const readers = own.map((x) => reader(x, shape));
    const values = new Array<number>(own.length);
    const data = Array.from({ length: count }, (_, i) => {
      readers.forEach((read, j) => {
        values[j] = read(i);
      });
      return element(of(values, own[operand].type), result);
    });
    return make(result, shape, data);
  };
}

/** Reads a host array as if it had another shape, which it broadcasts to. */
function reader({ shape: own, data }: Host, shape: readonly number[]): (i: number) => number {
  if (data.length === 1) return () => data[0];
  if (own.length === shape.length && own.every((size, i) => size === shape[i])) return (i) => data[i];
  const lead = shape.length - own.length;
  const strides = shape.map((_, i) =>
    i < lead || own[i - lead] === 1 ? 0 : sizeOf(own.slice(i - lead + 1)),
  );
  return (i) => {
    let rest = i;
    let at = 0;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at += (rest % shape[axis]) * strides[axis];
      rest = Math.floor(rest / shape[axis]);
    }
    return data[at];
  };
}

/** Moves elements: position in the result to position in the source, of the first input. */
function moved(x: Host, shape: readonly number[], from: (at: number[]) => number[]): Host[] {
  const strides = x.shape.map((_, i) => sizeOf(x.shape.slice(i + 1)));
  const data = Array.from({ length: sizeOf(shape) }, (_, i) => {
    let rest = i;
    const at = new Array<number>(shape.length);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at[axis] = rest % shape[axis];
      rest = Math.floor(rest / shape[axis]);
    }
    return x.data[from(at).reduce((sum, position, axis) => sum + position * strides[axis], 0)];
  });
  return make(x.type, shape, data);
}

const reshapeTo =
  (shape: (x: Host, call: Call) => readonly number[]): HostRule =>
  ([x], call) => {
    const wanted = [...shape(x!, call)];
    const hole = wanted.indexOf(-1);
    if (hole >= 0) {
      const rest = -sizeOf(wanted);
      wanted[hole] = rest === 0 ? 0 : x!.data.length / rest;
    }
    if (sizeOf(wanted) !== x!.data.length || !wanted.every((size) => Number.isInteger(size) && size >= 0)) {
      throw valueError(`[${x!.shape.join(', ')}] cannot become [${wanted.join(', ')}]`);
    }
    return make(x!.type, wanted, x!.data);
  };

const fold =
  (of: (x: number, y: number) => number): HostRule =>
  (inputs, call) =>
    each((x) => x.reduce(of))(inputs, call);

/** Reductions of everything to one number, or along no axes. */
function whole(of: (x: number[]) => number): HostRule {
  return ([x, axesInput], call) => {
    const axes = axesInput ? Array.from(axesInput.data) : (call.ints('axes') ?? []);
    const all = axes.length === 0 || axes.length === x!.shape.length;
    if (!all || (axes.length === 0 && call.int('noop_with_empty_axes', 0) === 1)) return null;
    const shape = call.int('keepdims', 1) === 1 ? x!.shape.map(() => 1) : [];
    return make(x!.type, shape, [of(Array.from(x!.data))]);
  };
}

function gather([x, index]: readonly (Host | null)[], call: Call): Host[] | null {
  const source = x!;
  const axis = call.axis(call.int('axis', 0), source.shape.length);
  const size = source.shape[axis];
  const rank = index!.shape.length;
  const shape = [...source.shape.slice(0, axis), ...index!.shape, ...source.shape.slice(axis + 1)];
  if (sizeOf(shape) > mostOnHost) return null;
  const strides = index!.shape.map((_, i) => sizeOf(index!.shape.slice(i + 1)));
  return moved(source, shape, (at) => {
    const own = at.slice(axis, axis + rank).reduce((sum, position, i) => sum + position * strides[i], 0);
    const position = index!.data[own];
    const inside = position < 0 ? position + size : position;
    if (!(inside >= 0 && inside < size))
      throw valueError(`position ${position} is outside an axis of size ${size}`);
    return [...at.slice(0, axis), inside, ...at.slice(axis + rank)];
  });
}

function concat(inputs: readonly (Host | null)[], call: Call): Host[] | null {
  const own = inputs as readonly Host[];
  if (own.reduce((sum, x) => sum + x.data.length, 0) > mostOnHost) return null;
  const [first] = own;
  const axis = call.axis(call.int('axis'), first.shape.length);
  const fits = own.every(
    ({ shape }) =>
      shape.length === first.shape.length && shape.every((n, i) => i === axis || n === first.shape[i]),
  );
  if (!fits)
    throw valueError(
      `parts ${own.map(({ shape }) => `[${shape.join(', ')}]`).join(', ')} do not fit together`,
    );
  const size = own.reduce((sum, x) => sum + x.shape[axis], 0);
  const rows = sizeOf(first.shape.slice(0, axis));
  const data: number[] = [];
  for (let row = 0; row < rows; row++) {
    for (const x of own) {
      const width = x.data.length / rows;
      for (let i = 0; i < width; i++) data.push(x.data[row * width + i]);
    }
  }
  const shape = first.shape.map((n, i) => (i === axis ? size : n));
  return make(first.type, shape, data);
}

function transpose([x]: readonly (Host | null)[], call: Call): Host[] {
  const { shape } = x!;
  const order = (call.ints('perm') ?? shape.map((_, i) => shape.length - 1 - i)).map((axis) =>
    call.axis(axis, shape.length),
  );
  if (order.length !== shape.length || new Set(order).size !== order.length)
    throw valueError(`perm [${order.join(', ')}] is no order of ${shape.length} axes`);
  const turned = order.map((axis) => shape[axis]);
  return moved(x!, turned, (at) => {
    const from = new Array<number>(at.length);
    order.forEach((axis, i) => {
      from[axis] = at[i];
    });
    return from;
  });
}

/** Positions of what is not 0, [axes, count]. */
function nonZero([x]: readonly (Host | null)[]): Host[] | null {
  const { shape, data } = x!;
  const found = Array.from(data, (value, i) => (value ? i : -1)).filter((i) => i >= 0);
  const axes = Math.max(1, shape.length);
  if (found.length * axes > mostOnHost) return null;
  const rows = Array.from({ length: axes }, (_, axis) => {
    const step = sizeOf(shape.slice(axis + 1));
    return found.map((i) => Math.floor(i / step) % (shape[axis] ?? 1));
  });
  return make('int64', [axes, found.length], rows.flat());
}

function tile([x, counts]: readonly (Host | null)[]): Host[] | null {
  const { shape } = x!;
  if (counts!.data.length !== shape.length) return null;
  const whole = shape.map((n, i) => n * counts!.data[i]);
  if (!(sizeOf(whole) <= mostOnHost)) return null;
  return moved(x!, whole, (at) => at.map((position, i) => position % shape[i]));
}

function slice([x]: readonly (Host | null)[], call: Call): Host[] {
  return cutsOf(call, x!.shape).reduce(
    (result, { axis, start, size, step }) =>
      moved(
        result[0],
        result[0].shape.map((n, i) => (i === axis ? size : n)),
        (at) => at.map((position, i) => (i === axis ? start + position * step : position)),
      ),
    [x!],
  );
}

function split([x]: readonly (Host | null)[], call: Call): Host[] {
  const axis = call.axis(call.int('axis', 0), x!.shape.length);
  let start = 0;
  return partsOf(call, x!.shape, axis).map((size) => {
    const from = start;
    start += size;
    const shape = x!.shape.map((n, i) => (i === axis ? size : n));
    return moved(x!, shape, (at) => at.map((position, i) => (i === axis ? from + position : position)))[0];
  });
}

function range([start, limit, step]: readonly (Host | null)[]): Host[] | null {
  const [from, to, by] = [start!, limit!, step!].map((x) => x.data[0]);
  const count = Math.max(0, Math.ceil((to - from) / by));
  if (isFloating(start!.type) || !(count <= mostOnHost)) return null;
  return make(
    start!.type,
    [count],
    Array.from({ length: count }, (_, i) => from + i * by),
  );
}

function constantOfShape([shape]: readonly (Host | null)[], call: Call): Host[] | null {
  const sizes = Array.from(shape!.data);
  const fill = call.array('value');
  if (!fill || !['int64', 'int32', 'bool'].includes(fill.type) || sizes.some((size) => size < 0)) return null;
  const count = sizeOf(sizes);
  if (count > mostOnHost) return null;
  return make(fill.type as HostType, sizes, new Array<number>(count).fill(fill.data[0] ?? 0));
}

function cast([x]: readonly (Host | null)[], call: Call): Host[] | null {
  const type = elementTypes[call.int('to')];
  if (!['int64', 'int32', 'float32', 'float64', 'bool'].includes(type)) return null;
  return make(
    type as HostType,
    x!.shape,
    Array.from(x!.data, (value) => element(value, type as HostType)),
  );
}

const divide = ([x, y]: readonly number[], type: HostType): number => {
  if (!isFloating(type) && y === 0) throw valueError('a whole number is divided by 0');
  return isFloating(type) ? x / y : Math.trunc(x / y);
};

const modulo: HostRule = (inputs, call) =>
  each(([x, y]) => (call.int('fmod', 0) === 1 ? x % y : x - Math.floor(x / y) * y))(inputs, call);

/** Rules by operator; inputs are all known. */
export const hostRules: { readonly [operator: string]: HostRule } = {
  Add: each(([x, y]) => x + y),
  Sub: each(([x, y]) => x - y),
  Mul: each(([x, y]) => x * y),
  Div: each(divide),
  Mod: modulo,
  Neg: each(([x]) => -x),
  Abs: each(([x]) => Math.abs(x)),
  Floor: each(([x]) => Math.floor(x)),
  Ceil: each(([x]) => Math.ceil(x)),
  Sqrt: each(([x]) => Math.sqrt(x)),
  Pow: each(([x, y]) => pow(x, y)),
  Max: fold(Math.max),
  Min: fold(Math.min),
  Equal: each(([x, y]) => Number(x === y), 'bool'),
  Less: each(([x, y]) => Number(x < y), 'bool'),
  LessOrEqual: each(([x, y]) => Number(x <= y), 'bool'),
  Greater: each(([x, y]) => Number(x > y), 'bool'),
  GreaterOrEqual: each(([x, y]) => Number(x >= y), 'bool'),
  And: each(([x, y]) => Number(x && y), 'bool'),
  Or: each(([x, y]) => Number(x || y), 'bool'),
  Not: each(([x]) => Number(!x), 'bool'),
  Xor: each(([x, y]) => Number(!x !== !y), 'bool'),
  Sign: each(([x]) => Math.sign(x)),
  Where: each(([condition, x, y]) => (condition ? x : y), undefined, 1),
  Cast: cast,
  Gather: gather,
  Concat: concat,
  Slice: slice,
  Transpose: transpose,
  Tile: tile,
  NonZero: nonZero,
  Split: split,
  Squeeze: reshapeTo((x, call) => squeezed(call, x.shape)),
  Unsqueeze: reshapeTo((x, call) => unsqueezed(call, x.shape)),
  Reshape: reshapeTo((x, call) => reshaped(x.shape, call.numbers(1), call.int('allowzero', 0) === 1)),
  Expand: ([x], call) => {
    const shape = expanded(x!.shape, call.numbers(1));
    if (sizeOf(shape) > mostOnHost) return null;
    const read = reader(x!, shape);
    return make(
      x!.type,
      shape,
      Array.from({ length: sizeOf(shape) }, (_, i) => read(i)),
    );
  },
  Range: range,
  ConstantOfShape: constantOfShape,
  ReduceProd: whole((x) => x.reduce((a, b) => a * b, 1)),
  ReduceSum: whole((x) => x.reduce((a, b) => a + b, 0)),
  ReduceMax: whole((x) => Math.max(...x)),
  ReduceMin: whole((x) => Math.min(...x)),
  CumSum: ([x], call) => {
    if (x!.shape.length !== 1 || call.int('exclusive', 0) === 1 || call.int('reverse', 0) === 1) return null;
    let sum = 0;
    return make(
      x!.type,
      x!.shape,
      Array.from(x!.data, (value) => {
        sum += value;
        return sum;
      }),
    );
  },
};
