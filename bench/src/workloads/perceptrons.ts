/**
 * W4 and W5: fully connected networks on MNIST. Batches are views of the data set in JavaScript's memory, copied to the
 * device at each step; the variants with data on the device slice a tensor that was kept there.
 */
import { crossEntropy } from '@ag/nn';
import { adam, sgd } from '@ag/optim';
import { evaluate, type Tensor, tensor, type Variable } from '@ag/tensor';
import { readImages } from '../data.ts';
import { onDevice, parameter, train, trainingVariants, values, zeroParameter } from '../training.ts';
import type { Workload } from '../workload.ts';

const images = 60_000;
const pixels = 784;

interface Description {
  readonly name: string;
  readonly sizes: readonly number[];
  readonly batchSize: number;
  readonly activation: 'sigmoid' | 'relu';
  /** Of the first weight; each further weight has the next. */
  readonly seed: number;
  readonly optimizer: (parameters: Variable[]) => { step(): void };
  readonly lossAt: readonly number[];
}

export const w4 = (data: string): Workload =>
  perceptron(data, {
    name: '784-50-100-10',
    sizes: [784, 50, 100, 10],
    batchSize: 100,
    activation: 'sigmoid',
    seed: 41,
    optimizer: (parameters) => sgd(parameters, { learningRate: 0.1 }),
    lossAt: [0, 10, 100, 300],
  });

export const w5 = (data: string): Workload =>
  perceptron(data, {
    name: '784-512-256-10',
    sizes: [784, 512, 256, 10],
    batchSize: 128,
    activation: 'relu',
    seed: 51,
    optimizer: (parameters) => adam(parameters, { learningRate: 1e-3 }),
    lossAt: [0, 10, 30],
  });

function perceptron(
  data: string,
  { name, sizes, batchSize, activation, seed, optimizer, lossAt }: Description,
): Workload {
  return {
    variants: [...trainingVariants, ...onDevice],
    cases: {
      [name]: (variant) => {
        const layers = sizes.slice(1).map((outputs, i) => ({
          weight: parameter([sizes[i]!, outputs], seed + i, sizes[i]! ** -0.5),
          bias: zeroParameter([outputs]),
        }));
        const loss = (x: Tensor, y: Tensor): Tensor => {
          let h = x;
          layers.forEach(({ weight, bias }, i) => {
            h = h.matmul(weight.value).add(bias.value);
            if (i < layers.length - 1) h = h[activation]();
          });
          return crossEntropy(h, y);
        };
        return train(
          {
            loss: (x, y) => loss(x!, y!),
            optimizer: optimizer(layers.flatMap(({ weight, bias }) => [weight, bias])),
            batch: batches(data, batchSize, onDevice.includes(variant)),
            lossAt,
          },
          variant,
        );
      },
    },
  };
}

function batches(data: string, batchSize: number, kept: boolean): (step: number) => Tensor[] {
  const { x, labels } = readImages(data);
  const count = Math.floor(images / batchSize);
  if (kept) {
    const inputs = values(x, [images, pixels]).mul(1);
    const targets = tensor(labels).mul(1);
    evaluate([inputs, targets], { keep: true });
    return (step) => {
      const start = (step % count) * batchSize;
      return [inputs.slice(start, start + batchSize), targets.slice(start, start + batchSize)];
    };
  }
  return (step) => {
    const start = (step % count) * batchSize;
    return [
      values(x.subarray(start * pixels, (start + batchSize) * pixels), [batchSize, pixels]),
      tensor(labels.subarray(start, start + batchSize), { copy: false }),
    ];
  };
}
