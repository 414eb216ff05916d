/**
 * `{ fold: true }`: a convolution and the batch normalization behind it as one convolution.
 *
 * It computes the same with the statistics as they are now (Jacob et al. 2018, section 3.2), and can no longer be trained as both.
 */
import type { Tensor } from '@ag/tensor';
import { add, broadcastTo, convolution, reshape } from '@ag/tensor/engine';
import { type OperatorOutput, operatorOutput } from '../operator.ts';
import { convolutionNode, isStored, type NodeParts } from './products.ts';
import type { Writer } from './writer.ts';

/** Keeps a tensor in the file, under the name that another one had if nothing else reads that. */
export type KeepInstead = (x: Tensor, instead: Tensor | null, otherwise: string) => string;

/** The name of the folded convolution; null where there is nothing to fold. */
export function folded(writer: Writer, node: Tensor, keep: KeepInstead): string | null {
  const { node: own } = node.attributes as OperatorOutput;
  if (own.operator !== 'BatchNormalization') return null;
  const [x, ...parameters] = node.inputs;
  const found = writer.uses.get(x) === 1 ? convolutionBehind(writer, x) : null;
  if (!found || parameters.length !== 4 || !parameters.every(isConstant)) return null;
  const { product, weight, bias, parts } = found;
  const transposed = parts.operator === 'ConvTranspose';
  const groups = Number(parts.attributes.group ?? 1);
  if (!isStored(weight) || (transposed && groups !== 1)) return null;
  if ([x, product, weight, ...parameters].some(({ dtype }) => dtype !== node.dtype)) return null;
  const [scale, shift, mean, variance] = parameters;
  const { epsilon } = own.attributes as { readonly epsilon: { readonly float: number } };
  const factor = scale.div(variance.add(epsilon.float).sqrt());
  const rest = weight.shape.slice(2).map(() => 1);
  const channels = scale.shape[0];
  const foldedWeight = weight.mul(
    factor.reshape(transposed ? [1, channels, ...rest] : [channels, 1, ...rest]),
  );
  const foldedBias = (bias ? bias.sub(mean) : mean.neg()).mul(factor).add(shift);
  const weightName = writer.name(weight);
  const names = [
    parts.inputs[0],
    keep(foldedWeight, weight, `${weightName}.folded`),
    keep(foldedBias, bias, `${weightName.replace(/weight$/, '')}bias`),
  ];
  return writer.replace(writer.name(x), parts.operator, names, parts.attributes);
}

interface Found {
  readonly product: Tensor;
  readonly weight: Tensor;
  readonly bias: Tensor | null;
  readonly parts: NodeParts;
}

/** The convolution that gives a tensor, with the bias that has become part of it, where nothing else reads either. */
function convolutionBehind(writer: Writer, x: Tensor): Found | null {
  if (x.op === operatorOutput) {
    const { operator, attributes, inputs } = (x.attributes as OperatorOutput).node;
    if (!['Conv', 'ConvTranspose'].includes(operator) || inputs?.some((input) => input !== 'tensor'))
      return null;
    const [data, weight, bias = null] = x.inputs;
    if (bias && !isStored(bias)) return null;
    return { product: x, weight, bias, parts: { operator, attributes, inputs: [writer.name(data)] } };
  }
  const found = (product: Tensor, bias: Tensor | null): Found => {
    const parts = convolutionNode(writer, product);
    return { product, bias, parts, weight: product.inputs[parts.operator === 'Conv' ? 1 : 0] };
  };
  if (x.op === convolution) return found(x, null);
  if (x.op !== add) return null;
  for (const [product, bias] of [x.inputs, x.inputs.toReversed()]) {
    if (product.op !== convolution || writer.uses.get(product) !== 1) continue;
    const list = bias.op === reshape ? bias.inputs[0] : bias;
    if (isStored(list) && list.shape.length === 1 && list.shape[0] === x.shape[1])
      return found(product, list);
  }
  return null;
}

/** Weights, statistics and numbers that are repeated. */
function isConstant(x: Tensor): boolean {
  return isStored(x.op === broadcastTo ? x.inputs[0] : x);
}
