/**
 * Looks at the nodes of a graph once: their rules and attributes, and that what they read is there.
 */
import { fileError, quoted, unsupported } from '../errors.ts';
import type { DecodedModel } from '../file/decode.ts';
import type { AttributeProto, FunctionProto, GraphProto, NodeProto, TensorProto } from '../proto/onnx.ts';
import type { Call, PreparedNode, Result, Rule } from './call.ts';
import { hostRules } from './host.ts';
import { rules } from './rules.ts';
import type { Value } from './value.ts';

/** A graph that can be run. */
export interface PreparedGraph {
  readonly nodes: readonly PreparedNode[];
  /** Values that lie in the file, by name. */
  readonly stored: ReadonlyMap<string, () => Value>;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/** Runs a prepared graph with values for its inputs; what it does not find there is looked for in `scope`. */
export type RunGraph = (
  graph: PreparedGraph,
  inputs: readonly (Value | null)[],
  call: Call,
  closed: boolean,
) => Value[];

/** What becomes of tensors that lie in the file. */
export type Store = (proto: TensorProto, name: string, usage: Usage) => () => Value;

/** What reads a tensor: weights train, statistics move, and what decides shapes stays known. */
export type Usage = 'weight' | 'statistic' | 'known';

export interface Preparation {
  readonly model: DecodedModel;
  readonly store: Store;
  readonly run: RunGraph;
  /** Begins messages. */
  readonly operation: string;
  /** Operators that are not there, each once. */
  readonly missing: Set<string>;
  /** Graphs that are attributes. */
  readonly subgraphs: Map<GraphProto, PreparedGraph>;
}

/** Attributes of the node that calls a function, which its nodes refer to. */
type References = ReadonlyMap<string, AttributeProto> | null;

/** Inputs that are read on the host: what stands there is no weight. */
const knownInputs: { readonly [operator: string]: readonly number[] } = {
  Resize: [1, 2, 3],
  Upsample: [1],
  Pad: [1, 2, 3],
  Clip: [1, 2],
  Range: [0, 1, 2],
  OneHot: [1, 2],
  Dropout: [1, 2],
  RoiAlign: [1],
};

/** Deeper nesting of graphs and functions is a file that was made to break readers. */
const deepest = 64;

/** Oldest and newest versions of ONNX's own operators that the rules know. */
const [oldest, newest] = [6, 28];

/** @throws Error for a graph that cannot be run, naming the node */
export function prepare(preparation: Preparation): PreparedGraph {
  const { model, operation, missing } = preparation;
  const version = model.opsets.get('');
  if (version !== undefined && (version < oldest || version > newest)) {
    throw unsupported(
      `${operation}: the model uses version ${version} of ONNX's operators; versions ${oldest} to ${newest} are supported` +
        (version < oldest ? ', and onnx.version_converter brings a model there' : ''),
    );
  }
  const graph = prepareGraph(preparation, model.graph, {
    path: '',
    around: () => false,
    references: null,
    opsets: model.opsets,
    depth: 0,
  });
  if (missing.size > 0) {
    throw unsupported(
      `${operation}: the model uses ${missing.size === 1 ? 'an operator' : `${missing.size} operators`} that ${missing.size === 1 ? 'is' : 'are'} not supported: ${[...missing].sort().join(', ')}`,
    );
  }
  return graph;
}

interface Context {
  readonly path: string;
  readonly around: (name: string) => boolean;
  readonly references: References;
  readonly opsets: ReadonlyMap<string, number>;
  readonly depth: number;
}

function prepareGraph(preparation: Preparation, graph: GraphProto, context: Context): PreparedGraph {
  const { operation, store } = preparation;
  if (context.depth > deepest)
    throw fileError(`${operation}: graphs lie more than ${deepest} deep in each other`);
  if (graph.sparseInitializer.length > 0) throw unsupported(`${operation}: sparse weights are not supported`);
  const usages = usagesOf(graph);
  const stored = new Map<string, () => Value>();
  for (const tensor of graph.initializer) {
    if (tensor.name === '') throw fileError(`${operation}: a weight has no name`);
    stored.set(tensor.name, store(tensor, context.path + tensor.name, usages.get(tensor.name) ?? 'weight'));
  }
  const inputs = graph.input.map(({ name }) => name);
  const outputs = graph.output.map(({ name }) => name);
  const nodes = prepareNodes(
    preparation,
    graph.node,
    new Set([...inputs, ...stored.keys()]),
    outputs,
    usages,
    context,
  );
  return { nodes, stored, inputs, outputs };
}

function prepareNodes(
  preparation: Preparation,
  protos: readonly NodeProto[],
  known: Set<string>,
  outputs: readonly string[],
  usages: ReadonlyMap<string, Usage>,
  context: Context,
): PreparedNode[] {
  const { operation } = preparation;
  const nodes: PreparedNode[] = [];
  const there = (name: string): boolean => known.has(name) || context.around(name);
  protos.forEach((proto, i) => {
    const where = `${operation}: node ${proto.name === '' ? i : quoted(proto.name)} (${proto.opType})`;
    for (const name of proto.input) {
      if (name !== '' && !there(name)) {
        throw fileError(
          `${where}: its input ${quoted(name)} is not there before it; the graph is not sorted, or has a circle`,
        );
      }
    }
    nodes.push(prepareNode(preparation, proto, where, usages, { ...context, around: there }));
    for (const name of proto.output) known.add(name);
  });
  for (const name of outputs) {
    if (!there(name)) throw fileError(`${operation}: nothing gives the output ${quoted(name)}`);
  }
  return neededNodes(nodes, outputs);
}

/** Nodes that an output depends on, by themselves or from within a graph. */
function neededNodes(nodes: readonly PreparedNode[], outputs: readonly string[]): PreparedNode[] {
  const needed = new Set(outputs);
  const found: PreparedNode[] = [];
  for (const node of nodes.toReversed()) {
    if (!node.proto.output.some((name) => name !== '' && needed.has(name))) continue;
    found.push(node);
    readNames(node.proto, needed);
  }
  return found.reverse();
}

function readNames(proto: NodeProto, into: Set<string>): void {
  for (const name of proto.input) into.add(name);
  for (const attribute of proto.attribute) {
    for (const graph of attribute.g ? [attribute.g, ...attribute.graphs] : attribute.graphs) {
      for (const { name } of graph.output) into.add(name);
      for (const node of graph.node) readNames(node, into);
    }
  }
}

/** How the tensors of a graph are used: as weights, unless a node says otherwise. */
function usagesOf(graph: GraphProto): Map<string, Usage> {
  const usages = new Map<string, Usage>();
  for (const { opType, input } of graph.node) {
    for (const i of knownInputs[opType] ?? []) usages.set(input[i], 'known');
    if (opType === 'BatchNormalization') for (const i of [3, 4]) usages.set(input[i], 'statistic');
  }
  return usages;
}

function prepareNode(
  preparation: Preparation,
  proto: NodeProto,
  where: string,
  usages: ReadonlyMap<string, Usage>,
  context: Context,
): PreparedNode {
  const { model, operation, missing, store } = preparation;
  const attributes = new Map<string, AttributeProto>();
  for (const attribute of proto.attribute) {
    const given = attribute.refAttrName === '' ? attribute : context.references?.get(attribute.refAttrName);
    if (given) attributes.set(attribute.name, given);
  }
  const path = `${context.path}${proto.name || proto.output[0] || proto.opType}/`;
  for (const { g, graphs } of attributes.values()) {
    for (const graph of g ? [g, ...graphs] : graphs) {
      const inner = { ...context, path, depth: context.depth + 1 };
      preparation.subgraphs.set(graph, prepareGraph(preparation, graph, inner));
    }
  }
  const domain = proto.domain === 'ai.onnx' ? '' : proto.domain;
  const opset = context.opsets.get(domain);
  const common = { proto, attributes, where, path, opset: opset ?? newest };
  const own = model.proto.functions.find(
    (f) => f.name === proto.opType && (f.domain === 'ai.onnx' ? '' : f.domain) === domain,
  );
  if (own)
    return {
      ...common,
      rule: functionRule(preparation, own, attributes, path, context),
      host: null,
      constant: null,
    };
  if (domain === '' && proto.opType === 'Constant') {
    const usage = usages.get(proto.output[0]) ?? 'weight';
    const name = context.path + (proto.output[0] ?? '');
    const constant = store(constantTensor(attributes, where), name, usage);
    return { ...common, rule: () => [], host: null, constant };
  }
  if (domain === '' && opset === undefined)
    throw fileError(`${operation}: the file does not say its version of operators`);
  const rule = domain === '' && Object.hasOwn(rules, proto.opType) ? rules[proto.opType] : null;
  if (!rule) missing.add(domain === '' ? proto.opType : `${domain}.${proto.opType}`);
  return {
    ...common,
    rule: rule ?? (() => []),
    host: domain === '' && Object.hasOwn(hostRules, proto.opType) ? hostRules[proto.opType] : null,
    constant: null,
  };
}

/** A function that the file defines: its nodes in a scope of their own. */
function functionRule(
  preparation: Preparation,
  proto: FunctionProto,
  attributes: ReadonlyMap<string, AttributeProto>,
  path: string,
  context: Context,
): Rule {
  const { operation } = preparation;
  if (context.depth > deepest)
    throw fileError(`${operation}: the function ${quoted(proto.name)} calls itself`);
  const references = new Map(proto.attributeProto.map((attribute) => [attribute.name, attribute]));
  for (const [name, attribute] of attributes) references.set(name, attribute);
  const opsets = new Map(context.opsets);
  for (const { domain, version } of proto.opsetImport)
    opsets.set(domain === 'ai.onnx' ? '' : domain, Number(version));
  const inner: Context = { path, around: () => false, references, opsets, depth: context.depth + 1 };
  const nodes = prepareNodes(preparation, proto.node, new Set(proto.input), proto.output, new Map(), inner);
  const graph = { nodes, stored: new Map(), inputs: proto.input, outputs: proto.output };
  return (call): Result => {
    const inputs = graph.inputs.map((_, i) => call.inputs[i] ?? null);
    return preparation.run(graph, inputs, call, true);
  };
}

/** What a `Constant` holds, in whichever attribute it stands. */
function constantTensor(attributes: ReadonlyMap<string, AttributeProto>, where: string): TensorProto {
  const tensor = attributes.get('value')?.t;
  if (tensor) return tensor;
  const [[name, attribute] = []] = attributes;
  const base = {
    name: '',
    dims: [],
    segment: undefined,
    dataLocation: 0,
    rawData: new Uint8Array(0),
    externalData: [],
  };
  const list = (dataType: number, field: string, values: readonly unknown[], dims: bigint[]): TensorProto =>
    ({ ...base, dataType, dims, [field]: values }) as unknown as TensorProto;
  if (attribute) {
    if (name === 'value_float') return list(1, 'floatData', [attribute.f], []);
    if (name === 'value_int') return list(7, 'int64Data', [attribute.i], []);
    if (name === 'value_floats')
      return list(1, 'floatData', attribute.floats, [BigInt(attribute.floats.length)]);
    if (name === 'value_ints') return list(7, 'int64Data', attribute.ints, [BigInt(attribute.ints.length)]);
  }
  throw unsupported(
    `${where}: ${name ? `a constant in ${quoted(name)}` : 'a constant without a value'} is not supported`,
  );
}
