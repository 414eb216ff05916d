/**
 * Pooling: the largest element, or the sum, of windows over the last axes. Windows are views, so nothing is unrolled,
 * and gradients are as small as what they are gradients of.
 *
 * Window o reaches the positions j = stride·o + dilation·k − low for k = 0 … window − 1 along each axis.
 */
import { sumDType } from '../dtype.ts';
import { type Shape, sizeOf } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { lowest, windowed } from './convolution.ts';
import { coordinates, gather, scatter } from './indexing.ts';
import { defineOp, expand, type Op, type TensorType } from './op.ts';
import { argmax } from './reduce.ts';

/** Lists have one entry for each of the last axes, which are pooled. */
export interface PoolAttributes {
  /** Sizes before and after pooling. */
  readonly input: Shape;
  readonly output: Shape;
  readonly window: Shape;
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  readonly low: readonly number[];
}

const front = (t: TensorType, { window }: PoolAttributes): Shape =>
  t.shape.slice(0, t.shape.length - window.length);
const pooled = (x: TensorType, a: PoolAttributes): Shape => [...front(x, a), ...a.output];

/** The largest element of each window; its gradient goes to the first element that attains it. */
export const maxPool: Op<PoolAttributes> = /* @__PURE__ */ defineOp<PoolAttributes>({
  name: 'maxPool',
  type: ([x], a) => ({ shape: pooled(x, a), dtype: x.dtype }),
  lower: /* @__PURE__ */ expand(([x], a) => windowsOf(x, a).max(windowAxes(a))),
  vjp: (g, [x], _y, a) => [g.apply(unpool, [g, g.apply(poolPosition, [x], a)], a)],
});

/** Which element of each window is the first largest: its row-major position within the window, int32. */
export const poolPosition = /* @__PURE__ */ defineOp<PoolAttributes>({
  name: 'poolPosition',
  type: ([x], a) => ({ shape: pooled(x, a), dtype: 'int32' }),
  lower: /* @__PURE__ */ expand(([x], a) => {
    const seen = windowsOf(x, a);
    const rank = seen.shape.length;
    return x.apply(argmax, [seen], {
      axes: a.window.map((_, i) => rank - a.window.length + i),
      keepDims: false,
    });
  }),
});

/** Each element of the first operand added at the position in its window that the second operand says; zeros elsewhere. */
export const unpool: Op<PoolAttributes> = /* @__PURE__ */ defineOp<PoolAttributes>({
  name: 'unpool',
  type: ([g], a) => ({ shape: [...front(g, a), ...a.input], dtype: g.dtype }),
  lower: /* @__PURE__ */ expand(([g, position], a) => {
    if (tiles(a)) {
      // Windows side by side: each element asks whether it is the chosen one of its window.
      const own = g
        .apply(coordinates, [], { shape: [sizeOf(a.window)] })
        .reshape(a.window.flatMap((k) => [1, k]));
      const spread = (t: Tensor): Tensor =>
        t.reshape([...front(t, a), ...a.output.flatMap((size) => [size, 1])]);
      return spread(position)
        .equal(own)
        .where(spread(g), 0)
        .reshape([...front(g, a), ...a.input]);
    }
    const rows = front(g, a);
    const base = g.number(0).broadcastTo([...rows, sizeOf(a.input)]);
    const flat = g.reshape([...rows, sizeOf(a.output)]);
    const sum = g.apply(scatter, [base, flatIndex(position, a), flat], { axis: rows.length });
    return sum.reshape([...rows, ...a.input]);
  }),
  vjp: (g, [, position], _y, a) => [g.apply(pick, [g, position], a), null],
});

/** From each window of the first operand the element at the position that the second operand says. */
export const pick: Op<PoolAttributes> = /* @__PURE__ */ defineOp<PoolAttributes>({
  name: 'pick',
  type: ([x], a) => ({ shape: pooled(x, a), dtype: x.dtype }),
  lower: /* @__PURE__ */ expand(([x, position], a) => {
    const rows = front(x, a);
    const found = x.apply(gather, [x.reshape([...rows, sizeOf(a.input)]), flatIndex(position, a)], {
      axis: rows.length,
    });
    return found.reshape([...rows, ...a.output]);
  }),
  vjp: (g, [, position], _y, a) => [g.apply(unpool, [g, position], a), null],
});

