/**
 * A graph up to inner values: what only leads to other outputs is left out, weights too.
 */
import { valueError } from '@ag/tensor/engine';
import { create } from '@bufbuild/protobuf';
import { quoted } from '../errors.ts';
import { type GraphProto, type NodeProto, ValueInfoProtoSchema } from '../proto/onnx.ts';

/** @throws RangeError for a value that no node gives, with the last ones there are */
export function cutGraph(graph: GraphProto, outputs: readonly string[], operation: string): GraphProto {
  const known = new Map([...graph.output, ...graph.valueInfo].map((info) => [info.name, info]));
  const given = new Set(graph.node.flatMap(({ output }) => output));
  for (const name of outputs) {
    if (given.has(name) && name !== '') continue;
    const last = [...given].filter((one) => one !== '').slice(-12);
    throw valueError(
      `${operation}: no node gives ${quoted(name)}, which outputs asks for; the last values of the graph are ${last.map(quoted).join(', ')}`,
    );
  }
  const needed = new Set(outputs);
  const node = graph.node
    .toReversed()
    .filter((proto) => {
      const isNeeded = proto.output.some((name) => name !== '' && needed.has(name));
      if (isNeeded) readNames(proto, needed);
      return isNeeded;
    })
    .reverse();
  return {
    ...graph,
    node,
    initializer: graph.initializer.filter(({ name }) => needed.has(name)),
    output: outputs.map((name) => known.get(name) ?? create(ValueInfoProtoSchema, { name })),
  };
}

/** Names that a node reads, also from within its graphs. */
export function readNames(proto: NodeProto, into: Set<string>): void {
  for (const name of proto.input) into.add(name);
  for (const attribute of proto.attribute) {
    for (const graph of attribute.g ? [attribute.g, ...attribute.graphs] : attribute.graphs) {
      for (const { name } of graph.output) into.add(name);
      for (const node of graph.node) readNames(node, into);
    }
  }
}
