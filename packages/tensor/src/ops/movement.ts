/**
 * Operations that move no numbers: other shapes, other orders, parts of a tensor. All but `place` are views.
 */
import { promote } from '../dtype.ts';
import { codedError, shapeError, valueError } from '../errors.ts';
import { factorsOf, hasOpen, isOpen, mergedSize, openSize, productSize } from '../openSizes.ts';
import { formatShape, type Shape, sizeOf, sizesOf } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { expandView, flipView, permuteView, reshapeView, shiftView, sliceView, windowView } from '../view.ts';
import { coordinates } from './indexing.ts';
import { defineOp, type Placement, type TensorType, view } from './op.ts';

/** @throws RangeError when the size of `axis` is fed later and `where` would have to know it. */
export function checkKnownSize(shape: Shape, axis: number, where: string): void {
  if (isOpen(shape[axis])) {
    throw codedError(
      RangeError,
      'AG_OPEN_SIZE',
      `${where}: size ${axis} of ${formatShape(shape)} is open until the placeholder is fed, so ${where} cannot go along axis ${axis}; do that to the data before feeding it`,
    );
  }
}

export const reshape = defineOp<{ readonly shape: Shape }>({
  name: 'reshape',
  type: ([x], { shape }) => ({ shape: resolveShape(x.shape, shape), dtype: x.dtype }),
  lower: view((v, _a, { output }) => reshapeView(v, output.shape)),
  vjp: (g, [x]) => [g.reshapeLike(x)],
});

/** The first operand in the shape of the second, whose values do not matter. */
export const reshapeLike = defineOp({
  name: 'reshapeLike',
  type: ([x, like]) => {
    if (sizeOf(x.shape) !== sizeOf(like.shape)) {
      throw shapeError(
        `reshapeLike: ${formatShape(x.shape)} has not as many elements as ${formatShape(like.shape)}`,
      );
    }
    return { shape: like.shape, dtype: x.dtype };
  },
  lower: view((v, _a, { output }) => reshapeView(v, output.shape)),
  vjp: (g, [x]) => [g.reshapeLike(x), null],
});

export const permute = defineOp<{ readonly order: readonly number[] }>({
  name: 'permute',
  type: ([x], { order }) => ({ shape: order.map((axis) => x.shape[axis]), dtype: x.dtype }),
  lower: view((v, { order }) => permuteView(v, order)),
  vjp: (g, _x, _y, { order }) => {
    const back = new Array<number>(order.length);
    order.forEach((axis, i) => {
      back[axis] = i;
    });
    return [g.permute(back)];
  },
});

export const broadcastTo = defineOp<{ readonly shape: Shape }>({
  name: 'broadcastTo',
  type: ([x], { shape }) => ({ shape: checkExpand(x.shape, shape), dtype: x.dtype }),
  lower: view((v, _a, { output }) => expandView(v, output.shape)),
  vjp: (g) => [g],
});

/** The first operand broadcast to the shape of the second, whose values do not matter. */
export const broadcastLike = defineOp({
  name: 'broadcastLike',
  type: ([x, like]) => ({ shape: checkExpand(x.shape, like.shape), dtype: x.dtype }),
  lower: view((v, _a, { output }) => expandView(v, output.shape)),
  vjp: (g) => [g, null],
});

/** Operands: the tensor and the start, a number known at each run. Every `step`-th of `size` elements. */
export const slice = defineOp<{ readonly axis: number; readonly size: number; readonly step: number }>({
  name: 'slice',
  type: ([x], { axis, size }) => ({
    shape: x.shape.map((n, i) => (i === axis ? size : n)),
    dtype: x.dtype,
  }),
  lower: view((v, { axis, size, step }, { scalars }) =>
    shiftView(sliceView(v, axis, 0, size, step), scalars[0], v.strides[axis]),
  ),
  vjp: (g, [x, start], _y, { axis, step }) => {
    const rank = x.shape.length;
    const part: Placement = {
      starts: new Array<number>(rank).fill(0),
      steps: x.shape.map((_, i) => (i === axis ? step : 1)),
      moving: [{ axis, input: 1 }],
    };
    const shape = x.shape;
    return [g.apply(place, [g, start], { shape, parts: [part], fill: 0, accumulate: false }), null];
  },
});

