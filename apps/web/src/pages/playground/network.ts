/**
 * The playground's network, loss and optimizer, made of the packages' parts.
 */

import * as nn from '@ag/nn';
import {
  accuracy,
  bceWithLogits,
  crossEntropy,
  dropout,
  linear,
  mseLoss,
  type Sequential,
  sequential,
} from '@ag/nn';
import * as optim from '@ag/optim';
import type { Tensor, Variable } from '@ag/tensor';
import type { Metric } from '@ag/train';
import type { ActivationId, OptimizerId, PlaygroundConfig } from './config.ts';
import type { Kind } from './data.ts';

const activations: Readonly<Record<ActivationId, () => nn.Module>> = {
  tanh: nn.tanh,
  relu: nn.relu,
  sigmoid: nn.sigmoid,
  leakyRelu: () => nn.leakyRelu(),
  gelu: () => nn.gelu(),
  silu: nn.silu,
  elu: () => nn.elu(),
  identity: nn.identity,
};

const optimizers: Readonly<
  Record<OptimizerId, (parameters: readonly Variable[], learningRate: optim.Rate) => optim.Optimizer>
> = {
  sgd: (p, learningRate) => optim.sgd(p, { learningRate }),
  momentum: (p, learningRate) => optim.sgd(p, { learningRate, momentum: 0.9 }),
  nesterov: (p, learningRate) => optim.sgd(p, { learningRate, momentum: 0.9, nesterov: true }),
  adagrad: (p, learningRate) => optim.adagrad(p, { learningRate }),
  rmsprop: (p, learningRate) => optim.rmsprop(p, { learningRate }),
  adadelta: (p, learningRate) => optim.adadelta(p, { learningRate }),
  adam: (p, learningRate) => optim.adam(p, { learningRate }),
  adamw: (p, learningRate) => optim.adamw(p, { learningRate }),
  nadam: (p, learningRate) => optim.nadam(p, { learningRate }),
  radam: (p, learningRate) => optim.radam(p, { learningRate }),
  lion: (p, learningRate) => optim.lion(p, { learningRate }),
};

/** Hidden layers, each with its activation and dropout, and a linear layer at the end. */
export function makeNetwork(config: PlaygroundConfig, outputs: number): Sequential {
  let inputs = 2;
  const modules: nn.Module[] = [];
  for (const { activation, units } of config.layers) {
    modules.push(linear(inputs, units), activations[activation]());
    if (config.dropout > 0) modules.push(dropout(config.dropout));
    inputs = units;
  }
  return sequential(...modules, linear(inputs, outputs));
}

/** @param rate asked before every step: it may change while the network learns */
export function makeOptimizer(
  { optimizer }: PlaygroundConfig,
  parameters: readonly Variable[],
  rate: () => number,
): optim.Optimizer {
  return optimizers[optimizer](parameters, rate);
}

export interface Objective {
  readonly loss: (output: Tensor, y: Tensor) => Tensor;
  readonly metrics: Readonly<Record<string, Metric>>;
  /** What the network says, from its last layer: a probability, one for each class, or a number. */
  readonly answer: (output: Tensor) => Tensor;
}

export const objectives: Readonly<Record<Kind, Objective>> = {
  binary: {
    loss: (output, y) => bceWithLogits(output, y),
    metrics: { accuracy: (output, y) => accuracy(output.greater(0).cast('float32'), y) },
    answer: (output) => output.sigmoid(),
  },
  classes: {
    loss: (output, y) => crossEntropy(output, y),
    metrics: { accuracy },
    answer: (output) => output.softmax(-1),
  },
  value: {
    loss: (output, y) => mseLoss(output, y),
    metrics: {},
    answer: (output) => output,
  },
};