export interface WindowSumAttributes extends PoolAttributes {
  /** 'output': the sum of each window. 'input': for each position the sum over the windows that reach it. */
  readonly wanted: 'output' | 'input';
}

/** Sums of windows, and the transpose of that. */
export const windowSum: Op<WindowSumAttributes> = /* @__PURE__ */ defineOp<WindowSumAttributes>({
  name: 'windowSum',
  type: ([x], a) => ({ shape: [...front(x, a), ...a[a.wanted]], dtype: sumDType(x.dtype) }),
  lower: /* @__PURE__ */ expand(([x], a) => {
    if (a.wanted === 'output') return windowsOf(x, a, 0).sum(windowAxes(a));
    if (tiles(a)) {
      const spread = x.reshape([...front(x, a), ...a.output.flatMap((size) => [size, 1])]);
      const wide = spread.broadcastTo([
        ...front(x, a),
        ...a.output.flatMap((size, i) => [size, a.window[i]]),
      ]);
      return wide.reshape([...front(x, a), ...a.input]).cast(sumDType(x.dtype));
    }
    const low = a.low.map((before, i) => a.dilation[i] * (a.window[i] - 1) - before);
    const stride = a.stride.map(() => 1);
    const seen = windowed(x, {
      low,
      step: a.stride,
      count: a.input,
      stride,
      size: a.window,
      dilation: a.dilation,
      fill: 0,
    });
    return seen.sum(windowAxes(a));
  }),
  vjp: (g, _x, _y, a) => [
    g.apply(windowSum, [g], { ...a, wanted: a.wanted === 'output' ? 'input' : 'output' }),
  ],
});

function windowsOf(x: Tensor, a: PoolAttributes, fill = lowest(x.dtype)): Tensor {
  const step = a.stride.map(() => 1);
  return windowed(x, {
    low: a.low,
    step,
    count: a.output,
    stride: a.stride,
    size: a.window,
    dilation: a.dilation,
    fill,
  });
}

function windowAxes({ window }: PoolAttributes): number[] {
  return window.map((_, i) => i - window.length);
}

/** Whether each element lies in exactly one window. */
function tiles({ input, output, window, stride, low, dilation }: PoolAttributes): boolean {
  return window.every(
    (k, i) => low[i] === 0 && stride[i] === k && (dilation[i] === 1 || k === 1) && output[i] * k === input[i],
  );
}

/** Positions in windows as positions in the input's last axes taken as one: [..., windows], int32. */
export function flatIndex(position: Tensor, a: PoolAttributes): Tensor {
  let rest = position;
  let flat: Tensor | null = null;
  let pace = 1;
  for (let i = a.window.length - 1; i >= 0; i--) {
    const k = a.window[i];
    const own = i === 0 ? rest : rest.mod(k);
    const window = position
      .apply(coordinates, [], { shape: [a.output[i]] })
      .reshape([a.output[i], ...a.window.slice(i + 1).map(() => 1)]);
    let at = window.mul(a.stride[i]).add(own.mul(a.dilation[i])).sub(a.low[i]);
    // A window of nothing but −∞ finds its first element, which may be padding.
    if (reachesOutside(a, i)) at = at.maximum(0).minimum(a.input[i] - 1);
    const term = at.mul(pace);
    flat = flat === null ? term : flat.add(term);
    pace *= a.input[i];
    // Whole division: what is left is a multiple of k.
    rest = rest.sub(own).div(k).cast('int32');
  }
  return flat!.reshape([...front(position, a), sizeOf(a.output)]);
}

function reachesOutside(a: PoolAttributes, i: number): boolean {
  const last = a.stride[i] * (a.output[i] - 1) + a.dilation[i] * (a.window[i] - 1) - a.low[i];
  return a.low[i] > 0 || last >= a.input[i];
}