/** The same with a start that is part of the structure, for cuts that are the same at every run. */
export const section = defineOp<{
  readonly axis: number;
  readonly start: number;
  readonly size: number;
  readonly step: number;
}>({
  name: 'section',
  type: ([x], { axis, size }) => ({
    shape: x.shape.map((n, i) => (i === axis ? size : n)),
    dtype: x.dtype,
  }),
  lower: view((v, { axis, start, size, step }) => sliceView(v, axis, start, size, step)),
  vjp: (g, [x], _y, { axis, start, step }) => {
    const part: Placement = {
      starts: x.shape.map((_, i) => (i === axis ? start : 0)),
      steps: x.shape.map((_, i) => (i === axis ? step : 1)),
      moving: [],
    };
    const shape = x.shape;
    return [g.apply(place, [g], { shape, parts: [part], fill: 0, accumulate: false })];
  },
});

/**
 * Elements with equal positions along two axes, which are counted from the end: both leave, a new last axis runs along the
 * diagonal.
 */
export const diagonal = defineOp<{ readonly first: number; readonly second: number }>({
  name: 'diagonal',
  type: ([x], a) => {
    const [first, second] = fromFront(x, a);
    const { shape } = x;
    const rest = shape.filter((_, i) => i !== first && i !== second);
    return { shape: [...rest, Math.min(shape[first], shape[second])], dtype: x.dtype };
  },
  lower: view((v, a, { output }) => {
    const [first, second] = fromFront(v, a);
    const rest = v.strides.filter((_, i) => i !== first && i !== second);
    return { ...v, shape: output.shape, strides: [...rest, v.strides[first] + v.strides[second]] };
  }),
  vjp: (g, [x], _y, a) => {
    const [first, second] = fromFront(x, a);
    const at = (axis: number): Tensor =>
      g
        .apply(coordinates, [], { shape: [x.shape[axis]] })
        .reshape(x.shape.map((size, i) => (i === axis ? size : 1)));
    // The diagonal lies along the shorter of both axes; along the other it is repeated and kept where positions are equal.
    const [along, across] = x.shape[first] <= x.shape[second] ? [first, second] : [second, first];
    const axes = x.shape.map((_, i) => i).filter((i) => i !== first && i !== second);
    const order = [...axes, along];
    const sorted = [...order].sort((i, j) => i - j).map((i) => order.indexOf(i));
    return [at(first).equal(at(second)).where(g.permute(sorted).unsqueeze(across), 0)];
  },
});

function fromFront(
  { shape }: { readonly shape: Shape },
  axes: { readonly first: number; readonly second: number },
): [number, number] {
  return [axes.first + shape.length, axes.second + shape.length];
}

export const flip = defineOp<{ readonly axes: readonly number[] }>({
  name: 'flip',
  type: ([x]) => x,
  lower: view((v, { axes }) => flipView(v, axes)),
  vjp: (g, _x, _y, { axes }) => [g.flip(axes)],
});

export interface PlaceAttributes {
  readonly shape: Shape;
  /** One for each of the first `parts.length` inputs; the inputs after them are moving starts. */
  readonly parts: readonly Placement[];
  readonly fill: number;
  readonly accumulate: boolean;
}

/**
 * A tensor of `shape` that is `fill` except where parts are written (or, with `accumulate`, added). Padding,
 * concatenation and the gradient of a slice are all this.
 */
export const place = defineOp<PlaceAttributes>({
  name: 'place',
  type: (inputs, { shape, parts }) => ({
    shape: shape.map((size, i) => (isOpen(size) ? inputs[0].shape[i] : size)),
    dtype: inputs
      .slice(0, parts.length)
      .reduce<TensorType['dtype']>((d, x) => promote(d, x.dtype), inputs[0].dtype),
  }),
  lower: {
    form: 'place',
    parts: (a) => a.parts,
    fill: (a) => a.fill,
    accumulate: (a) => a.accumulate,
  },
  vjp: (g, inputs, _y, { parts }) =>
    inputs.map((input, i) => {
      const part = parts[i];
      if (!part) return null;
      let result = g;
      input.shape.forEach((size, axis) => {
        const moving = part.moving.find((move) => move.axis === axis);
        const whole = !moving && part.starts[axis] === 0 && part.steps[axis] === 1 && size === g.shape[axis];
        if (whole) return;
        const start = moving ? inputs[moving.input] : part.starts[axis];
        result = result.sliceFrom(start, size, axis, part.steps[axis]);
      });
      return result;
    }),
});

