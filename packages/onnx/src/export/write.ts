/**
 * Writes the graph of a forward pass as an ONNX file.
 */
import { type AnyModule, architectureOf, Module } from '@ag/nn';
import { type AnyOp, Tensor, type Variable } from '@ag/tensor';
import {
  checkInteger,
  checkTensor,
  describeValue,
  isOpen,
  openSizeName,
  typeError,
  valueError,
} from '@ag/tensor/engine';
import { encodeModel, graphOf, valueInfoOf } from '../file/encode.ts';
import { type OperatorOutput, operatorOutput } from '../operator.ts';
import type { NodeProto, TensorProto } from '../proto/onnx.ts';
import { folded } from './fold.ts';
import { writeMap } from './mapForm.ts';
import { architectureKey, type ExportOnnxOptions } from './options.ts';
import { recurrentLayer, writeRecurrent } from './recurrent.ts';
import { isTransparent, rulesOf } from './rules.ts';
import { inOrder, takeGraph } from './take.ts';
import { type ExportRule, Writer } from './writer.ts';

/** See `exportOnnx`, which has looked at the names of the options. */
export async function writeOnnx(model: AnyModule, options: ExportOnnxOptions): Promise<Uint8Array> {
  if (!(model instanceof Module))
    throw typeError(`exportOnnx: expected a module of @ag/nn, got ${describeValue(model)}`);
  const { inputs, opset = 18, metadata = {}, fold = false } = options;
  checkInteger(opset, 'exportOnnx', 'opset', 17, 21);
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value !== 'string') {
      throw typeError(`exportOnnx: metadata '${key}' must be a text, got ${describeValue(value)}`);
    }
  }
  if (typeof inputs !== 'object' || inputs === null) {
    throw typeError(
      `exportOnnx: inputs must be an object of placeholders by name, got ${describeValue(inputs)}`,
    );
  }
  const given = Object.entries(inputs);
  for (const [name, x] of given) checkTensor(x, 'exportOnnx', `input '${name}'`, 'a placeholder');
  const graph = takeGraph(
    model,
    given.map(([, x]) => x),
    opset,
  );
  const outputs = namedOutputs(graph.outputs, options.outputs, Object.keys(inputs));
  const variables = new Map<Variable, string>();
  const taken = new Set([...Object.keys(inputs), ...outputs.keys()]);
  const buffers = new Set(model.namedBuffers().values());
  for (const named of [model.namedParameters(), model.namedBuffers()]) {
    for (const [name, variable] of named) {
      if (taken.has(name))
        throw valueError(
          `exportOnnx: '${name}' is a weight too; a file needs another name for the input or output`,
        );
      variables.set(variable, name);
    }
  }

  const own = rulesOf(writeForm);
  const writer = new Writer(opset, [...taken, ...variables.values()], (tensors) => writeAll(tensors));
  for (const [name, x] of given) writer.names.set(x, name);
  writer.open = given.map(([, x]) => x);
  /** What lies in the file, by name. */
  const stored = new Map<string, Tensor>();

  function keepInstead(x: Tensor, instead: Tensor | null, otherwise: string): string {
    const free = instead !== null && writer.uses.get(instead) === 1;
    const name = free ? writer.name(instead) : writer.own(otherwise);
    stored.set(name, x);
    return name;
  }

  function writeForm(_: Writer, node: Tensor): string {
    const { lower } = node.op!;
    if (lower.form === 'map') return writeMap(writer, node);
    if (isTransparent(node.op!)) return writer.name(node.inputs[0]);
    if (lower.form !== 'expand')
      throw writer.refuse(node, 'ONNX has no operator for it, or none that is known here');
    return writer.written(lower.of(node.inputs, node.attributes));
  }

  function writeAll(roots: readonly Tensor[]): void {
    const order = inOrder(roots, writer.names);
    for (const x of [...roots, ...order.flatMap((node) => node.inputs)]) {
      writer.uses.set(x, (writer.uses.get(x) ?? 0) + 1);
    }
    for (const node of order) {
      writer.path = graph.paths.get(node) ?? writer.path;
      const name = node.op === null ? leafName(node) : ruleFor(node.op)(writer, node);
      writer.names.set(node, name);
    }
  }

  function ruleFor(op: AnyOp): ExportRule {
    if (op === recurrentLayer) return writeRecurrent;
    if (op === operatorOutput) return writeOperator;
    return options.rules?.get(op) ?? own.get(op) ?? writeForm;
  }

  function writeOperator(_: Writer, node: Tensor): string {
    const whole = fold ? folded(writer, node, keepInstead) : null;
    return whole ?? writer.operator(node.attributes as OperatorOutput, node.inputs);
  }

  function leafName(x: Tensor): string {
    const leaf = x.leaf!;
    if (leaf.kind === 'literal') return writer.number(leaf.read ? leaf.read() : leaf.value, x.dtype);
    if (leaf.kind === 'placeholder') {
      throw typeError(
        `exportOnnx: the graph reads placeholder '${leaf.name}', which is not among the inputs`,
      );
    }
    // Whole numbers say where something lies; equal ones are stored once.
    if (leaf.kind === 'host' && !x.dtype.startsWith('float') && x.size <= 64)
      return writer.constant({ type: x.dtype, shape: x.shape, data: leaf.data });
    const name = (leaf.kind === 'variable' && variables.get(leaf.variable)) || writer.fresh('value');
    stored.set(name, x);
    return name;
  }

  writeAll([...outputs.values()]);
  // An output has a name of its own, also where it is an input or a weight.
  writer.path = '';
  for (const [name, x] of outputs) writer.addNamed('Identity', [writer.name(x)], name);
  const nodes = neededNodes(writer.nodes, [...outputs.keys()]);
  const kinds = new Map(
    [...variables].map(([variable, name]) => [name, buffers.has(variable) ? 'buffer' : 'parameter']),
  );
  await Promise.all(
    [...stored].map(async ([name, x]) => {
      writer.store(name, { type: x.dtype, shape: x.shape, data: await x.data() }, kinds.get(name));
    }),
  );
  const info = (name: string, x: Tensor) =>
    valueInfoOf(
      name,
      x.dtype,
      x.shape.map((size) => (isOpen(size) ? openSizeName(size) : size)),
    );
  const tensors = readTensors(writer, nodes);
  // A weight that nothing reads is not in the file, and without it the layers could not be made again.
  const written = new Set(tensors.map(({ name }) => name));
  const architecture = [...variables.values()].every((name) => written.has(name))
    ? architectureOf(model)
    : null;
  return encodeModel({
    opset,
    metadata: { ...metadata, ...(architecture !== null && { [architectureKey]: architecture }) },
    graph: graphOf({
      name: 'forward',
      nodes,
      tensors,
      inputs: given.map(([name, x]) => info(name, x)),
      outputs: [...outputs].map(([name, x]) => info(name, x)),
    }),
  });
}

