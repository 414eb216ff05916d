/**
 * Products, convolutions and pooling, written.
 */
import type { ContractionLabels, Tensor } from '@ag/tensor';
import {
  type ConvolutionAttributes,
  contract,
  convolution as convolutionOp,
  type PoolAttributes,
  permute,
  reshape,
  type WindowSumAttributes,
} from '@ag/tensor/engine';
import type { PlainAttributes } from '../file/encode.ts';
import type { ExportRule, Writer } from './writer.ts';

export function contraction(writer: Writer, node: Tensor): string {
  const [a, b] = writer.inputs(node, node.dtype);
  const labels = node.attributes as ContractionLabels;
  if (isMatrixProduct(labels)) return writer.add('MatMul', [a, b]);
  const used = [...new Set([...labels.a, ...labels.b])];
  const letters = (list: readonly number[]): string =>
    list.map((label) => String.fromCharCode(97 + used.indexOf(label))).join('');
  const equation = `${letters(labels.a)},${letters(labels.b)}->${letters(labels.out)}`;
  return writer.add('Einsum', [a, b], { equation });
}

/**
 * A sum. A bias behind a convolution or a product of matrices becomes part of it: `Conv`, `ConvTranspose`, `Gemm`.
 *
 * @param otherwise writes any other sum
 */
export const sumOf =
  (otherwise: ExportRule): ExportRule =>
  (writer, node) => {
    for (const [product, bias] of [node.inputs, node.inputs.toReversed()]) {
      if (writer.uses.get(product) !== 1 || [product, bias].some(({ dtype }) => dtype !== node.dtype))
        continue;
      const name = withBias(writer, product, bias);
      if (name !== null) return name;
    }
    return otherwise(writer, node);
  };

function withBias(writer: Writer, product: Tensor, bias: Tensor): string | null {
  if (product.op === convolutionOp) {
    const { wanted } = product.attributes as ConvolutionAttributes;
    const list = bias.op === reshape ? bias.inputs[0] : bias;
    const perChannel = bias.shape.every((size, i) => size === (i === 0 ? product.shape[1] : 1));
    if (wanted === 'weight' || bias.shape.length !== product.shape.length - 1 || !perChannel) return null;
    // Weights are there before any node is.
    if (list.shape.length !== 1 || !isStored(list)) return null;
    if (product.inputs.some(({ dtype }) => dtype !== product.dtype)) return null;
    const { operator, inputs, attributes } = convolutionNode(writer, product);
    return writer.replace(writer.name(product), operator, [...inputs, writer.name(list)], attributes);
  }
  if (product.op !== contract || product.shape.length !== 2 || bias.shape.length !== 1 || !isStored(bias))
    return null;
  if (product.inputs.some(({ dtype }) => dtype !== product.dtype)) return null;
  if (bias.shape[0] !== product.shape[1] || !isMatrixProduct(product.attributes as ContractionLabels))
    return null;
  const [a, b] = product.inputs.map((x) => (x.op === permute ? x.inputs[0] : x));
  const turned = product.inputs.map((x) => Number(x.op === permute));
  const attributes = { ...(turned[0] && { transA: 1 }), ...(turned[1] && { transB: 1 }) };
  return writer.replace(
    writer.name(product),
    'Gemm',
    [a, b, bias].map((x) => writer.name(x)),
    attributes,
  );
}

/** Whether a tensor lies in the file, and is not computed. */
export function isStored({ op, leaf }: Tensor): boolean {
  return op === null && leaf?.kind !== 'placeholder';
}

/** […, m, k] · […, k, n] → […, m, n], batches being equal or missing in one of them. */
function isMatrixProduct({ a, b, out }: ContractionLabels): boolean {
  if (a.length < 2 || b.length < 2) return false;
  const [m, k] = a.slice(-2);
  const [inner, n] = b.slice(-2);
  if (k !== inner || out.at(-2) !== m || out.at(-1) !== n || out.includes(k)) return false;
  const batch = out.slice(0, -2);
  const ends = (list: readonly number[]): boolean =>
    list.length <= batch.length && list.every((label, i) => label === batch[batch.length - list.length + i]);
  const [first, second] = [a.slice(0, -2), b.slice(0, -2)];
  return ends(first) && ends(second) && Math.max(first.length, second.length) === batch.length;
}

export function convolution(writer: Writer, node: Tensor): string {
  const { operator, inputs, attributes } = convolutionNode(writer, node);
  return writer.add(operator, inputs, attributes);
}

/** A node to be written. */
export interface NodeParts {
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly attributes: PlainAttributes;
}

export function convolutionNode(writer: Writer, node: Tensor): NodeParts {
  const { wanted, size, stride, dilation, low, groups } = node.attributes as ConvolutionAttributes;
  if (wanted === 'weight') throw writer.refuse(node, 'a gradient by weights is no forward pass');
  const inputs = writer.inputs(node, node.dtype);
  const common = { strides: [...stride], dilations: [...dilation], group: groups };
  if (wanted === 'output') {
    const [x, w] = node.inputs;
    const after = size.map((count, i) => {
      const reach = dilation[i] * (w.shape[2 + i] - 1) + 1;
      return Math.max(0, (count - 1) * stride[i] + reach - x.shape[2 + i] - low[i]);
    });
    return { operator: 'Conv', inputs, attributes: { ...common, pads: [...low, ...after] } };
  }
  const [w, y] = node.inputs;
  const rest = size.map((wide, i) => {
    const whole = (y.shape[2 + i] - 1) * stride[i] + dilation[i] * (w.shape[2 + i] - 1) + 1;
    return whole - low[i] - wide;
  });
  const attributes = {
    ...common,
    pads: [...low, ...rest.map((after) => Math.max(0, after))],
    output_padding: rest.map((after) => Math.max(0, -after)),
  };
  return { operator: 'ConvTranspose', inputs: [inputs[1], inputs[0]], attributes };
}

function poolAttributes(a: PoolAttributes) {
  const after = a.output.map((count, i) => {
    const reach = a.dilation[i] * (a.window[i] - 1) + 1;
    return Math.max(0, (count - 1) * a.stride[i] + reach - a.input[i] - a.low[i]);
  });
  return { kernel_shape: [...a.window], strides: [...a.stride], pads: [...a.low, ...after] };
}

export function maxPool(writer: Writer, node: Tensor): string {
  const a = node.attributes as PoolAttributes;
  return writer.add('MaxPool', [writer.name(node.inputs[0])], {
    ...poolAttributes(a),
    dilations: [...a.dilation],
  });
}

/** Averages that count padding, times the number of elements. */
export function windowSum(writer: Writer, node: Tensor): string {
  const a = node.attributes as WindowSumAttributes;
  if (a.wanted !== 'output') throw writer.refuse(node, 'it is the transpose of a sum of windows');
  const dilated = a.dilation.some((step) => step !== 1);
  if (dilated && writer.opset < 19) throw writer.refuse(node, 'windows with dilation need { opset: 19 }');
  const average = writer.add('AveragePool', [writer.as(node.inputs[0], node.dtype)], {
    ...poolAttributes(a),
    count_include_pad: 1,
    ...(dilated && { dilations: [...a.dilation] }),
  });
  const count = a.window.reduce((product, k) => product * k, 1);
  return writer.add('Mul', [average, writer.number(count, node.dtype)]);
}
