/** Networks, data and loops that the tests of ranks and workers share, small enough to train in a second. */
import { type Dataset, digits } from '@ag/datasets';
import {
  batchNorm1d,
  batchNorm2d,
  conv2d,
  crossEntropy,
  dropout,
  flatten,
  linear,
  Module,
  maxPool2d,
  relu,
  sequential,
  transformerEncoderLayer,
} from '@ag/nn';
import { adamw, sgd } from '@ag/optim';
import { manualSeed, type Tensor } from '@ag/tensor';
import { weightsHash } from '../../packages/train/src/world/agreement.ts';

/** Rows of an image as a sequence. */
class Rows extends Module<[Tensor], Tensor> {
  readonly embed = linear(28, 8);
  readonly encoder = transformerEncoderLayer(8, 2, { feedForward: 16, dropout: 0.2 });
  readonly out = linear(8, 10);

  override forward(x: Tensor): Tensor {
    const rows = x.reshape([x.shape[0], 28, 28]);
    return this.out.forward(this.encoder.forward(this.embed.forward(rows)).mean(1));
  }
}

export type NetworkName = 'mlp' | 'cnn' | 'transformer' | 'wide';

/** A network with weights that follow from the seed. */
export function network(name: NetworkName, seed = 1): Module<[Tensor], Tensor> {
  manualSeed(seed);
  if (name === 'mlp') return sequential(flatten(), linear(784, 12), batchNorm1d(12), relu(), linear(12, 10));
  if (name === 'transformer') return new Rows();
  // More than one bucket of gradients.
  if (name === 'wide')
    return sequential(flatten(), linear(784, 1400), relu(), linear(1400, 800), relu(), linear(800, 10));
  return sequential(
    conv2d(1, 3, 5, { stride: 2 }),
    batchNorm2d(3),
    relu(),
    maxPool2d(2),
    flatten(),
    dropout(0.3),
    linear(108, 10),
  );
}

export type OptimizerName = 'sgd' | 'adamW';

export function optimizerOf(name: OptimizerName, model: Module<[Tensor], Tensor>) {
  return name === 'sgd'
    ? sgd(model.parameters(), { learningRate: 0.1, momentum: 0.9 })
    : adamw(model.parameters(), { learningRate: 0.01 });
}

export const loss = crossEntropy;
export const data = (count: number): Dataset => digits({ count, seed: 3 });

/** All trained numbers, one after the other; of many their hash. */
export async function parametersOf(model: Module<[Tensor], Tensor>): Promise<number[]> {
  if (model.parameters().reduce((sum, { size }) => sum + size, 0) > 100_000)
    return [await weightsHash(model)];
  const parts = await Promise.all(model.parameters().map(({ value }) => value.data()));
  return parts.flatMap((part) => Array.from(part));
}
