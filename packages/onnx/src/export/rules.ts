/**
 * How operations are written: rules by the operation as an object. What has none is written from its form.
 */
import type { AnyOp, Tensor } from '@ag/tensor';
import * as ops from '@ag/tensor/engine';
import { flip, gather, permute, place, scatter, section, slice } from './moves.ts';
import { contraction, convolution, maxPool, sumOf, windowSum } from './products.ts';
import type { ExportRule, Writer } from './writer.ts';

/** The same operator for one operand, of the result's type. */
const named =
  (operator: string): ExportRule =>
  (writer, node) =>
    writer.add(operator, writer.inputs(node, node.dtype));

/** One open size is −1, as in ONNX; others are 0 where they stay where they are, else they are computed. */
function reshape(writer: Writer, node: Tensor): string {
  const [x] = node.inputs;
  const none = node.shape.includes(0);
  const moved = node.shape.filter((size, i) => ops.isOpen(size) && (none || size !== x.shape[i]));
  const open = node.shape.filter(ops.isOpen).length;
  const shape = node.shape.map((size, i) => {
    if (!ops.isOpen(size)) return size;
    if (open === 1 || moved.length === 1) return size === moved[0] || open === 1 ? -1 : 0;
    return !none && size === x.shape[i] ? 0 : size;
  });
  return writer.add('Reshape', [writer.name(x), writer.sizes(shape)], { ...(none && { allowzero: 1 }) });
}

/** 1 leaves a size as it is, so an open one needs no number. */
function broadcast(writer: Writer, node: Tensor): string {
  const [x, like] = node.inputs;
  const own = (axis: number): number => x.shape[axis - node.shape.length + x.shape.length] ?? 1;
  const open = node.shape.findIndex((size, axis) => ops.isOpen(size) && own(axis) !== size);
  if (open >= 0) {
    if (!like) throw writer.refuse(node, 'its open size does not come from its operand');
    return writer.add('Expand', [writer.name(x), writer.add('Shape', [writer.name(like)])]);
  }
  const shape = node.shape.map((size) => (ops.isOpen(size) ? 1 : size));
  return writer.add('Expand', [writer.name(x), writer.ints(shape)]);
}

function reduction(operator: string, float = false): ExportRule {
  return (writer, node) => {
    const { axes, keepDims } = node.attributes as ops.ReduceAttributes;
    const [x] = node.inputs;
    const name = writer.as(
      x,
      float || x.dtype === 'bool' ? node.dtype : x.dtype === 'uint8' ? node.dtype : x.dtype,
    );
    // No axes would mean all of them.
    if (axes.length === 0) return name;
    const attributes = { keepdims: Number(keepDims) };
    if (writer.opset >= 18 || operator === 'ReduceSum') {
      return writer.add(operator, [name, writer.ints(axes)], attributes);
    }
    return writer.add(operator, [name], { ...attributes, axes });
  };
}

function position(operator: string): ExportRule {
  return (writer, node) => {
    const { axes, keepDims } = node.attributes as ops.ReduceAttributes;
    const [x] = node.inputs;
    const name = x.dtype === 'bool' ? writer.cast(writer.name(x), 'int32') : writer.name(x);
    const found = (from: string, axis: number, keep: boolean): string =>
      writer.cast(writer.add(operator, [from], { axis, keepdims: Number(keep) }), 'int32');
    if (axes.length === 1) return found(name, axes[0], keepDims);
    if (axes.length !== x.shape.length) throw writer.refuse(node, 'it goes along several axes, but not all');
    const flat = found(writer.add('Reshape', [name, writer.ints([-1])]), 0, false);
    return keepDims ? writer.add('Reshape', [flat, writer.ints(x.shape.map(() => 1))]) : flat;
  };
}

function softmax(operator: string): ExportRule {
  return (writer, node) => {
    const { axis } = node.attributes as ops.SoftmaxAttributes;
    return writer.add(operator, writer.inputs(node, node.dtype), { axis });
  };
}

function gelu(kind: 'none' | 'tanh', otherwise: ExportRule): ExportRule {
  return (writer, node) =>
    writer.opset < 20
      ? otherwise(writer, node)
      : writer.add('Gelu', writer.inputs(node, node.dtype), { approximate: kind });
}

function cast(writer: Writer, node: Tensor): string {
  return writer.cast(writer.name(node.inputs[0]), node.dtype);
}

