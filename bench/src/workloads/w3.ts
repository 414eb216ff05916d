/**
 * W3: Boston housing, 13-10-1 with biases, mean square error, batches of 16 drawn at random: picked in JavaScript, or from
 * tensors on the device by their positions.
 */
import { sgd } from '@ag/optim';
import { evaluate, type Tensor, take, tensor } from '@ag/tensor';
import { readHouses } from '../data.ts';
import { randomAt } from '../numbers.ts';
import { onDevice, parameter, train, trainingVariants, values } from '../training.ts';
import type { Workload } from '../workload.ts';

const batchSize = 16;
const features = 13;
/** Steps after which the same draws come again. */
const draws = 4096;

export const w3 = (data: string): Workload => ({
  variants: [...trainingVariants, ...onDevice],
  cases: {
    '13-10-1': (variant) => {
      const { x, y } = readHouses(data);
      const rows = Int32Array.from({ length: draws * batchSize }, (_, i) =>
        Math.floor(randomAt(77, i) * y.length),
      );
      const hidden = { weight: parameter([13, 10], 31, 13 ** -0.5), bias: parameter([10], 32, 13 ** -0.5) };
      const output = { weight: parameter([10, 1], 33, 10 ** -0.5), bias: parameter([1], 34, 10 ** -0.5) };
      const optimizer = sgd([hidden.weight, hidden.bias, output.weight, output.bias], {
        learningRate: 1e-2,
      });
      const loss = (input: Tensor, target: Tensor): Tensor =>
        input
          .matmul(hidden.weight.value)
          .add(hidden.bias.value)
          .sigmoid()
          .matmul(output.weight.value)
          .add(output.bias.value)
          .sub(target)
          .square()
          .mean();
      const lossAt = [0, 10, 100, 1000];
      if (onDevice.includes(variant)) {
        const inputs = values(x, [y.length, features]).mul(1);
        const targets = values(y, [y.length, 1]).mul(1);
        evaluate([inputs, targets], { keep: true });
        return train(
          {
            loss: (picked) => loss(take(inputs, picked!), take(targets, picked!)),
            optimizer,
            batch: (step) => {
              const start = (step % draws) * batchSize;
              return [tensor(rows.subarray(start, start + batchSize), { copy: false })];
            },
            lossAt,
          },
          variant,
        );
      }
      return train(
        {
          loss: (input, target) => loss(input!, target!),
          optimizer,
          batch: (step) => {
            const inputs = new Float32Array(batchSize * features);
            const targets = new Float32Array(batchSize);
            const start = (step % draws) * batchSize;
            for (let i = 0; i < batchSize; i++) {
              const row = rows[start + i]!;
              for (let j = 0; j < features; j++) inputs[i * features + j] = x[row * features + j]!;
              targets[i] = y[row]!;
            }
            return [
              tensor(inputs, { shape: [batchSize, features], copy: false }),
              tensor(targets, { shape: [batchSize, 1], copy: false }),
            ];
          },
          lossAt,
        },
        variant,
      );
    },
  },
});
