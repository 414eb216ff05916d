/**
 * The playground's network, loss and optimizer, made of the packages' parts.
 */
import * as nn from '@ag/nn';
import * as optim from '@ag/optim';
import { type HoldsVariables, scalar, type Tensor, Variable } from '@ag/tensor';
import type { FitOptimizer, Metric } from '@ag/train';
import type { ActivationId, Kind, LossId, OptimizerId, PlaygroundConfig } from './config.ts';

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
  Record<
    OptimizerId,
    (parameters: readonly Variable[], learningRate: optim.Rate) => FitOptimizer & HoldsVariables
  >
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
  adamax: (p, learningRate) => optim.adamax(p, { learningRate }),
  lion: (p, learningRate) => optim.lion(p, { learningRate }),
  lamb: (p, learningRate) => optim.lamb(p, { learningRate }),
  adafactor: (p, learningRate) => optim.adafactor(p, { learningRate }),
  muon: (p, learningRate) => optim.muon(p, { learningRate }),
  lookahead: (p, learningRate) => optim.lookahead(optim.adam(p, { learningRate })),
};

const normalizations = {
  none: null,
  batch: (units: number) => nn.batchNorm1d(units),
  layer: (units: number) => nn.layerNorm(units),
} as const;

/** Hidden layers, each with its normalization, activation and dropout, and a linear layer at the end. */
export function makeNetwork(config: PlaygroundConfig, outputs: number): nn.Sequential {
  let inputs = config.features.length;
  const modules: nn.Module[] = [];
  const normalization = normalizations[config.normalization];
  for (const { activation, units } of config.layers) {
    modules.push(nn.linear(inputs, units));
    if (normalization) modules.push(normalization(units));
    modules.push(activations[activation]());
    if (config.dropout > 0) modules.push(nn.dropout(config.dropout));
    inputs = units;
  }
  return nn.sequential(...modules, nn.linear(inputs, outputs));
}

/** @param rate asked before every step: it may change while the network learns */
export function makeOptimizer(
  { optimizer }: PlaygroundConfig,
  parameters: readonly Variable[],
  rate: () => number,
): FitOptimizer & HoldsVariables {
  return optimizers[optimizer](parameters, rate);
}

/** What is added to the loss for large weights: l1·Σ|w| + l2·Σw²/2. Both may change while the network learns. */
export class Penalty {
  readonly #l1 = new Variable(scalar(0), { trainable: false });
  readonly #l2 = new Variable(scalar(0), { trainable: false });
  readonly #network: nn.Sequential;

  constructor(network: nn.Sequential) {
    this.#network = network;
  }

  set({ l1, l2 }: { readonly l1: number; readonly l2: number }): void {
    this.#l1.assign(scalar(l1));
    this.#l2.assign(scalar(l2));
  }

  /** For a device that may be lost. */
  variables(): Variable[] {
    return [this.#l1, this.#l2];
  }

  /** Added only where the network learns: the loss over test points is of the answers alone. */
  addTo(loss: Tensor): Tensor {
    if (!this.#network.training) return loss;
    const weights = this.#network.layers.flatMap((layer) =>
      layer instanceof nn.Linear ? [layer.weight.value] : [],
    );
    const sum = (each: (weight: Tensor) => Tensor) => weights.map(each).reduce((a, b) => a.add(b));
    return loss
      .add(sum((weight) => weight.abs().sum()).mul(this.#l1.value))
      .add(sum((weight) => weight.square().sum()).mul(this.#l2.value.div(2)));
  }
}

export interface Objective {
  readonly loss: (output: Tensor, y: Tensor) => Tensor;
  readonly metrics: Readonly<Record<string, Metric>>;
  /** What the network says, from its last layer: a probability, one for each class, or a number. */
  readonly answer: (output: Tensor) => Tensor;
}

const kinds: Readonly<Record<Kind, Omit<Objective, 'loss'>>> = {
  binary: {
    metrics: { accuracy: (output, y) => nn.accuracy(output.greater(0).cast('float32'), y) },
    answer: (output) => output.sigmoid(),
  },
  classes: { metrics: { accuracy: nn.accuracy }, answer: (output) => output.softmax(-1) },
  value: { metrics: {}, answer: (output) => output },
};

const losses: Readonly<Record<LossId, (output: Tensor, y: Tensor, kind: Kind) => Tensor>> = {
  bce: (output, y) => nn.bceWithLogits(output, y),
  crossEntropy: (output, y) => nn.crossEntropy(output, y),
  mse: (output, y, kind) => nn.mseLoss(kind === 'binary' ? output.sigmoid() : output, y),
  mae: (output, y) => nn.l1Loss(output, y),
  huber: (output, y) => nn.huberLoss(output, y),
  quantile: (output, y) => nn.quantileLoss(output, y.squeeze(1), { quantiles: [0.9] }),
  hinge: (output, y) => nn.hingeLoss(output, y.mul(2).sub(1)),
  focal: (output, y) => nn.focalLoss(output, y),
};

export function objectiveOf(kind: Kind, loss: LossId): Objective {
  return { ...kinds[kind], loss: (output, y) => losses[loss](output, y, kind) };
}
