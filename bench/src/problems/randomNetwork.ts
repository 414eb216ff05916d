/**
 * Networks drawn at random: from a seed a perceptron, a convolutional, a recurrent network or a transformer with any sizes,
 * activations, normalization and update rule. Steps take some milliseconds: what is too small or too large is drawn again.
 */
import { randomAt } from '../numbers.ts';
import type { Activation, Layer, Network } from './network.ts';
import { dense, transformerBlock } from './networks.ts';
import { operationsOf } from './shapes.ts';

export const families = ['perceptron', 'convolutional', 'recurrent', 'transformer'] as const;

export type Family = (typeof families)[number];

export interface RandomNetwork {
  readonly seed: number;
  readonly family: Family;
  /** Seed, family and layers in a few words. */
  readonly name: string;
  readonly network: Network;
}

/** Multiplications with additions of a forward pass: with fewer, PyTorch would be timed at calling its functions. */
const least = 1e7;
const most = 1e9;

export function randomNetwork(seed: number): RandomNetwork {
  const family = families[seed % families.length];
  for (let attempt = 0; ; attempt++) {
    const network = makers[family](new Draw(1e6 + 1000 * seed + attempt));
    const operations = operationsOf(network);
    if (operations < least || operations > most) continue;
    return { seed, family, name: `${seed} ${family}: ${textOf(network)}`, network };
  }
}

/** Numbers of one stream, each once. */
class Draw {
  #position = 0;
  readonly #seed: number;

  constructor(seed: number) {
    this.#seed = seed;
  }

  chance(probability: number): boolean {
    return this.#next() < probability;
  }

