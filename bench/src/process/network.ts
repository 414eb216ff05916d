/** A network of `problems/network.ts` in `ag`: its layers from `@ag/nn`, and its training. */
import { backward, compile } from '@ag/graph';
import {
  avgPool2d,
  batchNorm1d,
  batchNorm2d,
  conv2d,
  crossEntropy,
  embedding,
  groupNorm,
  gru,
  layerNorm,
  linear,
  lstm,
  Module,
  maxPool2d,
  multiHeadAttention,
  rnn,
} from '@ag/nn';
import { adam, sgd } from '@ag/optim';
import { type Tensor, tensor, Variable } from '@ag/tensor';
import { batchesOf, differentBatches, firstValues, type Layer, type Network } from '../problems/network.ts';
import type { Run } from './workload.ts';

type Part = Module<[Tensor]>;

/** Layers one after the other. */
class Chain extends Module<[Tensor]> {
  readonly parts: readonly Part[];

  constructor(layers: readonly Layer[]) {
    super();
    this.parts = layers.map(build);
  }

  override forward(x: Tensor): Tensor {
    let y = x;
    for (const part of this.parts) y = part.forward(y);
    return y;
  }
}

class Residual extends Module<[Tensor]> {
  readonly body: Chain;
  readonly shortcut: Chain | null;

  constructor(body: readonly Layer[], shortcut: readonly Layer[] | undefined) {
    super();
    this.body = new Chain(body);
    this.shortcut = shortcut ? new Chain(shortcut) : null;
  }

  override forward(x: Tensor): Tensor {
    const y = this.body.forward(x);
    return (this.shortcut ? this.shortcut.forward(x) : x).add(y);
  }
}

class Attention extends Module<[Tensor]> {
  readonly inner;
  readonly causal: boolean;

  constructor({ features, heads, causal, bias = true }: Layer & { layer: 'attention' }) {
    super();
    this.inner = multiHeadAttention(features, heads, { bias });
    this.causal = causal;
  }

  override forward(x: Tensor): Tensor {
    return this.inner.forward(x, { causal: this.causal });
  }
}

class Positions extends Module<[Tensor]> {
  readonly weight: Variable;

  constructor(length: number, features: number) {
    super();
    this.weight = new Variable(tensor(new Float32Array(length * features), { shape: [length, features] }));
  }

  override forward(x: Tensor): Tensor {
    return x.add(this.weight.value);
  }
}

/** Without parameters. */
class Compute extends Module<[Tensor]> {
  readonly compute: (x: Tensor) => Tensor;

  constructor(compute: (x: Tensor) => Tensor) {
    super();
    this.compute = compute;
  }

  override forward(x: Tensor): Tensor {
    return this.compute(x);
  }
}

function build(of: Layer): Part {
  switch (of.layer) {
    case 'linear':
      return linear(of.in, of.out, { bias: of.bias ?? true });
    case 'conv2d': {
      const { stride = 1, padding = 0, groups = 1, bias = true } = of;
      return conv2d(of.in, of.out, of.size, { stride, padding, groups, bias });
    }
    case 'batchNorm1d':
      return batchNorm1d(of.channels);
    case 'batchNorm2d':
      return batchNorm2d(of.channels);
    case 'groupNorm':
      return groupNorm(of.groups, of.channels);
    case 'layerNorm':
      return layerNorm(of.features);
    case 'maxPool2d':
      return maxPool2d(of.size);
    case 'avgPool2d':
      return avgPool2d(of.size);
    case 'spaceMean':
      return new Compute((x) => x.mean([2, 3]));
    case 'timeMean':
      return new Compute((x) => x.mean(1));
    case 'lastTime':
      return new Compute((x) => x.slice(-1, undefined, { axis: 1 }).squeeze(1));
    case 'flatten':
      return new Compute((x) => x.reshape([x.shape[0], x.size / x.shape[0]]));
    case 'rnn':
      return rnn(of.in, of.hidden);
    case 'lstm':
      return lstm(of.in, of.hidden);
    case 'gru':
      return gru(of.in, of.hidden);
    case 'embedding':
      return embedding(of.count, of.features);
    case 'positions':
      return new Positions(of.length, of.features);
    case 'attention':
      return new Attention(of);
    case 'residual':
      return new Residual(of.body, of.shortcut);
    case 'geluTanh':
      return new Compute((x) => x.gelu('tanh'));
    default: {
      const { layer } = of;
      return new Compute((x) => x[layer]());
    }
  }
}

/** The model with its first values. */
export function modelOf(layers: readonly Layer[]): Module<[Tensor]> {
  const model = new Chain(layers);
  let n = 0;
  for (const [path, variable] of model.namedParameters()) {
    const values = firstValues(n++, variable.shape, /bias/i.test(path.slice(path.lastIndexOf('.'))));
    variable.assign(tensor(values, { shape: [...variable.shape], copy: false }));
  }
  return model;
}

export function lossOf(network: Network, outputs: Tensor, target: Tensor): Tensor {
  switch (network.loss) {
    case 'crossEntropy':
      return crossEntropy(outputs, target, { axis: -1 });
    case 'squares':
      return outputs.sub(target).square().sum();
    case 'meanSquare':
      return outputs.sub(target).square().mean();
    case 'none':
      return outputs.max();
  }
}

/** Trains (or infers) up to the last step that is compared, and goes on from there; each step reads its loss. */
export function runNetwork(network: Network, variant: string): Run {
  const model = modelOf(network.layers);
  const training = network.loss !== 'none';
  if (!training) model.eval();
  const optimizer = training
    ? { sgd, adam }[network.optimizer](model.parameters(), { learningRate: network.learningRate })
    : null;
  const defined = (x: Tensor, y: Tensor): Tensor => {
    const loss = lossOf(network, model.forward(x), y);
    if (optimizer) {
      backward(loss);
      optimizer.step();
    }
    return loss;
  };
  const run = variant === 'compiled' ? compile(defined) : defined;
  const batches = batchesOf(network);
  let i = 0;
  const step = (): number => {
    const { x, y } = batches[i++ % differentBatches];
    return run(
      tensor(x, { shape: [...network.input], copy: false }),
      tensor(y, { shape: [...network.target], copy: false }),
    ).itemSync();
  };
  const check: Record<string, number> = {};
  const start = performance.now();
  let first = 0;
  for (const last = Math.max(...network.lossAt); i <= last; ) {
    const n = i;
    const loss = step();
    if (n === 0) first = performance.now() - start;
    if (network.lossAt.includes(n)) check[`loss ${n}`] = loss;
  }
  return { check, first, step: () => void step() };
}
