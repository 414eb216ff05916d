/**
 * Reading and writing at computed positions. `gather` and `scatter` are each other's transpose, so gradients of
 * any order stay between the two.
 */
import { isFloat } from '../dtype.ts';
import { shapeError } from '../errors.ts';
import { builder, s } from '../kernel/expression.ts';
import { noPosition } from '../kernel/kernel.ts';
import { broadcastShapes, formatShape } from '../shape.ts';
import { defineOp, map, type Op, type TensorType } from './op.ts';

export interface AxisAttributes {
  readonly axis: number;
}

/**
 * out[…, i, …] = source[…, index[…, i, …], …] along `axis`; the other axes of the two operands broadcast.
 * Negative positions count from the end; others outside the axis make the evaluation fail.
 */
export const gather: Op<AxisAttributes> = defineOp<AxisAttributes>({
  name: 'gather',
  type: ([source, index], { axis }) => ({
    shape: gatherShape('gather', source, index, axis),
    dtype: source.dtype,
  }),
  lower: { form: 'gather', axis: (a) => a.axis },
  vjp: (g, [source, index], _y, { axis }) => [g.apply(scatter, [source, index, g], { axis }), null],
});

/**
 * Zeros in the shape of the first operand (whose values do not matter), with the updates added at
 * […, index[…, i, …], …] along `axis`. Where positions repeat, updates add up.
 */
export const scatter: Op<AxisAttributes> = defineOp<AxisAttributes>({
  name: 'scatter',
  type: scatterType('scatterAdd'),
  lower: { form: 'scatter', axis: (a) => a.axis, combine: 'add' },
  vjp: (g, [, index], _y, { axis }) => [null, null, g.apply(gather, [g, index], { axis })],
});

/** 0, 1, 2, … in row-major order, int32. */
export const coordinates = defineOp<{ readonly shape: readonly number[] }>({
  name: 'coordinates',
  type: (_inputs, { shape }) => ({ shape, dtype: 'int32' }),
  lower: { form: 'coordinates' },
});

/** 0, 1, 2, … in the shape of the operand, whose values do not matter. */
export const coordinatesLike = defineOp({
  name: 'coordinatesLike',
  type: ([x]) => ({ shape: x.shape, dtype: 'int32' }),
  lower: { form: 'coordinates' },
});

/**
 * Positions of any dtype as int32. Fractions, NaN, and what 32 bits do not hold become `noPosition`, at which reading and writing
 * fail, instead of a position nearby. Gather and scatter do this to their index.
 */
export const positions = defineOp({
  name: 'positions',
  type: ([x]) => ({ shape: x.shape, dtype: 'int32' }),
  lower: map(
    ([x]) => {
      const e = builder();
      const dtype = e.dtypeOf(x);
      const whole = e.cast(x, 'int32');
      if (!isFloat(dtype) && dtype !== 'uint32') return whole;
      // What saturates is 2³¹ − 1 afterwards, which no axis is long enough for.
      const fits = isFloat(dtype)
        ? s.equal(e.cast(whole, dtype), x)
        : s.lessEqual(x, e.constant(2 ** 31 - 1, dtype));
      return e.where(fits, whole, e.constant(noPosition, 'int32'));
    },
    { operands: 'own' },
  ),
});

/** The shape of the first operand, the dtype of the updates. */
/* @__NO_SIDE_EFFECTS__ */
export function scatterType(name: string): (inputs: readonly TensorType[], a: AxisAttributes) => TensorType {
  return ([like, index, updates], { axis }) => {
    const shape = gatherShape(name, like, index, axis);
    broadcastShapes(shape, updates.shape, name);
    return { shape: like.shape, dtype: updates.dtype };
  };
}

function gatherShape(operation: string, source: TensorType, index: TensorType, axis: number): number[] {
  if (source.shape.length !== index.shape.length) {
    throw shapeError(
      `${operation}: the index has ${index.shape.length} axes and the source ${source.shape.length}: ${formatShape(index.shape)}, ` +
        `${formatShape(source.shape)}; they must have equally many (use take to look up whole rows)`,
    );
  }
  const others = source.shape.map((size, i) => (i === axis ? index.shape[axis] : size));
  return broadcastShapes(others, index.shape, operation) as number[];
}
