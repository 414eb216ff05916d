/**
 * Looks at the nodes of a graph once: their rules and attributes, and that what they read is there.
 */
import { fileError, named, quoted, unsupported } from '../errors.ts';
import type { DecodedModel } from '../file/decode.ts';
import type { AttributeProto, FunctionProto, GraphProto, NodeProto, TensorProto } from '../proto/onnx.ts';
import type { PreparedGraph, PreparedNode, Result, Rule } from './call.ts';
import { readNames } from './cut.ts';
import { hostRules } from './host.ts';
import { rules } from './rules.ts';
import type { Value } from './value.ts';

/** What becomes of tensors that lie in the file. */
export type Store = (proto: TensorProto, name: string, usage: Usage) => () => Value;

/**
 * What reads a tensor: weights train, statistics move, and what decides shapes stays known. A single number trains as a parameter: where
 * a layer's weight or bias is read, or where the file says so.
 */
export type Usage = 'weight' | 'parameter' | 'statistic' | 'known';

/** A model to be looked at. */
export interface ModelToPrepare {
  readonly model: DecodedModel;
  readonly store: Store;
  /** Begins messages. */
  readonly operation: string;
}

interface Preparation extends ModelToPrepare {
  /** Operators that are not there, each once. */
  readonly missing: Set<string>;
  /** Functions that the file defines. */
  readonly functions: ReadonlyMap<string, FunctionProto>;
  /** Tensors of the file that have been stored: a function that is called twice holds its constants once. */
  readonly shared: Map<AttributeProto | TensorProto, () => Value>;
  /** Nodes and names that have been looked at. */
  parts: number;
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

/** Inputs that are weights of a layer, also where they are one number. */
const layerInputs: { readonly [operator: string]: readonly number[] } = {
  Conv: [1, 2],
  ConvTranspose: [1, 2],
  Gemm: [1, 2],
  BatchNormalization: [1, 2],
  InstanceNormalization: [1, 2],
  LayerNormalization: [1, 2],
  GroupNormalization: [1, 2],
  PRelu: [1],
  RNN: [1, 2, 3],
  GRU: [1, 2, 3],
  LSTM: [1, 2, 3],
};

/** What `exportOnnx` writes behind a tensor of a module, by which it comes back as what it was. */
export const tensorKinds: { readonly [docString: string]: Usage } = {
  parameter: 'parameter',
  buffer: 'statistic',
};

/** Deeper nesting of graphs and functions is a file that was made to break readers. */
const deepest = 64;

/** More nodes and names, those of functions at each call: functions that call each other twice make billions of a few. */
const mostParts = 2 ** 20;

/** Missing operators that a message names. */
const mostNamed = 50;

/** Oldest and newest versions of ONNX's own operators that the rules know. */
const [oldest, newest] = [6, 28];

/** @throws Error for a graph that cannot be run, naming the node */
export function prepare(given: ModelToPrepare): PreparedGraph {
  const { model, operation } = given;
  const missing = new Set<string>();
  const functions = new Map(model.proto.functions.map((f) => [functionKey(f.domain, f.name, f.overload), f]));
  const preparation: Preparation = { ...given, missing, functions, shared: new Map(), parts: 0 };
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
    const one = missing.size === 1;
    const names = [...missing].sort().slice(0, mostNamed).map(named).join(', ');
    throw unsupported(
      `${operation}: the model uses ${one ? 'an operator' : `${missing.size} operators`} that ${one ? 'is' : 'are'} not supported: ${names}${missing.size > mostNamed ? ', …' : ''}`,
    );
  }
  return graph;
}

function functionKey(domain: string, name: string, overload: string): string {
  return `${ownDomain(domain)}\n${name}\n${overload}`;
}

const ownDomain = (domain: string): string => (domain === 'ai.onnx' ? '' : domain);

/** Counts what is looked at. @throws Error where that never ends */
function count(preparation: Preparation, parts: number): void {
  preparation.parts += parts;
  if (preparation.parts > mostParts)
    throw fileError(
      `${preparation.operation}: with its functions the model has more than ${mostParts} parts`,
    );
}

