/**
 * Nodes of an imported model that an export writes as they stand.
 */
import { Tensor, type TensorType } from '@ag/tensor';
import type { PlainAttribute } from '../file/encode.ts';
import { operatorOutputs } from '../operator.ts';
import type { AttributeProto } from '../proto/onnx.ts';
import type { Call } from './call.ts';
import { type Host, Value } from './value.ts';

/** What is kept: from which version on it means the same, and shapes of its outputs. */
interface Kept {
  readonly since: number;
  readonly shapes: (call: Call, inputs: readonly (Tensor | null)[]) => (readonly number[])[];
}

const sameShape: Kept['shapes'] = (_, [x]) => [x!.shape];

/** [time, directions, batch, hidden], and the last states. */
const recurrent: Kept['shapes'] = (call, [x, , hiddenWeight]) => {
  const directions = call.text('direction', 'forward') === 'bidirectional' ? 2 : 1;
  const size = hiddenWeight!.shape[2];
  const batchFirst = call.int('layout', 0) === 1;
  const [batch, time] = batchFirst ? x!.shape : [x!.shape[1], x!.shape[0]];
  const output = batchFirst ? [batch, time, directions, size] : [time, directions, batch, size];
  const state = batchFirst ? [batch, directions, size] : [directions, batch, size];
  return [output, state, state];
};

const kept: { readonly [operator: string]: Kept } = {
  BatchNormalization: { since: 9, shapes: sameShape },
  LayerNormalization: { since: 17, shapes: sameShape },
  InstanceNormalization: { since: 6, shapes: sameShape },
  GroupNormalization: { since: 21, shapes: sameShape },
  Gelu: { since: 20, shapes: sameShape },
  RNN: { since: 7, shapes: recurrent },
  GRU: { since: 7, shapes: recurrent },
  LSTM: { since: 7, shapes: recurrent },
};

/** Inputs that may be int32 or int64, which are the same here. */
const positions: { readonly [operator: string]: number } = {
  Gather: 1,
  GatherElements: 1,
  ScatterElements: 1,
  Cast: 0,
};

/** Operators of which nothing is left, and those in which −1 is no size. */
const never = new Set(['Identity', 'Dropout', 'Expand', 'ConstantOfShape', 'Shape', 'Size']);

/** The outputs of a node as an operator of a file of version `opset`; null for one that is written from what it computes. */
export function asOperator(call: Call, opset: number): (Value | null)[] | null {
  const { proto } = call.node;
  if (proto.domain !== '' || never.has(proto.opType)) return null;
  if (proto.opType === 'BatchNormalization' && (call.wants(1) || call.int('training_mode', 0) === 1))
    return null;
  const attributes: Record<string, PlainAttribute> = {};
  for (const [name, attribute] of call.node.attributes) {
    const plain = plainAttribute(attribute);
    if (plain === null) return null;
    attributes[name] = plain;
  }
  const tensors: Tensor[] = [];
  const inputs: ('tensor' | Host | null)[] = [];
  for (const [i, value] of call.inputs.entries()) {
    // What it is made of is known: no weight.
    const host = value !== null && value.variable === null ? value.host : null;
    if (value !== null && host === null) {
      const whole = value.tensor.dtype !== 'bool' && !value.tensor.dtype.startsWith('float');
      if (whole && positions[proto.opType] !== i) return null;
      tensors.push(value.tensor);
    }
    inputs.push(host ?? (value && 'tensor'));
  }
  const outputs = typesOf(call, opset);
  if (!outputs) return null;
  return operatorOutputs(tensors, { operator: proto.opType, attributes, inputs, outputs }).map(
    (x) => new Value(x),
  );
}

/** Shapes and types of the outputs; null where one cannot be kept, or the operator means something else in that version. */
function typesOf(call: Call, opset: number): TensorType[] | null {
  const { proto } = call.node;
  const count = proto.output.findLastIndex((name) => name !== '') + 1;
  const own = Object.hasOwn(kept, proto.opType) ? kept[proto.opType] : null;
  if (own && call.opset >= own.since && opset >= own.since) {
    const inputs = call.inputs.map((value) => value?.tensor ?? null);
    const shapes = own.shapes(call, inputs);
    const { dtype } = call.tensor(0);
    return count > shapes.length ? null : shapes.slice(0, count).map((shape) => ({ shape, dtype }));
  }
  if (call.opset !== opset) return null;
  const results = call.node.rule(call);
  const list: readonly (Tensor | Value | null)[] =
    results instanceof Tensor || results instanceof Value ? [results] : results;
  const types = list.slice(0, count).map((result): TensorType | null => {
    if (result === null || (result instanceof Value && result.host)) return null;
    const { shape, dtype } = result instanceof Value ? result.tensor : result;
    return dtype === 'bool' || dtype.startsWith('float') ? { shape, dtype } : null;
  });
  const known = types.filter((type) => type !== null);
  return known.length === count ? known : null;
}

/** An attribute as plain data; null for one that is none. Kinds are numbered by the format: float, int, string, floats, ints, strings. */
function plainAttribute(a: AttributeProto): PlainAttribute | null {
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  switch (a.type as number) {
    case 1:
      return { float: a.f };
    case 2:
      return Number(a.i);
    case 3:
      return text(a.s);
    case 6:
      return { floats: a.floats };
    case 7:
      return a.ints.map(Number);
    case 8:
      return a.strings.map(text);
    default:
      return null;
  }
}
