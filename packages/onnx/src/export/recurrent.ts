/**
 * Recurrent layers as one node for each of their layers, instead of step by step.
 */
import { type Gru, type Lstm, Rnn } from '@ag/nn';
import { defineOp, type Tensor, type Variable } from '@ag/tensor';
import { unsupported } from '../errors.ts';
import type { Writer } from './writer.ts';

type Recurrent = Rnn | Lstm | Gru;

interface Layer {
  readonly module: Recurrent;
}

/** Stands for the whole module while its graph is taken down; operands are the sequence and all weights. */
export const recurrentLayer = /* @__PURE__ */ defineOp<Layer>({
  name: 'recurrent',
  type: ([x], { module }) => ({
    shape: [x.shape[0], x.shape[1], module.hidden * (module.bidirectional ? 2 : 1)],
    dtype: x.dtype,
  }),
  lower: {
    form: 'expand',
    of: () => {
      throw unsupported('exportOnnx: what was built for an export cannot be computed');
    },
  },
});

/** ONNX has the gates in another order: i o f c, z r h. */
const kinds = {
  lstm: { operator: 'LSTM', order: [0, 3, 1, 2], attributes: {} },
  gru: { operator: 'GRU', order: [1, 0, 2], attributes: { linear_before_reset: 1 } },
  rnn: { operator: 'RNN', order: [0], attributes: {} },
};

export function writeRecurrent(writer: Writer, node: Tensor): string {
  const { module } = node.attributes as Layer;
  const { operator, order, attributes } = kinds[module.layer as keyof typeof kinds];
  const names = new Map<Variable, string>();
  module.parameters().forEach((variable, i) => {
    names.set(variable, writer.name(node.inputs[1 + i]));
  });
  const turned = (variable: Variable): string => {
    const name = names.get(variable)!;
    if (order.length === 1) return name;
    const sizes = writer.ints(order.map(() => module.hidden));
    const parts = writer.addAll('Split', [name, sizes], order.length, { axis: 0 });
    return writer.add(
      'Concat',
      order.map((i) => parts[i]),
      { axis: 0 },
    );
  };
  const stacked = (of: readonly string[]): string => {
    const rows = of.map((name) => writer.add('Unsqueeze', [name, writer.ints([0])]));
    return rows.length === 1 ? rows[0] : writer.add('Concat', rows, { axis: 0 });
  };
  // Time comes first in ONNX.
  let sequence = writer.add('Transpose', [writer.name(node.inputs[0])], { perm: [1, 0, 2] });
  for (const directions of module.layers) {
    const inputs = [
      sequence,
      stacked(directions.map((weights) => turned(weights.inputWeight))),
      stacked(directions.map((weights) => turned(weights.hiddenWeight))),
    ];
    if (directions[0].inputBias) {
      const both = directions.map((weights) =>
        writer.add('Concat', [turned(weights.inputBias!), turned(weights.hiddenBias!)], { axis: 0 }),
      );
      inputs.push(stacked(both));
    }
    const activation = module instanceof Rnn && module.activation === 'relu' ? ['Relu'] : null;
    const output = writer.add(operator, inputs, {
      hidden_size: module.hidden,
      ...(module.bidirectional && { direction: 'bidirectional' }),
      ...attributes,
      ...(activation && { activations: directions.flatMap(() => activation) }),
    });
    // [time, directions, batch, hidden]
    const arranged = writer.add('Transpose', [output], { perm: [0, 2, 1, 3] });
    sequence = writer.add('Reshape', [arranged, writer.ints([0, 0, directions.length * module.hidden])]);
  }
  return writer.add('Transpose', [sequence], { perm: [1, 0, 2] });
}
