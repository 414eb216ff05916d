/** W6: a convolutional network on MNIST, with channels first or last, as a library wants them. */
import { type Digits, digits } from './perceptrons.ts';
import { constant, random, type Values } from './problem.ts';

/**
 * Twice: a 5×5 convolution with padding 2, its bias, ReLU, 2×2 max-pooling; then a dense layer. Kernels are [5, 5, in,
 * out] and the dense weight [7 · 7 · channels, out] with channels last; [out, in, 5, 5] and [channels · 7 · 7, out] with
 * channels first, where the biases of the convolutions are [channels, 1, 1].
 */
export function convolutional(folder: string, channels: 'first' | 'last'): Digits {
  const first = random([25, 1, 16], 61, 0.2);
  const second = random([25, 16, 32], 62, 0.05);
  const dense = random([49, 32, 10], 63, 0.025);
  const parameters =
    channels === 'last'
      ? [
          reshaped(first, [5, 5, 1, 16]),
          constant([16]),
          reshaped(second, [5, 5, 16, 32]),
          constant([32]),
          reshaped(dense, [1568, 10]),
          constant([10]),
        ]
      : [
          reshaped(permuted(first, [2, 1, 0]), [16, 1, 5, 5]),
          constant([16, 1, 1]),
          reshaped(permuted(second, [2, 1, 0]), [32, 16, 5, 5]),
          constant([32, 1, 1]),
          reshaped(permuted(dense, [1, 0, 2]), [1568, 10]),
          constant([10]),
        ];
  return {
    ...digits(folder, 64),
    parameters,
    optimizer: 'adam',
    learningRate: 1e-3,
    lossAt: [0, 5, 30],
  };
}

function reshaped({ data }: Values, shape: readonly number[]): Values {
  return { data, shape };
}

/** `result[..., index along axes[i], ...] = values` with its three axes in another order. */
function permuted({ data, shape }: Values, axes: readonly [number, number, number]): Values {
  const strides = [shape[1] * shape[2], shape[2], 1];
  const [rows, columns, depth] = axes.map((axis) => shape[axis]) as [number, number, number];
  const result = new Float32Array(data.length);
  let to = 0;
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      for (let k = 0; k < depth; k++) {
        result[to++] = data[i * strides[axes[0]] + j * strides[axes[1]] + k * strides[axes[2]]];
      }
    }
  }
  return { data: result, shape: [rows, columns, depth] };
}