/** Nodes that an output needs: what became part of another node is needed no more. */
function neededNodes(nodes: readonly NodeProto[], outputs: readonly string[]): NodeProto[] {
  const needed = new Set(outputs);
  const found: NodeProto[] = [];
  for (const node of nodes.toReversed()) {
    if (!node.output.some((name) => needed.has(name))) continue;
    for (const name of node.input) needed.add(name);
    found.push(node);
  }
  return found.reverse();
}

/** Tensors that a node reads: starts of slices and the like have become parts of other constants. */
function readTensors(writer: Writer, nodes: readonly NodeProto[]): TensorProto[] {
  const read = new Set(nodes.flatMap(({ input }) => input));
  return [...writer.tensors].flatMap(([name, tensor]) => (read.has(name) ? [tensor] : []));
}

function namedOutputs(
  given: unknown,
  names: readonly string[] | undefined,
  inputs: readonly string[],
): Map<string, Tensor> {
  const list: readonly (readonly [string, unknown])[] =
    given instanceof Tensor
      ? [[names?.[0] ?? 'output', given]]
      : Array.isArray(given)
        ? given.map((x, i) => [names?.[i] ?? `output_${i}`, x] as const)
        : Object.entries((given ?? {}) as object).map(([key, x], i) => [names?.[i] ?? key, x] as const);
  const outputs = new Map<string, Tensor>();
  if (names && names.length !== list.length)
    throw valueError(`exportOnnx: outputs has ${names.length} names, forward gives ${list.length}`);
  for (const [name, x] of list) {
    if (outputs.has(name) || inputs.includes(name))
      throw valueError(`exportOnnx: '${name}' names two inputs or outputs`);
    outputs.set(name, checkTensor(x, 'exportOnnx', `what forward gives as '${name}'`));
  }
  if (outputs.size === 0)
    throw typeError(`exportOnnx: forward gives no tensors, but ${describeValue(given)}`);
  return outputs;
}
