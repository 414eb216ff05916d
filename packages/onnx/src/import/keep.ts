/**
 * Nodes of an imported model that an export writes as they stand, where arithmetic would lose what they are.
 */
import type { Tensor, TensorType } from '@ag/tensor';
import type { PlainAttribute } from '../file/encode.ts';
import { operatorOutputs } from '../operator.ts';
import type { AttributeProto } from '../proto/onnx.ts';
import type { Call } from './call.ts';
import { Value } from './value.ts';

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

/** The outputs of a node as an operator of a file of version `opset`; null for one that is written from what it computes. */
export function asOperator(call: Call, opset: number): (Value | null)[] | null {
  const { proto } = call.node;
  const own = proto.domain === '' && Object.hasOwn(kept, proto.opType) ? kept[proto.opType] : null;
  if (!own || call.opset < own.since || opset < own.since) return null;
  if (proto.opType === 'BatchNormalization' && (call.wants(1) || call.int('training_mode', 0) === 1))
    return null;
  const count = proto.output.findLastIndex((name) => name !== '') + 1;
  const inputs = call.inputs.map((value) => value?.tensor ?? null);
  const shapes = own.shapes(call, inputs);
  if (count > shapes.length) return null;
  const attributes: Record<string, PlainAttribute> = {};
  for (const [name, attribute] of call.node.attributes) {
    const plain = plainAttribute(attribute);
    if (plain === null) return null;
    attributes[name] = plain;
  }
  const { dtype } = inputs[0]!;
  const outputs = shapes.slice(0, count).map((shape): TensorType => ({ shape, dtype }));
  const given = inputs.filter((x) => x !== null);
  const present = inputs.map((x) => x !== null);
  return operatorOutputs(given, { operator: proto.opType, attributes, present, outputs }).map(
    (x) => new Value(x),
  );
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
