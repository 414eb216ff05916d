/**
 * Loops as operations: a body that is run step by step, with a gradient and a rule for `vmap` like any other operation.
 */
import { shapeError } from '../errors.ts';
import { defineOp, type Op, type TensorType } from '../ops/op.ts';
import { loopPlanner } from '../plan/loopPlanner.ts';
import { formatShape, sameShape } from '../shape.ts';
import { bodyOf, type LoopAttributes, positionsIn } from './attributes.ts';
import { batchLoop } from './batch.ts';
import { loopRule } from './gradient.ts';
import { keptInputs, loopKernel } from './program.ts';
import { stepsOfLoop } from './steps.ts';

function checkLoop(name: string, inputs: readonly TensorType[], attributes: LoopAttributes): TensorType {
  const body = bodyOf(attributes, inputs);
  body.next.forEach((next, i) => {
    if (sameShape(next.shape, body.carry[i].shape)) return;
    throw shapeError(
      `${name}: a step makes ${formatShape(next.shape)} of a carried ${formatShape(body.carry[i].shape)}; its shape must stay the same`,
    );
  });
  return { shape: [0], dtype: 'float32' };
}

const defineLoop = (name: string): Op<LoopAttributes> =>
  defineOp<LoopAttributes>({
    name,
    type: (inputs, attributes) => checkLoop(name, inputs, attributes),
    lower: {
      form: 'loop',
      keep: keptInputs,
      firstScalar: (_inputs, attributes) => positionsIn(attributes).scalars,
      kernel: (request) => loopKernel(name, request),
      planner: loopPlanner,
      batch: batchLoop,
      steps: stepsOfLoop,
    },
    vjp: loopRule,
  });

/** The operations by what the user called. */
export const loops = {
  scan: /* @__PURE__ */ defineLoop('scan'),
  fori: /* @__PURE__ */ defineLoop('fori'),
  whileLoop: /* @__PURE__ */ defineLoop('whileLoop'),
  cond: /* @__PURE__ */ defineLoop('cond'),
} as const;
