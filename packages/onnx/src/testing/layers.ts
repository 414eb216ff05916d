/**
 * Every layer of `@ag/nn`, with an input, for exports. Weights are drawn with a fixed seed.
 */
import * as nn from '@ag/nn';
import { arange, manualSeed, normal, type Tensor } from '@ag/tensor';

export interface LayerExample {
  readonly name: string;
  readonly model: nn.AnyModule;
  readonly input: Tensor;
  /** Whether it needs to know how many examples there are. */
  readonly fixed: boolean;
}

class CausalAttention extends nn.Module {
  attention = nn.multiHeadAttention(8, 2);
  forward(x: Tensor): Tensor {
    return this.attention.forward(x, { causal: true });
  }
}

/** A step from a state that is the input. */
class CellStep extends nn.Module {
  readonly cell: nn.RnnCell | nn.GruCell;
  constructor(cell: nn.RnnCell | nn.GruCell) {
    super();
    this.cell = cell;
  }
  forward(x: Tensor): Tensor {
    return this.cell.forward(x, x);
  }
}

class LstmStep extends nn.Module {
  cell = nn.lstmCell(3, 3);
  forward(x: Tensor): Tensor {
    const { hidden, cell } = this.cell.forward(x, { hidden: x, cell: x });
    return hidden.add(cell);
  }
}

/** Layers whose shapes are worked out from that of the input. */
const fixedBatch = /instanceNorm|dropout2d|upsample|pixelShuffle|adaptiveMaxPool|adaptiveAvgPool[13]d/;

/** The examples, the same at each call. */
export function layerExamples(): LayerExample[] {
  manualSeed(7);
  const made: [string, nn.AnyModule, readonly number[]][] = [
    ['linear', nn.linear(3, 4), [2, 3]],
    ['linear of sequences, no bias', nn.linear(3, 4, { bias: false }), [2, 5, 3]],
    ['conv1d', nn.conv1d(2, 3, 3, { stride: 2, padding: 1 }), [2, 2, 9]],
    ['conv2d', nn.conv2d(2, 4, 3, { padding: 'same' }), [2, 2, 6, 5]],
    [
      'conv2d, grouped, strided, dilated',
      nn.conv2d(4, 6, [3, 2], { stride: 2, groups: 2, dilation: 2, padding: 2 }),
      [2, 4, 9, 8],
    ],
    [
      'convTranspose2d',
      nn.convTranspose2d(3, 2, 3, { stride: 2, padding: 1, outputPadding: 1 }),
      [2, 3, 4, 5],
    ],
    ['maxPool2d', nn.maxPool2d(3, { stride: 2, padding: 1 }), [2, 2, 7, 8]],
    ['avgPool2d', nn.avgPool2d(2), [2, 2, 6, 7]],
    [
      'avgPool2d, padding not counted',
      nn.avgPool2d(3, { padding: 1, stride: 2, countPadding: false }),
      [2, 2, 6, 7],
    ],
    ['adaptiveAvgPool2d', nn.adaptiveAvgPool2d([2, 3]), [2, 2, 5, 7]],
    ['adaptiveAvgPool2d, whole image', nn.adaptiveAvgPool2d(1), [2, 2, 5, 7]],
    ['batchNorm1d', nn.batchNorm1d(3), [4, 3]],
    ['batchNorm2d', nn.batchNorm2d(3), [2, 3, 4, 4]],
    ['batchNorm1d without statistics', nn.batchNorm1d(3, { trackStatistics: false }), [4, 3]],
    ['layerNorm', nn.layerNorm(6), [2, 3, 6]],
    ['rmsNorm', nn.rmsNorm([3, 6]), [2, 3, 6]],
    ['rnn', nn.rnn(3, 4, { activation: 'relu' }), [2, 5, 3]],
    ['lstm', nn.lstm(3, 4), [2, 5, 3]],
    ['lstm, two layers, both ways', nn.lstm(3, 4, { layers: 2, bidirectional: true }), [2, 25, 3]],
    ['gru', nn.gru(3, 4, { layers: 2 }), [2, 5, 3]],
    ['gru, both ways, no bias', nn.gru(3, 4, { bias: false, bidirectional: true }), [2, 5, 3]],
    ['multiHeadAttention', nn.multiHeadAttention(8, 2), [2, 5, 8]],
    ['causal attention', new CausalAttention(), [2, 5, 8]],
    [
      'transformerEncoderLayer',
      nn.transformerEncoderLayer(8, 2, { normFirst: true, causal: true, activation: 'gelu' }),
      [2, 5, 8],
    ],
    ['flatten', nn.flatten(), [2, 3, 4]],
    ['dropout', nn.dropout(0.5), [2, 3]],
    ['prelu', nn.prelu(3), [2, 3, 4]],
    ['residual', nn.residual(nn.linear(3, 3)), [2, 3]],
    ...(
      [
        'celu',
        'elu',
        'gelu',
        'hardSigmoid',
        'hardSwish',
        'leakyRelu',
        'logSoftmax',
        'mish',
        'relu',
        'selu',
        'sigmoid',
        'silu',
        'softmax',
        'softplus',
        'softsign',
        'tanh',
        'logSigmoid',
      ] as const
    ).flatMap((name): [string, nn.AnyModule, readonly number[]][] => {
      const make = (nn as unknown as { readonly [name: string]: (() => nn.AnyModule) | undefined })[name];
      return make ? [[name, make(), [3, 5]]] : [];
    }),
    ["gelu('tanh')", nn.gelu('tanh'), [3, 5]],
    [
      'a small convolutional network',
      nn.sequential(
        nn.conv2d(1, 4, 3),
        nn.batchNorm2d(4),
        nn.relu(),
        nn.maxPool2d(2),
        nn.flatten(),
        nn.linear(4 * 3 * 3, 5),
        nn.softmax(),
      ),
      [2, 1, 8, 8],
    ],
  ];
  const examples = made.map(([name, model, shape]) => ({
    name,
    model,
    input: normal(shape),
    fixed: /attention|transformer/i.test(name),
  }));
  examples.push({ name: 'groupNorm', model: nn.groupNorm(2, 4), input: normal([2, 4, 3]), fixed: true });
  examples.push({
    name: 'embedding',
    model: nn.embedding(7, 3),
    input: arange(0, 6, 1, { dtype: 'int32' }).reshape([2, 3]),
    fixed: false,
  });
  return [...examples, ...laterExamples()];
}

