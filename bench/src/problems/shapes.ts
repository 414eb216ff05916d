/** What shapes run through a network, and how many multiplications that takes. */
import type { Layer, Network } from './network.ts';

type Shape = readonly number[];

/** The shape of the outputs. @throws Error where a layer does not fit */
export function outputOf(network: Network): Shape {
  return through(network.layers, network.input).shape;
}

/** Multiplications with additions in the products and convolutions of a forward pass. */
export function operationsOf(network: Network): number {
  return through(network.layers, network.input).operations;
}

interface Passed {
  readonly shape: Shape;
  readonly operations: number;
}

function through(layers: readonly Layer[], input: Shape): Passed {
  let passed: Passed = { shape: input, operations: 0 };
  for (const layer of layers) {
    const { shape, operations } = pass(layer, passed.shape);
    if (shape.some((size) => !(Number.isInteger(size) && size > 0)))
      throw new Error(`${layer.layer}: nothing is left of [${passed.shape.join(', ')}]`);
    passed = { shape, operations: passed.operations + operations };
  }
  return passed;
}

function pass(of: Layer, shape: Shape): Passed {
  const rows = shape.slice(0, -1);
  const count = product(rows);
  const last = shape.at(-1)!;
  const [batch, channels, height, width] = shape as [number, number, number, number];
  switch (of.layer) {
    case 'linear':
      expect(of, last === of.in, shape);
      return { shape: [...rows, of.out], operations: count * of.in * of.out };
    case 'conv2d': {
      const { size, stride = 1, padding = 0, groups = 1 } = of;
      expect(
        of,
        shape.length === 4 && channels === of.in && of.in % groups === 0 && of.out % groups === 0,
        shape,
      );
      const out = (length: number): number => Math.floor((length + 2 * padding - size) / stride) + 1;
      const result = [batch, of.out, out(height), out(width)];
      return { shape: result, operations: (product(result) * of.in * size * size) / groups };
    }
    case 'batchNorm1d':
    case 'batchNorm2d':
    case 'groupNorm':
      expect(of, channels === of.channels, shape);
      return { shape, operations: 0 };
    case 'layerNorm':
      expect(of, last === of.features, shape);
      return { shape, operations: 0 };
    case 'maxPool2d':
    case 'avgPool2d':
      expect(of, shape.length === 4, shape);
      return {
        shape: [batch, channels, Math.floor(height / of.size), Math.floor(width / of.size)],
        operations: 0,
      };
    case 'spaceMean':
      expect(of, shape.length === 4, shape);
      return { shape: [batch, channels], operations: 0 };
    case 'timeMean':
    case 'lastTime':
      expect(of, shape.length === 3, shape);
      return { shape: [batch, last], operations: 0 };
    case 'flatten':
      return { shape: [batch, product(shape.slice(1))], operations: 0 };
    case 'rnn':
    case 'lstm':
    case 'gru': {
      expect(of, shape.length === 3 && last === of.in, shape);
      const gates = { rnn: 1, gru: 3, lstm: 4 }[of.layer];
      return { shape: [...rows, of.hidden], operations: count * gates * of.hidden * (of.in + of.hidden) };
    }
    case 'embedding':
      return { shape: [...shape, of.features], operations: 0 };
    case 'positions':
      expect(of, shape.length === 3 && channels === of.length && last === of.features, shape);
      return { shape, operations: 0 };
    case 'attention':
      expect(of, shape.length === 3 && last === of.features && last % of.heads === 0, shape);
      return { shape, operations: count * (4 * last * last + 2 * channels * last) };
    case 'residual': {
      const body = through(of.body, shape);
      const shortcut = through(of.shortcut ?? [], shape);
      expect(of, body.shape.join() === shortcut.shape.join(), shape);
      return { shape: body.shape, operations: body.operations + shortcut.operations };
    }
    default:
      return { shape, operations: 0 };
  }
}

function expect({ layer }: Layer, fits: boolean, shape: Shape): void {
  if (!fits) throw new Error(`${layer}: [${shape.join(', ')}] does not fit`);
}

function product(sizes: Shape): number {
  return sizes.reduce((all, size) => all * size, 1);
}
