/**
 * Operators that combine the elements along axes.
 */
import { arange, argsort, full, ones, type Tensor, topK, zeros } from '@ag/tensor';
import type { Call, Rule, Rules } from './call.ts';

interface Reduced {
  readonly axes: readonly number[];
  readonly keepDims: boolean;
}

/** Axes as attribute, or as input from `asInput` on; null where there is nothing to do. */
function reducedAxes(call: Call, x: Tensor, asInput: number): Reduced | null {
  const given = (call.opset >= asInput ? call.optionalNumbers(1) : call.ints('axes')) ?? [];
  if (given.length === 0 && call.int('noop_with_empty_axes', 0) === 1) return null;
  const rank = x.shape.length;
  const axes = given.length === 0 ? x.shape.map((_, i) => i) : given.map((axis) => call.axis(axis, rank));
  return { axes: axes.toSorted((a, b) => a - b), keepDims: call.int('keepdims', 1) === 1 };
}

/** `first` is what becomes of an element before; with no axes to go along it is all there is. */
function reduction(
  of: (x: Tensor, axes: readonly number[], options: { readonly keepDims: boolean }) => Tensor,
  { first, asInput = 18 }: { readonly first?: (x: Tensor) => Tensor; readonly asInput?: number } = {},
): Rule {
  return (call) => {
    const x = call.tensor(0);
    const reduced = reducedAxes(call, x, asInput);
    if (!reduced) return first ? first(x) : x;
    return of(x, reduced.axes, { keepDims: reduced.keepDims }).cast(x.dtype);
  };
}

/** The extreme of nothing is the opposite infinity, or the last integer. */
function extreme(kind: 'max' | 'min'): Rule {
  return reduction((x, axes, options) => {
    const own = x.dtype === 'bool' ? x.cast('uint8') : x;
    if (!axes.some((axis) => x.shape[axis] === 0)) return own[kind](axes, options);
    const shape = x.shape.flatMap((size, i) => (axes.includes(i) ? (options.keepDims ? [1] : []) : [size]));
    const limits = {
      int32: [-(2 ** 31), 2 ** 31 - 1],
      uint32: [0, 2 ** 32 - 1],
      uint8: [0, 255],
      bool: [0, 1],
    };
    const [low, high] = limits[x.dtype as 'int32'] ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
    return full(shape, kind === 'max' ? low : high, { dtype: x.dtype });
  });
}

function position(kind: 'argmax' | 'argmin'): Rule {
  return (call) => {
    const x = call.tensor(0);
    const axis = call.axis(call.int('axis', 0), x.shape.length);
    const options = { keepDims: call.int('keepdims', 1) === 1 };
    if (call.int('select_last_index', 0) === 0) return x[kind](axis, options);
    return x
      .flip(axis)
      [kind](axis, options)
      .neg()
      .add(x.shape[axis] - 1);
  };
}

/** Running sums and products, without the own element where `exclusive`. */
function running(kind: 'cumsum' | 'cumprod', neutral: number): Rule {
  return (call) => {
    const x = call.tensor(0);
    const axis = call.axis(call.number(1), x.shape.length);
    const reverse = call.int('reverse', 0) === 1;
    const all = x[kind](axis, { reverse }).cast(x.dtype);
    if (call.int('exclusive', 0) === 0) return all;
    const size = x.shape[axis];
    const rest = reverse ? all.slice(1, size, { axis }) : all.slice(0, size - 1, { axis });
    const widths = x.shape.map((_, i): [number, number] => (i !== axis ? [0, 0] : reverse ? [0, 1] : [1, 0]));
    return rest.pad(widths, neutral);
  };
}

/** Before version 13 all axes from `axis` on count as one. */
function alongAxis(of: (x: Tensor, axis: number) => Tensor): Rule {
  return (call) => {
    const x = call.tensor(0);
    const axis = call.axis(call.int('axis', call.opset < 13 ? 1 : -1), x.shape.length);
    if (call.opset >= 13 || axis >= x.shape.length - 1) return of(x, axis);
    return of(x.flatten(axis), -1).reshape(x.shape);
  };
}

function hardmax(x: Tensor, axis: number): Tensor {
  const at = axis < 0 ? axis + x.shape.length : axis;
  const own = arange(0, x.shape[at], 1, { dtype: 'int32' }).reshape(
    x.shape.map((size, i) => (i === at ? size : 1)),
  );
  return x.argmax(at, { keepDims: true }).equal(own).cast(x.dtype);
}

function largest(call: Call): readonly Tensor[] {
  const x = call.tensor(0);
  const axis = call.axis(call.int('axis', -1), x.shape.length);
  const k = call.opset < 10 ? call.int('k') : call.number(1);
  if (call.int('largest', 1) === 1) {
    const { values, indices } = topK(x, k, axis);
    return [values, indices];
  }
  const indices = argsort(x, axis).slice(0, k, { axis });
  return [x.gather(indices, axis), indices];
}

/** Σ|x|ᵖ ^ 1/p; the norm of the library is scaled against overflow, which the usual p do not need. */
export function norm(x: Tensor, p: number, axes: readonly number[], keepDims: boolean): Tensor {
  return x.norm(axes, { p, keepDims });
}

export const reductions: Rules = {
  ReduceSum: reduction((x, axes, options) => x.sum(axes, options), { asInput: 13 }),
  ReduceMean: reduction((x, axes, options) => x.mean(axes, options)),
  ReduceProd: reduction((x, axes, options) => x.prod(axes, options)),
  ReduceMax: extreme('max'),
  ReduceMin: extreme('min'),
  ReduceL1: reduction((x, axes, options) => x.abs().sum(axes, options), { first: (x) => x.abs() }),
  ReduceL2: reduction((x, axes, options) => norm(x, 2, axes, options.keepDims), { first: (x) => x.abs() }),
  ReduceSumSquare: reduction((x, axes, options) => x.square().sum(axes, options), {
    first: (x) => x.square(),
  }),
  ReduceLogSum: reduction((x, axes, options) => x.sum(axes, options).log(), { first: (x) => x.log() }),
  ReduceLogSumExp: reduction((x, axes, options) => x.logSumExp(axes, options)),
  ArgMax: position('argmax'),
  ArgMin: position('argmin'),
  CumSum: running('cumsum', 0),
  CumProd: running('cumprod', 1),
  Softmax: alongAxis((x, axis) => x.softmax(axis)),
  LogSoftmax: alongAxis((x, axis) => x.logSoftmax(axis)),
  Hardmax: alongAxis(hardmax),
  TopK: largest,
  LpNormalization: (call) => {
    const x = call.tensor(0);
    const size = norm(x, call.int('p', 2), [call.axis(call.int('axis', -1), x.shape.length)], true);
    return size
      .equal(0)
      .where(zeros([], { dtype: x.dtype }), x.div(size.equal(0).where(ones([], { dtype: x.dtype }), size)));
  },
};
