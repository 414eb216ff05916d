/** W1: XOR with a 2-2-1 sigmoid network, all four samples at each step: what a step costs besides arithmetic. */
import { sgd } from '@ag/optim';
import { parameter, train, trainingVariants, values } from '../training.ts';
import type { Workload } from '../workload.ts';

export const w1: Workload = {
  variants: trainingVariants,
  cases: {
    '2-2-1': (variant) => {
      const x = values(Float32Array.of(0, 0, 0, 1, 1, 0, 1, 1), [4, 2]);
      const y = values(Float32Array.of(0, 1, 1, 0), [4, 1]);
      const parameters = [
        parameter([2, 2], 11, 1),
        parameter([2], 12, 1),
        parameter([2, 1], 13, 1),
        parameter([1], 14, 1),
      ];
      const [w1, b1, w2, b2] = parameters as [
        (typeof parameters)[0],
        (typeof parameters)[0],
        (typeof parameters)[0],
        (typeof parameters)[0],
      ];
      return train(
        {
          loss: () => {
            const hidden = x.matmul(w1.value).add(b1.value).sigmoid();
            return hidden.matmul(w2.value).add(b2.value).sigmoid().sub(y).square().sum();
          },
          optimizer: sgd(parameters, { learningRate: 0.1 }),
          batch: () => [],
          lossAt: [0, 10, 1000, 10_000],
        },
        variant,
      );
    },
  },
};
