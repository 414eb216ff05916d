/**
 * Operators that an export writes as they stand.
 *
 * A layer of `@ag/nn`, or a node of an imported model, is more than its arithmetic: statistics of batch normalization would come back as weights, an LSTM step by step.
 */
import { apply, defineOp, type Tensor, type TensorType } from '@ag/tensor';
import { unsupported } from './errors.ts';
import type { ArrayToWrite, PlainAttributes } from './file/encode.ts';

/** A node to be written. */
export interface Operator {
  readonly operator: string;
  readonly attributes: PlainAttributes;
  /** Inputs in their order: the next tensor, a constant, or null for one that is left out. Default: all are tensors. */
  readonly inputs?: readonly ('tensor' | ArrayToWrite | null)[];
  /** Shape and type of each output, in their order. */
  readonly outputs: readonly TensorType[];
}

/** One of the outputs of an operator. */
export interface OperatorOutput {
  readonly node: Operator;
  readonly output: number;
}

/** Stands for an output of an operator while a graph is taken down for an export. */
export const operatorOutput = /* @__PURE__ */ defineOp<OperatorOutput>({
  name: 'operator',
  type: (_, { node, output }) => node.outputs[output],
  lower: {
    form: 'expand',
    of: () => {
      throw unsupported('exportOnnx: what was built for an export cannot be computed');
    },
  },
});

/** The outputs of an operator of these tensors. */
export function operatorOutputs(inputs: readonly Tensor[], node: Operator): Tensor[] {
  return node.outputs.map((_, output) => apply(operatorOutput, [...inputs], { node, output }));
}

/** An export for which a graph is taken down. */
export interface Taken {
  readonly opset: number;
  /** Says where the tensors that follow come from, for the names of nodes. */
  within(path: string): void;
}

/** What an imported model has instead of `forward` while it is exported: its own operators where they say more than arithmetic. */
export const forwardAsOperators = /* @__PURE__ */ Symbol('forwardAsOperators');
