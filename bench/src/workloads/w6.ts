/** W6: a convolutional network on MNIST: two 5×5 convolutions with max-pooling and a dense layer. */
import { crossEntropy } from '@ag/nn';
import { adam } from '@ag/optim';
import { conv2d, maxPool2d, tensor, Variable } from '@ag/tensor';
import { readImages } from '../data.ts';
import { randomArray } from '../numbers.ts';
import { train, trainingVariants, values, zeroParameter } from '../training.ts';
import type { Workload } from '../workload.ts';

const batchSize = 64;
/** Batches after which the first comes again. */
const batches = 900;

export const w6 = (data: string): Workload => ({
  variants: trainingVariants,
  cases: {
    'conv 5×5×16, conv 5×5×32, dense': (variant) => {
      const { x, labels } = readImages(data);
      const first = { weight: kernel(61, 1, 16, 0.2), bias: zeroParameter([16, 1, 1]) };
      const second = { weight: kernel(62, 16, 32, 0.05), bias: zeroParameter([32, 1, 1]) };
      const dense = { weight: denseWeight(63, 49, 32, 10, 0.025), bias: zeroParameter([10]) };
      return train(
        {
          loss: (input, target) => {
            const a = maxPool2d(
              conv2d(input!, first.weight.value, { padding: 2 }).add(first.bias.value).relu(),
              2,
            );
            const b = maxPool2d(
              conv2d(a, second.weight.value, { padding: 2 }).add(second.bias.value).relu(),
              2,
            );
            return crossEntropy(
              b.reshape([batchSize, 1568]).matmul(dense.weight.value).add(dense.bias.value),
              target!,
            );
          },
          optimizer: adam([first, second, dense].flatMap(({ weight, bias }) => [weight, bias])),
          batch: (step) => {
            const start = (step % batches) * batchSize;
            return [
              values(x.subarray(start * 784, (start + batchSize) * 784), [batchSize, 1, 28, 28]),
              tensor(labels.subarray(start, start + batchSize), { copy: false }),
            ];
          },
          lossAt: [0, 5, 30],
        },
        variant,
      );
    },
  },
});

/** [out, in, 5, 5] from numbers that are in the order [5, 5, in, out] for the participants with channels last. */
function kernel(seed: number, inputs: number, outputs: number, scale: number): Variable {
  const source = randomArray(seed, 25 * inputs * outputs, scale);
  const array = new Float32Array(source.length);
  for (let place = 0; place < 25; place++) {
    for (let i = 0; i < inputs; i++) {
      for (let o = 0; o < outputs; o++)
        array[(o * inputs + i) * 25 + place] = source[(place * inputs + i) * outputs + o]!;
    }
  }
  return new Variable(values(array, [outputs, inputs, 5, 5]));
}

/** [channels · places, out] from numbers in the order [places, channels, out]. */
function denseWeight(
  seed: number,
  places: number,
  channels: number,
  outputs: number,
  scale: number,
): Variable {
  const source = randomArray(seed, places * channels * outputs, scale);
  const array = new Float32Array(source.length);
  for (let place = 0; place < places; place++) {
    for (let c = 0; c < channels; c++) {
      for (let o = 0; o < outputs; o++) {
        array[(c * places + place) * outputs + o] = source[(place * channels + c) * outputs + o]!;
      }
    }
  }
  return new Variable(values(array, [places * channels, outputs]));
}
