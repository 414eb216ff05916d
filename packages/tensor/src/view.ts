/**
 * Strided views: how a tensor's elements lie in somebody else's memory. Movement operations are functions
 * from view to view; nothing moves until a kernel reads through the result.
 */
import { contiguousStrides, type Shape } from './shape.ts';

/** A term of an offset that is known only at each run: `factor · scalars[scalar]` elements. */
export interface DynamicOffset {
  readonly scalar: number;
  readonly factor: number;
}

/** Element `(i₀, i₁, …)` lies at `offset + Σ dynamic + Σ iₖ·strides[k]`, in elements. */
export interface View {
  readonly shape: Shape;
  readonly strides: readonly number[];
  readonly offset: number;
  readonly dynamic: readonly DynamicOffset[];
}

const nothing: readonly DynamicOffset[] = [];

/** The view of a buffer that holds `shape` in row-major order. */
export function contiguousView(shape: Shape): View {
  return { shape, strides: contiguousStrides(shape), offset: 0, dynamic: nothing };
}

/** Whether the view is the whole buffer in order (axes of size 1 may have any stride). */
export function isContiguous(view: View): boolean {
  return view.offset === 0 && view.dynamic.length === 0 && isDense(view);
}

/** Whether the elements lie one behind the other in order, wherever the first one is. */
export function isDense(view: View): boolean {
  let stride = 1;
  for (let i = view.shape.length - 1; i >= 0; i--) {
    const size = view.shape[i];
    if (size === 0) return true;
    if (size !== 1 && view.strides[i] !== stride) return false;
    stride *= size;
  }
  return true;
}

/** Axis `i` of the result is axis `order[i]` of the view. */
export function permuteView(view: View, order: readonly number[]): View {
  return {
    ...view,
    shape: order.map((axis) => view.shape[axis]),
    strides: order.map((axis) => view.strides[axis]),
  };
}

/** Broadcasts to `shape`: new leading axes and axes of size 1 get stride 0. */
export function expandView(view: View, shape: Shape): View {
  const lead = shape.length - view.shape.length;
  const strides = shape.map((size, i) =>
    i < lead || (view.shape[i - lead] === 1 && size !== 1) ? 0 : view.strides[i - lead],
  );
  return { ...view, shape, strides };
}

/** Every `step`-th element along `axis` from `start`, `size` of them; `step` may be negative. */
export function sliceView(view: View, axis: number, start: number, size: number, step: number): View {
  const stride = view.strides[axis];
  return {
    shape: view.shape.map((s, i) => (i === axis ? size : s)),
    strides: view.strides.map((s, i) => (i === axis ? s * step : s)),
    offset: view.offset + start * stride,
    dynamic: view.dynamic,
  };
}

/** Moves the origin by `scalars[scalar] · factor` elements, a number known only at each run. */
export function shiftView(view: View, scalar: number, factor: number): View {
  return { ...view, dynamic: [...view.dynamic, { scalar, factor }] };
}

/** Reverses the given axes. */
export function flipView(view: View, axes: readonly number[]): View {
  let result = view;
  for (const axis of axes) {
    const size = view.shape[axis];
    result = sliceView(result, axis, Math.max(0, size - 1), size, -1);
  }
  return result;
}

/**
 * The same elements in the same order under another shape, or null when strides cannot express it (then the
 * caller copies first). Runs of axes that lie behind one another merge; each new axis takes its part of such a run.
 */
export function reshapeView(view: View, shape: Shape): View | null {
  if (shape.some((size) => size === 0)) return { ...view, shape, strides: contiguousStrides(shape) };
  const sizes: number[] = [];
  const steps: number[] = [];
  for (let i = 0; i < view.shape.length; i++) {
    if (view.shape[i] !== 1) {
      sizes.push(view.shape[i]);
      steps.push(view.strides[i]);
    }
  }
  const strides = new Array<number>(shape.length).fill(0);
  let from = 0;
  let to = 0;
  while (from < sizes.length && to < shape.length) {
    if (shape[to] === 1) {
      to++;
      continue;
    }
    let have = sizes[from];
    let want = shape[to];
    let lastFrom = from;
    let lastTo = to;
    while (have !== want) {
      if (have < want) have *= sizes[++lastFrom];
      else want *= shape[++lastTo];
    }
    for (let i = from; i < lastFrom; i++) if (steps[i] !== steps[i + 1] * sizes[i + 1]) return null;
    let stride = steps[lastFrom];
    for (let i = lastTo; i >= to; i--) {
      strides[i] = stride;
      stride *= shape[i];
    }
    from = lastFrom + 1;
    to = lastTo + 1;
  }
  return { ...view, shape, strides };
}

/**
 * Sliding windows along one axis: the axis becomes `count` window positions `stride` apart, and a new last
 * axis of `size` elements, `dilation` apart, runs within the window. Windows may overlap: elements are shared.
 */
export function windowView(
  view: View,
  axis: number,
  count: number,
  stride: number,
  size: number,
  dilation: number,
): View {
  const step = view.strides[axis];
  return {
    ...view,
    shape: [...view.shape.map((s, i) => (i === axis ? count : s)), size],
    strides: [...view.strides.map((s, i) => (i === axis ? s * stride : s)), step * dilation],
  };
}
