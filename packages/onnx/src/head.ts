/**
 * `replaceHead`: a new last layer for an imported network, for classes of one's own.
 */
import { Linear } from '@ag/nn';
import { type Tensor, Variable } from '@ag/tensor';
import { checkInteger, describeValue, typeError } from '@ag/tensor/engine';
import { named, unsupported } from './errors.ts';
import type { PreparedGraph, PreparedNode } from './import/call.ts';
import { OnnxModel } from './import/model.ts';
import { Value } from './import/value.ts';

/** What was replaced. */
export interface ReplacedHead {
  /** The operator of the layer, such as `Gemm`. */
  readonly operator: string;
  /** The names of its weight and its bias, as before. */
  readonly names: readonly string[];
  /** How many outputs it had. */
  readonly before: number;
  /** Operators behind it that are passed over now: a softmax, since losses take logits. */
  readonly passedOver: readonly string[];
}

/** Between the last layer and the output; they take any number of classes. */
const between = new Set(
  'Identity Flatten Reshape Squeeze Unsqueeze Dropout Relu Clip GlobalAveragePool AveragePool ReduceMean Cast'.split(
    ' ',
  ),
);

/** What makes probabilities of logits. */
const probabilities = new Set(['Softmax', 'LogSoftmax', 'Sigmoid']);

/** A weight, and where it is kept. */
interface Held {
  readonly variable: Variable;
  /** The name of the value in the graph. */
  readonly at: string;
  /** The constant that holds it, if one does. */
  readonly node: PreparedNode | null;
  /** Whether it is used with its axes the other way round. */
  readonly transposed: boolean;
}

/**
 * Gives an imported network a new last layer with `outputs` outputs: the last `Gemm`, `MatMul` or `Conv` before the first
 * output of the model, with its bias, initialized as `linear` does. The weights keep their names. A softmax or sigmoid behind
 * it is passed over, so that the network gives logits.
 *
 * ```ts
 * const model = loadOnnx(bytes).train();
 * replaceHead(model, 3);
 * ```
 *
 * @throws Error where the network does not end in such a layer, or where its weight is used elsewhere too
 */
export function replaceHead(model: OnnxModel, outputs: number): ReplacedHead {
  const operation = 'replaceHead';
  if (!(model instanceof OnnxModel))
    throw typeError(`${operation}: expected a model of loadOnnx, got ${describeValue(model)}`);
  checkInteger(outputs, operation, 'outputs', 1);
  const { graph } = model;
  const makers = new Map<string, PreparedNode>();
  for (const node of graph.nodes) for (const name of node.proto.output) makers.set(name, node);
  const passedOver: PreparedNode[] = [];
  let added: Held | null = null;
  let name = graph.outputs[0];
  for (;;) {
    const node = makers.get(name);
    if (!node) throw unsupported(`${operation}: the output is no result of a layer with weights`);
    const { opType: operator, input } = node.proto;
    if (operator === 'Gemm' || operator === 'MatMul' || operator === 'Conv') break;
    if (probabilities.has(operator)) passedOver.push(node);
    else if (operator === 'Add' && added === null) {
      const [first, second] = input.map((one) => heldBy(graph, makers, one));
      added = second ?? first;
      if (!added || (first && second)) throw refusal(operation, node);
      name = second ? input[0] : input[1];
      continue;
    } else if (!between.has(operator)) throw refusal(operation, node);
    name = input[0];
  }
  const node = makers.get(name)!;
  const { opType: operator, input } = node.proto;
  const weight = heldBy(graph, makers, input[1]);
  const own = input[2] ? heldBy(graph, makers, input[2]) : null;
  if (!weight || (input[2] && !own)) throw refusal(operation, node);
  const shape = weight.transposed ? weight.variable.shape.toReversed() : weight.variable.shape;
  const outFirst =
    operator === 'Conv' || (operator === 'Gemm' && Number(node.attributes.get('transB')?.i ?? 0) !== 0);
  if (operator !== 'Conv' && shape.length !== 2) throw refusal(operation, node);
  const before = outFirst ? shape[0] : shape[1];
  const fanIn = outFirst ? shape.slice(1).reduce((product, size) => product * size, 1) : shape[0];
  const fresh = new Linear(fanIn, outputs, { dtype: weight.variable.dtype });
  const sameWay = operator === 'Conv' || outFirst !== weight.transposed;
  const value = sameWay ? fresh.weight.value : fresh.weight.value.transpose();
  const parts: [Held, Variable][] = [
    [weight, newVariable(weight, operator === 'Conv' ? value.reshape([outputs, ...shape.slice(1)]) : value)],
  ];
  for (const bias of [own, added]) {
    if (!bias) continue;
    // A bias may have axes of size 1 beside its own.
    const sizes = bias.variable.shape.map((size) => (size === before ? outputs : size));
    if (!fresh.bias || sizes.reduce((product, size) => product * size, 1) !== outputs)
      throw refusal(operation, node);
    parts.push([bias, newVariable(bias, fresh.bias.value.reshape(sizes))]);
  }
  for (const [{ at }] of parts) {
    const uses = graph.nodes.filter((other) => other.proto.input.includes(at)).length;
    if (uses > 1)
      throw unsupported(
        `${operation}: the weight ${named(at)} of the last layer is used ${uses} times, and would be lost elsewhere`,
      );
  }
  const names = parts.map(([held, variable]) => model.exchange(held.variable, variable));
  model.graph = changed(graph, new Set(passedOver), parts);
  return { operator, names, before, passedOver: passedOver.map(({ proto }) => proto.opType) };
}

function newVariable({ variable }: Held, value: Tensor): Variable {
  return new Variable(value, { name: variable.name });
}

/** The weight that a value is, itself or turned. */
function heldBy(graph: PreparedGraph, makers: ReadonlyMap<string, PreparedNode>, start: string): Held | null {
  let transposed = false;
  for (let name = start; ; ) {
    const stored = graph.stored.get(name)?.().variable;
    if (stored) return { variable: stored, at: name, node: null, transposed };
    const node = makers.get(name);
    if (!node) return null;
    if (node.constant) {
      const { variable } = node.constant();
      return variable && { variable, at: name, node, transposed };
    }
    const { opType, input } = node.proto;
    const perm = node.attributes.get('perm')?.ints.map(Number) ?? [1, 0];
    if (opType === 'Transpose' && perm.join() === '1,0') transposed = !transposed;
    else if (opType !== 'Identity') return null;
    name = input[0];
  }
}

function changed(
  graph: PreparedGraph,
  passedOver: ReadonlySet<PreparedNode>,
  parts: readonly (readonly [Held, Variable])[],
): PreparedGraph {
  const stored = new Map(graph.stored);
  const constants = new Map<PreparedNode, () => Value>();
  for (const [{ at, node }, variable] of parts) {
    const read = (): Value => new Value(variable.value, null, variable);
    if (node) constants.set(node, read);
    else stored.set(at, read);
  }
  const nodes = graph.nodes.map((node) => {
    const constant = constants.get(node);
    if (constant) return { ...node, constant };
    return passedOver.has(node)
      ? { ...node, rule: (call: Parameters<PreparedNode['rule']>[0]) => call.value(0), host: null }
      : node;
  });
  return { ...graph, stored, nodes };
}

function refusal(operation: string, { proto, where }: PreparedNode): Error {
  return unsupported(
    `${operation}: the network does not end in a layer whose weights are its own: ${where.replace(/^loadOnnx: /, '')} gives or changes ${named(proto.output[0] ?? '')}`,
  );
}
