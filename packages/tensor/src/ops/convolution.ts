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
import { defineOp, expand, type Op, type TensorType } from '../op.ts';
import { formatShape, type Shape, sameShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { contract, productDType } from './contract.ts';
import { place, windows } from './movement.ts';

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

/** Further leading axes of the operands are batches: shared where both have them. */
export const convolution: Op<ConvolutionAttributes> = defineOp<ConvolutionAttributes>({
  name: 'convolution',
  type: convolutionType,
  lower: expand(lowerConvolution),
  vjp: (g, operands, _y, attributes) => {
    const given = roles.filter((role) => role !== attributes.wanted);
    return given.map((role, i) => {
      const other = operands[1 - i]!;
      // The gradient stands where the wanted tensor stood; the order of roles decides which operand comes first.
      const inputs =
        roles.indexOf(attributes.wanted) < roles.indexOf(given[1 - i]!) ? [g, other] : [other, g];
      const size = operands[i]!.shape.slice(-attributes.stride.length);
      return g.apply(convolution, inputs, { ...attributes, wanted: role, size });
    });
  },
});

function convolutionType(
  inputs: readonly TensorType[],
  { wanted, size, groups, stride }: ConvolutionAttributes,
): TensorType {
  const [a, b] = inputs as [TensorType, TensorType];
  const spatial = stride.length;
  const channels = (t: TensorType): number => t.shape[t.shape.length - spatial - 1]!;
  const outer = (t: TensorType): number => t.shape[t.shape.length - spatial - 2]!;
  const lead = leadingAxes(a.shape, b.shape, spatial);
  let front: readonly [number, number];
  if (wanted === 'output') {
    check(
      channels(a) === channels(b) * groups,
      'the input has not as many channels as the weight times groups',
      a,
      b,
      groups,
    );
    check(outer(b) % groups === 0, 'the output channels do not divide into groups', a, b, groups);
    front = [outer(a), outer(b)];
  } else if (wanted === 'input') {
    check(
      outer(a) === channels(b),
      'the weight has not as many output channels as the other operand',
      a,
      b,
      groups,
    );
    front = [outer(b), channels(a) * groups];
  } else {
    front = [channels(b), channels(a) / groups];
  }
  return { shape: [...lead, ...front, ...size], dtype: productDType(a, b) };
}

function check(fits: boolean, what: string, a: TensorType, b: TensorType, groups: number): void {
  if (!fits) {
    throw new RangeError(
      `convolution: ${what}: ${formatShape(a.shape)} and ${formatShape(b.shape)} with groups = ${groups}`,
    );
  }
}

function leadingAxes(a: Shape, b: Shape, spatial: number): Shape {
  const first = a.slice(0, -spatial - 2);
  const second = b.slice(0, -spatial - 2);
  if (first.length === 0 || sameShape(first, second)) return second;
  if (second.length === 0) return first;
  throw new RangeError(
    `convolution: leading axes of ${formatShape(a)} and ${formatShape(b)} differ; they must be equal or missing in one`,
  );
}

function lowerConvolution(operands: readonly Tensor[], attributes: ConvolutionAttributes): Tensor {
  const { wanted, size, stride, dilation, low, groups } = attributes;
  const dtype = productDType(operands[0]!, operands[1]!);
  const [a, b] = operands.map((operand) => operand.cast(dtype)) as [Tensor, Tensor];
  const spatial = stride.length;
  const sizesOf = (t: Tensor): Shape => t.shape.slice(-spatial);
  const leads = (t: Tensor): number => t.shape.length - spatial - 2;
  const ones = stride.map(() => 1);

  // Labels: n, g, m (output channel in its group), c (input channel in its group), then spatial ones of o, k, j, then leading axes.
  const n = 0;
  const g = groups > 1 ? [1] : [];
  const m = 2;
  const c = 3;
  const axes = (from: number): number[] => stride.map((_, i) => from + i);
  const outputs = axes(4);
  const taps = axes(4 + spatial);
  const positions = axes(4 + 2 * spatial);
  const lead = (t: Tensor): number[] => Array.from({ length: leads(t) }, (_, i) => 4 + 3 * spatial + i);
  const wide = leads(a) > leads(b) ? lead(a) : lead(b);
  /** Channels as groups and channels in a group; a view. */
  const grouped = (t: Tensor, axis: number): Tensor => {
    if (groups === 1) return t;
    const at = t.shape.length + axis;
    return t.reshape([...t.shape.slice(0, at), groups, t.shape[at]! / groups, ...t.shape.slice(at + 1)]);
  };
  const back = (t: Tensor, shape: readonly number[]): Tensor =>
    groups === 1 ? t : t.reshape([...t.shape.slice(0, wide.length), ...shape, ...size]);

  if (wanted === 'output') {
    const [x, w] = [a, b];
    const seen = windowed(x, { low, step: ones, count: size, stride, size: sizesOf(w), dilation, fill: 0 });
    const result = a.apply(contract, [grouped(seen, -2 * spatial - 1), grouped(w, -spatial - 2)], {
      a: [...lead(x), n, ...g, c, ...outputs, ...taps],
      b: [...lead(w), ...g, m, c, ...taps],
      out: [...wide, n, ...g, m, ...outputs],
    });
    return back(result, [x.shape[leads(x)]!, w.shape[leads(w)]!]);
  }
  if (wanted === 'weight') {
    const [x, y] = [a, b];
    const seen = windowed(x, {
      low,
      step: ones,
      count: size,
      stride: dilation,
      size: sizesOf(y),
      dilation: stride,
      fill: 0,
    });
    const result = a.apply(contract, [grouped(seen, -2 * spatial - 1), grouped(y, -spatial - 1)], {
      a: [...lead(x), n, ...g, c, ...taps, ...outputs],
      b: [...lead(y), n, ...g, m, ...outputs],
      out: [...wide, ...g, m, c, ...taps],
    });
    return back(result, [y.shape[leads(y) + 1]!, x.shape[leads(x) + 1]! / groups]);
  }
  // Read backwards: o = (j − dilation·k + low) / stride. With k counted from the end it is a convolution over y, its
  // rows `stride` apart, padded by dilation·(K − 1) − low.
  const [w, y] = [a, b];
  const taken = sizesOf(w);
  const before = low.map((padding, i) => dilation[i]! * (taken[i]! - 1) - padding);
  const seen = windowed(y, {
    low: before,
    step: stride,
    count: size,
    stride: ones,
    size: taken,
    dilation,
    fill: 0,
  });
  const turned = w.flip(stride.map((_, i) => i - spatial));
  const result = a.apply(contract, [grouped(turned, -spatial - 2), grouped(seen, -2 * spatial - 1)], {
    a: [...lead(w), ...g, m, c, ...taps],
    b: [...lead(y), n, ...g, m, ...positions, ...taps],
    out: [...wide, n, ...g, c, ...positions],
  });
  return back(result, [y.shape[leads(y)]!, w.shape[leads(w) + 1]! * groups]);
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
    const length = x.shape[axis]!;
    starts[axis] = Math.max(0, before);
    steps[axis] = length > 1 ? step[i]! : 1;
    const filled = starts[axis]! + (length === 0 ? 0 : (length - 1) * steps[axis]! + 1);
    const reached =
      count[i] === 0 || size[i] === 0 ? 0 : (count[i]! - 1) * stride[i]! + (size[i]! - 1) * dilation[i]! + 1;
    shape[axis] = Math.max(filled, Math.max(0, -before) + reached);
  });
  let result = sameShape(shape, x.shape)
    ? x
    : x.apply(place, [x], { shape, parts: [{ starts, steps, moving: [] }], fill, accumulate: false });
  low.forEach((before, i) => {
    result = result.apply(windows, [result], {
      axis: first + i,
      start: Math.max(0, -before),
      count: count[i]!,
      stride: stride[i]!,
      size: size[i]!,
      dilation: dilation[i]!,
    });
  });
  return result;
}

/** What stands outside a tensor when the largest element of a window is sought. */
export function lowest(dtype: TensorType['dtype']): number {
  return isFloat(dtype) ? Number.NEGATIVE_INFINITY : dtype === 'int32' ? -(2 ** 31) : 0;
}
