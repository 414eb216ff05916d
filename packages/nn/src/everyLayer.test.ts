/**
 * Every layer that layers.ts exports: it comes back from plain data under its factory's name, and its first and second
 * derivatives by input and weights agree with central differences in float64.
 */
import { checkGradients } from '@ag/graph';
import { type Tensor, tensor, Variable } from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import * as activations from './activations.ts';
import * as nn from './index.ts';
import * as layers from './layers.ts';

const wave = (shape: number[], seed: number): Tensor => {
  const size = shape.reduce((n, x) => n * x, 1);
  return tensor(
    Float64Array.from({ length: size }, (_, i) => Math.sin(seed + 1.7 * i)),
    { shape },
  );
};

/** The layer as a function of its input and of all its parameters, by putting tensors in the variables' place. */
function asFunction(layer: nn.Module<never[], Tensor>, x: Tensor): void {
  const parameters = layer.parameters();
  const points = [x, ...parameters.map((variable, i) => wave([...variable.shape], i + 2).mul(0.5))];
  const value = Object.getOwnPropertyDescriptor(Variable.prototype, 'value')!;
  checkGradients(([input, ...weights]) => {
    parameters.forEach((variable, i) => {
      Object.defineProperty(variable, 'value', { get: () => weights[i], configurable: true });
    });
    try {
      return (layer as unknown as nn.Module).forward(input);
    } finally {
      for (const variable of parameters) Reflect.deleteProperty(variable, 'value');
    }
  }, points);
  expect(Object.getOwnPropertyDescriptor(Variable.prototype, 'value')).toEqual(value);
}

const float64 = { dtype: 'float64' } as const;

/** A layer, and the shape of an input at which it is differentiated; null where that would tell nothing. */
type Example = readonly [layer: nn.Module<never[], Tensor>, input: readonly number[] | null];

const factories = (module: object): string[] => Object.keys(module).filter((name) => /^[a-z]/.test(name));