/** Stores a tensor the first time that it is met. */
function storedOnce(
  { shared }: Preparation,
  key: AttributeProto | TensorProto,
  store: () => () => Value,
): () => Value {
  const before = shared.get(key);
  if (before) return before;
  const value = store();
  shared.set(key, value);
  return value;
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
    const { name } = tensor;
    if (name === '') throw fileError(`${operation}: a weight has no name`);
    if (stored.has(name)) throw fileError(`${operation}: there are two weights ${quoted(name)}`);
    stored.set(
      name,
      storedOnce(preparation, tensor, () => store(tensor, context.path + name, usages.get(name) ?? 'weight')),
    );
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
  count(preparation, protos.length + known.size + outputs.length);
  const nodes: PreparedNode[] = [];
  const there = (name: string): boolean => known.has(name) || context.around(name);
  protos.forEach((proto, i) => {
    const where = `${operation}: node ${proto.name === '' ? i : quoted(proto.name)} (${named(proto.opType)})`;
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

/** How the tensors of a graph are used: as weights, unless a node says otherwise. */
function usagesOf(graph: GraphProto): Map<string, Usage> {
  const usages = new Map<string, Usage>();
  const own = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  for (const { opType, input } of graph.node) {
    for (const i of Object.hasOwn(layerInputs, opType) ? layerInputs[opType] : [])
      if ((own.get(input[i])?.dims.length ?? 0) > 0) usages.set(input[i], 'parameter');
  }
  for (const { name, docString } of graph.initializer) {
    if (Object.hasOwn(tensorKinds, docString)) usages.set(name, tensorKinds[docString]);
  }
  for (const { opType, input } of graph.node) {
    for (const i of Object.hasOwn(knownInputs, opType) ? knownInputs[opType] : [])
      usages.set(input[i], 'known');
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
  const { operation, functions, missing, store } = preparation;
  const attributes = new Map<string, AttributeProto>();
  for (const attribute of proto.attribute) {
    const given = attribute.refAttrName === '' ? attribute : context.references?.get(attribute.refAttrName);
    if (given) attributes.set(attribute.name, given);
  }
  const path = `${context.path}${proto.name || proto.output[0] || proto.opType}/`;
  const prepared = new Map<GraphProto, PreparedGraph>();
  for (const { g, graphs } of attributes.values()) {
    for (const graph of g ? [g, ...graphs] : graphs) {
      const inner = { ...context, path, depth: context.depth + 1 };
      prepared.set(graph, prepareGraph(preparation, graph, inner));
    }
  }
  const domain = ownDomain(proto.domain);
  const opset = context.opsets.get(domain);
  const common = { proto, attributes, where, graphs: prepared, opset: opset ?? newest };
  const own = functions.get(functionKey(domain, proto.opType, proto.overload));
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
    const make = () => store(constantTensor(attributes, where), name, usage);
    const [key] = attributes.values();
    const constant = key ? storedOnce(preparation, key, make) : make();
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
  count(preparation, proto.attributeProto.length + proto.opsetImport.length + context.opsets.size);
  const references = new Map(proto.attributeProto.map((attribute) => [attribute.name, attribute]));
  for (const [name, attribute] of attributes) references.set(name, attribute);
  const opsets = new Map(context.opsets);
  for (const { domain, version } of proto.opsetImport) opsets.set(ownDomain(domain), Number(version));
  const inner: Context = { path, around: () => false, references, opsets, depth: context.depth + 1 };
  const nodes = prepareNodes(preparation, proto.node, new Set(proto.input), proto.output, new Map(), inner);
  const graph = { nodes, stored: new Map(), inputs: proto.input, outputs: proto.output };
  return (call): Result => {
    const inputs = graph.inputs.map((_, i) => call.inputs[i] ?? null);
    return call.run.compute(graph, inputs, null);
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
