/**
 * Writing into a tensor: the result is a new one, with other elements at some positions. Behind `x.at(…)`, which takes what `index` takes,
 * and `scatter`, which takes positions along an axis.
 */
import { shapeError } from '../errors.ts';
import type { ScatterCombine } from '../kernel/kernel.ts';
import { coordinatesLike, scatter } from '../ops/indexing.ts';
import { scatterMax, scatterMin, scatterMul, scatterSet } from '../ops/scatter.ts';
import { broadcastShapes, formatShape, sameShape } from '../shape.ts';
import type { Tensor, TensorLike } from '../tensor.ts';
import { type IndexItem, index } from './select.ts';

/**
 * Elements of a tensor that shall be others: what `x.at(…)` gives. Each method makes a new tensor of the same shape and dtype; the values
 * are a number, or a tensor that broadcasts to what `x.index(…)` would give.
 */
export class Selection {
  readonly #x: Tensor;
  /** Of the elements of `x` taken as one row. */
  readonly #positions: Tensor;
  readonly #operand: (values: TensorLike, operation: string) => Tensor;

  /** @internal */
  constructor(
    x: Tensor,
    items: readonly IndexItem[],
    operand: (values: TensorLike, operation: string) => Tensor,
  ) {
    this.#x = x;
    this.#positions = index(x.apply(coordinatesLike, [x]), items);
    this.#operand = operand;
  }

  /** The values in their place. Where positions repeat, the last in row-major order stays and gets the gradient. */
  set(values: TensorLike): Tensor {
    return this.#write(values, 'set');
  }
  /** The values added; where positions repeat all are. */
  add(values: TensorLike): Tensor {
    return this.#write(values, 'add');
  }
  /** The elements multiplied by the values; where positions repeat by all of them. */
  mul(values: TensorLike): Tensor {
    return this.#write(values, 'mul');
  }
  /** The larger of element and value. */
  max(values: TensorLike): Tensor {
    return this.#write(values, 'max');
  }
  /** The smaller of element and value. */
  min(values: TensorLike): Tensor {
    return this.#write(values, 'min');
  }

  #write(values: TensorLike, combine: ScatterCombine): Tensor {
    const { shape } = this.#positions;
    const updates = this.#operand(values, combine);
    if (!sameShape(broadcastShapes(shape, updates.shape, combine), shape)) {
      throw shapeError(
        `${combine}: values of shape ${formatShape(updates.shape)} do not broadcast to ${formatShape(shape)}, which is what at(…) selects`,
      );
    }
    const line = (t: Tensor): Tensor => t.reshape([-1]);
    const written = write(line(this.#x), line(this.#positions), line(updates.broadcastTo(shape)), 0, combine);
    return written.reshape(this.#x.shape);
  }
}

/** What makes one of updates, leaving alone what none meets, and the method that makes one of that and what was there. */
const meetings = {
  add: [scatter, 'add'],
  mul: [scatterMul, 'mul'],
  max: [scatterMax, 'maximum'],
  min: [scatterMin, 'minimum'],
} as const;

/** `x` with updates of its dtype at positions along an axis, which have the shape of the updates. */
export function write(
  x: Tensor,
  position: Tensor,
  updates: Tensor,
  axis: number,
  combine: ScatterCombine,
): Tensor {
  if (combine !== 'set') {
    const [op, method] = meetings[combine];
    return x[method](x.apply(op, [x, position, updates], { axis }));
  }
  const written = x.apply(scatterSet, [x, position, position.equal(position)], { axis });
  return written.where(x.apply(scatterSet, [x, position, updates], { axis }), x);
}