const examples: Record<string, Example[]> = {
  ...Object.fromEntries(
    factories(activations).map((name) => [
      name,
      [[(activations[name as 'tanh'] as () => nn.Module)(), [2, 3]]],
    ]),
  ),
  elu: [[nn.elu(1.3), [2, 3]]],
  leakyRelu: [[nn.leakyRelu(0.1), [2, 3]]],
  gelu: [[nn.gelu('tanh'), [2, 3]]],
  softmax: [[nn.softmax(0), [2, 3]]],
  prelu: [[nn.prelu(3), null]],
  linear: [
    [nn.linear(3, 2, float64), [2, 3]],
    [nn.linear(3, 2, { bias: false }), null],
  ],
  conv1d: [
    [nn.conv1d(2, 1, 2, { ...float64, stride: 2 }), [1, 2, 5]],
    [nn.conv1d(2, 4, 3, { dilation: 2 }), null],
  ],
  conv2d: [[nn.conv2d(1, 2, 2, { ...float64, padding: 1 }), [1, 1, 3, 2]]],
  convTranspose2d: [
    [nn.convTranspose2d(1, 1, 2, { ...float64, stride: 2 }), [1, 1, 2, 2]],
    [nn.convTranspose2d(2, 4, 3, { stride: 2, outputPadding: 1 }), null],
  ],
  conv3d: [[nn.conv3d(1, 2, [1, 2, 2], { ...float64, padding: [0, 1, 0] }), [1, 1, 2, 2, 3]]],
  convTranspose1d: [[nn.convTranspose1d(2, 1, 3, { ...float64, stride: 2, padding: 1 }), [1, 2, 3]]],
  convTranspose3d: [
    [nn.convTranspose3d(1, 2, [1, 2, 1], { ...float64, stride: 2, outputPadding: 1 }), [1, 1, 1, 2, 2]],
  ],
  maxPool1d: [[nn.maxPool1d(3, { stride: 2 }), [1, 2, 6]]],
  maxPool3d: [[nn.maxPool3d([1, 2, 2]), [1, 1, 2, 2, 4]]],
  avgPool1d: [[nn.avgPool1d(2, { padding: 1, countPadding: false }), [1, 2, 5]]],
  avgPool3d: [[nn.avgPool3d(2), [1, 1, 2, 2, 4]]],
  adaptiveAvgPool1d: [[nn.adaptiveAvgPool1d(2), [1, 2, 5]]],
  adaptiveAvgPool3d: [[nn.adaptiveAvgPool3d([1, 2, 1]), [1, 1, 2, 3, 2]]],
  adaptiveMaxPool1d: [[nn.adaptiveMaxPool1d(2), [1, 2, 5]]],
  adaptiveMaxPool2d: [[nn.adaptiveMaxPool2d([2, 1]), [1, 1, 3, 4]]],
  adaptiveMaxPool3d: [[nn.adaptiveMaxPool3d(1), [1, 2, 2, 3, 2]]],
  avgPool2d: [[nn.avgPool2d(2), [1, 1, 4, 3]]],
  maxPool2d: [[nn.maxPool2d(3, { padding: 1 }), [1, 1, 4, 3]]],
  adaptiveAvgPool2d: [[nn.adaptiveAvgPool2d([2, 3]), [1, 1, 4, 3]]],
  batchNorm1d: [[nn.batchNorm1d(2, float64), [4, 2]]],
  batchNorm2d: [[nn.batchNorm2d(2, float64), [2, 2, 2, 1]]],
  batchNorm3d: [[nn.batchNorm3d(2, float64), [2, 2, 2, 1, 2]]],
  instanceNorm: [
    [nn.instanceNorm(2, { ...float64, affine: true }), [2, 2, 3]],
    [nn.instanceNorm(2, { trackStatistics: true, momentum: 0.2 }), null],
    [nn.instanceNorm(2), [1, 2, 2, 2]],
  ],
  layerNorm: [[nn.layerNorm(3, float64), [2, 3]]],
  groupNorm: [
    [nn.groupNorm(1, 2, float64), [2, 2, 2]],
    [nn.groupNorm(2, 4, { affine: false }), null],
  ],
  rmsNorm: [
    [nn.rmsNorm(3, float64), [2, 3]],
    [nn.rmsNorm([2, 3]), null],
  ],
  rnn: [
    [nn.rnn(2, 2, float64), [1, 3, 2]],
    [nn.rnn(2, 3, { activation: 'relu', bias: false }), null],
  ],
  lstm: [
    [nn.lstm(2, 2, float64), [1, 3, 2]],
    [nn.lstm(2, 3, { layers: 2, bidirectional: true, dtype: 'float64' }), null],
    [nn.lstm(2, 3, { projection: 2, dtype: 'float64' }), [1, 2, 2]],
  ],
  gru: [
    [nn.gru(2, 2, float64), [1, 3, 2]],
    [nn.gru(2, 3), null],
  ],
  rnnCell: [
    [nn.rnnCell(2, 2, float64), [2, 2]],
    [nn.rnnCell(2, 3, { activation: 'relu', bias: false }), null],
  ],
  // Gives a state of two tensors; see recurrentCells.test.ts.
  lstmCell: [[nn.lstmCell(2, 3, { bias: false }) as unknown as nn.Module, null]],
  gruCell: [
    [nn.gruCell(2, 2, float64), [2, 2]],
    [nn.gruCell(2, 3, { bias: false }), null],
  ],
  multiHeadAttention: [
    [nn.multiHeadAttention(4, 2, float64), [1, 2, 4]],
    [nn.multiHeadAttention(4, 2, { bias: false }), null],
    [nn.multiHeadAttention(4, 2, { kvHeads: 1, rotary: true, dtype: 'float64' }), [1, 2, 4]],
    [nn.multiHeadAttention(4, 2, { keyFeatures: 3, valueFeatures: 5, rotary: { base: 100 } }), null],
  ],
  crossAttention: [
    [nn.crossAttention(4, 2, { memoryFeatures: 3 }), null],
    [nn.crossAttention(4, 2, { kvHeads: 1, bias: false }), null],
  ],
  transformerEncoderLayer: [
    [nn.transformerEncoderLayer(4, 2, { normFirst: true, causal: true, activation: 'gelu' }), null],
  ],
  transformerDecoderLayer: [
    [nn.transformerDecoderLayer(4, 2, { normFirst: true, causal: false, activation: 'gelu' }), null],
  ],
  transformerDecoder: [[nn.transformerDecoder(4, 2, 2, { feedForward: 5, norm: true }), null]],
  embedding: [[nn.embedding(4, 2, { paddingIndex: 1 }), null]],
  dropout: [[nn.dropout(0.2), null]],
  dropout2d: [[nn.dropout2d(0.2), null]],
  alphaDropout: [[nn.alphaDropout(0.2), null]],
  upsample: [
    [nn.upsample({ scale: 2 }), [1, 1, 2, 2]],
    [nn.upsample({ size: [3, 5], mode: 'linear' }), [1, 1, 2, 3]],
    [nn.upsample({ size: 4, mode: 'linear', alignCorners: true }), [1, 2, 3]],
  ],
  pixelShuffle: [[nn.pixelShuffle(2), [1, 4, 2, 1]]],
  weightNorm: [
    [nn.weightNorm(nn.linear(3, 2, float64)), [2, 3]],
    [nn.weightNorm(nn.conv2d(2, 3, 2), { axis: 1 }), null],
    [nn.weightNorm(nn.gru(2, 3), { name: 'layers.0.0.hiddenWeight' }), null],
  ],
  spectralNorm: [
    [nn.spectralNorm(nn.linear(3, 2, float64)).eval(), [2, 3]],
    [nn.spectralNorm(nn.conv2d(2, 3, 2), { iterations: 3 }), null],
  ],
  flatten: [[nn.flatten(0, 1), [2, 2, 2]]],
  sequential: [[nn.sequential(nn.linear(3, 2, float64), nn.tanh()), [2, 3]]],
  residual: [[nn.residual(nn.linear(3, 3, float64)), [2, 3]]],
} as Record<string, Example[]>;

it('has an example of every layer', () => {
  expect(factories(layers).filter((name) => !(name in examples))).toEqual([]);
});

describe.each(Object.entries(examples))('%s', (name, given) => {
  it('comes back from plain data', () => {
    for (const [layer] of given) {
      const data = JSON.parse(JSON.stringify(layer));
      expect(data.layer).toBe(name);
      const copy = nn.fromJSON(data);
      expect(JSON.parse(JSON.stringify(copy))).toEqual(data);
      const shapes = (module: nn.AnyModule): unknown =>
        [...module.namedParameters()].map(([path, { shape, dtype }]) => [path, shape, dtype]);
      expect(shapes(copy)).toEqual(shapes(layer as nn.AnyModule));
    }
  });

  const differentiated = given.filter(([, input]) => input !== null);
  if (differentiated.length > 0) {
    it('has the right derivatives', () => {
      for (const [layer, input] of differentiated) asFunction(layer, wave([...input!], 1));
    });
  }
});
