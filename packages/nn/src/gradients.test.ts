/** First and second derivatives of layers by their inputs and weights, in float64 against central differences. */
import { checkGradients } from '@ag/graph';
import { type Tensor, tensor, Variable } from '@ag/tensor';
import { expect, it } from 'vitest';
import * as nn from './index.ts';

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
it.each<[string, nn.Module<never[], Tensor>, number[]]>([
  ['linear', nn.linear(3, 2, float64), [2, 3]],
  ['conv1d', nn.conv1d(2, 1, 2, { ...float64, stride: 2 }), [1, 2, 5]],
  ['conv2d', nn.conv2d(1, 2, 2, { ...float64, padding: 1 }), [1, 1, 3, 2]],
  ['convTranspose2d', nn.convTranspose2d(1, 1, 2, { ...float64, stride: 2 }), [1, 1, 2, 2]],
  ['avgPool2d', nn.avgPool2d(2), [1, 1, 4, 3]],
  ['batchNorm1d', nn.batchNorm1d(2, float64), [4, 2]],
  ['layerNorm', nn.layerNorm(3, float64), [2, 3]],
  ['groupNorm', nn.groupNorm(1, 2, float64), [2, 2, 2]],
  ['rmsNorm', nn.rmsNorm(3, float64), [2, 3]],
  ['rnn', nn.rnn(2, 2, float64), [1, 3, 2]],
  ['lstm', nn.lstm(2, 2, float64), [1, 3, 2]],
  ['gru', nn.gru(2, 2, float64), [1, 3, 2]],
  ['multiHeadAttention', nn.multiHeadAttention(4, 2, float64), [1, 2, 4]],
] as never)('%s', (_, layer, shape) => {
  asFunction(layer, wave(shape, 1));
});
