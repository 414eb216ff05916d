/**
 * `inspectOnnx`: what a file holds, without computing anything.
 */
import { quoted, wholeNumber } from './errors.ts';
import { decodeModel } from './file/decode.ts';
import { sizesOf, typeName } from './file/tensors.ts';
import type { AttributeProto, ValueInfoProto } from './proto/onnx.ts';

/** An input or output of a model. */
export interface OnnxValue {
  readonly name: string;
  /** The element type as ONNX calls it, in small letters with its bits: 'float32', 'int64'. Null where it is no tensor. */
  readonly type: string | null;
  /** Sizes, names of those that are open, null for unknown ones; null where not even their number is known. */
  readonly shape: readonly (number | string | null)[] | null;
}

/** A tensor that lies in the file. */
export interface OnnxTensor {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly number[];
  /** Number of elements. */
  readonly size: number;
  /** Whether its elements lie in another file. */
  readonly external: boolean;
}

/** An operator of the graph. */
export interface OnnxNode {
  readonly name: string;
  readonly operator: string;
  /** '' for ONNX's own operators. */
  readonly domain: string;
  /** Names of values; '' for an optional one that is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Numbers, texts and lists of these; tensors and graphs as `'[tensor]'`, `'[graph]'`. */
  readonly attributes: { readonly [name: string]: number | string | readonly (number | string)[] };
}

/** What `inspectOnnx` says of a file. */
export interface OnnxSummary {
  readonly irVersion: number;
  readonly producer: string;
  /** Versions of the sets of operators, '' being ONNX's own. */
  readonly opsets: { readonly [domain: string]: number };
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly tensors: readonly OnnxTensor[];
  readonly nodes: readonly OnnxNode[];
  /** How often each operator stands in the graph. */
  readonly operators: { readonly [operator: string]: number };
  /** Elements of all tensors in the file. */
  readonly parameters: number;
  readonly metadata: { readonly [key: string]: string };
}

/**
 * Inputs, outputs, weights and operators of an ONNX file. Weights are not read, so it takes no memory for them and
 * needs no external files.
 *
 * ```ts
 * const { inputs, operators, parameters } = inspectOnnx(bytes);
 * ```
 *
 * @throws Error for bytes that are no ONNX model
 */
export function inspectOnnx(bytes: Uint8Array): OnnxSummary {
  const { proto, graph, opsets } = decodeModel('inspectOnnx', bytes);
  const tensors = graph.initializer.map((tensor): OnnxTensor => {
    const shape = sizesOf(tensor.dims, `inspectOnnx: tensor ${quoted(tensor.name)}`);
    return {
      name: tensor.name,
      type: typeName(tensor.dataType),
      shape,
      size: shape.reduce((product, size) => product * size, 1),
      external: tensor.dataLocation === 1,
    };
  });
  const stored = new Set(tensors.map(({ name }) => name));
  const operators = new Map<string, number>();
  for (const node of graph.node) {
    const name =
      node.domain === '' || node.domain === 'ai.onnx' ? node.opType : `${node.domain}.${node.opType}`;
    operators.set(name, (operators.get(name) ?? 0) + 1);
  }
  return {
    irVersion: wholeNumber(proto.irVersion, 'inspectOnnx: the version of the format'),
    producer: [proto.producerName, proto.producerVersion].filter(Boolean).join(' '),
    opsets: Object.fromEntries(opsets),
    inputs: graph.input.filter(({ name }) => !stored.has(name)).map(describeValueInfo),
    outputs: graph.output.map(describeValueInfo),
    tensors,
    nodes: graph.node.map((node) => ({
      name: node.name,
      operator: node.opType,
      domain: node.domain === 'ai.onnx' ? '' : node.domain,
      inputs: node.input,
      outputs: node.output,
      attributes: Object.fromEntries(node.attribute.map((attribute) => [attribute.name, shown(attribute)])),
    })),
    operators: Object.fromEntries([...operators].sort(([a], [b]) => (a < b ? -1 : 1))),
    parameters: tensors.reduce((sum, { size }) => sum + size, 0),
    metadata: Object.fromEntries(proto.metadataProps.map(({ key, value }) => [key, value])),
  };
}

/** Type and shape of an input or output. */
export function describeValueInfo({ name, type }: ValueInfoProto): OnnxValue {
  const tensor = type?.value.case === 'tensorType' ? type.value.value : null;
  const shape = tensor?.shape?.dim.map(({ value }) =>
    // Old exporters write −1 for sizes that are not known.
    value.case === 'dimValue' && value.value >= 0n
      ? wholeNumber(value.value, `the size of ${quoted(name)}`)
      : value.case === 'dimParam' && value.value !== ''
        ? value.value
        : null,
  );
  return { name, type: tensor ? typeName(tensor.elemType) : null, shape: shape ?? null };
}

function shown(attribute: AttributeProto): number | string | readonly (number | string)[] {
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  switch (attribute.type) {
    case 1:
      return attribute.f;
    case 2:
      return Number(attribute.i);
    case 3:
      return text(attribute.s);
    case 6:
      return attribute.floats;
    case 7:
      return attribute.ints.map(Number);
    case 8:
      return attribute.strings.map(text);
    case 5:
    case 10:
      return '[graph]';
    default:
      return '[tensor]';
  }
}
