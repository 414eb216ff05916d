/**
 * An ONNX model of one node, written as a protocol buffer. The numbers of the fields:
 * https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
 */

/** @param inputs shapes by name; @param attributes whole numbers by name */
export function model({ operator, inputs, output, attributes = {} }) {
  const node = [
    ...Object.keys(inputs).map((name) => text(1, name)),
    text(2, output.name),
    text(4, operator),
    ...Object.entries(attributes).map(([name, value]) =>
      message(5, [text(1, name), integer(3, value), integer(20, 2)]),
    ),
  ];
  const graph = [
    message(1, node),
    text(2, 'graph'),
    ...Object.entries(inputs).map(([name, shape]) => message(11, valueInfo(name, shape))),
    message(12, valueInfo(output.name, output.shape)),
  ];
  return Uint8Array.from([integer(1, 8), message(7, graph), message(8, [integer(2, 13)])].flat());
}

/** Float32 of a shape. */
function valueInfo(name, shape) {
  const dimensions = shape.map((length) => message(1, [integer(1, length)]));
  return [text(1, name), message(2, [message(1, [integer(1, 1), message(2, dimensions)])])];
}

/** Seven bits a byte, the lowest first; the eighth says that there are more. */
function varint(value) {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
}

const integer = (field, value) => [...varint(field * 8), ...varint(value)];

const bytes = (field, content) => [...varint(field * 8 + 2), ...varint(content.length), ...content];

const message = (field, parts) => bytes(field, parts.flat());

const text = (field, value) => bytes(field, [...Buffer.from(value)]);
