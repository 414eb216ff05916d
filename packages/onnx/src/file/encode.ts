/**
 * Messages of a file from plain data: what export writes, and tests.
 */
import type { DType, TypedArray } from '@ag/tensor';
import { create, toBinary } from '@bufbuild/protobuf';
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  type GraphProto,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from '../proto/onnx.ts';
import { type ElementType, elementTypes } from './tensors.ts';

/** A tensor to be written. */
export interface ArrayToWrite {
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

/** An attribute of plain data: whole numbers are ints; what has to be floats is wrapped, `{ float: 1 }`, `{ floats: [1] }`. */
export type PlainAttribute =
  | number
  | string
  | readonly number[]
  | readonly string[]
  | { readonly float: number }
  | { readonly floats: readonly number[] }
  | { readonly tensor: ArrayToWrite };

export type PlainAttributes = { readonly [name: string]: PlainAttribute };

export type AttributeValue = PlainAttribute | { readonly graph: GraphProto };

export type Attributes = { readonly [name: string]: AttributeValue };

/** A model to be written. */
export interface ModelToWrite {
  readonly opset: number;
  readonly graph: GraphProto;
  readonly metadata?: { readonly [key: string]: string };
}

/** The version of the format: 8 is read by every runtime since 2021. */
const irVersion = 8n;

export function encodeModel({ opset, graph, metadata = {} }: ModelToWrite): Uint8Array {
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion,
      producerName: 'ag',
      opsetImport: [{ domain: '', version: BigInt(opset) }],
      graph,
      metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
    }),
  );
}

export function graphOf(parts: {
  readonly name: string;
  readonly nodes: readonly NodeProto[];
  readonly tensors?: readonly TensorProto[];
  readonly inputs: readonly ValueInfoProto[];
  readonly outputs: readonly ValueInfoProto[];
  readonly docString?: string;
}): GraphProto {
  return create(GraphProtoSchema, {
    name: parts.name,
    docString: parts.docString ?? '',
    node: [...parts.nodes],
    initializer: [...(parts.tensors ?? [])],
    input: [...parts.inputs],
    output: [...parts.outputs],
  });
}

export function nodeOf(
  operator: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Attributes = {},
  name = '',
): NodeProto {
  return create(NodeProtoSchema, {
    opType: operator,
    name,
    input: [...inputs],
    output: [...outputs],
    attribute: Object.entries(attributes).map(([key, value]) => attributeOf(key, value)),
  });
}

function attributeOf(name: string, value: AttributeValue): AttributeProto {
  const text = (s: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(s);
  const make = (type: AttributeProto['type'], fields: object): AttributeProto =>
    create(AttributeProtoSchema, { name, type, ...fields });
  if (typeof value === 'number') return make(AttributeType.INT, { i: BigInt(value) });
  if (typeof value === 'string') return make(AttributeType.STRING, { s: text(value) });
  if (Array.isArray(value)) {
    if (typeof value[0] === 'string') return make(AttributeType.STRINGS, { strings: value.map(text) });
    return make(AttributeType.INTS, { ints: value.map((n) => BigInt(n)) });
  }
  if ('float' in value) return make(AttributeType.FLOAT, { f: value.float });
  if ('floats' in value) return make(AttributeType.FLOATS, { floats: [...value.floats] });
  if ('graph' in value) return make(AttributeType.GRAPH, { g: value.graph });
  return make(AttributeType.TENSOR, {
    t: tensorProtoOf('', (value as { readonly tensor: ArrayToWrite }).tensor),
  });
}

/** A tensor with its elements as little-endian bytes. */
export function tensorProtoOf(
  name: string,
  { type, shape, data }: ArrayToWrite,
  docString = '',
): TensorProto {
  return create(TensorProtoSchema, {
    name,
    docString,
    dataType: elementTypes.indexOf(type),
    dims: shape.map((size) => BigInt(size)),
    rawData: bytesOf(type, data),
  });
}

function bytesOf(type: ElementType, data: ArrayLike<number>): Uint8Array<ArrayBuffer> {
  const width = { float32: 4, float64: 8, int32: 4, int64: 8, uint32: 4 }[type as 'float32'] ?? 1;
  const bytes = new Uint8Array(data.length * width);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < data.length; i++) {
    const at = i * width;
    if (type === 'float32') view.setFloat32(at, data[i], true);
    else if (type === 'float64') view.setFloat64(at, data[i], true);
    else if (type === 'int64') view.setBigInt64(at, BigInt(data[i]), true);
    else if (type === 'int32') view.setInt32(at, data[i], true);
    else if (type === 'uint32') view.setUint32(at, data[i], true);
    else bytes[at] = data[i];
  }
  return bytes;
}

/** An input or output: texts name open sizes, null is unknown. */
export function valueInfoOf(
  name: string,
  type: ElementType | DType,
  shape: readonly (number | string | null)[] | null,
): ValueInfoProto {
  return create(ValueInfoProtoSchema, {
    name,
    type: {
      value: {
        case: 'tensorType',
        value: {
          elemType: elementTypes.indexOf(type),
          ...(shape && {
            shape: {
              dim: shape.map((size) => ({
                value:
                  typeof size === 'number'
                    ? { case: 'dimValue' as const, value: BigInt(size) }
                    : typeof size === 'string'
                      ? { case: 'dimParam' as const, value: size }
                      : { case: undefined },
              })),
            },
          }),
        },
      },
    },
  });
}

/** The element type that a typed array is written as. */
export function arrayToWrite(data: TypedArray, dtype: DType, shape: readonly number[]): ArrayToWrite {
  return { type: dtype, shape, data };
}
