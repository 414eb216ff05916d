/**
 * Convolution: one operation, closed under differentiation.
 *
 * Input x, weight w and output y of a convolution are tied by one relation between their positions along each spatial
 * axis, j = stride·o + dilation·k − low, and T(x, w, y) = Σ x[n, c, j]·w[m, c, k]·y[n, m, o] over all positions in that
 * relation is linear in each of the three. The operation gives the derivative of T by one of them from the other two:
 * by y it is the convolution itself, by x its transpose, by w the weight's gradient. Each of these is linear in its
 * operands with the same T, so the rule is the operation again, at any order.
 *
 * It lowers to a contraction over windows, which are strides only: nothing is unrolled. Padding is written to memory, and where
 * one has stride and dilation read backwards also the zeros between its rows.
 */
import { isFloat } from '../dtype.ts';
import { type Shape, sameShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { contract, productDType } from './contract.ts';
import { place, section, windows } from './movement.ts';
import { defineOp, expand, type Op, type TensorType } from './op.ts';

/** The three tensors of a convolution; operands come in this order, without the wanted one. */
export type ConvolutionRole = 'input' | 'weight' | 'output';

const roles: readonly ConvolutionRole[] = ['input', 'weight', 'output'];

/** Lists have one entry for each spatial axis. Shapes: input [n, c, …], weight [m, c / groups, …], output [n, m, …]. */
export interface ConvolutionAttributes {
  readonly wanted: ConvolutionRole;
  /** Spatial sizes of the wanted tensor. */
  readonly size: Shape;
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  /** Padding before the first element; padding after the last follows from the sizes. */
  readonly low: readonly number[];
  readonly groups: number;
}

/** The functions of `convolution.ts` check that shapes fit. */
export const convolution: Op<ConvolutionAttributes> = /* @__PURE__ */ defineOp<ConvolutionAttributes>({
  name: 'convolution',
  type: ([a, b], { wanted, size, groups }) => {
    const front = {
      output: [a.shape[0], b.shape[0]],
      input: [b.shape[0], a.shape[1] * groups],
      weight: [b.shape[1], a.shape[1] / groups],
    }[wanted];
    return { shape: [...front, ...size], dtype: productDType(a, b) };
  },
  lower: /* @__PURE__ */ expand(lowerConvolution),
  vjp: (g, operands, _y, attributes) => {
    const given = roles.filter((role) => role !== attributes.wanted);
    return given.map((role, i) => {
      const other = operands[1 - i];
      // The gradient stands where the wanted tensor stood; the order of roles decides which operand comes first.
      const inputs = roles.indexOf(attributes.wanted) < roles.indexOf(given[1 - i]) ? [g, other] : [other, g];
      return g.apply(convolution, inputs, { ...attributes, wanted: role, size: operands[i].shape.slice(2) });
    });
  },
});

function lowerConvolution(operands: readonly Tensor[], attributes: ConvolutionAttributes): Tensor {
  const { wanted, size, stride, dilation, low, groups } = attributes;
  const dtype = productDType(operands[0], operands[1]);
  const [a, b] = operands.map((operand) => operand.cast(dtype)) as [Tensor, Tensor];
  const spatial = stride.length;
  const ones = stride.map(() => 1);

  // Labels: example, group, output channel and input channel in their group, then one of each kind for each spatial axis.
  const n = 0;
  const g = groups > 1 ? [1] : [];
  const m = 2;
  const c = 3;
  const axes = (from: number): number[] => stride.map((_, i) => from + i);
  const outputs = axes(4);
  const taps = axes(4 + spatial);
  const inputs = axes(4 + 2 * spatial);
  /** Channels as groups and channels in a group, and back; views. */
  const grouped = (t: Tensor, axis: number): Tensor =>
    groups === 1
      ? t
      : t.reshape([...t.shape.slice(0, axis), groups, t.shape[axis] / groups, ...t.shape.slice(axis + 1)]);
  const merged = (t: Tensor, axis: number): Tensor =>
    groups === 1
      ? t
      : t.reshape([...t.shape.slice(0, axis), groups * t.shape[axis + 1], ...t.shape.slice(axis + 2)]);

  if (wanted === 'output') {
    const [x, w] = [a, b];
    const seen = windowed(x, {
      low,
      step: ones,
      count: size,
      stride,
      size: w.shape.slice(2),
      dilation,
      fill: 0,
    });
    const result = x.apply(contract, [grouped(seen, 1), grouped(w, 0)], {
      a: [n, ...g, c, ...outputs, ...taps],
      b: [...g, m, c, ...taps],
      out: [n, ...g, m, ...outputs],
    });
    return merged(result, 1);
  }
  if (wanted === 'weight') {
    const [x, y] = [a, b];
    const over = y.shape.slice(2);
    const seen = windowed(x, {
      low,
      step: ones,
      count: size,
      stride: dilation,
      size: over,
      dilation: stride,
      fill: 0,
    });
    const result = x.apply(contract, [grouped(seen, 1), grouped(y, 1)], {
      a: [n, ...g, c, ...taps, ...outputs],
      b: [n, ...g, m, ...outputs],
      out: [...g, m, c, ...taps],
    });
    return merged(result, 0);
  }
  const [w, y] = [a, b];
  const given = y.shape.slice(2);
  const ways = stride.map((_, i) =>
    backwards(
      { stride: stride[i], dilation: dilation[i], low: low[i], taps: w.shape[2 + i] },
      given[i],
      size[i],
    ),
  );
  const of = (key: keyof Way): number[] => ways.map((way) => way[key]);
  const seen = windowed(y, {
    low: of('before'),
    step: of('step'),
    count: of('count'),
    stride: ones,
    size: of('window'),
    dilation: of('apart'),
    fill: 0,
  });
  const taken = padded(w, of('start'), ways.map(({ window, phases }) => window * phases)); // biome-ignore format: short
  let result: Tensor;
  if (ways.every(({ phases }) => phases === 1)) {
    const turned = taken.flip(stride.map((_, i) => 2 + i));
    result = w.apply(contract, [grouped(turned, 0), grouped(seen, 1)], {
      a: [...g, m, c, ...taps],
      b: [n, ...g, m, ...inputs, ...taps],
      out: [n, ...g, c, ...inputs],
    });
  } else {
    // Taps from the last to the first, those of a phase along one axis, phases along the next. Zeros of the shorter phases
    // lie side by side, for backends to leave out: sums of a phase, and products of a tap.
    const phases = axes(4 + 3 * spatial);
    const byTap = stride.map((_, i) => 2 + 2 * i);
    const turned = taken
      .reshape([...w.shape.slice(0, 2), ...ways.flatMap(({ window, phases }) => [window, phases])])
      .flip(byTap)
      .permute([...byTap, 0, 1, ...stride.map((_, i) => 3 + 2 * i)]);
    result = w.apply(contract, [grouped(turned, spatial), grouped(seen, 1)], {
      a: [...taps, ...g, m, c, ...phases],
      b: [n, ...g, m, ...inputs, ...taps],
      out: [n, ...g, c, ...inputs.flatMap((input, i) => [input, phases[i]])],
      slowest: phases,
    });
  }
  const front = [y.shape[0], w.shape[1] * groups];
  const rows = result.reshape([...front, ...ways.map(({ count, phases }) => count * phases)]);
  return spread(rows, of('spread'), size);
}

/** How one axis of a convolution is read backwards. */
interface Way {
  /** Windows over the output: see `Windows`. */
  readonly before: number;
  readonly step: number;
  readonly count: number;
  readonly window: number;
  readonly apart: number;
  /** So many neighboring elements of the input are computed from one window, each with taps of its own. */
  readonly phases: number;
  /** Where the taps stand among `window · phases`, zero before and behind. */
  readonly start: number;
  /** Distance at which results lie, zeros between them. */
  readonly spread: number;
}

/**
 * o = (j − dilation·k + low) / stride, wherever that is whole. With stride 1 it is a convolution with taps counted from
 * the end. With a larger one the elements j of each remainder of division by the stride, a phase, see taps of their own,
 * every `stride`-th, in the same window of outputs. A single tap sees every `stride`-th element only.
 */
function backwards(
  { stride, dilation, low, taps }: Record<'stride' | 'dilation' | 'low' | 'taps', number>,
  given: number,
  size: number,
): Way {
  const plain = { step: 1, apart: 1, phases: 1, start: 0, spread: 1 };
  if (stride > 1 && taps === 1 && low === 0 && given > 0 && (given - 1) * stride < size)
    return { ...plain, before: 0, count: given, window: 1, spread: stride };
  if (stride === 1 || dilation > 1 || taps === 0 || given === 0) {
    const before = dilation * (taps - 1) - low;
    return { ...plain, before, step: stride, count: size, window: taps, apart: dilation };
  }
  // Phase p sees o = ⌊j / stride⌋ + (p + low − k) / stride: from the last tap of the first phase that has it …
  const first = Math.ceil((low - taps + 1) / stride);
  const last = Math.floor((stride - 1 + low) / stride);
  const window = last - first + 1;
  return {
    ...plain,
    before: -first,
    count: Math.ceil(size / stride),
    window,
    phases: stride,
    start: stride * last - low,
  };
}

/** `w` with zeros around its last axes, which become `sizes` long. */
function padded(w: Tensor, starts: readonly number[], sizes: readonly number[]): Tensor {
  const shape = [...w.shape.slice(0, 2), ...sizes];
  if (sameShape(shape, w.shape)) return w;
  const parts = [{ starts: [0, 0, ...starts], steps: shape.map(() => 1), moving: [] }];
  return w.apply(place, [w], { shape, parts, fill: 0, accumulate: false });
}

/** The first `size` elements of the last axes, or so many with the given ones at distances. */
function spread(x: Tensor, steps: readonly number[], size: Shape): Tensor {
  let result = x;
  const shape = [...x.shape];
  size.forEach((length, i) => {
    if (steps[i] > 1) shape[2 + i] = length;
    else if (length < x.shape[2 + i])
      result = result.apply(section, [result], { axis: 2 + i, start: 0, size: length, step: 1 });
  });
  const rest = result.shape.map((n, i) => (i >= 2 && steps[i - 2] > 1 ? shape[i] : n));
  if (sameShape(rest, result.shape)) return result;
  const parts = [{ starts: rest.map(() => 0), steps: [1, 1, ...steps], moving: [] }];
  return result.apply(place, [result], { shape: rest, parts, fill: 0, accumulate: false });
}

/** How windows lie over the last axes of a tensor; one entry for each of them. */
export interface Windows {
  /** Fill before the first element; negative: so many elements are skipped. */
  readonly low: readonly number[];
  /** Distance of the tensor's elements from each other; between them lies fill. */
  readonly step: readonly number[];
  /** How many windows, how far apart, how many elements each, how far apart. */
  readonly count: Shape;
  readonly stride: readonly number[];
  readonly size: Shape;
  readonly dilation: readonly number[];
  readonly fill: number;
}

/**
 * Windows over the last axes, [..., j₀, j₁] → [..., count₀, count₁, size₀, size₁], as a view of `x`, or of `x` with
 * fill written around and between its elements where a window reaches there.
 */
export function windowed(x: Tensor, { low, step, count, stride, size, dilation, fill }: Windows): Tensor {
  const first = x.shape.length - low.length;
  const starts = x.shape.map(() => 0);
  const steps = x.shape.map(() => 1);
  const shape = [...x.shape];
  low.forEach((before, i) => {
    const axis = first + i;
    const length = x.shape[axis];
    starts[axis] = Math.max(0, before);
    steps[axis] = length > 1 ? step[i] : 1;
    const filled = starts[axis] + (length === 0 ? 0 : (length - 1) * steps[axis] + 1);
    const reached =
      count[i] === 0 || size[i] === 0 ? 0 : (count[i] - 1) * stride[i] + (size[i] - 1) * dilation[i] + 1;
    shape[axis] = Math.max(filled, Math.max(0, -before) + reached);
  });
  let result = sameShape(shape, x.shape)
    ? x
    : x.apply(place, [x], { shape, parts: [{ starts, steps, moving: [] }], fill, accumulate: false });
  low.forEach((before, i) => {
    result = result.apply(windows, [result], {
      axis: first + i,
      start: Math.max(0, -before),
      count: count[i],
      stride: stride[i],
      size: size[i],
      dilation: dilation[i],
    });
  });
  return result;
}

/** What stands outside a tensor when the largest element of a window is sought. */
export function lowest(dtype: TensorType['dtype']): number {
  return isFloat(dtype) ? Number.NEGATIVE_INFINITY : dtype === 'int32' ? -(2 ** 31) : 0;
}