/** Those of layers that came later: the weights of the others are drawn as before. */
function laterExamples(): LayerExample[] {
  const made: [string, nn.AnyModule, readonly number[]][] = [
    ['batchNorm3d', nn.batchNorm3d(2), [2, 2, 3, 2, 2]],
    ['instanceNorm', nn.instanceNorm(3, { affine: true }), [2, 3, 4, 5]],
    ['lstm with a projection', nn.lstm(3, 4, { projection: 2 }), [2, 5, 3]],
    ['rnnCell', new CellStep(nn.rnnCell(3, 3)), [2, 3]],
    ['lstmCell', new LstmStep(), [2, 3]],
    ['gruCell', new CellStep(nn.gruCell(3, 3)), [2, 3]],
    ['dropout2d', nn.dropout2d(0.5), [2, 3, 4, 4]],
    ['alphaDropout', nn.alphaDropout(0.5), [2, 3]],
    ['upsample', nn.upsample({ scale: 2 }), [2, 3, 4, 4]],
    ['upsample, linear', nn.upsample({ size: [3, 7], mode: 'linear' }), [2, 3, 4, 4]],
    ['pixelShuffle', nn.pixelShuffle(2), [2, 8, 3, 2]],
    ['weightNorm', nn.weightNorm(nn.linear(3, 4)), [2, 3]],
    ['spectralNorm', nn.spectralNorm(nn.conv2d(2, 3, 2)), [2, 2, 4, 4]],
    [
      'conv3d',
      nn.conv3d(2, 4, [1, 2, 3], { groups: 2, padding: [0, 1, 1], stride: [1, 2, 1] }),
      [2, 2, 2, 4, 3],
    ],
    ['convTranspose1d', nn.convTranspose1d(2, 3, 3, { stride: 2, padding: 1, outputPadding: 1 }), [2, 2, 5]],
    ['convTranspose3d', nn.convTranspose3d(2, 1, 2, { stride: 2 }), [1, 2, 2, 3, 2]],
    ['maxPool1d', nn.maxPool1d(3, { stride: 2, padding: 1 }), [2, 3, 8]],
    ['maxPool3d', nn.maxPool3d(2), [2, 2, 2, 4, 5]],
    ['avgPool1d', nn.avgPool1d(3, { padding: 1, countPadding: false }), [2, 3, 8]],
    ['avgPool3d', nn.avgPool3d([1, 2, 2]), [2, 2, 2, 4, 5]],
    ['adaptiveAvgPool1d', nn.adaptiveAvgPool1d(3), [2, 3, 7]],
    ['adaptiveAvgPool3d', nn.adaptiveAvgPool3d([1, 2, 2]), [2, 2, 2, 3, 4]],
    ['adaptiveMaxPool1d', nn.adaptiveMaxPool1d(3), [2, 3, 6]],
    ['adaptiveMaxPool2d', nn.adaptiveMaxPool2d([2, 3]), [2, 2, 4, 6]],
    ['adaptiveMaxPool3d', nn.adaptiveMaxPool3d(1), [2, 2, 2, 3, 4]],
  ];
  return made.map(([name, model, shape]) => ({
    name,
    model,
    input: normal(shape),
    fixed: fixedBatch.test(name),
  }));
}
