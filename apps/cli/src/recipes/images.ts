/** The network of the image recipes: fully connected, sigmoid between the layers. */
import { transforms } from '@ag/datasets';
import { accuracy, crossEntropy, init, linear, type Module, sequential, sigmoid } from '@ag/nn';
import type { Tensor } from '@ag/tensor';

/** 784-50-100-10 with the default sizes. Xavier's initial weights suit sigmoids (Glorot & Bengio 2010). */
export function perceptron(
  inputs: number,
  hidden: readonly number[],
  outputs: number,
): Module<[Tensor], Tensor> {
  const sizes = [inputs, ...hidden, outputs];
  const layers = sizes.slice(1).flatMap((size, i) => {
    const layer = linear(sizes[i], size, { weightInit: init.xavierUniform, biasInit: init.zeros });
    return i < hidden.length ? [layer, sigmoid()] : [layer];
  });
  return sequential(...layers);
}

/** What all classifiers of flattened images share. */
export const flatImages = { loss: crossEntropy, metrics: { accuracy }, transform: transforms.flatten() };