/**
 * Sliding windows along one axis, the first at `start`: window positions replace it, a new last axis runs within the
 * window. Only for lowerings: it has no gradient of its own.
 */
export const windows = defineOp<{
  readonly axis: number;
  readonly start: number;
  readonly count: number;
  readonly stride: number;
  readonly size: number;
  readonly dilation: number;
}>({
  name: 'windows',
  type: ([x], { axis, count, size }) => ({
    shape: [...x.shape.map((n, i) => (i === axis ? count : n)), size],
    dtype: x.dtype,
  }),
  lower: view((v, { axis, start, count, stride, size, dilation }) =>
    windowView({ ...v, offset: v.offset + start * v.strides[axis] }, axis, count, stride, size, dilation),
  ),
});

/** The same values, as far as gradients are concerned a constant. */
export const detach = defineOp({
  name: 'detach',
  type: ([x]) => x,
  lower: view((v) => v),
  vjp: () => [null],
});

/** Fills in the size given as −1 and checks the number of elements. */
function resolveShape(from: Shape, to: Shape): Shape {
  if (hasOpen(sizesOf(from))) return resolveOpen(from, to);
  const hole = to.indexOf(-1);
  if (hole < 0) {
    if (sizeOf(from) !== sizeOf(to)) throw reshapeError(from, to);
    return to;
  }
  if (to.indexOf(-1, hole + 1) >= 0) {
    throw valueError(`reshape: only one size may be −1, got ${formatShape(to)}`);
  }
  const rest = to.reduce((product, size, i) => (i === hole ? product : product * size), 1);
  const size = sizeOf(from);
  if (rest === 0 ? size !== 0 : size % rest !== 0) throw reshapeError(from, to);
  return to.map((n, i) => (i === hole ? (rest === 0 ? 0 : size / rest) : n));
}

/** The same where sizes are open: what the other sizes leave over is −1, be it the open size of a batch, a number or a product. */
function resolveOpen(from: Shape, to: Shape): Shape {
  const hole = to.indexOf(openSize);
  if (hole >= 0 && to.indexOf(openSize, hole + 1) >= 0)
    throw valueError(`reshape: only one size may be −1, got ${formatShape(to)}`);
  const whole = factorsOf(mergedSize(from));
  const given = factorsOf(mergedSize(to.filter((_, i) => i !== hole)));
  const left = [...whole.of];
  for (const size of given.of) {
    const at = left.indexOf(size);
    if (at < 0) throw reshapeError(from, to);
    left.splice(at, 1);
  }
  const times = whole.times / given.times;
  if (!Number.isInteger(times) || (hole < 0 && (times !== 1 || left.length > 0)))
    throw reshapeError(from, to);
  if (hole < 0) return to;
  return to.map((size, i) => (i === hole ? productSize(times, left) : size));
}

function reshapeError(from: Shape, to: Shape): RangeError {
  return shapeError(
    hasOpen(from)
      ? `reshape: sizes of the placeholder are open, so ${formatShape(from)} becomes ${formatShape(to)} only where these stay; give −1 for one that is to follow and keep the others' product`
      : `reshape: ${formatShape(from)} has ${sizeOf(from)} elements and cannot become ${formatShape(to)}, which has ${sizeOf(to)}; −1 for one size lets it follow from the others`,
  );
}

/** Whether `to` has open sizes only where `from` has the same, aligned at the last axis. */
export function keepsOpen(from: Shape, to: Shape): boolean {
  const lead = to.length - from.length;
  return to.every((size, i) => (size >= 0 ? Number.isInteger(size) : i >= lead && from[i - lead] === size));
}

function checkExpand(from: Shape, to: Shape): Shape {
  const sizes = sizesOf(from);
  const wanted = sizesOf(to);
  const lead = wanted.length - sizes.length;
  let fits = lead >= 0;
  let open = false;
  for (let i = 0; i < sizes.length; i++) {
    const size = wanted[lead + i];
    // Where it was open it is what the operand has.
    if (size === openSize) open = true;
    else fits = fits && (sizes[i] === 1 || sizes[i] === size);
  }
  if (!fits) {
    throw shapeError(
      `broadcastTo: ${formatShape(from)} does not broadcast to ${formatShape(to)}: sizes must be equal or 1, aligned at the last axis`,
    );
  }
  return open ? to.map((size, i) => (size === openSize && i >= lead ? sizes[i - lead] : size)) : to;
}