  of<T>(list: readonly T[]): T {
    return list[Math.floor(this.#next() * list.length)]!;
  }

  /** A whole number from `from` to `to`, small ones as likely as large ones. */
  size(from: number, to: number): number {
    return Math.min(to, Math.floor(from * ((to + 1) / from) ** this.#next()));
  }

  whole(from: number, to: number): number {
    return from + Math.floor(this.#next() * (to + 1 - from));
  }

  #next(): number {
    return randomAt(this.#seed, this.#position++);
  }
}

const activations: readonly Activation[] = ['relu', 'relu', 'gelu', 'geluTanh', 'tanh', 'sigmoid', 'silu'];

const makers: Readonly<Record<Family, (draw: Draw) => Network>> = {
  perceptron(draw) {
    const batch = draw.size(4, 512);
    const inputs = draw.size(8, 2048);
    const classes = draw.size(2, 200);
    const activation = draw.of(activations);
    const norm = draw.of(['none', 'none', 'batchNorm1d', 'layerNorm'] as const);
    const constant = draw.chance(0.4) ? draw.size(16, 1536) : null;
    const widths = Array.from({ length: draw.whole(1, 6) }, () => constant ?? draw.size(16, 1536));
    const residual = constant !== null && draw.chance(0.5);
    const layers: Layer[] = [];
    let before = inputs;
    for (const out of widths) {
      const part: Layer[] = [
        { layer: 'linear', in: before, out, bias: norm === 'none' || draw.chance(0.5) },
        ...(norm === 'batchNorm1d' ? [{ layer: norm, channels: out }] : []),
        ...(norm === 'layerNorm' ? [{ layer: norm, features: out }] : []),
        { layer: activation },
      ];
      layers.push(...(residual && before === out ? [{ layer: 'residual' as const, body: part }] : part));
      before = out;
    }
    layers.push({ layer: 'linear', in: before, out: classes });
    return { input: [batch, inputs], target: [batch], classes, layers, ...training(draw) };
  },

  convolutional(draw) {
    const batch = draw.size(2, 96);
    const inputs = draw.of([1, 3, 3, 4]);
    const height = draw.whole(12, 48);
    const width = draw.chance(0.7) ? height : draw.whole(12, 48);
    const classes = draw.size(2, 100);
    const activation = draw.of(activations);
    const norm = draw.of(['none', 'batchNorm2d', 'batchNorm2d', 'groupNorm'] as const);
    const kind = draw.of(['plain', 'plain', 'residual', 'separable', 'grouped'] as const);
    const unit = draw.of([4, 8, 8, 6]);
    let channels = unit * draw.whole(1, 6);
    const normed = (layer: Layer, out: number, active = true): Layer[] => [
      layer,
      ...(norm === 'batchNorm2d' ? [{ layer: norm, channels: out }] : []),
      ...(norm === 'groupNorm' ? [{ layer: norm, groups: unit / 2, channels: out }] : []),
      ...(active ? [{ layer: activation }] : []),
    ];
    const conv = (from: number, out: number, size: number, stride = 1, groups = 1): Layer => ({
      layer: 'conv2d',
      in: from,
      out,
      size,
      stride,
      padding: Math.floor(size / 2),
      groups,
      bias: norm === 'none',
    });
    const layers: Layer[] = normed(
      conv(inputs, channels, draw.of([3, 3, 5, 7]), draw.of([1, 1, 2])),
      channels,
    );
    for (let stage = draw.whole(1, 4); stage > 0; stage--) {
      const out = draw.chance(0.5) ? channels : unit * draw.whole(1, 16);
      const size = draw.of([3, 3, 3, 5, 1]);
      const stride = draw.of([1, 1, 2]);
      if (kind === 'residual') {
        const body = [
          ...normed(conv(channels, out, size, stride), out),
          ...normed(conv(out, out, 3), out, false),
        ];
        const shortcut =
          channels === out && stride === 1 ? {} : { shortcut: [conv(channels, out, 1, stride)] };
        layers.push({ layer: 'residual', body, ...shortcut }, { layer: activation });
      } else if (kind === 'separable') {
        layers.push(...normed(conv(channels, channels, draw.of([3, 5]), stride, channels), channels));
        layers.push(...normed(conv(channels, out, 1), out));
      } else {
        const groups = kind === 'grouped' ? unit / 2 : 1;
        layers.push(...normed(conv(channels, out, size, stride, groups), out));
      }
      channels = out;
    }
    if (draw.chance(0.3))
      layers.splice(layers.length, 0, { layer: draw.of(['maxPool2d', 'avgPool2d'] as const), size: 2 });
    layers.push({ layer: 'spaceMean' }, { layer: 'linear', in: channels, out: classes });
    return { input: [batch, inputs, height, width], target: [batch], classes, layers, ...training(draw) };
  },

  recurrent(draw) {
    const batch = draw.size(1, 96);
    const time = draw.size(5, 200);
    const kind = draw.of(['lstm', 'lstm', 'gru', 'rnn'] as const);
    const inputs = draw.size(4, 192);
    const classes = draw.size(2, 100);
    const tokens = draw.chance(0.4) ? draw.size(20, 2000) : undefined;
    const perStep = draw.chance(0.3);
    const layers: Layer[] =
      tokens === undefined ? [] : [{ layer: 'embedding', count: tokens, features: inputs }];
    let before = inputs;
    for (let depth = draw.whole(1, 2); depth > 0; depth--) {
      const hidden = draw.size(12, 320);
      layers.push({ layer: kind, in: before, hidden });
      before = hidden;
    }
    if (!perStep) layers.push({ layer: draw.of(['lastTime', 'lastTime', 'timeMean'] as const) });
    layers.push({ layer: 'linear', in: before, out: classes });
    return {
      input: tokens === undefined ? [batch, time, inputs] : [batch, time],
      ...(tokens !== undefined && { tokens }),
      target: perStep ? [batch, time] : [batch],
      classes,
      layers,
      ...training(draw),
    };
  },

  transformer(draw) {
    const batch = draw.size(1, 32);
    const time = draw.size(8, 320);
    const heads = draw.of([1, 2, 4, 4, 6, 8]);
    const features = heads * draw.of([16, 24, 32, 32, 40, 64]);
    const activation = draw.of(['relu', 'gelu', 'geluTanh', 'silu'] as const);
    const language = draw.chance(0.6);
    const causal = language || draw.chance(0.2);
    const inputs = draw.size(4, 64);
    const tokens = draw.size(30, 2000);
    const classes = language ? tokens : draw.size(2, 100);
    const blocks = Array.from({ length: draw.whole(1, 5) }, () =>
      transformerBlock(features, heads, causal, activation),
    );
    const layers: Layer[] = [
      language
        ? { layer: 'embedding', count: tokens, features }
        : { layer: 'linear', in: inputs, out: features },
      { layer: 'positions', length: time, features },
      ...blocks.flat(),
      { layer: 'layerNorm', features },
      ...(language ? [] : [{ layer: 'timeMean' } as const]),
      ...dense([features, classes], 'relu', !language),
    ];
    return {
      input: language ? [batch, time] : [batch, time, inputs],
      ...(language && { tokens }),
      target: language ? [batch, time] : [batch],
      classes,
      layers,
      ...training(draw),
    };
  },
};

function training(draw: Draw): Pick<Network, 'loss' | 'optimizer' | 'learningRate' | 'lossAt'> {
  const optimizer = draw.chance(0.75) ? 'adam' : 'sgd';
  return {
    loss: 'crossEntropy',
    optimizer,
    learningRate: optimizer === 'adam' ? 1e-3 : 1e-2,
    lossAt: [0, 1, 4],
  };
}

/** Input and layers in a few words, such as `32×3×20×20 conv2d 3→16 5/2 …`. */
export function textOf({ input, layers, optimizer }: Network): string {
  return `${input.join('×')} ${folded(layers.map(wordsOf)).join(' ')}, ${optimizer}`;
}

/** Parts that come several times one after the other stand there once: `4·[64→64 relu]`. */
function folded(words: readonly string[]): string[] {
  const result: string[] = [];
  for (let at = 0; at < words.length; ) {
    let [length, times] = [1, 1];
    for (let l = 1; l <= (words.length - at) / 2; l++) {
      const part = words.slice(at, at + l).join();
      let n = 1;
      while (words.slice(at + n * l, at + (n + 1) * l).join() === part) n++;
      if (n > 1 && n * l > times * length) [length, times] = [l, n];
    }
    const part = words.slice(at, at + length).join(' ');
    result.push(times === 1 ? part : `${times}·[${part}]`);
    at += length * times;
  }
  return result;
}

function wordsOf(of: Layer): string {
  switch (of.layer) {
    case 'linear':
      return `${of.in}→${of.out}`;
    case 'conv2d': {
      const { size, stride = 1, groups = 1 } = of;
      return `${size}×${size}:${of.in}→${of.out}${stride > 1 ? `/${stride}` : ''}${groups > 1 ? `g${groups}` : ''}`;
    }
    case 'groupNorm':
      return `groupNorm${of.groups}`;
    case 'rnn':
    case 'lstm':
    case 'gru':
      return `${of.layer} ${of.in}→${of.hidden}`;
    case 'embedding':
      return `embedding ${of.count}→${of.features}`;
    case 'attention':
      return `attention ${of.features}/${of.heads}${of.causal ? ' causal' : ''}`;
    case 'residual': {
      const text = (layers: readonly Layer[]): string => folded(layers.map(wordsOf)).join(' ');
      return `(${text(of.body)}${of.shortcut ? ` | ${text(of.shortcut)}` : ''})`;
    }
    default:
      return of.layer;
  }
}
