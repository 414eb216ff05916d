/** W2: a two-layer network without biases on one batch of noise, the example many tutorials begin with. */
import { sgd } from '@ag/optim';
import { randomArray } from '../numbers.ts';
import { parameter, train, trainingVariants, values } from '../training.ts';
import type { Workload } from '../workload.ts';

export const w2: Workload = {
  variants: trainingVariants,
  cases: {
    '64×1000-100-10': (variant) => {
      const x = values(randomArray(21, 64_000, 1), [64, 1000]);
      const y = values(randomArray(22, 640, 1), [64, 10]);
      const first = parameter([1000, 100], 23, 0.05);
      const second = parameter([100, 10], 24, 0.1);
      return train(
        {
          loss: () => x.matmul(first.value).sigmoid().matmul(second.value).sub(y).square().sum(),
          optimizer: sgd([first, second], { learningRate: 1e-4 }),
          batch: () => [],
          lossAt: [0, 10, 100, 300],
        },
        variant,
      );
    },
  },
};
