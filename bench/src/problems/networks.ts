/** W12 to W17 as descriptions of networks, with what they are put together from. */
import type { Activation, Layer, Network } from './network.ts';

const adam = { optimizer: 'adam', learningRate: 1e-3, loss: 'crossEntropy', lossAt: [0, 1, 4] } as const;

const relu: Layer = { layer: 'relu' };
const halved: Layer = { layer: 'maxPool2d', size: 2 };

/** Linear layers with an activation between them. */
export function dense(sizes: readonly number[], activation: Activation, bias = true): Layer[] {
  return sizes
    .slice(1)
    .flatMap((out, i): Layer[] => [
      ...(i > 0 ? [{ layer: activation }] : []),
      { layer: 'linear', in: sizes[i], out, bias },
    ]);
}

/** A convolution that keeps the size at stride 1. */
export function conv(
  channels: number,
  out: number,
  size: number,
  more: { stride?: number; groups?: number } = {},
): Layer {
  return { layer: 'conv2d', in: channels, out, size, padding: (size - 1) / 2, ...more };
}

/** Pre-norm block: attention, then a network four times as wide. */
export function transformerBlock(
  features: number,
  heads: number,
  causal: boolean,
  activation: Activation,
  bias = true,
): Layer[] {
  const norm: Layer = { layer: 'layerNorm', features };
  return [
    { layer: 'residual', body: [norm, { layer: 'attention', features, heads, causal, bias }] },
    { layer: 'residual', body: [norm, ...dense([features, 4 * features, features], activation)] },
  ];
}

function languageModel(
  width: number,
  layers: number,
  heads: number,
  shape: readonly [number, number],
  vocabulary: number,
  more: { activation: Activation; bias: boolean },
): Network {
  return {
    ...adam,
    input: shape,
    tokens: vocabulary,
    target: shape,
    classes: vocabulary,
    layers: [
      { layer: 'embedding', count: vocabulary, features: width },
      { layer: 'positions', length: shape[1], features: width },
      ...Array.from({ length: layers }, () =>
        transformerBlock(width, heads, true, more.activation, more.bias),
      ).flat(),
      { layer: 'layerNorm', features: width },
      { layer: 'linear', in: width, out: vocabulary, bias: false },
    ],
  };
}

const groupNorm = (channels: number): Layer => ({ layer: 'groupNorm', groups: 8, channels });
const batchNorm = (channels: number): Layer => ({ layer: 'batchNorm2d', channels });

function residualBlock(channels: number, out: number, stride: number): Layer[] {
  return [
    {
      layer: 'residual',
      body: [conv(channels, out, 3, { stride }), groupNorm(out), relu, conv(out, out, 3), groupNorm(out)],
      ...(channels !== out && { shortcut: [conv(channels, out, 1, { stride })] }),
    },
    relu,
  ];
}

const normed = (layer: Layer, channels: number): Layer[] => [layer, batchNorm(channels), relu];

/** W12 to W17, by workload, then by case. */
export const networks: Readonly<Record<string, Readonly<Record<string, Network>>>> = {
  W12: {
    'LSTM 64→128, 32×50': {
      ...adam,
      input: [32, 50, 64],
      target: [32],
      classes: 10,
      layers: [
        { layer: 'lstm', in: 64, hidden: 128 },
        { layer: 'lastTime' },
        { layer: 'linear', in: 128, out: 10 },
      ],
    },
  },
  W13: {
    'residual, group norm, 32×3×32×32': {
      ...adam,
      input: [32, 3, 32, 32],
      target: [32],
      classes: 10,
      layers: [
        conv(3, 32, 3),
        groupNorm(32),
        relu,
        ...residualBlock(32, 32, 1),
        ...residualBlock(32, 64, 2),
        { layer: 'spaceMean' },
        { layer: 'linear', in: 64, out: 10 },
      ],
    },
  },
  W14: {
    'depthwise-separable, batch norm, 32×3×32×32': {
      ...adam,
      input: [32, 3, 32, 32],
      target: [32],
      classes: 10,
      layers: [
        ...normed(conv(3, 32, 3), 32),
        ...normed(conv(32, 32, 3, { groups: 32 }), 32),
        ...normed(conv(32, 64, 1), 64),
        ...normed(conv(64, 64, 3, { groups: 64, stride: 2 }), 64),
        ...normed(conv(64, 128, 1), 128),
        { layer: 'spaceMean' },
        { layer: 'linear', in: 128, out: 10 },
      ],
    },
  },
  W15: {
    'GPT, width 256, 4 layers, 8 heads, 4×128 tokens': languageModel(256, 4, 8, [4, 128], 1024, {
      activation: 'gelu',
      bias: true,
    }),
  },
  W16: {
    '784-2048-2048-10': {
      ...adam,
      input: [256, 784],
      target: [256],
      classes: 10,
      layers: dense([784, 2048, 2048, 10], 'relu'),
    },
  },
  W17: {
    'one sample, 784-512-256-10': {
      ...adam,
      loss: 'none',
      input: [1, 784],
      target: [1],
      layers: dense([784, 512, 256, 10], 'relu'),
    },
  },
};

const numbers = (batch: number, inputs: number, classes: number) =>
  ({ input: [batch, inputs], target: [batch], classes }) as const;

/** W1 to W9 in the same form, with dense random inputs, and W12 to W17. */
export const besidePyTorch: typeof networks = {
  W1: {
    'XOR 2-2-1, SGD': {
      input: [4, 2],
      target: [4, 1],
      layers: [...dense([2, 2, 1], 'sigmoid'), { layer: 'sigmoid' }],
      loss: 'squares',
      optimizer: 'sgd',
      learningRate: 0.1,
      lossAt: [0, 10, 100],
    },
  },
  W2: {
    '64×1000-100-10, SGD': {
      input: [64, 1000],
      target: [64, 10],
      layers: dense([1000, 100, 10], 'sigmoid', false),
      loss: 'squares',
      optimizer: 'sgd',
      learningRate: 1e-4,
      lossAt: [0, 10, 100],
    },
  },
  W3: {
    '13-10-1, batch 16, SGD': {
      input: [16, 13],
      target: [16, 1],
      layers: dense([13, 10, 1], 'sigmoid'),
      loss: 'meanSquare',
      optimizer: 'sgd',
      learningRate: 1e-2,
      lossAt: [0, 10, 100],
    },
  },
  W4: {
    '784-50-100-10, batch 100, SGD': {
      ...numbers(100, 784, 10),
      layers: dense([784, 50, 100, 10], 'sigmoid'),
      loss: 'crossEntropy',
      optimizer: 'sgd',
      learningRate: 0.1,
      lossAt: [0, 10, 100],
    },
  },
  W5: {
    '784-512-256-10, batch 128': {
      ...adam,
      ...numbers(128, 784, 10),
      layers: dense([784, 512, 256, 10], 'relu'),
    },
  },
  W6: {
    'two 5×5 convolutions, batch 64': {
      ...adam,
      input: [64, 1, 28, 28],
      target: [64],
      classes: 10,
      layers: [
        ...[conv(1, 16, 5), relu, halved],
        ...[conv(16, 32, 5), relu, halved],
        { layer: 'flatten' },
        { layer: 'linear', in: 1568, out: 10 },
      ],
    },
  },
  W9: {
    'transformer, width 128, 4 layers, 8×64 tokens': languageModel(128, 4, 4, [8, 64], 256, {
      activation: 'geluTanh',
      bias: false,
    }),
  },
  ...networks,
};
