/**
 * The networks, and which of their inner values are worth a picture.
 */
import {
  conv2d,
  dropout,
  flatten,
  linear,
  type Module,
  maxPool2d,
  relu,
  type Sequential,
  sequential,
} from '@ag/nn';
import type { Tensor } from '@ag/tensor';
import type { DigitsConfig } from './config.ts';

export function makeNetwork(config: Pick<DigitsConfig, 'model' | 'dropout'>): Sequential {
  const drop: Module[] = config.dropout > 0 ? [dropout(config.dropout)] : [];
  if (config.model === 'mlp')
    return sequential(flatten(), linear(784, 128), relu(), ...drop, linear(128, 10));
  const head =
    config.model === 'cnn' ? [linear(784, 64), relu(), ...drop, linear(64, 10)] : [...drop, linear(784, 10)];
  return sequential(
    conv2d(1, 8, 5, { padding: 2 }),
    relu(),
    maxPool2d(2),
    conv2d(8, 16, 5, { padding: 2 }),
    relu(),
    maxPool2d(2),
    flatten(),
    ...head,
  );
}

/** What comes out of each activation, and out of the last layer. */
export interface Stage {
  readonly name: string;
  readonly value: Tensor;
}

/** Goes through the network layer by layer. */
export function stagesOf(network: Sequential, x: Tensor): Stage[] {
  const stages: Stage[] = [];
  let value = x;
  let name = '';
  let number = 0;
  for (const layer of network.layers) {
    value = typeof layer === 'function' ? layer(value) : layer.forward(value);
    const [what] = typeof layer === 'function' ? [] : (layer.describe() ?? []);
    if (what === 'conv2d' || what === 'linear') {
      number++;
      name = `${number}. ${what}`;
    }
    if (what === 'relu') stages.push({ name: `${name} + relu`, value });
  }
  stages.push({ name, value });
  return stages;
}
