/**
 * Patches: windows over the last axes laid out side by side, and the sum of patches where they lie. Each is the other's transpose, so
 * gradients of any order stay between the two.
 */
import type { Shape } from '../shape.ts';
import { windowed } from './convolution.ts';
import { place, section } from './movement.ts';
import { defineOp, expand, type Op } from './op.ts';
import type { PoolAttributes } from './pooling.ts';

/** [..., input] → [..., window, output]: for each place in a window what stands there, window after window. */
export const unfold: Op<PoolAttributes> = /* @__PURE__ */ defineOp<PoolAttributes>({
  name: 'unfold',
  type: ([x], a) => ({
    shape: [...x.shape.slice(0, x.shape.length - a.window.length), ...a.window, ...a.output],
    dtype: x.dtype,
  }),
  lower: /* @__PURE__ */ expand(([x], a) => {
    const seen = windowed(x, {
      low: a.low,
      step: a.stride.map(() => 1),
      count: a.output,
      stride: a.stride,
      size: a.window,
      dilation: a.dilation,
      fill: 0,
    });
    const front = x.shape.length - a.window.length;
    const order = [...x.shape.slice(0, front).keys()];
    const spatial = a.window.length;
    return seen.permute([
      ...order,
      ...a.window.map((_, i) => front + spatial + i),
      ...a.output.map((_, i) => front + i),
    ]);
  }),
  vjp: (g, _x, _y, a) => [g.apply(fold, [g], a)],
});

/** [..., window, output] → [..., input]: what windows hold, added up where they lie. */
export const fold: Op<PoolAttributes> = /* @__PURE__ */ defineOp<PoolAttributes>({
  name: 'fold',
  type: ([x], a) => ({
    shape: [...x.shape.slice(0, x.shape.length - 2 * a.window.length), ...a.input],
    dtype: x.dtype,
  }),
  lower: /* @__PURE__ */ expand(([x], a) => {
    const front = x.shape.slice(0, x.shape.length - 2 * a.window.length);
    const wide = a.input.map((size, i) =>
      Math.max(a.low[i] + size, (a.output[i] - 1) * a.stride[i] + (a.window[i] - 1) * a.dilation[i] + 1),
    );
    const taps = tapsOf(a.window);
    const pieces = taps.map((tap) => {
      let piece = x;
      tap.forEach((k, i) => {
        piece = piece.apply(section, [piece], { axis: front.length + i, start: k, size: 1, step: 1 });
      });
      return piece.reshape([...front, ...a.output]);
    });
    const sum = x.apply(place, pieces, {
      shape: [...front, ...wide],
      parts: taps.map((tap) => ({
        starts: [...front.map(() => 0), ...tap.map((k, i) => k * a.dilation[i])],
        steps: [...front.map(() => 1), ...a.stride],
        moving: [],
      })),
      fill: 0,
      accumulate: true,
    });
    return a.input.reduce(
      (result, size, i) =>
        result.apply(section, [result], { axis: front.length + i, start: a.low[i], size, step: 1 }),
      sum,
    );
  }),
  vjp: (g, _x, _y, a) => [g.apply(unfold, [g], a)],
});

/** All positions in a window, row-major. */
function tapsOf(window: Shape): number[][] {
  return window.reduce<number[][]>(
    (taps, size) => taps.flatMap((tap) => Array.from({ length: size }, (_, k) => [...tap, k])),
    [[]],
  );
}
