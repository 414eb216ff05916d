/**
 * What is read of a loop: operations on the loop, which itself is a tensor without elements. So a loop has as many results as are
 * asked for, and the graph stays one of tensors.
 */
import type { DType } from '../dtype.ts';
import { defineOp, type Op, type TensorType } from '../ops/op.ts';
import { apply, type Tensor } from '../tensor.ts';
import { bodyOf, type LoopAttributes, type LoopResult, lengthOf } from './attributes.ts';

/**
 * A result: the last value of what is carried, the row of values that a node of the body had (what is collected, and what a
 * gradient needs of the steps), or the number of steps taken.
 */
export const loopResult: Op<LoopResult> = /* @__PURE__ */ defineOp<LoopResult>({
  name: 'result',
  type: ([loop], result) => typeOfResult(loop as Tensor, result),
  lower: { form: 'result' },
  vjp: (g, _inputs, _y, result) => [apply(gradientOfResult, [g], result)],
});

/** The gradient at a result on its way to the rule of the loop, which takes it apart; it is never computed. */
export const gradientOfResult: Op<LoopResult> = /* @__PURE__ */ defineOp<LoopResult>({
  name: 'gradientOfResult',
  type: () => ({ shape: [0], dtype: 'float32' }),
  lower: { form: 'expand', of: ([g]) => g.number(0).cast('float32').broadcastTo([0]) },
});

function typeOfResult(loop: Tensor, { of, at }: LoopResult): TensorType {
  if (of === 'count') return { shape: [], dtype: 'int32' };
  const source = loop.op === null ? loop.origin : loop;
  const attributes = source!.attributes as LoopAttributes;
  const inputs = source!.inputs;
  const body = bodyOf(attributes, inputs);
  const { shape, dtype }: { shape: readonly number[]; dtype: DType } =
    of === 'final' ? body.carry[at] : body.nodes[at];
  if (of === 'final') return { shape, dtype };
  return { shape: [lengthOf(attributes, inputs), ...shape], dtype };
}

/** A result of a loop. */
export function resultOf(loop: Tensor, of: LoopResult['of'], at = 0): Tensor {
  return apply(loopResult, [loop], { of, at });
}
