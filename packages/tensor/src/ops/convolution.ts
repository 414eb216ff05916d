/**
 * Convolution: one operation, closed under differentiation.
 *
 * Input x, weight w and output y of a convolution are tied by one relation between their positions along each spatial
 * axis, j = stride·o + dilation·k − low, and T(x, w, y) = Σ x[n, c, j]·w[m, c, k]·y[n, m, o] over all positions in that
 * relation is linear in each of the three. The operation gives the derivative of T by one of them from the other two:
 * by y it is the convolution itself, by x its transpose, by w the weight's gradient. Each of these is linear in its
 * operands with the same T, so the rule is the operation again, at any order.
 *
 * It lowers to a contraction over windows, which are strides only: nothing is unrolled. Only padding and the zeros
 * between the rows of a transposed convolution with stride > 1 are written to memory.
 */
import { isFloat } from '../dtype.ts';
import { type Shape, sameShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { contract, productDType } from './contract.ts';
import { place, windows } from './movement.ts';
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
export const convolution: Op<ConvolutionAttributes> = defineOp<ConvolutionAttributes>({
  name: 'convolution',
  type: ([a, b], { wanted, size, groups }) => {
    const front = {
      output: [a.shape[0], b.shape[0]],
      input: [b.shape[0], a.shape[1] * groups],
      weight: [b.shape[1], a.shape[1] / groups],
    }[wanted];
    return { shape: [...front, ...size], dtype: productDType(a, b) };
  },
  lower: expand(lowerConvolution),
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
  // Read backwards: o = (j − dilation·k + low) / stride. With k counted from the end it is a convolution over y, its
  // rows `stride` apart, padded by dilation·(K − 1) − low.
  const [w, y] = [a, b];
  const taken = w.shape.slice(2);
  const before = low.map((padding, i) => dilation[i] * (taken[i] - 1) - padding);
  const seen = windowed(y, {
    low: before,
    step: stride,
    count: size,
    stride: ones,
    size: taken,
    dilation,
    fill: 0,
  });
  const result = w.apply(contract, [grouped(w.flip(stride.map((_, i) => 2 + i)), 0), grouped(seen, 1)], {
    a: [...g, m, c, ...taps],
    b: [n, ...g, m, ...inputs, ...taps],
    out: [n, ...g, c, ...inputs],
  });
  return merged(result, 1);
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
