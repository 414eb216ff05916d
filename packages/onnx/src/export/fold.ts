/**
 * `{ fold: true }`: a convolution and the batch normalization behind it as one convolution (Jacob et al. 2018, section 3.2), which computes
 * the same with the statistics as they are now, and can no longer be trained as both.
 */
import type { Tensor } from '@ag/tensor';
import { add, broadcastTo, type ConvolutionAttributes, convolution, reshape } from '@ag/tensor/engine';
import type { OperatorOutput } from '../operator.ts';
import { convolutionNode, isStored } from './products.ts';
import type { Writer } from './writer.ts';

/** Keeps a tensor in the file, under the name that another one had if nothing else reads that. */
export type KeepInstead = (x: Tensor, instead: Tensor | null, otherwise: string) => string;

/** The name of the folded convolution; null where there is nothing to fold. */
export function folded(writer: Writer, node: Tensor, keep: KeepInstead): string | null {
  const { node: own } = node.attributes as OperatorOutput;
  if (own.operator !== 'BatchNormalization') return null;
  const [x, ...parameters] = node.inputs;
  const found = convolutionBehind(x, writer.uses);
  if (!found || !parameters.every(isConstant)) return null;
  const { product, bias } = found;
  const { wanted, groups } = product.attributes as ConvolutionAttributes;
  const weight = product.inputs[wanted === 'output' ? 1 : 0];
  const transposed = wanted === 'input';
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
  const { operator, inputs, attributes } = convolutionNode(writer, product);
  const names = [
    inputs[0],
    keep(foldedWeight, weight, `${weightName}.folded`),
    keep(foldedBias, bias, `${weightName.replace(/weight$/, '')}bias`),
  ];
  return writer.replace(writer.name(x), operator, names, attributes);
}

/** The convolution that gives a tensor, with the bias that has become part of it, where nothing else reads either. */
function convolutionBehind(
  x: Tensor,
  uses: ReadonlyMap<Tensor, number>,
): { readonly product: Tensor; readonly bias: Tensor | null } | null {
  if (uses.get(x) !== 1) return null;
  if (x.op === convolution) return { product: x, bias: null };
  if (x.op !== add) return null;
  for (const [product, bias] of [x.inputs, x.inputs.toReversed()]) {
    if (product.op !== convolution || uses.get(product) !== 1) continue;
    const list = bias.op === reshape ? bias.inputs[0] : bias;
    if (isStored(list) && list.shape.length === 1 && list.shape[0] === x.shape[1])
      return { product, bias: list };
  }
  return null;
}

/** Weights, statistics and numbers that are repeated. */
function isConstant(x: Tensor): boolean {
  return isStored(x.op === broadcastTo ? x.inputs[0] : x);
}
