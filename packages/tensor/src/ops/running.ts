/** Running extremes along the last axis. */
import type { Tensor } from '../tensor.ts';
import { coordinates, scatter } from './indexing.ts';
import { defineOp, type Op } from './op.ts';

/* @__NO_SIDE_EFFECTS__ */
function runningExtreme(name: string, combine: 'max' | 'min'): Op<undefined> {
  return defineOp({
    name,
    type: ([x]) => x,
    lower: { form: 'scan', combine, reverse: () => false },
    vjp: (g, [x], y) => {
      const at = attained(x, y);
      return [g.apply(scatter, [x, at, g], { axis: x.shape.length - 1 })];
    },
  });
}

/** The largest element so far; NaN from the first on. */
export const cummax = /* @__PURE__ */ runningExtreme('cummax', 'max');
/** The smallest element so far; NaN from the first on. */
export const cummin = /* @__PURE__ */ runningExtreme('cummin', 'min');

/** For each running extreme the last position, up to its own, that has it. */
function attained(x: Tensor, y: Tensor): Tensor {
  const last = x.shape.length - 1;
  const position = x.apply(coordinates, [], { shape: [x.shape[last]] });
  const own = x.equal(y).logicalOr(x.isNaN().logicalAnd(y.isNaN()));
  return x.apply(cummax, [own.where(position, 0)]);
}