function coordinates(writer: Writer, node: Tensor): string {
  if (ops.hasOpen(node.shape)) {
    const [like] = node.inputs;
    if (!like) throw writer.refuse(node, 'its size is open');
    const shape = writer.add('Shape', [writer.name(like)]);
    const count = writer.add('Size', [writer.name(like)]);
    const row = writer.add('Range', [writer.number(0, 'int64'), count, writer.number(1, 'int64')]);
    return writer.cast(writer.add('Reshape', [row, shape]), 'int32');
  }
  const size = node.shape.reduce((product, n) => product * n, 1);
  return writer.constant({
    type: 'int32',
    shape: node.shape,
    data: Int32Array.from({ length: size }, (_, i) => i),
  });
}

function argsort(writer: Writer, node: Tensor): string {
  const { descending } = node.attributes as { readonly descending: boolean };
  const size = node.shape[node.shape.length - 1];
  const inputs = [writer.name(node.inputs[0]), writer.sizes([size])];
  const [, indices] = writer.addAll('TopK', inputs, 2, { axis: -1, largest: Number(descending), sorted: 1 });
  return writer.cast(indices, 'int32');
}

function cumsum(writer: Writer, node: Tensor): string {
  const { reverse } = node.attributes as ops.ScanAttributes;
  const inputs = [writer.as(node.inputs[0], node.dtype), writer.number(node.shape.length - 1, 'int64')];
  return writer.add('CumSum', inputs, { reverse: Number(reverse) });
}

function diagonal(writer: Writer, node: Tensor): string {
  const [x] = node.inputs;
  const { first, second } = node.attributes as { readonly first: number; readonly second: number };
  const letters = x.shape.map((_, i) => String.fromCharCode(97 + i));
  const [a, b] = [first + letters.length, second + letters.length];
  const rest = letters.filter((_, i) => i !== a && i !== b);
  letters[b] = letters[a];
  return writer.add('Einsum', [writer.name(x)], {
    equation: `${letters.join('')}->${rest.join('')}${letters[a]}`,
  });
}

const unchanged: ExportRule = (writer, node) => writer.name(node.inputs[0]);

/** The rules of the library's own operations. `fromForm` writes those whose operator came with a later version. */
export function rulesOf(fromForm: ExportRule): ReadonlyMap<AnyOp, ExportRule> {
  return new Map<AnyOp, ExportRule>([
    [ops.relu, named('Relu')],
    [ops.softplus, named('Softplus')],
    [ops.reciprocal, named('Reciprocal')],
    [ops.addAll, named('Sum')],
    [ops.gelu, gelu('none', fromForm)],
    [ops.geluTanh, gelu('tanh', fromForm)],
    [ops.cast, cast],
    [ops.positions, cast],
    [ops.sum, reduction('ReduceSum')],
    [ops.mean, reduction('ReduceMean', true)],
    [ops.max, reduction('ReduceMax')],
    [ops.min, reduction('ReduceMin')],
    [ops.prod, reduction('ReduceProd')],
    [ops.logSumExp, reduction('ReduceLogSumExp', true)],
    [ops.argmax, position('ArgMax')],
    [ops.argmin, position('ArgMin')],
    [ops.cumsum, cumsum],
    [ops.argsort, argsort],
    [ops.softmax, softmax('Softmax')],
    [ops.logSoftmax, softmax('LogSoftmax')],
    [ops.det, named('Det')],
    [ops.reshape, reshape],
    [
      ops.reshapeLike,
      (writer, node) => {
        const [x, like] = node.inputs.map((input) => writer.name(input));
        return writer.add('Reshape', [x, writer.add('Shape', [like])]);
      },
    ],
    [ops.permute, permute],
    [ops.broadcastTo, broadcast],
    [ops.broadcastLike, broadcast],
    [ops.flip, flip],
    [ops.diagonal, diagonal],
    [ops.section, section],
    [ops.slice, slice],
    [ops.place, place],
    [ops.gather, gather],
    [ops.scatter, scatter],
    [ops.coordinates, coordinates],
    [ops.coordinatesLike, coordinates],
    [ops.detach, unchanged],
    [ops.contract, contraction],
    [ops.add, sumOf(fromForm)],
    [ops.convolution, convolution],
    [ops.maxPool, maxPool],
    [ops.windowSum, windowSum],
  ] as [AnyOp, ExportRule][]);
}

/** Operations that stand for their first operand: rules of gradients, and what keeps computations apart. */
export function isTransparent(op: AnyOp): boolean {
  return op.lower.form === 'barrier' || (op.lower.form === 'view' && ['custom', 'member'].includes(op.name));
}
